"""Modes Plan and ApproveShrink: what waits, what an approval lets go, and all that it does not."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from multicloud.decide import decide
from multicloud.decide.decision import PRICED_AT_MOST
from multicloud.model.approval import Approval, Approve, Binding, Change, EndedPlan, PublishedPlan
from multicloud.model.plan import Plan, Snapshot
from multicloud.model.reason import Code
from multicloud.model.record import DecidedBy, PoolRecord
from multicloud.model.spec import Mode, Strategy
from support.builders import NOW, UID, Member, asked, member, of, priced, seconds, snapshot

_BY = DecidedBy(kind="MultiCloudPool", name="web", reason="SpecReplicas", since=NOW)


def pool(*members: Member, mode: Mode = Mode.PLAN, approve: str | None = None, **fields: Any) -> Snapshot:
    note = None if approve is None else Approve(hash=approve, manager="kubectl")
    record = fields.pop("record", PoolRecord())
    known = replace(record, observed_generation=1, decided_by=record.decided_by or _BY)
    return snapshot(*members, mode=mode, approve=note, record=known, **fields)


def again(plan: Plan, *members: Member, later_s: float = 60, **fields: Any) -> Plan:
    """The next pass, with what the plan remembers."""
    return decide(pool(*members, record=plan.record, now=NOW + seconds(later_s), **fields))


def standing(plan: Plan) -> str:
    assert plan.record.plan is not None
    return plan.record.plan.hash(UID)


def outcome(plan: Plan) -> Code | None:
    return plan.record.approval.outcome if plan.record.approval is not None else None


def ended(plan: Plan) -> list[Code]:
    return [one.outcome for one in plan.record.ended_plans]


SHRINKING = (member("a", 10), member("b", 0, weight=0))


def test_mode_plan_publishes_and_asks_for_nothing() -> None:
    plan = decide(pool(*SHRINKING, replicas=4))
    assert asked(plan) == {}
    assert plan.record.plan is not None
    assert [(one.member, one.origin, one.to) for one in plan.record.plan.changes] == [("a", 10, 4)]
    assert plan.record.plan.expires_at == NOW + timedelta(hours=1)
    assert plan.blocked is not None
    assert (plan.blocked.code, of(plan, "a").reason.code) == (Code.PLAN_ONLY, Code.PLAN_ONLY)
    assert plan.awaits is not None
    assert f"multicloud approve web {standing(plan)}" in plan.awaits.text


def test_a_plan_ends_when_somebody_else_decides_the_number() -> None:
    plan = decide(pool(*SHRINKING, replicas=4))
    another = replace(plan.record, decided_by=DecidedBy(kind="ScalingPolicy", name="web", reason="", since=NOW))
    later = decide(pool(*SHRINKING, record=another, now=NOW + seconds(60), replicas=4))
    assert ended(later) == [Code.PLAN_CHANGED]


def test_a_plan_that_came_true_by_other_hands_was_not_executed() -> None:
    plan = decide(pool(*SHRINKING, replicas=4))
    later = again(plan, member("a", 4), SHRINKING[1], replicas=4)
    assert ended(later) == [Code.PLAN_CHANGED]


def test_a_published_plan_tells_once_what_bound_it_and_at_what_price() -> None:
    cheap = priced("cheap", 0, "0.10", max_nodes=4)
    dear = priced("dear", 0, "0.30")
    plan = decide(pool(cheap, dear, replicas=10, strategy=Strategy.COST))
    bound = (Binding(name="members[cheap].maxNodes", costs_per_hour=Decimal("1.2")),)
    assert plan.record.plan is not None
    assert plan.record.plan.bindings == bound
    dearer = again(plan, cheap, priced("dear", 0, "0.40"), replicas=10, strategy=Strategy.COST)
    assert dearer.record.plan == plan.record.plan
    known = replace(plan.record, plan=replace(plan.record.plan, bindings=None))
    later = again(replace(plan, record=known), cheap, dear, replicas=10, strategy=Strategy.COST)
    assert later.record.plan == plan.record.plan


def test_of_many_constraints_a_published_plan_tries_the_first_twenty() -> None:
    full = [priced(f"m{number}", 0, "0.10", max_nodes=1) for number in range(25)]
    plan = decide(pool(*full, priced("dear", 0, "0.30"), replicas=30, strategy=Strategy.COST)).record.plan
    assert plan is not None
    assert plan.bindings is not None
    assert len(plan.bindings) == PRICED_AT_MOST - 1, "moveWhenSaving is tried, and does not bind"


def test_what_may_go_out_waits_for_no_price() -> None:
    shrinks, grows = member("a", 10), member("b", 0, weight=5)
    grow = decide(pool(shrinks, grows, mode=Mode.APPROVE_SHRINK, replicas=12))
    assert asked(grow) == {"b": 2}
    assert grow.record.plan is not None
    assert grow.record.plan.bindings is None


def test_its_approval_lets_exactly_it_go_and_no_further() -> None:
    first = decide(pool(*SHRINKING, replicas=4))
    plan = again(first, *SHRINKING, replicas=4, approve=standing(first))
    assert (asked(plan), outcome(plan), plan.awaits) == ({"a": 4}, Code.APPROVED, None)
    assert plan.record.approval == Approval(
        hash=standing(first), manager="kubectl", at=NOW + seconds(60), outcome=Code.APPROVED
    )
    policy = again(first, *SHRINKING, replicas=2, approve=standing(first))
    assert asked(policy) == {"a": 4}, "a lower wish by the same decider does not go beyond what was approved"
    assert policy.awaits is not None


def test_less_is_done_where_less_is_wished_by_then() -> None:
    first = decide(pool(*SHRINKING, replicas=4))
    assert asked(again(first, *SHRINKING, replicas=7, approve=standing(first))) == {"a": 7}
    assert asked(again(first, *SHRINKING, replicas=12, approve=standing(first))) == {}, "nor is anything grown"


def test_growth_goes_to_the_end_of_the_plan_and_waits_there_for_another_one() -> None:
    first = decide(pool(member("a", 10), member("b", 2), replicas=8))
    plan = again(first, member("a", 10), member("b", 2, weight=9), replicas=12, approve=standing(first))
    assert (asked(plan), of(plan, "b").target) == ({"b": 4}, 11)


def test_approve_shrink_grows_at_once_and_asks_before_it_removes() -> None:
    growing = decide(pool(member("a", 4), member("b", 4), mode=Mode.APPROVE_SHRINK, replicas=12))
    assert (asked(growing), growing.record.plan, growing.awaits) == ({"a": 6, "b": 6}, None, None)
    plan = decide(pool(member("a", 10), mode=Mode.APPROVE_SHRINK, replicas=4))
    assert (asked(plan), plan.blocked) == ({}, None)
    assert of(plan, "a").reason.code is Code.APPROVAL_REQUIRED
    assert plan.limited_by == plan.awaits
    assert asked(again(plan, member("a", 10), mode=Mode.APPROVE_SHRINK, replicas=4, approve=standing(plan))) == {"a": 4}


def test_a_move_is_one_plan_and_nothing_grows_for_it_unapproved() -> None:
    both = (member("a", 0), member("b", 10, weight=0))
    first = decide(pool(*both, mode=Mode.APPROVE_SHRINK, replicas=10))
    assert asked(first) == {}
    plan = again(first, *both, mode=Mode.APPROVE_SHRINK, replicas=10, approve=standing(first))
    assert asked(plan) == {"a": 10}, "make before break"
    moved = (member("a", 10), member("b", 10, weight=0))
    plan = again(plan, *moved, mode=Mode.APPROVE_SHRINK, replicas=10, approve=standing(first), later_s=600)
    assert asked(plan) == {"b": 0}


def test_growth_for_need_is_free_while_a_removal_waits() -> None:
    both = (member("a", 2, max_nodes=9), member("b", 8, weight=0))
    first = decide(pool(*both, mode=Mode.APPROVE_SHRINK, replicas=9))
    plan = again(first, *both, mode=Mode.APPROVE_SHRINK, replicas=12)
    assert asked(plan) == {"a": 4}, "twelve, with the eight that nobody let go"


# What ends a plan


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        pytest.param({"later_s": 3600}, Code.PLAN_EXPIRED, id="an hour"),
        pytest.param({"replicas": 4, "mode": Mode.APPLY}, Code.PLAN_CHANGED, id="another mode"),
    ],
)
def test_a_plan_ends_and_its_approval_is_worth_nothing(fields: dict[str, Any], why: Code) -> None:
    first = decide(pool(*SHRINKING, replicas=4))
    plan = again(first, *SHRINKING, **{"replicas": 4, "approve": standing(first), **fields})
    assert (ended(plan), outcome(plan)) == ([why], why)
    assert plan.record.plan is None or plan.record.plan.hash(UID) != standing(first)


def test_a_plan_ends_when_the_spec_was_edited() -> None:
    first = decide(pool(*SHRINKING, replicas=4))
    edited = replace(pool(*SHRINKING, replicas=3, approve=standing(first), record=first.record), generation=2)
    plan = decide(edited)
    assert (asked(plan), ended(plan), outcome(plan)) == ({}, [Code.PLAN_CHANGED], Code.PLAN_CHANGED)
    assert plan.awaits is not None
    assert plan.awaits.code is Code.PLAN_CHANGED


def test_a_plan_ends_when_a_hand_moved_a_member_off_its_way() -> None:
    first = decide(pool(*SHRINKING, replicas=4))
    plan = again(first, member("a", 12), SHRINKING[1], replicas=4, approve=standing(first))
    assert (asked(plan), ended(plan)) == ({}, [Code.PLAN_CHANGED])


def test_a_plan_is_withdrawn_while_too_little_is_ready() -> None:
    first = decide(pool(*SHRINKING, replicas=4))
    plan = again(first, member("a", 10).seen(ready=4), SHRINKING[1], replicas=2)
    assert (plan.record.plan, ended(plan), plan.awaits) == (None, [Code.PLAN_UNSAFE], None)


def test_one_that_is_carried_out_only_waits_then() -> None:
    first = decide(pool(*SHRINKING, replicas=4))
    plan = again(first, member("a", 10).seen(ready=4), SHRINKING[1], replicas=2, approve=standing(first))
    assert (asked(plan), standing(plan)) == ({}, standing(first))


# Single use


def test_each_approval_works_once() -> None:
    first = decide(pool(*SHRINKING, replicas=4))
    done = again(first, member("a", 4), SHRINKING[1], replicas=4, approve=standing(first))
    assert (done.record.plan, ended(done), outcome(done)) == (None, [Code.PLAN_EXECUTED], Code.PLAN_EXECUTED)
    back = again(done, *SHRINKING, replicas=4, approve=standing(first), later_s=120)
    assert (asked(back), outcome(back)) == ({}, Code.APPROVAL_USED)
    assert standing(back) != standing(first), "the same changes, another plan"


def test_a_foreign_hash_does_nothing_and_that_is_said() -> None:
    first = decide(pool(*SHRINKING, replicas=4))
    plan = again(first, *SHRINKING, replicas=4, approve="0123456789abcdef")
    assert (asked(plan), outcome(plan)) == ({}, Code.APPROVAL_UNKNOWN)
    assert plan.awaits is not None
    assert plan.awaits.code is Code.APPROVAL_UNKNOWN
    assert standing(plan) == standing(first)


def test_an_approval_that_is_taken_back_stops_what_is_left() -> None:
    first = decide(pool(*SHRINKING, replicas=4))
    running = again(first, *SHRINKING, replicas=4, approve=standing(first))
    plan = again(running, member("a", 7), SHRINKING[1], replicas=4, later_s=120)
    assert (asked(plan), outcome(plan)) == ({}, Code.APPROVAL_REQUIRED)


# What status claims


def test_a_status_that_claims_an_approval_lets_nothing_go() -> None:
    first = decide(pool(*SHRINKING, replicas=4))
    claimed = Approval(hash=standing(first), manager="me", at=NOW, outcome=Code.APPROVED)
    forged = replace(first.record, approval=claimed)
    plan = decide(pool(*SHRINKING, replicas=4, record=forged, now=NOW + seconds(60)))
    assert (asked(plan), outcome(plan)) == ({}, Code.APPROVAL_REQUIRED)


def test_changes_that_were_edited_in_status_are_not_what_was_approved() -> None:
    first = decide(pool(*SHRINKING, replicas=4))
    assert first.record.plan is not None
    (change,) = first.record.plan.changes
    wider = PublishedPlan(published_at=NOW, changes=(replace(change, to=0),))
    forged = replace(first.record, plan=wider)
    plan = decide(pool(*SHRINKING, replicas=0, record=forged, approve=standing(first), now=NOW + seconds(60)))
    assert (asked(plan), outcome(plan)) == ({}, Code.APPROVAL_UNKNOWN)


@pytest.mark.parametrize("age_s", [3600.0, -1.0], ids=["old", "from the future"])
def test_an_old_plan_put_back_into_status_is_no_plan(age_s: float) -> None:
    change = Change(member="a", origin=10, to=4, reason=of(decide(pool(*SHRINKING, replicas=4)), "a").reason)
    old = PublishedPlan(published_at=NOW - seconds(age_s), changes=(change,))
    forged = PoolRecord(plan=old, ended_plans=())
    plan = decide(pool(*SHRINKING, replicas=4, record=forged, approve=old.hash(UID)))
    assert asked(plan) == {}
    assert plan.record.plan is not None
    assert plan.record.plan.published_at == NOW


def test_the_hash_is_of_this_object_and_of_this_plan() -> None:
    plan = PublishedPlan(published_at=NOW, changes=())
    assert plan.hash(UID) == plan.hash(UID)
    assert plan.hash(UID) != plan.hash("another life of the object")
    assert plan.hash(UID) != replace(plan, published_at=NOW + seconds(1)).hash(UID)


def test_no_more_ended_plans_are_kept_than_anybody_asks_for() -> None:
    kept = tuple(EndedPlan(hash=str(number), outcome=Code.PLAN_EXPIRED) for number in range(8))
    first = decide(pool(*SHRINKING, replicas=4))
    plan = again(replace(first, record=replace(first.record, ended_plans=kept)), *SHRINKING, replicas=4, later_s=3600)
    assert [one.hash for one in plan.record.ended_plans] == [standing(first), *map(str, range(7))]


def test_a_plan_at_rest_says_the_same_in_every_pass() -> None:
    first = decide(pool(*SHRINKING, replicas=4))
    second = again(first, *SHRINKING, replicas=4)
    third = again(second, *SHRINKING, replicas=4, later_s=1800)
    assert (second.record.plan, second.awaits, second.changes) == (first.record.plan, first.awaits, first.changes)
    assert replace(third, wake_at=None) == replace(second, wake_at=None)
