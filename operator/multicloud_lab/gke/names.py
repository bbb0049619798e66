"""Resource names of container.googleapis.com: what a request names, and how answers write it.

A request names its target by `name` or `parent`, or by the deprecated fields of the first API
(project_id, zone, cluster_id, node_pool_id, operation_id), which Google still accepts.
"""

import re
from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol

from multicloud_lab.gke.errors import invalid

ANY_LOCATION = "-"
CONTAINER_ROOT = "https://container.googleapis.com/v1"
COMPUTE_ROOT = "https://www.googleapis.com/compute/v1"

_LOCATION = re.compile(r"[a-z]+(-[a-z]+)+[0-9]+(-[a-z])?")
_ZONE = re.compile(r"[a-z]+(-[a-z]+)+[0-9]+-[a-z]")


class Kind(Enum):
    """What a request names: the pattern of its name, and the pattern as its error says it."""

    LOCATION = (r"projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)", "projects/*/locations/*")
    CLUSTER = (LOCATION[0] + r"/clusters/(?P<cluster>[^/]+)", LOCATION[1] + "/clusters/*")
    POOL = (CLUSTER[0] + r"/nodePools/(?P<pool>[^/]+)", CLUSTER[1] + "/nodePools/*")
    OPERATION = (LOCATION[0] + r"/operations/(?P<operation>[^/]+)", LOCATION[1] + "/operations/*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A location, or a cluster, node pool or operation in it; the absent parts are None."""

    project: str
    location: str
    cluster: str | None = None
    pool: str | None = None
    operation: str | None = None

    def of_pool(self, pool: str) -> "Name":
        """Return the name of a node pool of this cluster."""
        return replace(self, pool=pool)

    @property
    def path(self) -> str:
        """The path as answers and errors write it: zonal resources under `zones`, regional under `locations`."""
        return self._path("zones" if is_zone(self.location) else "locations")

    @property
    def canonical(self) -> str:
        """The path as requests write it: `locations` also for zones."""
        return self._path("locations")

    def _path(self, parent: str) -> str:
        parts = [f"projects/{self.project}/{parent}/{self.location}"]
        if self.cluster is not None:
            parts.append(f"clusters/{self.cluster}")
        if self.pool is not None:
            parts.append(f"nodePools/{self.pool}")
        if self.operation is not None:
            parts.append(f"operations/{self.operation}")
        return "/".join(parts)

    @property
    def link(self) -> str:
        """The self link."""
        return f"{CONTAINER_ROOT}/{self.path}"


class Request(Protocol):
    """What every request message of ClusterManager has in common."""

    project_id: str
    zone: str


def is_zone(location: str) -> bool:
    """Say whether the location is a zone (europe-west1-b) and not a region (europe-west1)."""
    return _ZONE.fullmatch(location) is not None


def region_of(location: str) -> str:
    """Return the region that a zone lies in, or the region itself."""
    return location.rpartition("-")[0] if is_zone(location) else location


def parse(text: str, kind: Kind) -> Name:
    """Read a resource name. Raises GoogleError INVALID_ARGUMENT where it does not fit its pattern."""
    pattern, shape = kind.value
    match = re.fullmatch(pattern, text)
    if match is None:
        message = f'Invalid resource name "{text}": expected format "{shape}".'
        raise invalid(message)
    name = Name(**match.groupdict())
    wildcard = kind is Kind.LOCATION and name.location == ANY_LOCATION
    if not wildcard and _LOCATION.fullmatch(name.location) is None:
        message = f'Location "{name.location}" does not exist.'
        raise invalid(message)
    return name


def requested(request: Request, kind: Kind) -> Name:
    """Return what the request names. Raises GoogleError INVALID_ARGUMENT."""
    text = getattr(request, "parent", "") or getattr(request, "name", "")
    return parse(text or _of_deprecated_fields(request, kind), kind)


def _of_deprecated_fields(request: Request, kind: Kind) -> str:
    text = f"projects/{request.project_id}/locations/{request.zone}"
    if kind in {Kind.CLUSTER, Kind.POOL}:
        text += f"/clusters/{getattr(request, 'cluster_id', '')}"
    if kind is Kind.POOL:
        text += f"/nodePools/{getattr(request, 'node_pool_id', '')}"
    if kind is Kind.OPERATION:
        text += f"/operations/{getattr(request, 'operation_id', '')}"
    return text
