"""Pods that wait for a node, and the node pools that might take them, as their cluster shows them.

`kube` reads them and keeps no pod longer than it waits, `observe` says whose node pools they concern, `decide` packs them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from multicloud.model.member import Resources
from multicloud.model.ref import ClusterRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Taint:
    """Keeps pods away that do not tolerate it. Only the effects NoSchedule and NoExecute are kept."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Toleration:
    """What a pod puts up with: an empty key or effect is any, `value` None is any."""

    key: str = ""
    value: str | None = None
    effect: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What labels must be like; `operator` is a NodeSelectorRequirement's, one that is not known is never met."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def met_by(self, value: str | None) -> bool:
        """True for a label of that value, None for one that is absent."""
        verdicts: Mapping[str, bool] = {
            "In": value in self.values,
            "NotIn": value not in self.values,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }
        return verdicts[self.operator] if self.operator in verdicts else self._compared(value)

    def _compared(self, value: str | None) -> bool:
        if value is None or self.operator not in {"Gt", "Lt"} or len(self.values) != 1:
            return False
        try:
            return int(value) > int(self.values[0]) if self.operator == "Gt" else int(value) < int(self.values[0])
        except ValueError:
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class PodShape:
    """All that is regarded of a pod that waits; equal pods share one.

    `selects` must all hold. Of `terms` one must, with all its requirements; None: no matter which. Of pods with a word of
    `apart` in common a node takes one only. `strange`: it asks for something that is not counted here, or is too long to
    be kept.
    """

    asks: Resources
    selects: tuple[Requirement, ...] = ()
    terms: tuple[tuple[Requirement, ...], ...] | None = None
    tolerates: tuple[Toleration, ...] = ()
    apart: tuple[str, ...] = ()
    strange: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PodGroup:
    """So many pods of one shape, all called unschedulable by their scheduler."""

    shape: PodShape
    pods: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeShape:
    """What the next node of a node pool will be like, judged by those that it has, or had last.

    `offers` is the least that any of them offers, `own` the most that DaemonSets and the like take of one. `labels` and
    `taints` are those that all of them have; `varied` are the labels in which they differ.
    """

    offers: Resources
    own: Resources
    labels: Mapping[str, str] = field(default_factory=dict)
    varied: frozenset[str] = frozenset()
    taints: frozenset[Taint] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a node that takes pods has left. `empty`: nothing runs on it but DaemonSets and the like."""

    free: Resources
    empty: bool
    ready: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """A node pool from inside: its `nodes`, those of them with room, and what runs on each that carries anything.

    `shape` is None for one of which no node was ever seen.
    """

    nodes: int = 0
    shape: NodeShape | None = None
    rooms: tuple[Room, ...] = ()
    loads: tuple[Resources, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """The pods of a cluster that wait for a node, and the node pools that were asked for, by name.

    `more` says that others wait beyond those that are kept.
    """

    groups: tuple[PodGroup, ...] = ()
    more: bool = False
    pools: Mapping[str, Rooms] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A member of any MultiCloudPool, in the cluster of the pods. Candidates are asked in their order.

    `member` is its name where it is of the pool that is decided about, empty for another's. `requested` is what its cloud
    tries to reach, None unknown; `most` is how many nodes it may come to have now. `hopeful`: nodes that are not ready are
    still waited for.
    """

    member: str
    node_pool: str
    rooms: Rooms
    requested: int | None
    most: int
    hopeful: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterPods:
    """What waits in one cluster, and who might take it."""

    cluster: ClusterRef
    groups: tuple[PodGroup, ...]
    more: bool
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What waits in the clusters of a pool's members. `unseen` names the members whose cluster does not show its pods."""

    clusters: tuple[ClusterPods, ...]
    unseen: tuple[str, ...] = ()

    @property
    def pods(self) -> int:
        """Pods that wait, as far as they are kept."""
        return sum(group.pods for each in self.clusters for group in each.groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """Nodes that a member needs for what runs and what waits in its cluster."""

    member: str
    nodes: int
