"""What became of a member: taking over, intents, drift and adoption floors."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from multicloud.decide import decide
from multicloud.model.plan import MemberPlan
from multicloud.model.reason import Code, Reason
from multicloud.model.record import MemberRecord
from multicloud.model.size import Activity, CapacityType, OperationState, Sight
from multicloud.model.spec import Adoption, CloudRange, Drift
from support.builders import (
    NOW,
    WRITE_WINDOW_S,
    Member,
    claim_of,
    found,
    intent,
    member,
    node_pool,
    of,
    operation,
    seconds,
    snapshot,
)

STOPPED = Reason(code=Code.NODE_POOL_STOPPED, text="start it")
TAKEN = Reason(code=Code.NODE_POOL_CLAIMED, text="another pool has it")


def judged(one: Member, **spec: object) -> MemberPlan:
    """The member's part of a plan that wishes for nothing else."""
    return of(decide(snapshot(one, **spec)), one.view.spec.name)


# Taking over


def test_a_node_pool_seen_first_is_taken_over_at_its_size() -> None:
    record = judged(found("a", 4)).record
    assert record.claim is not None
    assert (record.claim.since, record.agreed, record.adoption_floor) == (NOW, 4, 4)


def test_a_node_pool_found_in_the_middle_of_an_operation_is_taken_over_at_the_size_that_it_leaves() -> None:
    one = found("a", 4).seen(activity=Activity.BUSY)
    busy = judged(one).record
    assert (busy.claim is not None, busy.agreed, busy.adoption_floor) == (True, None, 4)
    idle = replace(one.seen(activity=Activity.IDLE, requested=10, nodes=10, ready=10), record=busy)
    record = judged(idle, replicas=0).record
    assert (record.agreed, record.adoption_floor, record.held_since) == (10, 10, None)


def test_consent_given_beforehand_leaves_no_floor() -> None:
    assert judged(found("a", 4), adoption=Adoption.APPLY).record.adoption_floor is None
    assert judged(found("a", 4), adopted=frozenset({"a"})).record.adoption_floor is None
    assert judged(found("a", 4), adopted=frozenset({"b"})).record.adoption_floor == 4


def test_a_node_pool_made_again_is_another_one() -> None:
    known = member("a", 9).remembered(intent=intent(9, 5), attempts=3, backoff_until=NOW + seconds(99))
    record = judged(known.seen(incarnation="a-2", requested=2, nodes=2, ready=2)).record
    assert record.claim is not None
    assert (record.claim.incarnation, record.agreed, record.adoption_floor) == ("a-2", 2, 2)
    assert (record.intent, record.attempts, record.backoff_until) == (None, 0, None)
    assert record.last_resize is not None
    assert record.last_resize.outcome.code is Code.SUPERSEDED
    again = judged(replace(known, record=record).seen(incarnation="a-3", requested=3, nodes=3, ready=3)).record
    assert (again.agreed, again.last_resize) == (3, record.last_resize), "what was asked for last is known still"


@pytest.mark.parametrize("code", [Code.NODE_POOL_NOT_FOUND, Code.NOT_FOUND], ids=["pool", "cluster"])
def test_what_comes_after_an_absence_is_another_node_pool_though_it_has_the_same_id(code: Code) -> None:
    away = Reason(code=code, text="it does not exist")
    known = member("a", 9, min_nodes=0)
    gone = known.viewed(sight=Sight(looked=True, trouble=away), fresh=False, refusal=away)
    record = judged(gone).record
    assert record.claim is not None
    again = judged(replace(known, record=record).seen(requested=2, nodes=2, ready=2), replicas=0)
    assert again.record.claim is not None
    assert (again.record.claim.incarnation, again.record.adoption_floor, again.ask) == ("a-1", 2, None)


def test_what_comes_after_a_deletion_that_was_seen_is_another_one_too() -> None:
    leaving = judged(member("a", 9).seen(activity=Activity.LEAVING)).record
    assert judged(replace(member("a", 9), record=leaving), replicas=0).record.adoption_floor == 9


def test_trouble_that_is_no_absence_keeps_the_claim() -> None:
    away = Reason(code=Code.UNAVAILABLE, text="no answer")
    known = member("a", 9)
    record = judged(known.viewed(sight=replace(known.view.sight, trouble=away), fresh=False)).record
    assert record.claim == known.record.claim


def test_an_old_sight_takes_nothing_over() -> None:
    assert judged(found("a", 4).viewed(fresh=False)).record.claim is None


def test_a_node_pool_of_another_pool_is_left_alone() -> None:
    mine = found("a", 4).viewed(claimed_by_other=TAKEN)
    part = judged(mine, replicas=50)
    assert (part.refusal, part.record, part.ask) == (TAKEN, MemberRecord(name="a"), None)


# Intents

AFTER = WRITE_WINDOW_S + 1


@pytest.mark.parametrize(
    ("size", "state", "age_s", "outcome", "agreed"),
    [
        pytest.param(8, OperationState.DONE, 10, Code.DELIVERED, 8, id="done at the size"),
        pytest.param(8, OperationState.LOST, 10, Code.DELIVERED, 8, id="forgotten by the cloud, size reached"),
        pytest.param(8, None, 10, Code.DELIVERED, 8, id="answer lost, size reached"),
        pytest.param(8, OperationState.RUNNING, 10, None, 5, id="still running at the size"),
        pytest.param(5, OperationState.REQUESTED, 10, None, 5, id="accepted only"),
        pytest.param(5, OperationState.RUNNING, 2000, None, 5, id="late, still running"),
        pytest.param(5, OperationState.DONE, 10, None, 5, id="done, size shows late"),
        pytest.param(5, OperationState.DONE, 1000, Code.SUPERSEDED, 5, id="done, never at the size"),
        pytest.param(5, None, 10, None, 5, id="answer lost, may still arrive"),
        pytest.param(5, None, AFTER, Code.NOT_EXECUTED, 5, id="answer lost, nothing happened"),
        pytest.param(7, None, 10, None, 5, id="answer lost, somebody else moved it, ours may arrive"),
        pytest.param(7, None, AFTER, Code.SUPERSEDED, 7, id="answer lost, somebody else moved it"),
        pytest.param(7, OperationState.DONE, 10, Code.SUPERSEDED, 7, id="somebody else took some back"),
        pytest.param(11, OperationState.DONE, 10, Code.SUPERSEDED, 8, id="somebody else added more: a surplus"),
        pytest.param(6, OperationState.LOST, 10, Code.SUPERSEDED, 6, id="forgotten, another size"),
        pytest.param(5, OperationState.LOST, 10, Code.OPERATION_FORGOTTEN, 5, id="forgotten, size as before"),
        pytest.param(5, OperationState.CANCELED, 10, Code.OPERATION_CANCELED, 5, id="stopped by somebody"),
        pytest.param(7, OperationState.CANCELED, 10, Code.OPERATION_CANCELED, 7, id="stopped by somebody on the way"),
        pytest.param(5, OperationState.FAILED, 10, Code.OPERATION_FAILED, 5, id="failed, size as before"),
        pytest.param(8, OperationState.FAILED, 10, Code.OPERATION_FAILED, 8, id="failed, the cloud keeps trying"),
    ],
)
def test_an_intent_to_grow_from_5_to_8_settles(
    size: int, state: OperationState | None, age_s: float, outcome: Code | None, agreed: int
) -> None:
    asked = intent(5, 8, age_s=age_s, operation="op-1" if state else None)
    one = member("a", 5).remembered(intent=asked).seen(requested=size)
    if state is not None:
        one = one.viewed(operation=operation("a", state, "words of the cloud"))
    record = judged(one).record
    assert record.agreed == agreed
    if outcome is None:
        assert record.intent == asked
        return
    assert record.intent is None
    assert record.last_resize is not None
    assert record.last_resize.outcome.code is outcome
    assert (record.last_resize.id, record.last_resize.origin, record.last_resize.target) == (asked.id, 5, 8)


@pytest.mark.parametrize(
    ("size", "state", "age_s", "kept"),
    [
        pytest.param(5, None, AFTER, True, id="nothing happened, as far as one can see"),
        pytest.param(7, None, AFTER, True, id="unanswered, and somebody else set another size"),
        pytest.param(5, OperationState.LOST, 10, True, id="the cloud knows it no longer"),
        pytest.param(8, None, 10, False, id="delivered"),
        pytest.param(7, OperationState.DONE, 10, False, id="done, and changed by somebody else"),
        pytest.param(5, OperationState.FAILED, 10, False, id="failed"),
    ],
)
def test_an_intent_whose_request_may_still_be_on_its_way_is_remembered(
    size: int, state: OperationState | None, age_s: float, kept: bool
) -> None:
    asked = intent(5, 8, age_s=age_s, operation="op-1" if state else None)
    one = member("a", 5).remembered(intent=asked).seen(requested=size)
    if state is not None:
        one = one.viewed(operation=operation("a", state, "words of the cloud"))
    assert judged(one).record.given_up == (asked if kept else None)


def test_a_size_that_shows_after_it_was_given_up_is_ours_and_leaves_at_once() -> None:
    late = intent(5, 8, age_s=3600)
    one = member("a", 5, min_nodes=0).remembered(given_up=late).seen(requested=8, nodes=8, ready=8)
    part = judged(one, replicas=5, drift=Drift(hold_s=3600))
    assert part.ask == 5
    record = part.record
    assert (record.agreed, record.held_since, record.given_up) == (8, None, None)
    assert record.last_resize is not None
    assert (record.last_resize.id, record.last_resize.outcome.code) == (late.id, Code.ARRIVED_LATE)


def test_a_size_given_up_that_comes_in_the_middle_of_the_next_resize_is_ours_too() -> None:
    one = member("a", 5, min_nodes=0).remembered(given_up=intent(5, 8, age_s=3600), intent=intent(5, 6, age_s=AFTER))
    part = judged(one.seen(requested=8, nodes=8, ready=8), replicas=6, drift=Drift(hold_s=3600))
    assert (part.record.agreed, part.record.held_since, part.ask) == (8, None, 6)


@pytest.mark.parametrize(("age_s", "held"), [(86_399, False), (86_400, True)], ids=["within a day", "after it"])
def test_a_size_that_shows_after_a_day_is_somebody_elses(age_s: float, held: bool) -> None:
    late = intent(5, 8, age_s=age_s)
    one = member("a", 5).remembered(given_up=late).seen(requested=8, nodes=8, ready=8)
    record = judged(one, replicas=5, drift=Drift(hold_s=3600)).record
    assert (record.held_since is not None, record.given_up) == (held, None)


@pytest.mark.parametrize(("size", "held"), [(7, True), (5, False)], ids=["another size", "no change"])
def test_any_other_size_is_judged_as_ever(size: int, held: bool) -> None:
    late = intent(5, 8, age_s=3600)
    record = judged(
        member("a", 5).remembered(given_up=late).seen(requested=size), replicas=5, drift=Drift(hold_s=3600)
    ).record
    assert (record.given_up, record.held_since is not None) == (late, held)


def test_an_unanswered_intent_is_not_judged_by_a_read_from_before_the_window_closed() -> None:
    one = member("a", 5).remembered(intent=intent(5, 8, age_s=AFTER))
    old = one.viewed(sight=replace(one.view.sight, read_at=NOW - seconds(5)))
    assert judged(old).record.intent is not None
    assert judged(one).record.intent is None


@pytest.mark.parametrize("changes", [{"fresh": False}, {}], ids=["stale", "busy"])
def test_an_intent_waits_while_the_facts_prove_nothing(changes: dict[str, bool]) -> None:
    one = member("a", 8).remembered(agreed=5, intent=intent(5, 8, operation="op-1"))
    one = one.viewed(operation=operation("a", OperationState.DONE), **changes)
    if not changes:
        one = one.seen(activity=Activity.BUSY)
    assert judged(one).record.intent is not None


def test_a_failed_operation_waits_for_young_facts_too() -> None:
    one = member("a", 5).remembered(intent=intent(5, 8, operation="op-1"))
    one = one.viewed(operation=operation("a", OperationState.FAILED), fresh=False)
    assert judged(one).record.intent is not None


def test_waiting_past_the_deadline_says_so() -> None:
    one = member("a", 5).viewed(operation=operation("a", OperationState.RUNNING))
    assert judged(one.remembered(intent=intent(5, 8))).reason.code is Code.OPERATION_RUNNING
    assert judged(one.remembered(intent=intent(5, 8, age_s=901))).reason.code is Code.OPERATION_LATE


@pytest.mark.parametrize(("before", "wait_s"), [(0, 300), (1, 600), (2, 1200), (3, 1800), (9, 1800)])
def test_each_failure_doubles_the_pause(before: int, wait_s: float) -> None:
    one = member("a", 5).remembered(intent=intent(5, 8, operation="op-1"), attempts=before)
    record = judged(one.viewed(operation=operation("a", OperationState.FAILED, "no capacity"))).record
    assert (record.attempts, record.backoff_until) == (before + 1, NOW + seconds(wait_s))
    assert record.last_resize is not None
    assert record.last_resize.outcome.text == "no capacity"


def test_who_stopped_a_resize_is_not_fought() -> None:
    one = member("a", 5).remembered(intent=intent(5, 8, operation="op-1"))
    part = judged(one.viewed(operation=operation("a", OperationState.CANCELED)), replicas=8)
    assert (part.record.backoff_until, part.ask) == (NOW + seconds(300), None)


def test_a_delivered_resize_ends_the_pause() -> None:
    one = member("a", 8).remembered(agreed=5, intent=intent(5, 8), attempts=2, backoff_until=NOW + seconds(60))
    record = judged(one).record
    assert (record.attempts, record.backoff_until) == (0, None)


def test_a_growth_that_its_cloud_took_is_no_failure_while_its_nodes_boot() -> None:
    booting = member("a", 8).seen(nodes=6, ready=5).remembered(agreed=5, intent=intent(5, 8))
    record = judged(booting, replicas=8).record
    assert (record.intent, record.attempts, record.backoff_until) == (None, 0, None)


def test_a_repair_that_its_cloud_took_is_one_more_failure_until_it_shows() -> None:
    sick = member("a", 8).seen(nodes=5, ready=5).remembered(intent=intent(8, 8), attempts=1, missing_from=NOW)
    assert judged(sick, replicas=8).record.attempts == 2


def test_a_resize_keeps_what_is_held_on_top() -> None:
    # 5 agreed, 2 added by a hand, then a growth by 3 on top of that.
    one = member("a", 10).remembered(agreed=5, held_since=NOW - seconds(60), intent=intent(7, 10))
    record = judged(one, replicas=8).record
    assert (record.agreed, record.held_since) == (8, NOW - seconds(60))


# Drift


def drifted(agreed: int, size: int, since: datetime | None = None, **spec: object) -> MemberPlan:
    return judged(member("a", size).remembered(agreed=agreed, held_since=since), **spec)


def test_a_surplus_is_held_on_top_of_the_plan() -> None:
    part = drifted(5, 7, replicas=5)
    assert (part.record.agreed, part.record.held_since, part.target, part.ask) == (5, NOW, 7, None)
    assert part.reason.code is Code.SURPLUS_HELD


def test_a_hold_keeps_its_beginning() -> None:
    since = NOW - seconds(3599)
    part = drifted(5, 7, since, replicas=5)
    assert (part.record.held_since, part.ask) == (since, None)


def test_a_hold_that_ended_leaves_by_ordinary_scale_down() -> None:
    part = drifted(5, 7, NOW - seconds(3600), replicas=5)
    assert (part.record.agreed, part.record.held_since, part.target, part.ask) == (7, None, 5, 5)


def test_a_surplus_taken_back_ends_the_hold() -> None:
    part = drifted(5, 5, NOW - seconds(60), replicas=5)
    assert (part.record.agreed, part.record.held_since) == (5, None)


def test_a_deficit_is_corrected_if_it_is_wished_for() -> None:
    assert drifted(5, 3, replicas=5).ask == 5
    assert drifted(5, 3, replicas=3).ask is None
    assert drifted(5, 3, replicas=3).record.agreed == 3


@pytest.mark.parametrize("changes", [{"activity": Activity.BUSY}, None], ids=["busy", "stale"])
def test_a_foreign_operation_or_an_old_read_is_no_drift(changes: dict[str, Activity] | None) -> None:
    one = member("a", 7).remembered(agreed=5)
    one = one.seen(**changes) if changes else one.viewed(fresh=False)
    record = judged(one, replicas=5).record
    assert (record.agreed, record.held_since, record.requested) == (5, None, 7)


# Adoption floor


@pytest.mark.parametrize(
    ("floor", "size", "after"),
    [
        pytest.param(6, 4, 4, id="follows a decrease by others"),
        pytest.param(6, 9, 6, id="never rises"),
        pytest.param(6, 6, 6, id="stands"),
        pytest.param(None, 6, None, id="consent once given is not taken back"),
    ],
)
def test_the_adoption_floor(floor: int | None, size: int, after: int | None) -> None:
    assert judged(member("a", size).remembered(adoption_floor=floor)).record.adoption_floor == after


def test_the_floor_does_not_follow_our_own_unsettled_resize() -> None:
    one = member("a", 4).remembered(agreed=6, adoption_floor=6, intent=intent(6, 8, operation="op-1"))
    one = one.viewed(operation=operation("a", OperationState.RUNNING))
    assert judged(one).record.adoption_floor == 6


def test_consent_ends_the_floor_even_while_the_member_is_unknown() -> None:
    one = member("a", 6).remembered(adoption_floor=6).viewed(fresh=False)
    assert judged(one, adopted=frozenset({"*"})).record.adoption_floor is None


# Refusals


@pytest.mark.parametrize(
    ("facts", "spec", "code"),
    [
        pytest.param({"autoscaling": True}, {}, Code.AUTOSCALER_ON, id="the cloud's autoscaler is on"),
        pytest.param({"activity": Activity.LEAVING}, {}, Code.NODE_POOL_LEAVING, id="being deleted"),
        pytest.param({"step": 3}, {"min_nodes": 1, "max_nodes": 2}, Code.NO_LEGAL_SIZE, id="no multiple of the zones"),
        pytest.param({"cloud_min": 20}, {"max_nodes": 10}, Code.NO_LEGAL_SIZE, id="outside the cloud's own range"),
        pytest.param({"obstacle": STOPPED}, {}, Code.NODE_POOL_STOPPED, id="no size can be asked for"),
        pytest.param({"capacity_type": CapacityType.SPOT}, {}, Code.CAPACITY_TYPE_MISMATCH, id="spot unsaid"),
        pytest.param(
            {"capacity_type": CapacityType.ON_DEMAND},
            {"capacity_type": CapacityType.SPOT},
            Code.CAPACITY_TYPE_MISMATCH,
            id="no spot machines",
        ),
    ],
)
def test_a_member_is_refused(facts: dict[str, object], spec: dict[str, Any], code: Code) -> None:
    part = judged(member("a", 5, **spec).seen(**facts), replicas=30)
    assert part.refusal is not None
    assert (part.refusal.code, part.reason.code, part.ask) == (code, code, None)


@pytest.mark.parametrize("told", [None, CapacityType.SPOT], ids=["not-told", "as-said"])
def test_a_capacity_type_that_is_not_denied_is_managed(told: CapacityType | None) -> None:
    part = judged(member("a", 5, capacity_type=CapacityType.SPOT).seen(capacity_type=told), replicas=6)
    assert (part.refusal, part.ask) == (None, 6)


@pytest.mark.parametrize(
    ("spec", "wish", "ask", "bounds"),
    [
        pytest.param({}, 60, 50, (1, 50), id="the range is respected upwards"),
        pytest.param({}, 0, 1, (1, 50), id="the range is respected downwards"),
        pytest.param({"cloud_range": CloudRange.WIDEN}, 60, 60, (0, 100), id="widened upwards"),
        pytest.param({"cloud_range": CloudRange.WIDEN}, 0, 0, (0, 100), id="widened downwards"),
        pytest.param({"cloud_range": CloudRange.WIDEN}, 200, 100, (0, 100), id="the member's own bounds stay"),
    ],
)
def test_the_clouds_own_range(spec: dict[str, Any], wish: int, ask: int, bounds: tuple[int, int]) -> None:
    part = judged(member("a", 5, **spec).seen(cloud_min=1, cloud_max=50), replicas=wish)
    assert (part.ask, (part.min_nodes, part.max_nodes)) == (ask, bounds)


def test_a_size_set_by_the_clouds_autoscaler_is_never_a_surplus() -> None:
    record = judged(member("a", 9).remembered(agreed=5).seen(autoscaling=True)).record
    assert (record.agreed, record.held_since) == (9, None)


def test_the_claim_is_of_the_node_pool_that_was_read() -> None:
    claim = judged(found("a", 4)).record.claim
    assert claim is not None
    assert claim.key == claim_of(node_pool("a", 4)).key
