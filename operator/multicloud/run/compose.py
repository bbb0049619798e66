"""Wires the stages on any clock and any Kubernetes edge: the process uses real ones, scenarios run in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry

from multicloud.act.brake import Brake, Limits
from multicloud.act.cordon import Cordoner
from multicloud.act.prepare import Preparer
from multicloud.act.scope import Scopes
from multicloud.act.send import Sender
from multicloud.clouds.registry import CloudLanes
from multicloud.decide import decide
from multicloud.kube.external import KubeExternal
from multicloud.kube.members import Cordoning
from multicloud.model.account import AccountObject
from multicloud.model.plan import Plan, Snapshot, Stop
from multicloud.model.port import Clock, ClusterSide, EventSink, Fence, Lanes, Secrets, StatusWriter, Wake
from multicloud.model.ref import ObjectKey
from multicloud.observe.claims import Claims
from multicloud.observe.insides import Insides
from multicloud.observe.looker import Cadence, Lookers
from multicloud.observe.observer import Observer, Outside, Patience
from multicloud.observe.sampler import Sampler
from multicloud.reconcile import Spine
from multicloud.report.events import Recorder
from multicloud.report.metrics import Metrics
from multicloud.report.policies import PolicyReporter
from multicloud.report.policymetrics import PolicyCollector
from multicloud.report.recordings import Kept, Recordings
from multicloud.report.reporter import Reporter
from multicloud.report.status import StatusDesk
from multicloud.run.known import Known, KnownInside
from multicloud.run.wakes import Wakes
from multicloud.settings import Settings
from multicloud.sources.external import External
from multicloud.sources.nodes import Nodes
from multicloud.sources.pendingpods import PendingPodsSource
from multicloud.sources.prometheus import Prometheus
from multicloud.sources.registry import Sources
from multicloud.watch.store import Store
from multicloud.workqueue import WorkQueue

CORDON_S: Final = 5.0
"""How long a resize waits, at most, for the nodes that go to be closed to new pods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What eyes inside member clusters need from the stages."""

    lanes: Lanes
    cordoning: Cordoning
    account: Callable[[ObjectKey], AccountObject | None]
    wake: Wake


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """The Kubernetes side of the stages, as ports.

    Without `eyes` no member cluster is looked into; without `external` there is no external metrics API.
    """

    writer: StatusWriter
    secrets: Secrets
    events: EventSink
    eyes: Callable[[Outlook], ClusterSide] | None = None
    external: KubeExternal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """The stages, wired. `serve` makes passes until cancelled."""

    settings: Settings
    store: Store
    queue: WorkQueue
    lanes: CloudLanes
    lookers: Lookers
    insides: Insides
    sampler: Sampler
    recordings: Recordings
    claims: Claims
    brake: Brake
    spine: Spine
    wakes: Wakes
    registry: CollectorRegistry
    metrics: Metrics
    solver: ThreadPoolExecutor

    def synced(self) -> None:
        """The barrier is passed: take what statuses remember, then look at everything."""
        self.claims.seed(self.store.pools())
        self.brake.seed(self.store.pools())
        for pool in self.store.pools():
            self.store.remember(pool.key, pool.uid, pool.record.inherited(self.spine.clock.now()), None)
        self.wake_pools()
        for account in self.store.accounts():
            self.queue.add(account.key)
        for policy in self.store.policies():
            self.queue.add(policy.key)

    def wake_pools(self) -> None:
        """Ask for a pass over every pool."""
        for pool in self.store.pools():
            self.queue.add(pool.key)

    async def serve(self) -> None:
        """Make passes until cancelled."""
        await self.queue.run(self._counted, workers=self.settings.workers)

    async def _counted(self, key: ObjectKey) -> float | None:
        unquiet_s = self.wakes.unquiet_s(key)
        if unquiet_s > 0:
            return unquiet_s
        began_s, result = self.spine.clock.monotonic(), "error"
        try:
            again_after_s = await self.spine(key)
            result = "success" if again_after_s is None else "requeue_after"
        finally:
            self.metrics.passes.labels(key.kind, result).inc()
            self.metrics.pass_seconds.labels(key.kind).observe(self.spine.clock.monotonic() - began_s)
        return again_after_s

    def close(self) -> None:
        """Stop reading clouds and solving."""
        self.lookers.close()
        self.insides.close()
        self.sampler.close()
        self.recordings.close()
        self.lanes.close()
        self.solver.shutdown(wait=False, cancel_futures=True)


def compose(settings: Settings, clock: Clock, edge: Edge, fence: Fence, stop: Callable[[], Stop]) -> Operator:
    """Wire the stages. Call it on the loop that will serve them."""
    queue, store, registry = WorkQueue(clock), Store(), CollectorRegistry()
    known = Known(store=store)
    lanes = CloudLanes(secrets=edge.secrets, settings=settings, fence=fence, clock=clock, registry=registry)
    lookers = Lookers(lanes, clock, _cadence(settings), account=known.account, wake=queue.add)
    claims = Claims()
    brake = Brake(clock, _limits(settings), observed_nodes=lookers.observed_nodes)
    eyes = _opened(settings, edge, fence, lanes, known, queue.add)
    insides, cordoner = Insides(eyes), Cordoner(eyes)
    sampler = Sampler(
        _sources(settings, edge, clock, KnownInside(known=known, insides=insides, clock=clock)), clock, queue.add
    )

    def renewed(changed: ObjectKey) -> None:
        insides.account_changed(changed)  # no token of the old identity is used any longer
        queue.add(changed)

    lanes.when_renewed(renewed)
    outside = Outside(account=known.account, policy=known.wish, stop=stop, headroom=brake.headroom)
    patience = Patience(write_window_s=settings.call_timeout_s, quiet_s=settings.observe.quiet_s)
    observer = Observer(lookers, insides, claims, clock, outside, patience)
    preparer = Preparer(fence, brake, Scopes(), queue.add, send_budget_s=settings.lease.send_budget_s)
    metrics = Metrics(registry)
    desk, recorder = StatusDesk(edge.writer, store), Recorder(edge.events, clock)
    reporter = Reporter(desk, recorder, metrics, clock, installation=settings.installation)
    policies = PolicyReporter(desk, recorder, clock)
    recordings = Recordings(_kept(settings), recorder)
    registry.register(PolicyCollector(lambda: policies.judged))
    wakes = Wakes(
        store=store,
        queue=queue,
        lookers=lookers,
        insides=insides,
        observer=observer,
        sampler=sampler,
        preparer=preparer,
        reporter=reporter,
        policies=policies,
        recordings=recordings,
        clock=clock,
        settle_s=settings.settle_s,
        settle_max_s=settings.settle_max_s,
    )
    store.listen(wakes)
    solver = ThreadPoolExecutor(max_workers=1, thread_name_prefix="solver")
    spine = Spine(
        objects=store,
        observer=observer,
        sampler=sampler,
        decide=_solving(solver),
        preparer=preparer,
        sender=Sender(lanes, brake, lookers, cordoner, clock),
        cordoner=cordoner,
        reporter=reporter,
        policies=policies,
        recordings=recordings,
        lanes=lanes,
        clock=clock,
        wake=queue.add,
    )
    return Operator(
        settings=settings,
        store=store,
        queue=queue,
        lanes=lanes,
        lookers=lookers,
        insides=insides,
        sampler=sampler,
        recordings=recordings,
        claims=claims,
        brake=brake,
        spine=spine,
        wakes=wakes,
        registry=registry,
        metrics=metrics,
        solver=solver,
    )


def _opened(
    settings: Settings, edge: Edge, fence: Fence, lanes: CloudLanes, known: Known, wake: Wake
) -> ClusterSide | None:
    """Eyes inside member clusters, None where the operator is to keep out of them."""
    if edge.eyes is None or not settings.member_clusters.look:
        return None
    cordoning = Cordoning(
        fence, send_budget_s=settings.lease.send_budget_s, within_s=CORDON_S, installation=settings.installation
    )
    return edge.eyes(Outlook(lanes=lanes, cordoning=cordoning, account=known.account, wake=wake))


def _sources(settings: Settings, edge: Edge, clock: Clock, inside: KnownInside) -> Sources:
    return Sources(
        prometheus=Prometheus(settings.metrics.prometheus, clock),
        nodes=Nodes(inside.loads, clock),
        external=External(edge.external, clock),
        pending_pods=PendingPodsSource(inside.pending, clock),
    )


def _solving(solver: ThreadPoolExecutor) -> Callable[[Snapshot], Awaitable[Plan]]:
    loop = asyncio.get_running_loop()

    async def solve(snapshot: Snapshot) -> Plan:
        return await loop.run_in_executor(solver, decide, snapshot)

    return solve


def _cadence(settings: Settings) -> Cadence:
    observe = settings.observe
    return Cadence(
        interval_s=observe.interval_s,
        describe_s=observe.describe_s,
        busy_min_s=observe.busy_min_s,
        busy_max_s=observe.busy_max_s,
    )


def _limits(settings: Settings) -> Limits:
    guard = settings.guard
    return Limits(
        max_removed_percent=guard.max_removed_percent,
        max_removed_nodes=guard.max_removed_nodes,
        max_added_percent=guard.max_added_percent,
        max_added_nodes=guard.max_added_nodes,
    )


def _kept(settings: Settings) -> Kept:
    recordings = settings.recordings
    return Kept(
        directory=recordings.directory,
        changes=recordings.changes,
        most_files=recordings.max_files,
        most_bytes=recordings.max_megabytes * 1_000_000,
    )
