"""Stories of whose a node pool is: taken over, deleted and applied again, renamed, moved, wanted by two, made anew."""

import copy
from functools import partial
from typing import Any

import pytest

from multicloud_lab.core.hands import Hands
from multicloud_lab.thread import LabThread
from support.lab import lab
from support.world import SELDOM, World, Write, account_bodies, members, secrets_for

__all__ = ["lab"]

CLOUDS = ("aws", "azure", "gcp")
KEPT = {"name", "namespace", "annotations"}


def floors(world: World, name: str = "web") -> list[int | None]:
    return [member["adoptionFloor"] for member in world.status(name)["members"]]


def body_of(world: World, name: str = "web") -> dict[str, Any]:
    """What stands in Git: the object without what the API server and the operator wrote."""
    found = next(body for key, body in world.cluster.objects.items() if key.name == name and "members" in body["spec"])
    body = copy.deepcopy(found)
    body.pop("status", None)
    body["metadata"] = {field: body["metadata"][field] for field in body["metadata"] if field in KEPT}
    return body


async def test_a_first_apply_over_running_nodes_with_replicas_too_small_removes_none(lab: LabThread) -> None:
    async with World(lab, observe=SELDOM) as world:
        world.pool(replicas=3, minReplicas=1)
        await world.run_for(hours=24)
        assert world.cloud_writes == []
        assert (floors(world), world.status()["replicas"]) == ([4, 4, 4], 12)
        assert world.condition("AdoptionPending") == ("True", "AdoptionFloor")
        assert (world.condition("Ready")[0], world.status()["limitedBy"]) == ("True", "AdoptionFloor")

        world.edit(annotations={"multicloud.dev/adopt": "azure"})
        await world.run_until(lambda: world.member("azure")["readyNodes"] == 0, minutes=30)
        assert world.cloud_writes == [Write("azure", "shop-prod", "web", 0)]


async def test_a_pool_that_is_deleted_and_applied_again_by_git_removes_no_node(lab: LabThread) -> None:
    async with World(lab, observe=SELDOM) as world:
        world.pool(replicas=6, minReplicas=3)
        await world.run_for(minutes=5)
        git = body_of(world)
        world.delete()
        await world.run_for(minutes=5)
        world.apply(git)
        await world.run_for(hours=24)
        assert world.cloud_writes == []
        assert floors(world) == [4, 4, 4]


async def test_consent_that_stands_in_git_counts_for_the_pool_that_is_applied_again(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(replicas=12, minReplicas=3)
        world.edit(annotations={"multicloud.dev/adopt": "*"})
        await world.run_for(minutes=5)
        git = body_of(world)
        world.delete()
        world.hand("azure", "shop-prod", "web", 6)
        world.apply(git)
        await world.run_for(minutes=30)
        assert world.cloud_writes == [Write("azure", "shop-prod", "web", 4)], "what was consented to, not more"


async def test_a_renamed_pool_takes_over_what_it_finds_and_removes_nothing(lab: LabThread) -> None:
    async with World(lab, observe=SELDOM) as world:
        world.pool("old", replicas=6, minReplicas=3)
        await world.run_for(minutes=5)
        git = body_of(world, "old")
        git["metadata"]["name"] = "new"
        world.apply(git)
        await world.run_for(minutes=10)
        assert world.condition("MembersHealthy", "new") == ("False", "NodePoolClaimed")
        world.delete("old")
        await world.run_for(hours=24)
        assert world.cloud_writes == []
        assert (floors(world, "new"), world.condition("MembersHealthy", "new")[0]) == ([4, 4, 4], "True")


async def test_two_members_swap_their_names_and_each_is_the_others_node_pool(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(replicas=8, adoption="Apply", members=members("aws", "azure"))
        await world.run_until(lambda: world.status().get("replicas") == 8)
        named = {"aws": "azure", "azure": "aws"}
        swapped = [{**member, "name": named[member["name"]]} for member in members("aws", "azure")]
        world.edit(members=swapped)
        await world.run_for(minutes=5)
        assert world.condition("MembersHealthy")[0] == "True"
        assert {entry["name"]: entry["cloud"] for entry in world.status()["members"]} == named
        assert world.cloud_writes == []


@pytest.mark.parametrize("first", ["giver", "taker"], ids=["taken out first", "put in first"])
async def test_a_member_moves_from_one_pool_to_another_with_its_nodes(lab: LabThread, first: str) -> None:
    async with World(lab) as world:
        world.pool("giver", replicas=8, minReplicas=1, members=members("aws", "gcp"))
        world.pool("taker", replicas=1, minReplicas=1, members=members("azure"))
        await world.run_for(minutes=5)
        steps = {
            "giver": partial(world.edit, "giver", replicas=4, members=members("aws")),
            "taker": partial(world.edit, "taker", members=members("azure", "gcp")),
        }
        for name in sorted(steps, key=lambda one: one != first):
            steps[name]()
            await world.run_for(minutes=10)
        await world.run_for(hours=2)
        assert world.cloud_writes == []
        assert floors(world, "taker") == [4, 4]
        assert [left["name"] for left in world.status("giver")["releasedMembers"]] == ["gcp"]


async def test_a_member_moves_to_another_account_and_is_taken_over_anew(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(replicas=6, minReplicas=3)
        await world.run_for(minutes=5)
        given = lab.document["credentials"]
        world.cluster.secrets["shop", "other-keys"] = secrets_for(given)["shop", "aws-keys"]
        other = copy.deepcopy(account_bodies(given)[0])
        other["metadata"]["name"] = "other"
        other["spec"]["credentials"]["secretRef"]["name"] = "other-keys"
        world.apply(other)
        moved = [{**each, "accountRef": {"name": "other"}} if each["name"] == "aws" else each for each in members()]
        world.edit(members=moved)
        await world.run_for(hours=2)
        assert world.cloud_writes == []
        assert (floors(world), world.condition("MembersHealthy")[0]) == ([4, 4, 4], "True")


async def test_two_teams_that_claim_one_node_pool_never_both_write_and_learn_nothing_of_each_other(
    lab: LabThread,
) -> None:
    async with World(lab, observe=SELDOM) as world:
        given = lab.document["credentials"]
        world.cluster.secrets.update(secrets_for(given, "rivals"))
        for account in account_bodies(given, "rivals"):
            world.apply(account)
        world.pool(replicas=12, adoption="Apply", members=members("azure"))
        await world.run_until(lambda: world.status().get("replicas") == 12)
        world.pool("rivals/web", replicas=2, adoption="Apply", minReplicas=1, members=members("azure"))
        await world.run_for(hours=24)
        assert world.cloud_writes == [Write("azure", "shop-prod", "web", 12)]
        assert world.condition("MembersHealthy", "rivals/web") == ("False", "NodePoolClaimed")
        assert "shop" not in world.status("rivals/web")["members"][0]["message"].replace("shop-prod", "")

        await world.crash()
        world.start()
        await world.run_for(hours=1)
        assert world.cloud_writes == [Write("azure", "shop-prod", "web", 12)], "the first claim outlives a restart"
        world.delete()
        await world.run_until(lambda: world.status("rivals/web").get("replicas") == 2, minutes=90)
        assert {write.cloud for write in world.cloud_writes} == {"azure"}


def made_anew(cloud: str, cluster: str, hands: Hands) -> None:
    hands.recreate(cloud, cluster)


@pytest.mark.parametrize("cloud", CLOUDS)
async def test_a_cluster_that_is_deleted_and_made_again_under_its_name_is_another_one(
    lab: LabThread, cloud: str
) -> None:
    cluster = "shop-batch" if cloud == "gcp" else "shop-prod"
    async with World(lab) as world:
        world.pool(replicas=9, minReplicas=1, members=members(cloud))
        await world.run_until(lambda: world.status().get("replicas") == 9)
        world.edit(replicas=1)
        before = list(world.cloud_writes)
        lab.hands(lambda hands: hands.delete(cloud, cluster))
        await world.run_for(minutes=30)
        assert (world.member(cloud)["reason"], world.cloud_writes) == ("NotFound", before)
        lab.hands(partial(made_anew, cloud, cluster))
        await world.run_for(hours=2)
        after = world.cloud_writes[len(before) :]
        found = world.member(cloud)["adoptionFloor"]
        assert found is not None
        assert world.member(cloud)["requestedNodes"] == found
        assert [write.to for write in after if write.to < found] == []
        assert world.condition("AdoptionPending") == ("True", "AdoptionFloor")
