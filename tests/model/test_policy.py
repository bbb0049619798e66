"""A policy refuses what cannot be judged: targets of nothing, factors that oscillate, a fallback without a number."""

from zoneinfo import ZoneInfo

import pytest

from multicloud.model.policy import (
    ExternalSeries,
    Fallback,
    FallbackBehavior,
    MetricSpec,
    PendingPods,
    PrometheusQuery,
    ResourceName,
    ResourceUse,
    ScheduledBounds,
    Source,
    StepFactors,
    Target,
    TargetType,
)
from multicloud.model.schedule import Schedule

QUERY = PrometheusQuery(source="main", query="load")
REQUESTS = ResourceUse(name=ResourceName.CPU)


@pytest.mark.parametrize("milli", [0, -1])
def test_a_target_of_nothing_is_refused(milli: int) -> None:
    with pytest.raises(ValueError, match="at least"):
        Target(type=TargetType.VALUE, milli=milli)


@pytest.mark.parametrize(
    ("source", "types"),
    [
        pytest.param(QUERY, {TargetType.VALUE, TargetType.AVERAGE_VALUE}, id="prometheus"),
        pytest.param(ExternalSeries(name="depth"), {TargetType.VALUE, TargetType.AVERAGE_VALUE}, id="external"),
        pytest.param(REQUESTS, {TargetType.UTILIZATION}, id="resource"),
        pytest.param(PendingPods(), {None}, id="pending pods"),
    ],
)
def test_a_source_goes_with_some_types_of_target(source: Source, types: set[TargetType | None]) -> None:
    for kind in (None, *TargetType):
        target = None if kind is None else Target(type=kind, milli=1)
        if kind in types:
            assert MetricSpec(name="m", source=source, target=target).target == target
        else:
            with pytest.raises(ValueError, match="metric m"):
                MetricSpec(name="m", source=source, target=target)


@pytest.mark.parametrize(
    ("above", "below", "up", "down", "why"),
    [
        pytest.param(800, 400, 1500, 500, None, id="the defaults, at the edge of one rule"),
        pytest.param(800, 401, 1500, 500, "scaleDownFactor", id="after halving it would be above again"),
        pytest.param(800, 800, 1500, 500, "scaleDownFactor", id="one threshold for both directions"),
        pytest.param(800, 500, 1600, 625, None, id="at the edge of both rules"),
        pytest.param(800, 500, 1601, 700, "scaleUpFactor ≤", id="after growing it would be below again"),
        pytest.param(800, 400, 1000, 500, "above 1", id="a factor that does not grow"),
        pytest.param(800, 400, 1500, 1000, "below 1", id="a factor that does not shrink"),
        pytest.param(0, 0, 1500, 500, "above 0", id="above nothing"),
    ],
)
def test_factors_that_oscillate_are_refused(above: int, below: int, up: int, down: int, why: str | None) -> None:
    if why is None:
        StepFactors(above_milli=above, below_milli=below, up_milli=up, down_milli=down)
        return
    with pytest.raises(ValueError, match=why):
        StepFactors(above_milli=above, below_milli=below, up_milli=up, down_milli=down)


@pytest.mark.parametrize("behavior", [FallbackBehavior.STATIC, FallbackBehavior.AT_LEAST])
def test_a_fallback_to_a_number_needs_one(behavior: FallbackBehavior) -> None:
    with pytest.raises(ValueError, match="replicas is required"):
        Fallback(behavior=behavior)
    assert Fallback(behavior=behavior, replicas=0).replicas == 0


def test_replicas_of_a_schedule_are_both_bounds() -> None:
    when = Schedule(cron="0 8 * * *", zone=ZoneInfo("UTC"), duration_s=60)
    whole = ScheduledBounds(name="s", when=when, replicas=5, min_replicas=1)
    part = ScheduledBounds(name="s", when=when, min_replicas=1)
    assert ((whole.low, whole.high), (part.low, part.high)) == ((5, 5), (1, None))
