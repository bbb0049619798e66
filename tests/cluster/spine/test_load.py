"""A load that rises and falls, told by a real Prometheus, and the pool that follows it in three clouds."""

from pathlib import Path

import pytest

from support.prometheus_server import Exporter, PrometheusServer
from support.samples import CLOUDS, FOUND, member, policy, pool
from support.stage import Stage

pytestmark = pytest.mark.slow

LOAD = 'requests_in_flight{service="shop"}'
A_UNIT = 100
MOST_NODES_A_STEP = 6
STEPS = {
    "maxNodesPerStep": MOST_NODES_A_STEP,
    "maxUnavailablePercent": 100,
    "stepPauseSeconds": 0,
    "scaleDownDelaySeconds": 0,
}
AT_ONCE = {"scaleDown": {"stabilizationWindowSeconds": 0}}
"""A look each 15 s is what the story waits for; a window would only make it longer."""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "prometheus"
    made.mkdir()
    return made


def test_the_pool_follows_the_load_and_keeps_what_it_has_while_prometheus_is_dead(
    stage: Stage, directory: Path
) -> None:
    with (
        Exporter({LOAD: 3 * FOUND * A_UNIT}) as shop,
        PrometheusServer(directory=directory, scrapes=shop.place) as prometheus,
    ):
        stage.api.create(pool("web", *map(member, CLOUDS), disruption=STEPS))
        stage.api.create(policy("web", f"sum({LOAD})", A_UNIT, minReplicas=3, maxReplicas=60, behavior=AT_ONCE))
        place = {"url": prometheus.url, "namespaces": [stage.namespace], "timeoutSeconds": 2}
        stage.operator(metrics={"prometheus": {"main": place}}).start()
        stage.until(lambda: _wishes(stage) == 12, "the policy wishes for the twelve nodes that are there")

        shop.series[LOAD] = 2400  # no policy doubles more than once a look
        _until_each_has(stage, 8)
        by = stage.status("web")["desiredBy"]
        assert (by["kind"], by["name"]) == ("ScalingPolicy", "web")
        risen = [(stage.resizes(cloud)[0].origin, stage.resizes(cloud)[-1].to) for cloud in CLOUDS]
        assert risen == [(FOUND, 8)] * 3

        prometheus.kill()
        shop.series[LOAD] = 600
        before = len(stage.cloud_writes())
        stage.until(lambda: _reading(stage) == "Unavailable", "the policy has asked the dead Prometheus")
        assert (_wishes(stage), stage.status("web")["desiredReplicas"]) == (24, 24)
        assert len(stage.cloud_writes()) == before

        prometheus.start()
        _until_each_has(stage, 2)
        falls = [call["from"] - call["to"] for call in stage.cloud_writes()[before:] if call["effective"]]
        assert sum(falls) == 18
        assert all(0 < nodes <= MOST_NODES_A_STEP for nodes in falls)


def _until_each_has(stage: Stage, nodes: int) -> None:
    for cloud in CLOUDS:
        stage.until_nodes("web", nodes, member=cloud)


def _wishes(stage: Stage) -> object:
    return stage.api.policy("web").get("status", {}).get("desiredReplicas")


def _reading(stage: Stage) -> object:
    """What the policy says of its metric, None before it says anything."""
    told = stage.api.policy("web").get("status", {}).get("metrics")
    return told[0]["reason"] if told else None
