"""Plays a trace in virtual time: nodes that are due become ready, the load is judged, then the policy decides.

The decision is the operator's own (`decide.scale`). Where the units come from is a Supply: a boot time without a pool, the
pool's members with one.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from multicloud.cli.simulate.files import NamedPolicy
from multicloud.cli.simulate.summary import Run, Step
from multicloud.cli.simulate.trace import Trace
from multicloud.decide.scale.policy import decide_policy
from multicloud.model.policy import (
    Measured,
    MetricSpec,
    Needed,
    PendingPods,
    PolicyHistory,
    PoolStanding,
    Reading,
    ResourceUse,
    Used,
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MOST_UNITS: Final = 1_000_000
"""The pool's maximum where there is no pool."""
_TOLD_EVERY: Final = 50_000

Tell = Callable[[str], None]


class Supply(Protocol):
    """Makes units of what was decided."""

    @property
    def ready(self) -> int:
        """Units that carry load now."""
        ...

    @property
    def units(self) -> int:
        """Units that are paid: ready or booting."""
        ...

    @property
    def hourly_cost(self) -> float | None:
        """What they cost an hour, None without prices."""
        ...

    def arrive(self, now: datetime) -> None:
        """Let come what is due."""
        ...

    def order(self, desired: int, now: datetime) -> None:
        """Go after a new number."""
        ...


class Booting:
    """Units that are ready a fixed time after they were ordered, and go at once."""

    hourly_cost = None

    def __init__(self, start: int, boot_s: float) -> None:
        """`start` units are ready."""
        self.ready = start
        self._boot = timedelta(seconds=boot_s)
        self._due: deque[tuple[datetime, int]] = deque()
        self._coming = 0

    @property
    def units(self) -> int:
        """As Supply says."""
        return self.ready + self._coming

    def arrive(self, now: datetime) -> None:
        """As Supply says."""
        while self._due and self._due[0][0] <= now:
            _, count = self._due.popleft()
            self.ready += count
            self._coming -= count

    def order(self, desired: int, now: datetime) -> None:
        """As Supply says. The youngest go first."""
        more = desired - self.units
        if more > 0:
            self._due.append((now + self._boot, more))
            self._coming += more
        while self._due and self.units > desired:
            at, count = self._due.pop()
            kept = max(0, count - (self.units - desired))
            self._coming -= count - kept
            if kept:
                self._due.append((at, kept))
        self.ready = min(self.ready, desired)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a trace is played. `low` and `high` are the pool's bounds in units."""

    unit_capacity: float
    interval_s: float
    start: int
    low: int
    high: int


def play(policy: NamedPolicy, trace: Trace, terms: Terms, supply: Supply, tell: Tell) -> Run:
    """Play the whole trace. `tell` hears about progress."""
    spec, metrics = policy.spec, policy.spec.metrics
    loads = trace.milli[trace.load]
    history, desired, steps = PolicyHistory(), terms.start, []
    moments = list(trace.steps(terms.interval_s))
    for number, moment in enumerate(moments):
        now = moment_of(moment)
        supply.arrive(now)
        row, ready = trace.at(moment), supply.ready
        readings = [_reading(metric, trace.milli[metric.name][row], ready, terms) for metric in metrics]
        here = PoolStanding(current=desired, ready=ready, ready_known=True, low=terms.low, high=terms.high)
        made = decide_policy(spec, readings, here, history, now)
        history, desired = made.history, made.desired
        supply.order(desired, now)
        bounds = made.bounds
        steps.append(
            Step(
                seconds=moment,
                load=loads[row] / 1000,
                desired=desired,
                ready=ready,
                units=supply.units,
                outside=max(0, bounds.low - desired, desired - bounds.high),
                reason=made.reason.code.value,
                hourly_cost=supply.hourly_cost,
            )
        )
        if number and number % _TOLD_EVERY == 0:
            tell(f"{policy.name}: {number} of {len(moments)} steps")
    return Run(
        policy=policy.name,
        unit_capacity=terms.unit_capacity,
        interval_s=terms.interval_s,
        start=terms.start,
        steps=steps,
    )


def _reading(metric: MetricSpec, milli: int, ready: int, terms: Terms) -> Reading:
    """What the metric's source would say: a query its number, the others what they make of a number of units."""
    found: Measured | Used | Needed
    match metric.source:
        case ResourceUse():
            whole = max(1, ready)
            found = Used(used=milli, total=round(1000 * terms.unit_capacity) * whole, units=whole)
        case PendingPods():
            found = Needed(units=-(-milli // 1000))
        case _:
            found = Measured(milli=milli)
    return Reading(metric=metric.name, found=found)


def moment_of(seconds: float) -> datetime:
    """A moment of the trace as a time."""
    return _EPOCH + timedelta(seconds=seconds)


def metrics_of(policies: Sequence[NamedPolicy]) -> list[str]:
    """Columns that a trace must have, the load's first."""
    return list(dict.fromkeys(metric.name for policy in policies for metric in policy.spec.metrics))
