"""Which units move, when they may not, and how far a move reaches above maxReplicas."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from multicloud.decide import decide
from multicloud.model.member import Counted, Inside
from multicloud.model.plan import Plan
from multicloud.model.reason import Code
from multicloud.model.record import PoolRecord
from multicloud.model.schedule import Schedule
from multicloud.model.spec import Action, MemberState, Strategy, VoluntaryMoves, Window
from support.builders import NOW, Member, Pool, asked, member, of, seconds, snapshot, targets

NEVER, OBSERVED, ALWAYS = VoluntaryMoves.NEVER, VoluntaryMoves.OBSERVED, VoluntaryMoves.ALWAYS
SEEN = Inside(counted=Counted(nodes=9, ready=9))
UNSEEN_PODS = Inside(counted=Counted(nodes=9, ready=9, needed=None, unscheduled=None))
PREFERS_B: dict[str, Any] = {"strategy": Strategy.PRIORITY}


def closed(*actions: Action) -> tuple[Window, ...]:
    """NOW is noon."""
    night = Schedule(cron="0 1 * * *", zone=ZoneInfo("UTC"), duration_s=14400)
    return (Window(schedule=night, allow=frozenset(actions)),)


def a(size: int, **spec: Any) -> Member:
    return member("a", size, **spec)


def b(size: int, **spec: Any) -> Member:
    return member("b", size, priority=9, **spec)


def plan_of(*members: Member, standing_in: int = 0, **spec: Any) -> Plan:
    record = PoolRecord(standing_in=standing_in)
    return decide(snapshot(*members, record=record, **(PREFERS_B | spec)))


@pytest.mark.parametrize(
    ("one", "spec", "code"),
    [
        pytest.param(a(10), {"voluntary_moves": ALWAYS}, None, id="always"),
        pytest.param(a(10), {"voluntary_moves": NEVER}, Code.NO_VOLUNTARY_MOVE, id="never"),
        pytest.param(a(10), {"voluntary_moves": OBSERVED}, Code.NO_VOLUNTARY_MOVE, id="its cluster is not seen"),
        pytest.param(
            a(10).viewed(inside=UNSEEN_PODS), {"voluntary_moves": OBSERVED}, Code.NO_VOLUNTARY_MOVE, id="nodes, no pods"
        ),
        pytest.param(a(10).viewed(inside=SEEN), {"voluntary_moves": OBSERVED}, None, id="its pods are seen"),
        pytest.param(
            a(10).viewed(inside=SEEN),
            {"voluntary_moves": OBSERVED, "windows": closed(Action.MOVE)},
            Code.OUTSIDE_WINDOWS,
            id="no window is open",
        ),
        pytest.param(a(10), {"windows": closed(Action.SCALE_DOWN)}, None, id="windows for something else"),
        pytest.param(a(10, state=MemberState.DRAIN), {"voluntary_moves": NEVER}, None, id="a drain is no move"),
    ],
)
def test_a_move_that_may_not_be_is_not_begun(one: Member, spec: dict[str, Any], code: Code | None) -> None:
    plan = plan_of(one, b(0), replicas=10, **spec)
    if code is None:
        assert (asked(plan), targets(plan)) == ({"b": 10}, {"a": 0, "b": 10})
        return
    assert (asked(plan), targets(plan), of(plan, "a").reason.code) == ({}, {"a": 10, "b": 0}, code)
    assert (plan.settled, plan.record.standing_in) == (True, 0)


def test_only_who_loses_has_to_be_seen() -> None:
    both = (a(10).viewed(inside=SEEN), b(0))
    assert asked(plan_of(*both, replicas=10, voluntary_moves=OBSERVED)) == {"b": 10}


def test_who_may_not_lose_keeps_what_it_has_and_the_others_move() -> None:
    unseen, seen = member("c", 4), a(6).viewed(inside=SEEN)
    plan = plan_of(seen, b(0), unseen, replicas=10, voluntary_moves=OBSERVED)
    assert targets(plan) == {"a": 0, "b": 6, "c": 4}
    assert of(plan, "c").reason.code is Code.NO_VOLUNTARY_MOVE


@pytest.mark.parametrize("policy", [NEVER, OBSERVED])
def test_a_wish_moves_nobody_where_moves_may_not_be(policy: VoluntaryMoves) -> None:
    more = plan_of(a(10), b(2), replicas=15, voluntary_moves=policy)
    assert asked(more) == {"b": 5}
    fewer = plan_of(a(10), b(2), replicas=8, voluntary_moves=policy)
    assert asked(fewer) == {"a": 6}, "the fewer ones go where they are least wanted, and nobody grows"
    assert of(fewer, "a").reason.code is Code.SHRINK_TO_WISH


def test_whole_nodes_that_only_a_move_would_bring_nearer_say_so() -> None:
    members = (a(0), b(3, units_per_node=3, weight=1000))
    kept = decide(snapshot(*members, replicas=7, voluntary_moves=NEVER))
    assert (asked(kept), kept.record.desired) == ({}, 7)
    assert kept.limited_by is not None
    assert (kept.limited_by.code, of(kept, "b").reason.code) == (Code.NO_VOLUNTARY_MOVE, Code.NO_VOLUNTARY_MOVE)
    assert asked(decide(snapshot(*members, replicas=7, voluntary_moves=ALWAYS))) == {"a": 1}
    nearest = decide(snapshot(a(0, max_nodes=0), members[1], replicas=7, voluntary_moves=NEVER))
    assert (asked(nearest), nearest.limited_by and nearest.limited_by.code) == ({}, Code.WHOLE_NODES)


def test_bounds_are_met_whatever_may_move() -> None:
    above = plan_of(a(10, max_nodes=6), b(0), replicas=10, voluntary_moves=NEVER)
    assert targets(above) == {"a": 6, "b": 4}
    below = plan_of(a(10), b(0, min_nodes=3), replicas=10, voluntary_moves=NEVER)
    assert (asked(below), below.record.standing_in) == ({"b": 3}, 0)
    grown = plan_of(a(10), b(3, min_nodes=3), replicas=10, voluntary_moves=NEVER)
    assert asked(grown) == {"a": 7}, "what nobody wishes for any more goes by ordinary scale-down"


# What stands in for others


def test_units_that_grew_in_a_move_are_remembered_until_the_others_have_gone() -> None:
    growing = plan_of(a(10), b(0), replicas=10)
    assert (asked(growing), growing.record.standing_in) == ({"b": 10}, 10)
    shrinking = plan_of(a(10), b(10), replicas=10, standing_in=10)
    assert (asked(shrinking), shrinking.record.standing_in) == ({"a": 0}, 10)
    assert plan_of(a(0), b(10), replicas=10, standing_in=10).record.standing_in == 0


def test_growth_that_was_wished_for_stands_in_for_nobody() -> None:
    assert plan_of(a(10), b(0), replicas=14).record.standing_in == 10
    assert plan_of(a(10), b(0), replicas=14, voluntary_moves=NEVER).record.standing_in == 0
    assert plan_of(a(10, state=MemberState.DRAIN), b(0), replicas=10).record.standing_in == 0


def test_a_window_that_closes_in_the_middle_stops_a_move_there() -> None:
    plan = plan_of(a(10), b(10), replicas=10, standing_in=10, windows=closed(Action.MOVE))
    assert (asked(plan), of(plan, "a").reason.code) == ({}, Code.OUTSIDE_WINDOWS)
    assert plan.limited_by is not None
    assert plan.limited_by.code is Code.OUTSIDE_WINDOWS
    assert plan.record.standing_in == 10
    fewer = plan_of(a(10), b(10), replicas=6, standing_in=10, windows=closed(Action.MOVE))
    assert asked(fewer) == {"a": 6}, "what is wished away goes, what stands in for others stays"


def test_a_window_for_moves_alone_lets_fewer_be_wished_for_at_any_time() -> None:
    assert asked(plan_of(a(10), replicas=4, windows=closed(Action.MOVE))) == {"a": 4}


def test_a_closed_window_for_fewer_begins_no_move_beside_them() -> None:
    plan = plan_of(a(10), b(0), replicas=6, windows=closed(Action.SCALE_DOWN))
    assert (asked(plan), of(plan, "a").reason.code) == ({}, Code.OUTSIDE_WINDOWS)


# Above maxReplicas


@pytest.mark.parametrize(
    ("percent", "to"),
    [
        pytest.param(10, 2, id="ten percent of maxReplicas"),
        pytest.param(11, 3, id="rounded up"),
        pytest.param(0, 1, id="nothing: one node all the same"),
        pytest.param(100, 20, id="all of it"),
    ],
)
def test_a_move_reaches_above_max_replicas_by_so_much(percent: int, to: int) -> None:
    plan = plan_of(a(20), b(0), replicas=20, max_replicas=20, max_surge_percent=percent)
    assert asked(plan) == {"b": to}
    assert (of(plan, "b").reason.code, targets(plan)) == (Code.MOVE_TO_SHARE, {"a": 0, "b": 20})


def test_one_node_may_come_above_max_replicas_and_no_second_one() -> None:
    drained = a(20, state=MemberState.DRAIN)
    plan = plan_of(drained, b(0, max_nodes=10), member("c", 0), replicas=20, max_replicas=20, max_surge_percent=0)
    assert asked(plan) == {"b": 1}
    assert of(plan, "c").reason.code is Code.MAX_SURGE


def test_a_wish_is_never_held_by_the_surge() -> None:
    assert asked(plan_of(a(5), b(0), replicas=20, max_replicas=20, max_surge_percent=0)) == {"b": 15}
    missing = a(10).seen(nodes=0, ready=0).remembered(missing_from=NOW - seconds(1))
    assert asked(plan_of(missing, b(0), replicas=10, max_replicas=10, max_surge_percent=0)) == {"a": 0, "b": 10}


def delivered(members: Sequence[Member], plan: Plan) -> list[Member]:
    """What the clouds made of it."""
    sizes = asked(plan)
    after = []
    for one in members:
        size = sizes.get(one.record.name, one.record.requested or 0)
        after.append(one.seen(requested=size, nodes=size, ready=size).remembered(agreed=size, requested=size))
    return after


@pytest.mark.parametrize("policy", [OBSERVED, ALWAYS])
def test_a_move_is_made_before_it_is_broken_step_by_step(policy: VoluntaryMoves) -> None:
    limits = {"max_unavailable_percent": 10, "max_surge_percent": 10, "voluntary_moves": policy}
    pool = Pool(
        members=[a(20).viewed(inside=SEEN), b(0)],
        spec={"replicas": 20, "min_replicas": 18, "max_replicas": 20, **PREFERS_B, **limits},
    )
    sizes = []
    for _ in range(30):
        plan = decide(pool.snapshot())
        members = delivered(pool.members, plan)
        pool = replace(pool, members=members, record=plan.record)
        sizes.append(tuple(one.record.requested or 0 for one in members))
    assert sizes[:4] == [(20, 2), (18, 2), (18, 4), (16, 4)]
    assert sizes[-1] == (0, 20)
    assert all(20 <= sum(each) <= 22 for each in sizes)
    assert pool.record.standing_in == 0
