"""Bounds in force: the policy's own, schedules that overlap, the pool outermost; and ten years of clocks put forward and back."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from multicloud.decide.scale.bounds import bounds_in_force
from multicloud.model.policy import PolicySpec, PoolStanding, ScheduledBounds
from multicloud.model.reason import Code
from multicloud.model.schedule import Schedule

POOL = PoolStanding(current=10, ready=10, ready_known=True, low=5, high=500)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def on(name: str, low: int | None = None, high: int | None = None, *, exactly: int | None = None) -> ScheduledBounds:
    """On from 8 to 18 every day."""
    when = Schedule(cron="0 8 * * *", zone=ZoneInfo("UTC"), duration_s=36_000)
    return ScheduledBounds(name=name, when=when, min_replicas=low, max_replicas=high, replicas=exactly)


def policy(low: int | None, high: int | None, *schedules: ScheduledBounds) -> PolicySpec:
    return PolicySpec(pool="web", min_replicas=low, max_replicas=high, schedules=schedules)


@pytest.mark.parametrize(
    ("spec", "low", "high", "conflict"),
    [
        pytest.param(policy(None, None), 5, 500, False, id="the pool's"),
        pytest.param(policy(20, 200), 20, 200, False, id="the policy's"),
        pytest.param(policy(1, 900), 5, 500, False, id="the pool's are outermost"),
        pytest.param(policy(20, 200, on("a", 120)), 120, 200, False, id="a schedule raises the minimum"),
        pytest.param(policy(20, 200, on("a", 10)), 20, 200, False, id="a lower minimum changes nothing"),
        pytest.param(policy(20, 200, on("a", None, 50)), 20, 50, False, id="a schedule lowers the maximum"),
        pytest.param(policy(20, 200, on("a", exactly=80)), 80, 80, False, id="replicas are both"),
        pytest.param(
            policy(20, 200, on("a", 30), on("b", 40, 90)), 40, 90, False, id="largest minimum, smallest maximum"
        ),
        pytest.param(policy(20, 200, on("a", 100), on("b", None, 60)), 100, 100, True, id="no common value"),
        pytest.param(policy(20, 200, on("a", 300)), 300, 300, True, id="a schedule above the policy's maximum"),
        pytest.param(policy(None, None, on("a", 900)), 500, 500, False, id="a schedule above the pool's maximum"),
        pytest.param(policy(None, None, on("a", None, 2)), 5, 5, False, id="a schedule below the pool's minimum"),
        pytest.param(policy(20, 200, on("a", exactly=80), on("b", exactly=90)), 90, 90, True, id="two numbers"),
    ],
)
def test_bounds_join(spec: PolicySpec, low: int, high: int, conflict: bool) -> None:
    found = bounds_in_force(spec, POOL, MONDAY + timedelta(hours=9))
    assert (found.low, found.high) == (low, high)
    assert (found.conflict is not None) is conflict
    assert found.conflict is None or found.conflict.code is Code.SCHEDULES_CONFLICT


def test_schedules_that_are_off_bind_nothing_and_are_told_when_they_come() -> None:
    spec = policy(20, 200, on("a", 120))
    before = bounds_in_force(spec, POOL, MONDAY + timedelta(hours=7, minutes=59))
    during = bounds_in_force(spec, POOL, MONDAY + timedelta(hours=8))
    after = bounds_in_force(spec, POOL, MONDAY + timedelta(hours=18))
    assert [(found.low, found.active) for found in (before, during, after)] == [(20, ()), (120, ("a",)), (20, ())]
    assert before.next_change == MONDAY + timedelta(hours=8)
    assert during.next_change == MONDAY + timedelta(hours=18)
    assert after.next_change == MONDAY + timedelta(days=1, hours=8)
    assert (before.next_start, before.next_end) == (MONDAY + timedelta(hours=8), None)
    assert (during.next_start, during.next_end) == (None, MONDAY + timedelta(hours=18))
    assert bounds_in_force(policy(20, 200), POOL, MONDAY).next_change is None


def test_of_schedules_that_overlap_the_next_start_and_the_next_end_are_told() -> None:
    late = Schedule(cron="0 12 * * *", zone=ZoneInfo("UTC"), duration_s=36_000)
    spec = policy(20, 200, on("a", 120), ScheduledBounds(name="late", when=late, max_replicas=150))
    hours = [(6, 8, None), (9, 12, 18), (13, None, 18), (19, 32, 22), (23, 32, None)]
    for hour, starts, ends in hours:
        found = bounds_in_force(spec, POOL, MONDAY + timedelta(hours=hour))
        told = [None if at is None else (at - MONDAY) / timedelta(hours=1) for at in (found.next_start, found.next_end)]
        assert told == [starts, ends], hour


# Ten years, eight zones: two with half hours, one that changes at midnight, one that changes with Ramadan, one never.
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "America/Santiago",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
)
FIRST, LAST = 2026, 2036

WEEKLY = (
    ("30 2 * * 0", 2, 30, {6}, timedelta(hours=1)),
    ("0 0 * * 0", 0, 0, {6}, timedelta(hours=6)),
    ("0 22 * * 5", 22, 0, {4}, timedelta(hours=58)),
)
DAILY = (
    ("30 2 * * *", 2, 30, set(range(7)), timedelta(hours=1)),
    ("0 8 * * 1-5", 8, 0, set(range(5)), timedelta(hours=10)),
)
Line = tuple[str, int, int, set[int], timedelta]


def instants(zone: ZoneInfo, line: Line) -> Iterator[tuple[datetime, datetime]]:
    """Beginnings and ends by walking the calendar, with nothing but zoneinfo."""
    _, hour, minute, weekdays, duration = line
    day = date(FIRST, 1, 1)
    while day.year < LAST:
        if day.weekday() in weekdays:
            wall = datetime.combine(day, time(hour, minute))
            begins = wall.replace(tzinfo=zone).astimezone(UTC)
            if begins.astimezone(zone).replace(tzinfo=None) != wall:
                begins = clocks_change(zone, begins - timedelta(hours=4), begins)
            yield begins, begins + duration
        day += timedelta(days=1)


def clocks_change(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The second between the two at which the zone's offset becomes that of the later one."""
    after = high.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        low, high = (low, middle) if middle.astimezone(zone).utcoffset() == after else (middle, high)
    return high


def boundaries(zone: ZoneInfo, line: Line) -> list[tuple[datetime, bool]]:
    """When it goes on and off; stretches that touch or overlap are one."""
    found: list[tuple[datetime, bool]] = []
    for begins, ends in instants(zone, line):
        if found and begins <= found[-1][0]:
            found[-1] = (max(ends, found[-1][0]), False)
        else:
            found += [(begins, True), (ends, False)]
    return found


def check(zone_name: str, lines: tuple[Line, ...]) -> None:
    zone = ZoneInfo(zone_name)
    for line in lines:
        when = Schedule(cron=line[0], zone=zone, duration_s=int(line[4].total_seconds()))
        spec = policy(10, 20, ScheduledBounds(name="s", when=when, min_replicas=15))
        expected = boundaries(zone, line)
        assert len(expected) >= 2 * 52 * (LAST - FIRST)
        for place, (instant, goes_on) in enumerate(expected):
            before = bounds_in_force(spec, POOL, instant - timedelta(seconds=1))
            after = bounds_in_force(spec, POOL, instant)
            assert ((before.low == 15), (after.low == 15)) == (not goes_on, goes_on), (zone_name, line[0], instant)
            if place + 1 < len(expected):
                assert after.next_change == expected[place + 1][0], (zone_name, line[0], instant)


@pytest.mark.parametrize("zone", ZONES)
def test_ten_years_of_weeks(zone: str) -> None:
    check(zone, WEEKLY)


@pytest.mark.long
@pytest.mark.parametrize("zone", ZONES)
def test_ten_years_of_days(zone: str) -> None:
    check(zone, DAILY)
