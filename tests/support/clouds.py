"""Every cloud as the conformance suite needs it: how its door is opened on the lab, where its pools are, what differs.

A new cloud is one more entry in `GROUNDS`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from multicloud.clouds.aks import door as aks
from multicloud.clouds.eks import door as eks
from multicloud.clouds.gke import door as gke
from multicloud.clouds.registry import policy_of
from multicloud.model.account import AccountObject, AccountSpec, AwsAccount, AzureAccount, GcpAccount, Provider
from multicloud.model.error import CloudError
from multicloud.model.port import CloudDoor
from multicloud.model.ref import Cloud, ClusterRef, Kind, NodePoolRef, ObjectKey
from multicloud.model.size import Detail, NodePool
from multicloud.settings import AwsEndpoints, AzureEndpoints, Clouds, Endpoint, GcpEndpoints
from multicloud_lab.thread import LabThread
from support.told import pools_of

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
PROJECT = "shop-prod-1"

Secret = Mapping[str, bytes]


def endpoints(document: Mapping[str, Any]) -> Clouds:
    """Where the lab answers, as an administrator would set it."""
    arm, grpc = document["arm"], document["gke"]
    trust = Path(arm["caFile"])
    return Clouds(
        aws=AwsEndpoints(
            eks=Endpoint(url=document["eks"]["url"]),
            autoscaling=Endpoint(url=document["autoscaling"]["url"]),
            sts=Endpoint(url=document["sts"]["url"]),
        ),
        azure=AzureEndpoints(
            arm=Endpoint(url=arm["url"], ca_file=trust), authority=Endpoint(url=arm["authority"], ca_file=trust)
        ),
        gcp=GcpEndpoints(
            container=Endpoint(url=f"https://{grpc['grpc']}", ca_file=Path(grpc["caFile"])),
            compute=Endpoint(url=document["compute"]["url"]),
            token=Endpoint(url=document["google"]["token"]),
            resource_manager=Endpoint(url=document["google"]["resourceManager"]),
            iamcredentials=Endpoint(url=document["google"]["iamcredentials"]),
        ),
    )


def secret_of(cloud: Cloud, document: Mapping[str, Any]) -> dict[str, bytes]:
    """The keys of an account's Secret, as documented."""
    known = document["credentials"][str(cloud)]
    match cloud:
        case Cloud.AWS:
            return {name: known[name].encode() for name in ("accessKeyId", "secretAccessKey")}
        case Cloud.AZURE:
            return {"clientSecret": known["clientSecret"].encode()}
        case Cloud.GCP:
            return {"key.json": json.dumps(known).encode()}


def wrong_secret_of(cloud: Cloud, document: Mapping[str, Any]) -> dict[str, bytes]:
    """A Secret in the right form that the cloud does not accept."""
    right = secret_of(cloud, document)
    match cloud:
        case Cloud.AWS:
            return {**right, "secretAccessKey": b"not-the-lab-secret-key"}
        case Cloud.AZURE:
            return {"clientSecret": b"not-the-clients-secret"}
        case Cloud.GCP:
            known = json.loads(right["key.json"])
            known["client_email"] = f"nobody@{PROJECT}.iam.gserviceaccount.com"
            return {"key.json": json.dumps(known).encode()}


def provider_of(cloud: Cloud, document: Mapping[str, Any]) -> Provider:
    """The account's block."""
    match cloud:
        case Cloud.AWS:
            return AwsAccount()
        case Cloud.AZURE:
            known = document["credentials"]["azure"]
            return AzureAccount(tenant_id=known["tenantId"], client_id=known["clientId"], subscription_id=SUBSCRIPTION)
        case Cloud.GCP:
            return GcpAccount(project=PROJECT)


def account_of(cloud: Cloud, document: Mapping[str, Any], *, namespace: str = "shop") -> AccountObject:
    """A CloudAccount whose Secret is called `<cloud>-keys`."""
    return AccountObject(
        key=ObjectKey(kind=Kind.ACCOUNT, namespace=namespace, name=str(cloud)),
        uid=f"uid-{namespace}-{cloud}",
        generation=1,
        resource_version="1",
        spec=AccountSpec(provider=provider_of(cloud, document), secret=f"{cloud}-keys"),
    )


def open_on_lab(
    cloud: Cloud, document: Mapping[str, Any], secret: Secret | None, before_send: Callable[[], None]
) -> CloudDoor:
    """Open a cloud's door on the lab."""
    where, provider = endpoints(document), provider_of(cloud, document)
    match provider:
        case AwsAccount():
            return eks.open_door(provider, secret, where.aws, before_send=before_send, call_timeout_s=25)
        case AzureAccount():
            return aks.open_door(provider, secret, where.azure, before_send=before_send, call_timeout_s=25)
        case GcpAccount():
            return gke.open_door(provider, secret, where.gcp, before_send=before_send, call_timeout_s=25)
        case _:
            raise ValueError(f"no door for {provider}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """One cloud of the lab's seed.

    `web` has four nodes, each a zone's only one or all in one zone; `names` are all pools of its cluster. `write` is
    the vendor's name of the resize in the journal. `guard` is what keeps a repeated or stale write from doing harm: an
    idempotency token, a version that is compared, or only the caller's own look. `principal` is who the lab says we are,
    `caller` the same in its journal and permissions.
    `refuses_while_sick`: the lab's cloud takes no size of a sick pool, unless its switch says otherwise.
    `tells_lives_apart`: a pool made again under its name has another incarnation.
    """

    cloud: Cloud
    web: NodePoolRef
    other: ClusterRef
    names: frozenset[str]
    claim: str
    write: str
    guard: str
    principal: str
    caller: str
    refuses_while_sick: bool = False
    tells_lives_apart: bool = True

    def door(self, lab: LabThread, before_send: Callable[[], None], secret: Secret | None = None) -> CloudDoor:
        chosen = secret_of(self.cloud, lab.document) if secret is None else secret
        return open_on_lab(self.cloud, lab.document, chosen, before_send)

    def wrong_secret(self, lab: LabThread) -> Secret:
        """A Secret in the right form that the cloud does not accept."""
        return wrong_secret_of(self.cloud, lab.document)

    def read(self, door: CloudDoor, *, detail: Detail = Detail.FULL) -> NodePool:
        """The facts of `web`; raises what its cluster could not be read for."""
        told = door.node_pools.list([self.web.cluster], detail=detail)
        return next(pool for pool in pools_of(told, self.web.cluster) if pool.ref == self.web)

    def writes(self, lab: LabThread) -> Sequence[Mapping[str, object]]:
        """What of a resize reached the cloud, effective or not."""
        return [entry for entry in lab.journal() if entry["operation"] == self.write and entry["principal"] != "hand"]

    def hand(self, lab: LabThread, to: int) -> None:
        """A person resizes `web` in the vendor's console."""
        cluster, name = self.web.cluster.name, self.web.name
        lab.run(lambda running: running.engines[str(self.cloud)].resize_by_hand(cluster, name, to))

    def give_policy(self, lab: LabThread, *, without: str = "") -> None:
        """Allow the caller exactly what the operator's policy names, but one."""
        needs = [need.name for need in policy_of(self.cloud).needs if need.name != without]
        lab.run(lambda running: running.permissions.allow_only(str(self.cloud), self.caller, needs))

    def elsewhere(self, *, cluster: str | None = None, pool: str | None = None) -> NodePoolRef:
        """`web` under another name."""
        where = self.web.cluster if cluster is None else replace(self.web.cluster, name=cluster)
        return NodePoolRef(cluster=where, name=pool or self.web.name)


_EKS = ClusterRef(cloud=Cloud.AWS, location="us-east-1", name="shop-prod")
_AKS = ClusterRef(cloud=Cloud.AZURE, owner=SUBSCRIPTION, group="shop", name="shop-prod")
_GKE = ClusterRef(cloud=Cloud.GCP, owner=PROJECT, location="europe-west1-b", name="shop-batch")

GROUNDS: Sequence[Ground] = (
    Ground(
        cloud=Cloud.AWS,
        web=NodePoolRef(cluster=_EKS, name="web"),
        other=replace(_EKS, name="shop-batch"),
        names=frozenset({"web", "batch"}),
        claim="aws/111122223333/us-east-1/shop-prod/web",
        write="UpdateNodegroupConfig",
        guard="token",
        principal="arn:aws:iam::111122223333:user/lab",
        caller="lab",
        refuses_while_sick=True,
    ),
    Ground(
        cloud=Cloud.AZURE,
        web=NodePoolRef(cluster=_AKS, name="web"),
        other=replace(_AKS, name="shop-batch"),
        names=frozenset({"web", "system"}),
        claim=(
            f"/subscriptions/{SUBSCRIPTION}/resourcegroups/shop/providers/microsoft.containerservice"
            "/managedclusters/shop-prod/agentpools/web"
        ),
        write="AgentPools_CreateOrUpdate",
        guard="version",
        principal="00000000-0000-0000-0000-0000000000bb@00000000-0000-0000-0000-0000000000aa",
        caller="00000000-0000-0000-0000-0000000000bb",
        tells_lives_apart=False,
    ),
    Ground(
        cloud=Cloud.GCP,
        web=NodePoolRef(cluster=_GKE, name="web"),
        other=replace(_GKE, location="europe-west1", name="shop-prod"),
        names=frozenset({"web", "batch"}),
        claim=f"gcp/{PROJECT}/europe-west1-b/shop-batch/web",
        write="SetNodePoolSize",
        guard="look",
        principal=f"lab@{PROJECT}.iam.gserviceaccount.com",
        caller=f"lab@{PROJECT}.iam.gserviceaccount.com",
    ),
)


@dataclass(slots=True)
class MemorySecrets:
    """Secrets behind the port, counted; `failure` is raised instead where set."""

    held: dict[tuple[str, str], Secret] = field(default_factory=dict)
    reads: int = 0
    failure: CloudError | None = None

    async def read_secret(self, namespace: str, name: str) -> Secret:
        self.reads += 1
        if self.failure is not None:
            raise self.failure
        return self.held[namespace, name]
