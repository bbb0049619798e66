"""ARM's JSON of clusters, agent pools, machines and operations, under the names of the 2026-08-01 model.

Called by the wire with the engine's nouns; nothing in here changes them.
"""

from datetime import UTC, datetime
from typing import Any

from multicloud_lab.aks.state import TERMINAL, AgentPool, Cluster, Operation
from multicloud_lab.core.nodes import Node, NodeState

Json = dict[str, Any]

PROVIDER = "Microsoft.ContainerService"


def pool_properties(pool: AgentPool, *, count: int) -> Json:
    """Return a pool's properties with the count to show."""
    properties: Json = {
        **pool.spec,
        "count": count,
        "currentOrchestratorVersion": pool.version,
        "eTag": pool.etag,
        "nodeImageVersion": pool.image,
        "provisioningState": pool.state,
    }
    if pool.error is not None:
        properties["status"] = {"provisioningError": pool.error}
    return dict(sorted(properties.items()))


def shown_count(pool: AgentPool, *, actual: bool) -> int:
    """Return the count that GET shows: the wish, or (`actual`, and only meanwhile) the machines that exist."""
    if not actual or pool.state in TERMINAL:
        return pool.count
    return sum(node.state is not NodeState.REQUESTED for node in pool.nodes.nodes)


def agent_pool(cluster: Cluster, pool: AgentPool, *, count: int, listed: bool = False) -> Json:
    """Return a pool as a resource. In lists AKS writes `resourcegroups` in the id in small letters."""
    parent = cluster.id.replace("/resourceGroups/", "/resourcegroups/") if listed else cluster.id
    return {
        "id": f"{parent}/agentPools/{pool.name}",
        "name": pool.name,
        "type": f"{PROVIDER}/managedClusters/agentPools",
        "properties": pool_properties(pool, count=count),
    }


def managed_cluster(cluster: Cluster, *, actual: bool) -> Json:
    """Return a cluster with its pools inside."""
    return {
        "id": cluster.id,
        "name": cluster.name,
        "type": f"{PROVIDER}/managedClusters",
        "location": cluster.location,
        "tags": dict(cluster.tags),
        "eTag": cluster.etag,
        "sku": {"name": "Base", "tier": "Standard"},
        "properties": {
            "provisioningState": cluster.state,
            "powerState": {"code": "Running"},
            "kubernetesVersion": cluster.version,
            "currentKubernetesVersion": cluster.version,
            "dnsPrefix": cluster.name,
            "fqdn": cluster.fqdn,
            "agentPoolProfiles": [
                {"name": pool.name, **pool_properties(pool, count=shown_count(pool, actual=actual))}
                for pool in cluster.pools.values()
            ],
            "nodeResourceGroup": cluster.node_group,
            "enableRBAC": True,
            "maxAgentPools": 100,
            "resourceUID": cluster.uid,
        },
    }


def machine(cluster: Cluster, pool: AgentPool, node: Node) -> Json:
    """Return one machine of a pool; its address follows from its number."""
    scale_set, serial = node.name[:-6], int(node.name[-6:], 36)
    resource = (
        f"/subscriptions/{cluster.subscription}/resourceGroups/{cluster.node_group}"
        f"/providers/Microsoft.Compute/virtualMachineScaleSets/{scale_set}/virtualMachines/{serial}"
    )
    address = f"10.{224 + list(cluster.pools).index(pool.name) % 16}.{serial // 250 % 256}.{4 + serial % 250}"
    body: Json = {
        "id": f"{cluster.id}/agentPools/{pool.name}/machines/{node.name}",
        "name": node.name,
        "type": f"{PROVIDER}/managedClusters/agentPools/machines",
        "properties": {
            "network": {"ipAddresses": [{"family": "IPv4", "ip": address}]},
            "resourceId": resource,
        },
    }
    if pool.spec.get("availabilityZones"):
        body["zones"] = [node.zone]
    return body


def machines(pool: AgentPool) -> list[Node]:
    """Return the nodes of which a machine exists already."""
    return [node for node in pool.nodes.nodes if node.state is not NodeState.REQUESTED]


def operation_status(operation: Operation) -> Json:
    """Return the body of an Azure-AsyncOperation URL."""
    body: Json = {"name": operation.id, "status": operation.status, "startTime": instant(operation.started)}
    if operation.ended is not None:
        body["endTime"] = instant(operation.ended)
    if operation.error is not None:
        body["error"] = operation.error
    return body


def instant(time_s: float) -> str:
    """Return virtual epoch seconds as ARM writes them: UTC, microseconds, Z."""
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
