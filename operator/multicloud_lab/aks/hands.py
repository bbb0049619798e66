"""Other people and machines at work on Azure's side: they change state beside the calls of the client under test.

Called by the admin port, scenarios and tests through the engine; `core.hands` journals them, except the resize and
the cluster's update, which are journalled here.
"""

from collections.abc import Iterable
from copy import deepcopy
from functools import partial
from math import ceil
from typing import TYPE_CHECKING

from multicloud_lab.aks import errors
from multicloud_lab.aks.build import CLOUD
from multicloud_lab.aks.operations import Order, move
from multicloud_lab.aks.rules import least_nodes
from multicloud_lab.aks.sizes import spread, with_nodes
from multicloud_lab.aks.state import AgentPool, Cluster, Properties, size_ranges
from multicloud_lab.core.calls import Call
from multicloud_lab.core.clock import Timer
from multicloud_lab.core.journal import HAND
from multicloud_lab.core.lab import Moved
from multicloud_lab.core.nodes import NodeSet, NodeState
from multicloud_lab.core.seed import AksCluster

if TYPE_CHECKING:
    from multicloud_lab.aks.engine import AksEngine

UPDATE_CLUSTER = "HandUpdateCluster"
"""A cluster's own update in the journal."""

ROLLING_SHARE = 0.8
"""The share of an upgrade's time in which nodes are replaced; the last ones boot, and the surge drains, in the rest."""

CALM_SHARE = 0.95
"""The share of an upgrade's time after which the surge is let go."""


class Hands:
    """The acts of hands on one engine, and what they took away (to be made again)."""

    def __init__(self, engine: "AksEngine") -> None:
        """Act on the engine's state."""
        self._engine = engine
        self._gone: dict[tuple[str, str], Properties] = {}

    def clear(self) -> None:
        """Forget what was taken away."""
        self._gone.clear()

    def remember(self, cluster: Cluster, pool: AgentPool) -> None:
        """Keep a deleted pool's settings."""
        self._gone[cluster.id.lower(), pool.name] = deepcopy(pool.spec)

    def resize(self, cluster: str, node_pool: str, to: int) -> None:
        """Resize a pool to `to` nodes as a person in the portal; journalled. Raises ArmError."""
        from multicloud_lab.aks.engine import PUT_POOL, PutRequest

        arguments = {"properties": {"count": to}}
        call = Call(
            cloud=CLOUD, operation=PUT_POOL, principal=HAND, cluster=cluster, pool=node_pool, arguments=arguments
        )
        try:
            found = self._engine.named(cluster)
            pool = self._engine.pool(found, node_pool)
            # The portal sends the whole pool back with another count, as every careful client does.
            request = PutRequest(cluster=found, name=pool.name, wished=resized(pool, to), call=call)
            result = self._engine.put(request)
        except errors.ArmError as refused:
            self._engine.lab.record(call, result=refused.code)
            raise
        self._engine.lab.record(call, effective=result.operation is not None, from_=result.from_, to=result.to)

    def autoscale(self, cluster: str, node_pool: str, to: int) -> Moved:
        """Move a pool's count within its range; takes no operation and no lock, but changes the etag. Raises ArmError."""
        found = self._engine.named(cluster)
        pool = self._engine.pool(found, node_pool)
        if pool.is_stopped or pool.state == "Deleting":
            raise errors.pool_busy(pool.name, pool.state)
        ranges = size_ranges(pool.spec)
        if not ranges:
            raise errors.invalid("enableAutoScaling", f"agent pool {pool.name} has no autoscaler.")
        low, high = sum(low for low, _ in ranges.values()), sum(high for _, high in ranges.values())
        low = max(low, least_nodes(pool.spec))
        if not low <= to <= high:
            raise errors.invalid("count", f"{to} is not within minCount {low} and maxCount {high}.")
        from_ = pool.count
        if from_ != to:
            pool.spec = with_nodes(pool.spec, spread(pool.spec, to))
            move(pool)
            self._engine.operations.touch(found, pool)
        return Moved(from_=from_, to=to)

    def upgrade(self, cluster: str, node_pool: str, seconds: float) -> None:
        """Replace a pool's nodes within these virtual seconds, beside surge nodes. Raises ArmError."""
        found = self._engine.named(cluster)
        pool = self._engine.pool(found, node_pool)
        self._engine.check_free(found, pool)
        call = Call(
            cloud=CLOUD,
            operation="HandUpgrade",
            principal=HAND,
            cluster=cluster,
            pool=node_pool,
            arguments={"seconds": seconds},
        )
        order = Order(
            state="Upgrading",
            call=call,
            start=lambda _limit: self._roll(pool, seconds),
            duration_s=seconds,
            repeatable=False,
        )
        self._engine.operations.begin(found, pool, order)

    def update_cluster(self, cluster: str, seconds: float) -> None:
        """Start an update of the cluster itself for these virtual seconds; journalled. Raises ArmError."""
        arguments = {"seconds": seconds}
        call = Call(cloud=CLOUD, operation=UPDATE_CLUSTER, principal=HAND, cluster=cluster, arguments=arguments)
        found = self._engine.named(cluster)
        try:
            self._engine.check_free(found, None)
        except errors.ArmError as refused:
            self._engine.lab.record(call, result=refused.code)
            raise
        self._engine.operations.begin_on_cluster(found, "Updating", seconds, call)
        self._engine.lab.record(call, effective=True)

    def delete(self, cluster: str, node_pool: str | None) -> None:
        """Take a pool (None: the cluster) away at once, whatever runs on it. Raises ArmError."""
        found = self._engine.named(cluster)
        if node_pool is None:
            self._take_cluster(found)
            return
        pool = self._engine.pool(found, node_pool)
        if pool.is_system and not any(each.is_system for each in found.pools.values() if each is not pool):
            raise errors.last_system_pool(pool.name)
        self._take_pool(found, pool)

    def recreate(self, cluster: str, node_pool: str | None) -> None:
        """Make a pool (None: the cluster) anew under its name, with another uid, etag and machines. Raises ArmError."""
        if node_pool is None:
            self._recreate_cluster(cluster)
        else:
            self._recreate_pool(self._engine.named(cluster), node_pool.lower())

    def _roll(self, pool: AgentPool, seconds: float) -> Iterable[Timer]:
        move(pool)
        clock = self._engine.lab.clock
        for machines in pool.sets.values():
            ready = [node.name for node in machines.nodes if node.state is NodeState.READY]
            if not ready:
                continue
            machines.set_surge(surge_of(pool.spec, len(ready)))
            for index, name in enumerate(ready, start=1):
                at_s = seconds * ROLLING_SHARE * index / len(ready)
                yield clock.after(at_s, partial(_replace, machines, name, self._engine.lab.seed.timings.drain_s))
            yield clock.after(seconds * CALM_SHARE, partial(machines.set_surge, 0))

    def _recreate_cluster(self, name: str) -> None:
        seed = self._seeded(name)
        if seed is None:
            raise errors.not_found("managed cluster", name, "the lab's seed")
        for found in [each for each in self._engine.clusters if each.name.lower() == name.lower()]:
            self._take_cluster(found)
        self._engine.clusters.append(self._engine.builder.cluster(seed))

    def _recreate_pool(self, cluster: Cluster, name: str) -> None:
        if (found := cluster.pools.get(name)) is not None:
            self._take_pool(cluster, found)
        seed = self._seeded(cluster.name)
        for each in () if seed is None else seed.pools:
            if each.name == name:
                self._engine.builder.seeded_pool(cluster, each)
                return
        gone = self._gone.get((cluster.id.lower(), name))
        if gone is None:
            raise errors.not_found("agent pool", name, f"cluster '{cluster.name}', now or before")
        self._engine.builder.filled_pool(cluster, name, deepcopy(gone))

    def _take_cluster(self, cluster: Cluster) -> None:
        self._engine.operations.end_on_cluster(cluster, "Canceled")
        for pool in list(cluster.pools.values()):
            self._take_pool(cluster, pool)
        self._engine.clusters.remove(cluster)

    def _take_pool(self, cluster: Cluster, pool: AgentPool) -> None:
        self._engine.operations.abandon(pool)
        for machines in pool.sets.values():
            machines.close()
        cluster.pools.pop(pool.name, None)
        cluster.etag = self._engine.builder.guid()
        self.remember(cluster, pool)

    def _seeded(self, cluster: str) -> AksCluster | None:
        seeds = self._engine.lab.seed.azure.clusters
        return next((each for each in seeds if each.name.lower() == cluster.lower()), None)


def resized(pool: AgentPool, to: int) -> Properties:
    """Return a pool's properties with another size; of several VM sizes the last ones take the difference.

    Raises ArmError for an autoscaled VirtualMachines pool: no property holds its nodes.
    """
    if not pool.is_mixed:
        return {**pool.spec, "count": to}
    if size_ranges(pool.spec):
        raise errors.invalid("count", f"agent pool {pool.name} is scaled by its autoscaler.")
    return with_nodes(pool.spec, spread(pool.spec, to))


def surge_of(spec: Properties, nodes: int) -> int:
    """Return how many nodes above its size a pool has in an upgrade: upgradeSettings.maxSurge (10%), at least one."""
    surge = str((spec.get("upgradeSettings") or {}).get("maxSurge") or "10%")
    if surge.endswith("%") and surge[:-1].isdigit():
        return max(ceil(nodes * int(surge[:-1]) / 100), 1)
    return max(int(surge), 1) if surge.isdigit() else 1


def _replace(machines: NodeSet, name: str, notice_s: float) -> None:
    if any(node.name == name and node.state is not NodeState.DRAINING for node in machines.nodes):
        machines.lose(name, notice_s)
