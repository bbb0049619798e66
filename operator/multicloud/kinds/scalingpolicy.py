"""ScalingPolicy as manifests spell it: what decides how many units a pool wishes for, and how fast that may move.

Read by `parse`, turned into a schema by `crd`. The metrics are in `metric`.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Final, Self

from pydantic import ConfigDict, Field, model_validator

from multicloud.kinds.metric import Metric, Number, milli
from multicloud.kinds.schedule import Recurring
from multicloud.kinds.shape import Label, ObjectName, Part, Units, WholeNumber, rule, rules
from multicloud.model import policy as model
from multicloud.model.policy import Algorithm, FallbackBehavior, PolicySpec, RateType, SelectPolicy

MAX_METRICS: Final = 20
MAX_SCHEDULES: Final = 50
MAX_RULES: Final = 10

Fraction = Annotated[str, Field(max_length=8, pattern=r"^[0-9]{1,4}(\.[0-9]{1,3})?$")]
"""A decimal number to the thousandth, small enough that products of two of them are compared without rounding."""


class RatePolicy(Part):
    """How much may change within a period."""

    type: RateType = Field(description="Replicas: units. Percent: of the units at the period's beginning.")
    value: Annotated[WholeNumber, Field(ge=1, le=1_000_000)] = Field(
        description="Most units, or percent, within the period."
    )
    period_seconds: Annotated[WholeNumber, Field(ge=1, le=1800)] = Field(
        description="Seconds that the policy looks back."
    )

    def to_model(self) -> model.RatePolicy:
        """Say it in the words of `model`."""
        return model.RatePolicy(type=self.type, value=self.value, period_s=self.period_seconds)


class Direction(Part):
    """How fast the wish may move in one direction. What is absent is as HPA has it."""

    stabilization_window_seconds: Annotated[WholeNumber, Field(ge=0, le=3600)] | None = Field(
        default=None,
        description="Seconds over which the most careful proposal counts. Absent: 0 upwards, 300 downwards.",
    )
    select_policy: SelectPolicy = Field(
        default=SelectPolicy.MAX,
        description="Max: the rate policy that allows the largest change. Min: the smallest. Disabled: no change.",
    )
    policies: Annotated[
        tuple[RatePolicy, ...],
        Field(max_length=MAX_RULES, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
    ] = Field(
        default=(),
        description="Rate policies. Empty: upwards 4 units or 100 percent in 15 s, downwards 100 percent in 15 s.",
    )
    tolerance: Number | None = Field(
        default=None, description="How far a ratio may be from 1 before it counts, as a decimal number. Absent: 0.1."
    )

    def to_model(self, absent: model.ScalingRules) -> model.ScalingRules:
        """Say it in the words of `model`; `absent` gives what is not set."""
        window_s, tolerance = self.stabilization_window_seconds, self.tolerance
        return model.ScalingRules(
            window_s=absent.window_s if window_s is None else window_s,
            policies=tuple(rate.to_model() for rate in self.policies) or absent.policies,
            select=self.select_policy,
            tolerance_milli=absent.tolerance_milli if tolerance is None else milli(tolerance),
        )


class Behavior(Part):
    """How fast the wish may move, as in HorizontalPodAutoscaler v2."""

    scale_up: Direction = Field(default=Direction(), description="Upwards.")
    scale_down: Direction = Field(default=Direction(), description="Downwards.")

    def to_model(self) -> model.Behavior:
        """Say it in the words of `model`."""
        absent = model.Behavior()
        return model.Behavior(up=self.scale_up.to_model(absent.up), down=self.scale_down.to_model(absent.down))


_FACTORS: Final = "step: scaleUpAbove must be above 0, scaleUpFactor above 1, scaleDownFactor below 1"
_OSCILLATES_DOWN: Final = (
    "step oscillates: scaleDownBelow must not be above scaleDownFactor × scaleUpAbove, "
    "else the use after a step down is at once high enough for a step up"
)
_OSCILLATES_UP: Final = (
    "step oscillates: scaleDownBelow × scaleUpFactor must not be above scaleUpAbove, "
    "else the use after a step up is at once low enough for a step down"
)


class Step(Part):
    """Multiply above a threshold, divide below another one. Use is what is used divided by what there is."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "double(self.scaleUpAbove) > 0.0 && double(self.scaleUpFactor) > 1.0 && double(self.scaleDownFactor) < 1.0",
                _FACTORS,
            ),
            # Three places each: products differ by 1e-6 or not at all.
            rule(
                "double(self.scaleDownBelow) <= double(self.scaleDownFactor) * double(self.scaleUpAbove) + 0.000000001",
                _OSCILLATES_DOWN,
                field=".scaleDownBelow",
            ),
            rule(
                "double(self.scaleDownBelow) * double(self.scaleUpFactor) <= double(self.scaleUpAbove) + 0.000000001",
                _OSCILLATES_UP,
                field=".scaleDownBelow",
            ),
        )
    )

    scale_up_above: Fraction = Field(default="0.8", description="Use above which the units are multiplied.")
    scale_down_below: Fraction = Field(default="0.4", description="Use below which the units are divided.")
    scale_up_factor: Fraction = Field(default="1.5", description="What the units are multiplied by; above 1.")
    scale_down_factor: Fraction = Field(default="0.5", description="What the units are multiplied by; below 1.")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        above, below = Decimal(self.scale_up_above), Decimal(self.scale_down_below)
        up, down = Decimal(self.scale_up_factor), Decimal(self.scale_down_factor)
        if above <= 0 or up <= 1 or down >= 1:
            raise ValueError(_FACTORS)
        if below > down * above:
            raise ValueError(_OSCILLATES_DOWN)
        if below * up > above:
            raise ValueError(_OSCILLATES_UP)
        return self

    def to_model(self) -> model.StepFactors:
        """Say it in the words of `model`."""
        return model.StepFactors(
            above_milli=milli(self.scale_up_above),
            below_milli=milli(self.scale_down_below),
            up_milli=milli(self.scale_up_factor),
            down_milli=milli(self.scale_down_factor),
        )


_SOME_BOUND: Final = "one of replicas, minReplicas and maxReplicas must be set"
_REPLICAS_ALONE: Final = "replicas stands alone: leave out minReplicas and maxReplicas"
_MIN_ABOVE_MAX: Final = "minReplicas must not be above maxReplicas"


class Schedule(Recurring):
    """Other bounds for a while, again and again."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("has(self.replicas) || has(self.minReplicas) || has(self.maxReplicas)", _SOME_BOUND),
            rule("!has(self.replicas) || !(has(self.minReplicas) || has(self.maxReplicas))", _REPLICAS_ALONE),
            rule(
                "!has(self.minReplicas) || !has(self.maxReplicas) || self.minReplicas <= self.maxReplicas",
                _MIN_ABOVE_MAX,
                field=".minReplicas",
            ),
        )
    )

    name: Label = Field(description="Name of the schedule in this policy.")
    min_replicas: Units | None = Field(default=None, description="Fewest units while it lasts.")
    max_replicas: Units | None = Field(default=None, description="Most units while it lasts.")
    replicas: Units | None = Field(default=None, description="Exactly so many units while it lasts.")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        low, high = self.min_replicas, self.max_replicas
        if self.replicas is None and low is None and high is None:
            raise ValueError(_SOME_BOUND)
        if self.replicas is not None and (low is not None or high is not None):
            raise ValueError(_REPLICAS_ALONE)
        if low is not None and high is not None and low > high:
            raise ValueError(_MIN_ABOVE_MAX)
        return self

    def to_model(self) -> model.ScheduledBounds:
        """Say it in the words of `model`."""
        return model.ScheduledBounds(
            name=self.name,
            when=self.to_schedule(),
            min_replicas=self.min_replicas,
            max_replicas=self.max_replicas,
            replicas=self.replicas,
        )


_REPLICAS_OR_HOLD: Final = "replicas must be set if, and only if, behavior is Static or AtLeast"


class Fallback(Part):
    """What stands in for a metric that cannot be read for a while."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("has(self.replicas) == (has(self.behavior) && self.behavior != 'Hold')", _REPLICAS_OR_HOLD)
        )
    )

    after_failures: Annotated[WholeNumber, Field(ge=1, le=1000)] = Field(
        default=3, description="Failed readings of a metric in a row after which the fallback stands in for it."
    )
    behavior: FallbackBehavior = Field(
        default=FallbackBehavior.HOLD,
        description="Hold: the number does not fall. Static: replicas. AtLeast: what there is, at least replicas.",
    )
    replicas: Units | None = Field(default=None, description="Units for Static and AtLeast.")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if (self.replicas is not None) is (self.behavior is FallbackBehavior.HOLD):
            raise ValueError(_REPLICAS_OR_HOLD)
        return self

    def to_model(self) -> model.Fallback:
        """Say it in the words of `model`."""
        return model.Fallback(after_failures=self.after_failures, behavior=self.behavior, replicas=self.replicas)


class PoolRef(Part):
    """A MultiCloudPool in the namespace of the policy."""

    name: ObjectName = Field(description="Name of the MultiCloudPool, in the same namespace.")


_POOL_STAYS: Final = (
    "poolRef is immutable: what was decided for one pool means nothing for another; create another policy"
)
_SOMETHING_DECIDES: Final = "metrics or schedules must be set: else nothing decides"
_STEP_BLOCK: Final = "step is only for algorithm Step"
_PODS_ONCE: Final = "at most one metric may be pendingPods"


class ScalingPolicySpec(Part):
    """What decides how many units a pool wishes for."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.minReplicas) || !has(self.maxReplicas) || self.minReplicas <= self.maxReplicas",
                _MIN_ABOVE_MAX,
                field=".minReplicas",
            ),
            rule(
                "(has(self.metrics) && self.metrics.size() > 0) || (has(self.schedules) && self.schedules.size() > 0)",
                _SOMETHING_DECIDES,
            ),
            rule(
                "!has(self.metrics) || self.metrics.filter(one, has(one.pendingPods)).size() <= 1",
                _PODS_ONCE,
            ),
            rule("!has(self.step) || self.algorithm == 'Step'", _STEP_BLOCK, field=".step"),
        )
    )

    pool_ref: Annotated[PoolRef, Field(json_schema_extra=rules(rule("self == oldSelf", _POOL_STAYS)))] = Field(
        description="The pool that the policy decides for. Immutable."
    )
    min_replicas: Units | None = Field(
        default=None, description="Fewest units to wish for. Absent: the pool's bound alone, which is the outermost."
    )
    max_replicas: Units | None = Field(
        default=None, description="Most units to wish for. Absent: the pool's bound alone, which is the outermost."
    )
    interval_seconds: Annotated[WholeNumber, Field(ge=15, le=300)] = Field(
        default=30, description="Seconds between two looks at the metrics."
    )
    algorithm: Algorithm = Field(
        default=Algorithm.TARGET_TRACKING,
        description="TargetTracking: as HorizontalPodAutoscaler v2. Step: multiply above a use, divide below another one.",
    )
    metrics: Annotated[
        tuple[Metric, ...],
        Field(
            max_length=MAX_METRICS,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = Field(
        default=(),
        description="What says how many units are needed; the largest proposal wins. One that failed may hold a "
        "scale-down, never a scale-up.",
    )
    behavior: Behavior | None = Field(
        default=None,
        description="How fast the wish may move. Absent: for TargetTracking at most doubling (or 4 units) at once and a "
        "window of 300 s downwards, for Step no limit but the bounds.",
    )
    step: Step | None = Field(default=None, description="The numbers of algorithm Step. Absent: their defaults.")
    schedules: Annotated[
        tuple[Schedule, ...],
        Field(
            max_length=MAX_SCHEDULES,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = Field(
        default=(),
        description="Other bounds at certain times. Where several overlap: the largest minimum, the smallest maximum.",
    )
    fallback: Fallback = Field(default=Fallback(), description="What stands in for metrics that fail.")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        low, high = self.min_replicas, self.max_replicas
        if low is not None and high is not None and low > high:
            raise ValueError(_MIN_ABOVE_MAX)
        if not self.metrics and not self.schedules:
            raise ValueError(_SOMETHING_DECIDES)
        if self.step is not None and self.algorithm is not Algorithm.STEP:
            raise ValueError(_STEP_BLOCK)
        if sum(one.pending_pods is not None for one in self.metrics) > 1:
            raise ValueError(_PODS_ONCE)
        _unique("metrics", [one.name for one in self.metrics])
        _unique("schedules", [one.name for one in self.schedules])
        return self

    def to_model(self) -> PolicySpec:
        """Say it in the words of `model`."""
        return PolicySpec(
            pool=self.pool_ref.name,
            min_replicas=self.min_replicas,
            max_replicas=self.max_replicas,
            interval_s=self.interval_seconds,
            algorithm=self.algorithm,
            metrics=tuple(metric.to_model() for metric in self.metrics),
            behavior=None if self.behavior is None else self.behavior.to_model(),
            step=model.StepFactors() if self.step is None else self.step.to_model(),
            schedules=tuple(schedule.to_model() for schedule in self.schedules),
            fallback=self.fallback.to_model(),
        )


def _unique(field: str, names: Sequence[str]) -> None:
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ValueError(f"{field}: doubled names: {', '.join(doubled)}")
