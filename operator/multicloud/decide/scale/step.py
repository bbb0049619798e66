"""Step: what one metric proposes by factors outside a dead band. The band keeps a steady load from being resized twice.

`use` is used ÷ total, value ÷ target (Value), or value ÷ (target × base) (AverageValue), where base are the units that
carry the load and will go on doing so: min(ready, desired). What is compared, is compared strictly.
"""

from multicloud.decide.scale.tracking import up
from multicloud.model.policy import MILLI, Measured, PoolStanding, StepFactors, Target, TargetType, Used


def stepped(found: Measured | Used, target: Target, standing: PoolStanding, step: StepFactors) -> int:
    """Units after one step. What is used has a total above nothing."""
    desired = standing.current
    base = min(standing.working, desired)
    part, whole = _use(found, target, standing.working, base)
    if whole == 0:
        # Nothing carries the load yet: one unit is the smallest step from nothing.
        return max(desired, 1) if part > 0 else desired
    if part * MILLI > step.above_milli * whole:
        return max(desired, up(step.up_milli * base, MILLI))
    if part * MILLI < step.below_milli * whole and standing.working >= desired:
        fewer = up(step.down_milli * desired, MILLI)
        return desired if _came_up(part, whole, desired, step) else fewer
    return desired


def _use(found: Measured | Used, target: Target, working: int, base: int) -> tuple[int, int]:
    """The use of `base` units as a fraction.

    A ratio is of all that is ready. While nodes go, those that stay will carry what all of them carry now.
    """
    match found:
        case Used():
            return found.used * found.units, found.total * min(base, found.units)
        case Measured():
            value = max(0, found.milli)
            if target.type is TargetType.VALUE and base:
                value *= working
            return value, target.milli * base


def _came_up(part: int, whole: int, desired: int, step: StepFactors) -> bool:
    """True when the same load, on fewer units, would have been stepped up to exactly this number.

    Only rounding up can make it so, with few units and factors at the edge of what is allowed: 3 × 1.5 is 4.5 and becomes
    5, which is more than the factor. Going down from there would be a change of mind about a load that never changed.
    """
    before = (desired - 1) * MILLI // step.up_milli + 1
    leads_here = before < desired and up(step.up_milli * before, MILLI) == desired
    return leads_here and part * desired * MILLI > step.above_milli * before * whole
