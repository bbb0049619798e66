"""The methods of ClusterManager: which message goes in, what the engine does, which message comes out.

One table for every transport, so that what is true over gRPC is true over REST. A method that is not
here is UNIMPLEMENTED.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.cloud.container_v1.types import cluster_service as cs
from google.protobuf import empty_pb2  # type: ignore[import-untyped]  # ships without types

from multicloud_lab.core.calls import Call
from multicloud_lab.gke import messages
from multicloud_lab.gke.calls import Outcome
from multicloud_lab.gke.engine import GkeEngine
from multicloud_lab.gke.names import Kind, Name

GET, LIST, UPDATE = "container.clusters.get", "container.clusters.list", "container.clusters.update"

Act = Callable[[GkeEngine, Name, Any, Call], Outcome[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method. `kind` says what its request names, `permission` what its caller needs ("" is a switch's).

    The message types are Any, because proto-plus gives each its own serializer by metaclass.
    """

    request: Any
    response: Any
    kind: Kind
    act: Act
    permission: str
    writes: bool = False

    @property
    def rate(self) -> str:
        """What Google's rate limit calls it."""
        return "Write" if self.writes else "Read"

    def pool(self, name: Name, request: Any) -> str | None:
        """Return the pool that a request is about, also one that is still to be created."""
        if self.request is cs.CreateNodePoolRequest:
            return str(request.node_pool.name) or None
        return name.pool

    def arguments(self, name: Name, request: Any) -> dict[str, object]:
        """Return what the journal keeps: the request with its target's full name, enough to do it again."""
        named_by = "parent" if "parent" in self.request.pb().DESCRIPTOR.fields_by_name else "name"
        told = messages.told(request)
        if self.request is cs.SetNodePoolSizeRequest:
            told["nodeCount"] = request.node_count
        return {named_by: name.canonical, **told}


def _list_clusters(engine: GkeEngine, name: Name, _request: Any, _call: Call) -> Outcome[Any]:
    clusters = [messages.cluster_message(cluster, engine.lab.member_apis) for cluster in engine.clusters(name)]
    return Outcome(answer=cs.ListClustersResponse(clusters=clusters))


def _get_cluster(engine: GkeEngine, name: Name, _request: Any, _call: Call) -> Outcome[Any]:
    return Outcome(answer=messages.cluster_message(engine.cluster(name), engine.lab.member_apis))


def _list_node_pools(engine: GkeEngine, name: Name, _request: Any, _call: Call) -> Outcome[Any]:
    cluster = engine.cluster(name)
    pools = [messages.pool_message(pool, cluster) for pool in cluster.pools.values()]
    return Outcome(answer=cs.ListNodePoolsResponse(node_pools=pools))


def _get_node_pool(engine: GkeEngine, name: Name, _request: Any, _call: Call) -> Outcome[Any]:
    return Outcome(answer=messages.pool_message(engine.pool(name), engine.cluster(name)))


def _get_operation(engine: GkeEngine, name: Name, _request: Any, _call: Call) -> Outcome[Any]:
    return Outcome(answer=messages.operation_message(engine.operation(name)))


def _list_operations(engine: GkeEngine, name: Name, _request: Any, _call: Call) -> Outcome[Any]:
    operations = [messages.operation_message(operation) for operation in engine.operations(name)]
    return Outcome(answer=cs.ListOperationsResponse(operations=operations))


def _server_config(engine: GkeEngine, name: Name, _request: Any, _call: Call) -> Outcome[Any]:
    return Outcome(answer=messages.server_config_message(engine.versions(name)))


def _set_size(engine: GkeEngine, name: Name, request: cs.SetNodePoolSizeRequest, call: Call) -> Outcome[Any]:
    return _operation(engine.set_size(name, request.node_count, call))


def _set_autoscaling(
    engine: GkeEngine, name: Name, request: cs.SetNodePoolAutoscalingRequest, call: Call
) -> Outcome[Any]:
    return _operation(engine.set_autoscaling(name, messages.autoscaling_of(request.autoscaling), call))


def _create(engine: GkeEngine, name: Name, request: cs.CreateNodePoolRequest, call: Call) -> Outcome[Any]:
    pool = request.node_pool
    wished = messages.without_output(messages.as_json(pool))
    return _operation(engine.create_pool(name, wished, messages.autoscaling_of(pool.autoscaling), call))


def _delete(engine: GkeEngine, name: Name, _request: Any, call: Call) -> Outcome[Any]:
    return _operation(engine.delete_pool(name, call))


def _update(engine: GkeEngine, name: Name, request: cs.UpdateNodePoolRequest, call: Call) -> Outcome[Any]:
    return _operation(engine.update_pool(name, messages.told(request), call))


def _cancel(engine: GkeEngine, name: Name, _request: Any, _call: Call) -> Outcome[Any]:
    cancelled = engine.cancel(name)
    return Outcome(answer=empty_pb2.Empty(), effective=cancelled.effective)


def _operation(outcome: Outcome[Any]) -> Outcome[Any]:
    return Outcome(
        answer=messages.operation_message(outcome.answer),
        effective=outcome.effective,
        from_=outcome.from_,
        to=outcome.to,
    )


class _Empty:
    """google.protobuf.Empty with the interface of the other messages."""

    @staticmethod
    def serialize(message: Any) -> bytes:
        """Return its bytes."""
        serialized: bytes = message.SerializeToString()
        return serialized

    @staticmethod
    def pb(message: Any) -> Any:
        """Return the message itself: it is no proto-plus one."""
        return message


def _read(request: Any, response: Any, kind: Kind, act: Act, permission: str) -> Method:
    return Method(request=request, response=response, kind=kind, act=act, permission=permission)


def _write(request: Any, kind: Kind, act: Act, response: Any = cs.Operation, permission: str = UPDATE) -> Method:
    return Method(request=request, response=response, kind=kind, act=act, permission=permission, writes=True)


METHODS: Mapping[str, Method] = {
    "ListClusters": _read(cs.ListClustersRequest, cs.ListClustersResponse, Kind.LOCATION, _list_clusters, LIST),
    "GetCluster": _read(cs.GetClusterRequest, cs.Cluster, Kind.CLUSTER, _get_cluster, GET),
    "ListNodePools": _read(cs.ListNodePoolsRequest, cs.ListNodePoolsResponse, Kind.CLUSTER, _list_node_pools, GET),
    "GetNodePool": _read(cs.GetNodePoolRequest, cs.NodePool, Kind.POOL, _get_node_pool, GET),
    "GetServerConfig": _read(cs.GetServerConfigRequest, cs.ServerConfig, Kind.LOCATION, _server_config, LIST),
    "GetOperation": _read(
        cs.GetOperationRequest, cs.Operation, Kind.OPERATION, _get_operation, "container.operations.get"
    ),
    "ListOperations": _read(
        cs.ListOperationsRequest,
        cs.ListOperationsResponse,
        Kind.LOCATION,
        _list_operations,
        "container.operations.list",
    ),
    "SetNodePoolSize": _write(cs.SetNodePoolSizeRequest, Kind.POOL, _set_size),
    "SetNodePoolAutoscaling": _write(cs.SetNodePoolAutoscalingRequest, Kind.POOL, _set_autoscaling),
    "CreateNodePool": _write(cs.CreateNodePoolRequest, Kind.CLUSTER, _create),
    "DeleteNodePool": _write(cs.DeleteNodePoolRequest, Kind.POOL, _delete),
    "UpdateNodePool": _write(cs.UpdateNodePoolRequest, Kind.POOL, _update),
    "CancelOperation": _write(cs.CancelOperationRequest, Kind.OPERATION, _cancel, response=_Empty, permission=""),
}
