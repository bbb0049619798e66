"""ClusterManager asked in three ways with one set of words: gRPC, the SDK's REST transport, plain REST.

Requests and answers are in the JSON form of the messages, errors in one form, so that a script runs over each.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import grpc
import requests
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import Request
from google.cloud.container_v1 import ClusterManagerClient
from google.cloud.container_v1.services.cluster_manager.transports import (
    ClusterManagerGrpcTransport,
    ClusterManagerRestTransport,
)
from google.cloud.container_v1.types import cluster_service as cs
from google.oauth2 import credentials as oauth2
from google.oauth2 import service_account
from google.protobuf import json_format  # type: ignore[import-untyped]  # ships without types

from multicloud_lab.thread import LabThread

Json = dict[str, Any]

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TIMEOUT_S = 20.0


class Refused(Exception):
    """An error of Google's: its canonical code, sentence, ErrorInfo reason ("" without) and HTTP status (0: gRPC)."""

    def __init__(self, code: str, message: str, reason: str = "", status: int = 0) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.reason = reason
        self.status = status


class Wire(Protocol):
    """One way to ask."""

    def __call__(self, operation: str, /, **request: object) -> Json:
        """Return the answer's JSON. Raises Refused."""
        ...


@dataclass(frozen=True)
class _Spec:
    """A method: how the SDK calls it, and where it is by hand (`{name}` is the request's name or parent)."""

    python: str
    verb: str
    path: str


_SPECS = {
    "ListClusters": _Spec("list_clusters", "GET", "/clusters"),
    "GetCluster": _Spec("get_cluster", "GET", ""),
    "ListNodePools": _Spec("list_node_pools", "GET", "/nodePools"),
    "GetNodePool": _Spec("get_node_pool", "GET", ""),
    "CreateNodePool": _Spec("create_node_pool", "POST", "/nodePools"),
    "DeleteNodePool": _Spec("delete_node_pool", "DELETE", ""),
    "UpdateNodePool": _Spec("update_node_pool", "PUT", ""),
    "SetNodePoolSize": _Spec("set_node_pool_size", "POST", ":setSize"),
    "SetNodePoolAutoscaling": _Spec("set_node_pool_autoscaling", "POST", ":setAutoscaling"),
    "GetOperation": _Spec("get_operation", "GET", ""),
    "ListOperations": _Spec("list_operations", "GET", "/operations"),
    "CancelOperation": _Spec("cancel_operation", "POST", ":cancel"),
    "GetServerConfig": _Spec("get_server_config", "GET", "/serverConfig"),
    "DeleteCluster": _Spec("delete_cluster", "DELETE", ""),
}


def token_of(lab: LabThread) -> str:
    """Log in as the seed's service account."""
    key = lab.document["credentials"]["gcp"]
    account = service_account.Credentials.from_service_account_info(key, scopes=[SCOPE])
    account.refresh(Request())
    return str(account.token)


def parsed(kind: Any, request: Mapping[str, object]) -> Any:
    """Return a message of `kind` (a class of cluster_service) from its JSON."""
    message = kind()
    json_format.ParseDict(dict(request), kind.pb(message))
    return message


def _ask_sdk(client: Any, operation: str, request: Mapping[str, object]) -> Json:
    message = parsed(getattr(cs, f"{operation}Request"), request)
    try:
        answer = getattr(client, _SPECS[operation].python)(request=message, retry=None, timeout=TIMEOUT_S)
    except exceptions.GoogleAPICallError as error:
        raise _refused(error) from error
    return {} if answer is None else dict(json_format.MessageToDict(type(answer).pb(answer)))


def _refused(error: Any) -> Refused:
    if error.grpc_status_code is not None and error.response is None:
        return Refused(error.grpc_status_code.name, error.message, error.reason or "")
    rpc_error = error.errors[0] if error.errors else None
    if isinstance(rpc_error, grpc.RpcError):
        return Refused(error.grpc_status_code.name, error.message, error.reason or "")
    try:
        body = error.response.json()["error"]
    except (ValueError, AttributeError, KeyError, TypeError):
        return Refused("", error.message, "", int(error.code or 0))
    return Refused(body["status"], body["message"], error.reason or "", int(error.code or 0))


@dataclass
class Plain:
    """REST by hand."""

    url: str
    token: str | None
    headers: dict[str, str] = field(default_factory=dict)

    def send(self, verb: str, path: str, body: object = None, **query: str) -> requests.Response:
        headers = {**self.headers, **({"Authorization": f"Bearer {self.token}"} if self.token else {})}
        raw = body if isinstance(body, str) else json.dumps(body)
        if body is not None:
            headers["Content-Type"] = "application/json"
        return requests.request(
            verb, self.url + path, data=None if body is None else raw, headers=headers, params=query, timeout=TIMEOUT_S
        )

    def __call__(self, operation: str, /, **request: object) -> Json:
        spec = _SPECS[operation]
        wished = dict(request)
        target = wished.pop("parent", None) or wished.pop("name")
        body = wished if spec.verb in {"POST", "PUT"} else None
        answer = self.send(spec.verb, f"/v1/{target}{spec.path}", body)
        if answer.status_code >= 400:
            error = answer.json()["error"]
            details = {each["@type"].rpartition(".")[2]: each for each in error.get("details", [])}
            reason = details.get("ErrorInfo", {}).get("reason", "")
            raise Refused(error["status"], error["message"], reason, answer.status_code)
        found: Json = answer.json()
        return found


@contextmanager
def grpc_wire(lab: LabThread, token: str) -> Iterator[Wire]:
    """Ask over gRPC and TLS."""
    tls = grpc.ssl_channel_credentials(Path(lab.document["gke"]["caFile"]).read_bytes())
    bearer = grpc.access_token_call_credentials(token)
    with grpc.secure_channel(lab.document["gke"]["grpc"], grpc.composite_channel_credentials(tls, bearer)) as channel:
        client = ClusterManagerClient(transport=ClusterManagerGrpcTransport(channel=channel))
        yield lambda operation, /, **request: _ask_sdk(client, operation, request)


def rest_client(lab: LabThread, credentials: Any) -> ClusterManagerClient:
    """Return Google's client on its REST transport."""
    host = str(lab.document["gke"]["rest"]).removeprefix("http://")
    transport = ClusterManagerRestTransport(host=host, url_scheme="http", credentials=credentials)
    return ClusterManagerClient(transport=transport)


@contextmanager
def sdk_rest_wire(lab: LabThread, token: str) -> Iterator[Wire]:
    """Ask over the SDK's REST transport."""
    client = rest_client(lab, oauth2.Credentials(token=token) if token else AnonymousCredentials())
    with client:
        yield lambda operation, /, **request: _ask_sdk(client, operation, request)


@contextmanager
def plain_wire(lab: LabThread, token: str) -> Iterator[Plain]:
    """Ask over plain HTTP."""
    yield Plain(str(lab.document["gke"]["rest"]), token)


WIRES: Mapping[str, Callable[[LabThread, str], Any]] = {
    "grpc": grpc_wire,
    "sdk-rest": sdk_rest_wire,
    "plain-rest": plain_wire,
}
"""By name: given a lab and a token, a context with a Wire."""
