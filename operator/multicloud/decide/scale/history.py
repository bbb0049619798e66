"""What a policy remembers: recommendations for the windows, changes for the rate policies.

A process keeps one Span a decision. Status keeps at most `MOST_SPANS` coarser ones (`remembered`), and of those only what
the number itself does not tell, so that a pool at rest writes nothing. `resumed` is how a process that starts goes on from
them: no decision is lower than it would have been without the restart.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from multicloud.decide.scale.behavior import horizon
from multicloud.model.policy import Algorithm, PolicyHistory, PolicySpec, PoolStanding, Span

MOST_SPANS: Final = 32
"""How many spans status keeps."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)


def horizon_of(spec: PolicySpec) -> timedelta:
    """How far back the policy looks."""
    return horizon(spec.behavior, tracking=spec.algorithm is Algorithm.TARGET_TRACKING)


def begun(history: PolicyHistory, standing: PoolStanding, now: datetime) -> tuple[Span, ...]:
    """The spans to decide with. The first decision of all seeds the windows with the number found.

    Where the pool did not do what was decided last, that change never was.
    """
    if not history.spans and history.desired is None:
        return (Span(start=now, end=now, low=standing.current, high=standing.current),)
    last = history.spans[-1] if history.spans else None
    if last is None or history.desired in {None, standing.current} or not (last.added or last.removed):
        return history.spans
    return (*history.spans[:-1], replace(last, added=0, removed=0))


def kept(units: int, at: datetime) -> Span:
    """A span that only keeps the number from falling below `units`, for the downward window from then on."""
    return Span(start=at, end=at, high=units)


def recorded(
    spans: Sequence[Span], wanted: int | None, change: int, now: datetime, reach: timedelta
) -> tuple[Span, ...]:
    """The spans after a decision; `wanted` is what was recommended before the windows, None for nothing."""
    oldest = now - reach
    new = Span(start=now, end=now, low=wanted, high=wanted, added=max(0, change), removed=max(0, -change))
    return (*(span for span in spans if span.end >= oldest), new)


def remembered(history: PolicyHistory, spec: PolicySpec, standing: PoolStanding, now: datetime) -> PolicyHistory:
    """What status must keep. Equal while nothing happens that the number would not tell anyway."""
    reach = horizon_of(spec)
    width_s = max(1, -(-int(reach.total_seconds()) // (MOST_SPANS - 2)))
    buckets: dict[int, Span] = {}
    for span in history.spans:
        if span.end + _SECOND < now - reach:
            continue
        number = int((span.end - _EPOCH).total_seconds()) // width_s
        buckets[number] = _joined(buckets[number], span) if number in buckets else span
    watches_lows = spec.behavior is not None and spec.behavior.up.window_s > 0
    desired = standing.current if history.desired is None else history.desired
    told = (_told(span, desired, standing.high, lows=watches_lows) for _, span in sorted(buckets.items()))
    return replace(history, spans=tuple(span for span in told if span is not None)[-MOST_SPANS:])


def resumed(history: PolicyHistory, current: int, now: datetime) -> PolicyHistory:
    """The history of a process that starts, from what status kept. `current` is the pool's desired number.

    What was decided last may not have reached the pool yet, and counts as well.
    """
    units = max(current, history.desired or 0)
    return replace(history, spans=(*history.spans, kept(units, now)), desired=None)


def _joined(first: Span, second: Span) -> Span:
    return Span(
        start=min(first.start, second.start),
        end=max(first.end, second.end),
        low=min(_known(first.low, second.low), default=None),
        high=max(_known(first.high, second.high), default=None),
        added=first.added + second.added,
        removed=first.removed + second.removed,
    )


def _known(*numbers: int | None) -> Iterable[int]:
    return [number for number in numbers if number is not None]


def _told(span: Span, desired: int, highest: int, *, lows: bool) -> Span | None:
    """The part of a span that the number does not tell, in whole seconds; None for nothing."""
    low = span.low if lows and span.low is not None and span.low < desired else None
    high = min(span.high, highest) if span.high is not None and min(span.high, highest) > desired else None
    if low is None and high is None and not span.added and not span.removed:
        return None
    return replace(
        span,
        start=span.start.replace(microsecond=0),
        end=span.end if span.end.microsecond == 0 else span.end.replace(microsecond=0) + _SECOND,
        low=low,
        high=high,
    )
