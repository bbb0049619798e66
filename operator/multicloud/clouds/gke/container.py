"""Kubernetes Engine's API over gRPC as typed calls: the only place that touches the vendor's untyped messages.

`pools` calls it on lane threads. A channel interceptor, the last code of ours before gRPC, adds the token and asks the
fence; so a login that fails is a typed error, and nothing slow stands between the fence and the bytes.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import grpc
from google.api_core.exceptions import GoogleAPICallError
from google.cloud.container_v1 import ClusterManagerClient
from google.cloud.container_v1.services.cluster_manager.transports import ClusterManagerGrpcTransport
from google.cloud.container_v1.types import cluster_service as messages

from multicloud.clouds.gke.compute import GroupKey
from multicloud.clouds.gke.errors import NAME_OF_NUMBER, VENDOR, Told, of_answer
from multicloud.clouds.gke.login import CONNECT_S, Login
from multicloud.clouds.verdicts import NOT_CONNECTED_IN_TIME, lost, no_answer_at_all, of_silence
from multicloud.model.exchange import Exchange, Tap
from multicloud.model.reason import Code
from multicloud.model.ref import ClusterRef, NodePoolRef
from multicloud.model.size import CapacityType
from multicloud.settings import Endpoint

PUBLIC_CONTAINER = "https://container.googleapis.com"

_OPTIONS = (
    ("grpc.enable_retries", 0),
    ("grpc.max_receive_message_length", -1),
    # gRPC gives a connection attempt as long as its shortest back-off, and by default pauses up to two minutes.
    ("grpc.min_reconnect_backoff_ms", 3000),
    ("grpc.initial_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 10000),
)
_GROUP_URL = re.compile(r"/zones/([^/]+)/instanceGroup(?:Manager)?s/([^/]+)$")
_TARGET = re.compile(r"/(?:zones|locations)/([^/]+)/clusters/([^/]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A node pool as Kubernetes Engine tells it. `wished_at_creation` is per zone; it is not a present size."""

    name: str
    status: str
    groups: tuple[GroupKey, ...]
    zones: int
    autoscaling: bool
    capacity: CapacityType | None
    wished_at_creation: int
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudOperation:
    """An operation: `location` and `cluster` are what it works on, empty where it does not say; `error` None is well."""

    name: str
    status: str
    kind: str
    location: str
    cluster: str
    error: Told | None

    @property
    def is_done(self) -> bool:
        """True when it has ended, well or not."""
        return self.status == "DONE"


class _CallDetails(NamedTuple):
    method: str
    timeout: float | None
    metadata: Sequence[tuple[str, str]]
    credentials: Any
    wait_for_ready: bool | None
    compression: Any


class _LastHook(grpc.UnaryUnaryClientInterceptor):  # type: ignore[misc]  # grpc ships without types
    """Signs every call and fences the mutations."""

    def __init__(self, login: Login, before_send: Callable[[], None], host: str, tap: Tap | None) -> None:
        self._login = login
        self._before_send = before_send
        self._host = host
        self._tap = tap

    def intercept_unary_unary(self, continuation: Callable[[Any, Any], Any], details: Any, request: Any) -> Any:
        bearer = self._login.bearer()
        signed = _CallDetails(
            method=details.method,
            timeout=details.timeout,
            metadata=(*(details.metadata or ()), ("authorization", f"Bearer {bearer}")),
            credentials=details.credentials,
            wait_for_ready=details.wait_for_ready,
            compression=details.compression,
        )
        if _is_mutation(details.method):
            self._before_send()
        call = continuation(signed, request)
        if call.code() is grpc.StatusCode.UNAUTHENTICATED:
            self._login.forget(bearer)
        if self._tap is not None:
            self._tap(_exchange(self._host, _text_of(details.method), request, call))
        return call


def _is_mutation(method: str | bytes) -> bool:
    return not _text_of(method).rpartition("/")[2].startswith(("Get", "List"))


def _text_of(method: str | bytes) -> str:
    return method.decode() if isinstance(method, bytes) else method


def _exchange(host: str, method: str, request: Any, call: Any) -> Exchange:
    """A finished call as JSON texts; an error's answer is its sentence."""
    status = call.code()
    if status is grpc.StatusCode.OK:
        message: Any = call.result()
        answer = str(type(message).to_json(message))
    else:
        answer = json.dumps({"message": str(call.details())})
    return Exchange(
        service="container",
        method="gRPC",
        url=f"https://{host}{method}",
        sent=type(request).to_json(request),
        status=status.name,
        headers={str(name): str(value) for name, value in call.initial_metadata() or ()},
        answer=answer,
    )


class Container:
    """The calls on ClusterManager. No call is retried by the SDK; each has a deadline."""

    def __init__(
        self,
        login: Login,
        endpoint: Endpoint | None,
        roots: bytes | None,
        before_send: Callable[[], None],
        *,
        timeout_s: float,
        tap: Tap | None = None,
    ) -> None:
        """Make the channel, which connects at the first call. `roots` None trusts the public authorities."""
        target = urlsplit(PUBLIC_CONTAINER if endpoint is None else endpoint.url)
        host = f"{target.hostname}:{target.port or 443}"
        channel = grpc.secure_channel(
            host,
            grpc.ssl_channel_credentials(root_certificates=roots),
            options=_OPTIONS,
        )
        self._channel = channel
        fenced = grpc.intercept_channel(channel, _LastHook(login, before_send, host, tap))
        self._client: Any = ClusterManagerClient(transport=ClusterManagerGrpcTransport(channel=fenced))
        self._timeout_s = timeout_s

    def node_pools(self, cluster: ClusterRef) -> Sequence[Description]:
        """Describe the node pools of a cluster. Raises CloudError."""
        request = messages.ListNodePoolsRequest(parent=cluster_path(cluster))
        what = f"reading the node pools of {cluster}"
        answer = self._call(self._client.list_node_pools, request, what, write=False)
        return [_description(pool) for pool in answer.node_pools]

    def way_in(self, cluster: ClusterRef) -> tuple[str, str]:
        """Where the cluster's own Kubernetes API answers, and its authority as base64. Raises CloudError."""
        request = messages.GetClusterRequest(name=cluster_path(cluster))
        answer = self._call(self._client.get_cluster, request, f"reading cluster {cluster}", write=False)
        return str(answer.endpoint), str(answer.master_auth.cluster_ca_certificate)

    def operations(self, project: str, location: str) -> Sequence[CloudOperation]:
        """List the operations of a location that Google still knows, ended ones too. Raises CloudError."""
        parent = f"projects/{project}/locations/{location}"
        request = messages.ListOperationsRequest(parent=parent)
        answer = self._call(self._client.list_operations, request, f"listing the operations of {parent}", write=False)
        return [_operation(operation) for operation in answer.operations]

    def operation(self, path: str) -> CloudOperation:
        """Read one operation by its full name. Raises CloudError."""
        request = messages.GetOperationRequest(name=path)
        answer = self._call(self._client.get_operation, request, f"asking for {path}", write=False)
        return _operation(answer)

    def set_size(self, pool: NodePoolRef, per_zone: int) -> CloudOperation:
        """Ask for so many nodes in each zone of the pool. Raises CloudError."""
        name = f"{cluster_path(pool.cluster)}/nodePools/{pool.name}"
        request = messages.SetNodePoolSizeRequest(name=name, node_count=per_zone)
        what = f"resizing node pool {pool}"
        self._connect(what)
        operation = _operation(self._call(self._client.set_node_pool_size, request, what, write=True))
        if not operation.name:
            raise lost(what, VENDOR, "took it without naming an operation", Code.UNEXPECTED)
        return operation

    def _connect(self, what: str) -> None:
        """Have a connection before the fence is asked: else the bytes could leave a whole deadline after its answer."""
        ready = grpc.channel_ready_future(self._channel)
        try:
            ready.result(timeout=min(CONNECT_S, self._timeout_s))
        except grpc.FutureTimeoutError:
            raise of_silence(NOT_CONNECTED_IN_TIME, what, VENDOR, write=True) from None
        finally:
            ready.cancel()

    def _call(self, method: Callable[..., Any], request: Any, what: str, *, write: bool) -> Any:
        try:
            return method(request=request, retry=None, timeout=self._timeout_s)
        except GoogleAPICallError as error:
            raise of_answer(_told(error), what, write=write) from None
        except (ValueError, TypeError, AttributeError) as error:
            raise of_silence(no_answer_at_all(error), what, VENDOR, write=write) from None


def cluster_path(cluster: ClusterRef) -> str:
    """The cluster's resource name."""
    return f"projects/{cluster.owner}/locations/{cluster.location}/clusters/{cluster.name}"


def _description(pool: Any) -> Description:
    groups = tuple((match[1], match[2]) for url in pool.instance_group_urls if (match := _GROUP_URL.search(url)))
    zones = len(pool.locations) or len({zone for zone, _ in groups}) or 1
    problems = [f"{_canonical(condition.canonical_code)}: {condition.message}" for condition in pool.conditions]
    return Description(
        name=pool.name,
        status=_name(pool.status),
        groups=groups,
        zones=zones,
        autoscaling=pool.autoscaling.enabled,
        capacity=_capacity(pool),
        wished_at_creation=pool.initial_node_count,
        words="; ".join(problems) or pool.status_message,
    )


def _capacity(pool: Any) -> CapacityType | None:
    """What the machines are; preemptible ones are spot machines with an end. A pool without a configuration tells nothing."""
    if "config" not in pool:
        return None
    return CapacityType.SPOT if pool.config.spot or pool.config.preemptible else CapacityType.ON_DEMAND


def _operation(operation: Any) -> CloudOperation:
    target = _TARGET.search(operation.target_link)
    error = None
    if operation.error.code:
        error = Told(code=_canonical(operation.error.code), message=operation.error.message)
    return CloudOperation(
        name=operation.name,
        status=_name(operation.status),
        kind=_name(operation.operation_type),
        location=target[1] if target else "",
        cluster=target[2] if target else "",
        error=error,
    )


def _canonical(number: int) -> str:
    return NAME_OF_NUMBER.get(number, str(number))


def _name(value: Any) -> str:
    """An enum's name; a number that the SDK does not know yet stays a number."""
    return str(getattr(value, "name", value))


def _told(error: GoogleAPICallError) -> Told:
    status = error.grpc_status_code
    waits = [detail.retry_delay for detail in error.details if hasattr(detail, "retry_delay")]
    return Told(
        code="UNKNOWN" if status is None else status.name,
        reason=str(error.reason or ""),
        message=str(error.message or ""),
        retry_after_s=waits[0].seconds + waits[0].nanos / 1e9 if waits else None,
    )
