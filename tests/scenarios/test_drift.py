"""Stories of other people's hands: who scales at night and forgets, who takes nodes away, who brings them back again."""

from functools import partial
from typing import Any

import pytest

from multicloud_lab.core.hands import Hands
from multicloud_lab.thread import LabThread
from support.lab import lab
from support.world import SELDOM, World, Write, members

__all__ = ["lab"]

ACCEPT = "multicloud.dev/accept-drift"
CORRECT = "multicloud.dev/correct-drift"
CLOUDS = ("aws", "azure", "gcp")


def azure(*sizes: int) -> list[Write]:
    return [Write("azure", "shop-prod", "web", size) for size in sizes]


def sizes(world: World) -> dict[str, int]:
    return {cloud: world.member(cloud)["requestedNodes"] for cloud in CLOUDS}


async def settled_pool(world: World, **spec: Any) -> None:
    """Twelve units, four in each cloud as they were found: no write was needed."""
    world.pool(replicas=12, adoption="Apply", **spec)
    await world.run_until(lambda: world.status().get("replicas") == 12)
    assert world.cloud_writes == []


def say(world: World, annotation: str, member: str) -> dict[str, str]:
    said = {annotation: f"{member}@{world.clock.now().isoformat()}"}
    world.edit(annotations=said)
    return said


@pytest.mark.parametrize(
    ("drift", "meanwhile", "writes", "drifted"),
    [
        pytest.param({"surplus": "Hold", "holdSeconds": 3600}, 7, azure(4), ("False", "NothingHeld"), id="Hold"),
        pytest.param({"surplus": "Correct"}, 4, azure(4), ("False", "NothingHeld"), id="Correct"),
        pytest.param({"surplus": "Report"}, 7, [], ("True", "SurplusReported"), id="Report"),
    ],
)
async def test_somebody_scales_by_hand_at_night_and_forgets(
    lab: LabThread, drift: dict[str, Any], meanwhile: int, writes: list[Write], drifted: tuple[str, str]
) -> None:
    async with World(lab, observe=SELDOM) as world:
        await settled_pool(world, drift=drift)
        world.hand("azure", "shop-prod", "web", 7)
        await world.run_for(minutes=45)
        assert sizes(world) == {"aws": 4, "azure": meanwhile, "gcp": 4}
        await world.run_for(hours=8)
        assert world.cloud_writes == writes
        assert world.condition("Drifted") == drifted
        told = [str(note.reason.code) for note in world.cluster.events if note.action == "Drifted"]
        assert len(told) == (0 if drift["surplus"] == "Correct" else 2 if writes else 1)


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        pytest.param(ACCEPT, {"aws": 3, "azure": 7, "gcp": 2}, id="accepted: the others carry less"),
        pytest.param(CORRECT, {"aws": 4, "azure": 4, "gcp": 4}, id="corrected: they leave"),
    ],
)
async def test_in_the_morning_somebody_decides_and_git_repeats_it_for_ever(
    lab: LabThread, annotation: str, expected: dict[str, int]
) -> None:
    async with World(lab, observe=SELDOM) as world:
        await settled_pool(world, drift={"surplus": "Report"})
        world.hand("azure", "shop-prod", "web", 7)
        await world.run_until(lambda: world.condition("Drifted") == ("True", "SurplusReported"), minutes=20)
        await world.run_for(hours=8)
        said = say(world, annotation, "azure")
        await world.run_until(lambda: sizes(world) == expected, minutes=30)
        assert world.condition("Drifted") == ("False", "NothingHeld")
        writes = len(world.cloud_writes)

        await world.run_for(hours=24)
        world.hand("azure", "shop-prod", "web", 9)
        world.edit(annotations=said)
        await world.run_until(lambda: world.condition("Drifted") == ("True", "SurplusReported"), minutes=20)
        await world.crash()
        world.start()
        await world.run_for(hours=8)
        assert (len(world.cloud_writes), sizes(world)["azure"]) == (writes, 9), "a word of yesterday says nothing today"


async def test_an_accepted_size_ends_with_another_wish(lab: LabThread) -> None:
    async with World(lab) as world:
        await settled_pool(world, drift={"surplus": "Report"})
        world.hand("azure", "shop-prod", "web", 7)
        await world.run_until(lambda: world.condition("Drifted")[0] == "True", minutes=20)
        say(world, ACCEPT, "*")
        await world.run_until(lambda: sum(sizes(world).values()) == 12, minutes=30)
        await world.crash()
        world.start()
        await world.run_for(hours=2)
        assert (sizes(world)["azure"], world.member("azure")["reason"]) == (7, "DriftAccepted")
        world.edit(replicas=18)
        await world.run_until(lambda: sizes(world) == dict.fromkeys(CLOUDS, 6), minutes=60)


async def test_what_somebody_took_away_is_reported_and_filled_nowhere(lab: LabThread) -> None:
    async with World(lab) as world:
        await settled_pool(world, drift={"deficit": "Report"})
        world.hand("azure", "shop-prod", "web", 2)
        await world.run_for(hours=3)
        assert (world.cloud_writes, world.status()["replicas"]) == ([], 10)
        assert world.condition("Drifted") == ("True", "DeficitReported")
        assert (world.condition("Ready"), world.status()["limitedBy"]) == (
            ("False", "NotEnoughReady"),
            "DeficitReported",
        )
        world.edit(replicas=18)
        await world.run_until(lambda: sizes(world) == {"aws": 6, "azure": 4, "gcp": 6}, minutes=20)
        say(world, CORRECT, "azure")
        await world.run_until(lambda: world.status()["replicas"] == 18, minutes=20)
        assert world.condition("Drifted") == ("False", "NothingHeld")
        assert [write.to for write in world.cloud_writes if write.cloud == "azure"] == [4, 6]


async def test_the_minimum_is_brought_back_though_the_loss_is_reported(lab: LabThread) -> None:
    async with World(lab) as world:
        await settled_pool(world, minReplicas=11, drift={"deficit": "Report"})
        world.hand("azure", "shop-prod", "web", 1)
        await world.run_until(lambda: world.status()["replicas"] == 11, minutes=30)
        assert world.cloud_writes == azure(3)
        assert world.condition("Drifted") == ("True", "DeficitReported")


def corrected(world: World, times: int) -> bool:
    at_rest = world.member("azure")["intent"] is None and world.member("azure")["nodes"] == 4
    return at_rest and world.cloud_writes == azure(*[4] * times)


async def test_two_that_size_one_node_pool_fight_three_times_and_no_more_also_over_a_restart(lab: LabThread) -> None:
    async with World(lab) as world:
        await settled_pool(world, drift={"surplus": "Correct"})
        for times in (1, 2, 3):
            world.hand("azure", "shop-prod", "web", 6)
            await world.run_until(partial(corrected, world, times), minutes=20)
        await world.crash()
        world.start()
        world.hand("azure", "shop-prod", "web", 6)
        await world.run_until(lambda: world.condition("Drifted") == ("True", "CorrectionsSpent"), minutes=20)
        assert world.cloud_writes == azure(4, 4, 4)
        await world.run_until(lambda: world.cloud_writes == azure(4, 4, 4, 4), minutes=60)


def upgraded(cloud: str, cluster: str, hands: Hands) -> None:
    hands.upgrade(cloud, cluster, "web", seconds=1800)


async def test_an_upgrade_with_its_surge_is_no_drift_in_any_cloud(lab: LabThread) -> None:
    async with World(lab) as world:
        await settled_pool(world, drift={"surplus": "Correct", "deficit": "Report"})
        for cloud, cluster in (("aws", "shop-prod"), ("azure", "shop-prod"), ("gcp", "shop-batch")):
            lab.hands(partial(upgraded, cloud, cluster))
        await world.run_for(hours=3)
        assert world.cloud_writes == []
        assert [note for note in world.cluster.events if note.action == "Drifted"] == []


def autoscaled(size: int, hands: Hands) -> None:
    hands.autoscale("aws", "shop-prod", "web", size)


async def test_a_cluster_autoscaler_appears_on_eks(lab: LabThread) -> None:
    async with World(lab) as world:
        await settled_pool(world, drift={"surplus": "Hold", "holdSeconds": 600})
        lab.hands(partial(autoscaled, 5))
        await world.run_for(minutes=5)
        assert (world.condition("Drifted"), world.condition("ForeignScaler")[0]) == (("True", "SurplusHeld"), "False")
        lab.hands(partial(autoscaled, 7))
        await world.run_until(lambda: world.condition("ForeignScaler") == ("True", "ForeignScaler"), minutes=3)
        assert (world.member("aws")["reason"], world.member("aws")["state"]) == ("ForeignScaler", "Refused")

        for size in (6, 9, 8):
            lab.hands(partial(autoscaled, size))
            await world.run_for(hours=1)
        await world.crash()
        world.start()
        await world.run_for(minutes=30)
        assert {write.cloud for write in world.cloud_writes} == {"azure", "gcp"}, "it counts, and is never written to"
        assert world.condition("ForeignScaler")[0] == "True"
        assert sum(sizes(world).values()) == 12

        before = len(world.cloud_writes)
        world.edit(members=[{**each, **DETECT_OFF} if each["name"] == "aws" else each for each in members()])
        await world.run_until(lambda: sizes(world) == dict.fromkeys(CLOUDS, 4), minutes=60)
        assert {write.cloud for write in world.cloud_writes[before:]} == set(CLOUDS)
        assert world.condition("ForeignScaler")[0] == "False"


DETECT_OFF = {"providerAutoscaling": {"policy": "Refuse", "detect": "Off"}}
