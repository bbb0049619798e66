"""The nouns of an emulated AKS subscription: cluster, agent pool, operation.

The engine makes and changes them, `render` turns them into ARM's JSON, `rules` judge pool specs.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from multicloud_lab.core.clock import Timer
from multicloud_lab.core.nodes import NodeSet

Properties = dict[str, Any]
"""Properties of an agent pool under their ARM names."""

Status = Literal["InProgress", "Succeeded", "Failed", "Canceled"]

TERMINAL = frozenset({"Succeeded", "Failed", "Canceled"})
"""The provisioning states in which AKS takes a new operation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """Where Azure's behaviour is not settled, or a test wants less: each with its default.

    `get_shows`: while an operation runs, GET answers the wished count (`target`, as after the recorded
    scale) or the machines there are (`actual`, as in the recorded abort). `omitted_maps`: what becomes of
    nodeLabels, tags and nodeTaints that a PUT leaves out (`clear`: PUT replaces; `keep`). `autoscaler_range`:
    count must lie within minCount..maxCount. `page_size`: items a list page holds, None for one page.
    `throttle`: refuse with 429 when a bucket is empty; the headers count either way.
    """

    get_shows: Literal["target", "actual"] = "target"
    omitted_maps: Literal["clear", "keep"] = "clear"
    autoscaler_range: bool = True
    page_size: int | None = None
    throttle: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class Operation:
    """A long-running operation. Times are virtual epoch seconds."""

    id: str
    subscription: str
    location: str
    started: float
    status: Status = "InProgress"
    ended: float | None = None
    error: dict[str, object] | None = None
    timer: Timer | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class AgentPool:
    """An agent pool: `spec` holds the writable properties as last wished, count included."""

    name: str
    spec: Properties
    nodes: NodeSet
    etag: str
    version: str
    image: str
    state: str = "Succeeded"
    operation: Operation | None = None
    error: dict[str, object] | None = None
    before_stop: Properties = field(default_factory=dict)

    @property
    def count(self) -> int:
        """The wished number of nodes; 0 while stopped."""
        return int(self.spec["count"])

    @property
    def is_system(self) -> bool:
        """Whether the pool's mode is System."""
        return bool(self.spec["mode"] == "System")

    @property
    def is_stopped(self) -> bool:
        """Whether powerState is Stopped."""
        return bool(self.spec["powerState"]["code"] == "Stopped")


@dataclass(slots=True, kw_only=True, eq=False)
class Cluster:
    """A managed cluster with its pools by name, in the order of creation."""

    subscription: str
    group: str
    name: str
    location: str
    version: str
    etag: str
    uid: str
    state: str = "Succeeded"
    tags: dict[str, str] = field(default_factory=dict)
    pools: dict[str, AgentPool] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The ARM resource id."""
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"
            f"/providers/Microsoft.ContainerService/managedClusters/{self.name}"
        )

    @property
    def node_group(self) -> str:
        """The resource group of the machines."""
        return f"MC_{self.group}_{self.name}_{self.location}"

    @property
    def fqdn(self) -> str:
        """The host name of the Kubernetes API."""
        return f"{self.name}-{self.uid[:8]}.hcp.{self.location}.azmk8s.io"
