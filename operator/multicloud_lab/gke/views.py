"""The engine's state as the lab's own parts look at it: admin port, member clusters, invariants."""

from collections.abc import Iterable, Mapping

from multicloud_lab.core.lab import Lab, MachineGroup, PoolView
from multicloud_lab.core.nodes import Node
from multicloud_lab.gke.names import region_of
from multicloud_lab.gke.state import Cluster, Group, OperationStatus, Pool, Status

CLOUD = "gcp"

_EFFECTS = {"NO_SCHEDULE": "NoSchedule", "PREFER_NO_SCHEDULE": "PreferNoSchedule", "NO_EXECUTE": "NoExecute"}
_OVERDUE_S = 1.0


def pool_view(pool: Pool) -> PoolView:
    """Return a pool in nodes over all its zones."""
    return PoolView(
        cloud=CLOUD,
        cluster=pool.name.cluster or "",
        node_pool=pool.short_name,
        requested=pool.wished,
        nodes=sum(group.nodes.existing for group in pool.groups),
        ready=sum(group.nodes.ready for group in pool.groups),
        status=pool.status,
    )


def machine_group(cluster: Cluster, pool: Pool, group: Group) -> MachineGroup:
    """Return one zone of a pool with what GKE puts on its nodes."""

    def provider_id(node: Node) -> str:
        return f"gce://{group.project}/{node.zone}/{node.name}"

    def node_name(node: Node) -> str:
        return node.name

    return MachineGroup(
        cloud=CLOUD,
        account=group.project,
        region=region_of(cluster.name.location),
        location=cluster.name.location,
        cluster=cluster.short_name,
        node_pool=pool.short_name,
        instance_type=pool.machine_type,
        spot=bool(pool.config.get("spot", False)),
        nodes=group.nodes,
        provider_id=provider_id,
        node_name=node_name,
        labels=_labels(pool),
        taints=_taints(pool),
        name=group.instance_group_link,
    )


def violations(clusters: Iterable[Cluster], now_s: float) -> list[str]:
    """Return a sentence for every rule of GKE that the state breaks."""
    found: list[str] = []
    for cluster in clusters:
        running = cluster.running
        if running is not None:
            if running.status is OperationStatus.DONE:
                found.append(f"{cluster.name.path} is held by {running.id}, which is DONE")
            if running.ends is not None and running.ends < now_s - _OVERDUE_S:
                found.append(f"{running.id} of {cluster.name.path} should have ended at {running.ends}")
        for pool in cluster.pools.values():
            found += _violations_of_pool(cluster, pool)
    return found


def quota_text(lab: Lab, project: str, region: str) -> str:
    """Return a region's limit of CPUS as Google's sentences write it."""
    limit = lab.quotas.limits().get((CLOUD, project, region))
    if limit is None or limit.vcpus is None:
        return "0.0" if limit is None or limit.nodes is None else f"{limit.nodes}.0"
    return f"{limit.vcpus}.0"


def _violations_of_pool(cluster: Cluster, pool: Pool) -> list[str]:
    found: list[str] = []
    path = pool.name.path
    held = cluster.running is not None and cluster.running.target == pool.name
    if (pool.doing is not None) != held:
        found.append(f"{path} is {pool.status}, but {'an' if held else 'no'} operation runs on it")
    if pool.doing is Status.STOPPING:
        return found
    for group in pool.groups:
        # While an operation waits, the wish runs ahead of the group; the group is never ahead of both.
        if not held and group.wished != group.nodes.target:
            found.append(f"{group.link} has target {group.nodes.target}, but {group.wished} are wished")
        if not held and group.nodes.surge:
            found.append(f"{group.link} has {group.nodes.surge} extra nodes, but no upgrade runs")
    return found


def _labels(pool: Pool) -> Mapping[str, str]:
    labels = {"cloud.google.com/gke-nodepool": pool.short_name}
    if pool.config.get("spot"):
        labels |= {"cloud.google.com/gke-spot": "true", "cloud.google.com/gke-provisioning": "spot"}
    else:
        labels["cloud.google.com/gke-provisioning"] = "standard"
    own = pool.config.get("labels")
    return {**labels, **{str(k): str(v) for k, v in own.items()}} if isinstance(own, dict) else labels


def _taints(pool: Pool) -> list[tuple[str, str, str]]:
    given = pool.config.get("taints")
    taints = given if isinstance(given, list) else []
    return [
        (str(taint.get("key", "")), str(taint.get("value", "")), _EFFECTS.get(str(taint.get("effect")), "NoSchedule"))
        for taint in taints
    ]
