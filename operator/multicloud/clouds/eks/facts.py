"""A node group and its Auto Scaling groups as AWS tells them, turned into a NodePool. Pure: `pools` reads, this judges.

requested is DesiredCapacity, nodes are the instances that are not on their way out, ready those InService and Healthy:
scalingConfig.desiredSize may lag behind what others did to the Auto Scaling group.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from multicloud.clouds.answers import NEW_STATUS, nodes_told
from multicloud.clouds.eks.errors import lack, tidy
from multicloud.model.error import Unavailable
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import ClusterRef, NodePoolRef
from multicloud.model.size import Activity, CapacityType, NodePool, ReadySource

ACTIVITY: Mapping[str, Activity] = {
    "CREATING": Activity.BUSY,
    "UPDATING": Activity.BUSY,
    "ACTIVE": Activity.IDLE,
    "DEGRADED": Activity.SICK,
    "CREATE_FAILED": Activity.SICK,
    "DELETING": Activity.LEAVING,
    "DELETE_FAILED": Activity.LEAVING,
}
"""By nodegroup.status, all values of botocore's model. What is not here counts as an operation of somebody's."""

CAPACITY: Mapping[str, CapacityType] = {
    "ON_DEMAND": CapacityType.ON_DEMAND,
    "CAPACITY_BLOCK": CapacityType.ON_DEMAND,  # reserved for a time: nobody takes it back at will
    "SPOT": CapacityType.SPOT,
}
"""By nodegroup.capacityType, all values of botocore's model; another one tells nothing."""

_LEAVING = ("Terminat", "Detach", "Warmed:")
"""Beginnings of LifecycleState for instances that are, or soon will be, no node: going, given away, in reserve."""

_ARN = re.compile(
    r"arn:[a-z0-9-]+:eks:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):nodegroup/"
    r"(?P<cluster>[^/]+)/(?P<group>[^/]+)/(?P<id>[^/]+)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A node group as EKS tells it. `groups` are the names of its Auto Scaling groups, none while it is being made."""

    name: str
    arn: str
    status: str
    minimum: int
    maximum: int
    wished: int
    capacity: CapacityType | None
    groups: tuple[str, ...]
    trouble: tuple[tuple[str, str], ...]

    @property
    def activity(self) -> Activity:
        """What EKS is doing with it; a status that AWS adds one day counts as an operation."""
        return ACTIVITY.get(self.status, Activity.BUSY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """An Auto Scaling group's instances: wanted, there and staying, InService and Healthy."""

    requested: int
    nodes: int
    ready: int


def description_of(told: Mapping[str, Any]) -> Description:
    """Read DescribeNodegroup's answer. Raises what `answers.GARBAGE` names for one that is none."""
    scaling = told["scalingConfig"]
    groups = (told.get("resources") or {}).get("autoScalingGroups") or []
    issues = (told.get("health") or {}).get("issues") or []
    return Description(
        name=str(told["nodegroupName"]),
        arn=str(told["nodegroupArn"]),
        status=str(told["status"]),
        minimum=nodes_told(scaling["minSize"]),
        maximum=nodes_told(scaling["maxSize"]),
        wished=nodes_told(scaling["desiredSize"]),
        capacity=CAPACITY.get(str(told.get("capacityType"))),
        groups=tuple(str(group["name"]) for group in groups),
        trouble=tuple((str(issue.get("code", "")), str(issue.get("message", ""))) for issue in issues),
    )


def size_of(told: Mapping[str, Any]) -> Size:
    """Count an Auto Scaling group's instances. Raises what `answers.GARBAGE` names for an answer that is none."""
    staying = [each for each in told["Instances"] if not str(each["LifecycleState"]).startswith(_LEAVING)]
    ready = [each for each in staying if (each["LifecycleState"], each["HealthStatus"]) == ("InService", "Healthy")]
    return Size(requested=nodes_told(told["DesiredCapacity"]), nodes=len(staying), ready=len(ready))


def node_pool(cluster: ClusterRef, described: Description, sizes: Mapping[str, Size]) -> NodePool:
    """Put a description and sizes together. Raises Unavailable where sizes are missing: unknown is never zero."""
    arn = _ARN.fullmatch(described.arn)
    if arn is None:
        text = f"node group {cluster}/{described.name}: {described.arn!r} is not the ARN of a node group"
        raise Unavailable(Reason(code=Code.UNEXPECTED, text=text))
    size = _size(cluster, described, sizes)
    return NodePool(
        ref=NodePoolRef(cluster=cluster, name=described.name),
        claim=f"aws/{arn['account']}/{arn['region']}/{arn['cluster']}/{arn['group']}",
        incarnation=arn["id"],
        requested=size.requested,
        nodes=size.nodes,
        ready=size.ready,
        ready_source=ReadySource.CLOUD,
        cloud_min=described.minimum,
        cloud_max=described.maximum,
        capacity_type=described.capacity,
        groups=described.groups,
        activity=described.activity,
        words=_words(described),
    )


def _size(cluster: ClusterRef, described: Description, sizes: Mapping[str, Size]) -> Size:
    if described.groups and all(name in sizes for name in described.groups):
        found = [sizes[name] for name in described.groups]
        return Size(
            requested=sum(size.requested for size in found),
            nodes=sum(size.nodes for size in found),
            ready=sum(size.ready for size in found),
        )
    # Without its Auto Scaling group a node group has no instances: while it is made or deleted, or if EKS says so.
    gone = any(code == "AutoScalingGroupNotFound" for code, _ in described.trouble)
    if described.status in {"CREATING", "CREATE_FAILED", "DELETING", "DELETE_FAILED"} or gone:
        return Size(requested=described.wished, nodes=0, ready=0)
    text = f"node group {cluster}/{described.name}: Auto Scaling shows no size of its group"
    raise Unavailable(Reason(code=Code.UNEXPECTED, text=text))


def _words(described: Description) -> str:
    """AWS's status with the first trouble it tells; a status unknown to us is said as such."""
    known = described.status if described.status in ACTIVITY else f"{described.status} {NEW_STATUS}"
    if not described.trouble:
        return known
    codes: Sequence[str] = [code for code, _ in described.trouble]
    code, message = described.trouble[0]
    return tidy(f"{known}: {lack(codes, message)}{code}: {message}")
