"""What the API server says it serves: versions, groups and resources, as clients ask before anything else."""

from collections.abc import Mapping
from dataclasses import dataclass

from multicloud_lab.clusters.errors import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A kind that is served; `verbs` beside reading."""

    plural: str
    kind: str
    group: str = ""
    namespaced: bool = True
    short: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        """Its apiVersion."""
        return f"{self.group}/v1" if self.group else "v1"


RESOURCES: Mapping[str, Resource] = {
    each.plural: each
    for each in (
        Resource(plural="configmaps", kind="ConfigMap", short=("cm",)),
        Resource(plural="daemonsets", kind="DaemonSet", group="apps", short=("ds",)),
        Resource(plural="namespaces", kind="Namespace", namespaced=False, short=("ns",)),
        Resource(plural="nodes", kind="Node", namespaced=False, short=("no",), verbs=("patch",)),
        Resource(plural="poddisruptionbudgets", kind="PodDisruptionBudget", group="policy", short=("pdb",)),
        Resource(plural="pods", kind="Pod", short=("po",)),
    )
}
GROUPS = ("apps", "policy")
"""kubectl drain evicts only where it finds the group policy."""


def version_body(git_version: str) -> Json:
    """Answer /version."""
    major, minor, *_ = git_version.removeprefix("v").split(".")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": git_version,
        "gitCommit": "0" * 40,
        "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z",
        "goVersion": "go1.25.0",
        "compiler": "gc",
        "platform": "linux/amd64",
    }


def api_versions(host: str) -> Json:
    """Answer /api."""
    addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": host}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}


def group_list() -> Json:
    """Answer /apis."""
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in GROUPS]}


def group_body(name: str) -> Json:
    """Answer /apis/GROUP."""
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name)}


def resource_list(group: str) -> Json:
    """Answer /api/v1 and /apis/GROUP/v1."""
    resources = [_resource(each) for each in RESOURCES.values() if each.group == group]
    if not group:
        eviction = {"name": "pods/eviction", "singularName": "", "namespaced": True, "verbs": ["create"]}
        resources.append({**eviction, "group": "policy", "version": "v1", "kind": "Eviction"})
    version = f"{group}/v1" if group else "v1"
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}


def _group(name: str) -> Json:
    version = {"groupVersion": f"{name}/v1", "version": "v1"}
    return {"name": name, "versions": [version], "preferredVersion": version}


def _resource(each: Resource) -> Json:
    body: Json = {
        "name": each.plural,
        "singularName": each.kind.lower(),
        "namespaced": each.namespaced,
        "kind": each.kind,
        "verbs": ["get", "list", "watch", *each.verbs],
    }
    if each.short:
        body["shortNames"] = list(each.short)
    return body
