"""What a cloud told us about a node pool. Made by `clouds`, kept by `observe`, judged by `decide`."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from multicloud.model.reason import Reason
from multicloud.model.ref import NodePoolRef


class Detail(StrEnum):
    """How much a read fetches: SIZES is the cheap batched read, FULL also status, ranges and running operations."""

    SIZES = "sizes"
    FULL = "full"


class ReadySource(StrEnum):
    """Who says that nodes are ready, strongest first. ASSUMED is never proof for the *break* half of a move."""

    KUBERNETES = "Kubernetes"
    CLOUD = "Cloud"
    ASSUMED = "Assumed"


class CapacityType(StrEnum):
    """Whether the cloud may take machines back at will: SPOT ones it may, ON_DEMAND ones (capacity blocks too) not."""

    ON_DEMAND = "OnDemand"
    SPOT = "Spot"


class Activity(StrEnum):
    """What the cloud is doing with the pool.

    IDLE accepts a resize; BUSY runs an operation of anybody's and refuses one; SICK (EKS DEGRADED, AKS Failed or
    Canceled, GKE ERROR) keeps counting with its ready nodes and may accept one; LEAVING is being deleted.
    """

    IDLE = "Idle"
    BUSY = "Busy"
    SICK = "Sick"
    LEAVING = "Leaving"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePool:
    """The facts of one node pool, from one read.

    `requested` is what the cloud tries to reach, `nodes` what exists, `ready` what can run pods, all in nodes over
    all zones. `claim` is the cloud's own identity of the place (account/region/cluster/group, lower-cased ARM id,
    project/location/cluster/pool); `incarnation` changes when the pool is deleted and made again, as far as the
    cloud tells. Sizes must be multiples of `step` (GKE: the number of zones). `cloud_min` and `cloud_max` are the
    cloud's own range (EKS scalingConfig), None where there is none. `capacity_type` is None where the cloud does not
    tell it. `obstacle` is why no size can be asked for at all, whatever the size (a stopped pool, one of several VM
    sizes). `groups` are the names by which a Cluster Autoscaler would call its machines, where the cloud itself does not
    tell whether one runs (EKS). `version` is the cloud's compare-and-set token (AKS etag), empty where there is none.
    `words` is the cloud's own status text.
    """

    ref: NodePoolRef
    claim: str
    incarnation: str
    requested: int
    nodes: int
    ready: int
    ready_source: ReadySource
    step: int = 1
    cloud_min: int | None = None
    cloud_max: int | None = None
    autoscaling: bool = False
    capacity_type: CapacityType | None = None
    obstacle: Reason | None = None
    groups: tuple[str, ...] = ()
    activity: Activity = Activity.IDLE
    words: str = ""
    version: str = ""

    def __post_init__(self) -> None:
        """Refuse sizes that no cloud can have: they would turn garbage into a resize."""
        if min(self.requested, self.nodes, self.ready) < 0 or self.step < 1:
            raise ValueError(f"{self.ref}: negative size or step below 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What we know of a node pool, and since when.

    `proved` is the newest good read (None: never seen). `read_at` is when it was answered, `began_s` the monotonic
    second at which the request was started: a read that began before our own write was answered proves nothing
    about it. `trouble` says why the newest attempt failed, None if it succeeded. `good_reads` counts good reads in a
    row after a bad one, no further than 2. `looked` is False until a first attempt ended, good or bad.
    """

    proved: NodePool | None = None
    read_at: datetime | None = None
    began_s: float = 0.0
    trouble: Reason | None = None
    good_reads: int = 2
    looked: bool = False


class OperationState(StrEnum):
    """Life of a cloud's operation.

    FAILED: the cloud gave up. CANCELED: somebody stopped it. LOST: the cloud no longer knows it (look at the size).
    """

    REQUESTED = "Requested"
    RUNNING = "Running"
    DONE = "Done"
    FAILED = "Failed"
    CANCELED = "Canceled"
    LOST = "Lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resize:
    """Ask for `to` nodes over all zones in `pool.ref`; `pool` is the fact that the decision was made on.

    The cloud's own range (`cloud_min`, `cloud_max` of the fact) is respected, or widened with `widen`: then exactly as
    far as `to` needs, never narrowed.
    """

    pool: NodePool
    to: int
    widen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A cloud's running or finished operation; `id` is all that is needed to ask again after a restart."""

    id: str
    pool: NodePoolRef
    state: OperationState
    words: str = ""
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who a cloud says we are: an ARN, an application id in a tenant, a service account's e-mail."""

    name: str
