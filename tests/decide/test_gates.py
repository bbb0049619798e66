"""What may be asked for now: growth at once, removals only with enough ready units left, step by step."""

from typing import Any

import pytest

from multicloud.decide import decide
from multicloud.model.plan import Headroom, Plan, Stop
from multicloud.model.reason import Code, Reason
from multicloud.model.record import Intent, PoolRecord
from multicloud.model.size import Activity, OperationState, Sight
from multicloud.model.spec import MemberState, Mode, Strategy
from support.builders import (
    NOW,
    PLENTY,
    Member,
    asked,
    intent,
    member,
    of,
    operation,
    seconds,
    snapshot,
    targets,
    unknown,
    unseen,
)

TIMED_OUT = Reason(code=Code.TIMED_OUT, text="no answer within 20 s")


def plan_of(*members: Member, **spec: Any) -> Plan:
    return decide(snapshot(*members, **spec))


def why(plan: Plan, name: str) -> Code:
    return of(plan, name).reason.code


# The whole pool


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        pytest.param({"stop": Stop.ALL}, Code.STOPPED, id="stop switch"),
        pytest.param({"paused": True}, Code.PAUSED, id="paused"),
        pytest.param({"mode": Mode.PLAN}, Code.PLAN_ONLY, id="plan only"),
        pytest.param({"stop": Stop.ALL, "paused": True, "mode": Mode.PLAN}, Code.STOPPED, id="the stop comes first"),
        pytest.param({"paused": True, "mode": Mode.PLAN}, Code.PAUSED, id="pausing comes second"),
    ],
)
def test_nothing_is_asked_while_blocked_but_targets_show(spec: dict[str, Any], code: Code) -> None:
    plan = plan_of(member("a", 5), member("b", 5), replicas=30, **spec)
    assert plan.blocked is not None
    assert (plan.blocked.code, asked(plan), plan.settled) == (code, {}, False)
    assert (targets(plan), why(plan, "a")) == ({"a": 15, "b": 15}, code)


def test_the_smaller_stop_forbids_removals_only() -> None:
    plan = plan_of(member("a", 10), member("b", 0, max_nodes=9), replicas=12, stop=Stop.SHRINK_ONLY)
    assert (asked(plan), plan.blocked) == ({"b": 6}, None)
    plan = plan_of(member("a", 10), replicas=5, stop=Stop.SHRINK_ONLY)
    assert (asked(plan), why(plan, "a")) == ({}, Code.STOPPED_SHRINK)


def test_before_every_member_was_looked_at_nothing_is_decided() -> None:
    record = PoolRecord(requested=30, desired=30)
    plan = plan_of(member("a", 5), unseen("b"), replicas=30, record=record)
    assert (asked(plan), plan.record.desired, plan.settled, plan.ready) == ({}, 30, False, 5)
    assert why(plan, "b") is Code.CLAIM_PENDING, "nobody has read it, so it is nobody's yet"
    remembered = member("b", 5).viewed(sight=Sight(), fresh=False)
    assert why(plan_of(member("a", 5), remembered, replicas=30, record=record), "b") is Code.NOT_YET_OBSERVED


def test_a_refused_member_is_not_waited_for() -> None:
    refused = unseen("b").viewed(refusal=Reason(code=Code.ACCOUNT_NOT_FOUND, text="no such account"))
    plan = plan_of(member("a", 5), refused, replicas=9)
    assert (asked(plan), of(plan, "b").target) == ({"a": 9}, None)


# Growth


def test_every_member_grows_at_once() -> None:
    plan = plan_of(member("a", 4), member("b", 4), member("c", 4), replicas=30)
    assert asked(plan) == {"a": 10, "b": 10, "c": 10}
    assert {part.reason.code for part in plan.members} == {Code.GROW_FOR_WISH}


def test_growth_below_the_minimum_is_a_shortage() -> None:
    assert why(plan_of(member("a", 4), replicas=9, min_replicas=6), "a") is Code.GROW_FOR_SHORTAGE


@pytest.mark.parametrize(
    ("other", "code"),
    [
        pytest.param(
            member("b", 2).seen(activity=Activity.BUSY).remembered(foreign_since=NOW - seconds(600)),
            Code.FOREIGN_OPERATION,
            id="busy with somebody else's operation past the lock time-out",
        ),
        pytest.param(member("b", 2, state=MemberState.FROZEN), Code.FROZEN, id="frozen"),
        pytest.param(unknown("b", 2, TIMED_OUT), Code.TIMED_OUT, id="unknown"),
        pytest.param(member("b", 2).viewed(fresh=False), Code.STALE, id="stale"),
        pytest.param(
            member("b", 2).remembered(attempts=1, backoff_until=NOW + seconds(9)), Code.BACKED_OFF, id="backed off"
        ),
        pytest.param(member("b", 2).seen(autoscaling=True), Code.AUTOSCALER_ON, id="the cloud's autoscaler is on"),
    ],
)
def test_a_member_that_may_not_move_counts_with_what_it_has(other: Member, code: Code) -> None:
    plan = plan_of(member("a", 2), other, replicas=10)
    assert (asked(plan), targets(plan), why(plan, "b")) == ({"a": 8}, {"a": 8, "b": 2}, code)


@pytest.mark.parametrize("code", [Code.NODE_POOL_NOT_FOUND, Code.NODE_POOL_CLAIMED, Code.NODE_POOL_LEAVING])
def test_a_node_pool_that_is_not_ours_counts_nothing(code: Code) -> None:
    gone = Reason(code=code, text="not ours")
    other = member("b", 2)
    other = other.viewed(claimed_by_other=gone) if code is Code.NODE_POOL_CLAIMED else other.viewed(refusal=gone)
    plan = plan_of(member("a", 2), other, replicas=10)
    assert (asked(plan), plan.ready) == ({"a": 10}, 2)


def test_a_sick_member_may_be_asked() -> None:
    assert asked(plan_of(member("a", 2).seen(activity=Activity.SICK, ready=1), replicas=5)) == {"a": 5}


def test_a_member_on_its_way_keeps_its_share() -> None:
    moving = member("a", 4).remembered(intent=intent(4, 10))
    plan = plan_of(moving, member("b", 4), replicas=30)
    assert (asked(plan), targets(plan)) == ({"b": 15}, {"a": 15, "b": 15})


def test_a_member_late_on_its_way_is_helped_out() -> None:
    late = member("a", 4).remembered(intent=intent(4, 10, age_s=901, operation="op-1"))
    late = late.viewed(operation=operation("a", OperationState.RUNNING))
    plan = plan_of(late, member("b", 4), replicas=30)
    assert (asked(plan), targets(plan)) == ({"b": 26}, {"a": 10, "b": 26})


def test_the_brake_bounds_growth_per_account_and_over_all() -> None:
    members = [
        member("a", 4, account="one").viewed(headroom=Headroom(add=3, remove=9)),
        member("b", 4, account="two"),
        member("c", 4, account="two"),
    ]
    plan = plan_of(*members, replicas=30, headroom=Headroom(add=8, remove=9))
    assert asked(plan) == {"a": 7, "b": 9}
    assert (of(plan, "c").target, why(plan, "c")) == (10, Code.BRAKE)


def test_a_braked_growth_is_a_legal_size() -> None:
    plan = plan_of(member("a", 3).seen(step=3), replicas=12, headroom=Headroom(add=5, remove=0))
    assert (asked(plan), targets(plan)) == ({"a": 6}, {"a": 12})


def test_a_braked_growth_never_undercuts_the_clouds_own_minimum() -> None:
    small = member("a", 0).seen(cloud_min=5)
    assert asked(plan_of(small, replicas=9, headroom=Headroom(add=4, remove=0))) == {}
    assert asked(plan_of(small, replicas=9, headroom=Headroom(add=5, remove=0))) == {"a": 5}


def test_the_clouds_own_range_is_respected() -> None:
    plan = plan_of(member("a", 4).seen(cloud_min=3, cloud_max=6), member("b", 4), replicas=40)
    assert (asked(plan), of(plan, "a").min_nodes, of(plan, "a").max_nodes) == ({"a": 6, "b": 34}, 3, 6)


# Removals


def test_a_lower_wish_shrinks() -> None:
    plan = plan_of(member("a", 10), member("b", 10), replicas=12)
    assert (asked(plan), why(plan, "a")) == ({"a": 6, "b": 6}, Code.SHRINK_TO_WISH)


def test_a_step_is_bounded_over_the_whole_pool_largest_excess_first() -> None:
    plan = plan_of(member("a", 10), member("b", 14), replicas=10, max_nodes_per_step=6)
    assert (asked(plan), why(plan, "a")) == ({"b": 8}, Code.MAX_NODES_PER_STEP)
    assert plan.limited_by is not None
    assert plan.limited_by.code is Code.MAX_NODES_PER_STEP


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(member("b", 12).remembered(intent=intent(12, 10)), id="an intent to shrink"),
        pytest.param(member("b", 10).seen(nodes=11), id="nodes that have not gone yet"),
    ],
)
def test_a_step_waits_for_the_one_before(other: Member) -> None:
    plan = plan_of(member("a", 14), other, replicas=20)
    assert (asked(plan), why(plan, "a")) == ({}, Code.WAITING_FOR_STEP)


def test_a_move_makes_before_it_breaks() -> None:
    full, empty = member("a", 10, priority=0), member("b", 0, priority=9)
    plan = plan_of(full, empty, replicas=10, strategy=Strategy.PRIORITY)
    assert (asked(plan), targets(plan)) == ({"b": 10}, {"a": 0, "b": 10})
    assert (why(plan, "a"), why(plan, "b")) == (Code.REPLACEMENT_NOT_READY, Code.MOVE_TO_SHARE)
    booting = member("b", 10, priority=9).seen(ready=4, nodes=6)
    assert asked(plan_of(full, booting, replicas=10, strategy=Strategy.PRIORITY)) == {"a": 6}
    plan = plan_of(full, member("b", 10, priority=9), replicas=10, strategy=Strategy.PRIORITY)
    assert (asked(plan), why(plan, "a")) == ({"a": 0}, Code.SHRINK_TO_WISH)


def test_an_unknown_member_is_no_reason_to_shrink_another() -> None:
    plan = plan_of(member("a", 10), unknown("b", 10, TIMED_OUT), replicas=12)
    assert (asked(plan), targets(plan), why(plan, "a")) == ({}, {"a": 2, "b": 10}, Code.UNKNOWN_MEMBERS)


def test_ready_nodes_of_frozen_members_count() -> None:
    plan = plan_of(member("a", 10), member("b", 10, state=MemberState.FROZEN), replicas=12)
    assert asked(plan) == {"a": 2}


def test_nodes_that_are_not_ready_make_room_for_nothing() -> None:
    plan = plan_of(member("a", 10), member("b", 10).seen(ready=5), replicas=12)
    assert sum(10 - size for size in asked(plan).values()) == 3


def test_nodes_that_never_came_cost_nothing() -> None:
    waiting = member("a", 20).seen(nodes=12, ready=12)
    assert asked(plan_of(waiting, replicas=12)) == {"a": 12}


def test_the_adoption_floor_is_never_undershot() -> None:
    plan = plan_of(member("a", 10).remembered(adoption_floor=8), member("b", 10), replicas=6)
    assert asked(plan) == {"a": 8, "b": 0}
    plan = plan_of(member("a", 8).remembered(adoption_floor=8), member("b", 0), replicas=6)
    assert (asked(plan), why(plan, "a"), plan.settled) == ({}, Code.ADOPTION_FLOOR, True)
    assert plan.limited_by is not None
    assert plan.limited_by.code is Code.ADOPTION_FLOOR


def test_the_brake_bounds_removals_per_account_and_over_all() -> None:
    members = [
        member("a", 10, account="one").viewed(headroom=Headroom(add=0, remove=2)),
        member("b", 10, account="two"),
        member("c", 10, account="two"),
    ]
    plan = plan_of(*members, replicas=3, headroom=Headroom(add=0, remove=8))
    assert (asked(plan), why(plan, "c")) == ({"a": 8, "b": 4}, Code.BRAKE)


def test_shrinking_by_steps_of_zones() -> None:
    zonal = member("a", 12).seen(step=3)
    assert asked(plan_of(zonal, replicas=3, max_nodes_per_step=5)) == {"a": 9}
    assert asked(plan_of(zonal, replicas=3, max_nodes_per_step=2)) == {"a": 9}, "one legal size, or nothing ever"
    both = plan_of(zonal, member("b", 12).seen(step=3), replicas=6, max_nodes_per_step=2)
    assert asked(both) == {"a": 9}, "but only one of them in a step"


def test_what_runs_above_its_bound_leaves_once_replaced() -> None:
    above = member("a", 10, max_nodes=6)
    plan = plan_of(above, member("b", 2), replicas=12)
    assert (asked(plan), targets(plan)) == ({"b": 6}, {"a": 6, "b": 6})
    assert asked(plan_of(above, member("b", 6), replicas=12)) == {"a": 6}
    plan = plan_of(above, member("b", 6), replicas=12, max_nodes_per_step=1)
    assert asked(plan) == {"a": 9}


def test_what_was_found_above_its_bound_stays_until_adopted() -> None:
    above = member("a", 10, max_nodes=6).remembered(adoption_floor=10)
    plan = plan_of(above, member("b", 6), replicas=12)
    assert (asked(plan), of(plan, "a").target, why(plan, "a")) == ({"b": 2}, 10, Code.ABOVE_BOUND)
    assert asked(plan_of(above, member("b", 6), replicas=12, adopted=frozenset({"a"}))) == {"a": 6}


def test_a_size_above_the_bound_stays_while_nothing_can_replace_it() -> None:
    plan = plan_of(member("a", 10, max_nodes=6), replicas=12)
    assert (asked(plan), why(plan, "a"), plan.shortage) == ({}, Code.REPLACEMENT_NOT_READY, 6)
    assert plan.limited_by is not None
    assert plan.limited_by.code is Code.MEMBER_MAXIMA


def test_a_backed_off_member_may_shrink() -> None:
    one = member("a", 10).remembered(backoff_until=NOW + seconds(60))
    assert asked(plan_of(one, replicas=4)) == {"a": 4}


def test_nodes_beyond_what_a_member_keeps_prove_nothing() -> None:
    half_ready = member("a", 10).seen(ready=8)
    going = member("b", 5, state=MemberState.FROZEN).seen(nodes=10, ready=10)
    assert asked(plan_of(half_ready, going, replicas=12)) == {"a": 9}


def test_ready_nodes_of_a_node_pool_that_leaves_prove_nothing() -> None:
    half_ready, leaving = member("a", 10).seen(ready=7), member("b", 10).seen(activity=Activity.LEAVING)
    assert asked(plan_of(half_ready, leaving, replicas=5)) == {"a": 8}


def test_nothing_goes_while_fewer_units_are_ready_than_desired() -> None:
    plan = plan_of(member("a", 20).seen(nodes=10, ready=10), replicas=15)
    assert (asked(plan), why(plan, "a")) == ({}, Code.REPLACEMENT_NOT_READY)


def test_a_foreign_surge_is_no_reason_to_shrink_another() -> None:
    surging = member("b", 9).remembered(agreed=5).seen(activity=Activity.BUSY)
    plan = plan_of(member("a", 5), surging, replicas=10)
    assert (asked(plan), targets(plan)) == ({}, {"a": 5, "b": 5})
    assert why(plan, "b") is Code.FOREIGN_OPERATION


def test_a_lowered_maximum_takes_nodes_away_though_whole_nodes_then_miss_the_wish() -> None:
    plan = plan_of(member("a", 2, units_per_node=8), replicas=10, max_replicas=10)
    assert (asked(plan), plan.shortage) == ({"a": 1}, 2)


# At rest


def test_a_pool_at_its_wish_is_settled() -> None:
    plan = plan_of(member("a", 5), member("b", 5, units_per_node=2), replicas=15, strategy=Strategy.PRIORITY)
    assert plan.ready == 15
    plan = plan_of(member("a", 5), member("b", 5), replicas=10)
    assert (plan.settled, plan.shortage, plan.limited_by, plan.wake_at) == (True, 0, None, None)
    assert {part.reason.code for part in plan.members} == {Code.AS_WISHED}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(member("b", 5).seen(ready=4), id="a node not ready"),
        pytest.param(member("b", 5).seen(nodes=6), id="a node still leaving"),
        pytest.param(member("b", 5).remembered(intent=intent(4, 5, operation="op-1")).viewed(fresh=False), id="moving"),
        pytest.param(unknown("b", 5, TIMED_OUT), id="unknown"),
    ],
)
def test_a_pool_that_waits_for_something_is_not_settled(other: Member) -> None:
    assert not plan_of(member("a", 5), other, replicas=10).settled


def test_the_next_wake_up_is_when_time_alone_may_change_the_decision() -> None:
    held = member("a", 7).remembered(agreed=5, held_since=NOW - seconds(3000))
    waiting = member("b", 5).remembered(backoff_until=NOW + seconds(700))
    assert plan_of(held, waiting, replicas=10).wake_at == NOW + seconds(600)
    assert plan_of(member("a", 5), waiting, replicas=10).wake_at == NOW + seconds(700)
    assert plan_of(member("a", 5).remembered(backoff_until=NOW - seconds(1)), replicas=5).wake_at is None


def test_an_unanswered_request_is_looked_at_again_once_it_can_arrive_no_more() -> None:
    sent = Intent(id="1", target=9, origin=5, started_at=NOW - seconds(10), deadline=NOW + seconds(900))
    seen = snapshot(member("a", 5).remembered(intent=sent), replicas=9)
    assert decide(seen).wake_at == NOW - seconds(10) + seconds(seen.write_window_s)


def test_ready_is_unknown_before_anything_was_proved() -> None:
    nothing = unseen("a")
    looked = nothing.viewed(sight=Sight(looked=True, trouble=TIMED_OUT))
    plan = plan_of(looked, replicas=5)
    assert (plan.ready, plan.shortage, asked(plan), why(plan, "a")) == (None, 5, {}, Code.TIMED_OUT)


@pytest.mark.parametrize(
    ("member_of", "spec", "code"),
    [
        pytest.param({"units_per_node": 8}, {"replicas": 12}, Code.WHOLE_NODES, id="more than wished by whole nodes"),
        pytest.param(
            {"units_per_node": 8}, {"replicas": 12, "max_replicas": 12}, Code.WHOLE_NODES, id="less, for the maximum"
        ),
        pytest.param({"min_nodes": 5}, {"replicas": 3}, Code.MEMBER_MINIMA, id="members keep more"),
        pytest.param({}, {"replicas": 999}, Code.MEMBER_MAXIMA, id="members carry less"),
    ],
)
def test_what_keeps_the_pool_from_its_wish_is_said(member_of: dict[str, int], spec: dict[str, int], code: Code) -> None:
    plan = plan_of(member("a", 5, **member_of), **spec)
    assert plan.limited_by is not None
    assert plan.limited_by.code is code


def test_the_brake_is_shared_by_members_of_one_account_only() -> None:
    ample = member("b", 1, account="two").viewed(headroom=PLENTY)
    scarce = member("a", 1, account="one").viewed(headroom=Headroom(add=0, remove=0))
    plan = plan_of(scarce, ample, replicas=10)
    assert (asked(plan), why(plan, "a")) == ({"b": 5}, Code.BRAKE)
