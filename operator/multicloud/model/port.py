"""The doors between the stages. A stage takes a port; `run` hands in the implementation.

Blocking ports (`NodePools`, `Identity`, `ClusterAccess`) are plain SDK code called on lane threads; all others are called on the main
loop.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from multicloud.model.account import AccountObject
from multicloud.model.error import CloudError
from multicloud.model.member import ClusterCredential, ClusterLogin, Inside, Load, Look, Patched, SeenNode
from multicloud.model.metric import Asker, Sample
from multicloud.model.permission import Permission
from multicloud.model.pods import Crowd
from multicloud.model.policy import Source
from multicloud.model.reason import Reason
from multicloud.model.ref import ClusterRef, Kind, NodePoolRef, ObjectKey
from multicloud.model.size import Detail, NodePool, Operation, Principal, Resize

ClusterPools = Mapping[ClusterRef | NodePoolRef, Sequence[NodePool] | CloudError]
"""What a read told: by cluster its node pools, or why it could not be read; by node pool why that one alone could not.

A node pool that stands here itself is missing among its cluster's, which says nothing against the others.
"""


class Clock(Protocol):
    """The only source of time. Waiting is part of it, so that a scenario can run a day in a second."""

    def now(self) -> datetime:
        """Wall time, aware, UTC: for people and for what must survive a restart."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back and also pass while the machine is suspended: for waits and the lease."""
        ...

    async def sleep_until(self, monotonic_s: float) -> None:
        """Return when `monotonic()` has reached the given second."""
        ...


class Fence(Protocol):
    """Says whether this process may still change a cloud."""

    def check(self, budget_s: float, *, removes: bool) -> None:
        """Return if we hold the lease for at least `budget_s` more seconds and no stop switch forbids it.

        `removes` says that the mutation takes nodes away. Called on lane threads in the SDK's last hook before bytes
        leave. Raises NotSent.
        """
        ...


class NodePools(Protocol):
    """A cloud's node pools. Blocking on purpose: a new cloud is plain SDK code."""

    def list(self, clusters: Sequence[ClusterRef], *, detail: Detail) -> ClusterPools:
        """Read all node pools of clusters of one account and location.

        A cluster that failed maps to its error; so does a node pool whose own facts are none.
        """
        ...

    def read(self, pool: NodePoolRef) -> NodePool | None:
        """Read one node pool as it is now, right before it is written to; None when it is not there. Raises CloudError."""
        ...

    def resize(self, change: Resize, *, token: str) -> Operation:
        """Ask for an absolute size. AKS refuses when the version moved; elsewhere the caller has just re-read.

        `token` is the idempotency token where the cloud has one. Raises CloudError.
        """
        ...

    def poll(self, operation: Operation) -> Operation:
        """Ask how an operation is going. Raises CloudError; a forgotten operation is LOST, not an error."""
        ...


class Identity(Protocol):
    """Who we are in a cloud."""

    def whoami(self) -> Principal:
        """Ask the cloud (or decode its token). Raises CloudError."""
        ...


class ClusterAccess(Protocol):
    """What a cloud gives its users to enter a cluster's own Kubernetes API. Blocking, like NodePools."""

    def credential(self, cluster: ClusterRef, known: ClusterCredential | None) -> ClusterCredential:
        """Address, authority and a token of our identity there; `known` gets only a new token. Raises CloudError.

        Nothing is asked of the cluster itself.
        """
        ...


class Probe(Protocol):
    """Finds out what an identity may do. Blocking, and without ever changing anything."""

    def probe(self, pool: NodePoolRef) -> Sequence[Permission]:
        """Say of each permission of the cloud's policy whether we have it on a node pool, in the policy's order.

        What keeps the cloud from telling makes it unknown; nothing is raised.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudDoor:
    """One identity in one cloud. What a cloud lacks is absent data, never a method that refuses."""

    name: str
    identity: Identity
    node_pools: NodePools
    access: ClusterAccess | None = None
    probe: Probe | None = None


class Lane(Protocol):
    """An account's cloud, made awaitable: threads, deadlines, rate limit, breaker and fence around the door."""

    async def whoami(self) -> Principal:
        """As `Identity.whoami`. Raises CloudError."""
        ...

    async def list(self, clusters: Sequence[ClusterRef], *, detail: Detail) -> ClusterPools:
        """As `NodePools.list`. Raises CloudError when nothing could be read at all."""
        ...

    async def read(self, pool: NodePoolRef) -> NodePool | None:
        """As `NodePools.read`. Raises CloudError."""
        ...

    async def resize(self, change: Resize, *, token: str) -> Operation:
        """As `NodePools.resize`, fenced. Raises CloudError."""
        ...

    async def poll(self, operation: Operation) -> Operation:
        """As `NodePools.poll`. Raises CloudError."""
        ...

    async def credential(self, cluster: ClusterRef, known: ClusterCredential | None) -> ClusterCredential:
        """As `ClusterAccess.credential`. Raises CloudError; Refused (NoClusterAccess) where the cloud has no such way."""
        ...


class Lanes(Protocol):
    """Hands out the lane of an account; one client per resolved identity, never shared across identities."""

    async def lane(self, account: AccountObject) -> Lane:
        """Open (or reuse) the account's lane. Raises Refused for a secret or identity that a person must mend."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The API server took a status; `resource_version` is the object's new one."""

    resource_version: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The API server did not take a status. `gone`: 404, the object was deleted. `stale`: 409, read again."""

    gone: bool
    stale: bool
    words: str


class Attention(Protocol):
    """Told by `act` what happened to a node pool, so that `observe` looks again and distrusts older reads."""

    def wrote(self, account: ObjectKey, node_pool: NodePoolRef, *, poll_after_s: float | None = None) -> None:
        """A write was answered, or its answer was lost, just now; the cloud may wish not to be asked about it at once."""
        ...

    def look_now(self, account: ObjectKey, node_pool: NodePoolRef) -> None:
        """The cloud just contradicted what we know."""
        ...


class StatusWriter(Protocol):
    """Writes a whole status by server-side apply, guarded by uid and resourceVersion."""

    async def write_status(
        self, key: ObjectKey, *, uid: str, resource_version: str, status: Mapping[str, Any]
    ) -> Written | Rejected:
        """Apply the whole status. Never raises for an answer of the API server."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EventNote:
    """One Kubernetes event about one of our objects. `warning` selects its type."""

    about: ObjectKey
    uid: str
    reason: Reason
    action: str
    warning: bool
    at: datetime


class EventSink(Protocol):
    """Posts events to the API server."""

    async def post(self, note: EventNote) -> None:
        """Create the event. Raises OSError-like errors of the Kubernetes client; the recorder drops and counts."""
        ...


class Secrets(Protocol):
    """Reads one Secret by name. Nothing is listed or watched."""

    async def read_secret(self, namespace: str, name: str) -> Mapping[str, bytes]:
        """The decoded data. Raises Refused (SecretNotFound, SecretNotReadable) or Unavailable."""
        ...


class Objects(Protocol):
    """Reads our objects and the stop switch."""

    async def list_objects(self, kind: Kind) -> Sequence[Mapping[str, Any]]:
        """Every object of the kind in the watched namespaces, paged, as plain JSON."""
        ...


class ClusterEyes(Protocol):
    """Looks into member clusters in the background, through their own Kubernetes APIs. Methods never wait.

    A pool that attends is woken when what concerns its node pools has changed.
    """

    def attend(self, pool: ObjectKey, wanted: Mapping[ClusterLogin, Look]) -> None:
        """Replace what a MultiCloudPool wants seen; an empty mapping forgets the pool."""
        ...

    def inside(self, login: ClusterLogin, node_pool: str) -> Inside:
        """What is known now; what is too old counts as not known."""
        ...

    def load(self, login: ClusterLogin, node_pool: str) -> Load | None:
        """What the nodes offer and the pods request now; None where that is not known, or too old."""
        ...

    def crowd(self, login: ClusterLogin, node_pools: Iterable[str]) -> Crowd | None:
        """The pods that wait for a node now, and what these node pools have for them; None as above."""
        ...

    def account_changed(self, account: ObjectKey) -> None:
        """It may be another identity now: enter its clusters anew, at once."""
        ...

    def close(self) -> None:
        """Stop looking."""
        ...


class Cordons(Protocol):
    """Closes nodes of member clusters to new pods and opens them again, in the clusters that are looked into.

    Fenced, and within a time limit of its own. What somebody else cordoned stays as it is, and so does what is no longer a node
    of that node pool.
    """

    def nodes(self, login: ClusterLogin, node_pool: str) -> Sequence[SeenNode]:
        """The nodes as known now; none while nothing young is known. Does not wait."""
        ...

    async def cordon(self, login: ClusterLogin, node_pool: str, nodes: Sequence[str], *, mark: str) -> Patched:
        """Close nodes by name, in this order, with a mark of ours that tells for what."""
        ...

    async def uncordon(self, login: ClusterLogin, node_pool: str, nodes: Sequence[str]) -> Patched:
        """Open those that bear a mark of ours, and take the mark away."""
        ...


class ClusterSide(ClusterEyes, Cordons, Protocol):
    """All that is done inside member clusters."""


class MetricSource(Protocol):
    """Reads what a scaling policy judges by. Whatever is no number that can be believed is an error, never a zero."""

    async def read(self, asker: Asker, source: Source) -> Sample:
        """Ask now. Raises NoSample, within the source's own time limit."""
        ...


Wake = Callable[[ObjectKey, float], None]
"""Ask for a pass over an object after so many seconds; earlier wishes win."""
