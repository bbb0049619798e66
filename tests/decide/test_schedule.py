"""Stretches of time that come again: over clocks that are put forward and back, and where the next change is."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multicloud.decide.schedule import active, next_change
from multicloud.model.schedule import Schedule

FIVE = timedelta(minutes=5)


def schedule(cron: str, zone: str = "UTC", *, minutes: int = 240) -> Schedule:
    return Schedule(cron=cron, zone=ZoneInfo(zone), duration_s=60 * minutes)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def flips(one: Schedule, begin: datetime, *, hours: int) -> list[datetime]:
    """The moments at which it is on but was not, or the other way round, found by asking every five minutes."""
    seen = [(begin + count * FIVE, active(one, begin + count * FIVE)) for count in range(12 * hours)]
    return [after for (_, was_on), (after, on) in pairwise(seen) if was_on is not on]


@pytest.mark.parametrize(
    ("now", "on"),
    [
        pytest.param("2026-05-04T00:59:59.999999", False, id="a moment before it starts"),
        pytest.param("2026-05-04T01:00:00", True, id="its first instant"),
        pytest.param("2026-05-04T04:59:59.999999", True, id="its last instant"),
        pytest.param("2026-05-04T05:00:00", False, id="over"),
    ],
)
def test_it_is_on_from_its_start_for_as_long_as_it_lasts(now: str, on: bool) -> None:
    assert active(schedule("0 1 * * *"), at(now)) is on


@pytest.mark.parametrize(
    ("cron", "minutes", "now", "change"),
    [
        pytest.param("0 1 * * *", 240, "2026-05-04T00:30:00", "2026-05-04T01:00:00", id="the next start"),
        pytest.param("0 1 * * *", 240, "2026-05-04T01:00:00", "2026-05-04T05:00:00", id="the end, from the start on"),
        pytest.param("0 1 * * *", 240, "2026-05-04T05:00:00", "2026-05-05T01:00:00", id="at the end: tomorrow"),
        pytest.param("0 1 * * 6", 240, "2026-05-04T12:00:00", "2026-05-09T01:00:00", id="on Saturdays"),
        pytest.param("0 0 29 2 *", 60, "2026-05-04T12:00:00", "2028-02-29T00:00:00", id="every four years"),
    ],
)
def test_the_next_change_is_an_end_or_a_start(cron: str, minutes: int, now: str, change: str) -> None:
    assert next_change(schedule(cron, minutes=minutes), at(now)) == at(change)


@pytest.mark.parametrize(
    ("zone", "cron", "day", "starts", "ends"),
    [
        pytest.param("Europe/Berlin", "30 2 * * *", "2026-03-29", "01:00", "02:00", id="Berlin: the skipped hour"),
        pytest.param("Europe/Berlin", "30 2 * * *", "2026-10-25", "00:30", "01:30", id="Berlin: the doubled hour"),
        pytest.param("Europe/Berlin", "30 1 * * *", "2026-03-29", "00:30", "01:30", id="Berlin: lasts into the skip"),
        pytest.param("America/New_York", "30 2 * * *", "2026-03-08", "07:00", "08:00", id="New York: the skipped hour"),
        pytest.param("America/New_York", "30 1 * * *", "2026-11-01", "05:30", "06:30", id="New York: the doubled hour"),
        pytest.param("Australia/Lord_Howe", "15 2 * * *", "2026-10-03", "15:30", "16:30", id="Lord Howe: half an hour"),
        pytest.param(
            "Australia/Lord_Howe", "45 1 * * *", "2026-04-04", "14:45", "15:45", id="Lord Howe: back half one"
        ),
    ],
)
def test_it_starts_once_on_days_when_the_clocks_change(zone: str, cron: str, day: str, starts: str, ends: str) -> None:
    one = schedule(cron, zone, minutes=60)
    expected = [at(f"{day}T{starts}"), at(f"{day}T{ends}")]
    assert flips(one, at(f"{day}T00:00"), hours=20) == expected


@pytest.mark.parametrize(("zone", "day"), [("Europe/Berlin", "2026-10-25"), ("America/New_York", "2026-11-01")])
def test_every_hour_means_every_hour_that_passes(zone: str, day: str) -> None:
    starts = flips(schedule("5 * * * *", zone, minutes=5), at(f"{day}T00:00"), hours=10)[::2]
    assert {after - before for before, after in pairwise(starts)} == {timedelta(hours=1)}


def test_stretches_that_overlap_are_one() -> None:
    one = schedule("0 */2 * * *", minutes=180)
    assert flips(one, at("2026-05-04T00:00"), hours=12) == []
    change = next_change(one, at("2026-05-04T02:30"))
    assert change is not None
    assert active(one, change)


CRONS = ["30 2 * * *", "0 1 * * *", "15,45 1-3 * * *", "*/20 * * * *", "0 1-23/6 * * *", "0 0 * * 0", "30 1 1 * *"]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
CHANGES = ["2026-03-08T07:00", "2026-03-29T01:00", "2026-04-04T15:00", "2026-10-03T15:30", "2026-10-25T01:00"]
"""When clocks are put forward or back somewhere."""


@settings(max_examples=20)
@given(
    cron=st.sampled_from(CRONS),
    zone=st.sampled_from(ZONES),
    moment=st.sampled_from(CHANGES),
    minutes=st.sampled_from([5, 20, 55, 60, 240, 1440]),
)
def test_waking_at_every_next_change_misses_no_change(cron: str, zone: str, moment: str, minutes: int) -> None:
    one, now = schedule(cron, zone, minutes=minutes), at(moment) - timedelta(hours=5)
    end, expected, woken = now + timedelta(hours=10), flips(one, now, hours=10), set()
    while (change := next_change(one, now)) is not None and change < end:
        assert change > now
        woken.add(change)
        now = change
    assert set(expected) <= woken
