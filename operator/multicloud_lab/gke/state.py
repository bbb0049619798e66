"""What a Google project holds: clusters, node pools, the groups of their zones, operations.

Built from the seed and changed only by `engine`; `messages` and `groups` render it for the wires.
"""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

from multicloud_lab.core.nodes import NodeSet
from multicloud_lab.gke.names import COMPUTE_ROOT, Name


class Status(StrEnum):
    """The states of clusters and node pools that occur here; names as in the protos."""

    RUNNING = "RUNNING"
    RECONCILING = "RECONCILING"


class OperationStatus(StrEnum):
    """The states of an operation that occur here; DONE alone does not say that it went well."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    DONE = "DONE"


class OperationType(StrEnum):
    """The kinds of operation that occur here."""

    SET_NODE_POOL_SIZE = "SET_NODE_POOL_SIZE"
    UPDATE_CLUSTER = "UPDATE_CLUSTER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoscaling:
    """A pool's autoscaler block: bounds per zone, or totals, never both."""

    enabled: bool = False
    min_node_count: int = 0
    max_node_count: int = 0
    total_min_node_count: int = 0
    total_max_node_count: int = 0
    autoprovisioned: bool = False
    location_policy: int = 0


@dataclass(slots=True, kw_only=True, eq=False)
class Group:
    """One zone of a pool: a managed instance group. `wished` runs ahead of its target while an operation waits."""

    project: str
    name: str
    zone: str
    created: float
    nodes: NodeSet
    wished: int

    @property
    def base_instance_name(self) -> str:
        """What the names of its instances start with."""
        return self.name.removesuffix("-grp")

    @property
    def link(self) -> str:
        """The instance group manager's self link, as a pool's instanceGroupUrls write it."""
        return f"{COMPUTE_ROOT}/projects/{self.project}/zones/{self.zone}/instanceGroupManagers/{self.name}"


@dataclass(slots=True, kw_only=True, eq=False)
class Pool:
    """A node pool. `node_count` is per zone and is what initialNodeCount says; `revision` makes the etag."""

    name: Name
    uid: str
    node_count: int
    machine_type: str
    spot: bool
    labels: dict[str, str]
    groups: list[Group] = field(default_factory=list)
    autoscaling: Autoscaling = field(default_factory=Autoscaling)
    status: Status = Status.RUNNING
    revision: int = 1

    @property
    def short_name(self) -> str:
        """The name inside its cluster."""
        return self.name.pool or ""

    @property
    def wished(self) -> int:
        """The nodes asked for, over all zones."""
        return sum(group.wished for group in self.groups)

    @property
    def etag(self) -> str:
        """A checksum that changes with every change of the pool."""
        return _checksum(f"{self.uid}/{self.revision}")


@dataclass(slots=True, kw_only=True, eq=False)
class Operation:
    """One mutation of one pool of a cluster; times in virtual epoch seconds."""

    name: Name
    type: OperationType
    target: Name
    started: float
    status: OperationStatus = OperationStatus.PENDING
    ended: float | None = None

    @property
    def id(self) -> str:
        """The server-assigned id, as the text of a conflict names it."""
        return self.name.operation or ""


@dataclass(slots=True, kw_only=True, eq=False)
class Cluster:
    """A zonal or regional cluster. `running` is its one mutating operation, if any."""

    name: Name
    uid: str
    locations: list[str]
    version: str
    created: float
    pools: dict[str, Pool] = field(default_factory=dict)
    running: Operation | None = None

    @property
    def short_name(self) -> str:
        """The name inside its location."""
        return self.name.cluster or ""

    @property
    def status(self) -> Status:
        """RECONCILING while an operation changes the cluster or one of its pools."""
        return Status.RUNNING if self.running is None else Status.RECONCILING

    @property
    def etag(self) -> str:
        """A checksum that changes with every change of the cluster or one of its pools."""
        return _checksum("/".join([self.uid, *(f"{pool.uid}/{pool.revision}" for pool in self.pools.values())]))


def _checksum(text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"
