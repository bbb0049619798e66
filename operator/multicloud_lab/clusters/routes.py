"""From a request's method and path to what it asks for, named for journal and faults: nodes.list, pods.evict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from multicloud_lab.clusters.discovery import GROUPS, RESOURCES, Resource
from multicloud_lab.clusters.errors import no_such_path, not_allowed

HEALTH = frozenset({"healthz", "livez", "readyz"})
_READS = frozenset({"GET", "HEAD"})
REVIEWS = ("apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews")
"""Where a client asks what it may do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is asked for. Without a resource it is `path`: version, health, or discovery."""

    operation: str
    resource: Resource | None = None
    namespace: str = ""
    name: str = ""
    verb: str = "get"
    path: tuple[str, ...] = ()


def find_target(method: str, path: Sequence[str], query: Mapping[str, str]) -> Target:
    """Return the target of a path below a cluster's root, its parts unquoted. Raises ApiError 404 or 405."""
    parts = tuple(part for part in path if part)
    if _is_plain(parts):
        if method not in _READS:
            raise not_allowed()
        operation = "version.get" if parts == ("version",) else "health.get" if parts[0] in HEALTH else "discovery.get"
        return Target(operation=operation, path=parts)
    if parts == REVIEWS:
        if method != "POST":
            raise not_allowed()
        return Target(operation="selfsubjectaccessreviews.create", verb="review", path=parts)
    group, rest = _group_of(parts)
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces":
        namespace, rest = rest[1], rest[2:]
    resource = RESOURCES.get(rest[0]) if rest else None
    if resource is None or resource.group != group or (namespace and not resource.namespaced):
        raise no_such_path()
    name = rest[1] if len(rest) > 1 else ""
    if rest[2:] == ("eviction",) and resource.plural == "pods" and namespace:
        if method != "POST":
            raise not_allowed()
        return Target(operation="pods.evict", resource=resource, namespace=namespace, name=name, verb="evict")
    if len(rest) > 2 or (name and resource.namespaced and not namespace):
        raise no_such_path()
    verb = _verb(method, resource, name, query)
    return Target(operation=f"{resource.plural}.{verb}", resource=resource, namespace=namespace, name=name, verb=verb)


def _is_plain(parts: tuple[str, ...]) -> bool:
    if parts in {("version",), ("api",), ("api", "v1"), ("apis",)} or (parts and parts[0] in HEALTH):
        return True
    return len(parts) in {2, 3} and parts[0] == "apis" and parts[1] in GROUPS and parts[2:] in {(), ("v1",)}


def _group_of(parts: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    if parts[:2] == ("api", "v1"):
        return "", parts[2:]
    if len(parts) > 2 and parts[0] == "apis" and parts[2] == "v1":
        return parts[1], parts[3:]
    raise no_such_path()


def _verb(method: str, resource: Resource, name: str, query: Mapping[str, str]) -> str:
    if method == "PATCH" and name and "patch" in resource.verbs:
        return "patch"
    if method not in _READS:
        raise not_allowed()
    if name:
        return "get"
    return "watch" if query.get("watch") in {"true", "1"} else "list"
