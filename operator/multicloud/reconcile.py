"""The spine: what happens to one object when its turn comes. Read this page first.

    observe → decide → prepare → persist → act → report

Level-based: every pass starts from what is there now, and may be cut off after any line. A resize that was persisted
but not settled is found again by the next pass, in this process or another, and settled by looking.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from multicloud.act.cordon import Cordoner
from multicloud.act.prepare import RETRY_S, Prepared, Preparer
from multicloud.act.send import Sender
from multicloud.decide.scale.history import remembered, resumed
from multicloud.decide.scale.policy import decide_policy
from multicloud.model.account import AccountObject
from multicloud.model.error import CloudError, Refused
from multicloud.model.metric import JudgedPolicy
from multicloud.model.plan import Plan, Snapshot
from multicloud.model.policy import PolicySpec, PoolStanding, Reading
from multicloud.model.port import Clock, Lanes, Wake
from multicloud.model.reason import Reason
from multicloud.model.record import Record
from multicloud.model.ref import Kind, ObjectKey
from multicloud.model.spec import PolicyObject, PoolObject, PoolSpec
from multicloud.observe.observer import Observer, account_of
from multicloud.observe.sampler import Sampler
from multicloud.observe.standing import another_works, no_standing, pool_standing
from multicloud.report.policies import PolicyReporter
from multicloud.report.recordings import Recordings
from multicloud.report.reporter import Reporter

IDENTITY_S = 900.0
"""How often a proved identity is asked for again, in seconds."""
MEND_S = 60.0
"""How soon something that only a person or time can mend is looked at again: a changed Secret works within a minute."""

Decide = Callable[[Snapshot], Awaitable[Plan]]


class Objects(Protocol):
    """Our objects as last seen."""

    def pool(self, key: ObjectKey) -> PoolObject | None:
        """The pool of that key."""
        ...

    def policy(self, key: ObjectKey) -> PolicyObject | None:
        """The policy of that key."""
        ...

    def policies_of(self, pool: ObjectKey) -> Sequence[PolicyObject]:
        """The policies that want to decide for a pool, the oldest first."""
        ...

    def account(self, namespace: str, name: str) -> AccountObject | None:
        """The account of that name."""
        ...

    def remember(self, key: ObjectKey, uid: str, record: Record, resource_version: str | None) -> None:
        """Keep a record in memory."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Spine:
    """The stages, in the order in which a pass visits them. Call it with a key; it answers when to come again."""

    objects: Objects
    observer: Observer
    sampler: Sampler
    decide: Decide
    preparer: Preparer
    sender: Sender
    cordoner: Cordoner
    reporter: Reporter
    policies: PolicyReporter
    recordings: Recordings
    lanes: Lanes
    clock: Clock
    wake: Wake

    async def __call__(self, key: ObjectKey) -> float | None:
        """Make one pass over one object; returns the seconds after which time alone makes another one worthwhile."""
        if key.kind is Kind.ACCOUNT:
            account = self.objects.account(key.namespace, key.name)
            return await self._account(account) if account else None
        if key.kind is Kind.POLICY:
            policy = self.objects.policy(key)
            return await self._policy(policy) if policy else None
        pool = self.objects.pool(key)
        if pool is None:
            return None
        if pool.spec is None:
            return await self._refused(pool)
        return await self._pool(pool, pool.spec)

    async def _pool(self, pool: PoolObject, spec: PoolSpec) -> float | None:
        self._wake_all(self.observer.release(pool.key, pool.uid, frozenset(member.name for member in spec.members)))
        snapshot = self.observer.snapshot(pool, spec)
        self._wake_all(self.observer.freed())
        plan = await self.decide(snapshot)
        if self.objects.pool(pool.key) is not pool:
            return 0.0  # it changed while we decided: a decision on the old one is worth nothing
        prepared = self.preparer.prepare(snapshot, plan)
        if not await self.reporter.pool(pool, snapshot, prepared.plan, prepared.record):
            self.preparer.drop(prepared)
            return RETRY_S
        self.recordings.pool(pool, snapshot, plan)
        if pool.record.desired is None:  # its policies may have waited for its first number
            self._wake_all([policy.key for policy in self.objects.policies_of(pool.key)])
        if prepared.dispatches and self.objects.pool(pool.key) is None:
            self.preparer.drop(prepared)  # deleted while it was persisted: nobody wants this any more
            return None
        if prepared.dispatches and not await self._act(pool, snapshot, prepared):
            return RETRY_S
        again_after_s = self._again_after_s(pool, snapshot, prepared)
        if not prepared.dispatches and not await self.cordoner.release(snapshot, prepared.record):
            return min(MEND_S, again_after_s or MEND_S)
        return again_after_s

    async def _act(self, pool: PoolObject, snapshot: Snapshot, prepared: Prepared) -> bool:
        """Send what was persisted, remember and show what came of it; False when that could not be written yet."""
        names = {account_of(pool.key, member).name for member in snapshot.spec.members}
        accounts = {found.key: found for name in names if (found := self.objects.account(pool.key.namespace, name))}
        record, outcomes = await self.sender.send(pool.key, prepared.record, prepared.dispatches, accounts)
        for outcome in outcomes:
            await self.reporter.resized(pool, outcome)
        now = self.objects.pool(pool.key)
        if now is None or now.uid != pool.uid:
            return True
        # Memory first: a status that cannot be written must not lose the operation while this process lives.
        self.objects.remember(pool.key, pool.uid, record, None)
        return await self.reporter.pool(now, snapshot, prepared.plan, record)

    async def _refused(self, pool: PoolObject) -> float | None:
        assert pool.problem is not None  # an object without a spec says why
        return None if await self.reporter.refused(pool, pool.problem, self.clock.now()) else RETRY_S

    async def _account(self, account: AccountObject) -> float:
        if account.spec is None:
            assert account.problem is not None  # an object without a spec says why
            return MEND_S if await self.reporter.account(account, None, account.problem, fatal=True) else RETRY_S
        try:
            lane = await self.lanes.lane(account)
            principal = await lane.whoami()
        except CloudError as error:
            fatal = isinstance(error, Refused)
            written = await self.reporter.account(account, None, error.reason, fatal=fatal)
            return MEND_S if written else RETRY_S
        written = await self.reporter.account(account, principal.name, None, fatal=False)
        return IDENTITY_S if written else RETRY_S

    async def _policy(self, policy: PolicyObject) -> float | None:
        spec, pool = policy.spec, self.objects.pool(policy.pool) if policy.pool else None
        standing = pool_standing(pool) if pool else None
        if spec is None or pool is None or standing is None or policy.pool is None:
            return await self._idle(policy, policy.problem or no_standing(policy, pool))
        works = self.objects.policies_of(policy.pool)[0]
        if works.uid != policy.uid:
            return await self._idle(policy, another_works(works))
        looked = self.sampler.look(policy, spec, pool.key)
        if looked.readings is None:
            return looked.again_after_s
        judged = self._judge(policy, spec, standing, looked.readings)
        if not await self.policies.decided(policy, judged):
            return RETRY_S
        self.recordings.policy(policy, judged)
        self.sampler.judged(policy.uid)
        if _wishes_otherwise(judged, policy):
            self.wake(pool.key, 0.0)
        return looked.again_after_s

    def _judge(
        self, policy: PolicyObject, spec: PolicySpec, standing: PoolStanding, readings: tuple[Reading, ...]
    ) -> JudgedPolicy:
        now, history = self.clock.now(), policy.record.history
        if policy.record.desired is not None and not self.sampler.has_judged(policy.uid):
            history = resumed(history, standing.current, now)
        decision = decide_policy(spec, readings, standing, history, now)
        lasting = remembered(decision.history, spec, standing, now)
        return JudgedPolicy(
            spec=spec,
            standing=standing,
            readings=readings,
            history=history,
            at=now,
            decision=decision,
            lasting=lasting,
        )

    async def _idle(self, policy: PolicyObject, why: Reason) -> float | None:
        """A policy that decides nothing: what it waits for wakes it."""
        self.sampler.forget(policy.uid)
        return None if await self.policies.idle(policy, why) else RETRY_S

    def _again_after_s(self, pool: PoolObject, snapshot: Snapshot, prepared: Prepared) -> float | None:
        wishes = [RETRY_S] if prepared.waits else []
        if prepared.plan.wake_at is not None:
            wishes.append((prepared.plan.wake_at - snapshot.now).total_seconds())
        if self.reporter.is_counting(pool.uid):
            wishes.append(MEND_S)
        if any(view.fresh and view.sight.trouble is not None for view in snapshot.members):
            wishes.append(MEND_S)  # facts that are not renewed become too old to act on, by time alone
        if not prepared.plan.settled:
            wishes.append(float(snapshot.spec.failover.provision_timeout_s))
        return max(0.0, min(wishes)) if wishes else None

    def _wake_all(self, pools: Iterable[ObjectKey]) -> None:
        for key in pools:
            self.wake(key, 0.0)


def _wishes_otherwise(judged: JudgedPolicy, policy: PolicyObject) -> bool:
    """True when the pool has something new to hear from its policy."""
    decision, known = judged.decision, policy.record
    told = (decision.desired, decision.history.floors, decision.bounds.high)
    return told != (known.desired, known.history.floors, known.most)
