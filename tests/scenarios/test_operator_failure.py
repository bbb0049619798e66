"""What may happen to the operator itself, and to its objects under its hands: no resize comes of it, and none is lost.

Takeover, lost leases and swallowed events have their tests in tests/watch and tests/cluster/spine.
"""

import copy
from collections.abc import Iterator

import pytest

from multicloud.model.port import Rejected
from multicloud.model.ref import Kind, ObjectKey
from multicloud_lab.core.calls import When
from multicloud_lab.thread import LabThread
from support.samples import RESIZE
from support.world import CLOUDS, World, members

GROWN = sorted([("aws", "shop-prod", 10), ("azure", "shop-prod", 10), ("gcp", "shop-batch", 10)])
WEB = ObjectKey(kind=Kind.POOL, namespace="shop", name="web")
LOOKS_OUT_S = 20
"""The deadline of a call, and with it the time in which a lost request may still arrive."""


@pytest.fixture
def lab() -> Iterator[LabThread]:
    with LabThread() as running:
        yield running
        assert running.violations() == []


def resizes(world: World) -> list[tuple[str, str, int]]:
    return sorted((write.cloud, write.cluster, write.to) for write in world.cloud_writes)


def intends(world: World) -> bool:
    members = (world.cluster.objects[WEB].get("status") or {}).get("members", ())
    return any(member.get("intent") is not None for member in members)


def wipe(world: World) -> None:
    """`kubectl replace --subresource=status` with nothing in it."""
    body = world.cluster.objects[WEB]
    body.pop("status")
    body["metadata"]["resourceVersion"] = str(next(world.cluster.versions))
    world.operator.store.put(copy.deepcopy(body))


async def test_an_api_server_that_is_away_for_an_hour_costs_nothing_but_time(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(adoption="Apply", replicas=12)
        await world.run_until(lambda: world.status().get("replicas") == 12)
        world.edit(replicas=30)
        world.cluster.away = True
        await world.run_for(hours=1)
        assert resizes(world) == [], "what cannot be persisted is not sent"
        world.cluster.away = False
        await world.run_until(lambda: world.status().get("replicas") == 30)
        assert resizes(world) == GROWN


async def test_an_api_server_that_goes_away_in_the_middle_of_a_resize(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(adoption="Apply", replicas=30)
        await world.run_until(lambda: len(world.cloud_writes) == 3)
        world.cluster.away = True
        await world.run_for(hours=1)
        world.cluster.away = False
        await world.run_until(lambda: world.status().get("replicas") == 30 and not intends(world))
        assert resizes(world) == GROWN


@pytest.mark.parametrize("wish", [30, 6], ids=["growing", "shrinking"])
async def test_an_object_that_is_deleted_between_persist_and_send_is_not_sent_for(lab: LabThread, wish: int) -> None:
    async with World(lab) as world:
        world.pool(adoption="Apply", replicas=12)
        await world.run_until(lambda: world.status().get("replicas") == 12)

        async def delete(key: ObjectKey, when: When) -> Rejected | None:
            if when == "after" and key == WEB and intends(world):
                world.delete()
            return None

        world.cluster.meddle = delete
        world.edit(replicas=wish)
        await world.run_for(minutes=30)
        assert WEB not in world.cluster.objects
        assert resizes(world) == []


async def test_a_status_that_is_wiped_at_rest_is_written_again(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(adoption="Apply", replicas=12)
        await world.run_until(lambda: world.status().get("replicas") == 12)
        await world.run_for(minutes=20)
        shown = world.status()
        wipe(world)
        await world.run_for(seconds=5)
        assert world.status() == shown


@pytest.mark.parametrize("dies", [False, True], ids=["the process lives", "and then the process dies"])
async def test_a_status_that_is_wiped_in_the_middle_of_a_resize(lab: LabThread, dies: bool) -> None:
    async with World(lab) as world:
        world.pool(adoption="Apply", replicas=30)
        await world.run_until(lambda: len(world.cloud_writes) == 3)
        wipe(world)
        if dies:
            await world.crash()
            world.start()
        await world.run_until(lambda: world.status().get("replicas") == 30 and not intends(world))
        await world.run_for(hours=1)
        assert resizes(world) == GROWN


@pytest.mark.parametrize("ahead_s", [3600, -3600], ids=["an hour ahead", "an hour behind"])
@pytest.mark.parametrize("cloud", CLOUDS)
async def test_a_clock_that_goes_differently_on_the_next_machine_judges_nothing_early_and_nothing_late(
    lab: LabThread, cloud: str, ahead_s: float
) -> None:
    async with World(lab, clouds=[cloud]) as world:
        hold = lab.hold(RESIZE[cloud])
        world.pool(adoption="Apply", replicas=9, members=members(cloud))
        assert await world.crash_at(world.when_reached(hold), world.run_for(minutes=5))
        world.clock.step(ahead_s)
        world.start()
        await world.run_for(seconds=LOOKS_OUT_S - 2)
        assert world.cloud_writes == [], "the request may still arrive"
        assert intends(world)
        lab.release(hold, "drop")
        await world.run_until(lambda: world.status().get("replicas") == 9, minutes=10)
        assert [write.to for write in world.cloud_writes] == [9]
