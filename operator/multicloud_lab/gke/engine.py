"""The rules of GKE on the lab's state: what is accepted, refused, and what happens afterwards.

The wires call it with parsed requests; hands come in through `hands` and the admin port. One mutating
operation a cluster; sizes are per zone; a group's target moves when the operation runs.
"""

from collections.abc import Iterable
from copy import deepcopy

from multicloud_lab.core.calls import Call
from multicloud_lab.core.capacity import vcpus
from multicloud_lab.core.journal import Entry
from multicloud_lab.core.lab import Lab, MachineGroup, Moved, PoolView
from multicloud_lab.core.switches import read_switches
from multicloud_lab.gke import rules, views
from multicloud_lab.gke.autoscaler import Autoscaler
from multicloud_lab.gke.build import Builder, machine_type_of
from multicloud_lab.gke.calls import Outcome
from multicloud_lab.gke.errors import Code, GoogleError, denied, not_found
from multicloud_lab.gke.hands import Hands
from multicloud_lab.gke.names import ANY_LOCATION, Name, region_of
from multicloud_lab.gke.operations import Operations, Order, refuse_while_busy
from multicloud_lab.gke.rolling import left_behind, roll
from multicloud_lab.gke.sizing import Resize, drain_all, remove_groups, shortage_of
from multicloud_lab.gke.state import Autoscaling, Cluster, Group, Json, Operation, OperationType, Pool, Problem, Status
from multicloud_lab.gke.switches import Switches

DEFAULT_VERSION = "1.36.1-gke.1000000"
"""What a location offers when no cluster of the lab says another version."""


class GkeEngine:
    """The clusters, node pools and operations of every Google project of the seed."""

    def __init__(self, lab: Lab) -> None:
        """Build the seed's state. Raises SeedError where `gcp.switches` names no switch."""
        self.lab = lab
        self.switches = read_switches(Switches, lab.seed.gcp.switches, "gcp.switches")
        self.builder = Builder(lab)
        self._operations = Operations(lab, lambda: self.switches)
        self._autoscaler = Autoscaler(lab, lambda: self.switches)
        self._hands = Hands(self, self._operations)
        self.all_clusters: list[Cluster] = []
        self._projects: set[str] = set()
        self.reset()

    def reset(self) -> None:
        """Forget everything and build the seed's state and switches; issued tokens stay valid. Raises SeedError."""
        seed = self.lab.seed.gcp
        self.switches = read_switches(Switches, seed.switches, "gcp.switches")
        self._operations.clear()
        self._hands.clear()
        self.all_clusters = [self.builder.cluster(each, each.project or seed.project) for each in seed.clusters]
        self._projects = {seed.project, *(cluster.name.project for cluster in self.all_clusters)}

    # Reading

    def clusters(self, parent: Name) -> list[Cluster]:
        """Return the clusters of a location, or of every location for `-`. Raises GoogleError."""
        self.check_project(parent, "container.clusters.list")
        return [
            cluster
            for cluster in self.all_clusters
            if cluster.name.project == parent.project and parent.location in {ANY_LOCATION, cluster.name.location}
        ]

    def cluster(self, name: Name) -> Cluster:
        """Return the cluster that `name` lies in. Raises GoogleError NOT_FOUND, PERMISSION_DENIED."""
        self.check_project(name, "container.clusters.get")
        for cluster in self.all_clusters:
            at = cluster.name
            if (at.project, at.location, at.cluster) == (name.project, name.location, name.cluster):
                return cluster
        raise not_found(Name(project=name.project, location=name.location, cluster=name.cluster).path)

    def pool(self, name: Name) -> Pool:
        """Return a node pool. Raises GoogleError NOT_FOUND, PERMISSION_DENIED."""
        pool = self.cluster(name).pools.get(name.pool or "")
        if pool is None:
            raise not_found(name.path)
        return pool

    def operations(self, parent: Name) -> list[Operation]:
        """Return the operations of a location, or of every location for `-`, oldest first. Raises GoogleError."""
        self.check_project(parent, "container.operations.list")
        return self._operations.listed(parent)

    def operation(self, name: Name) -> Operation:
        """Return an operation. Raises GoogleError NOT_FOUND, PERMISSION_DENIED."""
        self.check_project(name, "container.operations.get")
        return self._operations.get(name)

    def versions(self, name: Name) -> list[str]:
        """Return the Kubernetes versions that a location offers, newest first. Raises GoogleError."""
        self.check_project(name, "container.clusters.list")
        known = {cluster.version for cluster in self.all_clusters} or {DEFAULT_VERSION}
        return sorted(known, reverse=True)

    def has_project(self, project: str) -> bool:
        """Say whether the project exists."""
        return project in self._projects

    def groups(self, project: str) -> list[Group]:
        """Return the instance groups of a project, ordered by zone and name."""
        found = [group for pool in self.all_pools() if pool.name.project == project for group in pool.groups]
        return sorted(found, key=lambda group: (group.zone, group.name))

    def check_project(self, name: Name, permission: str) -> None:
        """Refuse a project that does not exist, as Google does. Raises GoogleError PERMISSION_DENIED."""
        if not self.has_project(name.project):
            raise denied(permission, f"projects/{name.project}")

    # Changing

    def set_size(self, name: Name, node_count: int, call: Call) -> Outcome[Operation]:
        """Resize a pool to `node_count` nodes per zone (SetNodePoolSize).

        initialNodeCount follows at once, the groups when the operation runs. The present size is
        accepted too, and makes an operation that changes nothing. Raises GoogleError.
        """
        cluster, pool = self.cluster(name), self.pool(name)
        rules.check_size(node_count)
        rules.check_not_autoscaled(pool, self.switches)
        rules.check_cluster_size(cluster, node_count * len(pool.groups) - pool.wished, self.switches)
        refuse_while_busy(cluster, self.switches)
        more = sum(max(node_count - group.nodes.target, 0) for group in pool.groups)
        self._check_quota(pool.name, pool.machine_type, more)
        from_ = pool.wished
        resize = Resize(pool, node_count)
        changed = resize.accept()

        def finish() -> Problem | None:
            self._autoscaler.saw_resize(pool, from_)
            return shortage_of(pool)

        order = Order(
            cluster=cluster,
            pool=pool,
            type=OperationType.SET_NODE_POOL_SIZE,
            start=resize.start,
            finish=finish,
            undo=resize.undo,
            limit=resize.limit,
            repeats=True,
        )
        return Outcome(answer=self._operations.begin(order, call), effective=changed, from_=from_, to=pool.wished)

    def set_autoscaling(self, name: Name, autoscaling: Autoscaling, call: Call) -> Outcome[Operation]:
        """Replace a pool's autoscaler block when the operation runs (SetNodePoolAutoscaling). Raises GoogleError."""
        cluster, pool = self.cluster(name), self.pool(name)
        rules.check_autoscaling(autoscaling)
        refuse_while_busy(cluster, self.switches)
        before = pool.autoscaling

        def set_block(block: Autoscaling) -> None:
            pool.autoscaling = block

        order = Order(
            cluster=cluster,
            pool=pool,
            type=OperationType.UPDATE_CLUSTER,
            start=lambda _operation: set_block(autoscaling),
            undo=lambda: set_block(before),
            repeats=True,
        )
        return Outcome(answer=self._operations.begin(order, call), effective=before != autoscaling)

    def create_pool(self, parent: Name, wished: Json, autoscaling: Autoscaling, call: Call) -> Outcome[Operation]:
        """Create a pool (CreateNodePool). `wished` is a NodePool's JSON without its output-only fields.

        The pool is there at once, PROVISIONING; its groups come when the operation runs. Raises GoogleError.
        """
        cluster = self.cluster(parent)
        settings = deepcopy(wished)
        name = str(settings.pop("name", ""))
        node_count = int(str(settings.pop("initialNodeCount", 0)))
        settings.pop("autoscaling", None)
        version = _version(str(settings.pop("version", "")), cluster)
        zones = [str(zone) for zone in _list(settings.pop("locations", None))] or list(cluster.locations)
        rules.check_new_pool(cluster, name, node_count, zones)
        rules.check_autoscaling(autoscaling)
        rules.check_cluster_size(cluster, node_count * len(zones), self.switches)
        refuse_while_busy(cluster, self.switches)
        self._check_quota(cluster.name, machine_type_of(settings), node_count * len(zones))
        # Only what is accepted may draw from the lab's randomness: refused calls are not replayed.
        pool = self.builder.pool(cluster, name, node_count, settings, autoscaling)
        pool.version = version
        cluster.pools[name] = pool

        def start(_operation: Operation) -> None:
            for zone in zones:
                self.builder.add_group(pool, zone).nodes.set_target(node_count)

        def limit(nodes: int) -> None:
            for index, zone in enumerate(zones):
                share = nodes // len(zones) + (index < nodes % len(zones))
                self.builder.add_group(pool, zone).nodes.set_target(min(share, node_count))

        def undo() -> None:
            remove_groups(pool)
            cluster.pools.pop(name, None)

        order = Order(
            cluster=cluster,
            pool=pool,
            type=OperationType.CREATE_NODE_POOL,
            doing=Status.PROVISIONING,
            start=start,
            finish=lambda: shortage_of(pool),
            undo=undo,
            fail=lambda: setattr(pool, "unusable", True),
            limit=limit,
        )
        operation = self._operations.begin(order, call)
        return Outcome(answer=operation, effective=True, from_=0, to=node_count * len(zones))

    def delete_pool(self, name: Name, call: Call) -> Outcome[Operation]:
        """Delete a pool: its nodes drain while the operation runs, then it is gone (DeleteNodePool). Raises GoogleError."""
        cluster, pool = self.cluster(name), self.pool(name)
        refuse_while_busy(cluster, self.switches)

        def finish() -> Problem | None:
            remove_groups(pool)
            cluster.pools.pop(pool.short_name, None)
            return None

        order = Order(
            cluster=cluster,
            pool=pool,
            type=OperationType.DELETE_NODE_POOL,
            doing=Status.STOPPING,
            start=lambda _operation: drain_all(pool),
            finish=finish,
        )
        from_ = pool.wished
        return Outcome(answer=self._operations.begin(order, call), effective=True, from_=from_, to=0)

    def update_pool(self, name: Name, update: Json, call: Call) -> Outcome[Operation]:
        """Change a pool's machines, zones or settings (UpdateNodePool); `update` is the request's JSON. Raises GoogleError."""
        cluster, pool = self.cluster(name), self.pool(name)
        update = deepcopy(update)
        rules.check_update(update, self.switches)
        zones = [str(zone) for zone in _list(update.get("locations"))]
        rules.check_zones(cluster, zones)
        leaving = [group for group in pool.groups if zones and group.zone not in zones]
        new = len(set(zones) - {group.zone for group in pool.groups})
        more = pool.node_count * new - sum(group.wished for group in leaving)
        rules.check_cluster_size(cluster, more, self.switches)
        refuse_while_busy(cluster, self.switches)
        rules.check_etag(pool, str(update.pop("etag", "")))
        from_ = pool.wished

        def start(operation: Operation) -> None:
            pool.settings = rules.updated_settings(pool.settings, update)
            pool.version = _version(str(update.get("nodeVersion") or pool.version), cluster)
            if zones:
                _move_zones(self.builder, pool, zones)
            elif rules.replaces_machines(update):
                if "machineType" in update:
                    self.builder.migrate(pool)
                roll(self.lab.clock, pool, operation)

        def finish() -> Problem | None:
            remove_groups(pool, leaving)
            return shortage_of(pool) or (left_behind(pool) if "machineType" in update else None)

        rolls = rules.replaces_machines(update)
        kind = OperationType.UPGRADE_NODES if rolls else OperationType.UPDATE_CLUSTER
        order = Order(cluster=cluster, pool=pool, type=kind, start=start, finish=finish)
        operation = self._operations.begin(order, call)
        to = pool.node_count * len(zones) if zones else from_
        return Outcome(answer=operation, effective=True, from_=from_, to=to)

    def cancel(self, name: Name) -> Outcome[Operation]:
        """Cancel an operation (CancelOperation). Raises GoogleError NOT_FOUND, FAILED_PRECONDITION."""
        self.check_project(name, self.switches.cancel_permission)
        return Outcome(answer=self._operations.cancel(name), effective=True)

    def replay(self, entry: Entry) -> bool:
        """Do again what a journalled mutation did; False for a read. Raises GoogleError."""
        from multicloud_lab.gke.replaying import replay  # the methods are made of the engine

        return replay(self, entry)

    # For hands, the admin port and the invariants

    def all_pools(self) -> Iterable[Pool]:
        """Return every pool of every project."""
        return (pool for cluster in self.all_clusters for pool in cluster.pools.values())

    def pools(self) -> Iterable[PoolView]:
        """Return every pool, in nodes over all its zones."""
        return [views.pool_view(pool) for pool in self.all_pools()]

    def machines(self) -> Iterable[MachineGroup]:
        """Return every zone's group of every pool."""
        return [
            views.machine_group(cluster, pool, group)
            for cluster in self.all_clusters
            for pool in cluster.pools.values()
            for group in pool.groups
        ]

    def violations(self) -> Iterable[str]:
        """Return a sentence for every rule that the state breaks."""
        return views.violations(self.all_clusters, self.lab.clock.now())

    def resize_by_hand(self, cluster: str, node_pool: str, to: int) -> None:
        """Resize a pool to `to` nodes in all, as a person in the console; journalled. Raises GoogleError."""
        self._hands.resize(cluster, node_pool, to)

    def autoscale(self, cluster: str, node_pool: str, to: int) -> Moved:
        """Move a pool's size as GKE's autoscaler does, within its range. Raises GoogleError."""
        return self._hands.autoscale(cluster, node_pool, to)

    def upgrade_by_hand(self, cluster: str, node_pool: str, seconds: float) -> None:
        """Start an upgrade that holds the cluster's lock for these virtual seconds. Raises GoogleError."""
        self._hands.upgrade(cluster, node_pool, seconds)

    def abort_by_hand(self, cluster: str, node_pool: str) -> None:
        """Refuse: GKE cancels operations by their name (CancelOperation), not what runs on a pool."""
        message = (
            f"What runs on {cluster}/{node_pool} cannot be aborted by the pool's name, as AKS lets a person do: "
            "call CancelOperation with the operation's name."
        )
        raise GoogleError(Code.FAILED_PRECONDITION, message)

    def delete_by_hand(self, cluster: str, node_pool: str | None) -> None:
        """Take a pool (None: the cluster) away at once, whatever runs on it. Raises GoogleError."""
        self._hands.delete(cluster, node_pool)

    def recreate_by_hand(self, cluster: str, node_pool: str | None) -> None:
        """Take a pool (None: the cluster) away and make it again with new identity. Raises GoogleError."""
        self._hands.recreate(cluster, node_pool)

    def _check_quota(self, name: Name, machine_type: str, more: int) -> None:
        if not self.switches.quota_refused_at_once or more <= 0:
            return
        region = region_of(name.location)
        short = self.lab.quotas.short_vcpus("gcp", name.project, region, machine_type, more)
        if short <= 0:
            return
        asked = more * vcpus(machine_type)
        raise GoogleError(
            Code.PERMISSION_DENIED,
            f"Insufficient regional quota to satisfy request: resource \"CPUS\": request requires '{asked}.0' and is "
            f"short '{short}.0'. project has a quota of '{views.quota_text(self.lab, name.project, region)}' with "
            f"'{max(asked - short, 0)}.0' available. View and manage quotas at "
            f"https://console.cloud.google.com/iam-admin/quotas?usage=USED&project={name.project}.",
        )


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _version(wished: str, cluster: Cluster) -> str:
    """Return the version that "-" (the control plane's) or "latest" stands for."""
    return cluster.version if wished in {"", "-", "latest"} else wished


def _move_zones(builder: Builder, pool: Pool, zones: list[str]) -> None:
    for group in pool.groups:
        if group.zone not in zones:
            group.wished = 0
            group.nodes.set_target(0)
    for zone in zones:
        if all(group.zone != zone for group in pool.groups):
            builder.add_group(pool, zone).nodes.set_target(pool.node_count)
