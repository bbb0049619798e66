"""Bad days, told with every cloud write that they took: what broke, who helped out, how it came back."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from multicloud.settings import Observe
from multicloud_lab.core.faultkinds import Answer, OperationFail, Stockout
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.core.seed import AwsSeed, EksCluster, EksNodegroup, Seed
from multicloud_lab.thread import LabThread
from support.interference.crowd import CloudName
from support.lab import lab
from support.world import World, members

__all__ = ["lab"]

EVEN = {"aws": 10, "azure": 10, "gcp": 10}


def written(world: World, since: int = 0) -> list[tuple[str, int]]:
    """Cloud writes after the first `since`: cloud and size, in order."""
    return [(write.cloud, write.to) for write in world.cloud_writes][since:]


def requested(world: World) -> dict[str, int]:
    return {member["name"]: member["requestedNodes"] for member in world.status()["members"]}


def ready(world: World) -> int:
    count: int = world.status().get("replicas") or 0
    return count


async def spread_evenly(world: World) -> None:
    """Thirty units over three clouds, three writes."""
    await world.run_until(lambda: ready(world) == 30)
    assert sorted(written(world)) == sorted(EVEN.items())


async def test_a_region_is_unreachable_for_an_hour_held_then_replaced_then_back(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(replicas=30, adoption="Apply")
        await spread_evenly(world)
        away = lab.place(Fault(match=Match(cloud="aws"), action=Answer(status=503)))
        await world.run_for(minutes=30)
        assert (written(world, 3), world.condition("Observed")) == ([], ("False", "Stale"))

        world.edit(failover={"whenUnreachable": "Replace"})
        await world.run_for(minutes=30)
        assert sorted(written(world, 3)) == [("azure", 15), ("gcp", 15)]

        lab.lift(away)
        await world.run_until(lambda: requested(world) == EVEN, minutes=30)
        await world.run_for(hours=2)
        assert sorted(written(world, 5)) == [("azure", 10), ("gcp", 10)]
        assert (ready(world), world.condition("Observed")[0]) == (30, "True")


async def test_an_aks_pool_that_failed_for_want_of_machines_is_repaired(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(replicas=4, minReplicas=4, adoption="Apply", members=members("azure"))
        await world.run_until(lambda: ready(world) == 4)
        lab.run(lambda lab: lab.capacity.set_free("azure", None, None, 2))
        world.edit(replicas=12)
        await world.run_until(lambda: written(world)[-2:] == [("azure", 7), ("azure", 6)], minutes=30)
        assert written(world)[:2] == [("azure", 12), ("azure", 6)], "what the cloud never made is given back"
        assert set(written(world, 2)) == {("azure", 7), ("azure", 6)}, "then one node more at a time, given back too"
        await world.run_until(lambda: world.member("azure")["reason"] == "BackedOff", minutes=5)
        assert (ready(world), world.condition("CapacityLimited")[0]) == (6, "True")

        probes = len(world.cloud_writes)
        lab.run(lambda lab: lab.capacity.set_free("azure", None, None, None))
        await world.run_until(lambda: ready(world) == 12, minutes=60)
        assert written(world, probes) == [("azure", 7), ("azure", 12)], "a probe that works, then the rest"
        assert world.member("azure")["reason"] == "AsWished"


@pytest.mark.parametrize("cloud", EVEN)
async def test_a_removal_that_fails_again_and_again_is_asked_for_less_and_less_often(
    lab: LabThread, cloud: CloudName
) -> None:
    async with World(lab) as world:
        world.pool(replicas=10, adoption="Apply", members=members(cloud))
        await world.run_until(lambda: ready(world) == 10)
        fails = lab.place(Fault(match=Match(cloud=cloud), action=OperationFail()))
        world.edit(replicas=6)
        await world.run_for(minutes=30)
        asked = len(world.cloud_writes) - 1
        assert 1 <= asked <= 3, "at once, after five minutes, after ten more"
        lab.lift(fails)
        await world.run_until(lambda: requested(world) == {cloud: 6} and ready(world) == 6, minutes=60)


async def test_credentials_are_revoked_while_a_resize_runs(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(replicas=12, adoption="Apply")
        await world.run_until(lambda: ready(world) == 12)
        world.edit(replicas=30)
        await world.run_until(lambda: len(world.cloud_writes) == 3)
        kept = world.cluster.secrets["shop", "azure-keys"]
        world.cluster.secrets["shop", "azure-keys"] = {"clientSecret": b"revoked"}
        await world.run_for(minutes=14)
        assert written(world, 3) == [], "ten nodes were asked for in Azure and may have come"
        assert world.member("azure")["reason"] == "AuthenticationFailed"
        assert world.member("azure")["intent"]["target"] == 10

        await world.run_for(minutes=16)
        assert sorted(written(world, 3)) == [("aws", 13), ("gcp", 13)], (
            "as long unseen as nodes may take: four are proved"
        )

        world.cluster.secrets["shop", "azure-keys"] = kept
        await world.run_until(lambda: requested(world) == EVEN, minutes=30)
        await world.run_for(hours=1)
        assert sorted(written(world, 5)) == [("aws", 10), ("gcp", 10)], "Azure had done it: nothing is asked twice"
        assert ready(world) == 30


async def test_a_spot_region_is_reclaimed_at_once() -> None:
    web = EksNodegroup(name="web", capacity_type="SPOT")
    with LabThread(Seed(aws=AwsSeed(clusters=(EksCluster(name="shop-prod", nodegroups=(web,)),)))) as lab:
        async with World(lab) as world:
            spot = [{**member, "capacityType": "Spot"} for member in members("aws")]
            world.pool(replicas=30, adoption="Apply", members=[*spot, *members("azure", "gcp")])
            await spread_evenly(world)
            none_left = lab.place(Fault(match=Match(cloud="aws"), action=Stockout()))
            lost = lab.hands(lambda hands: hands.reclaim_spot("aws", region="us-east-1"))
            await world.run_until(lambda: ready(world) == 20, minutes=5)
            assert (len(lost), written(world, 3)) == (10, [])
            await world.run_until(lambda: ready(world) == 30, minutes=25)
            assert sorted(written(world, 3)) == [("azure", 15), ("gcp", 15)]
            assert world.condition("MembersHealthy") == ("False", "NodesMissing")

            lab.lift(none_left)
            await world.run_until(lambda: requested(world) == EVEN, minutes=180)
            await world.run_for(hours=1)
            assert (ready(world), world.condition("MembersHealthy")) == (30, ("True", "AllHealthy"))
            assert dict(written(world, 5)) == {"azure": 10, "gcp": 10}, "the ten came back by themselves"
            assert len(world.cloud_writes) <= 5 + 4, "they came in two looks at most"


async def test_an_override_over_the_weekend_ends_by_itself_on_monday(lab: LabThread) -> None:
    friday, monday = datetime(2026, 11, 27, 18, tzinfo=UTC), datetime(2026, 11, 30, 6, tzinfo=UTC)
    async with World(lab, observe=Observe(interval_s=3600)) as world:
        await world.crash()
        until_friday_s = (friday - world.clock.now()).total_seconds()
        lab.advance(until_friday_s)
        world.clock.advance(until_friday_s)
        world.start()
        disruption = {"maxNodesPerStep": 6, "scaleDownDelaySeconds": 600}
        world.pool(replicas=12, adoption="Apply", disruption=disruption)
        await world.run_until(lambda: ready(world) == 12)
        override = {"minReplicas": 30, "until": monday.isoformat(), "reason": "INC-42"}
        world.edit(annotations={"multicloud.dev/override": json.dumps(override)}, replicas=9)
        await spread_evenly(world)

        await world.run_for(seconds=(monday - timedelta(seconds=1) - world.clock.now()).total_seconds())
        assert (written(world, 3), world.status()["desiredBy"]["reason"]) == ([], "Override")
        await world.run_for(minutes=9)
        assert (written(world, 3), world.status()["limitedBy"]) == ([], "DeciderChanged")
        await world.run_for(hours=1)
        assert sorted(written(world, 3)[:3]) == [("aws", 4), ("azure", 4), ("gcp", 4)], "steps of six nodes"
        assert sorted(written(world, 6)) == [("aws", 3), ("azure", 3), ("gcp", 3)]
        assert world.condition("OverrideInvalid") == ("False", "OverrideExpired")
