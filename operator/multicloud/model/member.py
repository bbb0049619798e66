"""A member's cluster from inside: what to talk to its own Kubernetes API with, and what that shows of a node pool.

`clouds` and a kubeconfig make ClusterCredentials, `kube` looks with them, `observe` puts what was seen into Snapshots.
"""

from dataclasses import dataclass, field
from datetime import datetime

from multicloud.model.reason import Reason
from multicloud.model.ref import ClusterRef, ObjectKey


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterCredential:
    """How to reach a cluster's Kubernetes API and who to be there: a bearer token, or a client certificate.

    `url` is https. `ca_pem` is the only authority to trust, empty for the public ones. `expires_at` is when the token
    ends, None for one that does not say.
    """

    url: str
    ca_pem: str
    token: str = field(default="", repr=False)
    expires_at: datetime | None = None
    certificate_pem: str = field(default="", repr=False)
    key_pem: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ClusterLogin:
    """A cluster and by whose right to look into it: an account's, or that of a kubeconfig in a Secret of its namespace."""

    account: ObjectKey
    cluster: ClusterRef
    kubeconfig: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What to look at in a cluster: node pools by name, and whether a Cluster Autoscaler sizes any group of machines."""

    node_pools: frozenset[str]
    autoscaler: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Resources:
    """What a node offers or pods ask for: millicores, bytes, pods."""

    cpu_m: int = 0
    memory: int = 0
    pods: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A node pool as its cluster shows it, in nodes.

    `nodes` exist, `ready` of them are Ready, `cordoned` take no new pods, `marked` bear a mark of ours (SeenNode).
    `needed` is the fewest nodes of its kind
    that could hold what its scheduled pods request, DaemonSets apart; `unscheduled` pods wait for a node and might get one
    of these. Both None while the pods may not be seen.
    """

    nodes: int = 0
    ready: int = 0
    cordoned: int = 0
    marked: int = 0
    needed: int | None = 0
    unscheduled: int | None = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenNode:
    """A node as its cluster shows it.

    `cordoned`: it takes no new pods. `marked`: it bears a mark of ours, by which we know that it was us who cordoned it.
    `filled` is the share of what it offers that its pods request, DaemonSets' apart, of the resource of which that is
    the most (0..1, more where pods request what it does not have); None while the pods may not be seen.
    """

    name: str
    ready: bool
    cordoned: bool
    marked: bool
    filled: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patched:
    """The nodes that were cordoned, or opened again, by name, and why it ended before the last one (None: it did not)."""

    nodes: tuple[str, ...] = ()
    why: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What the nodes of a node pool offer, and what the pods scheduled on them request, DaemonSets' included.

    `asked` of `offered` are those of the `ready` nodes; `unready` nodes offer `unready_offered`, whatever asks for it.
    """

    ready: int = 0
    asked: Resources = field(default_factory=Resources)
    offered: Resources = field(default_factory=Resources)
    unready: int = 0
    unready_offered: Resources = field(default_factory=Resources)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberLoad:
    """A member of a pool with its load; `load` is None while its cluster does not show it.

    `ready_units` are those last proved ready, 0 for a member that was never seen.
    """

    member: str
    cluster: ClusterRef
    units_per_node: int
    ready_units: int
    load: Load | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """What is known of a node pool from inside its cluster now.

    `counted` is None while nothing young is known; `trouble` then says why, None before the first look has ended.
    `autoscaled` names the groups of machines that a Cluster Autoscaler in the cluster says it sizes.
    """

    counted: Counted | None = None
    autoscaled: frozenset[str] = frozenset()
    trouble: Reason | None = None


def nodes_needed(requested: Resources, node: Resources) -> int:
    """The fewest nodes of that size that hold the requests: the largest of ceil(requested ÷ allocatable) over all three.

    What a node does not offer at all is left out: no number of them would hold it.
    """
    shares = (
        (requested.cpu_m, node.cpu_m),
        (requested.memory, node.memory),
        (requested.pods, node.pods),
    )
    return max((-(-wanted // offered) for wanted, offered in shares if offered > 0), default=0)
