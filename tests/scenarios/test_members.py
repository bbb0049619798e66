"""Members are drained, removed and renamed: nodes go only where somebody asked for it."""

from collections.abc import Iterator

import pytest

from multicloud.model.reason import Code
from multicloud_lab.thread import LabThread
from support.world import SELDOM, World, members


@pytest.fixture
def lab() -> Iterator[LabThread]:
    with LabThread() as running:
        yield running


async def test_a_member_is_drained_and_then_removed(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(replicas=12, adoption="Apply")
        await world.run_until(lambda: world.status().get("replicas") == 12)
        drained = [{**member, "state": "Drain"} if member["name"] == "gcp" else member for member in members()]
        world.edit(members=drained)
        await world.run_until(lambda: world.member("gcp")["readyNodes"] == 0)
        assert {(write.cloud, write.to) for write in world.cloud_writes[:2]} == {("aws", 6), ("azure", 6)}
        leaving = world.cloud_writes[2:]
        assert {write.cloud for write in leaving} == {"gcp"}
        assert [write.to for write in leaving] == sorted((write.to for write in leaving), reverse=True)
        world.edit(members=members("aws", "azure"))
        await world.run_for(minutes=10)
        assert world.cloud_writes[2:] == leaving
        assert world.status()["releasedMembers"][0]["nodes"] == 0


async def test_a_removed_member_runs_on_and_is_named_for_a_day(lab: LabThread) -> None:
    async with World(lab, observe=SELDOM) as world:
        world.pool(replicas=12, adoption="Apply")
        await world.run_until(lambda: world.status().get("replicas") == 12)
        world.edit(members=members("aws", "azure"))
        await world.run_until(lambda: len(world.cloud_writes) == 2)
        assert {(write.cloud, write.to) for write in world.cloud_writes} == {("aws", 6), ("azure", 6)}
        [left] = world.status()["releasedMembers"]
        assert (left["name"], left["nodes"]) == ("gcp", 4)
        assert [note.reason.code for note in world.cluster.events].count(Code.MEMBER_RELEASED) == 1
        await world.run_for(hours=25)
        assert world.status()["releasedMembers"] == []
        assert len(world.cloud_writes) == 2


async def test_a_renamed_member_adopts_again(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(replicas=6, minReplicas=3)
        await world.run_for(minutes=5)
        renamed = [{**member, "name": f"new-{member['name']}"} for member in members()]
        world.edit(members=renamed)
        await world.run_for(minutes=30)
        assert world.cloud_writes == []
        assert [member["adoptionFloor"] for member in world.status()["members"]] == [4, 4, 4]
        assert len(world.status()["releasedMembers"]) == 3
