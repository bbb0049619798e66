"""The bounds in force: the policy's own and those of the schedules that are on, inside the pool's."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from multicloud.decide.schedule import active, next_change
from multicloud.model.policy import Bounds, PolicySpec, PoolStanding, ScheduledBounds
from multicloud.model.reason import Code, Reason

_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Phase:
    """From `start` on these schedules are on, by place; until one of the others begins or one of them ends, None for never."""

    start: datetime
    on: tuple[bool, ...]
    next_start: datetime | None
    next_end: datetime | None


def bounds_in_force(spec: PolicySpec, standing: PoolStanding, now: datetime) -> Bounds:
    """The largest minimum and the smallest maximum; where they cross, capacity wins and it is said."""
    lows = [] if spec.min_replicas is None else [spec.min_replicas]
    highs = [] if spec.max_replicas is None else [spec.max_replicas]
    names: tuple[str, ...] = ()
    next_start = next_end = None
    if spec.schedules:
        phase = _phase(spec.schedules, now)
        on = [one for one, is_on in zip(spec.schedules, phase.on, strict=True) if is_on]
        lows += [one.low for one in on if one.low is not None]
        highs += [one.high for one in on if one.high is not None]
        names, next_start, next_end = tuple(one.name for one in on), phase.next_start, phase.next_end
    low, high = max(lows, default=standing.low), min(highs, default=standing.high)
    conflict = None
    if low > high:
        # A bound that nobody set gives way silently: it is the pool's, which is outermost anyway.
        if lows and highs:
            text = f"no number is at least {low} and at most {high}: {low} counts"
            conflict = Reason(code=Code.SCHEDULES_CONFLICT, text=text)
        high = low
    return Bounds(
        low=_inside(low, standing),
        high=_inside(high, standing),
        active=names,
        next_start=next_start,
        next_end=next_end,
        conflict=conflict,
    )


def _inside(units: int, standing: PoolStanding) -> int:
    return max(standing.low, min(standing.high, units))


def _phase(schedules: tuple[ScheduledBounds, ...], now: datetime) -> _Phase:
    phases = _phases(schedules, now.replace(minute=0, second=0, microsecond=0))
    return next(phase for phase in reversed(phases) if phase.start <= now)


@lru_cache(maxsize=1024)
def _phases(schedules: tuple[ScheduledBounds, ...], hour: datetime) -> tuple[_Phase, ...]:
    """What holds within one hour: many decisions fall into it, and cron is slow to ask."""
    phases: list[_Phase] = []
    start: datetime | None = hour
    while start is not None and start < hour + _HOUR:
        on = tuple(active(one.when, start) for one in schedules)
        changes = [
            (change, is_on)
            for one, is_on in zip(schedules, on, strict=True)
            if (change := next_change(one.when, start))
        ]
        next_start = min((at for at, is_on in changes if not is_on), default=None)
        next_end = min((at for at, is_on in changes if is_on), default=None)
        phases.append(_Phase(start=start, on=on, next_start=next_start, next_end=next_end))
        start = min((at for at, _ in changes), default=None)
    return tuple(phases)
