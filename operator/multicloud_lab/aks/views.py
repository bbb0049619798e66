"""What the lab's own parts see of AKS: pools, sets of machines with their labels, and broken rules.

Called by the engine; nothing in here changes anything.
"""

from collections.abc import Iterable
from functools import partial

from multicloud_lab.aks import rules
from multicloud_lab.aks.build import CLOUD
from multicloud_lab.aks.state import TERMINAL, AgentPool, Cluster, Operation, Properties, size_ranges
from multicloud_lab.aks.switches import Switches
from multicloud_lab.core.lab import MachineGroup, PoolView
from multicloud_lab.core.nodes import Node

_SPOT = "kubernetes.azure.com/scalesetpriority"


def pool_view(cluster: Cluster, pool: AgentPool) -> PoolView:
    """Return a pool as the admin port shows it."""
    return PoolView(
        cloud=CLOUD,
        cluster=cluster.name,
        node_pool=pool.name,
        requested=pool.count,
        nodes=sum(each.existing for each in pool.sets.values()),
        ready=sum(each.ready for each in pool.sets.values()),
        status=pool.state,
    )


def machine_groups(cluster: Cluster) -> Iterable[MachineGroup]:
    """Return the sets of machines of a cluster's pools."""
    for pool in cluster.pools.values():
        for size, nodes in pool.sets.items():
            yield MachineGroup(
                cloud=CLOUD,
                account=cluster.subscription,
                region=cluster.location,
                location=cluster.location,
                cluster=cluster.name,
                node_pool=pool.name,
                instance_type=size,
                spot=_is_spot(pool.spec),
                nodes=nodes,
                provider_id=partial(_provider_id, cluster, pool),
                node_name=lambda node: node.name,
                labels=_labels(cluster, pool, size),
                taints=_taints(pool.spec),
                # Without a scale set, the autoscaler goes by the pool.
                name=pool.name if pool.is_mixed else pool.machine_prefix,
            )


def resource_of(cluster: Cluster, pool: AgentPool, node: Node) -> str:
    """Return the ARM id of a node's virtual machine."""
    root = f"/subscriptions/{cluster.subscription}/resourceGroups/{cluster.node_group}/providers/Microsoft.Compute"
    if pool.is_mixed:
        return f"{root}/virtualMachines/{node.name}"
    return f"{root}/virtualMachineScaleSets/{pool.machine_prefix}/virtualMachines/{serial_of(pool, node)}"


def serial_of(pool: AgentPool, node: Node) -> int:
    """Return a machine's number in its pool."""
    return int(node.name.rpartition("-vms")[2]) if pool.is_mixed else int(node.name[-6:], 36)


def violations(clusters: Iterable[Cluster], operations: Iterable[Operation], switches: Switches) -> Iterable[str]:
    """Return a sentence for every rule that the state breaks."""
    for cluster in clusters:
        if not any(pool.is_system for pool in cluster.pools.values()) and cluster.pools:
            yield f"azure/{cluster.name}: has no System pool"
        if (cluster.operation is None) is not (cluster.state in TERMINAL):
            yield f"azure/{cluster.name}: is {cluster.state}, operation {cluster.operation}"
        for pool in cluster.pools.values():
            yield from _of_pool(f"azure/{cluster.name}/{pool.name}", pool, switches)
    running = {id(pool.operation) for cluster in clusters for pool in cluster.pools.values()}
    running |= {id(cluster.operation) for cluster in clusters}
    aborting = {id(each.aborting) for each in operations if each.status == "InProgress"}
    for operation in operations:
        if operation.status == "InProgress" and id(operation) not in running | aborting:
            yield f"azure operation {operation.id}: runs on nothing"


def _of_pool(place: str, pool: AgentPool, switches: Switches) -> Iterable[str]:
    operation = pool.operation
    if (operation is None) is not (pool.state in TERMINAL):
        yield f"{place}: is {pool.state}, operation {operation}"
    if operation is not None:
        pending = any(timer.pending for timer in operation.timers)
        if operation.status != "InProgress" or (not pending and not operation.stuck):
            yield f"{place}: its operation {operation.id} is {operation.status} and nothing ends it"
    least = 0 if pool.is_stopped else rules.least_nodes(pool.spec)
    if not least <= pool.count <= rules.POOL_MAX:
        yield f"{place}: {pool.count} nodes are wished, outside {least} to {rules.POOL_MAX}"
    if not switches.autoscaler_range or pool.is_stopped:
        return
    for size, (low, high) in size_ranges(pool.spec).items():
        if not low <= pool.wished[size] <= high:
            yield f"{place}: {pool.wished[size]} nodes are wished, outside of the autoscaler's {low} to {high}"


def _provider_id(cluster: Cluster, pool: AgentPool, node: Node) -> str:
    # The node resource group stands in small letters in Kubernetes, whatever ARM writes.
    return f"azure://{resource_of(cluster, pool, node).replace(cluster.node_group, cluster.node_group.lower())}"


def _is_spot(spec: Properties) -> bool:
    return bool(spec.get("scaleSetPriority") == "Spot")


def _labels(cluster: Cluster, pool: AgentPool, size: str) -> dict[str, str]:
    labels = {
        "agentpool": pool.name,
        "kubernetes.azure.com/agentpool": pool.name,
        "kubernetes.azure.com/cluster": cluster.node_group,
        "kubernetes.azure.com/mode": str(pool.spec["mode"]).lower(),
        "kubernetes.azure.com/node-image-version": pool.image,
        "kubernetes.io/os": str(pool.spec.get("osType", "Linux")).lower(),
        "node.kubernetes.io/instance-type": size,
        "topology.kubernetes.io/region": cluster.location,
    }
    if _is_spot(pool.spec):
        labels[_SPOT] = "spot"
    return {**labels, **(pool.spec.get("nodeLabels") or {})}


def _taints(spec: Properties) -> list[tuple[str, str, str]]:
    taints = [(_SPOT, "spot", "NoSchedule")] if _is_spot(spec) else []
    for taint in spec.get("nodeTaints") or []:
        pair, _, effect = str(taint).rpartition(":")
        key, _, value = pair.partition("=")
        taints.append((key, value, effect))
    return taints
