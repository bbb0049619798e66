"""A price falls: a pool moves to where its nodes cost less, in steps, once the saving has stood for long enough."""

from typing import Any

from multicloud_lab.thread import LabThread
from support.lab import lab
from support.world import World, Write

__all__ = ["lab"]

UNITS = 12
WINDOW_S = 1800
MEMBERS: dict[str, dict[str, Any]] = {
    "aws-a": {"eks": {"cluster": "shop-prod", "region": "us-east-1", "nodeGroup": "web"}},
    "aws-b": {"eks": {"cluster": "shop-batch", "region": "us-east-1", "nodeGroup": "web"}},
    "azure-a": {"aks": {"resourceGroup": "shop", "cluster": "shop-prod", "agentPool": "web"}},
    "azure-b": {"aks": {"resourceGroup": "shop", "cluster": "shop-batch", "agentPool": "web"}},
    "gcp-a": {"gke": {"location": "europe-west1-b", "cluster": "shop-batch", "nodePool": "web"}},
    "gcp-b": {"gke": {"location": "europe-west1-b", "cluster": "shop-batch", "nodePool": "batch"}},
}
"""Two node pools in each cloud."""


STEPS = [
    Write(cloud, cluster, "web", to)
    for cloud, cluster, to in (
        ("azure", "shop-prod", 3),
        ("aws", "shop-prod", 3),
        ("azure", "shop-prod", 6),
        ("aws", "shop-batch", 3),
        ("azure", "shop-batch", 3),
        ("aws", "shop-prod", 0),
        ("azure", "shop-batch", 6),
        ("aws", "shop-batch", 0),
    )
]
"""What the clouds are asked for, and nothing else: three nodes come, three go."""


def six(azure: str) -> list[dict[str, Any]]:
    """Two members in each cloud, of at most six nodes: 0.10 an hour on AWS, 0.20 on Google, so much on Azure."""
    prices = {"aws": "0.10", "azure": azure, "gcp": "0.20"}
    clouds = {name: name.partition("-")[0] for name in MEMBERS}
    return [
        {"name": name, "accountRef": {"name": cloud}, "maxNodes": 6, "hourlyPrice": prices[cloud], **MEMBERS[name]}
        for name, cloud in clouds.items()
    ]


async def at_rest_on_aws(world: World) -> None:
    """Twelve nodes on AWS, where they are cheapest; three nodes at most go or come on top at once."""
    world.pool(
        replicas=UNITS,
        maxReplicas=UNITS,
        adoption="Apply",
        allocation={"strategy": "Cost", "moveWhenSaving": {"percent": 10, "forSeconds": WINDOW_S}},
        disruption={"maxSurgePercent": 25, "maxNodesPerStep": 3},
        members=six("0.30"),
    )
    await world.run_until(lambda: requested(world) == {"aws-a": 6, "aws-b": 6}, minutes=240)
    await world.run_until(lambda: world.status().get("replicas") == UNITS, minutes=60)


def requested(world: World) -> dict[str, int]:
    """The sizes of the members that have any."""
    members = world.status().get("members") or ()
    return {one["name"]: one["requestedNodes"] for one in members if one["requestedNodes"]}


async def test_six_members_move_to_another_cloud_in_steps_and_nothing_is_missing_meanwhile(lab: LabThread) -> None:
    async with World(lab) as world:
        await at_rest_on_aws(world)
        before = len(world.cloud_writes)
        fewest = world.status()["replicas"]
        why: set[str] = set()

        world.edit(members=six("0.05"))
        await world.run_for(seconds=WINDOW_S - 60)
        assert len(world.cloud_writes) == before, "the saving has not stood for long enough"
        assert (world.status()["plan"]["hourlyCostNow"], world.status()["saving"]["moving"]) == ("1.20", False)

        def arrived() -> bool:
            nonlocal fewest
            fewest = min(fewest, world.status()["replicas"])
            why.update(change["reason"] for change in world.status()["plan"]["changes"])
            return requested(world) == {"azure-a": 6, "azure-b": 6}

        await world.run_until(arrived, minutes=240)
        await world.run_for(hours=2)
        assert fewest >= UNITS, "ready units never fell below the wish"
        assert why == {"MoveForSaving"}, "to the last node that goes"
        assert world.status()["saving"] is None, "the move is over"
        assert world.cloud_writes[before:] == STEPS
        assert world.status()["plan"]["hourlyCostNow"] == "0.60"


def test_every_step_makes_before_it_breaks() -> None:
    """The journal's own sum: no write leaves fewer nodes wished for than units."""
    sizes = {("aws", "shop-prod"): 6, ("aws", "shop-batch"): 6}
    sums = []
    for write in STEPS:
        sizes[write.cloud, write.cluster] = write.to
        sums.append(sum(sizes.values()))
    assert sums == [15, 12] * 4


async def test_a_saving_below_the_percent_moves_nothing(lab: LabThread) -> None:
    async with World(lab) as world:
        await at_rest_on_aws(world)
        before = len(world.cloud_writes)
        world.edit(members=six("0.0901"))
        await world.run_for(hours=3)
        assert len(world.cloud_writes) == before, "9.9 percent"
        assert world.status().get("saving") is None
        world.edit(members=six("0.09"))
        await world.run_until(lambda: "azure-b" in requested(world), minutes=60)
