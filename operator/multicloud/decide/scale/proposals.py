"""What each metric of a policy proposes, guarded, with what stands in for one that fails."""

from collections.abc import Mapping

from multicloud.decide.scale.guard import HELD_READY_UNKNOWN, held
from multicloud.decide.scale.step import stepped
from multicloud.decide.scale.tracking import Tolerance, tracked
from multicloud.model.pods import Pending
from multicloud.model.policy import (
    Algorithm,
    Behavior,
    FallbackBehavior,
    Measured,
    MetricSpec,
    Needed,
    PendingPods,
    PolicySpec,
    PoolStanding,
    Proposal,
    Reading,
    ResourceUse,
    Used,
)
from multicloud.model.reason import Code, Reason

_DEFAULTS = Behavior()

Failures = tuple[tuple[str, int], ...]


def failures_of(spec: PolicySpec, readings: Mapping[str, Reading], before: Failures) -> Failures:
    """Failed readings in a row, by metric, counted as far as the fallback asks."""
    counts = dict(before)
    return tuple(
        (metric.name, min(counts.get(metric.name, 0) + 1, max(1, spec.fallback.after_failures)))
        for metric in spec.metrics
        if isinstance(judged(metric, readings.get(metric.name)), Reason)
    )


def judged(metric: MetricSpec, reading: Reading | None) -> Measured | Used | Needed | Pending | Reason:
    """What was found, if it can be compared with the target; why not otherwise."""
    if reading is None:
        return Reason(code=Code.NO_READING, text=f"metric {metric.name} was not read")
    found = reading.found
    if isinstance(found, Reason):
        return found
    match metric.source:
        case ResourceUse():
            fits = isinstance(found, Used) and found.total > 0 and found.units > 0
        case PendingPods():
            fits = isinstance(found, Needed | Pending)
        case _:
            fits = isinstance(found, Measured)
    return found if fits else Reason(code=Code.NO_READING, text=f"metric {metric.name} read nothing to compare with")


def proposal(
    spec: PolicySpec, metric: MetricSpec, reading: Reading | None, standing: PoolStanding, failures: int, *, low: int
) -> Proposal:
    """What one metric proposes, or what stands in for it after so many failed readings in a row.

    `low` is the lowest number in force.
    """
    found = judged(metric, reading)
    if isinstance(found, Reason):
        return _stand_in(spec, metric, standing, failures, found)
    if isinstance(found, Pending):
        return _floors_alone(spec, metric, found, standing, low)
    raw = _raw(spec, metric, found, standing)
    hold = held(raw, metric, standing)
    return Proposal(
        metric=metric.name,
        units=raw if hold is None else standing.current,
        raw=raw,
        reason=hold or _direction(metric, raw, standing.current),
    )


def _raw(spec: PolicySpec, metric: MetricSpec, found: Measured | Used | Needed, standing: PoolStanding) -> int:
    if isinstance(found, Needed) or metric.target is None:
        return found.units if isinstance(found, Needed) else standing.current
    if spec.algorithm is Algorithm.STEP:
        return stepped(found, metric.target, standing, spec.step)
    behavior = spec.behavior or _DEFAULTS
    tolerance = Tolerance(up_milli=behavior.up.tolerance_milli, down_milli=behavior.down.tolerance_milli)
    return tracked(found, metric.target, standing, tolerance)


def _floors_alone(spec: PolicySpec, metric: MetricSpec, found: Pending, standing: PoolStanding, low: int) -> Proposal:
    """Floors are on top of the number: the metric itself asks for the least, but where pods that nobody sees may run.

    Another metric beside it answers for those.
    """
    blind = bool(found.unseen) and all(isinstance(one.source, PendingPods) for one in spec.metrics)
    unproved = standing.ready is None or not standing.ready_known
    text = f"metric {metric.name} asks for floors of members (status.floors), not for a number"
    return Proposal(
        metric=metric.name,
        units=standing.current if blind or unproved else low,
        raw=None,
        reason=HELD_READY_UNKNOWN if unproved else Reason(code=Code.FLOORS_ASKED, text=text),
    )


def _direction(metric: MetricSpec, units: int, current: int) -> Reason:
    if units > current:
        return Reason(code=Code.ABOVE_TARGET, text=f"metric {metric.name} is above its target")
    if units < current:
        return Reason(code=Code.BELOW_TARGET, text=f"metric {metric.name} is below its target")
    return Reason(code=Code.WITHIN_TOLERANCE, text=f"metric {metric.name} is near enough to its target")


def _stand_in(spec: PolicySpec, metric: MetricSpec, standing: PoolStanding, failures: int, why: Reason) -> Proposal:
    fallback = spec.fallback
    number = fallback.replicas
    if fallback.behavior is FallbackBehavior.HOLD or number is None or failures < fallback.after_failures:
        return Proposal(metric=metric.name, units=None, raw=None, reason=why)
    text = f"metric {metric.name} failed {fallback.after_failures} times in a row: {fallback.behavior} {number}"
    return Proposal(
        metric=metric.name,
        units=number if fallback.behavior is FallbackBehavior.STATIC else max(standing.current, number),
        raw=None,
        reason=Reason(code=Code.METRIC_FALLBACK, text=text),
        fallback=True,
    )
