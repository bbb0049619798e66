"""Node objects: what an engine's machine looks like to the Kubernetes of its cluster.

A machine registers when it boots, is Ready when it is ready, and is cordoned when its cloud drains it.
Labels that Kubernetes and the vendors document are set here; a group's own come from its engine.
"""

import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from multicloud_lab.clusters.errors import Json
from multicloud_lab.clusters.machines import Offer, offer
from multicloud_lab.core.lab import MachineGroup
from multicloud_lab.core.nodes import Node, NodeState

UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
NOT_READY = "node.kubernetes.io/not-ready"
_LIFE_TAINTS = frozenset({UNSCHEDULABLE, NOT_READY})
"""Set by Kubernetes itself from a node's state, never by a person."""

_CONDITIONS = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)
_IMAGES: Mapping[str, str] = {
    "aws": "Amazon Linux 2023.8",
    "azure": "Ubuntu 24.04.3 LTS",
    "gcp": "Container-Optimized OS from Google",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """What people have made of a node: all its labels and annotations, its own taints, whether it is cordoned."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    taints: tuple[Json, ...]
    unschedulable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One machine that is a node; `name` is its Kubernetes name."""

    name: str
    group: MachineGroup
    node: Node
    offer: Offer = field(init=False)

    def __post_init__(self) -> None:
        """Look its type up."""
        object.__setattr__(self, "offer", offer(self.group.cloud, self.group.type_of(self.node)))

    @property
    def is_ready(self) -> bool:
        """Whether its kubelet is healthy: a draining machine's still is."""
        return self.node.state in {NodeState.READY, NodeState.DRAINING}

    @property
    def is_draining(self) -> bool:
        """Whether its cloud takes it away."""
        return self.node.state is NodeState.DRAINING

    @property
    def uid(self) -> str:
        """The same machine has the same uid, another one of the same name another."""
        return stable_uid(self.group.cloud, self.group.account, self.name, f"{self.node.created:.6f}")


def stable_uid(*parts: str) -> str:
    """Return a uid that is the same for the same parts."""
    return str(uuid.UUID(bytes=hashlib.sha256("\0".join(parts).encode()).digest()[:16], version=4))


def timestamp(time_s: float) -> str:
    """Return virtual epoch seconds as Kubernetes writes times."""
    return datetime.fromtimestamp(int(time_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def node_body(seen: Seen, version: str, touched: Touched | None, ready_s: float) -> Json:
    """Return the Node object, without a resourceVersion. `ready_s` is when its Ready condition last changed."""
    group, node = seen.group, seen.node
    cordoned = seen.is_draining or (touched is not None and touched.unschedulable)
    metadata: Json = {
        "name": seen.name,
        "uid": seen.uid,
        "creationTimestamp": timestamp(node.created),
        "labels": dict(_labels(seen) if touched is None else touched.labels),
        "annotations": dict(_ANNOTATIONS if touched is None else touched.annotations),
    }
    spec: Json = {"providerID": group.provider_id(node)}
    if cordoned:
        spec["unschedulable"] = True
    own = _own_taints(group) if touched is None else touched.taints
    life = [{"key": NOT_READY, "effect": effect} for effect in ("NoSchedule", "NoExecute") if not seen.is_ready]
    if cordoned:
        life.append({"key": UNSCHEDULABLE, "effect": "NoSchedule", "timeAdded": timestamp(node.since)})
    if own or life:
        spec["taints"] = [*own, *life]
    return {
        "kind": "Node",
        "apiVersion": "v1",
        "metadata": metadata,
        "spec": spec,
        "status": _status(seen, version, timestamp(ready_s)),
    }


def touched_by(before: Json, after: Json, touched: Touched | None) -> Touched:
    """Return what a patch has made of a node; only these fields can be changed."""
    metadata, spec = after["metadata"], after.get("spec", {})
    was, is_now = bool(before["spec"].get("unschedulable")), bool(spec.get("unschedulable"))
    # A draining machine's node is cordoned by its cloud: patching another field must not make that a person's.
    kept = touched is not None and touched.unschedulable
    return Touched(
        labels=dict(metadata.get("labels") or {}),
        annotations=dict(metadata.get("annotations") or {}),
        taints=tuple(taint for taint in spec.get("taints") or () if taint.get("key") not in _LIFE_TAINTS),
        unschedulable=kept if is_now is was else is_now,
    )


_ANNOTATIONS: Mapping[str, str] = {"volumes.kubernetes.io/controller-managed-attach-detach": "true"}


def _labels(seen: Seen) -> dict[str, str]:
    group, zone = seen.group, _zone(seen)
    instance_type = group.type_of(seen.node)
    labels = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/instance-type": instance_type,
        "beta.kubernetes.io/os": "linux",
        "failure-domain.beta.kubernetes.io/region": group.region,
        "failure-domain.beta.kubernetes.io/zone": zone,
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": seen.name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": instance_type,
        "topology.kubernetes.io/region": group.region,
        "topology.kubernetes.io/zone": zone,
    }
    return {**labels, **_vendor_labels(group, instance_type), **group.labels}


def _vendor_labels(group: MachineGroup, instance_type: str) -> Mapping[str, str]:
    """Return by which label each vendor names the pool (their documentation of node labels)."""
    if group.cloud == "aws":
        kind = "SPOT" if group.spot else "ON_DEMAND"
        return {"eks.amazonaws.com/nodegroup": group.node_pool, "eks.amazonaws.com/capacityType": kind}
    if group.cloud == "azure":
        return {"agentpool": group.node_pool, "kubernetes.azure.com/agentpool": group.node_pool}
    family = instance_type.partition("-")[0]
    return {"cloud.google.com/gke-nodepool": group.node_pool, "cloud.google.com/machine-family": family}


def _zone(seen: Seen) -> str:
    """Return the zone as the label has it: Azure's are the location with a number, a regional machine's is 0."""
    zone = seen.node.zone
    if seen.group.cloud != "azure":
        return zone
    return f"{seen.group.region}-{zone}" if zone.isdigit() and zone != "0" else zone or "0"


def _own_taints(group: MachineGroup) -> tuple[Json, ...]:
    return tuple({"key": key, "value": value, "effect": effect} for key, value, effect in group.taints)


def _status(seen: Seen, version: str, since: str) -> Json:
    offered = seen.offer
    pods = str(offered.pods)
    return {
        "capacity": {"cpu": str(offered.cpu_m // 1000), "memory": f"{offered.memory_mib}Mi", "pods": pods},
        "allocatable": {
            "cpu": f"{offered.allocatable_cpu_m}m",
            "memory": f"{offered.allocatable_memory_mib}Mi",
            "pods": pods,
        },
        "conditions": [
            *(_condition(kind, False, reason, message, since) for kind, reason, message in _CONDITIONS),
            _ready_condition(seen, since),
        ],
        "addresses": [
            {"type": "InternalIP", "address": _node_address(seen)},
            {"type": "Hostname", "address": seen.name},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": {
            "architecture": "amd64",
            "bootID": stable_uid("boot", seen.uid),
            "containerRuntimeVersion": "containerd://2.1.4",
            "kernelVersion": "6.12.46",
            "kubeProxyVersion": "",
            "kubeletVersion": version,
            "machineID": seen.uid.replace("-", ""),
            "operatingSystem": "linux",
            "osImage": _IMAGES[seen.group.cloud],
            "systemUUID": stable_uid("system", seen.uid),
        },
    }


def address(uid: str) -> str:
    """Return an address inside a cluster for what has this uid."""
    digest = hashlib.sha256(uid.encode()).digest()
    return f"10.{digest[0]}.{digest[1]}.{1 + digest[2] % 254}"


def _node_address(seen: Seen) -> str:
    """Return a node's address; EKS names its nodes by it."""
    named = re.match(r"ip-(\d+)-(\d+)-(\d+)-(\d+)\.", seen.name)
    return ".".join(named.groups()) if named else address(seen.uid)


def _ready_condition(seen: Seen, since: str) -> Json:
    if seen.is_ready:
        return _condition("Ready", True, "KubeletReady", "kubelet is posting ready status", since)
    message = (
        "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
        "message:Network plugin returns error: cni plugin not initialized"
    )
    return _condition("Ready", False, "KubeletNotReady", message, since)


def _condition(kind: str, holds: bool, reason: str, message: str, since: str) -> Json:  # noqa: FBT001  (a condition's status is one)
    return {
        "type": kind,
        "status": "True" if holds else "False",
        "lastHeartbeatTime": since,
        "lastTransitionTime": since,
        "reason": reason,
        "message": message,
    }
