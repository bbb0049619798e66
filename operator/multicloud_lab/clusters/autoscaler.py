"""kube-system/cluster-autoscaler-status as the Cluster Autoscaler writes it from 1.30 on: YAML under `status`.

Form: k8s.io/autoscaler, cluster-autoscaler/clusterstate/api/types.go. It says nothing of scaling under way: sizes
move by the lab's hand "autoscaler", between two of its looks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import yaml

from multicloud_lab.clusters.errors import Json
from multicloud_lab.clusters.nodes import stable_uid, timestamp
from multicloud_lab.clusters.pods import SYSTEM
from multicloud_lab.core.lab import MachineGroup
from multicloud_lab.core.nodes import NodeState

NAME = "cluster-autoscaler-status"
EVERY_S = 10.0
"""How often the autoscaler writes it (--scan-interval), virtual seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many nodes the autoscaler may have in each group of a pool."""

    min: int
    max: int

    def __post_init__(self) -> None:
        """Refuse bounds that cannot be."""
        if not 0 <= self.min <= self.max:
            message = f"min {self.min} and max {self.max} must be 0 ≤ min ≤ max"
            raise ValueError(message)


def status_map(groups: Iterable[MachineGroup], bounds: Mapping[str, Bounds], started_s: float, looked_s: float) -> Json:
    """Return the ConfigMap of an autoscaler that has these bounds by pool, and looked at `looked_s`."""
    watched = [group for group in groups if group.node_pool in bounds]
    at = datetime.fromtimestamp(looked_s, UTC).strftime("%Y-%m-%d %H:%M:%S.%f +0000 UTC")
    times = {"lastProbeTime": timestamp(looked_s), "lastTransitionTime": timestamp(started_s)}
    idle = {"scaleUp": {"status": "NoActivity", **times}, "scaleDown": {"status": "NoCandidates", **times}}
    status = {
        "time": at,
        "autoscalerStatus": "Running",
        "clusterWide": {"health": {"status": "Healthy", "nodeCounts": _counts(watched), **times}, **idle},
        "nodeGroups": [_group(group, bounds[group.node_pool], times, idle) for group in watched],
    }
    return {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {
            "name": NAME,
            "namespace": SYSTEM,
            "uid": stable_uid("ConfigMap", SYSTEM, NAME),
            "creationTimestamp": timestamp(started_s),
            "annotations": {"cluster-autoscaler.kubernetes.io/last-updated": at},
        },
        "data": {"status": yaml.dump(status, sort_keys=False, Dumper=_Plain)},
    }


class _Plain(yaml.SafeDumper):
    """Writes repeated parts in full each time."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  (of the base class)
        return True


def _group(group: MachineGroup, bounds: Bounds, times: Json, idle: Json) -> Json:
    health = {
        "status": "Healthy",
        "nodeCounts": _counts([group]),
        "cloudProviderTarget": group.nodes.target,
        "minSize": bounds.min,
        "maxSize": bounds.max,
        **times,
    }
    return {"name": group.name or group.node_pool, "health": health, **idle}


def _counts(groups: Iterable[MachineGroup]) -> Json:
    states = [node.state for group in groups for node in group.nodes.nodes]
    ready = sum(state in {NodeState.READY, NodeState.DRAINING} for state in states)
    booting = sum(state is NodeState.BOOTING for state in states)
    return {
        "registered": {"total": ready + booting, "ready": ready, "notStarted": booting},
        "longUnregistered": 0,
        "unregistered": sum(state is NodeState.REQUESTED for state in states),
    }
