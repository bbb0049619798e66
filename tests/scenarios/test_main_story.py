"""The demo's story and its relatives, in virtual time, through the real SDKs."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from multicloud.model.ref import Kind, ObjectKey
from multicloud_lab.thread import LabThread
from support.world import World, Write, members


@pytest.fixture
def lab() -> Iterator[LabThread]:
    with LabThread() as running:
        yield running


def ready_everywhere(world: World, wish: int) -> bool:
    return all(world.status(cloud).get("replicas") == wish for cloud in ("aws", "azure", "gcp"))


def total(world: World, field: str) -> int:
    return sum(member[field] for member in world.status()["members"])


async def test_takes_over_grows_holds_a_hand_and_comes_back_in_steps(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(disruption={"maxNodesPerStep": 6, "scaleDownDelaySeconds": 60})
        await world.run_until(lambda: world.condition("Ready") == ("True", "EnoughReady"))
        assert (world.status()["desiredReplicas"], total(world, "readyNodes")) == (12, 12)
        assert world.status()["desiredBy"]["reason"] == "Hold"
        assert [world.member(cloud)["adoptionFloor"] for cloud in ("aws", "azure", "gcp")] == [4, 4, 4]
        assert world.cloud_writes == []

        world.edit(replicas=30)
        await world.run_until(lambda: total(world, "readyNodes") == 30 and world.condition("Reconciling")[0] == "False")
        assert sorted(world.cloud_writes, key=lambda write: write.cloud) == [
            Write("aws", "shop-prod", "web", 10),
            Write("azure", "shop-prod", "web", 10),
            Write("gcp", "shop-batch", "web", 10),
        ]

        world.hand("aws", "shop-prod", "web", 12)
        await world.run_until(lambda: world.condition("Drifted")[0] == "True")
        assert world.member("aws")["targetNodes"] == 12
        await world.run_for(minutes=5)
        assert len(world.cloud_writes) == 3

        world.edit(replicas=12)
        await world.run_until(lambda: total(world, "requestedNodes") == 12, minutes=120)
        shrinks = world.cloud_writes[3:]
        assert {write.cloud: write.to for write in shrinks} == {"aws": 4, "azure": 4, "gcp": 4}
        assert world.condition("Drifted")[0] == "False"


async def test_the_same_wish_thrice_is_three_resizes_and_no_token_twice(lab: LabThread) -> None:
    async with World(lab) as world:
        for cloud in ("aws", "azure", "gcp"):
            world.pool(
                cloud,
                adoption="Apply",
                replicas=10,
                members=members(cloud),
                disruption={"maxNodesPerStep": 100, "scaleDownDelaySeconds": 0},
            )
        for wish in (10, 20, 10, 20):
            for cloud in ("aws", "azure", "gcp"):
                world.edit(cloud, replicas=wish)
            await world.run_until(partial(ready_everywhere, world, wish))
        for cloud in ("aws", "azure", "gcp"):
            assert [write.to for write in world.cloud_writes if write.cloud == cloud] == [10, 20, 10, 20]
        tokens = [
            e["token"] for e in lab.journal() if e["effective"] and e["cloud"] == "aws" and e["principal"] != "hand"
        ]
        assert len(set(tokens)) == len(tokens) == 4


@pytest.mark.parametrize(
    "spec",
    [{"mode": "Plan"}, {"paused": True}, {"members": members(state="Frozen")}],
    ids=["mode Plan", "paused", "every member frozen"],
)
async def test_makes_no_write_at_all(lab: LabThread, spec: dict[str, Any]) -> None:
    async with World(lab) as world:
        world.pool(replicas=30, **spec)
        await world.run_for(minutes=30)
        assert world.cloud_writes == []
        assert world.status()["desiredReplicas"] == 30


async def test_a_lost_answer_is_settled_by_looking_and_never_sent_twice(lab: LabThread) -> None:
    async with World(lab) as world:
        held = {
            "aws": lab.hold("UpdateNodegroupConfig", "shop-prod", "web", when="after"),
            "azure": lab.hold("AgentPools_CreateOrUpdate", "shop-prod", "web", when="after"),
            "gcp": lab.hold("SetNodePoolSize", "shop-batch", "web", when="after"),
        }
        for hold in held.values():
            lab.release(hold, "drop")
        world.pool(replicas=30)
        await world.run_until(lambda: world.status().get("replicas") == 30)
        assert len(world.cloud_writes) == 3


async def test_a_restart_in_the_middle_finds_what_was_sent(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(replicas=30)
        await world.run_until(lambda: len(world.cloud_writes) == 3)
        passes = {"controller": "MultiCloudPool", "result": "requeue_after"}
        assert (world.operator.registry.get_sample_value("multicloud_reconcile_total", passes) or 0) > 0
        await world.crash()
        world.start()
        await world.run_until(lambda: world.status().get("replicas") == 30)
        assert len(world.cloud_writes) == 3


async def test_at_rest_nothing_is_written_and_reads_stay_within_bounds(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(replicas=12)
        await world.run_for(minutes=30)
        before = (world.cluster.status_writes, len(world.cluster.events), len(lab.journal()))
        await world.run_for(hours=24)
        writes, events, calls = world.cluster.status_writes, len(world.cluster.events), len(lab.journal())
        assert (writes, events) == before[:2]
        # Three clusters and three account-regions: at most 65 and 60 calls an hour each (architecture.md, Numbers).
        assert calls - before[2] <= 24 * 3 * (65 + 60)


async def test_two_pools_that_name_one_node_pool_never_both_write(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool("first", replicas=10, members=members("aws"))
        await world.run_for(minutes=1)
        world.pool("second", replicas=20, members=members("aws"))
        await world.run_for(minutes=30)
        assert [write.to for write in world.cloud_writes] == [10]
        assert world.condition("MembersHealthy", "second") == ("False", "NodePoolClaimed")
        world.delete("first")
        await world.run_until(lambda: world.status("second").get("replicas") == 20)
        assert [write.to for write in world.cloud_writes] == [10, 20]


async def test_an_absent_account_or_node_pool_is_told_and_harms_nobody_else(lab: LabThread) -> None:
    async with World(lab) as world:
        strangers = members("azure")
        strangers[0]["accountRef"] = {"name": "nobody"}
        missing = members("gcp")
        missing[0]["gke"]["nodePool"] = "nowhere"
        world.pool(replicas=20, members=[*members("aws"), *strangers, *missing])
        await world.run_until(lambda: world.status().get("replicas") == 20)
        assert world.member("azure")["reason"] == "AccountNotFound"
        assert world.member("gcp")["reason"] == "NodePoolNotFound"
        assert world.cloud_writes == [Write("aws", "shop-prod", "web", 20)]


async def test_unknown_members_let_others_grow_but_nobody_shrink(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(replicas=30, adoption="Apply")
        await world.run_until(lambda: world.status().get("replicas") == 30)
        secret = world.cluster.secrets.pop(("shop", "azure-keys"))
        world.cluster.secrets["shop", "azure-keys"] = {"clientSecret": b"wrong"}
        await world.run_until(lambda: world.condition("Observed")[0] == "False")
        writes = len(world.cloud_writes)
        world.edit(replicas=25)
        await world.run_for(minutes=20)
        assert len(world.cloud_writes) == writes, "the two that are seen do not carry 25 by themselves"
        world.edit(replicas=12)
        await world.run_for(minutes=20)
        assert world.member("aws")["readyNodes"] + world.member("gcp")["readyNodes"] >= 12
        writes = len(world.cloud_writes)
        world.edit(replicas=40)
        await world.run_until(lambda: len(world.cloud_writes) > writes)
        assert {write.cloud for write in world.cloud_writes[writes:]} <= {"aws", "gcp"}
        world.cluster.secrets["shop", "azure-keys"] = secret
        await world.run_until(lambda: world.condition("Observed")[0] == "True")


async def test_a_rotated_secret_shows_in_the_identity_within_a_minute(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(replicas=12)
        account = ObjectKey(kind=Kind.ACCOUNT, namespace="shop", name="aws")
        await world.run_until(lambda: "identity" in (world.cluster.objects[account].get("status") or {}))
        world.cluster.secrets["shop", "aws-keys"] = {"accessKeyId": b"AKIANEXT", "secretAccessKey": b"next"}
        await world.run_for(minutes=1)
        assert world.cluster.objects[account]["status"]["identity"].endswith("user/AKIANEXT")
