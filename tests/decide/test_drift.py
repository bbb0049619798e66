"""Sizes that others set: held, corrected, reported; what a person's word does, and what is no drift at all."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from multicloud.decide import decide
from multicloud.decide.drift import MOST_CORRECTIONS
from multicloud.model.plan import Plan
from multicloud.model.reason import Code
from multicloud.model.record import Accepted, MemberRecord, PoolRecord
from multicloud.model.size import Activity, ReadySource
from multicloud.model.spec import Deficit, Detect, Drift, MemberState, Surplus, Word
from support.builders import NOW, Member, asked, intent, member, of, seconds, snapshot, targets

CORRECT = Drift(surplus=Surplus.CORRECT)
REPORT = Drift(surplus=Surplus.REPORT, deficit=Deficit.REPORT)
LONG_AGO = NOW - seconds(7200)


def moved(name: str, agreed: int, size: int, *, since: datetime | None = None, **spec: Any) -> Member:
    """A member that others moved from the agreed size; `since`: it is known to stand beside the plan."""
    one = member(name, size, **spec)
    return one.remembered(agreed=agreed, held_since=since, requested=agreed if since is None else size)


def three(agreed: int, size: int, **fields: Any) -> tuple[Member, ...]:
    """`a` was moved, `b` and `c` have what was agreed."""
    return moved("a", agreed, size, **fields), member("b", agreed), member("c", agreed)


def said(*names: str, at: datetime = NOW) -> frozenset[Word]:
    return frozenset(Word(member=name, at=at) for name in names)


def again(plan: Plan, *members: Member, **fields: Any) -> Plan:
    """The next pass over the same facts, with what the first one remembers."""
    known = {record.name: record for record in plan.record.members}
    kept = [replace(one, record=known[one.view.spec.name]) for one in members]
    return decide(snapshot(*kept, record=plan.record, **fields))


# Correct: a surplus leaves like any other, a few times an hour


def test_a_surplus_is_corrected_at_once() -> None:
    plan = decide(snapshot(*three(10, 14), replicas=30, drift=CORRECT))
    assert asked(plan) == {"a": 10}
    record = of(plan, "a").record
    assert (record.agreed, record.held_since, record.corrections) == (14, None, (NOW,))


@pytest.mark.parametrize(
    ("fields", "waits"),
    [
        pytest.param({"scale_in_paused": True}, Code.SCALE_IN_PAUSED, id="paused removals"),
        pytest.param({"max_nodes_per_step": 1}, None, id="one node a step"),
    ],
)
def test_a_correction_goes_through_the_gates(fields: dict[str, Any], waits: Code | None) -> None:
    plan = decide(snapshot(*three(10, 14), replicas=30, drift=CORRECT, **fields))
    assert (asked(plan), of(plan, "a").target) == ({} if waits else {"a": 13}, 10)
    if waits:
        assert of(plan, "a").reason.code is waits


def test_the_steps_of_a_correction_are_one() -> None:
    first = decide(snapshot(*three(10, 14), replicas=30, drift=CORRECT, max_nodes_per_step=1))
    later = replace(of(first, "a").record, agreed=13, requested=13)
    one = member("a", 13)
    plan = decide(snapshot(replace(one, record=later), member("b", 10), member("c", 10), replicas=30, drift=CORRECT))
    assert of(plan, "a").record.corrections == (NOW,)
    assert asked(plan) == {"a": 10}


@pytest.mark.parametrize(
    ("ages_s", "corrected"),
    [
        pytest.param([], True, id="the first"),
        pytest.param([3000, 1200], True, id="the third"),
        pytest.param([3000, 1200, 60], False, id="the fourth within an hour"),
        pytest.param([3600, 1200, 60], True, id="the fourth, an hour after the first"),
        pytest.param([9000, 8000, 7000, 3000, 60], True, id="old ones do not count"),
        pytest.param([-60, -60, -60], True, id="nor do those that have not been yet"),
    ],
)
def test_a_surplus_that_comes_back_is_corrected_three_times_an_hour(ages_s: list[float], corrected: bool) -> None:
    one = moved("a", 10, 14).remembered(corrections=tuple(NOW - seconds(age) for age in ages_s))
    plan = decide(snapshot(one, member("b", 10), member("c", 10), replicas=30, drift=CORRECT))
    assert (asked(plan) == {"a": 10}) is corrected
    drift = of(plan, "a").drift
    assert (drift.code if drift else None) == (None if corrected else Code.CORRECTIONS_SPENT)
    assert len(of(plan, "a").record.corrections) <= max(MOST_CORRECTIONS, len(ages_s))


def test_what_may_be_corrected_again_in_a_while_is_looked_at_then() -> None:
    lately = (NOW - seconds(3000), NOW - seconds(1200), NOW - seconds(60))
    one = moved("a", 10, 14).remembered(corrections=lately)
    plan = decide(snapshot(one, replicas=10, drift=CORRECT))
    assert (of(plan, "a").target, plan.wake_at) == (14, NOW + seconds(600))


# Report: the size stays until a person says what is meant


def test_a_reported_surplus_stays_on_top_and_nobody_shrinks_for_it() -> None:
    members = three(10, 14, since=LONG_AGO)
    plan = decide(snapshot(*members, replicas=30, drift=REPORT))
    assert (targets(plan), asked(plan)) == ({"a": 14, "b": 10, "c": 10}, {})
    assert of(plan, "a").reason.code is Code.SURPLUS_REPORTED
    assert plan.settled


def test_a_reported_deficit_is_asked_for_nowhere_and_the_shortage_shows() -> None:
    plan = decide(snapshot(*three(10, 7), replicas=30, drift=REPORT))
    assert (targets(plan), asked(plan)) == ({"a": 7, "b": 10, "c": 10}, {})
    assert (plan.shortage, plan.settled) == (3, False)
    assert plan.limited_by is not None
    assert {of(plan, "a").reason.code, plan.limited_by.code} == {Code.DEFICIT_REPORTED}
    record = of(plan, "a").record
    assert (record.agreed, record.held_since, record.moved_at) == (10, NOW, NOW)


def test_a_corrected_deficit_is_asked_for_again() -> None:
    assert asked(decide(snapshot(*three(10, 7), replicas=30))) == {"a": 10}


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        pytest.param(30, {"a": 7, "b": 10, "c": 10}, id="as before"),
        pytest.param(36, {"a": 9, "b": 12, "c": 12}, id="more: what was taken away stays missing"),
        pytest.param(24, {"a": 7, "b": 8, "c": 8}, id="less: the others first"),
        pytest.param(18, {"a": 6, "b": 6, "c": 6}, id="so few that nothing is missing"),
    ],
)
def test_a_reported_deficit_follows_the_wish(wish: int, expected: Mapping[str, int]) -> None:
    plan = decide(snapshot(*three(10, 7, since=LONG_AGO), replicas=wish, drift=REPORT))
    assert targets(plan) == expected


@pytest.mark.parametrize("wish", [24, 18, 9])
def test_nothing_goes_below_the_wish_for_a_reported_deficit(wish: int) -> None:
    plan = decide(snapshot(*three(10, 7, since=LONG_AGO), replicas=wish, drift=REPORT))
    after = {"a": 7, "b": 10, "c": 10} | asked(plan)
    assert sum(after.values()) >= wish


@pytest.mark.parametrize(
    ("minimum", "units", "expected"),
    [
        pytest.param(26, 1, 7, id="enough without"),
        pytest.param(28, 1, 8, id="as far as it is needed"),
        pytest.param(30, 1, 10, id="all of it"),
        pytest.param(55, 2, 8, id="in whole nodes"),
    ],
)
def test_min_replicas_stands_above_a_reported_deficit(minimum: int, units: int, expected: int) -> None:
    members = [one.wanted(units_per_node=units) for one in three(10, 7)]
    plan = decide(snapshot(*members, replicas=30 * units, min_replicas=minimum, drift=REPORT))
    assert targets(plan) == {"a": expected, "b": 10, "c": 10}


def test_the_minimum_takes_back_no_more_than_it_needs_of_several_deficits() -> None:
    members = (moved("a", 10, 7), moved("b", 10, 7), member("c", 10))
    plan = decide(snapshot(*members, replicas=30, min_replicas=26, drift=REPORT))
    assert targets(plan) == {"a": 9, "b": 7, "c": 10}


def test_a_surplus_elsewhere_serves_the_minimum_too() -> None:
    members = (moved("a", 10, 7), moved("b", 10, 13), member("c", 10))
    plan = decide(snapshot(*members, replicas=30, min_replicas=30, drift=REPORT))
    assert asked(plan) == {}


def test_steps_of_a_node_pool_are_kept_below_the_plan() -> None:
    one = moved("a", 12, 9).seen(step=3)
    plan = decide(snapshot(one, replicas=14, min_replicas=10, drift=REPORT))
    assert of(plan, "a").target in {9, 12}


def test_a_deficit_of_a_drained_member_is_what_was_wished() -> None:
    one = moved("a", 10, 7, state=MemberState.DRAIN)
    record = of(decide(snapshot(one, member("b", 10), replicas=10, drift=REPORT)), "a").record
    assert (record.agreed, record.held_since) == (7, None)


def test_a_sick_member_is_not_repaired_with_the_nodes_that_were_taken_away() -> None:
    one = moved("a", 10, 7, since=LONG_AGO).seen(activity=Activity.SICK, ready=5)
    one = one.remembered(missing_from=LONG_AGO, attempts=2, backoff_until=NOW - seconds(1))
    assert asked(decide(snapshot(one, replicas=10, drift=REPORT))) == {"a": 7}


@pytest.mark.parametrize(
    ("size", "agreed", "since"),
    [
        pytest.param(10, 10, None, id="all of it given back"),
        pytest.param(9, 10, LONG_AGO, id="some of it"),
        pytest.param(5, 10, LONG_AGO, id="more taken"),
        pytest.param(12, 10, NOW, id="given back and more: a surplus from now on"),
    ],
)
def test_a_deficit_that_others_move_on(size: int, agreed: int, since: datetime | None) -> None:
    one = moved("a", 10, 7, since=LONG_AGO).seen(requested=size, nodes=size, ready=size)
    record = of(decide(snapshot(one, replicas=10, drift=REPORT)), "a").record
    assert (record.agreed, record.held_since) == (agreed, since)


@pytest.mark.parametrize(
    ("origin", "target", "size", "agreed"),
    [
        pytest.param(7, 9, 9, 12, id="grown with the wish, what was taken is still missing"),
        pytest.param(7, 5, 5, 8, id="shrunk with the wish"),
        pytest.param(7, 9, 7, 10, id="not executed"),
    ],
)
def test_our_own_resize_keeps_what_is_missing(origin: int, target: int, size: int, agreed: int) -> None:
    asked_for = intent(origin, target, age_s=60)
    one = moved("a", 10, origin, since=LONG_AGO).remembered(intent=asked_for)
    one = one.seen(requested=size, nodes=size, ready=size)
    record = of(decide(snapshot(one, replicas=10, drift=REPORT)), "a").record
    assert (record.intent, record.agreed, record.held_since) == (None, agreed, LONG_AGO)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param(Drift(), {"a": 14}, id="hold, for longer than holdSeconds"),
        pytest.param(CORRECT, {"a": 14}, id="correct"),
    ],
)
def test_another_answer_in_spec_counts_at_once(changed: Drift, expected: Mapping[str, int]) -> None:
    plan = decide(snapshot(moved("a", 10, 14, since=LONG_AGO), replicas=14, drift=changed))
    assert targets(plan) == expected
    assert of(plan, "a").record.held_since is None


# A person's word


def test_accepted_nodes_stay_and_the_others_carry_less() -> None:
    members = three(10, 14, since=LONG_AGO)
    plan = decide(snapshot(*members, replicas=30, drift=replace(REPORT, accepted=said("a"))))
    assert targets(plan) == {"a": 14, "b": 8, "c": 8}
    part = of(plan, "a")
    assert (part.record.agreed, part.record.held_since, part.drift) == (14, None, None)
    assert part.record.accepted == Accepted(units=30, at=NOW)
    assert part.reason.code is Code.DRIFT_ACCEPTED


def test_an_accepted_loss_is_carried_by_the_others() -> None:
    members = three(10, 7, since=LONG_AGO)
    plan = decide(snapshot(*members, replicas=30, drift=replace(REPORT, accepted=said("*"))))
    assert targets(plan) in ({"a": 7, "b": 12, "c": 11}, {"a": 7, "b": 11, "c": 12})


def test_accepted_nodes_are_found_where_nobody_chose_a_number() -> None:
    held = decide(snapshot(*three(10, 10))).record
    assert held.desired is not None
    record = replace(held, requested=30, desired=30)
    members = three(10, 14, since=LONG_AGO)
    plan = decide(snapshot(*members, record=record, drift=replace(REPORT, accepted=said("a"))))
    assert (plan.record.desired, targets(plan)) == (34, {"a": 14, "b": 10, "c": 10})
    next_plan = again(plan, *members, drift=replace(REPORT, accepted=said("a")))
    assert (next_plan.record.desired, asked(next_plan)) == (34, {})


@pytest.mark.parametrize(("size", "expected"), [(14, {"a": 10}), (7, {"a": 10})], ids=["surplus", "deficit"])
def test_what_is_to_be_corrected_goes_back_by_ordinary_scaling(size: int, expected: Mapping[str, int]) -> None:
    members = three(10, size, since=LONG_AGO)
    drift = replace(REPORT, corrected=said("a", "nobody"))
    assert asked(decide(snapshot(*members, replicas=30, drift=drift))) == expected


@pytest.mark.parametrize("drift", [Drift(), CORRECT], ids=["held", "corrections spent"])
def test_a_word_counts_in_every_mode(drift: Drift) -> None:
    lately = (NOW - seconds(30), NOW - seconds(20), NOW - seconds(10))
    one = moved("a", 10, 14, since=NOW - seconds(5)).remembered(corrections=lately)
    corrected = decide(snapshot(one, replicas=10, drift=replace(drift, corrected=said("a"))))
    assert asked(corrected) == {"a": 10}
    accepted = decide(snapshot(one, replicas=10, drift=replace(drift, accepted=said("a"))))
    assert targets(accepted) == {"a": 14}


@pytest.mark.parametrize(
    ("at", "since", "moved_at", "counts"),
    [
        pytest.param(NOW, LONG_AGO, None, True, id="said afterwards"),
        pytest.param(LONG_AGO, LONG_AGO, None, True, id="said at that moment"),
        pytest.param(LONG_AGO - seconds(1), LONG_AGO, None, False, id="said before it began"),
        pytest.param(LONG_AGO + seconds(1), LONG_AGO, NOW - seconds(60), False, id="said before they moved it again"),
        pytest.param(NOW + seconds(60), LONG_AGO, None, False, id="not said yet"),
    ],
)
def test_a_word_counts_for_what_others_did_before_it(
    at: datetime, since: datetime, moved_at: datetime | None, counts: bool
) -> None:
    one = moved("a", 10, 14, since=since).remembered(moved_at=moved_at)
    plan = decide(snapshot(one, replicas=10, drift=replace(REPORT, corrected=said("a", at=at))))
    assert (asked(plan) == {"a": 10}) is counts
    if at > NOW:
        assert plan.wake_at == at


def test_a_word_is_about_the_size_that_status_showed() -> None:
    one = moved("a", 10, 14, since=LONG_AGO).seen(requested=20, nodes=20, ready=20)
    plan = decide(snapshot(one, replicas=10, drift=replace(REPORT, corrected=said("a"))))
    record = of(plan, "a").record
    assert (record.agreed, record.held_since, of(plan, "a").target) == (14, NOW, 16)


def test_a_word_that_stands_for_ever_counts_once() -> None:
    drift = replace(REPORT, corrected=said("*"))
    first = decide(snapshot(moved("a", 10, 14, since=LONG_AGO), replicas=14, drift=drift))
    later = replace(member("a", 18), record=of(first, "a").record)
    plan = decide(snapshot(later, now=NOW + seconds(60), replicas=14, drift=drift))
    assert (of(plan, "a").target, asked(plan)) == (18, {})
    assert of(plan, "a").drift is not None


@pytest.mark.parametrize(
    ("accepted_at", "corrected_at", "kept"),
    [(NOW, NOW - seconds(5), True), (NOW - seconds(5), NOW, False), (NOW, NOW, True)],
    ids=["accepted last", "corrected last", "both at once: no node moves"],
)
def test_the_last_word_counts(accepted_at: datetime, corrected_at: datetime, kept: bool) -> None:
    drift = replace(REPORT, accepted=said("a", at=accepted_at), corrected=said("a", at=corrected_at))
    plan = decide(snapshot(moved("a", 10, 14, since=LONG_AGO), replicas=10, drift=drift))
    assert of(plan, "a").target == (14 if kept else 10)


def accepted(size: int, *, units: int = 10, **spec: Any) -> Member:
    return member("a", size, **spec).remembered(accepted=Accepted(units=units, at=LONG_AGO))


@pytest.mark.parametrize(
    ("one", "fields", "target"),
    [
        pytest.param(accepted(14), {}, 14, id="while the same is wished"),
        pytest.param(accepted(14), {"replicas": 9}, 9, id="another wish is planned anew"),
        pytest.param(accepted(7), {"replicas": 20}, 20, id="also a larger one"),
        pytest.param(accepted(14, max_nodes=12), {}, 10, id="outside the bounds nothing is agreed to"),
        pytest.param(accepted(14, state=MemberState.DRAIN), {}, 10, id="a member that is drained"),
        pytest.param(accepted(7), {"min_replicas": 8}, 10, id="minReplicas stands above"),
        pytest.param(accepted(14), {"drift": Drift(corrected=said("a"))}, 10, id="until somebody corrects it"),
        pytest.param(
            accepted(14),
            {"drift": Drift(corrected=said("a", at=LONG_AGO - seconds(1)))},
            14,
            id="a correction from before is over",
        ),
    ],
)
def test_an_accepted_size_stays(one: Member, fields: dict[str, Any], target: int) -> None:
    plan = decide(snapshot(one, record=PoolRecord(requested=10, desired=10), **{"replicas": 10, **fields}))
    assert of(plan, "a").target == target
    assert (of(plan, "a").record.accepted is not None) is (target == one.record.agreed)


def test_others_move_an_accepted_size_too() -> None:
    one = accepted(14).seen(requested=12, nodes=12, ready=12)
    record = of(decide(snapshot(one, replicas=10)), "a").record
    assert (record.agreed, record.accepted) == (12, None)


# Who moves it again and again, where the cloud does not tell

GROUPED: dict[str, Any] = {"groups": ("eks-web-1",)}


def scaled(size: int, *, before: int = 10, moved_s_ago: float | None = 600, **spec: Any) -> Member:
    """A member of a cloud that tells of no autoscaling, whose size others moved just now, and once before."""
    moved_at = None if moved_s_ago is None else NOW - seconds(moved_s_ago)
    one = member("a", before, **spec).seen(**GROUPED, requested=size, nodes=size, ready=size)
    return one.remembered(moved_at=moved_at)


@pytest.mark.parametrize(
    ("one", "stopped"),
    [
        pytest.param(scaled(12), True, id="twice within half an hour"),
        pytest.param(scaled(12, moved_s_ago=1800), True, id="just within"),
        pytest.param(scaled(12, moved_s_ago=1801), False, id="not within"),
        pytest.param(scaled(12, moved_s_ago=None), False, id="once"),
        pytest.param(scaled(12, moved_s_ago=-5), False, id="a move that has not been yet"),
        pytest.param(scaled(10), False, id="not again"),
        pytest.param(scaled(8), True, id="downwards"),
        pytest.param(scaled(12).seen(groups=()), False, id="where the cloud would tell"),
        pytest.param(scaled(12, detect_autoscaler=Detect.OFF), False, id="somebody says that there is none"),
        pytest.param(scaled(12).seen(activity=Activity.BUSY), False, id="within an update"),
        pytest.param(
            scaled(12).remembered(foreign_since=LONG_AGO, foreign_until=NOW - seconds(60)), False, id="right after one"
        ),
        pytest.param(scaled(12).viewed(fresh=False), False, id="not looked at lately"),
        pytest.param(scaled(12, state=MemberState.FROZEN), False, id="frozen"),
        pytest.param(scaled(14).remembered(intent=intent(10, 14, age_s=60)), False, id="our own resize"),
        pytest.param(
            scaled(13).remembered(requested=13, intent=intent(10, 14, age_s=60)), True, id="our own resize, thwarted"
        ),
    ],
)
def test_two_moves_of_others_within_half_an_hour_stop_a_member(one: Member, stopped: bool) -> None:
    part = of(decide(snapshot(one, member("b", 10), replicas=30)), "a")
    assert (part.refusal is not None and part.refusal.code is Code.FOREIGN_SCALER) is stopped
    if stopped:
        assert (part.ask, part.record.scaler_since, part.record.moved_at) == (None, NOW, NOW)
        assert (part.record.agreed, part.record.held_since) == (part.record.requested, None)


STOPPED = member("a", 12).seen(**GROUPED, ready=9).remembered(scaler_since=LONG_AGO, moved_at=LONG_AGO)


def test_a_stopped_member_counts_with_what_is_ready() -> None:
    plan = decide(snapshot(STOPPED, member("b", 10), replicas=24))
    assert (of(plan, "a").target, asked(plan)) == (12, {"b": 15})


@pytest.mark.parametrize(
    ("detect", "fields", "refusal"),
    [
        pytest.param(Detect.AUTO, {}, Code.FOREIGN_SCALER, id="nobody said anything"),
        pytest.param(Detect.ON, {}, Code.AUTOSCALER_ON, id="there is one"),
        pytest.param(Detect.OFF, {}, None, id="there is none"),
        pytest.param(Detect.AUTO, {"drift": Drift(accepted=said("a"))}, None, id="accepted"),
        pytest.param(Detect.AUTO, {"drift": Drift(corrected=said("*"))}, None, id="corrected"),
        pytest.param(
            Detect.AUTO,
            {"drift": Drift(accepted=said("a", at=LONG_AGO - seconds(1)))},
            Code.FOREIGN_SCALER,
            id="a word from before",
        ),
    ],
)
def test_a_person_says_who_moves_it(detect: Detect, fields: dict[str, Any], refusal: Code | None) -> None:
    part = of(decide(snapshot(STOPPED.wanted(detect_autoscaler=detect), replicas=12, **fields)), "a")
    assert (part.refusal.code if part.refusal else None) == refusal
    assert (part.record.scaler_since is not None) is (refusal is Code.FOREIGN_SCALER)
    assert (part.record.accepted is not None) is bool(
        "drift" in fields and fields["drift"].accepted and refusal is None
    )


def test_a_word_is_over_once_it_moves_on() -> None:
    one = STOPPED.seen(requested=15, nodes=15, ready=15)
    drift = Drift(accepted=said("a", at=NOW - seconds(60)))
    first = decide(snapshot(one, replicas=12))
    assert of(first, "a").record.moved_at == NOW
    plan = again(first, one, replicas=12, drift=drift)
    assert of(plan, "a").refusal is not None


# What is no drift

UPGRADED: dict[str, Any] = {"requested": 12, "nodes": 12, "activity": Activity.BUSY}


def remembers(**changes: Any) -> Member:
    return member("a", 10).remembered(**changes)


@pytest.mark.parametrize("drift", [Drift(), CORRECT, REPORT], ids=["Hold", "Correct", "Report"])
@pytest.mark.parametrize(
    "one",
    [
        pytest.param(remembers().seen(**UPGRADED), id="an upgrade with its surge"),
        pytest.param(remembers().seen(requested=8, activity=Activity.BUSY), id="an operation that takes nodes away"),
        pytest.param(
            remembers(foreign_since=LONG_AGO, foreign_until=NOW - seconds(599)).seen(requested=12),
            id="ten minutes after an upgrade",
        ),
        pytest.param(
            remembers(foreign_since=LONG_AGO).seen(requested=8), id="the first look after an operation that took some"
        ),
        pytest.param(remembers().seen(nodes=9, ready=8), id="spot machines that are being replaced"),
        pytest.param(remembers().seen(nodes=12, ready=10), id="a replacement that came before the old one went"),
        pytest.param(remembers().seen(nodes=7, ready=7), id="our own nodes that come late"),
        pytest.param(
            remembers().seen(nodes=13, ready=13, ready_source=ReadySource.KUBERNETES), id="nodes that go late"
        ),
        pytest.param(
            remembers(intent=intent(10, 14, operation="op-1")).seen(requested=12, nodes=11, activity=Activity.BUSY),
            id="our own resize on its way",
        ),
        pytest.param(remembers().seen(requested=14).viewed(fresh=False), id="facts that are too old"),
    ],
)
def test_what_is_no_drift(drift: Drift, one: Member) -> None:
    record = of(decide(snapshot(one, replicas=10, drift=drift)), "a").record
    assert (record.agreed, record.held_since, record.moved_at, record.corrections) == (10, None, None, ())


def test_what_an_operation_left_is_drift_after_ten_minutes() -> None:
    one = remembers(foreign_since=LONG_AGO, foreign_until=NOW - seconds(600)).seen(requested=12, nodes=12, ready=12)
    record = of(decide(snapshot(one, replicas=10)), "a").record
    assert (record.agreed, record.held_since) == (10, NOW)


def test_what_is_remembered_of_a_new_node_pool_is_nothing() -> None:
    one = remembers(accepted=Accepted(units=10, at=NOW), corrections=(NOW,), held_since=NOW, moved_at=NOW)
    record = of(decide(snapshot(one.seen(incarnation="a-2"), replicas=10)), "a").record
    assert record == MemberRecord(
        name="a", claim=record.claim, agreed=10, adoption_floor=10, requested=10, nodes=10, ready=10
    )
