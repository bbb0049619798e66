"""Windows and rates, by the rules of the HorizontalPodAutoscaler: stabilise first, then limit the rate, then the bounds.

A Span older than the process is coarse (see `history`). It is read so that the number is never lower than by the exact
one: what keeps a number up counts while any part of the span may, what keeps it down only while all of it does.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from multicloud.decide.scale.tracking import up
from multicloud.model.policy import (
    Behavior,
    Bounds,
    RatePolicy,
    RateType,
    ScalingRules,
    SelectPolicy,
    Span,
)
from multicloud.model.reason import Code, Reason

DEFAULT_WINDOW_S = 300
"""The downward window of a TargetTracking without a Behavior."""

_PERCENT = 100
_FEWEST_AT_ONCE = 4

NOTHING_BINDS = Reason(code=Code.DESIRED_WITHIN_RANGE, text="no limit binds")
NO_WINDOW_BINDS = Reason(code=Code.READY_FOR_NEW_SCALE, text="no window binds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limited:
    """A number after the limits, and the first of them that bound."""

    units: int
    reason: Reason


def horizon(behavior: Behavior | None, *, tracking: bool) -> timedelta:
    """How far back anything is looked at."""
    if behavior is None:
        return timedelta(seconds=DEFAULT_WINDOW_S if tracking else 0)
    rules = (behavior.up, behavior.down)
    periods = [policy.period_s for rule in rules for policy in rule.policies]
    return timedelta(seconds=max([*(rule.window_s for rule in rules), *periods]))


def stabilized(wanted: int, current: int, spans: Sequence[Span], behavior: Behavior, now: datetime) -> int:
    """What both windows let through. They may hold the number though what is wanted has moved."""
    up_after = now - timedelta(seconds=behavior.up.window_s)
    down_after = now - timedelta(seconds=behavior.down.window_s)
    lows = [span.low for span in spans if span.low is not None and span.start > up_after]
    highs = [span.high for span in spans if span.high is not None and span.end > down_after]
    return min(max(current, min([wanted, *lows])), max([wanted, *highs]))


def stabilized_by_default(wanted: int, spans: Iterable[Span], now: datetime) -> int:
    """Without a Behavior only a fall is delayed. Here a recommendation of exactly that age counts still."""
    oldest = now - timedelta(seconds=DEFAULT_WINDOW_S)
    return max([wanted, *(span.high for span in spans if span.high is not None and span.end >= oldest)])


def limited(
    wanted: int, current: int, spans: Sequence[Span], behavior: Behavior, bounds: Bounds, now: datetime
) -> Limited:
    """What the rate policies and the bounds let through. `current` is within the bounds."""
    if wanted > current:
        most = max(current, _fastest(current, spans, behavior.up, now, _risen, largest=max))
        rate = Reason(code=Code.SCALE_UP_LIMIT, text="behavior.scaleUp lets no more come in its periods")
        return _at_most(wanted, most, rate, bounds)
    if wanted < current:
        least = min(current, _fastest(current, spans, behavior.down, now, _fallen, largest=min))
        if bounds.low < least:
            rate = Reason(code=Code.SCALE_DOWN_LIMIT, text="behavior.scaleDown lets no more go in its periods")
            return Limited(units=max(wanted, least), reason=rate if wanted < least else NOTHING_BINDS)
        return within(wanted, bounds)
    return Limited(units=wanted, reason=NOTHING_BINDS)


def limited_by_default(wanted: int, current: int, bounds: Bounds) -> Limited:
    """Without a Behavior at most twice as many, or four, come at once."""
    if wanted < bounds.low:
        return within(wanted, bounds)
    most = max(2 * current, _FEWEST_AT_ONCE)
    rate = Reason(code=Code.SCALE_UP_LIMIT, text=f"at most twice as many, or {_FEWEST_AT_ONCE}, come at once")
    return _at_most(wanted, most, rate, bounds)


def within(wanted: int, bounds: Bounds) -> Limited:
    """The bounds alone."""
    if wanted < bounds.low:
        text = f"the lowest number in force is {bounds.low}"
        return Limited(units=bounds.low, reason=Reason(code=Code.TOO_FEW_REPLICAS, text=text))
    if wanted > bounds.high:
        text = f"the highest number in force is {bounds.high}"
        return Limited(units=bounds.high, reason=Reason(code=Code.TOO_MANY_REPLICAS, text=text))
    return Limited(units=wanted, reason=NOTHING_BINDS)


def _at_most(wanted: int, most: int, rate: Reason, bounds: Bounds) -> Limited:
    if bounds.high > most:
        return Limited(units=min(wanted, most), reason=rate if wanted > most else NOTHING_BINDS)
    return within(wanted, bounds)


def _fastest(
    current: int,
    spans: Sequence[Span],
    rules: ScalingRules,
    now: datetime,
    moved: Callable[[int, RatePolicy], int],
    *,
    largest: Callable[[Iterable[int]], int],
) -> int:
    """How far the rate policies let the number go: by the one that allows most, or least. `largest` is of this direction."""
    if rules.select is SelectPolicy.DISABLED or not rules.policies:
        return current
    reached = [moved(_began_at(current, spans, now - timedelta(seconds=one.period_s)), one) for one in rules.policies]
    if rules.select is SelectPolicy.MAX:
        return largest(reached)
    return min(reached) if largest is max else max(reached)


def _began_at(current: int, spans: Iterable[Span], after: datetime) -> int:
    """The number at the beginning of a period: without what was added in it, with what was removed in it."""
    units = current
    for span in spans:
        if span.end > after:
            units += span.removed
            if span.start > after:
                units -= span.added
    return units


def _risen(start: int, policy: RatePolicy) -> int:
    if policy.type is RateType.REPLICAS:
        return start + policy.value
    return up(start * (_PERCENT + policy.value), _PERCENT)


def _fallen(start: int, policy: RatePolicy) -> int:
    if policy.type is RateType.REPLICAS:
        return start - policy.value
    return start * (_PERCENT - policy.value) // _PERCENT
