"""A cloud does not deliver, is not seen, or is locked: others help out, nothing works twice, and it comes back."""

from collections.abc import Iterator
from typing import Any

import pytest

from multicloud_lab.core.faultkinds import Answer
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.thread import LabThread
from support.world import World, members

CLOUDS = ("aws", "azure", "gcp")
CLUSTER = {"aws": "shop-prod", "azure": "shop-prod", "gcp": "shop-batch"}


@pytest.fixture
def lab() -> Iterator[LabThread]:
    with LabThread() as running:
        yield running


def preferring(cloud: str, **every: Any) -> list[dict[str, Any]]:
    """One member per cloud; one of them comes first."""
    return [{**member, "priority": 5 if member["name"] == cloud else 0} for member in members(**every)]


def stock(lab: LabThread, cloud: str, free: int | None) -> None:
    """So many machines are left in a cloud; None: as many as anybody wants."""
    lab.run(lambda lab: lab.capacity.set_free(cloud, None, None, free))


def asked(world: World, cloud: str) -> list[int]:
    """The sizes that were set in a cloud, in order."""
    return [write.to for write in world.cloud_writes if write.cloud == cloud]


def requested(world: World) -> dict[str, int]:
    return {cloud: world.member(cloud)["requestedNodes"] for cloud in CLOUDS}


@pytest.mark.parametrize("cloud", ["azure", "gcp"])
async def test_a_stockout_in_the_preferred_cloud(lab: LabThread, cloud: str) -> None:
    async with World(lab) as world:
        world.pool(replicas=12, adoption="Apply", allocation={"strategy": "Priority"}, members=preferring(cloud))
        await world.run_until(lambda: requested(world)[cloud] == 12 == world.status().get("replicas"), minutes=90)
        stock(lab, cloud, 3)
        world.edit(replicas=30)
        await world.run_until(lambda: world.status().get("replicas") == 30, minutes=20)
        assert world.condition("MembersHealthy") == ("True", "AllHealthy")
        assert requested(world)[cloud] == 15, "what the cloud could not make is given back"
        assert asked(world, cloud) == [12, 30, 15]

        await world.run_for(minutes=60)
        probes = asked(world, cloud)[3:]
        assert set(probes) <= {15, 16}, "one node more now and then, and given back"
        assert 1 <= probes.count(16) <= 3
        assert world.status()["replicas"] == 30
        assert world.condition("Ready")[0] == "True"

        stock(lab, cloud, None)
        await world.run_until(lambda: world.member(cloud)["readyNodes"] == 30, minutes=60)
        await world.run_until(lambda: sum(requested(world).values()) == 30, minutes=60)
        probe, rest = asked(world, cloud)[-2:]
        assert (probe - 15 in (1, 2), rest) == (True, 30), "a probe, then the rest"
        assert world.status()["replicas"] == 30


async def test_a_node_group_that_stays_degraded_counts_with_what_works(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(replicas=12, adoption="Apply", allocation={"strategy": "Priority"}, members=preferring("aws"))
        await world.run_until(lambda: requested(world)["aws"] == 12 == world.status().get("replicas"), minutes=90)
        stock(lab, "aws", 3)
        world.edit(replicas=30)
        await world.run_until(lambda: world.status().get("replicas") == 30, minutes=20)
        assert world.member("aws")["readyNodes"] == 15
        assert world.condition("MembersHealthy") == ("False", "NodesMissing")

        await world.run_for(minutes=60)
        assert asked(world, "aws") == [12, 30], "a DEGRADED node group takes no update, so nothing is given back"
        assert world.status()["replicas"] == 30
        assert world.condition("Stalled")[0] == "False"

        stock(lab, "aws", None)
        await world.run_until(lambda: sum(requested(world).values()) == 30, minutes=90)
        assert requested(world) == {"aws": 30, "azure": 0, "gcp": 0}, "all came; what helped out has left"
        assert world.status()["replicas"] == 30


@pytest.mark.parametrize("when", ["Hold", "Replace"])
async def test_a_region_that_is_unreachable_for_an_hour(lab: LabThread, when: str) -> None:
    async with World(lab) as world:
        world.pool(replicas=30, adoption="Apply", failover={"whenUnreachable": when})
        await world.run_until(lambda: world.status().get("replicas") == 30)
        writes = len(world.cloud_writes)
        away = lab.place(Fault(match=Match(cloud="aws"), action=Answer(status=503)))
        await world.run_for(minutes=60)
        assert world.condition("Observed") == ("False", "Stale")
        replaced = {write.cloud: write.to for write in world.cloud_writes[writes:]}
        assert replaced == ({} if when == "Hold" else {"azure": 15, "gcp": 15})

        lab.lift(away)
        await world.run_until(lambda: world.condition("Observed")[0] == "True", minutes=30)
        await world.run_until(lambda: sum(requested(world).values()) == 30, minutes=60)
        assert requested(world) == dict.fromkeys(CLOUDS, 10)
        assert world.status()["replicas"] == 30


async def test_an_upgrade_holds_the_lock_while_the_load_doubles(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(replicas=12, adoption="Apply")
        await world.run_until(lambda: world.status().get("replicas") == 12)
        lab.hands(lambda hands: hands.upgrade("gcp", "shop-batch", "web", seconds=3600))
        await world.run_for(minutes=1)
        world.edit(replicas=24)
        await world.run_for(minutes=9)
        assert {cloud: asked(world, cloud) for cloud in CLOUDS} == {"aws": [8], "azure": [8], "gcp": []}
        await world.run_until(lambda: world.status().get("replicas") == 24, minutes=15)
        assert {cloud: asked(world, cloud) for cloud in CLOUDS} == {"aws": [8, 10], "azure": [8, 10], "gcp": []}
        await world.run_until(lambda: requested(world) == dict.fromkeys(CLOUDS, 8), minutes=120)
        assert asked(world, "gcp") == [8]
