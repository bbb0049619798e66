"""What a run was like: steps, and the numbers that two policies are compared by."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

IDEAL_USE: Final = 0.7
"""How full units are that are neither too many nor too few."""

_DIGITS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One moment. `load` in the metric's own unit; `desired` is what was decided, `ready` what carried the load.

    `units` are ready or booting, and paid, from here to the next step. `outside` is how far `desired` is from the bounds.
    `hourly_cost` is None without prices.
    """

    seconds: float
    load: float
    desired: int
    ready: int
    units: int
    outside: int
    reason: str
    hourly_cost: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A policy's run over a trace."""

    policy: str
    unit_capacity: float
    interval_s: float
    start: int
    steps: Sequence[Step]


def summary(run: Run) -> dict[str, Any]:
    """The numbers of the JSON output. Each step stands for one interval."""
    steps, hours = run.steps, run.interval_s / 3600
    loads = sum(step.load for step in steps)
    over = [max(0.0, step.load - step.ready * run.unit_capacity) for step in steps]
    resizes = _resizes(run)
    days = len(steps) * hours / 24
    made: dict[str, Any] = {
        "underPercent": _round(100 * sum(part > 0 for part in over) / len(steps)),
        "lostLoadPercent": _round(100 * sum(over) / loads if loads else 0.0),
        "unitHours": _round(sum(step.units for step in steps) * hours),
        "idealUnitHours": _round(sum(ideal_units(step.load, run.unit_capacity) for step in steps) * hours),
        "resizes": len(resizes),
        "resizesPerDay": _round(len(resizes) / days),
        "reversals": _reversals(run, resizes),
        "maxStepOutsideBounds": max(step.outside for step in steps),
    }
    costs = [step.hourly_cost for step in steps if step.hourly_cost is not None]
    if costs:
        made["cost"] = _round(sum(costs) * hours)
    return made


def ideal_units(load: float, unit_capacity: float) -> int:
    """Units that would be 70 % full, rounded up; what is a rounding error above a whole number is that number."""
    return -int(-(load / unit_capacity / IDEAL_USE - 1e-9) // 1)


def _resizes(run: Run) -> list[tuple[int, int]]:
    """Places of the steps that changed the number, and by how much."""
    before = [run.start, *(step.desired for step in run.steps[:-1])]
    changes = [step.desired - units for step, units in zip(run.steps, before, strict=True)]
    return [(place, change) for place, change in enumerate(changes) if change]


def _reversals(run: Run, resizes: Sequence[tuple[int, int]]) -> int:
    """Resizes against the direction of the one before, under a load that did not change between them."""
    count = 0
    for (first, by), (second, back) in pairwise(resizes):
        if (by > 0) is not (back > 0):
            count += len({step.load for step in run.steps[first : second + 1]}) == 1
    return count


def _round(value: float) -> float:
    return round(value, _DIGITS)
