"""The nouns of an emulated AKS subscription: cluster, agent pool, operation.

The engine makes and changes them, `render` turns them into ARM's JSON, `rules` judge pool specs.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from multicloud_lab.core.clock import Timer
from multicloud_lab.core.nodes import Node, NodeSet

Properties = dict[str, Any]
"""Properties of an agent pool under their ARM names."""

Status = Literal["InProgress", "Succeeded", "Failed", "Canceled"]

TERMINAL = frozenset({"Succeeded", "Failed", "Canceled"})
"""The provisioning states in which AKS takes a new operation."""

VIRTUAL_MACHINES = "VirtualMachines"
"""The type of a pool whose sizes are wished machine size by machine size."""


NODES = "virtualMachineNodesStatus"
"""The read-only property with a VirtualMachines pool's nodes by size."""


@dataclass(slots=True, kw_only=True, eq=False)
class Operation:
    """A long-running operation. Times are virtual epoch seconds; `timers` are what is still to happen in it.

    A `stuck` one never ends by itself, a `forgotten` one cannot be read; `aborting` is the one that aborts it.
    """

    id: str
    subscription: str
    location: str
    started: float
    status: Status = "InProgress"
    ended: float | None = None
    error: dict[str, object] | None = None
    timers: list[Timer] = field(default_factory=list)
    stuck: bool = False
    forgotten: bool = False
    aborting: "Operation | None" = None

    def stop(self) -> None:
        """Forget what was still to happen in it."""
        for timer in self.timers:
            timer.cancel()
        self.timers = []


@dataclass(slots=True, kw_only=True, eq=False)
class AgentPool:
    """An agent pool: `spec` holds the writable properties as last wished; `sets` its machines by VM size.

    `has_operated`: there was an operation of it, running or ended, that an abort can be about.
    """

    name: str
    spec: Properties
    etag: str
    version: str
    image: str
    digits: str
    sets: dict[str, NodeSet] = field(default_factory=dict)
    state: str = "Succeeded"
    operation: Operation | None = None
    error: dict[str, object] | None = None
    before_stop: Properties = field(default_factory=dict)
    has_operated: bool = False

    @property
    def machine_prefix(self) -> str:
        """What its machines' names start with: its scale set's name, where it has one."""
        return f"aks-{self.name}-{self.digits}-{'vms' if self.is_mixed else 'vmss'}"

    @property
    def wished(self) -> dict[str, int]:
        """The wished number of nodes by VM size; 0 while stopped."""
        return wished_nodes(self.spec)

    @property
    def count(self) -> int:
        """The wished number of nodes; 0 while stopped."""
        return sum(self.wished.values())

    @property
    def machines(self) -> list[Node]:
        """Every node, size by size."""
        return [node for each in self.sets.values() for node in each.nodes]

    @property
    def settled(self) -> bool:
        """Whether exactly the asked for nodes exist and all are ready."""
        return all(each.settled for each in self.sets.values())

    @property
    def is_system(self) -> bool:
        """Whether the pool's mode is System."""
        return bool(self.spec["mode"] == "System")

    @property
    def is_stopped(self) -> bool:
        """Whether powerState is Stopped."""
        return bool(self.spec["powerState"]["code"] == "Stopped")

    @property
    def is_mixed(self) -> bool:
        """Whether the pool's type is VirtualMachines."""
        return bool(self.spec["type"] == VIRTUAL_MACHINES)


@dataclass(slots=True, kw_only=True, eq=False)
class Cluster:
    """A managed cluster with its pools by name, in the order of creation; `has_operated` as of a pool."""

    subscription: str
    group: str
    name: str
    location: str
    version: str
    etag: str
    uid: str
    state: str = "Succeeded"
    operation: Operation | None = None
    has_operated: bool = False
    tags: dict[str, str] = field(default_factory=dict)
    pools: dict[str, AgentPool] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The ARM resource id."""
        return cluster_id(self.subscription, self.group, self.name)

    @property
    def node_group(self) -> str:
        """The resource group of the machines."""
        return f"MC_{self.group}_{self.name}_{self.location}"

    @property
    def fqdn(self) -> str:
        """The host name of the Kubernetes API."""
        return f"{self.name}-{self.uid[:8]}.hcp.{self.location}.azmk8s.io"


def cluster_id(subscription: str, group: str, name: str) -> str:
    """Return a managed cluster's ARM resource id."""
    return (
        f"/subscriptions/{subscription}/resourceGroups/{group}"
        f"/providers/Microsoft.ContainerService/managedClusters/{name}"
    )


def wished_nodes(spec: Properties) -> dict[str, int]:
    """Return a spec's wished nodes by VM size; 0 while stopped."""
    stopped = spec["powerState"]["code"] == "Stopped"
    return {size: 0 if stopped else count for size, count in sizes_of(spec).items()}


def sizes_of(spec: Properties) -> dict[str, int]:
    """Return a spec's nodes by VM size as they are wished while it runs.

    Of an autoscaled VirtualMachines pool the profile has ranges only: its nodes stand in `NODES`.
    """
    if spec["type"] != VIRTUAL_MACHINES:
        return {str(spec["vmSize"]): int(spec["count"])}
    nodes = spec.get(NODES) or scale_profile(spec, "manual")
    return {str(each["size"]): int(each["count"]) for each in nodes}


def size_ranges(spec: Properties) -> dict[str, tuple[int, int]]:
    """Return by VM size what an autoscaler keeps its nodes within; empty when it is scaled by hand."""
    if spec["type"] == VIRTUAL_MACHINES:
        profile = scale_profile(spec, "autoscale")
        return {str(each["size"]): (int(each["minCount"]), int(each["maxCount"])) for each in profile}
    if not spec["enableAutoScaling"]:
        return {}
    return {str(spec["vmSize"]): (int(spec["minCount"]), int(spec["maxCount"]))}


def scale_profile(spec: Properties, kind: Literal["manual", "autoscale"]) -> list[Properties]:
    """Return the sizes of a VirtualMachines pool: {size, count} each, or {size, minCount, maxCount}."""
    profile: Properties = spec.get("virtualMachinesProfile") or {}
    scale: Properties = profile.get("scale") or {}
    return list(scale.get(kind) or [])
