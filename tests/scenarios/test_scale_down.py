"""Stories of nodes that go: kindly, in steps that wait for pods, inside windows, and slowly enough for a person to notice."""

from datetime import timedelta
from typing import Any

import pytest

from multicloud.model.member import Counted, Inside
from multicloud_lab.thread import LabThread
from support.lab import lab
from support.world import SELDOM, World, Write, members

__all__ = ["lab"]

AS_DOCUMENTED = {
    "maxUnavailablePercent": 10,
    "maxNodesPerStep": 20,
    "stepPauseSeconds": 300,
    "scaleDownDelaySeconds": 300,
    "voluntaryMoves": "Observed",
}
"""`disruption` of a pool that does not say it."""


def aws(to: int) -> Write:
    return Write("aws", "shop-prod", "web", to)


def azure(to: int) -> Write:
    return Write("azure", "shop-prod", "web", to)


def shows(nodes: int, unscheduled: int = 0) -> Inside:
    return Inside(counted=Counted(nodes=nodes, ready=nodes, unscheduled=unscheduled))


async def given_ten(world: World, **disruption: Any) -> None:
    """A pool of ten nodes in one cloud, at rest."""
    world.pool(replicas=10, minReplicas=0, adoption="Apply", members=members("aws"), disruption=disruption)
    await world.run_until(lambda: world.status().get("replicas") == 10)
    await world.run_for(minutes=5)
    assert world.cloud_writes == [aws(10)]


async def test_a_wish_for_the_minimum_by_mistake_at_noon_leaves_a_person_a_quarter_of_an_hour(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(replicas=60, adoption="Apply", disruption=AS_DOCUMENTED)
        await world.run_until(lambda: world.status().get("replicas") == 60)
        await world.run_for(minutes=10)
        grown = len(world.cloud_writes)

        world.edit(replicas=6)
        await world.run_for(minutes=5)
        assert (len(world.cloud_writes), world.status()["limitedBy"]) == (grown, "ScaleDownDelay")
        await world.run_for(minutes=10)
        # A step takes a tenth of the six that are wished for, rounded up, and rests for five minutes: two of sixty are gone.
        assert world.cloud_writes[grown:] == [aws(19), azure(19)]
        assert world.status()["replicas"] >= 58

        world.edit(replicas=60)
        await world.run_until(lambda: world.status()["replicas"] == 60)
        assert sorted(world.cloud_writes[grown + 2 :], key=lambda write: write.cloud) == [aws(20), azure(20)]


async def test_a_step_waits_for_the_pods_of_the_one_before(lab: LabThread) -> None:
    async with World(lab, looks_inside=True) as world:
        await given_ten(world, maxNodesPerStep=3, stepPauseSeconds=300)
        world.show("shop-prod", shows(10, unscheduled=1))
        world.edit(replicas=4)
        await world.run_until(lambda: world.cloud_writes[1:] == [aws(7)])
        assert world.member("aws")["removal"] == {"unscheduledPods": 1, "endedAt": None}

        world.show("shop-prod", shows(7, unscheduled=3))
        await world.run_for(minutes=10)
        assert world.cloud_writes[1:] == [aws(7)]
        assert (world.member("aws")["reason"], world.status()["limitedBy"]) == ("WaitingForPods", "WaitingForPods")

        await world.crash()
        world.start()
        world.show("shop-prod", shows(7, unscheduled=3))
        await world.run_for(minutes=1)
        assert (world.cloud_writes[1:], world.member("aws")["reason"]) == ([aws(7)], "WaitingForPods")

        assert world.eyes is not None
        world.eyes.shown["shop-prod", "web"] = shows(7, unscheduled=1)  # nobody is woken for pods
        await world.run_until(lambda: world.cloud_writes[1:] == [aws(7), aws(4)], minutes=1)


async def test_pods_that_never_find_a_node_hold_a_step_up_only_for_so_long(lab: LabThread) -> None:
    async with World(lab, looks_inside=True) as world:
        await given_ten(world, maxNodesPerStep=3)
        world.show("shop-prod", shows(10))
        world.edit(replicas=4)
        await world.run_until(lambda: world.cloud_writes[1:] == [aws(7)])
        world.show("shop-prod", shows(7, unscheduled=2))
        await world.run_until(lambda: world.member("aws")["removal"]["endedAt"] is not None)
        took_s = await world.run_until(lambda: world.cloud_writes[1:] == [aws(7), aws(4)])
        assert 890 <= took_s <= 905
        world.show("shop-prod", shows(4, unscheduled=2))
        await world.run_until(lambda: world.member("aws")["removal"] is None)


async def test_a_shrink_whose_window_closes_in_the_middle_goes_on_in_the_next_one(lab: LabThread) -> None:
    async with World(lab, observe=SELDOM) as world:
        opens = world.clock.now() + timedelta(minutes=30)
        window = {"schedule": f"{opens.minute} {opens.hour} * * *", "durationSeconds": 600, "allow": ["ScaleDown"]}
        await given_ten(world, maxNodesPerStep=1, stepPauseSeconds=180, windows=[window])
        world.edit(replicas=4)
        await world.run_for(seconds=(opens - world.clock.now()).total_seconds() - 60)
        assert (world.cloud_writes[1:], world.member("aws")["reason"]) == ([], "OutsideWindows")
        assert world.status()["limitedBy"] == "OutsideWindows"

        await world.run_for(minutes=12)
        inside = world.cloud_writes[1:]
        assert inside
        assert inside == [aws(9), aws(8), aws(7)][: len(inside)]
        await world.run_for(hours=23)
        assert (world.cloud_writes[1:], world.member("aws")["reason"]) == (inside, "OutsideWindows")

        await world.run_for(hours=25)
        assert [write.to for write in world.cloud_writes[1:]] == [9, 8, 7, 6, 5, 4]
        assert world.status()["replicas"] == 4


@pytest.mark.parametrize("older", [True, False], ids=["from a version without it", "to a version that lacks one"])
async def test_the_operator_is_upgraded_in_the_middle_of_a_shrink(lab: LabThread, *, older: bool) -> None:
    async with World(lab) as world:
        await given_ten(world, maxNodesPerStep=3, stepPauseSeconds=60)
        world.edit(replicas=4)
        await world.run_until(lambda: world.cloud_writes[1:] == [aws(7)])
        await world.crash()
        for member in world.status()["members"]:
            if older:
                del member["removal"]
            else:
                member["inventedLater"] = {"steps": [1, 2]}
        world.start()
        await world.run_until(lambda: world.status().get("replicas") == 4)
        assert world.cloud_writes == [aws(10), aws(7), aws(4)]
        assert "inventedLater" not in world.member("aws")


async def test_capacity_moves_from_one_cloud_to_another_make_before_break(lab: LabThread) -> None:
    async with World(lab) as world:
        weights = {"aws": 1, "azure": 0}
        both = [{**member, "weight": weights[member["name"]]} for member in members("aws", "azure")]
        limits = {"maxNodesPerStep": 3, "stepPauseSeconds": 60, "maxSurgePercent": 20, "voluntaryMoves": "Always"}
        world.pool(replicas=10, minReplicas=8, maxReplicas=10, adoption="Apply", members=both, disruption=limits)
        await world.run_until(lambda: world.status().get("replicas") == 10 and world.member("azure")["nodes"] == 0)
        settled = len(world.cloud_writes)

        moved = [{**member, "weight": 1 - member["weight"]} for member in both]
        world.edit(members=moved)
        least = 10
        while world.member("aws")["requestedNodes"] or world.member("azure")["readyNodes"] < 10:
            await world.run_for(seconds=5)
            least = min(least, world.status()["replicas"])
            assert sum(member["requestedNodes"] or 0 for member in world.status()["members"]) <= 12
        assert least == 10
        assert world.cloud_writes[settled:] == [
            write for step in range(1, 6) for write in (azure(2 * step), aws(10 - 2 * step))
        ]
        assert world.status()["standingInReplicas"] is None
