"""The metrics of a ScalingPolicy as manifests spell them: what is asked of whom, and what it is to be kept at.

Numbers that need not be whole are decimal strings, as HPA's quantities are, so that no file's reader can round them.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Final, Self

from pydantic import ConfigDict, Field, model_validator

from multicloud.kinds.shape import Label, Part, rule, rules
from multicloud.model import policy as model
from multicloud.model.policy import MILLI, ResourceName, Scope, TargetType


def milli(number: str) -> int:
    """A decimal string of at most three places in thousandths."""
    return int(Decimal(number) * MILLI)


Number = Annotated[str, Field(max_length=16, pattern=r"^[0-9]{1,12}(\.[0-9]{1,3})?$")]
"""A decimal number that is not negative, to the thousandth."""

_POSITIVE_TARGET: Final = "target.value must be above 0"


class Target(Part):
    """What the metric is to be kept at."""

    model_config = ConfigDict(
        json_schema_extra=rules(rule("double(self.value) > 0.0", _POSITIVE_TARGET, field=".value"))
    )

    type: TargetType = Field(
        description="AverageValue: the value divided by units. Value: the value itself, whatever units there are. "
        "Utilization: percent of what the nodes offer, for resource only."
    )
    value: Number = Field(
        description="The target as a decimal number above 0, in the metric's own unit; for Utilization in percent."
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if Decimal(self.value) <= 0:
            raise ValueError(_POSITIVE_TARGET)
        return self

    def to_model(self) -> model.Target:
        """Say it in the words of `model`."""
        return model.Target(type=self.type, milli=milli(self.value))


class PrometheusMetric(Part):
    """An instant query that must give one number."""

    source: Label = Field(
        default="main", description="A Prometheus that the administrator configured for this namespace, by its name."
    )
    query: Annotated[str, Field(min_length=1, max_length=4096, pattern=r"\S")] = Field(
        description="PromQL with a scalar or exactly one series as its result."
    )


class ResourceMetric(Part):
    """Requests of the scheduled pods divided by what the members' nodes offer."""

    name: ResourceName = Field(description="cpu or memory.")
    scope: Scope = Field(
        default=Scope.POOL,
        description="Pool: over the nodes of all members. WorstCluster: the cluster whose nodes are fullest.",
    )


LabelValue = Annotated[str, Field(max_length=63, pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$")]


class ExternalSelector(Part):
    """Which of a metric's series are summed."""

    match_labels: Annotated[Mapping[str, LabelValue], Field(max_length=16)] = Field(
        default={}, description="Labels that a series must have."
    )


class ExternalMetric(Part):
    """A metric of the external metrics API (external.metrics.k8s.io) of the operator's own cluster."""

    # No dot in front: the name ends a path of the API, and `..` would leave the namespace.
    name: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9_:-][A-Za-z0-9_.:-]*$")] = Field(
        description="Name of the metric."
    )
    selector: ExternalSelector = Field(
        default=ExternalSelector(), description="Which of its series are summed. Empty: all of them."
    )


class PendingPodsMetric(Part):
    """The pods that wait for a node in the members' clusters. There is nothing to choose."""


_ONE_SOURCE: Final = "exactly one of prometheus, resource, external and pendingPods must be set"
_RIGHT_TARGET: Final = "target.type is Utilization for resource, and AverageValue or Value for prometheus and external"
_TARGET_OR_PODS: Final = "target must be set if, and only if, pendingPods is not: pods ask for floors, not for a number"


class Metric(Part):
    """One thing that says how many units are needed."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "[has(self.prometheus), has(self.resource), has(self.external), has(self.pendingPods)]"
                ".filter(set, set).size() == 1",
                _ONE_SOURCE,
            ),
            rule("has(self.target) != has(self.pendingPods)", _TARGET_OR_PODS),
            rule(
                "!has(self.target) || (self.target.type == 'Utilization') == has(self.resource)",
                _RIGHT_TARGET,
                field=".target",
            ),
        )
    )

    name: Label = Field(description="Name of the metric in this policy; status and reasons refer to it.")
    prometheus: PrometheusMetric | None = Field(default=None, description="An instant query that gives one number.")
    resource: ResourceMetric | None = Field(
        default=None, description="Requests of scheduled pods, divided by what the members' nodes offer."
    )
    external: ExternalMetric | None = Field(
        default=None, description="A metric of the external metrics API of the operator's own cluster."
    )
    pending_pods: PendingPodsMetric | None = Field(
        default=None,
        description="Pods that wait for a node in the members' clusters: they ask for nodes of the members there, on top of "
        "whatever number is decided. At most one metric of a policy.",
    )
    target: Target | None = Field(
        default=None, description="What the metric is to be kept at. Required but for pendingPods, which has none."
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if sum(block is not None for block in (self.prometheus, self.resource, self.external, self.pending_pods)) != 1:
            raise ValueError(_ONE_SOURCE)
        if (self.target is None) is (self.pending_pods is None):
            raise ValueError(_TARGET_OR_PODS)
        if self.target is not None and (self.target.type is TargetType.UTILIZATION) is not (self.resource is not None):
            raise ValueError(_RIGHT_TARGET)
        return self

    def to_model(self) -> model.MetricSpec:
        """Say it in the words of `model`."""
        target = None if self.target is None else self.target.to_model()
        return model.MetricSpec(name=self.name, source=self._source(), target=target)

    def _source(self) -> model.Source:
        if self.prometheus is not None:
            return model.PrometheusQuery(source=self.prometheus.source, query=self.prometheus.query)
        if self.resource is not None:
            return model.ResourceUse(name=self.resource.name, scope=self.resource.scope)
        if self.pending_pods is not None:
            return model.PendingPods()
        assert self.external is not None  # `_sound` saw to it
        labels = tuple(sorted(self.external.selector.match_labels.items()))
        return model.ExternalSeries(name=self.external.name, selector=labels)
