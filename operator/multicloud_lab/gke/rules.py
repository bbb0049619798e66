"""What GKE refuses in a request before anything changes. Pure: state and request in, GoogleError out.

Rules and sentences: the API's reference and discovery document, and public error reports of its clients.
"""

import re
from collections.abc import Mapping, Sequence

from multicloud_lab.gke.errors import Code, GoogleError, invalid, unimplemented
from multicloud_lab.gke.names import is_zone, region_of
from multicloud_lab.gke.state import Autoscaling, Cluster, Json, Pool
from multicloud_lab.gke.switches import Switches

MAX_NODES_PER_ZONE = 1000
"""A pool's limit in one zone (GKE quotas and limits)."""

_POOL_NAME = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")
_IN_CONFIG: Mapping[str, str] = {
    "machineType": "machineType",
    "diskType": "diskType",
    "imageType": "imageType",
    "storagePools": "storagePools",
    "accelerators": "accelerators",
    "workloadMetadataConfig": "workloadMetadataConfig",
    "kubeletConfig": "kubeletConfig",
    "linuxNodeConfig": "linuxNodeConfig",
    "windowsNodeConfig": "windowsNodeConfig",
    "gcfsConfig": "gcfsConfig",
    "confidentialNodes": "confidentialNodes",
    "gvnic": "gvnic",
    "fastSocket": "fastSocket",
    "loggingConfig": "loggingConfig",
    "containerdConfig": "containerdConfig",
    "resourceManagerTags": "resourceManagerTags",
    "maxRunDuration": "maxRunDuration",
    "flexStart": "flexStart",
    "bootDisk": "bootDisk",
    "consolidationDelay": "consolidationDelay",
    "taintConfig": "taintConfig",
}
"""Fields of UpdateNodePoolRequest that replace the field of that name in the pool's NodeConfig."""
_WRAPPED_IN_CONFIG: Mapping[str, str] = {
    "labels": "labels",
    "resourceLabels": "labels",
    "taints": "taints",
    "tags": "tags",
}
"""Fields of the request that wrap what the NodeConfig holds bare, by the wrapper's field."""
_IN_POOL: Mapping[str, str] = {
    "upgradeSettings": "upgradeSettings",
    "nodeNetworkConfig": "networkConfig",
    "queuedProvisioning": "queuedProvisioning",
    "nodeDrainConfig": "nodeDrainConfig",
    "maintenancePolicy": "maintenancePolicy",
}
"""Fields of the request that replace a field of the pool itself."""
_REPLACES_MACHINES = frozenset({"nodeVersion", "imageType", "diskType", "diskSizeGb", "machineType"})


def check_size(node_count: int) -> None:
    """Refuse a size that no zone can have. Raises GoogleError INVALID_ARGUMENT."""
    if not 0 <= node_count <= MAX_NODES_PER_ZONE:
        raise invalid(
            f"Node count {node_count} is out of range: it must be between 0 and {MAX_NODES_PER_ZONE} per zone."
        )


def check_cluster_size(cluster: Cluster, more: int, switches: Switches) -> None:
    """Refuse `more` nodes beyond what a cluster may have; fewer always pass. Raises GoogleError.

    The limit is documented (GKE quotas and limits, "nodes per cluster"), the refusal is not: a switch names its code.
    """
    if more > 0 and cluster.wished + more > switches.max_nodes:
        raise GoogleError(
            Code[switches.max_nodes_code],
            f"{cluster.name.path} would have {cluster.wished + more} nodes: a cluster cannot have more than "
            f"{switches.max_nodes}.",
        )


def check_not_autoscaled(pool: Pool, switches: Switches) -> None:
    """Refuse a resize of a pool whose size is its autoscaler's, where that is so. Raises GoogleError."""
    if switches.resize_of_autoscaled == "refused" and pool.autoscaling.enabled:
        raise GoogleError(
            Code.FAILED_PRECONDITION, f"{pool.name.path} has autoscaling enabled: it cannot be resized by hand."
        )


def check_autoscaling(block: Autoscaling) -> None:
    """Per-zone bounds and totals exclude each other, and each range must be one. Raises GoogleError."""
    per_zone = (block.min_node_count, block.max_node_count)
    total = (block.total_min_node_count, block.total_max_node_count)
    if any(per_zone) and any(total):
        raise invalid(
            "total_min_node_count and total_max_node_count cannot be used with min_node_count and max_node_count."
        )
    low, high = total if any(total) else per_zone
    if low < 0 or low > high:
        raise invalid(f"Autoscaling bounds are invalid: minimum {low} must be between 0 and the maximum {high}.")
    if block.enabled and high == 0:
        raise invalid(
            "Autoscaling is enabled without a maximum: max_node_count or total_max_node_count must be above 0."
        )


def check_new_pool(cluster: Cluster, name: str, node_count: int, zones: Sequence[str]) -> None:
    """Refuse a pool that a cluster cannot get. Raises GoogleError INVALID_ARGUMENT, ALREADY_EXISTS."""
    if _POOL_NAME.fullmatch(name) is None:
        raise invalid(
            f'node_pool.name "{name}" is invalid: it must be at most 40 lower-case letters, digits and dashes, '
            "begin with a letter and end with a letter or a digit."
        )
    check_size(node_count)
    check_zones(cluster, zones)
    if name in cluster.pools:
        raise GoogleError(Code.ALREADY_EXISTS, f"Already exists: {cluster.name.of_pool(name).path}.")


def check_zones(cluster: Cluster, zones: Sequence[str]) -> None:
    """Refuse zones that are none, or outside the cluster's region. Raises GoogleError INVALID_ARGUMENT."""
    region = region_of(cluster.name.location)
    for zone in zones:
        if not is_zone(zone) or region_of(zone) != region:
            raise invalid(f'Location "{zone}" is not a zone of region "{region}".')
    if len(set(zones)) != len(zones):
        raise invalid("Locations must be distinct.")


def check_etag(pool: Pool, etag: str) -> None:
    """Refuse a write made on an older reading. Raises GoogleError ABORTED."""
    if etag and etag != pool.etag:
        raise GoogleError(
            Code.ABORTED,
            f'The etag "{etag}" does not match the current etag "{pool.etag}" of {pool.name.path}: '
            "read the node pool again.",
        )


def check_update(update: Json, switches: Switches) -> None:
    """Refuse an update of nothing, or of what the lab does not do. Raises GoogleError."""
    asked = set(update) - {"etag"}
    known = {*_IN_CONFIG, *_WRAPPED_IN_CONFIG, *_IN_POOL, "locations", "nodeVersion", "diskSizeGb"}
    if unknown := sorted(asked - known):
        raise unimplemented(f"updates of a node pool's {unknown[0]}")
    if not asked:
        raise invalid("Must specify a field to update.")
    if "locations" in asked and asked - {"locations", "nodeVersion", "imageType"}:
        raise invalid("Locations cannot be changed together with other fields.")
    if switches.update_needs_version and not {"nodeVersion", "imageType"} <= asked:
        raise invalid("node_version and image_type must be specified.")


def updated_settings(settings: Json, update: Json) -> Json:
    """Return a pool's settings after an update; maps and lists are replaced, never merged."""
    given = settings.get("config")
    config: Json = dict(given) if isinstance(given, dict) else {}
    config.update({inside: update[field] for field, inside in _IN_CONFIG.items() if field in update})
    for field, wrapper in _WRAPPED_IN_CONFIG.items():
        wrapped = update.get(field)
        if isinstance(wrapped, dict):
            config[field] = wrapped.get(wrapper, {} if wrapper == "labels" else [])
    if "diskSizeGb" in update:
        config["diskSizeGb"] = int(str(update["diskSizeGb"]))  # int64 in the request, so a text in its JSON
    merged = {**settings, "config": config}
    merged.update({inside: update[field] for field, inside in _IN_POOL.items() if field in update})
    return merged


def replaces_machines(update: Json) -> bool:
    """Say whether every node is made anew (a version, image, disk or machine type changes)."""
    return not _REPLACES_MACHINES.isdisjoint(update)
