"""What users want. Parsed by `kinds` from Kubernetes objects, read by every stage, never written back."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from multicloud.model.account import AccountObject, AccountSpec
from multicloud.model.approval import Approve
from multicloud.model.override import Override
from multicloud.model.policy import PolicySpec
from multicloud.model.reason import Reason
from multicloud.model.record import PolicyRecord, PoolRecord
from multicloud.model.ref import Cloud, ClusterRef, NodePoolRef, ObjectKey
from multicloud.model.schedule import Schedule
from multicloud.model.size import CapacityType


class MemberState(StrEnum):
    """ACTIVE is managed; FROZEN is never written to, its ready nodes count; DRAIN never grows and goes to nothing."""

    ACTIVE = "Active"
    FROZEN = "Frozen"
    DRAIN = "Drain"


class CloudRange(StrEnum):
    """What the cloud's own range of a node pool (EKS scalingConfig) means.

    RESPECT: sizes stay inside it. WIDEN: it is moved as far as a size needs, never narrowed.
    """

    RESPECT = "Respect"
    WIDEN = "Widen"


class Mode(StrEnum):
    """APPLY writes; APPROVE_SHRINK grows and asks before it removes; PLAN asks before anything."""

    APPLY = "Apply"
    APPROVE_SHRINK = "ApproveShrink"
    PLAN = "Plan"


class Adoption(StrEnum):
    """KEEP_SIZE: the size a member is found at is its floor until adopted. APPLY: no floor."""

    KEEP_SIZE = "KeepSize"
    APPLY = "Apply"


class Strategy(StrEnum):
    """Who carries the units.

    WEIGHTED shares them by weight; PRIORITY fills the highest priority first, equal priorities by weight; COST takes
    the cheapest.
    """

    WEIGHTED = "Weighted"
    PRIORITY = "Priority"
    COST = "Cost"


class Loss(StrEnum):
    """What may be lost at once: every member of one cloud, of one region, or one member."""

    CLOUD = "Cloud"
    REGION = "Region"
    MEMBER = "Member"


@dataclass(frozen=True, slots=True, kw_only=True)
class Survive:
    """Whatever is lost, `keep_percent` (1..100) of the desired units stand elsewhere."""

    loss: Loss
    keep_percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveWhenSaving:
    """Nodes move for a saving alone when it is `percent` of the pool's present hourly cost and has stood `for_s`."""

    percent: int = 10
    for_s: int = 1800


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one node costs in an hour. `currency` is its ISO 4217 code."""

    amount: Decimal
    currency: str


class Detect(StrEnum):
    """Does an autoscaler of others size the node pool? AUTO looks; ON and OFF are what the user says."""

    AUTO = "Auto"
    ON = "On"
    OFF = "Off"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSpec:
    """One node pool that may carry units. Nodes are whole; `units_per_node` 1..1024; `weight` 0..1000.

    `cluster.owner` is empty where the member leaves it to its account. `capacity_type` is what the user says the node
    pool's machines are. `price` is None where nobody told it: unknown, never free. `kubeconfig` names a Secret of the namespace with the way into the cluster, empty where the
    account's own way is taken.
    """

    name: str
    account: str
    node_pool: NodePoolRef
    state: MemberState = MemberState.ACTIVE
    min_nodes: int = 0
    max_nodes: int
    cloud_range: CloudRange = CloudRange.RESPECT
    units_per_node: int = 1
    weight: int = 1
    priority: int = 0
    capacity_type: CapacityType = CapacityType.ON_DEMAND
    price: Price | None = None
    detect_autoscaler: Detect = Detect.AUTO
    kubeconfig: str = ""

    @property
    def cloud(self) -> Cloud:
        """The cloud of the member's block."""
        return self.node_pool.cluster.cloud

    def located(self, account: AccountSpec) -> NodePoolRef:
        """The node pool with the account's own subscription or project filled in."""
        cluster = self.node_pool.cluster
        if cluster.owner:
            return self.node_pool
        return NodePoolRef(
            cluster=ClusterRef(
                cloud=cluster.cloud,
                owner=account.owner,
                group=cluster.group,
                location=cluster.location,
                name=cluster.name,
            ),
            name=self.node_pool.name,
        )


class Surplus(StrEnum):
    """What becomes of nodes that somebody else added.

    HOLD: they stay on top of the plan for a while, then leave. CORRECT: they leave at once, a few times an hour.
    REPORT: they stay on top of the plan until a person says what is meant.
    """

    HOLD = "Hold"
    CORRECT = "Correct"
    REPORT = "Report"


class Deficit(StrEnum):
    """What becomes of nodes that somebody else took away.

    CORRECT: the plan counts with what is left and asks for them again where they are wished. REPORT: they are asked for
    nowhere, minReplicas apart, until a person says what is meant.
    """

    CORRECT = "Correct"
    REPORT = "Report"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A person's word about what others did to a member's size up to that moment; `member` is a name or `*`."""

    member: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What to make of sizes that others set. `hold_s` is for how long a surplus is held, in seconds.

    `accepted` and `corrected` are the words of the annotations, `mistakes` what stands there and is none.
    """

    surplus: Surplus = Surplus.HOLD
    deficit: Deficit = Deficit.CORRECT
    hold_s: int = 3600
    accepted: frozenset[Word] = frozenset()
    corrected: frozenset[Word] = frozenset()
    mistakes: tuple[str, ...] = ()

    def strangers(self, members: Iterable[str]) -> tuple[str, ...]:
        """What the annotations name that is no member, with what cannot be understood."""
        known = {"*", *members}
        unknown = {word.member for word in self.accepted | self.corrected} - known
        return (*self.mistakes, *sorted(unknown))


class WhenUnreachable(StrEnum):
    """What a member that cannot be seen for too long counts with: HOLD what it had, REPLACE nothing."""

    HOLD = "Hold"
    REPLACE = "Replace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failover:
    """How long a member may fail before others help out, and how it comes back. All in seconds."""

    provision_timeout_s: int = 900
    lock_timeout_s: int = 600
    backoff_s: int = 300
    max_backoff_s: int = 1800
    unreachable_after_s: int = 600
    when_unreachable: WhenUnreachable = WhenUnreachable.HOLD
    return_to_preferred: bool = True
    return_after_s: int = 1800

    def wait_s(self, attempts: int) -> int:
        """Seconds until a member that failed so many times in a row (from 1) may grow again: doubling, up to the most."""
        doublings = min(max(attempts, 1) - 1, 32)
        return min(self.backoff_s << doublings, max(self.backoff_s, self.max_backoff_s))


class Action(StrEnum):
    """What nodes are removed for. MOVE: others stand in for them. SCALE_DOWN: fewer are wished for."""

    MOVE = "Move"
    SCALE_DOWN = "ScaleDown"


class VoluntaryMoves(StrEnum):
    """Whether a member may lose nodes though no fewer are wished for. OBSERVED: one whose pods can be seen."""

    OBSERVED = "Observed"
    ALWAYS = "Always"
    NEVER = "Never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Times at which nodes may be removed for these actions."""

    schedule: Schedule
    allow: frozenset[Action]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disruption:
    """How fast nodes may be removed, and when.

    `max_unavailable_percent` is of desired units; 100 is no limit. `max_surge_percent` is of maxReplicas, on top of it. An action that no window of `windows` allows may be done at any time.
    """

    max_unavailable_percent: int = 10
    max_nodes_per_step: int = 20
    step_pause_s: int = 300
    scale_down_delay_s: int = 300
    max_surge_percent: int = 10
    voluntary_moves: VoluntaryMoves = VoluntaryMoves.OBSERVED
    windows: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSpec:
    """How much is wanted and which members may carry it. Units are integers; seconds are integers.

    `replicas` None means that nobody chose a number. `paused` joins the field and the annotation. `scale_in_paused`
    forbids removals only. `adopted` holds the member names of the annotation `multicloud.dev/adopt`, or `*`.
    `survive` names each loss once. `max_spot_percent` and `min_on_demand` bound the units of members whose machines the
    cloud may take back; `max_hourly_cost` (in `currency`, None for none) bounds growth above `min_replicas`.
    `override` is that of the annotation, or why it cannot be understood. `approve` is the annotation's approval.
    """

    replicas: int | None
    min_replicas: int
    max_replicas: int
    mode: Mode = Mode.APPLY
    paused: bool = False
    adoption: Adoption = Adoption.KEEP_SIZE
    strategy: Strategy = Strategy.WEIGHTED
    currency: str = "USD"
    survive: tuple[Survive, ...] = ()
    max_spot_percent: int = 100
    min_on_demand: int = 0
    max_hourly_cost: Decimal | None = None
    saving: MoveWhenSaving = MoveWhenSaving()
    disruption: Disruption = Disruption()
    drift: Drift = Drift()
    failover: Failover = Failover()
    scale_in_paused: bool = False
    adopted: frozenset[str] = frozenset()
    override: Override | Reason | None = None
    approve: Approve | None = None
    members: tuple[MemberSpec, ...]

    def adopts(self, member: MemberSpec) -> bool:
        """True when the user consented to shrink this member below the size it was found at; draining says so, too."""
        consented = bool(self.adopted & {member.name, "*"}) or member.state is MemberState.DRAIN
        return self.adoption is Adoption.APPLY or consented


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolObject:
    """A MultiCloudPool as last seen. `spec` is None when it could not be understood; `problem` then says why.

    `record` is what its status remembers. `record_decision` is the word with which somebody asked to have the next decision
    recorded, None for nobody.
    """

    key: ObjectKey
    uid: str
    generation: int
    resource_version: str
    spec: PoolSpec | None
    problem: Reason | None = None
    record_decision: str | None = None
    record: PoolRecord = field(default_factory=PoolRecord)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyObject:
    """A ScalingPolicy as last seen. `spec` is None when it could not be understood; `problem` then says why.

    `pool` is the pool that it decides for, also where the rest is not understood; None where even that is not there.
    `created_at` is when the API server made it: of several policies of one pool the oldest works.
    `record_decision` is as a pool's.
    """

    key: ObjectKey
    uid: str
    generation: int
    resource_version: str
    created_at: datetime
    pool: ObjectKey | None
    spec: PolicySpec | None
    problem: Reason | None = None
    record_decision: str | None = None
    record: PolicyRecord = field(default_factory=PolicyRecord)


StoredObject = AccountObject | PoolObject | PolicyObject
