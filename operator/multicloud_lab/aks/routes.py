"""ARM's paths: which operation a request means. Literal parts match whatever their case, as ARM does.

The wire asks `match`; operations bear the vendor's names (operationId of the description).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

_PROVIDER = "providers/microsoft.containerservice"
_SUBSCRIPTION = "subscriptions/{subscription}"
_CLUSTERS = f"{_SUBSCRIPTION}/resourcegroups/{{group}}/{_PROVIDER}/managedclusters"
_POOL = f"{_CLUSTERS}/{{cluster}}/agentpools/{{pool}}"
_PERMISSIONS = "providers/microsoft.authorization/permissions"
_LOCATION = f"{_SUBSCRIPTION}/{_PROVIDER}/locations/{{location}}"

Operation = Literal[
    "ManagedClusters_List",
    "ManagedClusters_ListByResourceGroup",
    "ManagedClusters_Get",
    "ManagedClusters_ListClusterUserCredentials",
    "AgentPools_List",
    "AgentPools_Get",
    "AgentPools_CreateOrUpdate",
    "AgentPools_Delete",
    "AgentPools_DeleteMachines",
    "AgentPools_AbortLatestOperation",
    "ManagedClusters_AbortLatestOperation",
    "Permissions_ListForResourceGroup",
    "Permissions_ListForResource",
    "Machines_List",
    "Machines_Get",
    "Operations_GetStatus",
    "Operations_GetResult",
]

_ROUTES: tuple[tuple[str, str, Operation], ...] = (
    ("GET", f"{_SUBSCRIPTION}/{_PROVIDER}/managedclusters", "ManagedClusters_List"),
    ("GET", _CLUSTERS, "ManagedClusters_ListByResourceGroup"),
    ("GET", f"{_CLUSTERS}/{{cluster}}", "ManagedClusters_Get"),
    ("POST", f"{_CLUSTERS}/{{cluster}}/listclusterusercredential", "ManagedClusters_ListClusterUserCredentials"),
    ("GET", f"{_CLUSTERS}/{{cluster}}/agentpools", "AgentPools_List"),
    ("GET", _POOL, "AgentPools_Get"),
    ("PUT", _POOL, "AgentPools_CreateOrUpdate"),
    ("DELETE", _POOL, "AgentPools_Delete"),
    ("POST", f"{_POOL}/abort", "AgentPools_AbortLatestOperation"),
    ("POST", f"{_POOL}/deletemachines", "AgentPools_DeleteMachines"),
    ("POST", f"{_CLUSTERS}/{{cluster}}/abort", "ManagedClusters_AbortLatestOperation"),
    ("GET", f"{_SUBSCRIPTION}/resourcegroups/{{group}}/{_PERMISSIONS}", "Permissions_ListForResourceGroup"),
    ("GET", f"{_CLUSTERS}/{{cluster}}/{_PERMISSIONS}", "Permissions_ListForResource"),
    ("GET", f"{_POOL}/{_PERMISSIONS}", "Permissions_ListForResource"),
    ("GET", f"{_POOL}/machines", "Machines_List"),
    ("GET", f"{_POOL}/machines/{{machine}}", "Machines_Get"),
    ("GET", f"{_LOCATION}/operations/{{operation}}", "Operations_GetStatus"),
    ("GET", f"{_LOCATION}/operationresults/{{operation}}", "Operations_GetResult"),
)

ANY_VERSION = frozenset({"Operations_GetStatus", "Operations_GetResult"})
"""Operations whose URLs carry an api-version of their own, whatever the client's."""

WRITES = frozenset(
    {
        "AgentPools_CreateOrUpdate",
        "AgentPools_Delete",
        "AgentPools_DeleteMachines",
        "AgentPools_AbortLatestOperation",
        "ManagedClusters_AbortLatestOperation",
    }
)
"""Operations that change something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What a request means; `operation` is None for what this lab does not serve."""

    operation: Operation | None
    names: Mapping[str, str]
    methods: frozenset[str] = frozenset()


def match(method: str, path: str) -> Match:
    """Find the operation of a method and a raw path. `methods` are those that the path has."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    methods: set[str] = set()
    for route_method, pattern, operation in _ROUTES:
        names = _fit(pattern.split("/"), parts)
        if names is None:
            continue
        if route_method == method:
            return Match(operation=operation, names=names)
        methods.add(route_method)
    return Match(operation=None, names={}, methods=frozenset(methods))


def _fit(pattern: list[str], parts: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(parts):
        return None
    names: dict[str, str] = {}
    for expected, part in zip(pattern, parts, strict=True):
        if expected.startswith("{"):
            names[expected[1:-1]] = part
        elif expected != part.lower():
            return None
    return names
