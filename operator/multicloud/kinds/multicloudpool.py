"""MultiCloudPool as manifests spell it: how much is wanted and which node pools may carry it.

Read by `parse`, turned into a schema by `crd`. A field stands here only when the operator acts on it.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from multicloud.kinds.allocation import PRICE_RULES, Allocation, Currency, HourlyPrice
from multicloud.kinds.disruption import DisruptionBlock
from multicloud.kinds.failover import FailoverBlock
from multicloud.kinds.shape import (
    GcpProject,
    Guid,
    Label,
    Nodes,
    ObjectName,
    Part,
    Switch,
    Units,
    WholeNumber,
    rule,
    rules,
)
from multicloud.model.approval import Approve
from multicloud.model.override import Override
from multicloud.model.reason import Reason
from multicloud.model.ref import Cloud, ClusterRef, NodePoolRef
from multicloud.model.size import CapacityType
from multicloud.model.spec import (
    Adoption,
    CloudRange,
    Deficit,
    Detect,
    Drift,
    MemberSpec,
    MemberState,
    Mode,
    PoolSpec,
    Price,
    Surplus,
)

MAX_MEMBERS = 100


class EksBlock(Part):
    """A managed node group of an EKS cluster."""

    cluster: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[0-9A-Za-z][A-Za-z0-9_-]*$")] = Field(
        description="Name of the EKS cluster."
    )
    region: Annotated[str, Field(max_length=32, pattern=r"^[a-z]{2,8}(-[a-z]{2,12}){1,3}-[0-9]{1,2}$")] = Field(
        description="AWS region of the cluster, for example us-east-1."
    )
    node_group: Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[0-9A-Za-z][A-Za-z0-9_-]*$")] = Field(
        description="Name of the managed node group."
    )

    def ref(self) -> NodePoolRef:
        """The node pool, the AWS account being the credentials' own."""
        return NodePoolRef(
            cluster=ClusterRef(cloud=Cloud.AWS, location=self.region, name=self.cluster), name=self.node_group
        )


class AksBlock(Part):
    """An agent pool of an AKS cluster."""

    # Azure allows letters of every script here; a full stop at the end is refused, so "." and ".." are, too.
    resource_group: Annotated[
        str, Field(min_length=1, max_length=90, pattern=r"^[-_.()\p{L}\p{N}]*[-_()\p{L}\p{N}]$")
    ] = Field(description="Resource group of the cluster (not the one of its nodes).")
    cluster: Annotated[
        str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9]([-_A-Za-z0-9]*[A-Za-z0-9])?$")
    ] = Field(description="Name of the AKS cluster.")
    agent_pool: Annotated[str, Field(min_length=1, max_length=12, pattern=r"^[a-z][a-z0-9]*$")] = Field(
        description="Name of the agent pool."
    )
    subscription_id: Guid | None = Field(
        default=None, description="Subscription of the cluster, a GUID. Absent: the account's."
    )

    def ref(self) -> NodePoolRef:
        """The node pool, in the account's subscription where none is named."""
        owner = (self.subscription_id or "").lower()
        cluster = ClusterRef(cloud=Cloud.AZURE, owner=owner, group=self.resource_group, name=self.cluster)
        return NodePoolRef(cluster=cluster, name=self.agent_pool)


GkeName = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$")]


class GkeBlock(Part):
    """A node pool of a GKE cluster."""

    location: Annotated[str, Field(max_length=40, pattern=r"^[a-z]+(-[a-z]+)+[0-9]+(-[a-z][a-z0-9]*)?$")] = Field(
        description="Region or zone of the cluster, for example europe-west1 or europe-west1-b."
    )
    cluster: GkeName = Field(description="Name of the GKE cluster.")
    node_pool: GkeName = Field(description="Name of the node pool.")
    project: GcpProject | None = Field(default=None, description="Project of the cluster. Absent: the account's.")

    def ref(self) -> NodePoolRef:
        """The node pool, in the account's project where none is named."""
        cluster = ClusterRef(cloud=Cloud.GCP, owner=self.project or "", location=self.location, name=self.cluster)
        return NodePoolRef(cluster=cluster, name=self.node_pool)


class AccountRef(Part):
    """A CloudAccount in the namespace of the pool."""

    name: ObjectName = Field(description="Name of the CloudAccount, in the same namespace.")


class KubeconfigSecretRef(Part):
    """A Secret in the namespace of the pool, with the key `kubeconfig`."""

    name: ObjectName = Field(description="Name of the Secret, in the same namespace.")


class AutoscalingPolicy(StrEnum):
    """What to do with a node pool that an autoscaler of others sizes."""

    REFUSE = "Refuse"


class ProviderAutoscaling(Part):
    """What to make of an autoscaler that is not ours."""

    policy: AutoscalingPolicy = Field(
        default=AutoscalingPolicy.REFUSE,
        description="Refuse: never resize the node pool while an autoscaler does; it counts with what is ready.",
    )
    detect: Detect = Field(
        default=Detect.AUTO,
        description="Auto: the cloud's own autoscaling setting, a Cluster Autoscaler that the cluster itself shows, and on EKS "
        "a size that others moved twice within 30 minutes (ForeignScaler). "
        "On: there is one. Off: what the cluster shows is not asked; the cloud's own setting still counts.",
    )


_ONE_BLOCK = "exactly one of eks, aks and gke must be set"


class Member(Part):
    """One node pool that may carry units."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule("[has(self.eks), has(self.aks), has(self.gke)].filter(set, set).size() == 1", _ONE_BLOCK),
            rule("self.minNodes <= self.maxNodes", "minNodes must not be above maxNodes", field=".minNodes"),
        )
    )

    name: Label = Field(description="Name of the member in this pool; status, reasons and adoption refer to it.")
    account_ref: AccountRef = Field(description="The CloudAccount that reaches the node pool.")
    eks: EksBlock | None = Field(default=None, description="An EKS managed node group.")
    aks: AksBlock | None = Field(default=None, description="An AKS agent pool.")
    gke: GkeBlock | None = Field(default=None, description="A GKE node pool.")
    state: MemberState = Field(
        default=MemberState.ACTIVE,
        description="Active: sized by the operator. Frozen: never written to; its ready nodes still count. Drain: "
        "never grows, goes to no nodes as others get ready in its place, minNodes notwithstanding.",
    )
    min_nodes: Nodes = Field(default=0, description="Fewest nodes to ask the cloud for, over all zones.")
    max_nodes: Nodes = Field(description="Most nodes to ask the cloud for, over all zones.")
    cloud_range: CloudRange = Field(
        default=CloudRange.RESPECT,
        description="Respect: sizes also stay inside the cloud's own range (EKS scalingConfig). Widen: that range is "
        "moved with the size as far as needed, and never narrowed.",
    )
    units_per_node: Annotated[WholeNumber, Field(ge=1, le=1024)] = Field(
        default=1, description="Units that one node carries; the unit is your smallest node."
    )
    weight: Annotated[WholeNumber, Field(ge=0, le=1000)] = Field(
        default=1, description="Share among members of one priority. 0: used only when the others are full."
    )
    priority: Annotated[WholeNumber, Field(ge=-1000, le=1000)] = Field(
        default=0, description="Higher is filled first, with allocation.strategy Priority."
    )
    capacity_type: CapacityType = Field(
        default=CapacityType.ON_DEMAND,
        description="What the node pool's machines are, OnDemand or Spot. A node pool whose cloud says otherwise is "
        "left alone (CapacityTypeMismatch).",
    )
    hourly_price: HourlyPrice | None = Field(
        default=None,
        description='What one node costs in an hour, in spec.currency: 0.0001 to 1000 as a decimal string, or "0" on '
        "purpose. Absent: unknown, which is never free.",
    )
    provider_autoscaling: ProviderAutoscaling = Field(
        default=ProviderAutoscaling(), description="What to make of an autoscaler that is not ours."
    )
    kubeconfig_secret_ref: KubeconfigSecretRef | None = Field(
        default=None,
        description="Secret with a kubeconfig of the cluster: inline data only, of a host that the administrator allows. "
        "Only where the account's identity cannot reach the cluster's API.",
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if sum(block is not None for block in (self.eks, self.aks, self.gke)) != 1:
            raise ValueError(_ONE_BLOCK)
        if self.min_nodes > self.max_nodes:
            raise ValueError("minNodes must not be above maxNodes")
        return self

    def to_model(self, currency: str) -> MemberSpec:
        """Say it in the words of `model`; prices are in that currency."""
        block = self.eks or self.aks or self.gke
        if block is None:
            raise ValueError(_ONE_BLOCK)
        return MemberSpec(
            name=self.name,
            account=self.account_ref.name,
            node_pool=block.ref(),
            state=self.state,
            min_nodes=self.min_nodes,
            max_nodes=self.max_nodes,
            cloud_range=self.cloud_range,
            units_per_node=self.units_per_node,
            weight=self.weight,
            priority=self.priority,
            capacity_type=self.capacity_type,
            price=None if self.hourly_price is None else Price(amount=Decimal(self.hourly_price), currency=currency),
            detect_autoscaler=self.provider_autoscaling.detect,
            kubeconfig=self.kubeconfig_secret_ref.name if self.kubeconfig_secret_ref else "",
        )


class DriftBlock(Part):
    """What to do when somebody else resized a node pool."""

    surplus: Surplus = Field(
        default=Surplus.HOLD,
        description="Of nodes added by others. Hold: they stay on top of the plan for holdSeconds, then leave by "
        "ordinary scale-down. Correct: they leave at once by ordinary scale-down, at most 3 times an hour for each "
        "member. Report: they stay on top until the annotation multicloud.dev/accept-drift or correct-drift decides.",
    )
    deficit: Deficit = Field(
        default=Deficit.CORRECT,
        description="Of nodes removed by others. Correct: they are asked for again where wished. Report: they are asked "
        "for nowhere, what minReplicas needs apart, until the annotation multicloud.dev/accept-drift or correct-drift "
        "decides.",
    )
    hold_seconds: Annotated[WholeNumber, Field(ge=0, le=604_800)] = Field(
        default=3600, description="Seconds that a surplus is held."
    )

    def to_model(self) -> Drift:
        """Say it in the words of `model`."""
        return Drift(surplus=self.surplus, deficit=self.deficit, hold_s=self.hold_seconds)


class MultiCloudPoolSpec(Part):
    """How much capacity is wanted, in units, and which node pools may carry it."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.minReplicas <= self.maxReplicas",
                "minReplicas must not be above maxReplicas",
                field=".minReplicas",
            ),
            *PRICE_RULES,
        )
    )

    replicas: Units | None = Field(
        default=None,
        description="Wanted units, also set by `kubectl scale`. Absent: nobody chose a number, what runs is held. "
        "It is clamped to minReplicas and maxReplicas, and status says so.",
    )
    min_replicas: Units = Field(description="Fewest units to keep, whatever is wished.")
    max_replicas: Units = Field(description="Most units to ask for, whatever is wished.")
    mode: Mode = Field(
        default=Mode.APPLY,
        description="Apply: resize node pools. ApproveShrink: grow them, and ask before any node goes. Plan: ask before "
        "anything. What is asked for stands in status.plan; the annotation multicloud.dev/approve with its hash lets it "
        "happen, once.",
    )
    paused: Switch = Field(
        default=False,
        description='True: make no cloud write. The annotation multicloud.dev/paused: "true" does the same.',
    )
    adoption: Adoption = Field(
        default=Adoption.KEEP_SIZE,
        description="KeepSize: never go below the size a node pool was found at until the annotation "
        "multicloud.dev/adopt names the member (or *). Apply: no such floor.",
    )
    currency: Currency = Field(
        default="USD", description="Currency of every price and amount here, as ISO 4217 has it."
    )
    allocation: Allocation = Field(default=Allocation(), description="How units are shared among members.")
    disruption: DisruptionBlock = Field(
        default=DisruptionBlock(), description="How fast nodes may be removed, and when."
    )
    drift: DriftBlock = Field(default=DriftBlock(), description="What to do when somebody else resized a node pool.")
    failover: FailoverBlock = Field(
        default=FailoverBlock(), description="What happens when a cloud does not deliver, and how a member comes back."
    )
    members: Annotated[
        tuple[Member, ...],
        Field(
            min_length=1,
            max_length=MAX_MEMBERS,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = Field(description="The node pools that may carry units, 1 to 100, each name once.")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise ValueError("minReplicas must not be above maxReplicas")
        names = [member.name for member in self.members]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"members: doubled names: {', '.join(doubled)}")
        unpriced = any(member.hourly_price is None for member in self.members)
        if (problem := self.allocation.problem(unpriced=unpriced)) is not None:
            raise ValueError(problem)
        return self

    def to_model(
        self,
        *,
        paused: bool,
        scale_in_paused: bool,
        adopted: frozenset[str],
        override: Override | Reason | None,
        approve: Approve | None,
        drift: Drift,
    ) -> PoolSpec:
        """Say it in the words of `model`; the arguments are what the annotations say."""
        return PoolSpec(
            replicas=self.replicas,
            min_replicas=self.min_replicas,
            max_replicas=self.max_replicas,
            mode=self.mode,
            paused=self.paused or paused,
            adoption=self.adoption,
            strategy=self.allocation.strategy,
            currency=self.currency,
            survive=self.allocation.survivals(),
            max_spot_percent=self.allocation.spot.max_percent,
            min_on_demand=self.allocation.spot.min_on_demand_replicas,
            max_hourly_cost=self.allocation.ceiling(),
            saving=self.allocation.saving(),
            disruption=self.disruption.to_model(),
            drift=drift,
            failover=self.failover.to_model(),
            scale_in_paused=scale_in_paused,
            adopted=adopted,
            override=override,
            approve=approve,
            members=tuple(member.to_model(self.currency) for member in self.members),
        )
