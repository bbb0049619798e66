"""How many units are wished for, and what binds them."""

from dataclasses import replace
from typing import Any

import pytest

from multicloud.decide import decide
from multicloud.model.plan import Plan, PolicyWish
from multicloud.model.reason import Code
from multicloud.model.record import PastWish, PoolRecord
from support.builders import NOW, Member, found, member, seconds, snapshot


def plan_of(*members: Member, record: PoolRecord | None = None, **spec: Any) -> Plan:
    return decide(snapshot(*members, record=record or PoolRecord(), **spec))


def code(plan: Plan) -> Code | None:
    return plan.limited_by.code if plan.limited_by else None


@pytest.mark.parametrize(
    ("replicas", "desired", "limited"),
    [
        pytest.param(12, 12, None, id="inside the bounds"),
        pytest.param(0, 10, Code.MIN_REPLICAS, id="below the minimum"),
        pytest.param(99, 20, Code.MAX_REPLICAS, id="above the maximum"),
    ],
)
def test_a_wish_is_clamped_and_the_clamp_is_said(replicas: int, desired: int, limited: Code | None) -> None:
    plan = plan_of(member("a", 15), replicas=replicas, min_replicas=10, max_replicas=20)
    assert (plan.record.requested, plan.record.desired, code(plan)) == (replicas, desired, limited)


def test_the_decider_is_remembered_since_when_its_wish_stands() -> None:
    first = plan_of(member("a", 5), replicas=5).record
    assert first.decided_by is not None
    assert (first.decided_by.kind, first.decided_by.name) == ("MultiCloudPool", "web")
    assert (first.decided_by.reason, first.decided_by.since) == (Code.SPEC_REPLICAS, NOW)
    later = NOW + seconds(60)
    same = plan_of(member("a", 5), record=first, now=later, replicas=5).record
    other = plan_of(member("a", 5), record=first, now=later, replicas=6).record
    held = plan_of(member("a", 5), record=first, now=later).record
    assert same.decided_by == first.decided_by
    assert other.decided_by is not None
    assert other.decided_by.since == later
    assert held.decided_by is not None
    assert (held.decided_by.kind, held.decided_by.reason, held.decided_by.since) == ("Hold", Code.HOLD, later)


# Hold: nobody chose a number


def test_a_new_object_holds_what_it_found() -> None:
    plan = plan_of(found("a", 4, units_per_node=2), found("b", 3), min_replicas=2)
    assert (plan.record.desired, plan.settled) == (11, True)


def test_a_hold_is_raised_to_the_minimum() -> None:
    assert plan_of(found("a", 4), min_replicas=9).record.desired == 9


def test_removing_replicas_changes_nothing() -> None:
    record = PoolRecord(requested=7, desired=7)
    assert plan_of(member("a", 7), record=record).record.desired == 7


def test_a_member_added_to_a_held_pool_brings_its_units() -> None:
    record = PoolRecord(requested=7, desired=7)
    assert plan_of(member("a", 7), found("b", 3), record=record).record.desired == 10


def test_a_node_pool_made_again_is_not_counted_twice() -> None:
    again = member("a", 7).seen(incarnation="a-2")
    assert plan_of(again, record=PoolRecord(requested=7, desired=7)).record.desired == 7


# Delay


def delayed(record: PoolRecord, at_s: float, replicas: int, **spec: Any) -> Plan:
    spec = {"scale_down_delay_s": 300} | spec
    return plan_of(member("a", 30), record=record, now=NOW + seconds(at_s), replicas=replicas, **spec)


def test_a_lower_wish_counts_after_the_delay() -> None:
    record = delayed(PoolRecord(), 0, 30).record
    fallen = delayed(record, 10, 20)
    assert (fallen.record.desired, code(fallen)) == (30, Code.SCALE_DOWN_DELAY)
    assert fallen.wake_at == NOW + seconds(310)
    assert delayed(fallen.record, 309, 20).record.desired == 30
    ended = delayed(fallen.record, 310, 20)
    assert (ended.record.desired, code(ended), ended.record.past_wishes) == (20, None, ())


def test_the_first_wish_of_an_object_has_no_past() -> None:
    assert delayed(PoolRecord(), 0, 12).record.desired == 12


def test_wishes_come_down_like_a_staircase() -> None:
    record = delayed(PoolRecord(), 0, 30).record
    record = delayed(record, 10, 20).record
    record = delayed(record, 100, 10).record
    assert record.desired == 30
    record = delayed(record, 310, 10).record
    assert record.desired == 20
    assert delayed(record, 400, 10).record.desired == 10


def test_a_wish_that_rises_again_forgets_what_was_left() -> None:
    record = delayed(PoolRecord(), 0, 30).record
    record = delayed(record, 10, 20).record
    record = delayed(record, 20, 30).record
    assert (record.desired, record.past_wishes) == (30, ())


def test_a_lower_maximum_acts_at_once() -> None:
    record = delayed(PoolRecord(), 0, 30).record
    assert delayed(record, 10, 30, max_replicas=25).record.desired == 25
    assert delayed(record, 10, 20, max_replicas=25).record.desired == 25


def test_a_lower_minimum_waits_like_a_lower_wish() -> None:
    record = delayed(PoolRecord(), 0, 5, min_replicas=30).record
    assert delayed(record, 10, 5, min_replicas=10).record.desired == 30
    later = delayed(delayed(record, 10, 5, min_replicas=10).record, 310, 5, min_replicas=10)
    assert later.record.desired == 10


def test_a_wish_left_before_a_restart_still_binds() -> None:
    left = PoolRecord(requested=20, desired=30, past_wishes=(PastWish(units=30, left_at=NOW),))
    assert delayed(left, 200, 20).record.desired == 30
    assert delayed(left, 300, 20).record.desired == 20


def test_todays_maximum_bounds_a_wish_left_long_ago() -> None:
    left = PoolRecord(requested=20, desired=30, past_wishes=(PastWish(units=30, left_at=NOW),))
    assert delayed(left, 200, 20, max_replicas=25).record.desired == 25


def test_what_is_found_later_is_not_put_on_top_of_the_minimum() -> None:
    first = plan_of(found("a", 4), min_replicas=6).record
    second = plan_of(member("a", 4), found("b", 4), record=first, min_replicas=6).record
    third = plan_of(member("a", 4), member("b", 4), found("c", 4), record=second, min_replicas=6).record
    assert [first.desired, second.desired, third.desired] == [6, 8, 12]


def test_a_lowered_minimum_does_not_lower_a_hold() -> None:
    raised = plan_of(found("a", 4), min_replicas=9).record
    assert plan_of(member("a", 9), record=raised, min_replicas=0).record.desired == 9


# A scaling policy


def under(units: int | None, record: PoolRecord, at_s: float = 0, **spec: Any) -> Plan:
    """A pass over a pool that has a policy with that wish."""
    wish = PolicyWish(name="traffic", units=units)
    now = NOW + seconds(at_s)
    return decide(replace(snapshot(member("a", 12), record=record, now=now, **spec), policy=wish))


def by(plan: Plan) -> tuple[str, str, str]:
    decider = plan.record.decided_by
    assert decider is not None
    return decider.kind, decider.name, decider.reason


def test_a_policy_decides_and_spec_replicas_do_not() -> None:
    plan = under(7, PoolRecord(), replicas=20)
    assert (plan.record.requested, by(plan)) == (7, ("ScalingPolicy", "traffic", Code.SCALING_POLICY))


def test_the_pools_bounds_are_outermost() -> None:
    assert under(7, PoolRecord(), min_replicas=9).record.desired == 9
    assert under(7, PoolRecord(), max_replicas=5).record.desired == 5


def test_a_policy_that_has_not_decided_yet_holds_and_spec_replicas_do_not_come_in_between() -> None:
    before = plan_of(member("a", 12), replicas=12).record
    plan = under(None, before, replicas=3)
    assert (plan.record.desired, by(plan)[0]) == (12, "Hold")


def test_a_policy_that_is_lost_is_a_hold_without_replicas() -> None:
    plan = plan_of(member("a", 12), record=under(7, PoolRecord()).record, now=NOW + seconds(9999))
    assert (plan.record.desired, by(plan)[0]) == (7, "Hold")


def test_whoever_decides_after_a_policy_waits_before_the_pool_shrinks() -> None:
    before = under(12, PoolRecord()).record
    waits = plan_of(member("a", 12), record=before, now=NOW + seconds(10), replicas=5, scale_down_delay_s=300)
    assert (waits.record.desired, code(waits)) == (12, Code.DECIDER_CHANGED)
    falls = plan_of(member("a", 12), record=waits.record, now=NOW + seconds(311), replicas=5, scale_down_delay_s=300)
    assert falls.record.desired == 5


def test_a_policys_wish_that_stands_keeps_its_time() -> None:
    first = under(7, PoolRecord())
    assert under(7, first.record, 60).record.decided_by == first.record.decided_by
