"""Is a Schedule on now, and when does that change? Pure: the time is the Snapshot's.

Starts are wall times, stretches elapsed time. A start in the hour that clocks skip comes at the end of that hour, one in the
hour that comes twice comes the first time. Schedules whose hours begin with `*` follow the hours that pass.
(docs/decisions/0035-schedules-by-a-library.md)
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from cronsim import CronSim

from multicloud.model.schedule import Schedule

_PUT_BACK: Final = timedelta(hours=3)
"""More than any clock is ever put back by: a wall time that far ahead is later than every start until now."""


def active(schedule: Schedule, now: datetime) -> bool:
    """True during a stretch, its first instant included and its last one not."""
    return _end(schedule, now) > now


def next_change(schedule: Schedule, now: datetime) -> datetime | None:
    """When to look again: never later than the next instant at which `active` differs from now; None if it never will."""
    end = _end(schedule, now)
    if end > now:
        return end  # another stretch may have begun before, then `active` stays as it is
    return next((start for start in _starts(schedule, now) if start > now), None)


def _end(schedule: Schedule, now: datetime) -> datetime:
    """When the newest stretch ends that has begun by now."""
    begun = (start for start in _starts(schedule, now + _PUT_BACK, backwards=True) if start <= now)
    newest = next(begun, None)
    return now if newest is None else newest + timedelta(seconds=schedule.duration_s)


def _starts(schedule: Schedule, moment: datetime, *, backwards: bool = False) -> Iterator[datetime]:
    """Starts after the wall time of a moment, or before it, in UTC.

    A wall time that comes twice stands for its first time: some may lie on the other side of the moment.
    """
    wall = moment.astimezone(schedule.zone).replace(microsecond=0)
    return (start.astimezone(UTC) for start in CronSim(schedule.cron, wall, reverse=backwards))
