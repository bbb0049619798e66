"""The methods of ClusterManager: which message goes in, what the engine does, which message comes out.

One table for every transport, so that what is true over gRPC is true over REST. A method that is not
here is UNIMPLEMENTED.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.cloud.container_v1.types import cluster_service as cs

from multicloud_lab.gke.calls import Outcome
from multicloud_lab.gke.engine import GkeEngine
from multicloud_lab.gke.messages import autoscaling_of, cluster_message, operation_message, pool_message
from multicloud_lab.gke.names import Kind, Name


def _nothing(_request: Any) -> Mapping[str, object]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method. `kind` says what its request names; `arguments` is what the journal keeps of the request.

    The message types are Any, because proto-plus gives each its own serializer by metaclass.
    """

    request: Any
    response: Any
    kind: Kind
    act: Callable[[GkeEngine, Name, Any], Outcome[Any]]
    arguments: Callable[[Any], Mapping[str, object]] = field(default=_nothing)


def _list_clusters(engine: GkeEngine, name: Name, _request: cs.ListClustersRequest) -> Outcome[Any]:
    return Outcome(
        answer=cs.ListClustersResponse(clusters=[cluster_message(cluster) for cluster in engine.clusters(name)])
    )


def _get_cluster(engine: GkeEngine, name: Name, _request: cs.GetClusterRequest) -> Outcome[Any]:
    return Outcome(answer=cluster_message(engine.cluster(name)))


def _list_node_pools(engine: GkeEngine, name: Name, _request: cs.ListNodePoolsRequest) -> Outcome[Any]:
    cluster = engine.cluster(name)
    pools = [pool_message(pool, cluster) for pool in cluster.pools.values()]
    return Outcome(answer=cs.ListNodePoolsResponse(node_pools=pools))


def _get_node_pool(engine: GkeEngine, name: Name, _request: cs.GetNodePoolRequest) -> Outcome[Any]:
    return Outcome(answer=pool_message(engine.pool(name), engine.cluster(name)))


def _set_node_pool_size(engine: GkeEngine, name: Name, request: cs.SetNodePoolSizeRequest) -> Outcome[Any]:
    return _operation(engine.set_size(name, request.node_count))


def _set_autoscaling(engine: GkeEngine, name: Name, request: cs.SetNodePoolAutoscalingRequest) -> Outcome[Any]:
    return _operation(engine.set_autoscaling(name, autoscaling_of(request.autoscaling)))


def _get_operation(engine: GkeEngine, name: Name, _request: cs.GetOperationRequest) -> Outcome[Any]:
    return Outcome(answer=operation_message(engine.operation(name)))


def _list_operations(engine: GkeEngine, name: Name, _request: cs.ListOperationsRequest) -> Outcome[Any]:
    operations = [operation_message(operation) for operation in engine.operations(name)]
    return Outcome(answer=cs.ListOperationsResponse(operations=operations))


def _operation(outcome: Outcome[Any]) -> Outcome[Any]:
    return Outcome(
        answer=operation_message(outcome.answer),
        effective=outcome.effective,
        from_=outcome.from_,
        to=outcome.to,
    )


def _size_arguments(request: cs.SetNodePoolSizeRequest) -> Mapping[str, object]:
    return {"nodeCount": request.node_count}


def _autoscaling_arguments(request: cs.SetNodePoolAutoscalingRequest) -> Mapping[str, object]:
    block = request.autoscaling
    return {
        "enabled": block.enabled,
        "minNodeCount": block.min_node_count,
        "maxNodeCount": block.max_node_count,
        "totalMinNodeCount": block.total_min_node_count,
        "totalMaxNodeCount": block.total_max_node_count,
    }


METHODS: Mapping[str, Method] = {
    "ListClusters": Method(
        request=cs.ListClustersRequest,
        response=cs.ListClustersResponse,
        kind=Kind.LOCATION,
        act=_list_clusters,
    ),
    "GetCluster": Method(
        request=cs.GetClusterRequest,
        response=cs.Cluster,
        kind=Kind.CLUSTER,
        act=_get_cluster,
    ),
    "ListNodePools": Method(
        request=cs.ListNodePoolsRequest,
        response=cs.ListNodePoolsResponse,
        kind=Kind.CLUSTER,
        act=_list_node_pools,
    ),
    "GetNodePool": Method(
        request=cs.GetNodePoolRequest,
        response=cs.NodePool,
        kind=Kind.POOL,
        act=_get_node_pool,
    ),
    "SetNodePoolSize": Method(
        request=cs.SetNodePoolSizeRequest,
        response=cs.Operation,
        kind=Kind.POOL,
        act=_set_node_pool_size,
        arguments=_size_arguments,
    ),
    "SetNodePoolAutoscaling": Method(
        request=cs.SetNodePoolAutoscalingRequest,
        response=cs.Operation,
        kind=Kind.POOL,
        act=_set_autoscaling,
        arguments=_autoscaling_arguments,
    ),
    "GetOperation": Method(
        request=cs.GetOperationRequest,
        response=cs.Operation,
        kind=Kind.OPERATION,
        act=_get_operation,
    ),
    "ListOperations": Method(
        request=cs.ListOperationsRequest,
        response=cs.ListOperationsResponse,
        kind=Kind.LOCATION,
        act=_list_operations,
    ),
}
