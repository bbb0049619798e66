"""Wires the stages on any clock and any Kubernetes edge: the process uses real ones, scenarios run in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
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
from multicloud.model.member import MemberLoad
from multicloud.model.plan import Plan, PolicyWish, Snapshot, Stop
from multicloud.model.pods import Pending
from multicloud.model.port import Clock, ClusterSide, EventSink, Fence, Lanes, Secrets, StatusWriter, Wake
from multicloud.model.ref import Kind, ObjectKey
from multicloud.model.spec import AccountObject, PolicyObject, PoolObject, StoredObject
from multicloud.observe.claims import Claims
from multicloud.observe.insides import Insides
from multicloud.observe.loads import member_loads
from multicloud.observe.looker import Cadence, Lookers
from multicloud.observe.observer import Observer, Outside, Patience, account_of
from multicloud.observe.sampler import Sampler
from multicloud.observe.waiting import counts_pods, pending_pods
from multicloud.reconcile import Spine
from multicloud.report.events import Recorder
from multicloud.report.metrics import Metrics
from multicloud.report.policies import PolicyReporter
from multicloud.report.policymetrics import PolicyCollector
from multicloud.report.recordings import Kept, Recordings
from multicloud.report.reporter import Reporter
from multicloud.report.status import StatusDesk
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
class _Edit:
    """When a row of edits began, and when it counts as over."""

    began_s: float
    quiet_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wakes:
    """Turns what the store learned into passes, and frees what a gone object held. Implements the store's Listener."""

    store: Store
    queue: WorkQueue
    lookers: Lookers
    insides: Insides
    observer: Observer
    sampler: Sampler
    preparer: Preparer
    reporter: Reporter
    policies: PolicyReporter
    recordings: Recordings
    clock: Clock
    settle_s: float
    settle_max_s: float
    edits: dict[ObjectKey, _Edit] = field(default_factory=dict)

    def changed(self, key: ObjectKey, *, first: bool) -> None:
        """A new object is looked at once; an edit when it has come to rest, or has not for too long."""
        self._wake_members_of(key)
        self._wake_deciders(self.store.policy(key) or self.store.pool(key))
        if first:
            self.queue.add(key)
            return
        now_s = self.clock.monotonic()
        row = self.edits.get(key)
        began_s = row.began_s if row is not None and now_s < row.quiet_s else now_s
        wait_s = max(0.001, min(self.settle_s, began_s + self.settle_max_s - now_s))
        self.edits[key] = _Edit(began_s=began_s, quiet_s=now_s + wait_s)
        self.queue.postpone(key, wait_s)

    def unquiet_s(self, key: ObjectKey) -> float:
        """Seconds until the newest edit of an object has come to rest: half an edit is not acted on, whoever wakes."""
        row = self.edits.get(key)
        return 0.0 if row is None else max(0.0, row.quiet_s - self.clock.monotonic())

    def removed(self, gone: StoredObject) -> None:
        """Free what it held and wake those who wait for it."""
        self.queue.forget(gone.key)
        self.edits.pop(gone.key, None)
        self.reporter.forget(gone.uid)
        self.recordings.forget(gone.uid)
        if isinstance(gone, PoolObject):
            self.preparer.forget(gone.key)
            for waiting in self.observer.forget(gone.key, gone.uid):
                self.queue.add(waiting)
        if isinstance(gone, PolicyObject):
            self.sampler.forget(gone.uid)
            self.policies.forget(gone.uid)
        self._wake_members_of(gone.key)
        self._wake_deciders(gone)

    def _wake_members_of(self, key: ObjectKey) -> None:
        if key.kind is not Kind.ACCOUNT:
            return
        self.lookers.account_changed(key)
        self.insides.account_changed(key)
        for pool in self.store.pools():
            if pool.spec and any(account_of(pool.key, member) == key for member in pool.spec.members):
                self.queue.add(pool.key)

    def _wake_deciders(self, seen: StoredObject | None) -> None:
        """A pool and its policies concern each other."""
        match seen:
            case PolicyObject(pool=ObjectKey() as pool):
                self.queue.add(pool, self.settle_s)
            case PoolObject(key=pool):
                pass
            case _:
                return
        for policy in self.store.policies_of(pool):
            self.queue.add(policy.key, self.settle_s)


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
    queue = WorkQueue(clock)
    store = Store()
    registry = CollectorRegistry()
    lanes = CloudLanes(secrets=edge.secrets, settings=settings, fence=fence, clock=clock, registry=registry)

    def account(key: ObjectKey) -> AccountObject | None:
        return store.account(key.namespace, key.name)

    def policy(pool: ObjectKey) -> PolicyWish | None:
        works = next(iter(store.policies_of(pool)), None)
        if works is None:
            return None
        known = works.record
        return PolicyWish(name=works.key.name, units=known.desired, floors=known.history.floors, most=known.most)

    lookers = Lookers(lanes, clock, _cadence(settings), account=account, wake=queue.add)
    claims = Claims()
    brake = Brake(clock, _limits(settings), observed_nodes=lookers.observed_nodes)
    outside = Outside(account=account, policy=policy, stop=stop, headroom=brake.headroom)
    open_eyes = edge.eyes if settings.member_clusters.look else None
    cordoning = Cordoning(
        fence,
        send_budget_s=settings.lease.send_budget_s,
        within_s=CORDON_S,
        installation=settings.installation,
    )
    outlook = Outlook(lanes=lanes, cordoning=cordoning, account=account, wake=queue.add)
    eyes = open_eyes(outlook) if open_eyes else None
    insides, cordoner = Insides(eyes), Cordoner(eyes)

    def loads(pool: ObjectKey) -> Sequence[MemberLoad]:
        known = store.pool(pool)
        return member_loads(known, insides, account) if known else ()

    def crowding() -> Sequence[PoolObject]:
        return [pool for pool in store.pools() if counts_pods(next(iter(store.policies_of(pool.key)), None))]

    def pending(pool: ObjectKey) -> Pending:
        known = store.pool(pool)
        return pending_pods(known, crowding, insides, account, clock.now()) if known else Pending(clusters=())

    sources = Sources(
        prometheus=Prometheus(settings.metrics.prometheus, clock),
        nodes=Nodes(loads, clock),
        external=External(edge.external, clock),
        pending_pods=PendingPodsSource(pending, clock),
    )
    sampler = Sampler(sources, clock, queue.add)

    def renewed(changed: ObjectKey) -> None:
        insides.account_changed(changed)  # no token of the old identity is used any longer
        queue.add(changed)

    lanes.when_renewed(renewed)
    patience = Patience(write_window_s=settings.call_timeout_s, quiet_s=settings.observe.quiet_s)
    observer = Observer(lookers, insides, claims, clock, outside, patience)
    preparer = Preparer(
        fence,
        brake,
        Scopes(),
        queue.add,
        send_budget_s=settings.lease.send_budget_s,
    )
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
