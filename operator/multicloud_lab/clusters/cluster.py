"""One emulated member cluster: its objects, brought up to date with the engine's machines whenever someone looks.

`api` calls `refresh` before it reads or writes; whoever drives the lab adds workloads and an autoscaler.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from multicloud_lab.clusters import autoscaler
from multicloud_lab.clusters.autoscaler import Bounds
from multicloud_lab.clusters.errors import ApiError, Json, not_found
from multicloud_lab.clusters.nodes import Seen, Touched, node_body, touched_by
from multicloud_lab.clusters.patch import patched
from multicloud_lab.clusters.place import Fleet, Place
from multicloud_lab.clusters.pods import DAEMONS, SYSTEM, Workload, daemon_pod, daemon_set, namespace_body
from multicloud_lab.clusters.store import Key, Store, key_of
from multicloud_lab.clusters.workloads import Workloads, daemon_stays, is_of_daemon
from multicloud_lab.core.clock import VirtualClock
from multicloud_lab.core.nodes import Node, NodeState

_STATUS_KEY = (SYSTEM, autoscaler.NAME)


@dataclass(slots=True, kw_only=True, eq=False)
class _Known:
    """A machine as it was shown last; `ready_s` is when its Ready condition last changed."""

    seen: Seen
    stamp: tuple[object, ...]
    ready_s: float
    was_ready: bool
    pods: tuple[Key, ...] = ()


class Cluster:
    """The objects of one cluster; `store` holds them."""

    def __init__(self, place: Place, fleet: Fleet, clock: VirtualClock, version: str) -> None:
        """Start with what the fleet has there now."""
        self.place = place
        self.version = version
        self.store = Store()
        self._fleet = fleet
        self._clock = clock
        self._born = clock.start.timestamp()
        self._known: dict[Node, _Known] = {}
        self._touched: dict[str, Touched] = {}
        self._workloads = Workloads(self.store, place.cloud, self._born)
        self._bounds: Mapping[str, Bounds] | None = None
        self._scaling_since = 0.0
        self._looked: float | None = None

    @property
    def exists(self) -> bool:
        """Whether the cluster is still there."""
        return self._fleet.knows(self.place)

    def forget(self) -> None:
        """Forget what people did: workloads, cordons, labels, the autoscaler. Machines are looked up anew."""
        self._workloads.forget()
        self._touched.clear()
        for known in self._known.values():
            known.seen.node.cordoned = False
        self.run_autoscaler(None)

    def refresh(self) -> None:
        """Bring every object up to the lab's present."""
        now_s = self._clock.now()
        present = self._present()
        gone = [node for node in self._known if node not in present]
        for node in gone:
            self._drop(node)
        moved = bool(gone)
        for node, seen in present.items():
            moved |= self._show(node, seen)
        self._workloads.settle({known.seen.name: known.seen for known in self._known.values()}, now_s)
        for name in {"default", SYSTEM, *self._workloads.namespaces}:
            if self.store.get("namespaces", ("", name)) is None:
                self.store.put("namespaces", namespace_body(name, self._born))
        if moved or self.store.get("daemonsets", (SYSTEM, DAEMONS[self.place.cloud][0].name)) is None:
            self._count_daemons()
        self._write_status(now_s)

    def run_workload(self, workload: Workload) -> None:
        """Run a workload here from now on; with 0 replicas it ends."""
        self._workloads.run(workload)

    def run_autoscaler(self, bounds: Mapping[str, Bounds] | None) -> None:
        """Run a Cluster Autoscaler here that has these bounds by node pool, or none: its ConfigMap goes."""
        self._bounds = bounds
        self._scaling_since, self._looked = self._clock.now(), None
        if bounds is None:
            self.store.remove("configmaps", _STATUS_KEY)

    def patch_node(self, name: str, patch: Json, content_type: str, *, dry_run: bool) -> Json:
        """Return the node as the patch makes it, and keep it so. Raises ApiError 404, 415 or 422."""
        before = self.store.get("nodes", ("", name))
        known = next((each for each in self._known.values() if each.seen.name == name), None)
        if before is None or known is None:
            raise not_found("nodes", name)
        after = patched(before, patch, content_type)
        _check_kept(before, after)
        touched = touched_by(before, after, self._touched.get(name))
        body = node_body(known.seen, self.version, touched, known.ready_s)
        if dry_run:
            return body
        self._touched[name] = touched
        known.seen.node.cordoned = touched.unschedulable
        return self.store.put("nodes", body)

    def evict(self, key: Key, *, dry_run: bool) -> None:
        """Evict a pod. Raises ApiError 404, or 429 when it may not go."""
        body = self.store.get("pods", key)
        if body is not None and is_of_daemon(body):
            raise daemon_stays(key)
        self._workloads.evict(key, self._clock.now(), dry_run=dry_run)

    def _present(self) -> dict[Node, Seen]:
        found: dict[Node, Seen] = {}
        for group in self._fleet.groups(self.place):
            for node in group.nodes.nodes:
                if node.state is NodeState.REQUESTED:
                    continue  # the machine does not exist yet
                known = self._known.get(node)
                if known is not None and known.seen.group is group:
                    found[node] = known.seen
                else:
                    found[node] = Seen(name=group.node_name(node), group=group, node=node)
        return found

    def _show(self, node: Node, seen: Seen) -> bool:
        """Put a machine's node and its daemons' pods as they are now; False when nothing has changed."""
        known = self._known.get(node)
        stamp = (node.state, node.since, seen.group.labels, seen.group.taints)
        if known is None:
            known = _Known(seen=seen, stamp=(), ready_s=node.since, was_ready=seen.is_ready)
            self._known[node] = known
        known.seen = seen
        if known.stamp == stamp:
            return False
        known.stamp = stamp
        if known.was_ready is not seen.is_ready:
            known.was_ready, known.ready_s = seen.is_ready, node.since
        self.store.put("nodes", node_body(seen, self.version, self._touched.get(seen.name), known.ready_s))
        pods = [
            daemon_pod(daemon, seen.name, is_ready=seen.is_ready, created=node.created, since=known.ready_s)
            for daemon in DAEMONS[self.place.cloud]
        ]
        known.pods = tuple(key_of(self.store.put("pods", pod)) for pod in pods)
        return True

    def _drop(self, node: Node) -> None:
        known = self._known.pop(node)
        self._touched.pop(known.seen.name, None)
        for key in known.pods:
            self.store.remove("pods", key)
        self.store.remove("nodes", ("", known.seen.name))

    def _count_daemons(self) -> None:
        ready = sum(known.seen.is_ready for known in self._known.values())
        for daemon in DAEMONS[self.place.cloud]:
            self.store.put("daemonsets", daemon_set(daemon, len(self._known), ready, self._born))

    def _write_status(self, now_s: float) -> None:
        if self._bounds is None or (self._looked is not None and now_s < self._looked + autoscaler.EVERY_S):
            return
        self._looked = now_s
        groups = self._fleet.groups(self.place)
        body = autoscaler.status_map(groups, self._bounds, self._scaling_since, now_s)
        self.store.put("configmaps", body)


def _check_kept(before: Json, after: Json) -> None:
    """Raise ApiError 422 when a patch changes what cannot be changed, 409 when it was made for another version."""
    name = before["metadata"]["name"]
    if not isinstance(after.get("metadata"), dict) or not isinstance(after.get("spec"), dict):
        raise _invalid(name, "metadata and spec must be objects")
    wished = after["metadata"].get("resourceVersion")
    if wished not in {None, before["metadata"]["resourceVersion"]}:
        message = (
            f'Operation cannot be fulfilled on nodes "{name}": the object has been modified; '
            "please apply your changes to the latest version and try again"
        )
        raise ApiError(409, "Conflict", message, details={"name": name, "kind": "nodes"})
    for part, field in (("metadata", "name"), ("metadata", "uid"), ("spec", "providerID")):
        if after[part].get(field) != before[part].get(field):
            raise _invalid(name, f"{part}.{field}: field is immutable")


def _invalid(name: str, why: str) -> ApiError:
    return ApiError(422, "Invalid", f'Node "{name}" is invalid: {why}', details={"name": name, "kind": "Node"})
