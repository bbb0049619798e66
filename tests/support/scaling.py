"""Builders of what a ScalingPolicy is decided with."""

from typing import Any

from multicloud.model.pods import Pending
from multicloud.model.policy import (
    Measured,
    MetricSpec,
    Needed,
    PendingPods,
    PolicySpec,
    PoolStanding,
    PrometheusQuery,
    Reading,
    ResourceName,
    ResourceUse,
    Target,
    TargetType,
    Used,
)
from multicloud.model.reason import Code, Reason

DOWN = Reason(code=Code.UNAVAILABLE, text="source main cannot be reached")


def average(name: str = "rps", milli: int = 1000) -> MetricSpec:
    """A metric per unit; without more, one unit carries 1."""
    target = Target(type=TargetType.AVERAGE_VALUE, milli=milli)
    return MetricSpec(name=name, source=PrometheusQuery(source="main", query=name), target=target)


def ratio(name: str = "busy", milli: int = 1000) -> MetricSpec:
    """A metric that is a ratio of what is ready."""
    target = Target(type=TargetType.VALUE, milli=milli)
    return MetricSpec(name=name, source=PrometheusQuery(source="main", query=name), target=target)


def share(name: str = "cpu", percent: int = 70) -> MetricSpec:
    """Requests ÷ allocatable."""
    target = Target(type=TargetType.UTILIZATION, milli=percent * 1000)
    return MetricSpec(name=name, source=ResourceUse(name=ResourceName.CPU), target=target)


def pending(name: str = "pending") -> MetricSpec:
    """Pods that wait for a place."""
    return MetricSpec(name=name, source=PendingPods(), target=None)


def policy(*metrics: MetricSpec, **fields: Any) -> PolicySpec:
    """A policy of the pool `web`."""
    return PolicySpec(pool="web", metrics=metrics, **fields)


def read(name: str, found: float | Measured | Used | Needed | Pending | Reason) -> Reading:
    """A reading; plain numbers are what a query gave."""
    if isinstance(found, int | float):
        found = Measured(milli=round(found * 1000))
    return Reading(metric=name, found=found, age_s=10.0)


def standing(
    current: int, ready: int | None = None, *, known: bool = True, low: int = 1, high: int = 1000
) -> PoolStanding:
    """A pool of which everything desired is ready, unless said."""
    return PoolStanding(
        current=current, ready=current if ready is None else ready, ready_known=known, low=low, high=high
    )
