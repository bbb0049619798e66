"""Members that come and go: drained ones hand over, removed ones are named for a day, frozen ones stay."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from multicloud.decide import decide
from multicloud.model.reason import Code
from multicloud.model.record import MemberRecord, PoolRecord, Released
from multicloud.model.spec import MemberState, Price, Strategy
from support.builders import NOW, Pool, asked, member, of, snapshot, targets, unseen

# Draining


@pytest.mark.parametrize("strategy", Strategy)
def test_a_drained_member_hands_over_step_by_step(strategy: Strategy) -> None:
    costs = {"price": Price(amount=Decimal("0.1"), currency="USD")}
    gone, other = member("a", 5, state=MemberState.DRAIN, priority=9, weight=9, **costs), member("b", 5, **costs)
    plan = decide(snapshot(gone, other, replicas=10, strategy=strategy))
    assert (asked(plan), targets(plan)) == ({"b": 10}, {"a": 0, "b": 10}), "the replacement first"
    assert of(plan, "a").reason.code is Code.REPLACEMENT_NOT_READY
    plan = decide(snapshot(gone, member("b", 10, **costs), replicas=10, strategy=strategy))
    assert asked(plan) == {"a": 0}


def test_it_keeps_only_what_no_other_can_carry() -> None:
    spare = member("c", 0, weight=0, max_nodes=2)
    plan = decide(snapshot(member("a", 5, state=MemberState.DRAIN), member("b", 5, max_nodes=6), spare, replicas=10))
    assert targets(plan) == {"a": 2, "b": 6, "c": 2}


def test_it_never_grows() -> None:
    plan = decide(snapshot(member("a", 5, state=MemberState.DRAIN), member("b", 5, max_nodes=5), replicas=30))
    assert asked(plan) == {}


def test_draining_is_consent_and_no_minimum_holds_it() -> None:
    found = member("a", 5, state=MemberState.DRAIN, min_nodes=2).remembered(adoption_floor=5)
    plan = decide(snapshot(found, member("b", 10), replicas=10))
    assert (asked(plan), of(plan, "a").record.adoption_floor) == ({"a": 0}, None)


def test_the_clouds_own_minimum_does() -> None:
    held = member("a", 5, state=MemberState.DRAIN).seen(cloud_min=1, cloud_max=9)
    assert targets(decide(snapshot(held, member("b", 10), replicas=10)))["a"] == 1


# Removed from the spec


def released(plan_record: PoolRecord) -> list[tuple[str, int | None]]:
    return [(one.name, one.nodes) for one in plan_record.released]


def test_a_removed_member_is_named_with_what_it_leaves() -> None:
    before = member("b", 7).record
    seen = snapshot(member("a", 5), replicas=5)
    seen = replace(seen, record=replace(seen.record, members=(*seen.record.members, before)))
    plan = decide(seen)
    assert (released(plan.record), asked(plan)) == ([("b", 7)], {})
    assert plan.wake_at is None or plan.wake_at > NOW
    assert [one.name for one in plan.record.members] == ["a"]


def test_one_that_never_had_a_node_pool_leaves_nothing() -> None:
    seen = snapshot(member("a", 5), replicas=5)
    seen = replace(seen, record=replace(seen.record, members=(*seen.record.members, MemberRecord(name="b"))))
    assert released(decide(seen).record) == []


def test_nor_is_it_forgotten_before_everybody_was_looked_at() -> None:
    seen = Pool(members=[unseen("a")]).snapshot()
    seen = replace(seen, record=replace(seen.record, members=(*seen.record.members, member("b", 7).record)))
    assert released(decide(seen).record) == [("b", 7)]


@pytest.mark.parametrize(
    ("age_h", "present", "kept"),
    [
        pytest.param(23, False, True, id="for a day"),
        pytest.param(24, False, False, id="not longer"),
        pytest.param(1, True, False, id="not once it is back"),
    ],
)
def test_it_is_named_for_a_day(age_h: float, present: bool, kept: bool) -> None:
    left = Released(name="b", node_pool="k", nodes=7, at=NOW - timedelta(hours=age_h))
    members = [member("a", 5), *([member("b", 7)] if present else [])]
    plan = decide(snapshot(*members, replicas=12 if present else 5, record=PoolRecord(released=(left,))))
    assert (released(plan.record) == [("b", 7)]) is kept
    if kept:
        assert plan.wake_at == left.at + timedelta(hours=24)
