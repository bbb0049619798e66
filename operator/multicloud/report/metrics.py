"""What Prometheus sees. Gauges of objects are rendered from the store when asked, so none can outlive its object.

Names users already know (`workqueue_*`, `leader_election_master_status`) are kept; the rest begins with `multicloud_`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from multicloud.model.account import AccountObject
from multicloud.model.plan import Headroom, Stop
from multicloud.model.record import Condition
from multicloud.model.spec import PolicyObject, PoolObject, StoredObject
from multicloud.model.version import VERSION

PASS_BUCKETS: Final = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the gauges are read from when Prometheus asks."""

    pools: Callable[[], Sequence[PoolObject]]
    accounts: Callable[[], Sequence[AccountObject]]
    policies: Callable[[], Sequence[PolicyObject]]
    leading: Callable[[], bool]
    stop: Callable[[], Stop]
    headroom: Callable[[], Headroom]
    queue_depth: Callable[[], int]


class Metrics:
    """What passes count; gauges of objects are `ObjectCollector`'s."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register everything that this stage counts."""
        self.passes = Counter(
            "multicloud_reconcile_total", "Passes over objects.", ["controller", "result"], registry=registry
        )
        self.released = Counter(
            "multicloud_members_released_total",
            "Members whose entry was removed while their node pool ran on.",
            registry=registry,
        )
        self.pass_seconds = Histogram(
            "multicloud_reconcile_duration_seconds",
            "Duration of a pass, cloud calls included.",
            ["controller"],
            buckets=PASS_BUCKETS,
            registry=registry,
        )
        self.resizes = Counter(
            "multicloud_scaling_actions_total",
            "Resizes sent to a cloud.",
            ["provider", "direction", "result"],
            registry=registry,
        )
        self.nodes_moved = Counter(
            "multicloud_scaling_nodes_total",
            "Nodes asked for or given back by accepted resizes.",
            ["provider", "direction"],
            registry=registry,
        )
        self.late = Counter(
            "multicloud_late_resizes_total",
            "Resizes that took effect after they had been given up: held up on their way, or sent by a frozen process.",
            registry=registry,
        )
        self.braked_pools = Gauge(
            "multicloud_brake_waiting_pools",
            "Pools of which a resize waits, wholly or in part, for the fleet-wide brake.",
            ["direction"],
            registry=registry,
        )
        self.status_writes = Counter(
            "multicloud_status_writes_total",
            "Status writes, by what the API server said.",
            ["result"],
            registry=registry,
        )


class ObjectCollector(Collector):
    """Renders the state of all objects, the lease, the brake and the queue."""

    def __init__(self, sources: Sources) -> None:
        """Read from `sources` at each scrape."""
        self._sources = sources

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: families depend on no object."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Every family, from what is known now."""
        build = InfoMetricFamily("multicloud_build", "The running build.")
        build.add_metric([], {"version": VERSION})
        yield build
        pools = self._sources.pools()
        leading = self._sources.leading()
        leader = GaugeMetricFamily(
            "leader_election_master_status", "1 while this replica holds the lease.", labels=["name"]
        )
        leader.add_metric(["multicloud"], leading)
        yield leader
        stop = GaugeMetricFamily(
            "multicloud_stop_switch", "0 off, 1 removals stopped, 2 every write stopped; told by the leader alone."
        )
        if leading:  # the others do not read it
            stop.add_metric([], _STOP[self._sources.stop()])
        yield stop
        yield from _brake(self._sources.headroom())
        depth = GaugeMetricFamily("workqueue_depth", "Keys that wait for a pass.", labels=["name"])
        depth.add_metric(["multicloud"], self._sources.queue_depth())
        yield depth
        yield from _pools(pools)
        yield _conditions([*pools, *self._sources.accounts(), *self._sources.policies()])


_STOP: Final = {Stop.NONE: 0, Stop.SHRINK_ONLY: 1, Stop.ALL: 2}


def _brake(headroom: Headroom) -> Iterable[Metric]:
    family = GaugeMetricFamily(
        "multicloud_brake_headroom_nodes", "Nodes that the fleet-wide brake still lets through.", labels=["direction"]
    )
    family.add_metric(["up"], headroom.add)
    family.add_metric(["down"], headroom.remove)
    yield family


def _pools(pools: Sequence[PoolObject]) -> Iterable[Metric]:
    units = GaugeMetricFamily(
        "multicloud_pool_units", "Units of a pool by state.", labels=["namespace", "pool", "state"]
    )
    nodes = GaugeMetricFamily(
        "multicloud_pool_nodes",
        "Nodes of a member by state.",
        labels=["namespace", "pool", "member", "provider", "state"],
    )
    backoff = GaugeMetricFamily(
        "multicloud_member_failed_attempts",
        "Resizes of a member that failed in a row.",
        labels=["namespace", "pool", "member"],
    )
    deadline = GaugeMetricFamily(
        "multicloud_member_operation_deadline_timestamp_seconds",
        "When waiting for the resize under way becomes a warning; absent where none is.",
        labels=["namespace", "pool", "member"],
    )
    waiting = GaugeMetricFamily(
        "multicloud_member_removal_ended_timestamp_seconds",
        "When nodes of a member had gone whose pods the next removal waits for; absent where none does.",
        labels=["namespace", "pool", "member"],
    )
    for pool in pools:
        where = [pool.key.namespace, pool.key.name]
        clouds = {member.name: str(member.cloud) for member in pool.spec.members} if pool.spec else {}
        if pool.record.desired is not None:
            units.add_metric([*where, "desired"], pool.record.desired)
            units.add_metric([*where, "floors"], pool.record.on_top)
        if pool.spec is not None:
            units.add_metric([*where, "min"], pool.spec.min_replicas)
            units.add_metric([*where, "max"], pool.spec.max_replicas)
        for member in pool.record.members:
            sizes = {"requested": member.requested, "existing": member.nodes, "ready": member.ready}
            for state, size in sizes.items():
                if size is not None:
                    nodes.add_metric([*where, member.name, clouds.get(member.name, ""), state], size)
            backoff.add_metric([*where, member.name], member.attempts)
            if member.intent is not None:
                deadline.add_metric([*where, member.name], member.intent.deadline.timestamp())
            removal = member.removal
            if removal is not None and removal.ended_at is not None and removal.unscheduled is not None:
                waiting.add_metric([*where, member.name], removal.ended_at.timestamp())
    yield from (units, nodes, backoff, deadline, waiting)


def _conditions(objects: Sequence[StoredObject]) -> Metric:
    family = GaugeMetricFamily(
        "multicloud_status_condition",
        "1 for the status and the reason that a condition has now.",
        labels=["kind", "namespace", "name", "type", "status", "reason"],
    )
    for seen in objects:
        conditions: Sequence[Condition] = seen.record.conditions
        for condition in conditions:
            status = "Unknown" if condition.status is None else str(condition.status)
            where = [str(seen.key.kind), seen.key.namespace, seen.key.name]
            family.add_metric([*where, condition.type, status, condition.reason], 1)
    return family
