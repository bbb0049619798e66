"""TargetTracking: what one metric proposes, by the function of the HorizontalPodAutoscaler (autoscaling/v2), in integers.

Where that computes in doubles and then rounds up (110 × 1.1 becomes 122), this gives what is meant: 121. Everything that
goes beyond it is in `guard`, and nothing of that is here.
"""

from dataclasses import dataclass

from multicloud.model.policy import MILLI, Measured, PoolStanding, Target, TargetType, Used

_PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far a ratio may be from 1 and still be near enough, in thousandths; both ends belong to it."""

    up_milli: int
    down_milli: int

    def holds(self, part: int, whole: int) -> bool:
        """True when part ÷ whole is near enough to 1."""
        return whole * (MILLI - self.down_milli) <= part * MILLI <= whole * (MILLI + self.up_milli)


def tracked(found: Measured | Used, target: Target, standing: PoolStanding, tolerance: Tolerance) -> int:
    """Units that bring the metric to its target. What is used has a total above nothing."""
    match found:
        case Used():
            return _by_use(found, target.milli, standing.current, tolerance)
        case Measured() if target.type is TargetType.VALUE:
            return _by_value(max(0, found.milli), target.milli, standing, tolerance)
        case Measured():
            return _by_average(max(0, found.milli), target.milli, standing.current, tolerance)


def up(part: int, whole: int) -> int:
    """Divide and round up."""
    return -(-part // whole)


def _by_value(value: int, target: int, standing: PoolStanding, tolerance: Tolerance) -> int:
    """Without units there is neither a tolerance nor anything ready to multiply with."""
    if standing.current == 0:
        return up(value, target)
    return standing.current if tolerance.holds(value, target) else up(value * standing.working, target)


def _by_average(value: int, target: int, current: int, tolerance: Tolerance) -> int:
    return current if current and tolerance.holds(value, target * current) else up(value, target)


def _by_use(found: Used, target: int, current: int, tolerance: Tolerance) -> int:
    share = _share(found.used, found.total)
    growing, shrinking = share > target, share < target
    if not found.missing_units and not (found.unready_units and growing):
        return current if tolerance.holds(share, target) else up(share * found.units, target)
    filled = _filled(found, target, growing=growing, shrinking=shrinking)
    again = _share(filled.used, filled.total)
    turned = (shrinking and again > target) or (growing and again < target)
    if tolerance.holds(again, target) or turned:
        return current
    units = up(again * filled.units, target)
    against = (again < target and units > current) or (again > target and units < current)
    return current if against else units


def _share(used: int, total: int) -> int:
    """Whole percents, the rest cut off as the HorizontalPodAutoscaler does, in thousandths of a percent."""
    return used * _PERCENT // total * MILLI


def _filled(found: Used, target: int, *, growing: bool, shrinking: bool) -> Used:
    """What nobody could look at stands in the way: full when shrinking, idle when growing; so does what is not ready."""
    used, total, units = found.used, found.total, found.units
    if growing or shrinking:
        total += found.missing_total
        units += found.missing_units
    if shrinking:
        used += found.missing_total * max(_PERCENT * MILLI, target) // (_PERCENT * MILLI)
    if growing:
        total += found.unready_total
        units += found.unready_units
    return Used(used=used, total=total, units=units)
