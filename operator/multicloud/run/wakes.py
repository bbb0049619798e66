"""What the store learned, turned into passes: edits that come to rest, objects that went, and what concerns each other."""

from dataclasses import dataclass, field

from multicloud.act.prepare import Preparer
from multicloud.model.port import Clock
from multicloud.model.ref import Kind, ObjectKey
from multicloud.model.spec import PolicyObject, PoolObject, StoredObject
from multicloud.observe.insides import Insides
from multicloud.observe.looker import Lookers
from multicloud.observe.observer import Observer, account_of
from multicloud.observe.sampler import Sampler
from multicloud.report.policies import PolicyReporter
from multicloud.report.recordings import Recordings
from multicloud.report.reporter import Reporter
from multicloud.watch.store import Store
from multicloud.workqueue import WorkQueue


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
