"""A node pool's description joined with its instance groups, turned into a NodePool. Pure: `pools` reads, this judges.

Kubernetes Engine tells status and zones but no present size; the instance groups of the zones tell the size.
"""

import hashlib
from collections.abc import Mapping

from multicloud.clouds.answers import NEW_STATUS, garbled, nodes_told
from multicloud.clouds.gke.compute import Group, Groups
from multicloud.clouds.gke.container import CloudOperation, Description
from multicloud.clouds.gke.errors import VENDOR, tidy
from multicloud.model.ref import ClusterRef, NodePoolRef
from multicloud.model.size import Activity, NodePool, ReadySource

ACTIVITY: Mapping[str, Activity] = {
    "PROVISIONING": Activity.BUSY,
    "RUNNING": Activity.IDLE,
    "RUNNING_WITH_ERROR": Activity.SICK,
    "RECONCILING": Activity.BUSY,
    "STOPPING": Activity.LEAVING,
    "ERROR": Activity.SICK,
    "STATUS_UNSPECIFIED": Activity.BUSY,
}
"""By NodePool.Status, complete as of container v1; one that is not here counts as an operation of somebody's."""


def activity_of(pool: Description, running: CloudOperation | None) -> Activity:
    """What Google does with the pool; an operation on its cluster refuses every resize in it."""
    told = ACTIVITY.get(pool.status, Activity.BUSY)
    return Activity.BUSY if running is not None and told is not Activity.LEAVING else told


def node_pool(cluster: ClusterRef, pool: Description, groups: Groups, running: CloudOperation | None) -> NodePool:
    """Turn a description and its groups into facts. Raises Unavailable where a group was not told."""
    ref = NodePoolRef(cluster=cluster, name=pool.name)
    missing = [key for key in pool.groups if key not in groups]
    if missing:
        text = f"told no size of instance group {'/'.join(missing[0])}"
        raise garbled(f"reading node pool {ref}", VENDOR, text)
    found = [groups[key] for key in pool.groups]
    return NodePool(
        ref=ref,
        claim=f"gcp/{cluster.owner}/{cluster.location}/{cluster.name}/{pool.name}",
        incarnation=_incarnation(pool),
        requested=nodes_told(_requested(pool, found)),
        nodes=sum(group.existing for group in found),
        ready=sum(group.ready for group in found),
        ready_source=ReadySource.CLOUD,
        step=pool.zones,
        autoscaling=pool.autoscaling,
        capacity_type=pool.capacity,
        activity=activity_of(pool, running),
        words=_words(pool, running),
    )


def _requested(pool: Description, groups: list[Group]) -> int:
    """Σ targetSize; only a pool that has no group yet is as large as its creation asks for."""
    return sum(group.target for group in groups) if groups else pool.wished_at_creation * pool.zones


def _incarnation(pool: Description) -> str:
    """The groups' names hold a random part made with the pool; their hash is short enough for a status."""
    if not pool.groups:
        return ""
    return hashlib.sha256("\n".join(sorted(name for _, name in pool.groups)).encode()).hexdigest()[:16]


def _words(pool: Description, running: CloudOperation | None) -> str:
    words = pool.status
    if words not in ACTIVITY:
        words = f"{words} {NEW_STATUS}"
    if running is not None:
        words = f"{words}, {running.kind} runs on the cluster"
    return tidy(f"{words}: {pool.words}") if pool.words else words
