"""Tables: how an API server answers `kubectl get`, which asks for columns instead of objects.

Columns as in k8s.io/kubernetes, pkg/printers/internalversion; a kind that has none here shows name and age.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from multicloud_lab.clusters.discovery import Resource
from multicloud_lab.clusters.errors import Json

Cell = str | int


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column; `wide` ones are shown by `-o wide` only."""

    name: str
    cell: Callable[[Json], Cell]
    wide: bool = False


def wants_table(accept: str) -> bool:
    """Say whether an Accept header asks for a table (in any of its alternatives)."""
    return any("as=Table" in part and "v=v1" in part.split(";") for part in accept.replace(" ", "").split(","))


def as_table(resource: Resource, bodies: Sequence[Json], metadata: Json, now_s: float) -> Json:
    """Return objects as a Table, ages as of `now_s` (virtual epoch seconds)."""
    columns = [
        Column(name="Name", cell=lambda body: str(body["metadata"]["name"])),
        *_COLUMNS.get(resource.plural, ()),
    ]
    ages = [_age(body, now_s) for body in bodies]
    rows = []
    for body, age in zip(bodies, ages, strict=True):
        shown = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": body["metadata"]}
        cells: list[Cell] = [column.cell(body) for column in columns if not column.wide]
        wide: list[Cell] = [column.cell(body) for column in columns if column.wide]
        rows.append({"cells": [*cells, age, *wide], "object": shown})
    definitions = [_definition(column.name) for column in columns if not column.wide]
    definitions += [_definition("Age"), *(_definition(column.name, 1) for column in columns if column.wide)]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": definitions,
        "rows": rows,
    }


def _definition(name: str, priority: int = 0) -> Json:
    form = "name" if name == "Name" else ""
    return {"name": name, "type": "string", "format": form, "description": name, "priority": priority}


def _age(body: Json, now_s: float) -> str:
    """Return an age as kubectl writes it, roughly: two figures at most."""
    born = datetime.strptime(body["metadata"]["creationTimestamp"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    seconds = max(int(now_s - born.timestamp()), 0)
    if seconds < 120:
        return f"{seconds}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if hours < 3:
        return f"{minutes}m"
    return f"{hours}h" if hours < 48 else f"{days}d"


def _node_status(body: Json) -> str:
    ready = next(each for each in body["status"]["conditions"] if each["type"] == "Ready")
    status = "Ready" if ready["status"] == "True" else "NotReady"
    return status + (",SchedulingDisabled" if body["spec"].get("unschedulable") else "")


def _pod_status(body: Json) -> str:
    if "deletionTimestamp" in body["metadata"]:
        return "Terminating"
    for container in body["status"].get("containerStatuses", ()):
        if "waiting" in container["state"]:
            return str(container["state"]["waiting"]["reason"])
    return str(body["status"]["phase"])


def _pod_ready(body: Json) -> str:
    statuses = body["status"].get("containerStatuses", [])
    return f"{sum(each['ready'] for each in statuses)}/{len(body['spec']['containers'])}"


def _info(field: str) -> Callable[[Json], Cell]:
    return lambda body: str(body["status"]["nodeInfo"][field])


def _count(field: str) -> Callable[[Json], Cell]:
    return lambda body: int(body["status"][field])


_COLUMNS: Mapping[str, Sequence[Column]] = {
    "nodes": (
        Column(name="Status", cell=_node_status),
        Column(name="Roles", cell=lambda _: "<none>"),
        Column(name="Version", cell=_info("kubeletVersion")),
        Column(name="Internal-IP", cell=lambda body: str(body["status"]["addresses"][0]["address"]), wide=True),
        Column(name="External-IP", cell=lambda _: "<none>", wide=True),
        Column(name="OS-Image", cell=_info("osImage"), wide=True),
        Column(name="Kernel-Version", cell=_info("kernelVersion"), wide=True),
        Column(name="Container-Runtime", cell=_info("containerRuntimeVersion"), wide=True),
    ),
    "pods": (
        Column(name="Ready", cell=_pod_ready),
        Column(name="Status", cell=_pod_status),
        Column(name="Restarts", cell=lambda _: "0"),
        Column(name="IP", cell=lambda body: str(body["status"].get("podIP", "<none>")), wide=True),
        Column(name="Node", cell=lambda body: str(body["spec"].get("nodeName", "<none>")), wide=True),
    ),
    "daemonsets": (
        Column(name="Desired", cell=_count("desiredNumberScheduled")),
        Column(name="Current", cell=_count("currentNumberScheduled")),
        Column(name="Ready", cell=_count("numberReady")),
        Column(name="Available", cell=_count("numberAvailable")),
    ),
    "namespaces": (Column(name="Status", cell=lambda body: str(body["status"]["phase"])),),
    "configmaps": (Column(name="Data", cell=lambda body: str(len(body["data"]))),),
    "poddisruptionbudgets": (
        Column(name="Min Available", cell=lambda body: str(body["spec"]["minAvailable"])),
        Column(name="Allowed Disruptions", cell=_count("disruptionsAllowed")),
    ),
}
