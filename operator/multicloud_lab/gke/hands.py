"""Other people and machines at work on Google's side: they change state beside the calls of the client under test.

Called by the admin port, scenarios and faults through the engine; `core.hands` journals them, except the resize,
which is journalled here as the console's own call.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from multicloud_lab.core.calls import Call
from multicloud_lab.core.journal import HAND
from multicloud_lab.core.lab import Moved
from multicloud_lab.core.seed import GkeCluster
from multicloud_lab.gke.calls import CLOUD, Outcome, commit
from multicloud_lab.gke.errors import Code, GoogleError, invalid
from multicloud_lab.gke.operations import Operations, Order, refuse_while_busy
from multicloud_lab.gke.rolling import calm, roll
from multicloud_lab.gke.rules import check_cluster_size
from multicloud_lab.gke.sizing import move, remove_groups, shortage_of
from multicloud_lab.gke.state import Cluster, Operation, OperationType, Pool, Problem

if TYPE_CHECKING:
    from multicloud_lab.gke.engine import GkeEngine


@dataclass(frozen=True, slots=True)
class _Gone:
    """A pool that was taken away, and where it was."""

    pool: Pool
    zones: list[str]


class Hands:
    """The acts of hands on one engine, and what they took away (to be made again)."""

    def __init__(self, engine: "GkeEngine", operations: Operations) -> None:
        """Act on the engine's state."""
        self._engine = engine
        self._operations = operations
        self._gone: dict[tuple[str, str], _Gone] = {}

    def clear(self) -> None:
        """Forget what was taken away."""
        self._gone.clear()

    def resize(self, cluster: str, node_pool: str, to: int) -> None:
        """Resize a pool to `to` nodes in all, as a person in the console. Raises GoogleError."""
        found = self._found(cluster, node_pool)
        name = found[0].name if len(found) == 1 else None
        arguments: dict[str, object] = {"nodes": to} if name is None else {"name": name.canonical, "nodes": to}
        zones = (len(found[0].groups) if found else 0) or 1
        if found and not to % zones:
            arguments["nodeCount"] = to // zones
        call = Call(
            cloud=CLOUD,
            operation="SetNodePoolSize",
            principal=HAND,
            cluster=cluster,
            pool=node_pool,
            arguments=arguments,
        )

        def act() -> Outcome[Operation]:
            pool = self._pool(cluster, node_pool)
            if to % zones:
                message = (
                    f"{to} nodes cannot be spread over the {zones} zones of {cluster}/{node_pool}: "
                    f"every zone has the same number, so say a multiple of {zones}."
                )
                raise invalid(message)
            return self._engine.set_size(pool.name, to // zones, call)

        commit(self._engine.lab, call, act)

    def autoscale(self, cluster: str, node_pool: str, to: int) -> Moved:
        """Move a pool's size within its range; takes no operation and no lock. Raises GoogleError."""
        pool = self._pool(cluster, node_pool)
        if not pool.autoscaling.enabled:
            raise GoogleError(Code.FAILED_PRECONDITION, f"{pool.name.path} has no autoscaling.")
        if not pool.groups:
            raise GoogleError(Code.FAILED_PRECONDITION, f"{pool.name.path} has no instance groups yet.")
        low, high = pool.autoscaling.bounds(len(pool.groups))
        if not low <= to <= high:
            message = f"{to} nodes are outside the autoscaler's range of {low} to {high} for {pool.name.path}."
            raise GoogleError(Code.OUT_OF_RANGE, message)
        from_ = pool.wished
        more = to - from_
        check_cluster_size(self._cluster(cluster), more, self._engine.switches)
        if pool.undoing is not None:
            pool.undoing.timer.cancel()
        move(pool, to, sets_initial_count=self._engine.switches.autoscaler_sets_initial_count)
        return Moved(from_=from_, to=to)

    def upgrade(self, cluster: str, node_pool: str, seconds: float) -> None:
        """Replace every node of a pool within these virtual seconds, holding the cluster's lock. Raises GoogleError."""
        pool = self._pool(cluster, node_pool)
        parent = self._cluster(cluster)
        refuse_while_busy(parent, self._engine.switches)
        arguments = {"name": pool.name.canonical, "seconds": seconds}
        call = Call(
            cloud=CLOUD,
            operation="HandUpgrade",
            principal=HAND,
            cluster=cluster,
            pool=node_pool,
            arguments=arguments,
        )

        def calm_pool() -> None:
            calm(pool)

        def finish() -> Problem | None:
            calm(pool)
            return shortage_of(pool)

        order = Order(
            cluster=parent,
            pool=pool,
            type=OperationType.UPGRADE_NODES,
            start=lambda operation: roll(self._engine.lab.clock, pool, operation),
            finish=finish,
            undo=calm_pool,
            duration_s=seconds,
        )
        self._operations.begin(order, call)

    def delete(self, cluster: str, node_pool: str | None) -> None:
        """Take a pool (None: the cluster) away at once, whatever runs on it. Raises GoogleError."""
        if node_pool is None:
            self._take_cluster(self._cluster(cluster))
        else:
            self._take_pool(self._cluster(cluster), self._pool(cluster, node_pool))

    def recreate(self, cluster: str, node_pool: str | None) -> None:
        """Make a pool (None: the cluster) anew under its name: other ids, other groups. Raises GoogleError."""
        if node_pool is None:
            self._recreate_cluster(cluster)
        else:
            self._recreate_pool(self._cluster(cluster), node_pool)

    def _recreate_cluster(self, name: str) -> None:
        seed = self._seeded(name)
        if seed is None:
            raise GoogleError(Code.NOT_FOUND, f"Not found: no cluster of the seed is called {name}.")
        for found in [each for each in self._engine.all_clusters if each.short_name == name]:
            self._take_cluster(found)
        project = seed.project or self._engine.lab.seed.gcp.project
        self._engine.all_clusters.append(self._engine.builder.cluster(seed, project))

    def _recreate_pool(self, cluster: Cluster, name: str) -> None:
        if (found := cluster.pools.get(name)) is not None:
            self._take_pool(cluster, found)
        seed = self._seeded(cluster.short_name)
        for each in () if seed is None else seed.pools:
            if seed is not None and each.name == name:
                self._engine.builder.seeded_pool(each, seed, cluster)
                return
        gone = self._gone.get((cluster.short_name, name))
        if gone is None:
            message = f"Not found: no node pool was ever called {cluster.short_name}/{name}."
            raise GoogleError(Code.NOT_FOUND, message)
        self._engine.builder.again(gone.pool, cluster, gone.zones)

    def _take_cluster(self, cluster: Cluster) -> None:
        self._operations.abandon(cluster)
        self._engine.all_clusters.remove(cluster)
        for pool in cluster.pools.values():
            remove_groups(pool)

    def _take_pool(self, cluster: Cluster, pool: Pool) -> None:
        self._operations.abandon(cluster, pool)
        cluster.pools.pop(pool.short_name)
        self._gone[cluster.short_name, pool.short_name] = _Gone(pool, [group.zone for group in pool.groups])
        remove_groups(pool)

    def _seeded(self, cluster: str) -> GkeCluster | None:
        return next((each for each in self._engine.lab.seed.gcp.clusters if each.name == cluster), None)

    def _cluster(self, name: str) -> Cluster:
        found = [each for each in self._engine.all_clusters if each.short_name == name]
        if len(found) != 1:
            raise GoogleError(Code.NOT_FOUND, f"Not found: {len(found)} clusters are called {name}.")
        return found[0]

    def _found(self, cluster: str, node_pool: str) -> list[Pool]:
        return [
            each for each in self._engine.all_pools() if (each.name.cluster, each.name.pool) == (cluster, node_pool)
        ]

    def _pool(self, cluster: str, node_pool: str) -> Pool:
        found = self._found(cluster, node_pool)
        if len(found) != 1:
            raise GoogleError(Code.NOT_FOUND, f"Not found: {len(found)} node pools are called {cluster}/{node_pool}.")
        return found[0]
