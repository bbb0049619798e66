"""Scaling policies, whole: a Prometheus on loopback, the decision, the pool, three clouds, in virtual time."""

import copy
from collections.abc import AsyncIterator
from typing import Any

import pytest
from prometheus_client import generate_latest

from multicloud.model.reason import Code
from multicloud.model.ref import Kind
from multicloud.settings import Metrics, Prometheus
from multicloud_lab.thread import LabThread
from support.lab import lab
from support.prometheus import Respond, ScriptedPrometheus, answers, hangs, vector
from support.world import NAMESPACE, World

pytestmark = pytest.mark.slow

__all__ = ["lab"]


@pytest.fixture
async def prometheus() -> AsyncIterator[ScriptedPrometheus]:
    async with ScriptedPrometheus() as server:
        yield server


@pytest.fixture
async def world(lab: LabThread, prometheus: ScriptedPrometheus) -> AsyncIterator[World]:
    """Twelve nodes in three clouds; the source `main` is given to the stories' namespace."""
    place = Prometheus(url=prometheus.url, namespaces=(NAMESPACE,), timeout_s=2)
    async with World(lab, metrics=Metrics(prometheus={"main": place})) as world:
        prometheus.now = world.clock.now
        yield world


async def settled(world: World, prometheus: ScriptedPrometheus, load: int = 3000, **policy: Any) -> None:
    """The pool stands at load ÷ 100 units, all ready, decided by the policy."""
    prometheus.values["load"] = load
    world.pool(adoption="Apply")
    world.policy(**policy)
    await world.run_for(minutes=15)
    assert (desired(world), world.status()["replicas"]) == (load // 100, load // 100)


def desired(world: World) -> int:
    units: int = world.status()["desiredReplicas"]
    return units


def policy_in(world: World) -> dict[str, Any]:
    return next(body for key, body in world.cluster.objects.items() if key.kind is Kind.POLICY)


def told(world: World, code: Code) -> list[str]:
    return [note.reason.text for note in world.cluster.events if note.reason.code is code]


async def test_load_rises_and_falls_and_nodes_follow_in_three_clouds(
    world: World, prometheus: ScriptedPrometheus
) -> None:
    prometheus.values["load"] = 1200
    world.pool(adoption="Apply", disruption={"maxNodesPerStep": 6, "scaleDownDelaySeconds": 0})
    world.policy()
    await world.run_for(minutes=2)
    assert (desired(world), world.cloud_writes) == (12, [])
    prometheus.values["load"] = 3000
    await world.run_for(minutes=15)
    assert (desired(world), world.status()["replicas"]) == (30, 30)
    assert {write.cloud for write in world.cloud_writes} == {"aws", "azure", "gcp"}
    assert world.status()["desiredBy"] | {"since": ""} == {
        "kind": "ScalingPolicy",
        "name": "web",
        "reason": "ScalingPolicy",
        "since": "",
    }
    before = len(world.cloud_writes)
    prometheus.values["load"] = 1200
    await world.run_for(minutes=4)
    assert desired(world) == 30  # the downward window
    await world.run_for(minutes=30)
    assert (desired(world), world.status()["replicas"]) == (12, 12)
    falls = [write.to for write in world.cloud_writes[before:]]
    assert len(falls) >= 3  # steps of six nodes
    assert told(world, Code.SUCCESSFUL_RESCALE)[0].startswith("from 12 to ")


async def test_a_source_that_is_killed_takes_nothing_away(world: World, prometheus: ScriptedPrometheus) -> None:
    await settled(world, prometheus)
    await prometheus.stop()
    prometheus.values["load"] = 600
    await world.run_for(hours=2)
    assert (desired(world), world.status()["replicas"]) == (30, 30)
    assert world.policy_condition("ScalingActive") == ("False", "HeldForMetric")
    assert world.policy_status()["metrics"][0]["reason"] == "Unavailable"
    await prometheus.revive()
    await world.run_for(minutes=4)
    assert desired(world) == 30  # what a source says first after a silence takes nothing away
    await world.run_for(minutes=30)
    assert desired(world) == 6
    assert world.policy_condition("ScalingActive") == ("True", "ValidMetricFound")


async def test_a_source_that_is_dead_does_not_keep_another_metric_from_growing_the_pool(
    world: World, prometheus: ScriptedPrometheus
) -> None:
    metrics = [
        {"name": name, "prometheus": {"query": name}, "target": {"type": "AverageValue", "value": "100"}}
        for name in ("load", "absent")
    ]
    prometheus.values["load"] = 1200
    world.pool(adoption="Apply")
    world.policy(metrics=metrics)
    await world.run_for(minutes=2)
    prometheus.values["load"] = 2000
    await world.run_for(minutes=2)
    assert desired(world) == 20
    prometheus.values["load"] = 600
    await world.run_for(hours=1)
    assert desired(world) == 20
    assert [metric["reason"] for metric in world.policy_status()["metrics"]] == ["BelowTarget", "MetricEmpty"]


@pytest.mark.parametrize(
    ("fallback", "units"),
    [
        pytest.param({"behavior": "Hold"}, 30, id="hold"),
        pytest.param({"behavior": "AtLeast", "replicas": 40}, 40, id="at least more"),
        pytest.param({"behavior": "AtLeast", "replicas": 10}, 30, id="at least less"),
        pytest.param({"behavior": "Static", "replicas": 50}, 50, id="static"),
    ],
)
async def test_the_fallback_stands_in_for_a_dead_source(
    world: World, prometheus: ScriptedPrometheus, fallback: dict[str, Any], units: int
) -> None:
    await settled(world, prometheus, fallback=fallback)
    await prometheus.stop()
    await world.run_for(seconds=45)
    assert desired(world) == 30  # two failures are not three
    await world.run_for(minutes=15)
    assert desired(world) == units
    standing_in = fallback["behavior"] != "Hold"
    assert world.policy_condition("Fallback")[0] == str(standing_in)
    await prometheus.revive()
    await world.run_for(minutes=4)
    assert (desired(world), world.policy_condition("Fallback")[0]) == (units, "False")  # the window begins with it
    await world.run_for(minutes=26)
    assert desired(world) == 30


LIES: list[Any] = [
    pytest.param(answers(vector("NaN", at=0)), "MetricNotANumber", id="NaN"),
    pytest.param(answers(vector("+Inf", at=0)), "MetricNotANumber", id="infinity"),
    pytest.param(answers(vector("-5", at=0)), "MetricNegative", id="negative"),
    pytest.param(answers(vector(at=0)), "MetricEmpty", id="no series"),
    pytest.param(answers(vector("5", at=0)), "Stale", id="of long ago"),
    pytest.param(answers(vector(1, 2, at=0)), "MetricAmbiguous", id="several series"),
    pytest.param(answers("<html>sign in</html>"), "UnexpectedAnswer", id="a login page"),
    pytest.param(answers("no", status=400), "QueryRefused", id="a query that it refuses"),
    pytest.param(answers("no", status=401), "AuthenticationFailed", id="a login that it refuses"),
    pytest.param(answers("no", status=500), "Unavailable", id="an error"),
    pytest.param(hangs, "TimedOut", id="hangs"),
]


@pytest.mark.parametrize(("respond", "reason"), LIES)
async def test_whatever_a_sick_source_says_nothing_shrinks(
    world: World, prometheus: ScriptedPrometheus, respond: Respond, reason: str
) -> None:
    await settled(world, prometheus)
    writes = len(world.cloud_writes)
    prometheus.respond = respond
    await world.run_for(minutes=3 if respond is hangs else 30)
    assert (desired(world), len(world.cloud_writes)) == (30, writes)
    assert world.policy_status()["metrics"][0]["reason"] == reason


async def test_a_source_that_flaps_neither_shrinks_the_pool_nor_fills_its_status(
    world: World, prometheus: ScriptedPrometheus
) -> None:
    await settled(world, prometheus)
    before = world.cluster.status_writes
    for turn in range(40):
        prometheus.values["load"] = None if turn % 2 else 3000
        await world.run_for(seconds=30)
    assert desired(world) == 30
    assert world.cluster.status_writes - before <= 10  # twenty minutes: one at once, then one each five at most


async def test_a_source_that_flaps_while_the_load_is_low_takes_nothing_away_before_it_has_told_it_for_a_window(
    world: World, prometheus: ScriptedPrometheus
) -> None:
    await settled(world, prometheus)
    for turn in range(40):
        prometheus.values["load"] = None if turn % 2 else 600
        await world.run_for(seconds=30)
    assert (desired(world), world.status()["replicas"]) == (30, 30)
    prometheus.values["load"] = 600
    await world.run_for(minutes=30)
    assert desired(world) == 6


async def test_a_restart_while_the_source_is_dead_decides_no_lower_when_it_is_back(
    world: World, prometheus: ScriptedPrometheus
) -> None:
    await settled(world, prometheus)
    await prometheus.stop()
    await world.run_for(minutes=10)
    await world.crash()
    world.start()
    await world.run_for(minutes=10)
    assert (desired(world), world.policy_status()["metrics"][0]["reason"]) == (30, "Unavailable")
    prometheus.values["load"] = 600
    await prometheus.revive()
    await world.run_for(minutes=4)
    assert desired(world) == 30
    await world.run_for(minutes=30)
    assert desired(world) == 6


async def test_at_rest_a_policy_is_silent(world: World, prometheus: ScriptedPrometheus) -> None:
    await settled(world, prometheus)
    await world.run_for(minutes=10)
    before, events, asked = world.cluster.status_writes, len(world.cluster.events), len(prometheus.asked)
    for turn in range(120):  # within the tolerance
        prometheus.values["load"] = 3000 + (-1) ** turn * 7 * (turn % 13)
        await world.run_for(seconds=30)
    assert (world.cluster.status_writes, len(world.cluster.events)) == (before, events)
    assert len(prometheus.asked) - asked in {120, 121}


async def test_a_restart_in_the_middle_of_a_window_decides_no_lower(
    world: World, prometheus: ScriptedPrometheus
) -> None:
    await settled(world, prometheus)
    prometheus.values["load"] = 600
    await world.run_for(minutes=4)
    await world.crash()
    world.start()
    await world.run_for(minutes=4)
    assert desired(world) == 30
    await world.run_for(minutes=30)
    assert desired(world) == 6


async def test_a_policys_status_that_is_wiped_at_rest_is_written_again(
    world: World, prometheus: ScriptedPrometheus
) -> None:
    await settled(world, prometheus)
    shown, body = world.policy_status(), policy_in(world)
    body.pop("status")
    body["metadata"]["resourceVersion"] = str(next(world.cluster.versions))
    world.operator.store.put(copy.deepcopy(body))
    await world.run_for(minutes=1)
    assert world.policy_status() == shown


async def test_what_was_read_while_no_decision_could_be_written_is_not_judged_an_hour_later(
    world: World, prometheus: ScriptedPrometheus
) -> None:
    await settled(world, prometheus, behavior={"scaleDown": {"stabilizationWindowSeconds": 0}})
    world.cluster.away = True
    prometheus.values["load"] = 600
    await world.run_for(minutes=1)
    prometheus.values["load"] = 3000
    await world.run_for(hours=1)
    world.cluster.away = False
    await world.run_for(minutes=5)
    assert not any(words.startswith("from 30 to ") for words in told(world, Code.SUCCESSFUL_RESCALE))
    assert desired(world) == 30


async def test_a_policys_forged_status_moves_nothing_and_is_said(world: World, prometheus: ScriptedPrometheus) -> None:
    await settled(world, prometheus)
    writes = len(world.cloud_writes)
    await world.crash()
    body = policy_in(world)
    body["status"]["desiredReplicas"] = 90
    body["metadata"]["managedFields"] = [{"manager": "kubectl-edit", "subresource": "status"}]
    world.start()
    await world.run_for(minutes=30)
    assert (desired(world), len(world.cloud_writes)) == (30, writes)
    assert world.policy_status()["desiredReplicas"] == 30
    (words,) = told(world, Code.STATUS_EDITED)
    assert words.startswith("kubectl-edit wrote")


async def test_a_policy_that_is_deleted_leaves_the_number_as_it_is(
    world: World, prometheus: ScriptedPrometheus
) -> None:
    await settled(world, prometheus)
    world.delete_policy()
    prometheus.values["load"] = 600
    await world.run_for(hours=2)
    assert (desired(world), world.status()["replicas"]) == (30, 30)
    assert world.status()["desiredBy"]["kind"] == "Hold"


async def test_replicas_beside_a_policy_are_ignored_and_said_and_count_again_after_it(
    world: World, prometheus: ScriptedPrometheus
) -> None:
    await settled(world, prometheus)
    world.edit(replicas=20, disruption={"maxNodesPerStep": 20, "scaleDownDelaySeconds": 600})
    await world.run_for(minutes=30)
    assert desired(world) == 30
    assert world.condition("ReplicasIgnored") == ("True", "ReplicasIgnored")
    (words,) = told(world, Code.REPLICAS_IGNORED)
    assert "`multicloud override`" in words
    world.delete_policy()
    await world.run_for(minutes=9)
    assert (desired(world), world.status()["limitedBy"]) == (30, "DeciderChanged")
    await world.run_for(minutes=20)
    assert (desired(world), world.condition("ReplicasIgnored")[0]) == (20, "False")


async def test_an_override_stands_above_the_policy_and_gives_back(world: World, prometheus: ScriptedPrometheus) -> None:
    await settled(world, prometheus)
    until = "2026-11-23T10:00:00Z"
    world.edit(annotations={"multicloud.dev/override": f'{{"minReplicas": 45, "until": "{until}"}}'})
    await world.run_for(minutes=10)
    assert (desired(world), world.status()["desiredBy"]["kind"]) == (45, "Override")
    await world.run_for(hours=2, minutes=30)
    assert (desired(world), world.status()["desiredBy"]["kind"]) == (30, "ScalingPolicy")


async def test_of_two_policies_the_oldest_works_and_the_other_begins_anew_after_it(
    world: World, prometheus: ScriptedPrometheus
) -> None:
    await settled(world, prometheus)
    prometheus.values["more"] = 5000
    world.policy("second", query="more")
    await world.run_for(minutes=30)
    assert desired(world) == 30
    assert world.policy_condition("Ready", "second") == ("False", "AnotherPolicy")
    assert world.policy_condition("Stalled", "second")[0] == "True"
    assert "desiredReplicas" not in world.policy_status("second")
    world.delete_policy()
    await world.run_for(minutes=10)
    assert (desired(world), world.status()["desiredBy"]["name"]) == (50, "second")


async def test_a_policy_without_a_pool_waits_for_one(world: World, prometheus: ScriptedPrometheus) -> None:
    prometheus.values["load"] = 2000
    world.policy()
    await world.run_for(minutes=2)
    assert world.policy_condition("Ready") == ("False", "PoolNotFound")
    assert prometheus.asked == []
    world.pool(adoption="Apply")
    await world.run_for(minutes=5)
    assert (desired(world), world.policy_condition("Ready")) == (20, ("True", "PolicyWorks"))
    world.delete()
    await world.run_for(minutes=5)
    assert world.policy_condition("Ready") == ("False", "PoolNotFound")


async def test_a_source_that_hangs_delays_no_other_policy(
    lab: LabThread, world: World, prometheus: ScriptedPrometheus
) -> None:
    prometheus.values["load"] = 1200
    async with ScriptedPrometheus(now=world.clock.now, respond=hangs) as sick:
        await world.crash()
        places = {"main": Prometheus(url=prometheus.url, namespaces=("*",), timeout_s=2)}
        places["sick"] = Prometheus(url=sick.url, namespaces=("*",), timeout_s=0.5)
        world.settings = world.settings.model_copy(update={"metrics": Metrics(prometheus=places)})
        world.start()
        world.pool(adoption="Apply")
        world.policy()
        for number in range(3):
            name = f"sick-{number}"
            metric = {"prometheus": {"source": "sick", "query": "load"}, "target": {"type": "Value", "value": "1"}}
            world.pool(name, adoption="Apply", replicas=0, minReplicas=0)
            world.policy(name, poolRef={"name": name}, metrics=[{"name": "load", **metric}])
        prometheus.values["load"] = 2000
        await world.run_for(minutes=3)
    assert desired(world) == 20


async def test_a_wrong_query_at_noon_leaves_a_person_a_quarter_of_an_hour(
    world: World, prometheus: ScriptedPrometheus
) -> None:
    """By the product's own numbers: a window of 300 s, a delay of 300 s, steps of 20 nodes and pauses between them."""
    prometheus.values["load"] = 9000
    world.pool(adoption="Apply", disruption={"maxNodesPerStep": 20, "scaleDownDelaySeconds": 300})
    world.policy()
    await world.run_for(minutes=25)
    assert world.status()["replicas"] == 90
    prometheus.values["load"] = 0
    await world.run_for(minutes=9)
    assert world.status()["replicas"] == 90
    await world.run_for(minutes=6)
    assert world.status()["replicas"] >= 45


async def test_what_is_judged_stands_on_metrics_and_ends_with_the_policy(
    world: World, prometheus: ScriptedPrometheus
) -> None:
    await settled(world, prometheus)
    prometheus.values["load"] = 3010
    await world.run_for(minutes=1)
    lines = generate_latest(world.operator.registry).decode().splitlines()
    of = 'namespace="shop",policy="web"'
    metric = f'metric="load",{of}'
    assert {
        f'multicloud_policy_units{{{of},state="desired"}} 30.0',
        f'multicloud_policy_limited{{{of},reason="DesiredWithinRange"}} 1.0',
        f"multicloud_policy_metric_value{{{metric}}} 3010.0",
        f"multicloud_policy_metric_target{{{metric}}} 100.0",
        f"multicloud_policy_metric_proposed_units{{{metric}}} 30.0",
        f"multicloud_policy_metric_decides{{{metric}}} 1.0",
        f"multicloud_policy_metric_fallback{{{metric}}} 0.0",
    } <= set(lines)
    assert world.policy_status()["metrics"][0]["value"] == "3000"  # a status at rest does not follow
    await prometheus.stop()
    await world.run_for(minutes=1)
    failing = f'multicloud_policy_metric_failing{{{metric},reason="Unavailable"}} 1.0'
    assert failing in generate_latest(world.operator.registry).decode().splitlines()
    world.delete_policy()
    assert of not in generate_latest(world.operator.registry).decode()
