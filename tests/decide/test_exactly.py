"""Plans compared in full, and decisions at the very moment at which they turn."""

from dataclasses import replace
from typing import Any

import pytest

from multicloud.decide import decide
from multicloud.model.override import Override, SeenOverride
from multicloud.model.plan import Headroom, MemberPlan, Plan, Stop
from multicloud.model.reason import Code, Reason
from multicloud.model.record import MemberRecord, PoolRecord, Released
from multicloud.model.size import Activity, OperationState, Sight
from multicloud.model.spec import CloudRange, Failover, WhenUnreachable
from support.builders import (
    NOW,
    WRITE_WINDOW_S,
    Member,
    asked,
    claim_of,
    intent,
    member,
    node_pool,
    of,
    operation,
    seconds,
    snapshot,
    unseen,
)

TIMED_OUT = Reason(code=Code.TIMED_OUT, text="no answer within 20 s")
JUST = seconds(0.001)
"""The smallest difference that counts here."""


def test_a_plan_before_everybody_was_looked_at_keeps_all_that_is_remembered() -> None:
    away = Reason(code=Code.ACCOUNT_NOT_FOUND, text="no such account")
    moving = (
        member("a", 5, min_nodes=1, max_nodes=40).remembered(intent=intent(5, 8)).viewed(sight=Sight(), fresh=False)
    )
    refused = unseen("b", max_nodes=7).viewed(refusal=away, sight=Sight(trouble=TIMED_OUT))
    resting = member("c", 3, units_per_node=2)
    released = Released(name="gone", node_pool="key", nodes=4, at=NOW)
    record = PoolRecord(observed_generation=7, requested=30, desired=31, released=(released,), past_wishes=())
    seen = snapshot(moving, refused, resting, replicas=30, record=record, paused=True)
    plan = decide(replace(seen, generation=9))
    remembered = (moving.record, MemberRecord(name="b"), resting.record)
    not_yet = Reason(code=Code.NOT_YET_OBSERVED, text="waiting until every member has been looked at once")
    assert plan.record == replace(record, observed_generation=9, members=remembered)
    assert plan.members == (
        part("a", moving.record, target=8, reason=not_yet, min_nodes=1, max_nodes=40),
        part("b", MemberRecord(name="b"), reason=away, refusal=away, trouble=TIMED_OUT, max_nodes=7),
        part("c", resting.record, target=3, reason=not_yet, max_nodes=100),
    )
    assert (plan.ready, plan.shortage, plan.limited_by, plan.unsafe, plan.wake_at, plan.settled) == (
        5 + 3 * 2,
        0,
        None,
        None,
        None,
        False,
    )
    assert plan.blocked is not None
    assert plan.blocked.code is Code.PAUSED


def part(name: str, record: MemberRecord, **told: Any) -> MemberPlan:
    silent: dict[str, Any] = {"target": None, "ask": None, "refusal": None, "trouble": None, "min_nodes": 0}
    return MemberPlan(name=name, record=record, **silent | told)


def test_a_released_member_and_an_override_are_kept_while_waiting() -> None:
    override = Override(min_replicas=9, max_replicas=None, until=NOW + seconds(3600), reason="INC-42")
    kept = PoolRecord(observed_generation=1, members=(member("gone", 4).record,))
    seen = snapshot(unseen("a"), record=kept, override=override)
    plan = decide(replace(seen, record=replace(kept, members=(*kept.members, MemberRecord(name="a")))))
    assert [(one.name, one.nodes, one.at) for one in plan.record.released] == [("gone", 4, NOW)]
    assert isinstance(plan.record.override, SeenOverride)


# The very moment


@pytest.mark.parametrize(
    ("late", "outcome"),
    [
        pytest.param(-JUST, None, id="within the window"),
        pytest.param(seconds(0), Code.NOT_EXECUTED, id="as it closes"),
        pytest.param(JUST, Code.NOT_EXECUTED, id="after it"),
    ],
)
def test_an_unanswered_intent_is_judged_as_the_window_closes(late: Any, outcome: Code | None) -> None:
    one = member("a", 5).remembered(intent=intent(5, 8, age_s=WRITE_WINDOW_S))
    now = NOW + late
    one = one.viewed(sight=replace(one.view.sight, read_at=now))
    last = of(decide(snapshot(one, replicas=5, now=now)), "a").record.last_resize
    assert (last.outcome.code if last else None) is outcome


def test_nor_by_a_read_of_which_nobody_knows_when() -> None:
    one = member("a", 5).remembered(intent=intent(5, 8, age_s=WRITE_WINDOW_S + 1))
    one = one.viewed(sight=replace(one.view.sight, read_at=None))
    assert of(decide(snapshot(one, replicas=5)), "a").record.intent is not None


@pytest.mark.parametrize(("late", "judged"), [(-JUST, False), (seconds(0), True)], ids=["before", "at the deadline"])
def test_a_size_that_shows_late_is_waited_for_until_the_deadline(late: Any, judged: bool) -> None:
    one = member("a", 5).remembered(intent=intent(5, 8, age_s=900, operation="op-1"))
    one = one.viewed(operation=operation("a", OperationState.DONE))
    assert (of(decide(snapshot(one, replicas=5, now=NOW + late)), "a").record.intent is None) is judged


@pytest.mark.parametrize(("late", "ask"), [(-JUST, {}), (seconds(0), {"b": 10})], ids=["before", "at the time"])
def test_others_grow_as_a_member_becomes_unreachable(late: Any, ask: dict[str, int]) -> None:
    failover = Failover(when_unreachable=WhenUnreachable.REPLACE, unreachable_after_s=600)
    away = member("a", 5).viewed(fresh=False)
    away = away.viewed(sight=replace(away.view.sight, trouble=TIMED_OUT))
    away = away.remembered(unseen_since=NOW - seconds(600))
    seen = snapshot(away, member("b", 5), replicas=10, now=NOW + late, failover=failover)
    assert asked(decide(seen)) == ask


@pytest.mark.parametrize(("late", "held"), [(-JUST, True), (seconds(0), False)], ids=["before", "as it ends"])
def test_a_hold_ends_at_its_time(late: Any, held: bool) -> None:
    one = member("a", 8).remembered(agreed=5, held_since=NOW - seconds(3600))
    record = of(decide(snapshot(one, replicas=5, now=NOW + late)), "a").record
    assert (record.held_since is not None) is held


@pytest.mark.parametrize(("late", "ask"), [(-JUST, {}), (seconds(0), {"a": 8})], ids=["before", "as it ends"])
def test_a_back_off_ends_at_its_time(late: Any, ask: dict[str, int]) -> None:
    one = member("a", 7, max_nodes=8).remembered(attempts=1, backoff_until=NOW)
    assert asked(decide(snapshot(one, replicas=8, now=NOW + late))) == ask


@pytest.mark.parametrize(("late", "ask"), [(-JUST, {}), (seconds(0), {"a": 4, "b": 16})], ids=["before", "at the time"])
def test_nodes_are_missing_at_their_time(late: Any, ask: dict[str, int]) -> None:
    one = member("a", 10).seen(nodes=4, ready=4).remembered(missing_from=NOW)
    assert asked(decide(snapshot(one, member("b", 10), replicas=20, now=NOW + late))) == ask


@pytest.mark.parametrize(("ready", "code"), [(4, Code.GROW_FOR_SHORTAGE), (5, Code.GROW_FOR_WISH)])
def test_the_minimum_itself_is_enough(ready: int, code: Code) -> None:
    one = member("a", 5, units_per_node=2).seen(ready=ready)
    assert of(decide(snapshot(one, replicas=20, min_replicas=10)), "a").reason.code is code


# Repairs


def sick(**seen: Any) -> Member:
    ten = member("a", 10, units_per_node=2).seen(activity=Activity.SICK, nodes=10, ready=4, **seen)
    return ten.remembered(missing_from=NOW - seconds(1), attempts=2, backoff_until=NOW)


@pytest.mark.parametrize(
    ("one", "fields", "ask"),
    [
        pytest.param(sick(), {}, 11, id="one node more"),
        pytest.param(sick(step=2), {}, 12, id="one step more"),
        pytest.param(sick(cloud_max=11), {}, 11, id="up to the cloud's own maximum"),
        pytest.param(sick(cloud_max=10), {}, 10, id="never above it"),
        pytest.param(sick(), {"max_replicas": 22}, 11, id="up to maxReplicas"),
        pytest.param(sick(), {"max_replicas": 21}, 10, id="never above maxReplicas"),
        pytest.param(sick(), {"headroom": Headroom(add=1, remove=0)}, 11, id="with room in the brake"),
        pytest.param(sick(), {"headroom": Headroom(add=0, remove=9)}, 10, id="the same size needs none"),
    ],
)
def test_how_far_a_repair_goes(one: Member, fields: dict[str, Any], ask: int) -> None:
    assert asked(decide(snapshot(one, replicas=20, **fields))) == {"a": ask}


def test_repairs_share_the_brake() -> None:
    two = sick()
    other = replace(
        two,
        view=replace(two.view, spec=replace(two.view.spec, name="b"), sight=Sight(proved=None)),
        record=replace(two.record, name="b", claim=claim_of(node_pool("b", 10))),
    )
    facts = node_pool("b", 10, activity=Activity.SICK, ready=4)
    other = other.viewed(sight=Sight(proved=facts, read_at=NOW, looked=True), node_pool=facts.ref)
    plan = decide(snapshot(two, other, replicas=40, headroom=Headroom(add=1, remove=0)))
    assert asked(plan) == {"a": 11, "b": 10}


def test_a_repair_counts_other_members_that_nobody_has_seen_as_nothing() -> None:
    refused = unseen("b").viewed(refusal=Reason(code=Code.ACCOUNT_NOT_FOUND, text="no such account"))
    assert asked(decide(snapshot(sick(), refused, replicas=20, max_replicas=22))) == {"a": 11}


# Growth


def test_growth_to_a_widened_range_may_undercut_the_clouds_minimum_on_its_way() -> None:
    one = member("a", 0, cloud_range=CloudRange.WIDEN).seen(cloud_min=5, cloud_max=50)
    assert asked(decide(snapshot(one, replicas=10, headroom=Headroom(add=3, remove=0)))) == {"a": 3}
    narrow = member("a", 0).seen(cloud_min=5, cloud_max=50)
    assert asked(decide(snapshot(narrow, replicas=10, headroom=Headroom(add=3, remove=0)))) == {}


def test_growth_uses_the_room_for_growing() -> None:
    seen = snapshot(member("a", 4), replicas=10, headroom=Headroom(add=2, remove=5))
    assert asked(decide(seen)) == {"a": 6}


def test_a_growth_that_the_brake_lets_through_in_whole_is_asked_in_whole() -> None:
    """Also where it is no multiple of the step: the present size may stay, and what is held lies on top."""
    odd = member("a", 4).seen(step=3).remembered(agreed=3, held_since=NOW)
    plan: Plan = decide(snapshot(odd, replicas=6, headroom=Headroom(add=5, remove=0), stop=Stop.NONE))
    assert asked(plan) == {"a": 9}
