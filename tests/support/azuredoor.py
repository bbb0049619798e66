"""The AKS door on a scripted ARM and Entra, with one agent pool in the vendor's words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from multicloud.clouds.aks.door import open_door
from multicloud.model.account import AzureAccount
from multicloud.model.error import NotSent
from multicloud.model.port import CloudDoor
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import Cloud, ClusterRef, NodePoolRef
from multicloud.model.size import Detail, NodePool, ReadySource
from multicloud.settings import AzureEndpoints, Endpoint
from support.told import pools_of
from support.vendor import Answer, Vendor

TENANT = "00000000-0000-0000-0000-0000000000aa"
CLIENT = "00000000-0000-0000-0000-0000000000bb"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
ACCOUNT = AzureAccount(tenant_id=TENANT, client_id=CLIENT, subscription_id=SUBSCRIPTION)
SECRET = "made-up-client-secret"
CLUSTER = ClusterRef(cloud=Cloud.AZURE, owner=SUBSCRIPTION, group="shop", name="shop-prod")
OTHER = ClusterRef(cloud=Cloud.AZURE, owner=SUBSCRIPTION, group="shop", name="shop-batch")
ETAG = "6c2a0f4e-0000-4000-8000-000000000001"


class Fence:
    """A `before_send` that counts, can be closed, and can let something happen right before the bytes leave."""

    def __init__(self) -> None:
        self.asked = 0
        self.closed = False
        self.then: Callable[[], object] | None = None

    def __call__(self) -> None:
        self.asked += 1
        if self.closed:
            raise NotSent(Reason(code=Code.STOPPED, text="the stop switch is on"))
        if self.then is not None:
            self.then()


def agent_pool(name: str = "web", **changes: Any) -> dict[str, Any]:
    """An agent pool as ARM tells it."""
    properties = {
        "count": 4,
        "eTag": ETAG,
        "provisioningState": "Succeeded",
        "powerState": {"code": "Running"},
        "mode": "User",
        "type": "VirtualMachineScaleSets",
        "vmSize": "Standard_D4s_v5",
        "currentOrchestratorVersion": "1.36.1",
        "orchestratorVersion": "1.36",
        "nodeImageVersion": "AKSUbuntu-2404gen2containerd-202612.01.0",
        "nodeLabels": {"team": "shop"},
        "nodeTaints": ["spot=yes:NoSchedule"],
        "tags": {"cost": "42"},
        "spotMaxPrice": -1,
        "upgradeSettings": {"maxSurge": "10%"},
    }
    return {"id": f"/x/agentPools/{name}", "name": name, "type": "x", "properties": {**properties, **changes}}


def pool_fact(*, version: str = ETAG, requested: int = 4) -> NodePool:
    return NodePool(
        ref=NodePoolRef(cluster=CLUSTER, name="web"),
        claim="c",
        incarnation="c",
        requested=requested,
        nodes=requested,
        ready=requested,
        ready_source=ReadySource.ASSUMED,
        version=version,
    )


def serve_entra(vendor: Vendor) -> None:
    """Answer as Entra does to a right client secret."""
    root = f"{vendor.url}/{TENANT}"
    configuration = {
        "token_endpoint": f"{root}/oauth2/v2.0/token",
        "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
        "issuer": f"{root}/v2.0",
    }
    vendor.answer("GET", "/.well-known/openid-configuration", Answer(body=configuration))
    token = {"access_token": "opaque-token", "expires_in": 3600, "token_type": "Bearer"}
    vendor.answer("POST", "/oauth2/v2.0/token", Answer(body=token))


def scripted_door(
    vendor: Vendor,
    fence: Callable[[], None],
    *,
    account: AzureAccount = ACCOUNT,
    secret: Mapping[str, bytes] | None = None,
    call_timeout_s: float = 10,
) -> CloudDoor:
    serve_entra(vendor)
    endpoint = Endpoint(url=vendor.url, ca_file=vendor.ca_file)
    return open_door(
        account,
        {"clientSecret": SECRET.encode()} if secret is None else secret,
        AzureEndpoints(arm=endpoint, authority=endpoint),
        before_send=fence,
        call_timeout_s=call_timeout_s,
    )


def read(door: CloudDoor, cluster: ClusterRef = CLUSTER) -> Sequence[NodePool]:
    """The node pools of one cluster; raises its error."""
    return pools_of(door.node_pools.list([cluster], detail=Detail.FULL), cluster)
