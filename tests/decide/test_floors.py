"""Members that pods ask nodes of: lifted on top of everybody's share, for as long as it is asked and a delay."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multicloud.decide import decide
from multicloud.model.override import Override
from multicloud.model.plan import Plan, PolicyWish, Snapshot
from multicloud.model.pods import Floor
from multicloud.model.reason import Code
from multicloud.model.record import KeptFloor, PoolRecord
from multicloud.model.spec import MemberState, Strategy
from support.builders import NOW, Member, asked, member, of, priced, seconds, snapshot, targets


def wished(seen: Snapshot, units: int, **floors: int) -> Snapshot:
    """The policy wishes for units, and for floors."""
    asks = tuple(Floor(member=name, nodes=nodes) for name, nodes in floors.items())
    return replace(seen, policy=PolicyWish(name="web", units=units, floors=asks))


def plan_of(*members: Member, units: int = 12, floors: dict[str, int] | None = None, **fields: Any) -> Plan:
    return decide(wished(snapshot(*members, **fields), units, **(floors or {})))


THREE = (member("a", 4), member("b", 4), member("c", 4))


@pytest.mark.parametrize(
    ("floors", "fields", "sizes", "on_top", "shortage"),
    [
        pytest.param({}, {}, [4, 4, 4], 0, 0, id="no floors"),
        pytest.param({"b": 3}, {}, [4, 4, 4], 0, 0, id="below the share"),
        pytest.param({"b": 9}, {}, [4, 9, 4], 5, 0, id="on top of everybody's share"),
        pytest.param({"b": 9, "c": 6}, {}, [4, 9, 6], 7, 0, id="two of them"),
        pytest.param({"b": 9}, {"max_replicas": 15}, [4, 7, 4], 5, 2, id="as far as maxReplicas lets it"),
        pytest.param({"b": 900}, {}, [4, 100, 4], 896, 800, id="as far as maxNodes lets it"),
        pytest.param({"nobody": 9}, {}, [4, 4, 4], 0, 0, id="of no member"),
    ],
)
def test_a_floor_lifts_its_member_and_nobody_else(
    floors: dict[str, int], fields: dict[str, Any], sizes: list[int], on_top: int, shortage: int
) -> None:
    plan = plan_of(*THREE, floors=floors, **fields)
    assert list(targets(plan).values()) == sizes
    assert (plan.record.desired, plan.record.on_top, plan.shortage) == (12, on_top, shortage)


def test_what_is_too_little_for_all_goes_to_the_highest_priority_then_by_name() -> None:
    third = member("c", 4, priority=1)
    plan = plan_of(*THREE[:2], third, floors={"a": 9, "b": 9, "c": 7}, max_replicas=17)
    assert list(targets(plan).values()) == [6, 4, 7]


def test_the_reasons_name_pods_and_what_they_cannot_have() -> None:
    plan = plan_of(*THREE, floors={"b": 9}, max_replicas=15)
    assert (of(plan, "b").reason.code, of(plan, "a").reason.code) == (Code.GROW_FOR_PODS, Code.AS_WISHED)
    assert plan.limited_by is not None
    assert (plan.limited_by.code, "b" in plan.limited_by.text) == (Code.FLOORS_SHORT, True)


@pytest.mark.parametrize(
    ("changed", "size"),
    [
        pytest.param(member("b", 4), 8, id="at rest"),
        pytest.param(member("b", 2, units_per_node=2), 8, id="floors are nodes, not units"),
        pytest.param(member("b", 3).seen(step=3), 9, id="whole steps"),
        pytest.param(member("b", 8, max_nodes=8).seen(step=3), 8, id="between two steps, and no whole one is enough"),
        pytest.param(member("b", 7, max_nodes=7).seen(step=3), 7, id="between two steps, and nearest to enough"),
        pytest.param(member("b", 4, max_nodes=6), 6, id="its own maximum"),
        pytest.param(member("b", 4, state=MemberState.FROZEN), 4, id="frozen"),
        pytest.param(member("b", 4, state=MemberState.DRAIN), 0, id="drained"),
        pytest.param(member("b", 4).viewed(paused=True), 4, id="its account is paused"),
        pytest.param(member("b", 4).remembered(attempts=1, backoff_until=NOW + seconds(60)), 4, id="it backs off"),
    ],
)
def test_what_a_lifted_member_may_have(changed: Member, size: int) -> None:
    plan = plan_of(THREE[0], changed, THREE[2], floors={"b": 8})
    assert targets(plan)["b"] == size


def test_what_fails_in_one_cluster_makes_nobody_grow_in_another() -> None:
    failed = member("b", 4).remembered(attempts=1, backoff_until=NOW + seconds(60))
    plan = plan_of(THREE[0], failed, THREE[2], floors={"b": 9})
    assert (asked(plan), plan.shortage) == ({}, 5)
    assert plan.limited_by is not None
    assert plan.limited_by.code is Code.FLOORS_SHORT


@pytest.mark.parametrize(
    ("bound", "size"),
    [
        pytest.param({"policy": 14}, 6, id="the policy's own maximum, or its schedule's"),
        pytest.param({"override": 13}, 5, id="an override's maximum"),
        pytest.param({"policy": 8}, 4, id="a maximum below what members have anyway"),
    ],
)
def test_what_bounds_the_number_bounds_what_comes_on_top(bound: dict[str, int], size: int) -> None:
    override = Override(min_replicas=None, max_replicas=bound.get("override"), until=NOW + seconds(900), reason="x")
    seen = snapshot(*THREE, override=override if "override" in bound else None)
    wish = PolicyWish(name="web", units=12, floors=(Floor(member="b", nodes=9),), most=bound.get("policy"))
    plan = decide(replace(seen, policy=wish))
    assert targets(plan) == {"a": 4, "b": size, "c": 4}
    assert [(one.name, one.by) for one in plan.placing.relaxed] == [("members[b].podsFloor", 9 - size)]


def test_pods_of_a_member_that_nobody_may_resize_are_short_all_the_same() -> None:
    plan = plan_of(THREE[0], member("b", 4, state=MemberState.FROZEN), THREE[2], floors={"b": 6})
    assert (asked(plan), plan.shortage, plan.record.on_top) == ({}, 2, 2)


def test_money_binds_what_pods_ask_for() -> None:
    members = (priced("a", 4, "1"), priced("b", 4, "2"))
    plan = plan_of(*members, units=8, floors={"b": 9}, max_hourly_cost=Decimal(18))
    assert (targets(plan)["b"], plan.shortage) == (7, 2)


def test_money_is_spent_once() -> None:
    members = (priced("a", 4, "1"), priced("b", 4, "2"), priced("c", 4, "2"))
    plan = plan_of(*members, floors={"b": 6, "c": 6}, max_hourly_cost=Decimal(26))
    assert (targets(plan), plan.shortage) == ({"a": 4, "b": 6, "c": 5}, 1)


def test_where_cost_decides_the_floor_is_bought_where_the_pods_are() -> None:
    members = (priced("a", 8, "1"), priced("b", 0, "2"))
    plan = plan_of(*members, units=8, floors={"b": 3}, strategy=Strategy.COST)
    assert targets(plan) == {"a": 8, "b": 3}


# Less only after a while


def kept(nodes: int, left_s: float | None = None) -> KeptFloor:
    return KeptFloor(nodes=nodes, left_at=None if left_s is None else NOW - seconds(left_s))


@pytest.mark.parametrize(
    ("before", "floor", "after"),
    [
        pytest.param(None, 9, kept(9), id="asked for: at once"),
        pytest.param(kept(9), 11, kept(11), id="more: at once"),
        pytest.param(kept(9), 9, kept(9), id="the same"),
        pytest.param(kept(9), 5, kept(9, 0), id="less: after a while"),
        pytest.param(kept(9, 100), 5, kept(9, 100), id="not yet"),
        pytest.param(kept(9, 300), 5, kept(5), id="now"),
        pytest.param(kept(9, 100), 9, kept(9), id="wanted again"),
        pytest.param(kept(9), 0, kept(9, 0), id="nothing: after a while"),
        pytest.param(kept(9, 300), 0, None, id="nothing, now"),
        pytest.param(None, 0, None, id="never"),
    ],
)
def test_a_floor_is_left_after_the_delay(before: KeptFloor | None, floor: int, after: KeptFloor | None) -> None:
    seen = snapshot(member("b", 4).remembered(pods_floor=before), scale_down_delay_s=300)
    plan = decide(wished(seen, 4, **({"b": floor} if floor else {})))
    assert plan.record.member("b").pods_floor == after
    assert targets(plan)["b"] == max(4, after.nodes if after else 0)
    if after is not None and after.left_at is not None:
        assert plan.wake_at == after.left_at + seconds(300)


def test_a_policy_that_is_gone_takes_nothing_at_once() -> None:
    seen = snapshot(member("b", 9).remembered(pods_floor=kept(9)), scale_down_delay_s=300)
    plan = decide(replace(seen, record=replace(seen.record, desired=4, requested=4)))
    assert targets(plan) == {"b": 9}


@given(
    sizes=st.lists(st.integers(min_value=0, max_value=20), min_size=1, max_size=4),
    floors=st.lists(st.integers(min_value=0, max_value=30), min_size=4, max_size=4),
    units=st.integers(min_value=0, max_value=60),
    most=st.integers(min_value=0, max_value=80),
)
def test_floors_only_ever_add_within_the_bounds(sizes: list[int], floors: list[int], units: int, most: int) -> None:
    members = [member(f"m{number}", size, max_nodes=25) for number, size in enumerate(sizes)]
    names = {f"m{number}": floor for number, floor in enumerate(floors[: len(sizes)]) if floor}
    record = PoolRecord(desired=units, requested=units)
    free = targets(plan_of(*members, units=units, max_replicas=most, record=record))
    plan = plan_of(*members, units=units, floors=names, max_replicas=most, record=record)
    held = targets(plan)
    for name, size in held.items():
        before = free[name] or 0
        assert before <= (size or 0) <= max(before, min(25, names.get(name, 0)))
    assert sum(size or 0 for size in held.values()) <= max(most, sum(size or 0 for size in free.values()))
    missing = sum(max(0, floor - (held[name] or 0)) for name, floor in names.items())
    assert plan.shortage >= missing
