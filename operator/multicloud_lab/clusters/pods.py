"""Pods: what a cluster's workloads are, and how a pod of theirs looks.

Every node carries its vendor's DaemonSet pods; whoever drives the lab may add workloads of replicas.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from multicloud_lab.clusters.errors import Json
from multicloud_lab.clusters.nodes import address, stable_uid, timestamp

GRACE_S = 30.0
"""terminationGracePeriodSeconds of every pod, virtual seconds."""
_IMAGE = "registry.k8s.io/pause:3.10"
SYSTEM = "kube-system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Replicas of one pod. `cpu_m` millicores and `memory_mib` MiB each; `min_available` is its disruption budget's.

    A replica goes to a node whose labels hold `node_selector`, whose taints' keys are among `tolerates`, and that has
    room; else it is Pending.
    """

    name: str
    replicas: int
    namespace: str = "default"
    cpu_m: int = 100
    memory_mib: int = 128
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerates: frozenset[str] = frozenset()
    min_available: int | None = None

    def __post_init__(self) -> None:
        """Refuse sizes that cannot be."""
        for name, value in (("replicas", self.replicas), ("cpu_m", self.cpu_m), ("memory_mib", self.memory_mib)):
            if value < 0:
                message = f"{name} is {value}, but it must be 0 or above"
                raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """A DaemonSet of the vendor, in kube-system, with a pod on every node."""

    name: str
    cpu_m: int
    memory_mib: int


DAEMONS: Mapping[str, tuple[Daemon, ...]] = {
    "aws": (
        Daemon(name="aws-node", cpu_m=50, memory_mib=0),
        Daemon(name="kube-proxy", cpu_m=100, memory_mib=0),
    ),
    "azure": (
        Daemon(name="azure-cns", cpu_m=40, memory_mib=250),
        Daemon(name="azure-ip-masq-agent", cpu_m=100, memory_mib=50),
        Daemon(name="kube-proxy", cpu_m=100, memory_mib=0),
    ),
    "gcp": (
        Daemon(name="fluentbit-gke", cpu_m=100, memory_mib=200),
        Daemon(name="gke-metadata-server", cpu_m=100, memory_mib=100),
        Daemon(name="pdcsi-node", cpu_m=10, memory_mib=20),
    ),
}
"""What each vendor runs on every node, with the requests of its manifests."""


@dataclass(slots=True, kw_only=True, eq=False)
class Pod:
    """One pod of a workload. Times are virtual epoch seconds; `ends` is when a deleted one is gone."""

    name: str
    workload: Workload
    created: float
    node: str | None = None
    started: float | None = None
    ends: float | None = None

    @property
    def is_live(self) -> bool:
        """Whether nobody has deleted it."""
        return self.ends is None


def suffix(*parts: str) -> str:
    """Return the five letters that a pod's name ends with, the same for the same parts."""
    letters = "bcdfghjklmnpqrstvwxz2456789"  # Kubernetes' alphabet for generated names
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return "".join(letters[byte % len(letters)] for byte in digest[:5])


def set_name(workload: Workload) -> str:
    """Return the name of the ReplicaSet that owns a workload's pods."""
    return f"{workload.name}-{suffix('set', workload.namespace, workload.name)}"


def workload_pod(pod: Pod) -> Json:
    """Return the Pod object of a replica."""
    workload = pod.workload
    owner = _owner("ReplicaSet", set_name(workload), workload.namespace)
    body = _body(pod.name, workload.namespace, {"app": workload.name}, owner, pod.created)
    body["metadata"]["generateName"] = f"{set_name(workload)}-"
    body["spec"] |= {
        "containers": [_container(workload.name, workload.cpu_m, workload.memory_mib)],
        "tolerations": [{"key": key, "operator": "Exists"} for key in sorted(workload.tolerates)],
    }
    if workload.node_selector:
        body["spec"]["nodeSelector"] = dict(workload.node_selector)
    if pod.ends is not None:
        body["metadata"]["deletionTimestamp"] = timestamp(pod.ends)
        body["metadata"]["deletionGracePeriodSeconds"] = int(GRACE_S)
    if pod.node is None or pod.started is None:
        body["status"] = _pending(pod.created)
        return body
    body["spec"]["nodeName"] = pod.node
    body["status"] = _running(body["metadata"]["uid"], workload.name, pod.started)
    return body


def daemon_pod(daemon: Daemon, node: str, *, is_ready: bool, created: float, since: float) -> Json:
    """Return the Pod object of a DaemonSet on a node; it runs when the node is ready."""
    owner = _owner("DaemonSet", daemon.name, SYSTEM)
    name = f"{daemon.name}-{suffix(daemon.name, node, f'{created:.6f}')}"
    body = _body(name, SYSTEM, {"k8s-app": daemon.name}, owner, created)
    body["metadata"]["generateName"] = f"{daemon.name}-"
    body["spec"] |= {
        "containers": [_container(daemon.name, daemon.cpu_m, daemon.memory_mib)],
        "nodeName": node,
        "tolerations": [{"operator": "Exists"}],
        "priorityClassName": "system-node-critical",
        "priority": 2000001000,
    }
    if is_ready:
        body["status"] = _running(body["metadata"]["uid"], daemon.name, since)
    else:
        body["status"] = _waiting(daemon.name, since)
    return body


def daemon_set(daemon: Daemon, nodes: int, ready: int, created: float) -> Json:
    """Return the DaemonSet object with its counts."""
    labels = {"k8s-app": daemon.name}
    return {
        "kind": "DaemonSet",
        "apiVersion": "apps/v1",
        "metadata": {
            "name": daemon.name,
            "namespace": SYSTEM,
            "uid": stable_uid("DaemonSet", SYSTEM, daemon.name),
            "creationTimestamp": timestamp(created),
            "labels": labels,
        },
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [_container(daemon.name, daemon.cpu_m, daemon.memory_mib)]},
            },
        },
        "status": {
            "currentNumberScheduled": nodes,
            "desiredNumberScheduled": nodes,
            "numberMisscheduled": 0,
            "numberReady": ready,
            "numberAvailable": ready,
        },
    }


def budget_body(workload: Workload, healthy: int, created: float) -> Json:
    """Return the PodDisruptionBudget object of a workload that has one, with its counts."""
    needed = workload.min_available or 0
    return {
        "kind": "PodDisruptionBudget",
        "apiVersion": "policy/v1",
        "metadata": {
            "name": workload.name,
            "namespace": workload.namespace,
            "uid": stable_uid("PodDisruptionBudget", workload.namespace, workload.name),
            "creationTimestamp": timestamp(created),
        },
        "spec": {"minAvailable": needed, "selector": {"matchLabels": {"app": workload.name}}},
        "status": {
            "currentHealthy": healthy,
            "desiredHealthy": needed,
            "expectedPods": workload.replicas,
            "disruptionsAllowed": max(healthy - needed, 0),
        },
    }


def namespace_body(name: str, created: float) -> Json:
    """Return a Namespace object."""
    return {
        "kind": "Namespace",
        "apiVersion": "v1",
        "metadata": {
            "name": name,
            "uid": stable_uid("Namespace", name),
            "creationTimestamp": timestamp(created),
            "labels": {"kubernetes.io/metadata.name": name},
        },
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def _body(name: str, namespace: str, labels: Mapping[str, str], owner: Json, created: float) -> Json:
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": stable_uid("Pod", namespace, name, f"{created:.6f}"),
            "creationTimestamp": timestamp(created),
            "labels": dict(labels),
            "ownerReferences": [owner],
        },
        "spec": {
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": int(GRACE_S),
            "schedulerName": "default-scheduler",
            "serviceAccountName": "default",
            "dnsPolicy": "ClusterFirst",
        },
    }


def _owner(kind: str, name: str, namespace: str) -> Json:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "name": name,
        "uid": stable_uid(kind, namespace, name),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _container(name: str, cpu_m: int, memory_mib: int) -> Json:
    requests = {"cpu": f"{cpu_m}m"} | ({"memory": f"{memory_mib}Mi"} if memory_mib else {})
    return {"name": name, "image": _IMAGE, "resources": {"requests": requests}}


def _pending(created: float) -> Json:
    return {
        "phase": "Pending",
        "conditions": [
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": "no node has the labels and the room that the pod asks for",
                "lastTransitionTime": timestamp(created),
            }
        ],
        "qosClass": "Burstable",
    }


def _waiting(container: str, since: float) -> Json:
    status = _container_status(container)
    status["state"] = {"waiting": {"reason": "ContainerCreating"}}
    return {
        "phase": "Pending",
        "conditions": [_holds("PodScheduled", since)],
        "containerStatuses": [status],
        "startTime": timestamp(since),
        "qosClass": "Burstable",
    }


def _running(uid: str, container: str, since: float) -> Json:
    status = _container_status(container)
    status |= {"ready": True, "started": True, "state": {"running": {"startedAt": timestamp(since)}}}
    return {
        "phase": "Running",
        "conditions": [_holds(kind, since) for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")],
        "podIP": address(uid),
        "podIPs": [{"ip": address(uid)}],
        "startTime": timestamp(since),
        "containerStatuses": [status],
        "qosClass": "Burstable",
    }


def _container_status(name: str) -> Json:
    return {"name": name, "image": _IMAGE, "imageID": "", "ready": False, "restartCount": 0}


def _holds(kind: str, since: float) -> Json:
    return {"type": kind, "status": "True", "lastTransitionTime": timestamp(since)}
