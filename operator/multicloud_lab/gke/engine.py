"""The rules of GKE on the lab's state: what is accepted, refused, and what happens afterwards.

The wires call it with parsed requests; hands come in through the admin port. Rules and sentences:
the API's reference and discovery document, and public error reports of its clients. One mutating
operation a cluster; sizes are per zone; a group's target moves when the operation runs.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from random import Random

from multicloud_lab.core.gate import Call
from multicloud_lab.core.journal import HAND
from multicloud_lab.core.lab import Lab, PoolView
from multicloud_lab.core.nodes import NodeSet
from multicloud_lab.core.seed import GkeAutoscaling, GkeCluster, GkePool
from multicloud_lab.gke.calls import CLOUD, Outcome, commit
from multicloud_lab.gke.errors import Code, GoogleError, invalid, not_found
from multicloud_lab.gke.names import ANY_LOCATION, Name
from multicloud_lab.gke.state import (
    Autoscaling,
    Cluster,
    Group,
    Operation,
    OperationStatus,
    OperationType,
    Pool,
    Status,
)

MAX_NODES_PER_ZONE = 1000
"""A pool's limit in one zone (GKE quotas and limits)."""
PENDING_SHARE = 0.05
"""The share of an operation's time in which it is PENDING."""
OPERATION_RETENTION_S = 24 * 3600.0
"""How long an ended operation can be read (virtual seconds); Google does not publish its own figure."""

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_NAME_PART = 20
"""How much of a cluster's and a pool's name goes into the names of their machines."""


class GkeEngine:
    """The clusters, node pools and operations of every Google project of the seed."""

    def __init__(self, lab: Lab) -> None:
        """Build the seed's state."""
        self._lab = lab
        self._clusters: list[Cluster] = []
        self._operations: dict[str, Operation] = {}
        self._projects: set[str] = set()
        self.reset()

    def reset(self) -> None:
        """Forget everything and build the seed's state; issued tokens stay valid."""
        seed = self._lab.seed.gcp
        self._operations = {}
        self._clusters = [self._build(cluster, cluster.project or seed.project) for cluster in seed.clusters]
        self._projects = {seed.project, *(cluster.name.project for cluster in self._clusters)}

    # Reading

    def clusters(self, parent: Name) -> list[Cluster]:
        """Return the clusters of a location, or of every location for `-`. Raises GoogleError."""
        self._check_project(parent, "container.clusters.list")
        return [
            cluster
            for cluster in self._clusters
            if cluster.name.project == parent.project and parent.location in {ANY_LOCATION, cluster.name.location}
        ]

    def cluster(self, name: Name) -> Cluster:
        """Return the cluster that `name` lies in. Raises GoogleError NOT_FOUND, PERMISSION_DENIED."""
        self._check_project(name, "container.clusters.get")
        for cluster in self._clusters:
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
        self._check_project(parent, "container.operations.list")
        self._forget_old_operations()
        return [
            operation
            for operation in self._operations.values()
            if operation.name.project == parent.project and parent.location in {ANY_LOCATION, operation.name.location}
        ]

    def operation(self, name: Name) -> Operation:
        """Return an operation. Raises GoogleError NOT_FOUND, PERMISSION_DENIED."""
        self._check_project(name, "container.operations.get")
        self._forget_old_operations()
        operation = self._operations.get(name.operation or "")
        if operation is None or operation.name != name:
            raise not_found(name.path)
        return operation

    def has_project(self, project: str) -> bool:
        """Say whether the project exists."""
        return project in self._projects

    def groups(self, project: str) -> list[Group]:
        """Return the instance groups of a project, ordered by zone and name."""
        found = [group for pool in self._pools() if pool.name.project == project for group in pool.groups]
        return sorted(found, key=lambda group: (group.zone, group.name))

    # Changing

    def set_size(self, name: Name, node_count: int) -> Outcome[Operation]:
        """Resize a pool to `node_count` nodes per zone (SetNodePoolSize).

        initialNodeCount follows at once, the groups when the operation runs. The present size is
        accepted too, and makes an operation that changes nothing. Raises GoogleError.
        """
        cluster, pool = self.cluster(name), self.pool(name)
        if not 0 <= node_count <= MAX_NODES_PER_ZONE:
            message = (
                f"Node count {node_count} is out of range: it must be between 0 and {MAX_NODES_PER_ZONE} per zone."
            )
            raise invalid(message)
        _refuse_while_busy(cluster)
        from_ = pool.wished
        changed = pool.node_count != node_count or any(group.wished != node_count for group in pool.groups)
        pool.node_count = node_count
        for group in pool.groups:
            group.wished = node_count
        operation = self._begin(cluster, pool, OperationType.SET_NODE_POOL_SIZE, partial(_move_groups, pool))
        return Outcome(answer=operation, effective=changed, from_=from_, to=pool.wished)

    def set_autoscaling(self, name: Name, autoscaling: Autoscaling) -> Outcome[Operation]:
        """Replace a pool's autoscaler block when the operation runs (SetNodePoolAutoscaling). Raises GoogleError."""
        cluster, pool = self.cluster(name), self.pool(name)
        _check_autoscaling(autoscaling)
        _refuse_while_busy(cluster)
        changed = pool.autoscaling != autoscaling
        run = partial(setattr, pool, "autoscaling", autoscaling)
        operation = self._begin(cluster, pool, OperationType.UPDATE_CLUSTER, run)
        return Outcome(answer=operation, effective=changed)

    # For the admin port

    def pools(self) -> Iterable[PoolView]:
        """Return every pool, in nodes over all its zones."""
        return [
            PoolView(
                cloud=CLOUD,
                cluster=pool.name.cluster or "",
                node_pool=pool.short_name,
                requested=pool.wished,
                nodes=sum(group.nodes.existing for group in pool.groups),
                ready=sum(group.nodes.ready for group in pool.groups),
                status=pool.status,
            )
            for pool in self._pools()
        ]

    def resize_by_hand(self, cluster: str, node_pool: str, to: int) -> None:
        """Resize a pool to `to` nodes in all, as a person in the console. Raises GoogleError."""
        found = [each for each in self._pools() if (each.name.cluster, each.name.pool) == (cluster, node_pool)]
        zones = len(found[0].groups) if found else 1
        call = Call(
            cloud=CLOUD,
            operation="SetNodePoolSize",
            principal=HAND,
            cluster=cluster,
            pool=node_pool,
            arguments={"nodes": to},
        )

        def resize() -> Outcome[Operation]:
            if len(found) != 1:
                message = f"Not found: {len(found)} node pools are called {cluster}/{node_pool}."
                raise GoogleError(Code.NOT_FOUND, message)
            if to % zones:
                message = (
                    f"{to} nodes cannot be spread over the {zones} zones of {cluster}/{node_pool}: "
                    f"every zone has the same number, so say a multiple of {zones}."
                )
                raise invalid(message)
            return self.set_size(found[0].name, to // zones)

        commit(self._lab, call, resize)

    # Inside

    def _pools(self) -> Iterable[Pool]:
        return (pool for cluster in self._clusters for pool in cluster.pools.values())

    def _check_project(self, name: Name, permission: str) -> None:
        if self.has_project(name.project):
            return
        message = f'Required "{permission}" permission(s) for "projects/{name.project}".'
        raise GoogleError(
            Code.PERMISSION_DENIED,
            message,
            reason="IAM_PERMISSION_DENIED",
            domain="iam.googleapis.com",
            metadata={"permission": permission, "resource": f"projects/{name.project}"},
        )

    def _forget_old_operations(self) -> None:
        oldest_s = self._lab.clock.now() - OPERATION_RETENTION_S
        self._operations = {
            key: operation
            for key, operation in self._operations.items()
            if operation.ended is None or operation.ended >= oldest_s
        }

    def _begin(self, cluster: Cluster, pool: Pool, kind: OperationType, run: Callable[[], None]) -> Operation:
        """Take the cluster's lock: PENDING now, `run` when RUNNING, the lock given back when DONE."""
        now_s = self._lab.clock.now()
        operation_id = f"operation-{int(now_s * 1000)}-{_uuid(self._lab.rng)}"
        operation = Operation(
            name=Name(project=cluster.name.project, location=cluster.name.location, operation=operation_id),
            type=kind,
            target=pool.name,
            started=now_s,
        )
        self._operations[operation_id] = operation
        cluster.running = operation
        pool.status = Status.RECONCILING
        pool.revision += 1

        def start() -> None:
            operation.status = OperationStatus.RUNNING
            run()

        def finish() -> None:
            operation.status, operation.ended = OperationStatus.DONE, self._lab.clock.now()
            cluster.running = None
            pool.status = Status.RUNNING
            pool.revision += 1

        duration_s = self._lab.seed.timings.gke_operation.draw(self._lab.rng)
        self._lab.clock.after(duration_s * PENDING_SHARE, start)
        self._lab.clock.after(duration_s, finish)
        return operation

    def _build(self, seed: GkeCluster, project: str) -> Cluster:
        name = Name(project=project, location=seed.location, cluster=seed.name)
        cluster = Cluster(
            name=name,
            uid=_uuid(self._lab.rng).replace("-", ""),
            locations=list(seed.zones),
            version=seed.version,
            created=self._lab.clock.now(),
        )
        for pool in seed.pools:
            cluster.pools[pool.name] = self._build_pool(pool, name.of_pool(pool.name), seed.zones)
        return cluster

    def _build_pool(self, seed: GkePool, name: Name, zones: Sequence[str]) -> Pool:
        pool = Pool(
            name=name,
            uid=_uuid(self._lab.rng),
            node_count=seed.node_count,
            machine_type=seed.machine_type,
            spot=seed.spot,
            labels=dict(seed.labels),
            autoscaling=_autoscaling(seed.autoscaling),
        )
        pool.groups = [self._build_group(pool, zone) for zone in seed.zones or zones]
        return pool

    def _build_group(self, pool: Pool, zone: str) -> Group:
        """Make one zone's group; its name has a hash of its own, so a pool made again has other groups."""
        timings = self._lab.seed.timings
        parts = ((pool.name.cluster or "")[:_NAME_PART], pool.short_name[:_NAME_PART])
        base = f"gke-{parts[0]}-{parts[1]}-{self._lab.rng.getrandbits(32):08x}"
        nodes = NodeSet(
            self._lab.clock,
            f"{base}-",
            [zone],
            timings.boot.draw,
            timings.drain_s,
            self._lab.rng,
            suffix=_instance_suffix,
        )
        nodes.fill(pool.node_count)
        return Group(
            project=pool.name.project,
            name=f"{base}-grp",
            zone=zone,
            created=self._lab.clock.now(),
            nodes=nodes,
            wished=pool.node_count,
        )


def _move_groups(pool: Pool) -> None:
    for group in pool.groups:
        group.nodes.set_target(group.wished)


def _refuse_while_busy(cluster: Cluster) -> None:
    if cluster.running is None:
        return
    message = f"Cluster is running incompatible operation {cluster.running.id}."
    raise GoogleError(
        Code.FAILED_PRECONDITION,
        message,
        reason="CLUSTER_ALREADY_HAS_OPERATION",
        domain="container.googleapis.com",
    )


def _check_autoscaling(block: Autoscaling) -> None:
    """Per-zone bounds and totals exclude each other, and each range must be one (NodePoolAutoscaling)."""
    per_zone = (block.min_node_count, block.max_node_count)
    total = (block.total_min_node_count, block.total_max_node_count)
    if any(per_zone) and any(total):
        message = "total_min_node_count and total_max_node_count cannot be used with min_node_count and max_node_count."
        raise invalid(message)
    low, high = total if any(total) else per_zone
    if low < 0 or low > high:
        message = f"Autoscaling bounds are invalid: minimum {low} must be between 0 and the maximum {high}."
        raise invalid(message)
    if block.enabled and high == 0:
        message = "Autoscaling is enabled without a maximum: max_node_count or total_max_node_count must be above 0."
        raise invalid(message)


def _autoscaling(seed: GkeAutoscaling | None) -> Autoscaling:
    if seed is None:
        return Autoscaling()
    return Autoscaling(
        enabled=seed.enabled,
        min_node_count=seed.min_node_count,
        max_node_count=seed.max_node_count,
    )


def _uuid(rng: Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _instance_suffix(rng: Random, serial: int) -> str:  # noqa: ARG001  (Google's instance names carry no number)
    return "".join(rng.choices(_ALPHABET, k=4))
