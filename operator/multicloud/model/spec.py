"""What users want. Parsed by `kinds` from Kubernetes objects, read by every stage, never written back."""

from dataclasses import dataclass, field
from enum import StrEnum

from multicloud.model.override import Override
from multicloud.model.reason import Reason
from multicloud.model.record import AccountRecord, PoolRecord
from multicloud.model.ref import Cloud, ClusterRef, NodePoolRef, ObjectKey


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsAccount:
    """An AWS account, told by the credentials alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureAccount:
    """An Azure subscription seen by one application. `client_id` is None for the operator's ambient identity."""

    tenant_id: str
    client_id: str | None
    subscription_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpAccount:
    """A Google Cloud project."""

    project: str


Provider = AwsAccount | AzureAccount | GcpAccount


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSpec:
    """One identity in one cloud. `secret` names a Secret of the same namespace; None means the ambient identity."""

    provider: Provider
    secret: str | None

    @property
    def cloud(self) -> Cloud:
        """The cloud that the provider block belongs to."""
        match self.provider:
            case AwsAccount():
                return Cloud.AWS
            case AzureAccount():
                return Cloud.AZURE
            case GcpAccount():
                return Cloud.GCP

    @property
    def owner(self) -> str:
        """Default `ClusterRef.owner` of this account's clusters."""
        match self.provider:
            case AwsAccount():
                return ""
            case AzureAccount(subscription_id=subscription):
                return subscription
            case GcpAccount(project=project):
                return project


class MemberState(StrEnum):
    """ACTIVE is managed; FROZEN is never written to, its ready nodes count."""

    ACTIVE = "Active"
    FROZEN = "Frozen"


class Mode(StrEnum):
    """APPLY writes; PLAN only shows what it would do."""

    APPLY = "Apply"
    PLAN = "Plan"


class Adoption(StrEnum):
    """KEEP_SIZE: the size a member is found at is its floor until adopted. APPLY: no floor."""

    KEEP_SIZE = "KeepSize"
    APPLY = "Apply"


class Strategy(StrEnum):
    """WEIGHTED shares units by weight; PRIORITY fills the highest priority first, equal priorities by weight."""

    WEIGHTED = "Weighted"
    PRIORITY = "Priority"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSpec:
    """One node pool that may carry units. Nodes are whole; `units_per_node` 1..1024; `weight` 0..1000.

    `cluster.owner` is empty where the member leaves it to its account.
    """

    name: str
    account: str
    node_pool: NodePoolRef
    state: MemberState = MemberState.ACTIVE
    min_nodes: int = 0
    max_nodes: int
    units_per_node: int = 1
    weight: int = 1
    priority: int = 0

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


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSpec:
    """How much is wanted and which members may carry it. Units are integers; seconds are integers.

    `replicas` None means that nobody chose a number. `paused` joins the field and the annotation. `scale_in_paused`
    forbids removals only. `adopted` holds the member names of the annotation `multicloud.dev/adopt`, or `*`.
    `override` is that of the annotation, or why it cannot be understood.
    """

    replicas: int | None
    min_replicas: int
    max_replicas: int
    mode: Mode = Mode.APPLY
    paused: bool = False
    adoption: Adoption = Adoption.KEEP_SIZE
    strategy: Strategy = Strategy.WEIGHTED
    max_nodes_per_step: int = 20
    scale_down_delay_s: int = 300
    hold_s: int = 3600
    scale_in_paused: bool = False
    adopted: frozenset[str] = frozenset()
    override: Override | Reason | None = None
    members: tuple[MemberSpec, ...]

    def adopts(self, member: str) -> bool:
        """True when the user consented to shrink this member below the size it was found at."""
        return self.adoption is Adoption.APPLY or bool(self.adopted & {member, "*"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountObject:
    """A CloudAccount as last seen. `spec` is None when it could not be understood; `problem` then says why.

    `paused` keeps every cloud write from its members.
    """

    key: ObjectKey
    uid: str
    generation: int
    resource_version: str
    spec: AccountSpec | None
    problem: Reason | None = None
    paused: bool = False
    record: AccountRecord = field(default_factory=AccountRecord)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolObject:
    """A MultiCloudPool as last seen. `spec` is None when it could not be understood; `problem` then says why.

    `record` is what its status remembers.
    """

    key: ObjectKey
    uid: str
    generation: int
    resource_version: str
    spec: PoolSpec | None
    problem: Reason | None = None
    record: PoolRecord = field(default_factory=PoolRecord)


StoredObject = AccountObject | PoolObject
