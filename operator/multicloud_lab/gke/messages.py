"""The engine's state as messages of google.container.v1, for every transport.

Only fields that a client of node pools reads are set; the rest stays absent, as Google leaves out
what does not apply.
"""

from google.cloud.container_v1.types import cluster_service as cs

from multicloud_lab.core.clock import iso
from multicloud_lab.gke.state import Autoscaling, Cluster, Operation, Pool


def cluster_message(cluster: Cluster) -> cs.Cluster:
    """Return a cluster with its node pools."""
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
    )


def pool_message(pool: Pool, cluster: Cluster) -> cs.NodePool:
    """Return a node pool. It carries no present size: that is the groups' (Compute's), by instanceGroupUrls."""
    return cs.NodePool(
        name=pool.short_name,
        config=cs.NodeConfig(machine_type=pool.machine_type, spot=pool.spot, labels=pool.labels),
        initial_node_count=pool.node_count,
        locations=[group.zone for group in pool.groups],
        self_link=pool.name.link,
        version=cluster.version,
        instance_group_urls=[group.link for group in pool.groups],
        status=pool.status.value,
        autoscaling=_autoscaling_message(pool.autoscaling),
        management=cs.NodeManagement(auto_upgrade=True, auto_repair=True),
        etag=pool.etag,
    )


def operation_message(operation: Operation) -> cs.Operation:
    """Return an operation."""
    return cs.Operation(
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


def _autoscaling_message(block: Autoscaling) -> cs.NodePoolAutoscaling | None:
    if block == Autoscaling():
        return None
    return cs.NodePoolAutoscaling(
        enabled=block.enabled,
        min_node_count=block.min_node_count,
        max_node_count=block.max_node_count,
        total_min_node_count=block.total_min_node_count,
        total_max_node_count=block.total_max_node_count,
        autoprovisioned=block.autoprovisioned,
        location_policy=block.location_policy,
    )
