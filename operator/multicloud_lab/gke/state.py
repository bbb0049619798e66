"""What a Google project holds: clusters, node pools, the groups of their zones, operations.

Built from the seed and changed only by the engine and its operations; `messages` and `groups` render
it for the wires.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from multicloud_lab.core.clock import Timer
from multicloud_lab.core.nodes import NodeSet
from multicloud_lab.gke.errors import Code
from multicloud_lab.gke.names import COMPUTE_ROOT, Name

Json = dict[str, object]


class Status(StrEnum):
    """The states of clusters and node pools that occur here; names as in the protos."""

    PROVISIONING = "PROVISIONING"
    RUNNING = "RUNNING"
    RUNNING_WITH_ERROR = "RUNNING_WITH_ERROR"
    RECONCILING = "RECONCILING"
    STOPPING = "STOPPING"
    ERROR = "ERROR"


class OperationStatus(StrEnum):
    """The states of an operation; DONE alone does not say that it went well."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    ABORTING = "ABORTING"
    DONE = "DONE"


class OperationType(StrEnum):
    """The kinds of operation that occur here."""

    CREATE_CLUSTER = "CREATE_CLUSTER"
    DELETE_CLUSTER = "DELETE_CLUSTER"
    CREATE_NODE_POOL = "CREATE_NODE_POOL"
    DELETE_NODE_POOL = "DELETE_NODE_POOL"
    SET_NODE_POOL_SIZE = "SET_NODE_POOL_SIZE"
    UPDATE_CLUSTER = "UPDATE_CLUSTER"
    UPGRADE_NODES = "UPGRADE_NODES"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a pool or an operation; `condition` is the old StatusCondition code that goes with it."""

    code: Code
    message: str
    condition: str = "UNKNOWN"


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

    def bounds(self, zones: int) -> tuple[int, int]:
        """Return the least and most nodes of a pool in that many zones."""
        if self.total_min_node_count or self.total_max_node_count:
            return (self.total_min_node_count, self.total_max_node_count)
        return (self.min_node_count * zones, self.max_node_count * zones)


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

    @property
    def instance_group_link(self) -> str:
        """The managed instance group's own link: what a Cluster Autoscaler calls it."""
        return f"{COMPUTE_ROOT}/projects/{self.project}/zones/{self.zone}/instanceGroups/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """An autoscaler's intention to go back to a size (nodes of the whole pool)."""

    to: int
    timer: Timer


@dataclass(slots=True, kw_only=True, eq=False)
class Pool:
    """A node pool. `node_count` is per zone and is what initialNodeCount says; `revision` makes the etag.

    `settings` are the other writable fields of a NodePool in their JSON form. `doing` is the state that
    an operation under way gives it, `problem` what the last one left behind, `undoing` what its autoscaler is about.
    """

    name: Name
    uid: str
    node_count: int
    settings: Json
    version: str
    groups: list[Group] = field(default_factory=list)
    autoscaling: Autoscaling = field(default_factory=Autoscaling)
    doing: Status | None = None
    problem: Problem | None = None
    undoing: Undoing | None = None
    unusable: bool = False
    revision: int = 1

    @property
    def short_name(self) -> str:
        """The name inside its cluster."""
        return self.name.pool or ""

    @property
    def config(self) -> Mapping[str, object]:
        """The settings of its machines (NodeConfig)."""
        config = self.settings.get("config")
        return config if isinstance(config, dict) else {}

    @property
    def machine_type(self) -> str:
        """The type of its machines."""
        return str(self.config.get("machineType", ""))

    @property
    def wished(self) -> int:
        """The nodes asked for, over all zones."""
        return sum(group.wished for group in self.groups)

    @property
    def problems(self) -> list[Problem]:
        """Everything that is wrong now: what an operation left behind, and zones that cannot have their nodes."""
        lasting = [] if self.problem is None else [self.problem]
        return [*lasting, *(found for group in self.groups if (found := shortage(group)) is not None)]

    @property
    def status(self) -> Status:
        """The state as its clients read it."""
        if self.doing is not None:
            return self.doing
        if self.unusable:
            return Status.ERROR
        return Status.RUNNING_WITH_ERROR if self.problems else Status.RUNNING

    @property
    def etag(self) -> str:
        """A checksum that changes with every change of the pool."""
        return _checksum(f"{self.uid}/{self.revision}")


@dataclass(slots=True, kw_only=True, eq=False)
class Operation:
    """One mutation of a cluster or one of its pools; times in virtual epoch seconds.

    `ends` is when it will be DONE, None while that is unknown. `forgotten` ones are not found any more.
    """

    name: Name
    type: OperationType
    target: Name
    started: float
    status: OperationStatus = OperationStatus.PENDING
    running_since: float | None = None
    ends: float | None = None
    ended: float | None = None
    problem: Problem | None = None
    forgotten: bool = False
    timers: list[Timer] = field(default_factory=list)

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
    def wished(self) -> int:
        """The nodes asked for, over all pools."""
        return sum(pool.wished for pool in self.pools.values())

    @property
    def status(self) -> Status:
        """RECONCILING while an operation changes the cluster or one of its pools."""
        if self.running is None:
            return Status.RUNNING
        return Status.RECONCILING

    @property
    def etag(self) -> str:
        """A checksum that changes with every change of the cluster or one of its pools."""
        return _checksum("/".join([self.uid, *(f"{pool.uid}/{pool.revision}" for pool in self.pools.values())]))


def shortage(group: Group) -> Problem | None:
    """Return what keeps a zone from having its nodes, as an instance group's errors word it; None for nothing."""
    nodes = group.nodes
    if nodes.refusal is None or not nodes.not_launched:
        return None
    running, asked = nodes.alive, nodes.target + nodes.surge
    words = (
        f"Google Compute Engine: Not all instances running in IGM after 14.69s. Expected {asked}, running {running}, "
        f"transitioning {nodes.not_launched}. Current errors: "
    )
    if nodes.refusal == "quota":
        words += f"[GCE_QUOTA_EXCEEDED]: Instance '{group.base_instance_name}' creation failed: Quota 'CPUS' exceeded."
        return Problem(code=Code.RESOURCE_EXHAUSTED, message=words, condition="GCE_QUOTA_EXCEEDED")
    words += (
        f"[GCE_STOCKOUT]: Instance '{group.base_instance_name}' creation failed: "
        f"The zone 'projects/{group.project}/zones/{group.zone}' does not have enough resources available to fulfill "
        "the request."
    )
    return Problem(code=Code.RESOURCE_EXHAUSTED, message=words, condition="GCE_STOCKOUT")


def _checksum(text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"
