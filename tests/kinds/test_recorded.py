"""Decisions as documents: what stays in them, what gets a pseudonym, and that none is read wrongly."""

from dataclasses import fields, is_dataclass, replace
from typing import Any, get_args, get_type_hints
from zoneinfo import ZoneInfo

import pytest

from multicloud.decide import decide
from multicloud.decide.scale.policy import decide_policy
from multicloud.kinds.recorded import (
    KEPT,
    NAME_MEMBERS,
    SENTENCES,
    Recorded,
    RecordedPolicy,
    RecordedPool,
    recorded_decision,
    rendered_decision,
    without_sentences,
)
from multicloud.model.metric import JudgedPolicy
from multicloud.model.pods import Pending, Requirement, Taint, Toleration
from multicloud.model.policy import (
    Behavior,
    ExternalSeries,
    Fallback,
    FallbackBehavior,
    Measured,
    MetricSpec,
    Needed,
    PolicyHistory,
    PolicySpec,
    Reading,
    ScheduledBounds,
    Span,
    Target,
    TargetType,
    Used,
)
from multicloud.model.record import GONE
from multicloud.model.ref import Kind, ObjectKey
from multicloud.model.schedule import Schedule
from support.builders import NOW, member, seconds, snapshot
from support.pods import SHAPE, candidate, group, room, waiting
from support.scaling import DOWN, average, pending, policy, read, share, standing

KEY = ObjectKey(kind=Kind.POLICY, namespace="shop", name="load")
QUEUE = MetricSpec(
    name="queue",
    source=ExternalSeries(name="secret_depth", selector=(("team", "secret-team"),)),
    target=Target(type=TargetType.AVERAGE_VALUE, milli=30_000),
)
ALL_DAY = ScheduledBounds(
    name="day", when=Schedule(cron="0 0 * * *", zone=ZoneInfo("Europe/Berlin"), duration_s=86_400), min_replicas=4
)
EVERYTHING = policy(
    average("rps"),
    share("cpu"),
    pending(),
    QUEUE,
    behavior=Behavior(),
    schedules=(ALL_DAY,),
    fallback=Fallback(behavior=FallbackBehavior.AT_LEAST, replicas=7),
)


def judged(spec: PolicySpec, *readings: Reading) -> JudgedPolicy:
    history = PolicyHistory(
        spans=(Span(start=NOW - seconds(60), end=NOW - seconds(30), low=8, high=12, added=2),),
        failures=(("queue", 2),),
        desired=10,
    )
    here = standing(10)
    decision = decide_policy(spec, readings, here, history, NOW)
    return JudgedPolicy(
        spec=spec,
        standing=here,
        readings=readings,
        history=history,
        at=NOW,
        decision=decision,
        lasting=decision.history,
    )


def again(recorded: Recorded) -> Recorded:
    return recorded_decision(rendered_decision(recorded))


def test_a_policy_with_every_kind_of_metric_is_decided_again_as_it_was() -> None:
    made = judged(
        EVERYTHING,
        read("rps", 12.5),
        read("cpu", Used(used=7, total=10, units=10, missing_total=1, missing_units=1)),
        read("pending", Needed(units=13)),
        read("queue", DOWN),
    )
    found = again(RecordedPolicy.of(KEY, made))
    assert isinstance(found, RecordedPolicy)
    it = found.judged
    decided = decide_policy(it.spec, it.readings, it.standing, it.history, it.at)
    assert without_sentences(decided) == it.decision
    assert it.decision.desired == made.decision.desired == 13
    assert [type(metric.source) for metric in it.spec.metrics] == [type(one.source) for one in EVERYTHING.metrics]
    assert [type(one.found) for one in it.readings] == [type(one.found) for one in made.readings]


def test_pods_that_wait_are_packed_again_as_they_were_under_other_names() -> None:
    taint = Taint(key="secret-team", value="secret-a", effect="NoSchedule")
    shape = replace(
        SHAPE, labels={"secret-disk": "secret-fast"}, varied=frozenset({"secret-zone"}), taints=frozenset({taint})
    )
    picky: dict[str, Any] = {
        "selects": (Requirement(key="secret-disk", operator="In", values=("secret-fast",)),),
        "tolerates": (Toleration(key="secret-team", value="secret-a", effect=""),),
    }
    seen = Pending(
        clusters=(
            waiting(
                group(5, 1000, **picky),
                group(2, 1000, selects=(Requirement(key="secret-zone", operator="In", values=("secret-1",)),)),
                to=(candidate("web", 1, shape=shape, rooms=(room(1500),)), candidate("", 1, node_pool="secret-pool")),
                name="secret-cluster",
            ),
        ),
        unseen=("gone",),
    )
    made = judged(policy(pending()), read("pending", seen))
    text = rendered_decision(RecordedPolicy.of(KEY, made)).decode()
    assert "secret" not in text
    found = recorded_decision(text.encode())
    assert isinstance(found, RecordedPolicy)
    it = found.judged
    decided = decide_policy(it.spec, it.readings, it.standing, it.history, it.at)
    assert without_sentences(decided) == it.decision
    assert it.decision.history.floors == made.decision.history.floors
    assert made.decision.history.floors, "nothing was packed"


def test_queries_and_series_get_pseudonyms_and_names_in_kubernetes_stay() -> None:
    text = rendered_decision(RecordedPolicy.of(KEY, judged(EVERYTHING, read("queue", DOWN)))).decode()
    assert "secret" not in text
    assert DOWN.text not in text
    assert all(f'"{name}"' in text for name in ("shop", "load", "queue", "day", "0 0 * * *", "Europe/Berlin"))


def test_equal_words_get_equal_pseudonyms_in_the_order_of_the_words() -> None:
    seen = snapshot(member("b", 2), member("a", 3), replicas=5)
    first, second = (view.node_pool.name for view in seen.members)
    assert first > second
    record = RecordedPool.of(seen, decide(seen))
    (one, facts), (other, _) = ((view.node_pool, view.sight.proved) for view in record.snapshot.members)
    assert facts is not None
    assert one == facts.ref
    assert one.cluster == other.cluster
    assert one.name > other.name


def test_our_own_word_for_a_node_pool_that_is_gone_is_no_name() -> None:
    one = member("a", 3)
    assert one.record.claim is not None
    seen = snapshot(one.remembered(claim=replace(one.record.claim, incarnation=GONE)), replicas=5)
    (found,) = RecordedPool.of(seen, decide(seen)).snapshot.record.members
    assert found.claim is not None
    assert (found.claim.incarnation, found.claim.key[:5]) == (GONE, "name-")


def words(kind: Any, seen: set[type]) -> set[tuple[str, str]]:
    """Every field of a dataclass, and of those in it."""
    found: set[tuple[str, str]] = set()
    for part in get_args(kind) or (kind,):
        if get_args(part):
            found |= words(part, seen)
        elif is_dataclass(part) and isinstance(part, type) and part not in seen:
            seen.add(part)
            hints = get_type_hints(part)
            found |= {(part.__name__, one.name) for one in fields(part)}
            found |= {field for one in fields(part) for field in words(hints[one.name], seen)}
    return found


def test_every_field_that_is_let_through_or_left_out_is_one_that_there_is() -> None:
    there = words(RecordedPool, set()) | words(RecordedPolicy, set())
    assert there >= KEPT | SENTENCES
    assert not KEPT & SENTENCES
    assert not [field for field in KEPT if field[1] in NAME_MEMBERS]


@pytest.mark.parametrize(
    "document",
    [b"", b"{}", b"[]", b'{"kind": "MultiCloudPool"}', b'{"kind": "CloudAccount", "snapshot": {}}'],
    ids=["nothing", "empty", "a list", "no snapshot", "no such kind"],
)
def test_what_is_no_recording_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match="validation error"):
        recorded_decision(document)


def test_a_reading_is_not_taken_for_another_kind_of_reading() -> None:
    spec = policy(average("rps"))
    for found in (Measured(milli=5), Used(used=1, total=2, units=3), Needed(units=4), DOWN):
        made = judged(spec, replace(read("rps", 1), found=found))
        recorded = again(RecordedPolicy.of(KEY, made))
        assert isinstance(recorded, RecordedPolicy)
        assert recorded.judged.readings[0].found == without_sentences(found)
