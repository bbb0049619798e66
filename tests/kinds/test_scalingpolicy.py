"""A ScalingPolicy as manifests spell it becomes nouns; what no decision could follow is refused with its path."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from multicloud.kinds.parse import InvalidSpec, policy_object, policy_spec
from multicloud.model.pods import Floor
from multicloud.model.policy import (
    Algorithm,
    Behavior,
    ExternalSeries,
    Fallback,
    FallbackBehavior,
    MetricSpec,
    PendingPods,
    PolicyHistory,
    PolicySpec,
    PrometheusQuery,
    RatePolicy,
    RateType,
    ResourceName,
    ResourceUse,
    ScalingRules,
    ScheduledBounds,
    Scope,
    SelectPolicy,
    StepFactors,
    Target,
    TargetType,
)
from multicloud.model.record import PolicyRecord
from multicloud.model.schedule import Schedule
from support.manifests import policy, prometheus

NIGHT = {"name": "night", "schedule": "0 22 * * *", "durationSeconds": 3600, "maxReplicas": 5}
STEP = {"algorithm": "Step"}


def test_a_minimal_policy_gets_the_defaults_of_the_schema() -> None:
    rps = MetricSpec(
        name="rps",
        source=PrometheusQuery(source="main", query="sum(rate(requests[1m]))"),
        target=Target(type=TargetType.AVERAGE_VALUE, milli=200_000),
    )
    assert policy_spec(policy()) == PolicySpec(pool="web", metrics=(rps,))


def test_pods_that_wait_are_counted_without_a_choice() -> None:
    spec = policy_spec(policy(metrics=[{"name": "pending", "pendingPods": {}}]))
    assert spec.metrics == (MetricSpec(name="pending", source=PendingPods(), target=None),)


def test_every_field_of_a_policy_is_read() -> None:
    body = policy(
        poolRef={"name": "api"},
        minReplicas=2,
        maxReplicas=90,
        intervalSeconds=60,
        algorithm="Step",
        metrics=[
            {"name": "p", "prometheus": {"source": "other", "query": "q"}, "target": {"type": "Value", "value": "0.5"}},
            {
                "name": "cpu",
                "resource": {"name": "cpu", "scope": "WorstCluster"},
                "target": {"type": "Utilization", "value": "70"},
            },
            {
                "name": "queue",
                "external": {"name": "sqs_depth", "selector": {"matchLabels": {"queue": "b", "app": "a"}}},
                "target": {"type": "AverageValue", "value": "30.25"},
            },
        ],
        behavior={
            "scaleUp": {
                "stabilizationWindowSeconds": 30,
                "selectPolicy": "Min",
                "policies": [{"type": "Percent", "value": 10, "periodSeconds": 60}],
                "tolerance": "0.05",
            },
            "scaleDown": {"selectPolicy": "Disabled"},
        },
        step={"scaleUpAbove": "0.9", "scaleDownBelow": "0.3", "scaleUpFactor": "2", "scaleDownFactor": "0.75"},
        schedules=[
            {
                "name": "office",
                "schedule": "0 8 * * 1-5",
                "timeZone": "Europe/Berlin",
                "durationSeconds": 36000,
                "minReplicas": 20,
                "maxReplicas": 30,
            },
            {"name": "sale", "schedule": "0 0 1 1 *", "durationSeconds": 60, "replicas": 90},
        ],
        fallback={"afterFailures": 5, "behavior": "AtLeast", "replicas": 40},
    )
    assert policy_spec(body) == PolicySpec(
        pool="api",
        min_replicas=2,
        max_replicas=90,
        interval_s=60,
        algorithm=Algorithm.STEP,
        metrics=(
            MetricSpec(
                name="p",
                source=PrometheusQuery(source="other", query="q"),
                target=Target(type=TargetType.VALUE, milli=500),
            ),
            MetricSpec(
                name="cpu",
                source=ResourceUse(name=ResourceName.CPU, scope=Scope.WORST_CLUSTER),
                target=Target(type=TargetType.UTILIZATION, milli=70_000),
            ),
            MetricSpec(
                name="queue",
                source=ExternalSeries(name="sqs_depth", selector=(("app", "a"), ("queue", "b"))),
                target=Target(type=TargetType.AVERAGE_VALUE, milli=30_250),
            ),
        ),
        behavior=Behavior(
            up=ScalingRules(
                window_s=30,
                policies=(RatePolicy(type=RateType.PERCENT, value=10, period_s=60),),
                select=SelectPolicy.MIN,
                tolerance_milli=50,
            ),
            down=ScalingRules(window_s=300, policies=Behavior().down.policies, select=SelectPolicy.DISABLED),
        ),
        step=StepFactors(above_milli=900, below_milli=300, up_milli=2000, down_milli=750),
        schedules=(
            ScheduledBounds(
                name="office",
                when=Schedule(cron="0 8 * * 1-5", zone=ZoneInfo("Europe/Berlin"), duration_s=36000),
                min_replicas=20,
                max_replicas=30,
            ),
            ScheduledBounds(
                name="sale",
                when=Schedule(cron="0 0 1 1 *", zone=ZoneInfo("UTC"), duration_s=60),
                replicas=90,
            ),
        ),
        fallback=Fallback(after_failures=5, behavior=FallbackBehavior.AT_LEAST, replicas=40),
    )


def test_behavior_that_is_there_and_empty_is_that_of_hpas_second_version() -> None:
    assert policy_spec(policy(behavior={})).behavior == Behavior()
    assert policy_spec(policy()).behavior is None


def test_schedules_alone_are_a_policy() -> None:
    assert policy_spec(policy(metrics=None, schedules=[NIGHT])).metrics == ()


REFUSED: list[Any] = [
    pytest.param({"metrics": None}, "spec: metrics or schedules must be set", id="nothing decides"),
    pytest.param({"poolRef": {}}, "spec.poolRef.name: ", id="no pool"),
    pytest.param({"poolRef": {"name": "../web"}}, "spec.poolRef.name: ", id="path in a name"),
    pytest.param({"minReplicas": 2, "maxReplicas": 1}, "spec: minReplicas must not", id="minimum above maximum"),
    pytest.param({"intervalSeconds": 14}, "spec.intervalSeconds: ", id="too often"),
    pytest.param({"intervalSeconds": 301}, "spec.intervalSeconds: ", id="too rarely"),
    pytest.param({"algorithm": "Magic"}, "spec.algorithm: ", id="unknown algorithm"),
    pytest.param({"metrics": [prometheus(), prometheus()]}, "spec: metrics: doubled names: rps", id="doubled metrics"),
    pytest.param({"metrics": [prometheus(f"m{n}") for n in range(21)]}, "spec.metrics: ", id="too many metrics"),
    pytest.param({"metrics": [prometheus(value="0")]}, "spec.metrics[0].target: target.value must", id="target 0"),
    pytest.param({"metrics": [prometheus(value="0.000")]}, "spec.metrics[0].target: target.value", id="target 0.000"),
    pytest.param({"metrics": [prometheus(value="0.0005")]}, "spec.metrics[0].target.value: ", id="too fine a target"),
    pytest.param({"metrics": [prometheus(value="-1")]}, "spec.metrics[0].target.value: ", id="negative target"),
    pytest.param({"metrics": [prometheus(value="1e3")]}, "spec.metrics[0].target.value: ", id="exponent"),
    pytest.param({"metrics": [prometheus(value=200)]}, "spec.metrics[0].target.value: ", id="target as a number"),  # type: ignore[arg-type] # what a person may write
    pytest.param({"metrics": [prometheus(query=" ")]}, "spec.metrics[0].prometheus.query: ", id="empty query"),
    pytest.param(
        {"metrics": [{"name": "x", "target": prometheus()["target"]}]},
        "spec.metrics[0]: exactly one of prometheus",
        id="no source",
    ),
    pytest.param(
        {"metrics": [{**prometheus(), "external": {"name": "x"}}]}, "spec.metrics[0]: exactly one of", id="two sources"
    ),
    pytest.param(
        {"metrics": [{**prometheus(), "target": None}]}, "spec.metrics[0]: target must be set", id="no target"
    ),
    pytest.param(
        {"metrics": [{**prometheus(), "prometheus": None, "pendingPods": {}}]},
        "spec.metrics[0]: target must be set if, and only if",
        id="a target for pods",
    ),
    pytest.param(
        {"metrics": [{"name": name, "pendingPods": {}} for name in ("a", "b")]},
        "spec: at most one metric may be pendingPods",
        id="pods twice",
    ),
    pytest.param(
        {"metrics": [{**prometheus(), "target": {"type": "Utilization", "value": "70"}}]},
        "spec.metrics[0]: target.type is Utilization for resource",
        id="a share of a query",
    ),
    pytest.param(
        {"metrics": [{"name": "x", "resource": {"name": "cpu"}, "target": prometheus()["target"]}]},
        "spec.metrics[0]: target.type is Utilization for resource",
        id="an average of a share",
    ),
    pytest.param(
        {"metrics": [{"name": "x", "external": {"name": "a/b"}, "target": prometheus()["target"]}]},
        "spec.metrics[0].external.name: ",
        id="path in a metric",
    ),
    pytest.param(
        {"behavior": {"scaleUp": {"stabilizationWindowSeconds": 3601}}}, "spec.behavior.scaleUp.", id="window too long"
    ),
    pytest.param(
        {"behavior": {"scaleUp": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 1}]}}},
        "spec.behavior.scaleUp.policies[0].type: ",
        id="HPA's word for units",
    ),
    pytest.param(
        {"behavior": {"scaleDown": {"policies": [{"type": "Percent", "value": 0, "periodSeconds": 1}]}}},
        "spec.behavior.scaleDown.policies[0].value: ",
        id="a policy of nothing",
    ),
    pytest.param(
        {"behavior": {"scaleDown": {"policies": [{"type": "Percent", "value": 1, "periodSeconds": 1801}]}}},
        "spec.behavior.scaleDown.policies[0].periodSeconds: ",
        id="period too long",
    ),
    pytest.param({"step": {}}, "spec: step is only for algorithm Step", id="step of another algorithm"),
    pytest.param({**STEP, "step": {"scaleUpFactor": "1"}}, "spec.step: step: scaleUpAbove must", id="no step up"),
    pytest.param({**STEP, "step": {"scaleDownFactor": "1"}}, "spec.step: step: scaleUpAbove must", id="no step down"),
    pytest.param({**STEP, "step": {"scaleDownBelow": "0.401"}}, "spec.step: step oscillates", id="down oscillates"),
    pytest.param(
        {**STEP, "step": {"scaleDownFactor": "0.9", "scaleDownBelow": "0.6", "scaleUpFactor": "1.334"}},
        "spec.step: step oscillates: scaleDownBelow × scaleUpFactor",
        id="up oscillates",
    ),
    pytest.param({"schedules": [{**NIGHT, "maxReplicas": None}]}, "spec.schedules[0]: one of replicas", id="no bound"),
    pytest.param({"schedules": [{**NIGHT, "replicas": 3}]}, "spec.schedules[0]: replicas stands alone", id="both"),
    pytest.param({"schedules": [{**NIGHT, "minReplicas": 6}]}, "spec.schedules[0]: minReplicas must not", id="crossed"),
    pytest.param({"schedules": [{**NIGHT, "durationSeconds": 59}]}, "spec.schedules[0].durationSeconds", id="short"),
    pytest.param({"schedules": [{**NIGHT, "schedule": "@daily"}]}, "spec.schedules[0].schedule", id="a nickname"),
    pytest.param({"schedules": [{**NIGHT, "schedule": "0 0 0 1 1 *"}]}, "spec.schedules[0].schedule", id="six fields"),
    pytest.param({"schedules": [{**NIGHT, "timeZone": "../UTC"}]}, "spec.schedules[0].timeZone", id="path in a zone"),
    pytest.param({"schedules": [NIGHT, NIGHT]}, "spec: schedules: doubled names: night", id="doubled schedules"),
    pytest.param({"fallback": {"behavior": "Static"}}, "spec.fallback: replicas must be set", id="static nothing"),
    pytest.param({"fallback": {"replicas": 3}}, "spec.fallback: replicas must be set", id="hold a number"),
    pytest.param({"fallback": {"afterFailures": 0}}, "spec.fallback.afterFailures: ", id="before any failure"),
]


@pytest.mark.parametrize(("fields", "told"), REFUSED)
def test_a_policy_that_cannot_be_followed_is_told_with_its_path(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        policy_spec(policy(**fields))
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(
    "step",
    [
        pytest.param({}, id="the defaults"),
        pytest.param({"scaleDownBelow": "0"}, id="never down"),
        pytest.param({"scaleUpAbove": "0.6", "scaleDownBelow": "0.3"}, id="exactly at the border down"),
        pytest.param(
            {"scaleUpAbove": "0.3", "scaleDownBelow": "0.2", "scaleUpFactor": "1.5", "scaleDownFactor": "0.9"},
            id="exactly at the border up, where a double would be above",
        ),
    ],
)
def test_a_step_with_a_dead_band_is_taken(step: dict[str, str]) -> None:
    assert policy_spec(policy(algorithm="Step", step=step)).algorithm is Algorithm.STEP


@pytest.mark.parametrize(
    ("floors", "read"),
    [
        pytest.param([{"member": "a", "nodes": 3}], (Floor(member="a", nodes=3),), id="a floor"),
        pytest.param([{"member": "a"}, {"nodes": 3}, {"member": "b", "nodes": -1}, "x"], (), id="garbage"),
        pytest.param(None, (), id="none"),
    ],
)
def test_what_pods_asked_for_survives_a_restart(floors: object, read: tuple[Floor, ...]) -> None:
    body = policy()
    body["status"] = {"floors": floors}
    assert policy_object(body).record.history.floors == read


@pytest.mark.parametrize(
    ("managers", "record"),
    [
        pytest.param(("multicloud-operator",), PolicyRecord(desired=90, history=PolicyHistory(desired=90)), id="we"),
        pytest.param(("multicloud-operator", "kubectl-edit"), PolicyRecord(edited_by="kubectl-edit"), id="a hand"),
    ],
)
def test_a_status_in_which_others_had_a_hand_is_not_believed(managers: tuple[str, ...], record: PolicyRecord) -> None:
    body = policy()
    body["status"] = {"desiredReplicas": 90}
    body["metadata"]["managedFields"] = [{"manager": manager, "subresource": "status"} for manager in managers]
    assert policy_object(body).record == record
