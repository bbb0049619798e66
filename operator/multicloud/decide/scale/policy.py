"""How many units a ScalingPolicy wants, a page: readings → proposals → guard → windows → rates → bounds.

Pure, like all of `decide`. What it returns is one wish among others: `wish` clamps it to the pool and delays it. The rules
are the HorizontalPodAutoscaler's; what a node pool needs beyond them is in `guard` and, of what a dead metric leaves
behind, in `history`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from multicloud.decide.scale.behavior import (
    NO_WINDOW_BINDS,
    NOTHING_BINDS,
    Limited,
    limited,
    limited_by_default,
    stabilized,
    stabilized_by_default,
    within,
)
from multicloud.decide.scale.bounds import bounds_in_force
from multicloud.decide.scale.floors import floors_of
from multicloud.decide.scale.history import begun, horizon_of, kept, recorded
from multicloud.decide.scale.proposals import failures_of, proposal
from multicloud.model.pods import Floor, Pending
from multicloud.model.policy import (
    Algorithm,
    Bounds,
    PendingPods,
    PolicyDecision,
    PolicyHistory,
    PolicySpec,
    PoolStanding,
    Proposal,
    Reading,
    Span,
)
from multicloud.model.reason import Code, Reason

_UP_WINDOW: Final = Reason(
    code=Code.SCALE_UP_STABILIZED, text="fewer units were wanted within behavior.scaleUp.stabilizationWindowSeconds"
)
_DOWN_WINDOW: Final = Reason(code=Code.SCALE_DOWN_STABILIZED, text="more units were wanted within the downward window")
_SCHEDULED: Final = Reason(code=Code.SCHEDULED, text="the policy has no metrics: the lowest number in force is kept")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What is wanted before windows and limits, and why; `units` None is a hold."""

    units: int | None
    reason: Reason
    scaling: Reason
    metric: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moved:
    """A number after windows and limits."""

    units: int
    recommended: int | None
    reason: Reason
    limited: Reason = NOTHING_BINDS
    stabilized: Reason = NO_WINDOW_BINDS


def decide_policy(
    spec: PolicySpec, readings: Sequence[Reading], standing: PoolStanding, history: PolicyHistory, now: datetime
) -> PolicyDecision:
    """Decide. `readings` are of this moment, one a metric; `history` is what the decision before this one returned."""
    found = {reading.metric: reading for reading in readings}
    failures = failures_of(spec, found, history.failures)
    counts = dict(failures)
    bounds = bounds_in_force(spec, standing, now)
    proposals = tuple(
        proposal(spec, metric, found.get(metric.name), standing, counts.get(metric.name, 0), low=bounds.low)
        for metric in spec.metrics
    )
    spans = begun(history, standing, now)
    if any(name not in counts for name, _ in history.failures):
        spans = (*spans, kept(standing.current, now))  # a metric is back: its first words take nothing away
    wanted = _wanted(proposals, counts, standing.current, bounds)
    moved = _moved(spec, wanted, standing.current, spans, bounds, now)
    change = moved.units - standing.current
    floors, left = _floors(spec, found, history)
    return PolicyDecision(
        desired=moved.units,
        reason=moved.reason,
        proposals=proposals,
        decided_by=wanted.metric if moved.recommended is not None else None,
        limited=moved.limited,
        stabilized=moved.stabilized,
        scaling=wanted.scaling,
        bounds=bounds,
        left=left,
        history=PolicyHistory(
            spans=recorded(spans, moved.recommended, change, now, horizon_of(spec)),
            failures=failures,
            desired=moved.units,
            floors=floors,
        ),
    )


def _floors(
    spec: PolicySpec, found: Mapping[str, Reading], history: PolicyHistory
) -> tuple[tuple[Floor, ...], tuple[Reason, ...]]:
    """The floors that pods ask for. While they cannot be read every floor stays as it was last known."""
    metric = next((one for one in spec.metrics if isinstance(one.source, PendingPods)), None)
    if metric is None:
        return (), ()
    reading = found.get(metric.name)
    if reading is None or not isinstance(reading.found, Pending):
        return history.floors, ()
    return floors_of(reading.found, history.floors)


def _wanted(proposals: Sequence[Proposal], failing: Mapping[str, int], current: int, bounds: Bounds) -> _Wanted:
    """The largest proposal, the first of equal ones. A metric that fails, with nothing in its place, lets nothing fall."""
    if not proposals:
        return _Wanted(units=bounds.low, reason=_SCHEDULED, scaling=_SCHEDULED)
    winner, silent = None, None
    for one in proposals:
        if one.units is None:
            silent = silent or one
        elif winner is None or winner.units is None or one.units > winner.units:
            winner = one
    if winner is None or winner.units is None or (silent is not None and winner.units < current):
        name = silent.metric if silent is not None else ""
        text = f"metric {name} cannot be read: the number does not fall before it is back"
        hold = Reason(code=Code.HELD_FOR_METRIC, text=text)
        return _Wanted(units=None, reason=hold, scaling=hold)
    valid = next((one for one in proposals if one.metric not in failing), None)
    text = f"metric {valid.metric} was read" if valid is not None else winner.reason.text
    code = Code.VALID_METRIC_FOUND if valid is not None else winner.reason.code
    return _Wanted(units=winner.units, reason=winner.reason, scaling=Reason(code=code, text=text), metric=winner.metric)


def _moved(
    spec: PolicySpec, wanted: _Wanted, current: int, spans: Sequence[Span], bounds: Bounds, now: datetime
) -> _Moved:
    """What windows, rates and bounds let through. A number outside the bounds goes there, whatever is wanted."""
    if not bounds.low <= current <= bounds.high:
        outside = within(current, bounds)
        return _Moved(units=outside.units, recommended=None, reason=outside.reason, limited=outside.reason)
    if wanted.units is None:
        return _Moved(units=current, recommended=None, reason=wanted.reason)
    if spec.behavior is not None:
        steady = stabilized(wanted.units, current, spans, spec.behavior, now)
        end = limited(steady, current, spans, spec.behavior, bounds, now)
    elif spec.algorithm is Algorithm.TARGET_TRACKING:
        steady = stabilized_by_default(wanted.units, spans, now)
        end = limited_by_default(steady, current, bounds)
    else:
        steady = wanted.units
        end = within(steady, bounds)
    return _told(wanted.units, wanted.reason, steady, current, end)


def _told(wanted: int, why: Reason, steady: int, current: int, end: Limited) -> _Moved:
    window = NO_WINDOW_BINDS
    if steady != wanted:
        window = _UP_WINDOW if wanted >= current else _DOWN_WINDOW
    if end.reason is not NOTHING_BINDS:
        why = end.reason
    elif window is not NO_WINDOW_BINDS:
        why = window
    return _Moved(
        units=end.units,
        recommended=wanted,
        reason=why,
        limited=end.reason,
        stabilized=window,
    )
