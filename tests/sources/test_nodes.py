"""What the nodes of a pool carry, summed over members or told by the fullest cluster."""

from collections.abc import Sequence
from typing import Any

import pytest

from multicloud.model.error import NoSample
from multicloud.model.member import Load, MemberLoad, Resources
from multicloud.model.metric import Asker
from multicloud.model.policy import ResourceName, ResourceUse, Scope, Used
from multicloud.model.reason import Code
from multicloud.model.ref import Cloud, ClusterRef, Kind, ObjectKey
from multicloud.sources.nodes import Nodes
from support.clock import VirtualClock

WEB = ObjectKey(kind=Kind.POOL, namespace="shop", name="web")
CPU = ResourceUse(name=ResourceName.CPU)
WORST = ResourceUse(name=ResourceName.CPU, scope=Scope.WORST_CLUSTER)


def load(asked: int, offered: int, *, nodes: int = 2, unready: int = 0) -> Load:
    """`nodes` ready ones; each that is not ready offers 1000."""
    return Load(
        ready=nodes,
        asked=Resources(cpu_m=asked, memory=asked * 2),
        offered=Resources(cpu_m=offered, memory=offered * 3),
        unready=unready,
        unready_offered=Resources(cpu_m=1000 * unready),
    )


def member(name: str, found: Load | None, *, units: int = 1, cluster: str = "", ready_units: int = 0) -> MemberLoad:
    ref = ClusterRef(cloud=Cloud.AWS, name=cluster or name)
    return MemberLoad(member=name, cluster=ref, units_per_node=units, ready_units=ready_units, load=found)


async def used(members: Sequence[MemberLoad], source: ResourceUse = CPU) -> Any:
    nodes = Nodes(lambda pool: members if pool == WEB else (), VirtualClock())
    return (await nodes.read(Asker(namespace="shop", pool=WEB), source)).found


async def test_the_pool_is_the_sum_of_its_members() -> None:
    members = [member("a", load(500, 2000)), member("b", load(900, 1000, nodes=1), units=4)]
    assert await used(members) == Used(used=1400, total=3000, units=6)
    memory = ResourceUse(name=ResourceName.MEMORY)
    assert await used(members, memory) == Used(used=2800, total=9000, units=6)


async def test_nodes_that_are_not_ready_are_told_apart() -> None:
    found = await used([member("a", load(500, 2000, unready=3), units=2)])
    assert found == Used(used=500, total=2000, units=4, unready_total=3000, unready_units=6)


async def test_a_member_that_nobody_shows_is_missing_with_what_the_others_offer() -> None:
    found = await used([member("a", load(500, 2000)), member("b", None, ready_units=5)])
    assert found == Used(used=500, total=2000, units=2, missing_total=5000, missing_units=5)


async def test_the_fullest_cluster_speaks_for_every_unit() -> None:
    members = [
        member("a", load(200, 2000), cluster="empty"),
        member("b", load(900, 1000, nodes=1), cluster="full"),
        member("c", load(100, 1000, nodes=1), cluster="full"),
    ]
    assert await used(members, WORST) == Used(used=2000, total=4000, units=4)  # half full, as two of the units are


@pytest.mark.parametrize(
    ("members", "code"),
    [
        pytest.param([], Code.NO_CLUSTER_ACCESS, id="no member"),
        pytest.param([member("a", None, ready_units=4)], Code.NO_CLUSTER_ACCESS, id="nobody shows anything"),
        pytest.param([member("a", load(0, 0, nodes=0, unready=2))], Code.METRIC_EMPTY, id="no node is ready"),
    ],
)
@pytest.mark.parametrize("source", [CPU, WORST])
async def test_what_cannot_be_seen_is_no_zero(members: Sequence[MemberLoad], code: Code, source: ResourceUse) -> None:
    with pytest.raises(NoSample) as caught:
        await used(members, source)
    assert caught.value.reason.code is code
