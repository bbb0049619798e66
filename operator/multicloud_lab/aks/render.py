"""ARM's JSON of clusters, agent pools, machines and operations, under the names of the 2026-08-01 model.

Called by the wire with the engine's nouns; nothing in here changes them.
"""

from datetime import UTC, datetime
from typing import Any

from multicloud_lab.aks.state import TERMINAL, AgentPool, Cluster, Operation
from multicloud_lab.aks.views import resource_of, serial_of
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
    if pool.is_mixed:
        # The sizes of such a pool stand in its profile; their sum is nowhere.
        del properties["count"]
        properties["virtualMachineNodesStatus"] = _sizes(pool, wish=count == pool.count)
    if pool.error is not None:
        properties["status"] = {"provisioningError": pool.error}
    return dict(sorted(properties.items()))


def shown_count(pool: AgentPool, *, actual: bool) -> int:
    """Return the count that GET shows: the wish, or (`actual`, and only meanwhile) the machines that exist."""
    if not actual or pool.state in TERMINAL:
        return pool.count
    return sum(node.state is not NodeState.REQUESTED for node in pool.machines)


def _sizes(pool: AgentPool, *, wish: bool) -> list[Json]:
    """Return the nodes by size: as wished, or as there are machines."""
    if wish:
        return [{"size": size, "count": count} for size, count in pool.wished.items()]
    there = {
        size: sum(node.state is not NodeState.REQUESTED for node in each.nodes) for size, each in pool.sets.items()
    }
    return [{"size": size, "count": count} for size, count in there.items() if count or size in pool.wished]


def agent_pool(cluster: Cluster, pool: AgentPool, *, count: int, listed: bool = False) -> Json:
    """Return a pool as a resource. In lists AKS writes `resourcegroups` in the id in small letters."""
    parent = cluster.id.replace("/resourceGroups/", "/resourcegroups/") if listed else cluster.id
    return {
        "id": f"{parent}/agentPools/{pool.name}",
        "name": pool.name,
        "type": f"{PROVIDER}/managedClusters/agentPools",
        "properties": pool_properties(pool, count=count),
    }


def managed_cluster(cluster: Cluster, *, actual: bool, max_pools: int) -> Json:
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
            "maxAgentPools": max_pools,
            "resourceUID": cluster.uid,
            **_surroundings(cluster),
        },
    }


def _surroundings(cluster: Cluster) -> Json:
    """Return what stands around the pools of a cluster that was made with AKS's usual settings and an own disk key."""
    compute = f"/subscriptions/{cluster.subscription}/resourceGroups/{cluster.group}/providers/Microsoft.Compute"
    outbound = (
        f"/subscriptions/{cluster.subscription}/resourceGroups/{cluster.node_group}"
        f"/providers/Microsoft.Network/publicIPAddresses/{cluster.uid}"
    )
    pods, services = "10.244.0.0/16", "10.0.0.0/16"
    return {
        "azurePortalFQDN": cluster.fqdn.replace(".hcp.", ".portal.hcp."),
        "diskEncryptionSetID": f"{compute}/diskEncryptionSets/{cluster.name}",
        "linuxProfile": {
            "adminUsername": "azureuser",
            "ssh": {"publicKeys": [{"keyData": f"ssh-rsa {cluster.uid} {cluster.name}"}]},
        },
        "networkProfile": {
            "dnsServiceIP": "10.0.0.10",
            "ipFamilies": ["IPv4"],
            "loadBalancerProfile": {
                "managedOutboundIPs": {"count": 1},
                "effectiveOutboundIPs": [{"id": outbound}],
            },
            "loadBalancerSku": "standard",
            "networkPlugin": "azure",
            "networkPluginMode": "overlay",
            "outboundType": "loadBalancer",
            "podCidr": pods,
            "podCidrs": [pods],
            "serviceCidr": services,
            "serviceCidrs": [services],
        },
        # What AKS writes for a cluster with a managed identity.
        "servicePrincipalProfile": {"clientId": "msi"},
        "upgradeSettings": {"overrideSettings": {"forceUpgrade": False}},
    }


def machine(cluster: Cluster, pool: AgentPool, node: Node) -> Json:
    """Return one machine of a pool; its address follows from its number."""
    serial = serial_of(pool, node)
    address = f"10.{224 + list(cluster.pools).index(pool.name) % 16}.{serial // 250 % 256}.{4 + serial % 250}"
    body: Json = {
        "id": f"{cluster.id}/agentPools/{pool.name}/machines/{node.name}",
        "name": node.name,
        "type": f"{PROVIDER}/managedClusters/agentPools/machines",
        "properties": {
            "network": {"ipAddresses": [{"family": "IPv4", "ip": address}]},
            "resourceId": resource_of(cluster, pool, node),
        },
    }
    if pool.spec.get("availabilityZones"):
        body["zones"] = [node.zone.rpartition("-")[2]]
    return body


def machines(pool: AgentPool) -> list[Node]:
    """Return the nodes of which a machine exists already."""
    return [node for node in pool.machines if node.state is not NodeState.REQUESTED]


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
