"""A request that is held up on its way, by the network or in a frozen process, arrives when nobody counts on it any more.

No lease and no deadline recalls it. So it is seen, counted, taken for ours and corrected by the very next decision.
"""

import pytest

from multicloud_lab.thread import LabThread
from support.lab import lab
from support.samples import RESIZE
from support.world import World, Write, members

__all__ = ["lab"]

CLUSTER = {"aws": "shop-prod", "azure": "shop-prod", "gcp": "shop-batch"}
FOUND, WISHED, SMALLER = 4, 9, 6


def sizes(world: World) -> list[int]:
    return [write.to for write in world.cloud_writes]


async def overtaken(world: World, cloud: str) -> str:
    """A process dies while its resize is on the way; the next one wants less, and gets it. Returns the hold."""
    hold = world.lab.hold(RESIZE[cloud])
    world.pool(replicas=WISHED, adoption="Apply", members=members(cloud), drift={"surplus": "Hold"})
    assert await world.crash_at(world.when_reached(hold), world.run_for(minutes=5))
    world.start()
    world.edit(replicas=SMALLER)
    await world.run_until(lambda: world.status().get("replicas") == SMALLER and world.member(cloud)["intent"] is None)
    assert world.cloud_writes == [Write(cloud, CLUSTER[cloud], "web", SMALLER)]
    return hold


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
async def test_it_is_counted_and_corrected_by_the_next_decision(lab: LabThread, cloud: str) -> None:
    async with World(lab, clouds=[cloud]) as world:
        hold = await overtaken(world, cloud)
        lab.release(hold)
        await world.run_until(lambda: sizes(world)[1:] == [WISHED, SMALLER], minutes=10)
        await world.run_until(lambda: world.status().get("replicas") == SMALLER, minutes=10)
        assert world.operator.registry.get_sample_value("multicloud_late_resizes_total") == 1
        assert "ArrivedLate" in {str(note.reason.code) for note in world.cluster.events}
        await world.run_for(hours=2)
        assert sizes(world) == [SMALLER, WISHED, SMALLER]
        assert world.condition("Drifted")[0] == "False"


async def test_where_the_cloud_compares_before_it_sets_it_does_nothing(lab: LabThread) -> None:
    async with World(lab, clouds=["azure"]) as world:
        hold = await overtaken(world, "azure")
        lab.release(hold)
        await world.run_for(hours=2)
        assert sizes(world) == [SMALLER]
