"""What AKS takes as a wished agent pool: pure functions from a PUT's properties to the new spec.

The engine hands in the spec that stands and the properties of the request, and gets the spec to apply,
or an ArmError. Rules: the properties' own descriptions in the 2026-08-01 model (counts by mode, minimum
and maximum with the autoscaler only, mode, osType), AKS's documents on naming and System pools.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from multicloud_lab.aks.errors import bad_content, immutable, invalid
from multicloud_lab.aks.sizes import completed
from multicloud_lab.aks.state import (
    NODES,
    VIRTUAL_MACHINES,
    AgentPool,
    Cluster,
    Properties,
    size_ranges,
    sizes_of,
    wished_nodes,
)
from multicloud_lab.aks.switches import Switches

POOL_MAX = 1000
"""Nodes that one pool may have."""

CLUSTER_MAX = 5000
"""Nodes that all pools of a cluster may have together."""

READ_ONLY = frozenset({"currentOrchestratorVersion", "eTag", "provisioningState", "status", NODES})
"""Properties that a PUT may carry (a read echoed back) and that are not looked at."""

MAPS = ("nodeLabels", "nodeTaints", "tags")
"""Properties whose omission is a switch (`Switches.omitted_maps`)."""

IMMUTABLE = (
    "availabilityZones",
    "enableFIPS",
    "enableNodePublicIP",
    "maxPods",
    "osDiskSizeGB",
    "osDiskType",
    "osType",
    "scaleSetPriority",
    "type",
    "vmSize",
    "vnetSubnetID",
)
"""Properties that stay as they were created."""

WRITABLE = frozenset(
    {
        *MAPS,
        *IMMUTABLE,
        "artifactStreamingProfile",
        "capacityReservationGroupID",
        "count",
        "creationData",
        "enableAutoScaling",
        "enableEncryptionAtHost",
        "enableUltraSSD",
        "gatewayProfile",
        "gpuInstanceProfile",
        "gpuProfile",
        "hostGroupID",
        "kubeletConfig",
        "kubeletDiskType",
        "linuxOSConfig",
        "localDNSProfile",
        "maxCount",
        "messageOfTheDay",
        "minCount",
        "mode",
        "networkProfile",
        "nodeImageVersion",
        "nodePublicIPPrefixID",
        "orchestratorVersion",
        "osSKU",
        "podIPAllocationMode",
        "podSubnetID",
        "powerState",
        "proximityPlacementGroupID",
        "scaleDownMode",
        "scaleSetEvictionPolicy",
        "securityProfile",
        "spotMaxPrice",
        "upgradeSettings",
        "virtualMachinesProfile",
        "windowsProfile",
        "workloadRuntime",
    }
)
"""Every other property of the 2026-08-01 model."""

DEFAULTS: Mapping[str, Any] = {
    "count": 1,
    "mode": "User",
    "enableAutoScaling": False,
    "maxPods": 110,
    "osDiskSizeGB": 128,
    "osDiskType": "Managed",
    "kubeletDiskType": "OS",
    "osType": "Linux",
    "osSKU": "Ubuntu",
    "type": "VirtualMachineScaleSets",
    "scaleDownMode": "Delete",
    "enableFIPS": False,
    "enableNodePublicIP": False,
}
"""What AKS fills in when a pool is created without it."""

SCALING = frozenset({"count", "enableAutoScaling", "maxCount", "minCount"})
"""What a stopped pool loses, and gets back when it is started."""

SIZES = frozenset({*SCALING, NODES, "virtualMachinesProfile"})
"""A PUT that changes only these is shown as Scaling."""

GATEWAY_PREFIXES = range(28, 32)
"""Sizes of a Gateway pool's public IP prefix; a pool has at most one node an address (model text)."""

Change = Literal["Scaling", "Updating", "Upgrading", "Starting", "Stopping"]

_KEPT = frozenset({*IMMUTABLE, "count", "orchestratorVersion", "powerState"})
"""Properties that a null does not take away."""

_TYPES: Mapping[str, type] = {
    "count": int,
    "minCount": int,
    "maxCount": int,
    "enableAutoScaling": bool,
    "mode": str,
    "vmSize": str,
    "osType": str,
    "orchestratorVersion": str,
    "nodeImageVersion": str,
    "nodeLabels": dict,
    "tags": dict,
    "nodeTaints": list,
    "availabilityZones": list,
    "powerState": dict,
    "virtualMachinesProfile": dict,
    "gatewayProfile": dict,
}


def read_properties(body: object) -> Properties:
    """Return the properties of a PUT's body, nulls kept; read-only ones dropped. Raises ArmError."""
    if not isinstance(body, dict):
        raise bad_content("the body must be a JSON object.")
    properties = body.get("properties")
    if not isinstance(properties, dict):
        raise bad_content("'properties' must be a JSON object.")
    unknown = sorted(properties.keys() - WRITABLE - READ_ONLY)
    if unknown:
        raise bad_content(f"Could not find member '{unknown[0]}' on object of type 'AgentPoolProfile'.")
    for name, expected in _TYPES.items():
        value = properties.get(name)
        wrong_bool = expected is int and isinstance(value, bool)
        if value is not None and (wrong_bool or not isinstance(value, expected)):
            raise bad_content(f"'properties.{name}' has the wrong type, expected {expected.__name__}.")
    return {name: value for name, value in properties.items() if name not in READ_ONLY}


def created(name: str, wished: Properties, cluster: Cluster) -> Properties:
    """Return the spec of a new pool. Raises ArmError."""
    mixed = wished.get("type") == VIRTUAL_MACHINES
    if not mixed and not wished.get("vmSize"):
        raise invalid("vmSize", "Required parameter agentPoolProfile.vmSize is missing (null).")
    windows = wished.get("osType") == "Windows"
    if not re.fullmatch(r"[a-z][a-z0-9]{0,5}" if windows else r"[a-z][a-z0-9]{0,11}", name):
        raise invalid(
            "name",
            f"{name!r} must start with a lowercase letter, hold only lowercase letters and digits, and have "
            f"at most {6 if windows else 12} characters.",
        )
    spec = {**DEFAULTS, **_given(wished)}
    spec["orchestratorVersion"] = spec.get("orchestratorVersion") or cluster.version
    spec["powerState"] = {"code": "Running"}
    if spec.get("scaleSetPriority") == "Spot":
        spec = {"scaleSetEvictionPolicy": "Delete", "spotMaxPrice": -1, **spec}
    spec.pop("nodeImageVersion", None)
    if mixed and "count" not in wished:
        del spec["count"]
    return completed(spec, asked=wished.get("enableAutoScaling"), before={})


def merged(pool: AgentPool, wished: Properties, switches: Switches) -> Properties:
    """Return the spec that a PUT asks for on top of the one that stands. Raises ArmError."""
    given = _given(wished)
    for name in IMMUTABLE:
        if name in given and not _same(given[name], pool.spec.get(name)):
            raise immutable(name, pool.name, switches.immutable_code)
    image = given.pop("nodeImageVersion", None)
    if image is not None and image != pool.image:
        raise invalid("nodeImageVersion", f"{image!r} is not a version that the pool used recently: {pool.image!r}.")
    spec = {name: value for name, value in pool.spec.items() if name in _KEPT or wished.get(name, "") is not None}
    if switches.omitted_maps == "clear":
        for name in MAPS:
            spec.pop(name, None)
    if given.get("enableAutoScaling") is False:
        spec.pop("minCount", None)
        spec.pop("maxCount", None)
    if given.get("orchestratorVersion") == "":
        del given["orchestratorVersion"]
    # An absent mode means User: a PUT that does not repeat a System pool's mode asks to change it.
    spec = {**spec, "mode": "User", **given}
    if spec["powerState"].get("code") == "Stopped" and not pool.is_stopped:
        spec = _stopped(spec)
    elif pool.is_stopped and spec["powerState"].get("code") == "Running":
        spec |= pool.before_stop
    return completed(spec, asked=given.get("enableAutoScaling"), before=sizes_of(pool.spec))


def _stopped(spec: Properties) -> Properties:
    """Return the spec without nodes; a VirtualMachines pool shows its sizes all the same."""
    if spec["type"] == VIRTUAL_MACHINES:
        return spec
    return {name: value for name, value in spec.items() if name not in SCALING} | {
        "count": 0,
        "enableAutoScaling": False,
    }


def check_still_system(pool: AgentPool, spec: Properties, others: Iterable[AgentPool]) -> None:
    """Refuse that a cluster's last System pool takes another mode. Raises ArmError."""
    if pool.is_system and spec["mode"] != "System" and not any(other.is_system for other in others):
        raise invalid("mode", f"the cluster must have at least one System pool, and {pool.name} is the last one.")


def check(spec: Properties, others: Iterable[AgentPool], switches: Switches) -> None:
    """Judge a spec beside the cluster's other pools. Raises ArmError."""
    mode = spec["mode"]
    if mode not in {"System", "User", "Gateway"}:
        raise invalid("mode", f"{mode!r} is not a mode: System, User, Gateway.")
    if mode != "User" and spec.get("osType") == "Windows":
        raise invalid("mode", f"a {mode} pool must have osType Linux.")
    if spec["powerState"].get("code") not in {"Running", "Stopped"}:
        raise invalid("powerState", "code must be Running or Stopped.")
    if spec["powerState"]["code"] == "Stopped" and mode == "System":
        raise invalid("powerState", "a System pool cannot be stopped.")
    _check_counts(spec, switches)
    _check_gateway(spec)
    total = sum(wished_nodes(spec).values()) + sum(pool.count for pool in others)
    if total > CLUSTER_MAX:
        raise invalid("count", f"the cluster would have {total} nodes, more than {CLUSTER_MAX}.")


def least_nodes(spec: Properties) -> int:
    """Return how many nodes a pool of this mode has at least."""
    return 1 if spec["mode"] == "System" else 0


def least_minimum(spec: Properties, switches: Switches) -> int:
    """Return the least minCount of an autoscaled pool of this mode: 0 for whom the switch says."""
    return 0 if switches.min_count_zero in {"all", spec["mode"]} else 1


def _check_counts(spec: Properties, switches: Switches) -> None:
    least = least_nodes(spec)
    count = sum(wished_nodes(spec).values())
    if not least <= count <= POOL_MAX:
        raise invalid("count", f"a {spec['mode']} pool has {least} to {POOL_MAX} nodes, not {count}.")
    minimum, maximum = spec.get("minCount"), spec.get("maxCount")
    if not spec["enableAutoScaling"]:
        if minimum is not None or maximum is not None:
            raise invalid("minCount", "minCount and maxCount may be set only when enableAutoScaling is true.")
        return
    if spec["type"] != VIRTUAL_MACHINES and (minimum is None or maximum is None):
        raise invalid("minCount", "minCount and maxCount are required when enableAutoScaling is true.")
    ranges = size_ranges(spec)
    low, high = sum(low for low, _ in ranges.values()), sum(high for _, high in ranges.values())
    least = least_minimum(spec, switches)
    if not least <= low <= high <= POOL_MAX:
        raise invalid("minCount", f"{least} ≤ minCount {low} ≤ maxCount {high} ≤ {POOL_MAX} does not hold.")
    # Those of a stopped pool too: it has them again when it is started.
    for size, nodes in sizes_of(spec).items() if switches.autoscaler_range else ():
        low, high = ranges[size]
        if not low <= nodes <= high:
            raise invalid("count", f"{nodes} is not within minCount {low} and maxCount {high}.")


def _check_gateway(spec: Properties) -> None:
    if spec["mode"] != "Gateway":
        return
    prefix = (spec.get("gatewayProfile") or {}).get("publicIPPrefixSize", GATEWAY_PREFIXES[-1])
    if prefix not in GATEWAY_PREFIXES:
        raise invalid("gatewayProfile.publicIPPrefixSize", f"{prefix} is not 28 to 31.")
    count, most = sum(wished_nodes(spec).values()), 2 ** (32 - prefix)
    if count > most:
        raise invalid("count", f"a Gateway pool with a prefix of /{prefix} has at most {most} nodes, not {count}.")


def change_of(before: Properties, after: Properties) -> Change | None:
    """Name the operation that leads from one spec to the other; None when there is nothing to do."""
    changed = {name for name in before.keys() | after.keys() if not _same(before.get(name), after.get(name))}
    if not changed:
        return None
    if "powerState" in changed:
        return "Stopping" if after["powerState"]["code"] == "Stopped" else "Starting"
    if "orchestratorVersion" in changed:
        return "Upgrading"
    return "Scaling" if changed <= SIZES else "Updating"


def check_etag(etag: str | None, if_match: str | None, if_none_match: str | None) -> str | None:
    """Return why the preconditions fail, or None. `etag` is the resource's, None when there is none."""
    if if_match is not None:
        if etag is None:
            return "Resource not found but ETag header is provided."
        if "*" not in (tags := _tags(if_match)) and etag not in tags:
            return f"The ETag provided ({if_match}) does not match the agent pool's current ETag."
    if if_none_match is not None and etag is not None:
        tags = _tags(if_none_match)
        if "*" in tags or etag in tags:
            return "The agent pool exists, but If-None-Match asks that it does not."
    return None


def _tags(header: str) -> set[str]:
    return {tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")}


def _given(wished: Properties) -> Properties:
    return {name: value for name, value in wished.items() if value is not None}


def _same(one: object, other: object) -> bool:
    return one == other or (_empty(one) and _empty(other))


def _empty(value: object) -> bool:
    # An absent map, list, text or flag and an empty one are the same wish; an absent number and 0 are not.
    return value is None or value is False or (isinstance(value, dict | list | str) and not value)
