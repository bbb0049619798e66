"""What the EKS engine remembers: clusters, node groups, updates, remembered tokens."""

from dataclasses import dataclass, field
from typing import Any, Literal

from multicloud_lab.core.nodes import NodeSet

NodegroupStatus = Literal["ACTIVE", "UPDATING"]
UpdateStatus = Literal["InProgress", "Successful"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls, and where: the access key's principal, its account, the region of the request's scope."""

    name: str
    access_key_id: str
    account: str
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """A scalingConfig: nodes."""

    min: int
    max: int
    desired: int


@dataclass(slots=True, kw_only=True, eq=False)
class Update:
    """One update of one node group; `params` as DescribeUpdate shows them (type, value)."""

    id: str
    created: float
    params: tuple[tuple[str, str], ...]
    status: UpdateStatus = "InProgress"


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

    @property
    def desired(self) -> int:
        """DesiredCapacity, in instances."""
        return self.nodes.target


@dataclass(slots=True, kw_only=True, eq=False)
class Nodegroup:
    """One managed node group.

    `scaling` is what DescribeNodegroup shows: it moves when EKS accepts an update, and follows what
    others do to the Auto Scaling group late. `wished` is the size that was asked for last, by anyone.
    """

    name: str
    arn: str
    created: float
    modified: float
    version: str
    capacity_type: str
    node_role: str
    subnets: tuple[str, ...]
    scaling: Scaling
    wished: int
    group: AutoScalingGroup
    status: NodegroupStatus = "ACTIVE"
    labels: dict[str, str] = field(default_factory=dict)
    taints: list[dict[str, str]] = field(default_factory=list)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    updates: dict[str, Update] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class Cluster:
    """One cluster of one account and region."""

    name: str
    account: str
    region: str
    arn: str
    created: float
    version: str
    endpoint_id: str
    nodegroups: dict[str, Nodegroup] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedToken:
    """A clientRequestToken that was accepted: what it asked for, and the update it made."""

    time: float
    request: str
    update: Update


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an accepted change did, for the journal: wished sizes before and after."""

    update: Update | None
    effective: bool
    from_: int | None = None
    to: int | None = None
