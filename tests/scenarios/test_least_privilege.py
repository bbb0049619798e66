"""The whole operator with exactly the permissions that its policies name: nothing that it does is refused."""

from collections.abc import AsyncIterator

import pytest

from multicloud_lab.thread import LabThread
from support.clouds import GROUNDS
from support.lab import lab
from support.world import World

__all__ = ["lab"]

REFUSALS = {"AccessDeniedException", "AccessDenied", "AuthorizationFailed", "PERMISSION_DENIED"}


@pytest.fixture
async def world(lab: LabThread) -> AsyncIterator[World]:
    for ground in GROUNDS:
        ground.give_policy(lab)
    async with World(lab) as made:
        yield made


async def test_growing_and_shrinking_three_clouds_takes_no_more_than_the_policies(lab: LabThread, world: World) -> None:
    world.pool(replicas=30, adoption="Apply")
    await world.run_until(lambda: world.status().get("replicas") == 30)
    world.edit(replicas=12)
    await world.run_until(lambda: world.status().get("replicas") == 12)
    await world.run_for(minutes=20)
    writes = {ground.write for ground in GROUNDS}
    resized = {entry["cloud"] for entry in lab.journal() if entry["effective"] and entry["operation"] in writes}
    assert resized == {"aws", "azure", "gcp"}
    assert [entry for entry in lab.journal() if entry["result"] in REFUSALS] == []
