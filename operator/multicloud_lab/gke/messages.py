"""The engine's state as messages of google.container.v1, for every transport.

Only fields that a client of node pools reads are set; the rest stays absent, as Google leaves out
what does not apply. A pool's settings are given back as they were given.
"""

import base64
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from google.cloud.container_v1.types import cluster_service as cs
from google.protobuf import json_format  # type: ignore[import-untyped]  # ships without types

from multicloud_lab.core.clock import iso
from multicloud_lab.core.members import MemberApis
from multicloud_lab.gke.state import Autoscaling, Cluster, Json, Operation, OperationStatus, Pool, Problem, Status

OUTPUT_ONLY = frozenset(
    {
        "selfLink",
        "instanceGroupUrls",
        "status",
        "statusMessage",
        "conditions",
        "podIpv4CidrSize",
        "updateInfo",
        "etag",
        "kubeletCertInfo",
    }
)
"""Fields of NodePool that a client may send back and that are not read."""
_STATUS = {status: int(getattr(cs.NodePool.Status, status)) for status in Status}
_DEPRECATED_NAMES = frozenset({"projectId", "zone", "clusterId", "nodePoolId", "operationId", "name", "parent"})


def cluster_message(cluster: Cluster, apis: MemberApis | None) -> cs.Cluster:
    """Return a cluster with its node pools; `apis` is where member clusters answer."""
    pools = [pool_message(pool, cluster) for pool in cluster.pools.values()]
    return cs.Cluster(
        name=cluster.short_name,
        id=cluster.uid,
        location=cluster.name.location,
        zone=cluster.name.location,
        locations=cluster.locations,
        self_link=cluster.name.link,
        initial_cluster_version=cluster.version,
        current_master_version=cluster.version,
        current_node_version=cluster.version,
        current_node_count=sum(group.nodes.existing for pool in cluster.pools.values() for group in pool.groups),
        create_time=iso(cluster.created),
        status=cluster.status.value,
        node_pools=pools,
        instance_group_urls=[url for pool in pools for url in pool.instance_group_urls],
        etag=cluster.etag,
        **_way_in(cluster, apis),
    )


def _way_in(cluster: Cluster, apis: MemberApis | None) -> dict[str, Any]:
    if apis is None:
        return {}
    url = apis.url_of("gcp", cluster.name.project, cluster.name.location, cluster.short_name)
    authority = base64.b64encode(apis.ca_pem.encode()).decode()
    # GKE tells a bare address; here all clusters share one, so that port and path have to follow.
    return {"endpoint": url.removeprefix("https://"), "master_auth": cs.MasterAuth(cluster_ca_certificate=authority)}


def pool_message(pool: Pool, cluster: Cluster) -> cs.NodePool:
    """Return a node pool. It carries no present size: that is the groups' (Compute's), by instanceGroupUrls."""
    message = cs.NodePool()
    # The generated message, because the wrapper's own assignments take ten times as long, and lists hold thousands.
    pb = cs.NodePool.pb(message)
    pb.CopyFrom(_settings(json.dumps(pool.settings)))
    pb.name = pool.short_name
    pb.initial_node_count = pool.node_count
    pb.locations.extend([group.zone for group in pool.groups] or cluster.locations)
    pb.self_link = pool.name.link
    pb.version = pool.version
    pb.instance_group_urls.extend(group.link for group in pool.groups)
    pb.status = _STATUS[pool.status]
    pb.etag = pool.etag
    if pool.autoscaling != Autoscaling():
        pb.autoscaling.CopyFrom(cs.NodePoolAutoscaling.pb(_autoscaling_message(pool.autoscaling)))
    problems = pool.problems
    pb.status_message = " ".join(problem.message for problem in problems)
    pb.conditions.extend(cs.StatusCondition.pb(_condition(problem)) for problem in problems)
    return message


@lru_cache(maxsize=4096)
def _settings(text: str) -> Any:
    """Return the settings, written as JSON, as a generated NodePool; not to be changed."""
    return json_format.Parse(text, cs.NodePool.pb(cs.NodePool()))


def operation_message(operation: Operation) -> cs.Operation:
    """Return an operation; DONE with an error is one that failed."""
    return _ended(operation) if operation.status is OperationStatus.DONE else _operation(operation)


@lru_cache(maxsize=4096)
def _ended(operation: Operation) -> cs.Operation:
    """What never changes any more: lists tell it again and again, and a message takes long to make."""
    return _operation(operation)


def _operation(operation: Operation) -> cs.Operation:
    message = cs.Operation(
        name=operation.id,
        zone=operation.name.location,
        location=operation.name.location,
        operation_type=operation.type.value,
        status=operation.status.value,
        self_link=operation.name.link,
        target_link=operation.target.link,
        start_time=iso(operation.started),
        end_time="" if operation.ended is None else iso(operation.ended),
    )
    problem = operation.problem
    if problem is not None:
        message.error.code = problem.code.number
        message.error.message = problem.message
        message.status_message = problem.message
        message.nodepool_conditions = [_condition(problem)]
    return message


def server_config_message(versions: list[str]) -> cs.ServerConfig:
    """Return what a location offers; `versions` newest first."""
    return cs.ServerConfig(
        default_cluster_version=versions[0],
        valid_master_versions=versions,
        valid_node_versions=versions,
        default_image_type="COS_CONTAINERD",
        valid_image_types=["COS_CONTAINERD", "UBUNTU_CONTAINERD"],
        channels=[
            cs.ServerConfig.ReleaseChannelConfig(
                channel="REGULAR",
                default_version=versions[0],
                valid_versions=versions,
            )
        ],
    )


def autoscaling_of(message: cs.NodePoolAutoscaling) -> Autoscaling:
    """Read an autoscaler block."""
    return Autoscaling(
        enabled=message.enabled,
        min_node_count=message.min_node_count,
        max_node_count=message.max_node_count,
        total_min_node_count=message.total_min_node_count,
        total_max_node_count=message.total_max_node_count,
        autoprovisioned=message.autoprovisioned,
        location_policy=int(message.location_policy),
    )


def without_output(pool: Mapping[str, object]) -> Json:
    """Return a NodePool's JSON without what only Google sets."""
    return {field: value for field, value in pool.items() if field not in OUTPUT_ONLY}


def as_json(message: Any) -> Json:
    """Return a message's JSON form (proto3 mapping; absent is what is zero)."""
    mapped: Json = json_format.MessageToDict(type(message).pb(message))
    return mapped


def told(request: Any) -> Json:
    """Return a request's JSON form without the fields that name its target."""
    return {field: value for field, value in as_json(request).items() if field not in _DEPRECATED_NAMES}


def _condition(problem: Problem) -> cs.StatusCondition:
    return cs.StatusCondition(
        code=problem.condition,
        message=problem.message,
        canonical_code=problem.code.number,
    )


def _autoscaling_message(block: Autoscaling) -> cs.NodePoolAutoscaling:
    return cs.NodePoolAutoscaling(
        enabled=block.enabled,
        min_node_count=block.min_node_count,
        max_node_count=block.max_node_count,
        total_min_node_count=block.total_min_node_count,
        total_max_node_count=block.total_max_node_count,
        autoprovisioned=block.autoprovisioned,
        location_policy=block.location_policy,
    )
