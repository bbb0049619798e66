"""A cloud that answers garbage: its members are unknown, nothing is written to them, the others go on."""

from collections.abc import AsyncIterator

import pytest

from multicloud_lab.core.faultkinds import Answer
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.thread import LabThread
from support.lab import lab
from support.world import World

__all__ = ["lab"]

ABSURD = """<DescribeAutoScalingGroupsResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/">
<DescribeAutoScalingGroupsResult><AutoScalingGroups><member><AutoScalingGroupName>any</AutoScalingGroupName>
<DesiredCapacity>1000000000</DesiredCapacity><Instances></Instances></member></AutoScalingGroups>
</DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"""


@pytest.fixture
async def world(lab: LabThread) -> AsyncIterator[World]:
    async with World(lab) as running:
        yield running


async def test_sizes_that_cannot_be_stop_their_member_only(world: World) -> None:
    world.pool(replicas=12)
    await world.run_for(minutes=2)
    fault = world.lab.place(
        Fault(
            action=Answer(status=200, body=ABSURD, content_type="text/xml"),
            match=Match(operation="DescribeAutoScalingGroups"),
        )
    )
    await world.run_for(minutes=4)
    world.edit(replicas=20)
    await world.run_for(minutes=10)
    assert {write.cloud for write in world.cloud_writes} == {"azure", "gcp"}
    assert world.member("aws")["reason"] == "UnexpectedAnswer"
    assert world.condition("Observed")[0] == "False"
    assert world.member("aws")["requestedNodes"] == 4, "what was proved last is kept"
    world.lab.lift(fault)
    await world.run_for(minutes=10)
    assert world.condition("Observed")[0] == "True"
    assert world.member("aws")["reason"] != "UnexpectedAnswer"
