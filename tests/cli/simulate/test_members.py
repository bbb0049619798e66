"""A pool's members in virtual time: placed and stepped by the operator's own decision, late, and sold out now and then."""

from datetime import datetime
from itertools import pairwise

from multicloud.cli.simulate.members import SOLD_OUT_FOR, Members
from multicloud.model.size import CapacityType
from multicloud.model.spec import Disruption, PoolSpec
from support.builders import NOW, member_spec, seconds


def pool(*, spot: bool = False, max_nodes: int = 100) -> PoolSpec:
    kind = CapacityType.SPOT if spot else CapacityType.ON_DEMAND
    members = (
        member_spec("a", max_nodes=max_nodes, weight=2, capacity_type=kind),
        member_spec("b", max_nodes=max_nodes, units_per_node=2, capacity_type=kind),
    )
    return PoolSpec(
        replicas=None, min_replicas=4, max_replicas=200, disruption=Disruption(max_nodes_per_step=3), members=members
    )


def follow(members: Members, desired: int, now: datetime, minutes: int) -> list[tuple[int, int]]:
    """Ready and paid units, minute by minute."""
    found = []
    for _ in range(minutes):
        members.arrive(now)
        members.order(desired, now)
        found.append((members.ready, members.units))
        now += seconds(60)
    return found


def test_a_pool_begins_with_its_units_ready() -> None:
    members = Members(pool(), 30, 240, 1, NOW)
    assert (members.ready, members.units, members.hourly_cost) == (30, 30, None)


def test_growth_is_paid_at_once_and_ready_after_the_boot() -> None:
    found = follow(Members(pool(), 30, 240, 1, NOW), 60, NOW, 8)
    assert found[0] == (30, 60)
    assert found[3] == (30, 60), "no node boots in three minutes"
    assert found[-1] == (60, 60)


def test_removals_go_in_the_pools_own_steps() -> None:
    found = follow(Members(pool(), 60, 240, 1, NOW), 30, NOW, 90)
    sizes = [units for _, units in found]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 30
    assert max(before - after for before, after in pairwise(sizes)) <= 2 * 3
    assert len(set(sizes)) > 4


def test_a_sold_out_cloud_is_helped_out_and_comes_back() -> None:
    """Which seeds meet one is chance, but always the same chance."""
    met = 0
    for seed in range(30):
        members = Members(pool(spot=True, max_nodes=40), 20, 60, seed, NOW)
        first = follow(members, 80, NOW, 3)
        if first[0][1] < 80:
            met += 1
            assert follow(members, 80, NOW + SOLD_OUT_FOR, 240)[-1] == (80, 80)
    assert 1 <= met <= 12


def test_equal_seeds_are_equal_and_others_are_not() -> None:
    runs = [follow(Members(pool(spot=True), 10, 240, seed, NOW), 90, NOW, 30) for seed in (5, 5, 6)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
