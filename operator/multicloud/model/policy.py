"""What a ScalingPolicy wants, what its metrics read, and what was decided: the nouns of `decide.scale.policy`.

`kinds` makes PolicySpec and keeps PolicyHistory in status, `sources` make Readings, `decide` makes the PolicyDecision.
Fractions of one are whole thousandths (`…_milli`), as in Kubernetes quantities, so that nothing is ever rounded twice.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from multicloud.model.pods import Floor, Pending
from multicloud.model.reason import Reason
from multicloud.model.schedule import Schedule

MILLI: Final = 1000
"""Thousandths in one."""


class Algorithm(StrEnum):
    """TARGET_TRACKING is the function of the HorizontalPodAutoscaler; STEP multiplies outside a dead band."""

    TARGET_TRACKING = "TargetTracking"
    STEP = "Step"


class TargetType(StrEnum):
    """What a target is compared with: a share in percent, the value itself, or the value per unit."""

    UTILIZATION = "Utilization"
    VALUE = "Value"
    AVERAGE_VALUE = "AverageValue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a metric should be at. `milli` are thousandths: of a percent for UTILIZATION (70 % is 70000)."""

    type: TargetType
    milli: int

    def __post_init__(self) -> None:
        """Refuse what no load can be divided by."""
        if self.milli <= 0:
            raise ValueError("a target must be at least 0.001")


class Scope(StrEnum):
    """POOL sums over all members; WORST_CLUSTER judges by the cluster that is fullest."""

    POOL = "Pool"
    WORST_CLUSTER = "WorstCluster"


class ResourceName(StrEnum):
    """What pods request of a node."""

    CPU = "cpu"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrometheusQuery:
    """An instant query that gives one number. `source` is a name that the administrator configured."""

    source: str
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceUse:
    """Requests ÷ allocatable of the members' nodes."""

    name: ResourceName
    scope: Scope = Scope.POOL


@dataclass(frozen=True, slots=True)
class PendingPods:
    """Pods that wait for a node of the pool, as floors of their clusters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalSeries:
    """The sum of a series of the external metrics API. `selector` are its matchLabels, sorted by key."""

    name: str
    selector: tuple[tuple[str, str], ...] = ()


Source = PrometheusQuery | ResourceUse | PendingPods | ExternalSeries


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec:
    """One metric. `target` is None for PendingPods, which ask for floors of members instead."""

    name: str
    source: Source
    target: Target | None

    def __post_init__(self) -> None:
        """Refuse a target that its source cannot be compared with."""
        kind = None if self.target is None else self.target.type
        allowed: frozenset[TargetType | None]
        match self.source:
            case ResourceUse():
                allowed = frozenset({TargetType.UTILIZATION})
            case PendingPods():
                allowed = frozenset({None})
            case _:
                allowed = frozenset({TargetType.VALUE, TargetType.AVERAGE_VALUE})
        if kind not in allowed:
            raise ValueError(f"metric {self.name}: a target of type {kind} does not go with its source")


class RateType(StrEnum):
    """REPLICAS bounds a change in units, PERCENT relative to the size at the beginning of the period."""

    REPLICAS = "Replicas"
    PERCENT = "Percent"


@dataclass(frozen=True, slots=True, kw_only=True)
class RatePolicy:
    """How much may change within `period_s`: `value` units or percent."""

    type: RateType
    value: int
    period_s: int


class SelectPolicy(StrEnum):
    """Which of several rate policies counts: the largest change, the smallest, or no change at all."""

    MAX = "Max"
    MIN = "Min"
    DISABLED = "Disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingRules:
    """One direction of a Behavior: window in seconds, rate policies, and how far off the target is near enough."""

    window_s: int
    policies: tuple[RatePolicy, ...]
    select: SelectPolicy = SelectPolicy.MAX
    tolerance_milli: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Behavior:
    """How fast the number may rise and fall. The defaults are those of the HorizontalPodAutoscaler's v2 API."""

    up: ScalingRules = ScalingRules(
        window_s=0,
        policies=(
            RatePolicy(type=RateType.REPLICAS, value=4, period_s=15),
            RatePolicy(type=RateType.PERCENT, value=100, period_s=15),
        ),
    )
    down: ScalingRules = ScalingRules(
        window_s=300,
        policies=(RatePolicy(type=RateType.PERCENT, value=100, period_s=15),),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFactors:
    """The dead band of STEP and what is multiplied outside it, in thousandths. Compared strictly."""

    above_milli: int = 800
    below_milli: int = 400
    up_milli: int = 1500
    down_milli: int = 500

    def __post_init__(self) -> None:
        """Refuse factors that carry a steady load from one side of the band to the other, for ever."""
        if min(self.below_milli, self.above_milli - 1) < 0 or not 0 <= self.down_milli < MILLI < self.up_milli:
            raise ValueError(
                "step: scaleUpFactor must be above 1, scaleDownFactor from 0 to below 1, scaleUpAbove above 0"
            )
        if self.below_milli * MILLI > self.down_milli * self.above_milli:
            raise ValueError("step: oscillates unless scaleDownBelow ≤ scaleDownFactor × scaleUpAbove")
        if self.below_milli * self.up_milli > self.above_milli * MILLI:
            raise ValueError("step: oscillates unless scaleDownBelow × scaleUpFactor ≤ scaleUpAbove")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledBounds:
    """Bounds while a schedule is on; None leaves one open. `replicas` is both bounds at once."""

    name: str
    when: Schedule
    min_replicas: int | None = None
    max_replicas: int | None = None
    replicas: int | None = None

    @property
    def low(self) -> int | None:
        """The fewest units while it is on."""
        return self.min_replicas if self.replicas is None else self.replicas

    @property
    def high(self) -> int | None:
        """The most units while it is on."""
        return self.max_replicas if self.replicas is None else self.replicas


class FallbackBehavior(StrEnum):
    """What stands in for a metric that fails: HOLD the size, STATIC units, or AT_LEAST so many units and what there is."""

    HOLD = "Hold"
    STATIC = "Static"
    AT_LEAST = "AtLeast"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """What stands in for a metric after `after_failures` failed readings in a row. `replicas` goes with all but HOLD."""

    after_failures: int = 3
    behavior: FallbackBehavior = FallbackBehavior.HOLD
    replicas: int | None = None

    def __post_init__(self) -> None:
        """Refuse to guess a number."""
        if self.behavior is not FallbackBehavior.HOLD and self.replicas is None:
            raise ValueError(f"fallback {self.behavior}: replicas is required")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySpec:
    """How many units a MultiCloudPool should have, from metrics and schedules.

    `min_replicas` and `max_replicas` None are those of the pool, which are outermost anyway. `behavior` None is, as for
    the HorizontalPodAutoscaler, at most doubling (or 4 units) at once and a window of 300 s downwards for
    TARGET_TRACKING, and no limit but the bounds for STEP.
    """

    pool: str
    min_replicas: int | None = None
    max_replicas: int | None = None
    interval_s: int = 30
    algorithm: Algorithm = Algorithm.TARGET_TRACKING
    metrics: tuple[MetricSpec, ...] = ()
    behavior: Behavior | None = None
    step: StepFactors = StepFactors()
    schedules: tuple[ScheduledBounds, ...] = ()
    fallback: Fallback = Fallback()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a query gave, in thousandths, rounded up: for targets VALUE and AVERAGE_VALUE."""

    milli: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """Used ÷ total of `units` ready units that were looked at: for targets of type UTILIZATION.

    `missing_units` are ready, or should be, and nobody could look at them; `missing_total` is what they offer.
    `unready_units` are not ready yet; what they offer and carry is in none of the other numbers.
    """

    used: int
    total: int
    units: int
    missing_total: int = 0
    missing_units: int = 0
    unready_total: int = 0
    unready_units: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """Units that pods need, where nobody knows in which cluster: a simulation's reading of PendingPods."""

    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One metric as read for this decision: what was found, or why nothing; `age_s` of the sample, None unknown."""

    metric: str
    found: Measured | Used | Needed | Pending | Reason
    age_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStanding:
    """The pool that is decided about, in units. `low` and `high` are its own bounds.

    `current` is its desired number. `ready` is what was last proved ready, None for never; `ready_known` is False while
    that is too old to act on.
    """

    current: int
    ready: int | None
    ready_known: bool
    low: int
    high: int

    @property
    def working(self) -> int:
        """Ready units as last proved, `current` where nothing ever was: unknown is never zero."""
        return self.current if self.ready is None else self.ready


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What was recommended and changed from `start` to `end` (of one decision: both are its time).

    `low` and `high` are the extremes of the recommendations, None where there was none; a span without `low` only
    keeps the number from falling. `added` and `removed` are units by which the decisions changed the number.
    """

    start: datetime
    end: datetime
    low: int | None = None
    high: int | None = None
    added: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyHistory:
    """What a policy remembers between decisions, oldest span first. Empty before its very first decision.

    `failures` counts failed readings in a row by metric, no further than the fallback asks. `desired` is what was decided
    last: where the pool did not follow, that change does not count for the rate policies. `floors` are what members need
    for the pods of their clusters, as read last.
    """

    spans: tuple[Span, ...] = ()
    failures: tuple[tuple[str, int], ...] = ()
    desired: int | None = None
    floors: tuple[Floor, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What one metric asks for. `units` is None where it failed and nothing stands in for it.

    `raw` is what the algorithm said before the guard. `fallback`: the number is not the metric's but what stands in.
    """

    metric: str
    units: int | None
    raw: int | None
    reason: Reason
    fallback: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The bounds in force now and the schedules that are on.

    `next_start` is when one that is off begins, `next_end` when one that is on ends, None for never.
    `conflict` says that the bounds have no common value; the highest minimum then is both, inside the pool's bounds.
    """

    low: int
    high: int
    active: tuple[str, ...] = ()
    next_start: datetime | None = None
    next_end: datetime | None = None
    conflict: Reason | None = None

    @property
    def next_change(self) -> datetime | None:
        """When a schedule begins or ends next."""
        return min((at for at in (self.next_start, self.next_end) if at is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDecision:
    """A decision about one pool.

    `decided_by` is the metric whose proposal won, None where bounds alone or a hold decided. `reason` is why the number
    is what it is. `limited` is the limit that bound first (DesiredWithinRange: none), `stabilized` the window that did
    (ReadyForNewScale: none), `scaling` whether metrics could be judged (ValidMetricFound), all by the words of the
    HorizontalPodAutoscaler. `left` is why pods that wait get no node here. `history` is to be handed to the next decision,
    and holds the floors.
    """

    desired: int
    reason: Reason
    proposals: tuple[Proposal, ...]
    decided_by: str | None
    limited: Reason
    stabilized: Reason
    scaling: Reason
    bounds: Bounds
    left: tuple[Reason, ...] = ()
    history: PolicyHistory = field(default_factory=PolicyHistory)
