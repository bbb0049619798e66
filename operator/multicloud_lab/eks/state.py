"""What the EKS engine remembers: clusters, node groups, updates, Auto Scaling groups, remembered tokens."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

from multicloud_lab.core.clock import Timer
from multicloud_lab.core.nodes import NodeSet, NodeState
from multicloud_lab.eks.subnets import Subnets

NodegroupStatus = Literal["CREATING", "ACTIVE", "UPDATING", "DELETING", "CREATE_FAILED", "DELETE_FAILED", "DEGRADED"]
ClusterStatus = Literal["CREATING", "ACTIVE", "DELETING", "FAILED"]
UpdateStatus = Literal["InProgress", "Failed", "Cancelled", "Successful"]
UpdateType = Literal["ConfigUpdate", "VersionUpdate"]
ActivityStatus = Literal["PreInService", "InProgress", "Successful", "Failed", "Cancelled"]

KEPT_ACTIVITIES = 200
"""Scaling activities that a group remembers (AWS keeps six weeks of them)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls, and where: the principal's name and ARN, its account, the region of the request's scope."""

    name: str
    access_key_id: str
    account: str
    region: str
    arn: str
    user_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """A scalingConfig: nodes."""

    min: int
    max: int
    desired: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """A health issue of a node group, or an error of an update: code, sentence, what it is about."""

    code: str
    message: str
    resource_ids: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True, eq=False)
class Update:
    """One update of one node group; `params` as DescribeUpdate shows them (type, value).

    `ends` is when it is to end (virtual epoch seconds), None when it was made to be stuck; a `forgotten` one is
    not found any more.
    """

    id: str
    created: float
    params: tuple[tuple[str, str], ...]
    type: UpdateType = "ConfigUpdate"
    status: UpdateStatus = "InProgress"
    errors: tuple[Issue, ...] = ()
    ends: float | None = None
    forgotten: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class Activity:
    """One scaling activity: an instance launched or terminated, or a launch that failed."""

    id: str
    description: str
    cause: str
    start: float
    zone: str
    status: ActivityStatus
    node: str | None = None
    end: float | None = None
    message: str | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class AutoScalingGroup:
    """The group of instances behind a node group: the truth about sizes."""

    name: str
    arn: str
    created: float
    min: int
    max: int
    zones: tuple[str, ...]
    instance_type: str
    tags: dict[str, str]
    nodes: NodeSet
    subnets: Subnets
    activities: deque[Activity] = field(default_factory=lambda: deque(maxlen=KEPT_ACTIVITIES))
    activities_ever: int = 0
    seen: dict[str, NodeState] = field(default_factory=dict)

    @property
    def desired(self) -> int:
        """DesiredCapacity, in instances: an upgrade's surge is part of it."""
        return self.nodes.target + self.nodes.surge

    @property
    def shown_max(self) -> int:
        """MaxSize: an upgrade's surge raises it."""
        return self.max + self.nodes.surge


@dataclass(frozen=True, slots=True, kw_only=True)
class NodegroupSpec:
    """What a node group is made from, by a seed, a request, or a group that was there before."""

    name: str
    scaling: Scaling
    instance_types: tuple[str, ...]
    capacity_type: str
    zones: tuple[str, ...]
    subnets: tuple[str, ...]
    node_role: str
    version: str
    release_version: str
    ami_type: str = "AL2023_x86_64_STANDARD"
    disk_size: int = 20
    labels: dict[str, str] = field(default_factory=dict)
    taints: tuple[dict[str, str], ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class Nodegroup:
    """One managed node group.

    `scaling` is what DescribeNodegroup shows: it moves when EKS accepts an update, and follows what
    others do to the Auto Scaling group late. `wished` is the size that was asked for last, by anyone.
    `ends` is when a creation or deletion is to end (None: nothing runs, or it is stuck).
    """

    spec: NodegroupSpec
    arn: str
    created: float
    modified: float
    version: str
    release_version: str
    scaling: Scaling
    wished: int
    group: AutoScalingGroup
    status: NodegroupStatus = "ACTIVE"
    issues: list[Issue] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    taints: list[dict[str, str]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    updates: dict[str, Update] = field(default_factory=dict)
    ends: float | None = None
    stuck: bool = False
    timers: list[Timer] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The node group's name."""
        return self.spec.name


@dataclass(slots=True, kw_only=True, eq=False)
class Cluster:
    """One cluster of one account and region; `settings` are the blocks of CreateCluster that it shows again."""

    name: str
    account: str
    region: str
    arn: str
    created: float
    version: str
    endpoint_id: str
    role_arn: str
    status: ClusterStatus = "ACTIVE"
    subnets: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    nodegroups: dict[str, Nodegroup] = field(default_factory=dict)
    timers: list[Timer] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedToken:
    """A clientRequestToken that was accepted: what it asked for, and what that made."""

    time: float
    request: str
    made: Update | Nodegroup | Cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an accepted change did, for the journal: wished sizes before and after (None: no resize)."""

    made: Update | Nodegroup | Cluster | None = None
    effective: bool = True
    from_: int | None = None
    to: int | None = None
