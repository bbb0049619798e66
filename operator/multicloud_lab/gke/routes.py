"""Which method of ClusterManager a REST request is: paths of the discovery document, with what they name.

Read once from `routes.yaml` beside this module. A path segment may end in `:verb`; names hold no
slash and no colon.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

_VARIABLE = re.compile(r"\{(\w+)\}")
_PARTS: Mapping[str, str] = {
    "projectsId": "project",
    "projectId": "project",
    "locationsId": "location",
    "zonesId": "location",
    "zone": "location",
    "clustersId": "cluster",
    "clusterId": "cluster",
    "nodePoolsId": "pool",
    "nodePoolId": "pool",
    "operationsId": "operation",
    "operationId": "operation",
}
"""The discovery document's variables by what they name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A method at a path. `old`: a path of the first API, with `zones` in it."""

    operation: str
    http_method: str
    pattern: re.Pattern[str]
    old: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """A request's method, and the full name of what it names."""

    operation: str
    name: str


@cache
def routes() -> tuple[Route, ...]:
    """Return every route of container/v1."""
    text = Path(__file__).with_name("routes.yaml").read_text(encoding="utf-8")
    known: Mapping[str, list[str]] = yaml.safe_load(text)
    return tuple(_route(operation, line) for operation, lines in known.items() for line in lines)


def find(http_method: str, path: str, *, zone_paths: bool) -> Routed | None:
    """Return what a request means, None where the API has nothing; `path` is decoded and begins with /v1/."""
    for route in routes():
        if route.http_method != http_method or (route.old and not zone_paths):
            continue
        match = route.pattern.fullmatch(path)
        if match is not None:
            return Routed(operation=route.operation, name=_name(match.groupdict()))
    return None


def _route(operation: str, line: str) -> Route:
    http_method, flat_path = line.split(" ", 1)
    pattern, last = "/", 0
    for variable in _VARIABLE.finditer(flat_path):
        pattern += re.escape(flat_path[last : variable.start()]) + f"(?P<{_PARTS[variable[1]]}>[^/:]+)"
        last = variable.end()
    pattern += re.escape(flat_path[last:])
    return Route(
        operation=operation,
        http_method=http_method,
        pattern=re.compile(pattern),
        old="/zones/" in flat_path,
    )


def _name(parts: Mapping[str, str | None]) -> str:
    name = f"projects/{parts['project']}/locations/{parts.get('location') or '-'}"
    if parts.get("cluster"):
        name += f"/clusters/{parts['cluster']}"
    if parts.get("pool"):
        name += f"/nodePools/{parts['pool']}"
    if parts.get("operation"):
        name += f"/operations/{parts['operation']}"
    return name
