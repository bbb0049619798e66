"""Azure's own SDK on a running lab: credential, client, and one cluster's agent pools without waits."""

from collections.abc import Callable, Mapping
from typing import Any

from azure.identity import ClientSecretCredential
from azure.mgmt.containerservice import ContainerServiceClient
from azure.mgmt.containerservice.models import AgentPool

from multicloud_lab.aks import AksEngine
from multicloud_lab.core.lab import Lab
from multicloud_lab.thread import LabThread

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
GROUP = "shop"
CLUSTER = "shop-prod"
CLUSTERS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.ContainerService/managedClusters"

Send = Callable[..., Any]
"""Sends a request of the test's own making through the SDK's pipeline."""


def engine_of(lab: Lab) -> AksEngine:
    engine = lab.engines["azure"]
    assert isinstance(engine, AksEngine)
    return engine


def credential(lab: LabThread, **changes: str) -> ClientSecretCredential:
    known = {**lab.document["credentials"]["azure"], **changes}
    return ClientSecretCredential(
        known["tenantId"],
        known["clientId"],
        known["clientSecret"],
        authority=lab.document["arm"]["authority"],
        disable_instance_discovery=True,
        connection_verify=lab.document["arm"]["caFile"],
        retry_total=0,
    )


def client(lab: LabThread, subscription: str = SUBSCRIPTION, **options: Any) -> ContainerServiceClient:
    arm = lab.document["arm"]
    return ContainerServiceClient(
        options.pop("credential", None) or credential(lab),
        subscription,
        base_url=arm["url"],
        connection_verify=arm["caFile"],
        retry_total=0,
        **options,
    )


class Pools:
    """One cluster's agent pools through the SDK, answers with their headers, nothing that sleeps."""

    def __init__(self, azure: ContainerServiceClient, cluster: str = CLUSTER) -> None:
        self.azure = azure
        self.cluster = cluster
        self.headers: dict[str, str] = {}
        self.status = 0

    def get(self, name: str = "web") -> AgentPool:
        return self.azure.agent_pools.get(GROUP, self.cluster, name)

    def put(self, pool: Mapping[str, Any], name: str = "web", **options: Any) -> Any:
        """Return the body of the answer; keep status and headers."""

        def keep(response: Any) -> None:
            self.status = response.http_response.status_code
            self.headers = dict(response.http_response.headers)

        poller: Any = self.azure.agent_pools.begin_create_or_update(
            GROUP, self.cluster, name, AgentPool(pool), polling=False, raw_response_hook=keep, **options
        )
        return poller.result()

    def resize(self, count: int, name: str = "web", **options: Any) -> Any:
        pool = self.get(name)
        pool.count = count
        return self.put(pool, name, **options)
