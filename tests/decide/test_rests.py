"""How kindly nodes go: how much at once, how long a step rests, and at what times."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from multicloud.decide import decide
from multicloud.model.member import Counted, Inside
from multicloud.model.plan import Plan
from multicloud.model.reason import Code
from multicloud.model.record import Removal
from multicloud.model.schedule import Schedule
from multicloud.model.spec import Action, MemberState, Window
from support.builders import NOW, Member, asked, intent, member, of, seconds, snapshot, targets

NOON = Schedule(cron="0 12 * * *", zone=ZoneInfo("UTC"), duration_s=60)
"""NOW is noon."""
NIGHT = Schedule(cron="0 1 * * *", zone=ZoneInfo("UTC"), duration_s=14400)


def plan_of(*members: Member, **spec: Any) -> Plan:
    return decide(snapshot(*members, **spec))


def gone(name: str, size: int, age_s: float | None, unscheduled: int | None = None) -> Member:
    """A member whose removal ended so long ago (None: it has not been seen to end)."""
    ended_at = None if age_s is None else NOW - seconds(age_s)
    return member(name, size).remembered(removal=Removal(unscheduled=unscheduled, ended_at=ended_at))


def shows(one: Member, unscheduled: int | None) -> Member:
    return one.viewed(inside=Inside(counted=Counted(nodes=9, ready=9, unscheduled=unscheduled)))


# How much at once


@pytest.mark.parametrize(
    ("members", "replicas", "percent", "removed"),
    [
        pytest.param([member("a", 100)], 50, 10, 5, id="ten percent of the desired"),
        pytest.param([member("a", 100)], 41, 10, 5, id="rounded up"),
        pytest.param([member("a", 100)], 0, 10, 1, id="of nothing: one node all the same"),
        pytest.param([member("a", 100)], 0, 100, 100, id="a hundred is no limit"),
        pytest.param([member("a", 100).seen(ready=97)], 50, 10, 2, id="less those that are not ready"),
        pytest.param([member("a", 100).seen(ready=80)], 50, 10, 1, id="more are not ready than may be: one node"),
        pytest.param([member("a", 30), member("b", 70)], 50, 10, 5, id="over the whole pool"),
        pytest.param([member("a", 50, units_per_node=2)], 50, 10, 2, id="whole nodes, not more than the units"),
        pytest.param([member("a", 50, units_per_node=8)], 50, 10, 1, id="a node is more than the units"),
        pytest.param([member("a", 90).seen(step=3)], 20, 10, 3, id="one node of each zone is more than the units"),
    ],
)
def test_one_step_takes_a_share_of_the_desired_units(
    members: list[Member], replicas: int, percent: int, removed: int
) -> None:
    plan = plan_of(*members, replicas=replicas, max_unavailable_percent=percent)
    before = sum(one.record.requested or 0 for one in members)
    assert before - sum(asked(plan).get(one.record.name, one.record.requested or 0) for one in members) == removed


def test_what_binds_is_said() -> None:
    plan = plan_of(member("a", 100), replicas=50, max_unavailable_percent=10)
    assert plan.limited_by is not None
    assert plan.limited_by.code is Code.MAX_UNAVAILABLE


def test_the_smaller_of_both_limits_binds() -> None:
    plan = plan_of(member("a", 100), replicas=50, max_unavailable_percent=10, max_nodes_per_step=3)
    assert (asked(plan), of(plan, "a").reason.code) == ({"a": 97}, Code.SHRINK_TO_WISH)
    assert plan.limited_by is not None
    assert plan.limited_by.code is Code.MAX_NODES_PER_STEP


def test_giving_back_what_never_came_is_no_unavailability() -> None:
    missing = member("a", 20).seen(nodes=8, ready=8).remembered(missing_from=NOW - seconds(1))
    assert asked(plan_of(missing, member("b", 12), replicas=20, max_unavailable_percent=10)) == {"a": 8}


# The pause after a step


@pytest.mark.parametrize(
    ("other", "code"),
    [
        pytest.param(gone("b", 5, 299), Code.STEP_PAUSE, id="a moment too soon"),
        pytest.param(gone("b", 5, 300), None, id="over"),
        pytest.param(shows(gone("b", 5, 299, unscheduled=None), 0), Code.STEP_PAUSE, id="pods seen only since"),
        pytest.param(shows(gone("b", 5, 299, unscheduled=0), None), Code.STEP_PAUSE, id="pods seen no more"),
        pytest.param(gone("b", 5, 299, unscheduled=0), Code.STEP_PAUSE, id="the cluster seen no more"),
        pytest.param(shows(gone("b", 5, 59, unscheduled=2), 2), Code.WAITING_FOR_PODS, id="not looked at long enough"),
        pytest.param(shows(gone("b", 5, 60, unscheduled=2), 2), None, id="no more pods without a node than before"),
        pytest.param(shows(gone("b", 5, 600, unscheduled=2), 3), Code.WAITING_FOR_PODS, id="one pod more"),
        pytest.param(shows(gone("b", 5, 899, unscheduled=2), 3), Code.WAITING_FOR_PODS, id="for a quarter of an hour"),
        pytest.param(shows(gone("b", 5, 900, unscheduled=2), 3), None, id="and no longer"),
        pytest.param(gone("b", 5, None).seen(nodes=6), Code.WAITING_FOR_STEP, id="still going"),
        pytest.param(gone("b", 5, None), Code.STEP_PAUSE, id="just seen to be gone"),
        pytest.param(gone("b", 5, 1000).seen(nodes=6), Code.WAITING_FOR_STEP, id="going again"),
    ],
)
def test_the_next_step_waits_for_the_one_before(other: Member, code: Code | None) -> None:
    plan = plan_of(member("a", 14), other, replicas=10, step_pause_s=300)
    part = of(plan, "a")
    assert (part.ask is None, part.reason.code) == (code is not None, code or Code.SHRINK_TO_WISH)


def test_a_step_ends_when_its_nodes_are_gone_and_is_forgotten_when_it_has_rested() -> None:
    leaving = member("a", 5).seen(nodes=8, ready=8).remembered(removal=Removal(unscheduled=4))
    assert of(plan_of(leaving, replicas=5), "a").record.removal == Removal(unscheduled=4)
    left = leaving.seen(nodes=5, ready=5)
    assert of(plan_of(left, replicas=5, step_pause_s=9), "a").record.removal == Removal(unscheduled=4, ended_at=NOW)
    assert of(plan_of(left, replicas=5), "a").record.removal is None
    moving = member("a", 8).remembered(intent=intent(8, 5), removal=Removal())
    assert of(plan_of(moving, replicas=5), "a").record.removal == Removal()


def test_a_pause_keeps_nobody_from_growing_nor_from_giving_back() -> None:
    assert asked(plan_of(gone("a", 5, 1), member("b", 5), replicas=20, step_pause_s=300)) == {"a": 10, "b": 10}


def test_a_pass_comes_when_time_ends_a_pause() -> None:
    def wakes_in(other: Member) -> float:
        wake_at = plan_of(other, replicas=5, step_pause_s=300).wake_at
        assert wake_at is not None
        return (wake_at - NOW).total_seconds()

    assert wakes_in(gone("a", 5, 100)) == 200
    assert wakes_in(shows(gone("a", 5, 10, unscheduled=0), 0)) == 50
    assert wakes_in(shows(gone("a", 5, 400, unscheduled=0), 1)) == 15
    assert wakes_in(shows(gone("a", 5, 890, unscheduled=0), 1)) == 10


# Windows


@pytest.mark.parametrize(
    ("schedules", "open_now"),
    [
        pytest.param([], True, id="none: always"),
        pytest.param([NIGHT], False, id="closed"),
        pytest.param([NOON], True, id="open"),
        pytest.param([NIGHT, NOON], True, id="one of them is open"),
    ],
)
def test_fewer_are_removed_only_inside_a_window(schedules: list[Schedule], open_now: bool) -> None:
    windows = tuple(Window(schedule=one, allow=frozenset({Action.SCALE_DOWN})) for one in schedules)
    plan = plan_of(member("a", 10), replicas=4, windows=windows)
    assert targets(plan) == {"a": 4}
    assert (asked(plan), of(plan, "a").reason.code) == (
        ({"a": 4}, Code.SHRINK_TO_WISH) if open_now else ({}, Code.OUTSIDE_WINDOWS)
    )


def test_the_reason_names_the_windows_and_a_pass_comes_when_one_opens() -> None:
    plan = plan_of(member("a", 10), replicas=4, windows=closed())
    assert of(plan, "a").reason.text.endswith("0 1 * * * UTC")
    assert plan.wake_at == NOW.replace(day=5, hour=1)


def closed() -> tuple[Window, ...]:
    return (Window(schedule=NIGHT, allow=frozenset({Action.SCALE_DOWN})),)


def test_a_closed_window_keeps_nobody_from_growing() -> None:
    assert asked(plan_of(member("a", 4), replicas=10, windows=closed())) == {"a": 10}


def test_a_drain_needs_no_window() -> None:
    draining = member("a", 4, state=MemberState.DRAIN)
    assert asked(plan_of(draining, member("b", 6), replicas=6, windows=closed())) == {"a": 0}


def test_giving_back_what_never_came_needs_no_window() -> None:
    missing = member("a", 20).seen(nodes=8, ready=8).remembered(missing_from=NOW - seconds(1))
    assert asked(plan_of(missing, member("b", 12), replicas=20, windows=closed())) == {"a": 8}
