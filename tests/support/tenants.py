"""Tenants on the same clouds: one account, one subscription and one project carry a cluster of each per tenant.

A tenant is a namespace with two identities in each cloud, only one of which its Secret holds at a time, and both of which
the clouds refuse everything on the other tenants' clusters. `strayed` reads the journal for calls by a wrong principal.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from multicloud_lab.core.lab import Lab
from multicloud_lab.core.seed import (
    AksCluster,
    AksPool,
    AwsPrincipal,
    AwsSeed,
    AzurePrincipal,
    AzureSeed,
    EksCluster,
    EksNodegroup,
    GcpPrincipal,
    GcpSeed,
    GkeCluster,
    GkePool,
    Seed,
)
from multicloud_lab.thread import LabThread

CLOUDS = ("aws", "azure", "gcp")
NODE_POOLS = ("web", "batch")
PROJECT = "shop-prod-1"
ZONE = "europe-west1-b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One of at most 26, by its letter."""

    letter: str

    @property
    def namespace(self) -> str:
        return f"team-{self.letter}"

    @property
    def cluster(self) -> str:
        """The name of its cluster in each cloud."""
        return f"fleet-{self.letter}"

    def principals(self, cloud: str) -> tuple[str, str]:
        """Both identities, as the journal calls them."""
        letter, number = self.letter, ord(self.letter)
        match cloud:
            case "aws":
                return f"{letter}-one", f"{letter}-two"
            case "azure":
                return f"00000000-0000-0000-0001-{number:012d}", f"00000000-0000-0000-0002-{number:012d}"
            case _:
                return (
                    f"{letter}-one@{PROJECT}.iam.gserviceaccount.com",
                    f"{letter}-two@{PROJECT}.iam.gserviceaccount.com",
                )

    def credentials(self, lab: LabThread, which: Mapping[str, int]) -> dict[str, Any]:
        """What to log in with, in the form of the lab's document; `which` names the identity of each cloud."""
        google = self.principals("gcp")[which["gcp"]]
        token = lab.document["google"]["token"]
        client = self.principals("azure")[which["azure"]]
        name = self.principals("aws")[which["aws"]]
        return {
            "aws": {"accessKeyId": _key_id(name), "secretAccessKey": f"secret-of-{name}"},
            "azure": {
                **lab.document["credentials"]["azure"],
                "clientId": client,
                "clientSecret": f"secret-of-{client}",
            },
            "gcp": lab.run(lambda lab: next(key.document(token) for key in lab.google_keys if key.email == google)),
        }

    def members(self, node_pool: str) -> list[dict[str, Any]]:
        """A member in each cloud."""
        blocks: dict[str, dict[str, Any]] = {
            "aws": {"eks": {"cluster": self.cluster, "region": "us-east-1", "nodeGroup": node_pool}},
            "azure": {"aks": {"resourceGroup": "shop", "cluster": self.cluster, "agentPool": node_pool}},
            "gcp": {"gke": {"location": ZONE, "cluster": self.cluster, "nodePool": node_pool}},
        }
        return [
            {"name": cloud, "accountRef": {"name": cloud}, "minNodes": 0, "maxNodes": 40, **blocks[cloud]}
            for cloud in CLOUDS
        ]


def seed_of(tenants: Sequence[Tenant], chance: int) -> Seed:
    """The lab's seed: the tenants' identities beside its usual ones, their clusters instead of its usual ones."""
    aws, azure, gcp = AwsSeed(), AzureSeed(), GcpSeed()
    groups = tuple(EksNodegroup(name=name, desired=3) for name in NODE_POOLS)
    agents = (AksPool(name="system", mode="System", count=1), *(AksPool(name=name, count=3) for name in NODE_POOLS))
    node_pools = tuple(GkePool(name=name, node_count=3) for name in NODE_POOLS)
    keys = [name for tenant in tenants for name in tenant.principals("aws")]
    clients = [client for tenant in tenants for client in tenant.principals("azure")]
    emails = [email for tenant in tenants for email in tenant.principals("gcp")]
    return Seed(
        random=chance,
        aws=AwsSeed(
            principals=(
                *aws.principals,
                *(AwsPrincipal(name=k, access_key_id=_key_id(k), secret_access_key=f"secret-of-{k}") for k in keys),
            ),
            clusters=tuple(EksCluster(name=tenant.cluster, nodegroups=groups) for tenant in tenants),
        ),
        azure=AzureSeed(
            principals=(
                *azure.principals,
                *(AzurePrincipal(name=c, client_id=c, client_secret=f"secret-of-{c}") for c in clients),
            ),
            clusters=tuple(AksCluster(name=tenant.cluster, pools=agents) for tenant in tenants),
        ),
        gcp=GcpSeed(
            project=PROJECT,
            principals=(*gcp.principals, *(GcpPrincipal(email=email) for email in emails)),
            clusters=tuple(
                GkeCluster(name=tenant.cluster, location=ZONE, zones=(ZONE,), pools=node_pools) for tenant in tenants
            ),
        ),
    )


def keep_apart(lab: LabThread, tenants: Sequence[Tenant]) -> None:
    """Forbid each tenant's identities everything on the clusters of the others."""

    def deny(running: Lab) -> None:
        for tenant in tenants:
            for cloud in CLOUDS:
                for principal in tenant.principals(cloud):
                    running.permissions.deny(principal, "*", f"*fleet-[!{tenant.letter}]*")

    lab.run(deny)


class Ownership:
    """Whose a cluster and a principal are, and whose each journalled call was about."""

    def __init__(self, lab: LabThread, tenants: Sequence[Tenant]) -> None:
        """Learn the Auto Scaling groups' names, which name no cluster."""
        self._by_cluster = {tenant.cluster: tenant for tenant in tenants}
        self._by_principal = {
            (cloud, principal): tenant
            for tenant in tenants
            for cloud in CLOUDS
            for principal in tenant.principals(cloud)
        }
        machines = lab.run(lambda running: running.machines())
        self._by_group = {group.name: self._by_cluster[group.cluster] for group in machines if group.cloud == "aws"}

    def of_principal(self, entry: Mapping[str, Any]) -> Tenant | None:
        """The tenant whose identity made the call."""
        return self._by_principal.get((entry["cloud"], entry["principal"]))

    def named(self, entry: Mapping[str, Any]) -> set[Tenant]:
        """The tenants whose clusters, groups or pools the call named."""
        groups: Iterable[str] = entry["arguments"].get("AutoScalingGroupNames") or ()
        clusters = [entry["cluster"]] if entry["cluster"] else []
        return {self._by_group[name] for name in groups} | {self._by_cluster[name] for name in clusters}

    def strayed(self, entries: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """Calls that named what is another's."""
        for entry in entries:
            named = self.named(entry)
            if named and named != {self.of_principal(entry)}:
                yield entry


def _key_id(name: str) -> str:
    return f"AKIALAB{''.join(letter for letter in name.upper() if letter.isalnum()):0<13}"
