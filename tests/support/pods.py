"""Builders of pods that wait and of the node pools that might take them."""

from typing import Any

from multicloud.model.member import Resources
from multicloud.model.pods import Candidate, ClusterPods, NodeShape, PodGroup, PodShape, Room, Rooms
from multicloud.model.ref import Cloud, ClusterRef

GI = 1024**3
SHAPE = NodeShape(
    offers=Resources(cpu_m=4000, memory=16 * GI, pods=10),
    own=Resources(cpu_m=200, memory=GI, pods=2),
    labels={"pool": "web"},
)
"""A node of 4 cores with 3.8 cores, 15 GiB and eight pods left once its DaemonSets took theirs."""


def asks(cpu_m: int = 1000, memory: int = 0) -> Resources:
    """What one pod requests."""
    return Resources(cpu_m=cpu_m, memory=memory, pods=1)


def group(pods: int, cpu_m: int = 1000, memory: int = 0, **shape: Any) -> PodGroup:
    """So many equal pods."""
    return PodGroup(shape=PodShape(asks=asks(cpu_m, memory), **shape), pods=pods)


def room(cpu_m: int, *, pods: int = 8, empty: bool = False, ready: bool = True) -> Room:
    """A node with that much left."""
    return Room(free=Resources(cpu_m=cpu_m, memory=15 * GI, pods=pods), empty=empty, ready=ready)


def candidate(
    member: str = "web",
    nodes: int = 0,
    *,
    most: int = 100,
    shape: NodeShape | None = SHAPE,
    rooms: tuple[Room, ...] = (),
    loads: tuple[Resources, ...] = (),
    **fields: Any,
) -> Candidate:
    """A member with so many nodes, full unless it has rooms."""
    inside = Rooms(nodes=nodes, shape=shape, rooms=rooms, loads=loads)
    named = {"node_pool": member or "theirs", "requested": nodes, **fields}
    return Candidate(member=member, rooms=inside, most=most, **named)


def waiting(*groups: PodGroup, to: tuple[Candidate, ...], name: str = "shop", more: bool = False) -> ClusterPods:
    """What waits in a cluster."""
    return ClusterPods(cluster=ClusterRef(cloud=Cloud.AZURE, name=name), groups=groups, more=more, candidates=to)
