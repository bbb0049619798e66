"""Pods that wait in one cluster, whole: the lab's schedulers, the counts, the packing, the floor, three clouds."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from multicloud.model.reason import Code
from multicloud_lab.thread import LabThread
from support.lab import lab
from support.labeyes import LabEyes
from support.world import World, members

__all__ = ["lab"]

PENDING = [{"name": "pending", "pendingPods": {}}]


@pytest.fixture
def eyes(lab: LabThread) -> LabEyes:
    return LabEyes(lab)


@pytest.fixture
async def world(lab: LabThread, eyes: LabEyes) -> AsyncIterator[World]:
    """Twelve nodes in three clouds, four each."""
    async with World(lab, eyes=lambda _: eyes) as world:
        yield world


def sizes(world: World) -> dict[str, int]:
    return {member["name"]: member["requestedNodes"] for member in world.status()["members"]}


async def settled(world: World, **pool: Any) -> None:
    """Four nodes in each cloud, which the pool's minimum keeps."""
    world.pool(adoption="Apply", **{"minReplicas": 12, "disruption": {"scaleDownDelaySeconds": 300}, **pool})
    world.policy(metrics=PENDING)
    await world.run_for(minutes=3)
    assert (sizes(world), world.cloud_writes) == ({"aws": 4, "azure": 4, "gcp": 4}, [])


async def test_exactly_the_nodes_that_pods_need_come_where_they_wait_and_go_when_they_are_done(
    world: World, eyes: LabEyes
) -> None:
    await settled(world)
    # Four cores less 140 m, less 240 m of DaemonSets: three pods of 1.2 cores a node, of which the web pool has four.
    eyes.run("azure", "shop-prod", "jobs", 24, cpu_m=1200, memory_mib=512, node_selector={"agentpool": "web"})
    assert eyes.pods("azure", "shop-prod", waiting=True) == 12
    await world.run_for(minutes=20)
    assert sizes(world) == {"aws": 4, "azure": 8, "gcp": 4}
    assert [(write.cloud, write.to) for write in world.cloud_writes] == [("azure", 8)]
    assert eyes.pods("azure", "shop-prod", waiting=True) == 0
    assert (world.status()["desiredReplicas"], world.status()["floorReplicas"]) == (12, 4)
    assert world.policy_status()["floors"] == [{"member": "azure", "nodes": 8}]
    assert world.policy_condition("PodsUnplaceable") == ("False", "PodsPlaced")
    eyes.run("azure", "shop-prod", "jobs", 0)
    await world.run_for(minutes=4)
    assert sizes(world)["azure"] == 8  # the delay
    await world.run_for(minutes=30)
    assert sizes(world) == {"aws": 4, "azure": 4, "gcp": 4}
    assert {write.cloud for write in world.cloud_writes} == {"azure"}
    assert world.status()["floorReplicas"] is None


async def test_a_pod_that_tolerates_nothing_is_reported_and_buys_nothing(world: World, eyes: LabEyes) -> None:
    await settled(world)
    eyes.taint("azure", "shop-prod", "web", "team")
    eyes.run("azure", "shop-prod", "jobs", 3, cpu_m=3000, node_selector={"agentpool": "web"})
    await world.run_for(minutes=10)
    assert (sizes(world)["azure"], world.cloud_writes) == (4, [])
    assert world.policy_condition("PodsUnplaceable") == ("True", "TaintsNotTolerated")
    eyes.run(
        "azure", "shop-prod", "jobs", 6, cpu_m=3000, node_selector={"agentpool": "web"}, tolerates=frozenset({"team"})
    )
    eyes.run("azure", "shop-prod", "other", 1, cpu_m=9000)
    await world.run_for(minutes=10)
    assert sizes(world) == {"aws": 4, "azure": 6, "gcp": 4}
    assert world.policy_condition("PodsUnplaceable") == ("True", "PodsTooLarge")
    told = [note.reason.text for note in world.cluster.events if note.reason.code is Code.TAINTS_NOT_TOLERATED]
    assert told == ["PodsUnplaceable: in shop-prod pods do not tolerate the taints of the pool's nodes"]


async def test_pods_that_nobody_can_help_write_nothing_while_they_wait(world: World, eyes: LabEyes) -> None:
    await settled(world)
    eyes.run("azure", "shop-prod", "large", 3, cpu_m=9000)
    await world.run_for(minutes=10)
    writes = world.cluster.status_writes
    await world.run_for(minutes=30)
    assert (world.cluster.status_writes, world.cloud_writes) == (writes, [])


async def test_what_cannot_be_seen_takes_nothing_away(world: World, eyes: LabEyes) -> None:
    await settled(world, minReplicas=3, disruption={"scaleDownDelaySeconds": 0})
    eyes.run("azure", "shop-prod", "jobs", 24, cpu_m=1200, node_selector={"agentpool": "web"})
    await world.run_for(minutes=20)
    assert sizes(world)["azure"] == 8
    before = len(world.cloud_writes)
    eyes.away.add(("azure", "shop-prod"))
    await world.run_for(hours=2)
    assert (sizes(world)["azure"], world.policy_status()["floors"]) == (8, [{"member": "azure", "nodes": 8}])
    eyes.away.update({("aws", "shop-prod"), ("gcp", "shop-batch")})
    await world.run_for(hours=1)
    assert (sizes(world)["azure"], world.policy_condition("ScalingActive")) == (8, ("False", "HeldForMetric"))
    assert world.policy_condition("PodsUnplaceable") == ("Unknown", "NoClusterAccess")
    assert "azure" not in {write.cloud for write in world.cloud_writes[before:]}
    await world.crash()
    world.start()
    await world.run_for(minutes=30)
    assert sizes(world)["azure"] == 8
    eyes.away.clear()
    eyes.run("azure", "shop-prod", "jobs", 0)
    await world.run_for(minutes=40)
    assert sum(sizes(world).values()) == 3


async def test_two_pools_in_a_cluster_buy_for_a_pod_once(world: World, eyes: LabEyes) -> None:
    web, batch = members("aws", weight=1, maxNodes=6), members("aws", weight=1)
    batch[0]["eks"] = {**batch[0]["eks"], "nodeGroup": "batch"}
    world.pool(adoption="Apply", minReplicas=4, members=[{**web[0], "priority": 1}])
    world.pool("batch", adoption="Apply", minReplicas=2, members=batch)
    world.policy(metrics=PENDING)
    world.policy("batch", poolRef={"name": "batch"}, metrics=PENDING)
    await world.run_for(minutes=3)
    assert world.cloud_writes == []
    # One a node: six find a place at once, two go where the priority is higher, three where there is room left.
    eyes.run("aws", "shop-prod", "jobs", 11, cpu_m=1200)
    assert eyes.pods("aws", "shop-prod", waiting=True) == 5
    await world.run_for(minutes=20)
    assert [(write.node_pool, write.to) for write in sorted(world.cloud_writes, key=str)] == [("batch", 5), ("web", 6)]
    assert eyes.pods("aws", "shop-prod", waiting=True) == 0


async def test_what_cannot_be_had_where_pods_wait_is_bought_nowhere_else(world: World, eyes: LabEyes) -> None:
    limited = [{**member, "maxNodes": 5} if member["name"] == "azure" else member for member in members()]
    await settled(world, members=limited)
    eyes.run("azure", "shop-prod", "jobs", 24, cpu_m=1200, node_selector={"agentpool": "web"})
    await world.run_for(minutes=30)
    assert sizes(world) == {"aws": 4, "azure": 5, "gcp": 4}
    assert world.policy_condition("PodsUnplaceable") == ("True", "MembersFull")


async def test_a_policy_that_goes_leaves_its_floors_for_the_delay(world: World, eyes: LabEyes) -> None:
    await settled(world)
    eyes.run("azure", "shop-prod", "jobs", 15, cpu_m=1200, node_selector={"agentpool": "web"})
    await world.run_for(minutes=15)
    assert sizes(world)["azure"] == 5
    eyes.run("azure", "shop-prod", "jobs", 0)
    world.delete_policy()
    await world.run_for(minutes=4)
    assert sizes(world)["azure"] == 5
    await world.run_for(minutes=20)
    assert sizes(world) == {"aws": 4, "azure": 4, "gcp": 4}
