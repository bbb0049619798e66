"""The GKE door on a scripted ClusterManager (gRPC over TLS) and scripted Compute and OAuth endpoints."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import grpc
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.cloud.container_v1.types import cluster_service as messages
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from multicloud.clouds.gke.door import open_door
from multicloud.model.account import GcpAccount
from multicloud.model.port import CloudDoor
from multicloud.model.ref import Cloud, ClusterRef, NodePoolRef
from multicloud.model.size import Detail, NodePool, ReadySource
from multicloud.settings import Endpoint, GcpEndpoints
from multicloud_lab.core.tls import Tls
from support.told import pools_of
from support.vendor import Answer, Vendor

PROJECT, LOCATION = "shop-prod-1", "europe-west1"
ACCOUNT = GcpAccount(project=PROJECT)
EMAIL = "pools@shop-prod-1.iam.gserviceaccount.com"
CLUSTER = ClusterRef(cloud=Cloud.GCP, owner=PROJECT, location=LOCATION, name="shop-prod")
OTHER = ClusterRef(cloud=Cloud.GCP, owner=PROJECT, location=LOCATION, name="shop-batch")
ZONES = ("europe-west1-b", "europe-west1-c")

_SERVICE = "/google.container.v1.ClusterManager/"
_CODES = {code.name: code for code in grpc.StatusCode}
_REQUESTS: dict[str, Any] = {
    "ListNodePools": messages.ListNodePoolsRequest,
    "ListOperations": messages.ListOperationsRequest,
    "GetOperation": messages.GetOperationRequest,
    "SetNodePoolSize": messages.SetNodePoolSizeRequest,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A refusal over gRPC: canonical code, sentence, ErrorInfo's reason; or silence."""

    code: str = "UNKNOWN"
    message: str = ""
    reason: str = ""
    hang: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    method: str
    request: Any
    authorization: str


class ClusterManager:
    """A ClusterManager on 127.0.0.1 that answers with messages, faults or what a function returns, by method and (optionally) cluster."""

    def __init__(self, tls: Tls) -> None:
        self.calls: list[Call] = []
        self._answers: dict[tuple[str, str], list[Any]] = {}
        self._end = threading.Event()
        self._server = grpc.server(ThreadPoolExecutor(4), options=(("grpc.so_reuseport", 0),))
        self._server.add_generic_rpc_handlers((self,))
        credentials = grpc.ssl_server_credentials([(tls.key_file.read_bytes(), tls.cert_file.read_bytes())])
        self.port = int(self._server.add_secure_port("127.0.0.1:0", credentials))

    def answer(self, method: str, *answers: Any, cluster: str = "") -> None:
        self._answers[method, cluster] = list(answers)

    def called(self, method: str) -> list[Call]:
        return [call for call in self.calls if call.method == method]

    def service(self, details: Any) -> Any:
        method = str(details.method).removeprefix(_SERVICE)
        return grpc.unary_unary_rpc_method_handler(lambda body, context: self._serve(method, body, context))

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._server.stop(grace=None).wait(5)

    def _serve(self, method: str, body: bytes, context: Any) -> bytes:
        request = _REQUESTS[method].deserialize(body)
        metadata = dict(context.invocation_metadata())
        self.calls.append(Call(method=method, request=request, authorization=metadata.get("authorization", "")))
        answer = self._next(method, str(getattr(request, "parent", "")).rpartition("/")[2])
        if callable(answer):
            answer = answer()
        if isinstance(answer, Fault):
            return self._fail(answer, context)
        return bytes(type(answer).serialize(answer)) if not isinstance(answer, bytes) else answer

    def _next(self, method: str, cluster: str) -> Any:
        answers = self._answers.get((method, cluster)) or self._answers.get((method, ""))
        if answers is None:
            return Fault(code="UNIMPLEMENTED", message=f"{method} is not scripted")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def _fail(self, fault: Fault, context: Any) -> bytes:
        if fault.hang:
            self._end.wait(30)
        status = Status(code=_CODES[fault.code].value[0], message=fault.message)
        if fault.reason:
            status.details.add().Pack(ErrorInfo(reason=fault.reason, domain="container.googleapis.com"))
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(_CODES[fault.code], fault.message)
        return b""


@cache
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


def key_json(token_uri: str) -> dict[str, object]:
    return {
        "type": "service_account",
        "project_id": "another-project",
        "private_key_id": "k1",
        "private_key": private_key(),
        "client_email": EMAIL,
        "token_uri": token_uri,
    }


def node_pool(name: str = "web", **changes: Any) -> messages.NodePool:
    fields = {
        "name": name,
        "status": "RUNNING",
        "initial_node_count": 7,
        "locations": ZONES,
        "instance_group_urls": [group_url(zone, name) for zone in ZONES],
    }
    return messages.NodePool(**{**fields, **changes})


def node_pools(*pools: messages.NodePool) -> messages.ListNodePoolsResponse:
    return messages.ListNodePoolsResponse(node_pools=pools)


def operation(status: str = "RUNNING", cluster: str = "shop-prod", **changes: Any) -> messages.Operation:
    fields = {
        "name": "operation-1-abc",
        "status": status,
        "operation_type": "UPGRADE_NODES",
        "target_link": f"https://container.googleapis.com/v1/projects/4711/locations/{LOCATION}/clusters/{cluster}",
    }
    return messages.Operation(**{**fields, **changes})


def operations(*running: messages.Operation) -> messages.ListOperationsResponse:
    return messages.ListOperationsResponse(operations=running)


def group_name(zone: str, pool: str) -> str:
    return f"gke-shop-prod-{pool}-{zone[-1]}-grp"


def group_url(zone: str, pool: str) -> str:
    name = group_name(zone, pool)
    return f"https://www.googleapis.com/compute/v1/projects/{PROJECT}/zones/{zone}/instanceGroupManagers/{name}"


def group(zone: str, pool: str = "web", *, target: int | None = 2, **actions: int) -> dict[str, Any]:
    told: dict[str, Any] = {"name": group_name(zone, pool), "currentActions": actions or {"none": target}}
    return told if target is None else {**told, "targetSize": target}


def groups_page(groups: Mapping[str, Sequence[Mapping[str, Any]]], **more: str) -> Answer:
    items: dict[str, Any] = {f"zones/{zone}": {"instanceGroupManagers": found} for zone, found in groups.items()}
    items["zones/us-east1-b"] = {"warning": {"code": "NO_RESULTS_ON_PAGE"}}
    return Answer(body={"kind": "compute#instanceGroupManagerAggregatedList", "items": items, **more})


class Google:
    """The three scripted endpoints, at rest with one pool of two nodes in each of two zones."""

    def __init__(self, manager: ClusterManager, rest: Vendor, tls: Tls) -> None:
        self.manager = manager
        self.rest = rest
        self._tls = tls
        self.token_uri = f"{rest.url}/token"
        manager.answer("ListNodePools", node_pools(node_pool()))
        manager.answer("ListOperations", operations())
        rest.answer("GET", "/instanceGroupManagers", groups_page({zone: [group(zone)] for zone in ZONES}))
        token = {"access_token": "opaque-token", "expires_in": 3600, "token_type": "Bearer"}
        rest.answer("POST", "/token", Answer(body=token))

    @property
    def endpoints(self) -> GcpEndpoints:
        return GcpEndpoints(
            container=Endpoint(url=f"https://127.0.0.1:{self.manager.port}", ca_file=self._tls.ca_file),
            compute=Endpoint(url=self.rest.url),
            token=Endpoint(url=self.token_uri),
            resource_manager=Endpoint(url=self.rest.url),
        )

    def door(
        self, fence: Callable[[], None], *, call_timeout_s: float = 10, key: Mapping[str, object] | None = None
    ) -> CloudDoor:
        secret = {"key.json": json.dumps({**key_json(self.token_uri), **(key or {})}).encode()}
        return open_door(ACCOUNT, secret, self.endpoints, before_send=fence, call_timeout_s=call_timeout_s)


def read(door: CloudDoor, cluster: ClusterRef = CLUSTER, *, detail: Detail = Detail.FULL) -> Sequence[NodePool]:
    """The node pools of one cluster; raises its error."""
    return pools_of(door.node_pools.list([cluster], detail=detail), cluster)


def pool_fact(*, step: int = 2) -> NodePool:
    return NodePool(
        ref=NodePoolRef(cluster=CLUSTER, name="web"),
        claim="c",
        incarnation="i",
        requested=4,
        nodes=4,
        ready=4,
        ready_source=ReadySource.CLOUD,
        step=step,
    )
