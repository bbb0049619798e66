"""The pods of a cluster: its workloads' replicas kept, placed, evicted, and gone with their nodes.

A simple scheduler: a replica goes to the node with the fewest replicas of its workload that has room for it, and runs
there at once. Nothing is preempted, and NoExecute taints keep pods out without driving them away.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from multicloud_lab.clusters.errors import ApiError, Json, not_found, too_many
from multicloud_lab.clusters.nodes import Seen
from multicloud_lab.clusters.pods import DAEMONS, GRACE_S, Pod, Workload, budget_body, set_name, suffix, workload_pod
from multicloud_lab.clusters.store import Key, Store


class Workloads:
    """The workloads of one cluster. `settle` is called with its nodes whenever somebody looks."""

    def __init__(self, store: Store, cloud: str, born: float) -> None:
        """Start with none; pods are put into `store`. `born` is when the cluster was made (virtual epoch seconds)."""
        self._store = store
        self._born = born
        self._daemon_cpu_m = sum(daemon.cpu_m for daemon in DAEMONS[cloud])
        self._daemon_memory_mib = sum(daemon.memory_mib for daemon in DAEMONS[cloud])
        self._daemons = len(DAEMONS[cloud])
        self._sets: dict[Key, Workload] = {}
        self._pods: dict[Key, Pod] = {}
        self._serial = 0

    @property
    def namespaces(self) -> set[str]:
        """Where there are workloads."""
        return {workload.namespace for workload in self._sets.values()}

    def run(self, workload: Workload) -> None:
        """Run a workload from now on; one of its name is replaced, and pods that run stay where they are."""
        key = (workload.namespace, workload.name)
        self._sets[key] = workload
        if workload.min_available is None:
            self._store.remove("poddisruptionbudgets", key)
        for pod in self._pods.values():
            if (pod.workload.namespace, pod.workload.name) == key:
                pod.workload = workload

    def forget(self) -> None:
        """End every workload at once."""
        for key in self._pods:
            self._store.remove("pods", key)
        for key in self._sets:
            self._store.remove("poddisruptionbudgets", key)
        self._pods.clear()
        self._sets.clear()

    def evict(self, key: Key, now_s: float, *, dry_run: bool) -> None:
        """Delete a pod as an Eviction does. Raises ApiError: 404, or 429 when its disruption budget forbids it."""
        pod = self._pods.get(key)
        if pod is None:
            raise not_found("pods", key[1])
        if not pod.is_live:
            return
        self._check_budget(pod)
        if not dry_run:
            self._end(pod, now_s)

    def settle(self, nodes: Mapping[str, Seen], now_s: float) -> None:
        """Let go of what ended, keep every workload's replicas, and place what is pending."""
        for key, pod in list(self._pods.items()):
            is_orphan = pod.node is not None and pod.node not in nodes
            if is_orphan or (pod.ends is not None and pod.ends <= now_s):
                self._remove(key)
            elif pod.is_live and pod.node is not None and nodes[pod.node].is_draining:
                self._end(pod, now_s)
        for workload in self._sets.values():
            self._keep(workload, now_s)
        pending = [pod for pod in self._pods.values() if pod.node is None]
        if pending:
            self._place(pending, nodes, now_s)
        for workload in self._sets.values():
            if workload.min_available is not None:
                self._store.put("poddisruptionbudgets", budget_body(workload, self._healthy(workload), self._born))

    def _healthy(self, workload: Workload) -> int:
        return sum(pod.workload is workload and pod.is_live and pod.node is not None for pod in self._pods.values())

    def _keep(self, workload: Workload, now_s: float) -> None:
        live = [pod for pod in self._pods.values() if pod.workload is workload and pod.is_live]
        for _ in range(workload.replicas - len(live)):
            self._serial += 1
            name = f"{set_name(workload)}-{suffix(workload.namespace, workload.name, str(self._serial))}"
            pod = Pod(name=name, workload=workload, created=now_s)
            self._pods[workload.namespace, name] = pod
            self._put(pod)
        # Pending ones go first, then the newest.
        live.sort(key=lambda pod: (pod.node is not None, -pod.created))
        for pod in live[: max(len(live) - workload.replicas, 0)]:
            self._end(pod, now_s)

    def _place(self, pending: Iterable[Pod], nodes: Mapping[str, Seen], now_s: float) -> None:
        rooms = {name: _Room(self._store.get("nodes", ("", name)) or {}, seen) for name, seen in nodes.items()}
        for room in rooms.values():
            room.take(self._daemon_cpu_m, self._daemon_memory_mib, self._daemons)
        for pod in self._pods.values():
            if pod.node in rooms:
                rooms[pod.node].take_pod(pod)
        for pod in pending:
            fitting = [(room.crowd(pod), name) for name, room in rooms.items() if room.fits(pod.workload)]
            if fitting:
                pod.node, pod.started = min(fitting)[1], now_s
                rooms[pod.node].take_pod(pod)
                self._put(pod)

    def _check_budget(self, pod: Pod) -> None:
        workload = pod.workload
        if workload.min_available is None or pod.node is None:
            return
        healthy = self._healthy(workload)
        if healthy - 1 < workload.min_available:
            message = f"The disruption budget {workload.name} needs {workload.min_available} healthy pods and has {healthy} currently"
            raise too_many(
                "Cannot evict pod as it would violate the pod's disruption budget.",
                retry_after_s=0,
                causes=[{"reason": "DisruptionBudget", "message": message}],
            )

    def _end(self, pod: Pod, now_s: float) -> None:
        if pod.node is None:
            self._remove((pod.workload.namespace, pod.name))
            return
        pod.ends = now_s + GRACE_S
        self._put(pod)

    def _remove(self, key: Key) -> None:
        del self._pods[key]
        self._store.remove("pods", key)

    def _put(self, pod: Pod) -> None:
        self._store.put("pods", workload_pod(pod))


def is_of_daemon(body: Json) -> bool:
    """Say whether a pod belongs to a DaemonSet."""
    return any(owner["kind"] == "DaemonSet" for owner in body["metadata"].get("ownerReferences", ()))


def daemon_stays(key: Key) -> ApiError:
    """Evicting a DaemonSet's pod would only bring it back on its node: the lab does not do it."""
    return ApiError(
        429,
        "TooManyRequests",
        f"pod {key[0]}/{key[1]} is a DaemonSet's: its node keeps it. Evict the pods of workloads only.",
    )


class _Room:
    """What a node has left while pods are placed."""

    def __init__(self, body: Json, seen: Seen) -> None:
        self._labels: Mapping[str, str] = body["metadata"]["labels"]
        self._taints = {
            taint["key"] for taint in body["spec"].get("taints", ()) if taint["effect"] != "PreferNoSchedule"
        }
        self._cpu_m = seen.offer.allocatable_cpu_m
        self._memory_mib = seen.offer.allocatable_memory_mib
        self._pods = seen.offer.pods
        self._crowd: Counter[Key] = Counter()
        self._taken = 0

    def take(self, cpu_m: int, memory_mib: int, pods: int = 1) -> None:
        self._cpu_m -= cpu_m
        self._memory_mib -= memory_mib
        self._pods -= pods

    def take_pod(self, pod: Pod) -> None:
        self.take(pod.workload.cpu_m, pod.workload.memory_mib)
        self._crowd[pod.workload.namespace, pod.workload.name] += 1
        self._taken += 1

    def crowd(self, pod: Pod) -> tuple[int, int]:
        return self._crowd[pod.workload.namespace, pod.workload.name], self._taken

    def fits(self, workload: Workload) -> bool:
        return (
            self._pods > 0
            and workload.cpu_m <= self._cpu_m
            and workload.memory_mib <= self._memory_mib
            and self._taints <= workload.tolerates
            and workload.node_selector.items() <= self._labels.items()
        )
