"""Eyes that see the lab's member clusters at every virtual instant: the lab's nodes and pods through the real counts.

The wire between them is left out: over it, watches would tell in real time what happens in virtual time
(tests/kube/members has it).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from multicloud.kube.members.counts import Counts
from multicloud.model.member import ClusterLogin, Inside, Load, Look, Patched, SeenNode
from multicloud.model.pods import Crowd
from multicloud.model.ref import ObjectKey
from multicloud_lab.clusters import Workload
from multicloud_lab.clusters.cluster import Cluster
from multicloud_lab.clusters.place import Fleet
from multicloud_lab.clusters.wire import Clusters
from multicloud_lab.core.lab import Lab
from multicloud_lab.thread import LabThread

Body = dict[str, Any]


@dataclass(slots=True)
class LabEyes:
    """The port ClusterEyes, on the lab's clusters. `away` are those that let nobody in, as cloud and name."""

    lab: LabThread
    away: set[tuple[str, str]] = field(default_factory=set)
    _clusters: Clusters | None = None
    _counts: dict[tuple[str, str], tuple[float, Counts]] = field(default_factory=dict)

    def run(self, cloud: str, cluster: str, name: str, replicas: int, **workload: Any) -> None:
        """Run a workload in a cluster; with 0 replicas it ends."""
        wanted = Workload(name=name, replicas=replicas, **workload)
        self.lab.run(lambda lab: self._cluster(lab, cloud, cluster).run_workload(wanted))

    def pods(self, cloud: str, cluster: str, *, waiting: bool) -> int:
        """Pods of workloads that run, or wait for a node."""
        return sum(
            "nodeName" not in body["spec"] if waiting else "nodeName" in body["spec"]
            for body in self._look(cloud, cluster)[2]
            if body["metadata"]["ownerReferences"][0]["kind"] == "ReplicaSet"
        )

    def taint(self, cloud: str, cluster: str, node_pool: str, key: str) -> None:
        """`kubectl taint` of every node that a node pool has."""

        def act(lab: Lab) -> None:
            inside = self._cluster(lab, cloud, cluster)
            inside.refresh()
            for body in inside.store.all("nodes"):
                if node_pool in body["metadata"]["labels"].values():
                    patch = {"spec": {"taints": [{"key": key, "effect": "NoSchedule"}]}}
                    inside.patch_node(body["metadata"]["name"], patch, "application/merge-patch+json", dry_run=False)

        self.lab.run(act)

    def attend(self, pool: ObjectKey, wanted: Mapping[ClusterLogin, Look]) -> None:
        """Everything is seen anyway."""

    def inside(self, login: ClusterLogin, node_pool: str) -> Inside:
        counts = self._seen(login)
        return Inside() if counts is None else Inside(counted=counts.counted(node_pool))

    def load(self, login: ClusterLogin, node_pool: str) -> Load | None:
        counts = self._seen(login)
        return None if counts is None else counts.load(node_pool)

    def crowd(self, login: ClusterLogin, node_pools: Iterable[str]) -> Crowd | None:
        counts = self._seen(login)
        return None if counts is None else counts.crowd(node_pools)

    def nodes(self, _: ClusterLogin, __: str) -> Sequence[SeenNode]:
        """None that could be cordoned: these stories are about what comes."""
        return ()

    async def cordon(self, _: ClusterLogin, __: str, nodes: Sequence[str], *, mark: str) -> Patched:
        raise AssertionError(f"{mark}: no node was told, and {nodes} are to be cordoned")

    async def uncordon(self, _: ClusterLogin, __: str, nodes: Sequence[str]) -> Patched:
        raise AssertionError(f"no node was told, and {nodes} are to be opened")

    def account_changed(self, account: ObjectKey) -> None:
        """Nothing hangs on it."""

    def close(self) -> None:
        """What nodes were like is forgotten with the process."""
        self._counts.clear()

    def _seen(self, login: ClusterLogin) -> Counts | None:
        where = (str(login.cluster.cloud), login.cluster.name)
        if where in self.away:
            return None
        at, nodes, pods = self._look(*where)
        known = self._counts.get(where)
        if known is not None and known[0] == at:
            return known[1]
        counts = Counts(login.cluster.cloud, "test", known[1].shapes() if known else None)
        for body in nodes:
            counts.node(body)
        for body in pods:
            (counts.pod if body["spec"].get("nodeName") else counts.unscheduled)(body)
        self._counts[where] = (at, counts)
        return counts

    def _look(self, cloud: str, cluster: str) -> tuple[float, list[Body], list[Body]]:
        def look(lab: Lab) -> tuple[float, list[Body], list[Body]]:
            inside = self._cluster(lab, cloud, cluster)
            inside.refresh()
            return lab.clock.now(), inside.store.all("nodes"), inside.store.all("pods")

        return self.lab.run(look)

    def _cluster(self, lab: Lab, cloud: str, cluster: str) -> Cluster:
        """On the lab's loop only."""
        if self._clusters is None:
            self._clusters = Clusters(lab)
        found = self._clusters.find(Fleet(lab).find(cloud, cluster)[0])
        assert found is not None
        return found
