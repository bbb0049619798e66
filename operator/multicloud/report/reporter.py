"""Puts a pass into words: renders status, conditions, events and counters of one pool or account. Called by `reconcile`."""

from dataclasses import dataclass, replace
from datetime import datetime

from multicloud.kinds.status import render_account, render_pool
from multicloud.model.account import AccountObject
from multicloud.model.approval import OUTCOMES
from multicloud.model.plan import Outcome, Plan, Snapshot
from multicloud.model.port import Clock
from multicloud.model.reason import Code, Reason
from multicloud.model.record import AccountRecord, PoolRecord
from multicloud.model.spec import PoolObject
from multicloud.report.conditions import account_conditions, pool_conditions, refused_pool
from multicloud.report.events import Recorder
from multicloud.report.metrics import Metrics
from multicloud.report.status import StatusDesk

STALLED_PASSES = 3
STALLED_APART_S = 10.0
STALLED_AFTER_S = 300.0
"""Stalled only when no member could act in so many passes, so far apart, over so long: Argo CD fails a sync on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stuck:
    """Since when no member of a pool can act, and how often that was seen."""

    since_s: float
    last_s: float
    passes: int


class Reporter:
    """Says what a pass found, decided and did."""

    def __init__(
        self, desk: StatusDesk, recorder: Recorder, metrics: Metrics, clock: Clock, *, installation: str
    ) -> None:
        """Write status through `desk`, events through `recorder`, counts into `metrics`.

        `installation` is the name by which external ids tell this operator from others.
        """
        self._desk = desk
        self._recorder = recorder
        self._metrics = metrics
        self._clock = clock
        self._installation = installation
        self._stuck: dict[str, _Stuck] = {}
        self._braked: dict[str, frozenset[str]] = {}

    async def pool(self, pool: PoolObject, snapshot: Snapshot, plan: Plan, record: PoolRecord) -> bool:
        """Persist what is remembered and show what was decided; False ends the pass (nothing may be sent)."""
        self._count_braked(pool.uid, plan)
        conditions = pool_conditions(snapshot, plan, stalled=self._is_stuck(pool.uid, plan))
        record = replace(
            record, observed_generation=pool.generation, ready=plan.ready, conditions=conditions, edited_by=None
        )
        proved = {view.spec.name: view.sight.proved for view in snapshot.members if view.sight.proved}
        written = await self._persist(pool, render_pool(pool, plan, record, conditions, proved), record)
        if written:
            await self._recorder.transitions(pool, pool.record.conditions, conditions)
            await self._tell_edited(pool)
            await self._tell_settled(pool, record)
            await self._tell_released(pool, record)
            await self._tell_approval(pool, record)
        return written

    async def refused(self, pool: PoolObject, problem: Reason, now: datetime) -> bool:
        """Say of a pool whose spec was not understood what is wrong with it."""
        self._show_braked(pool.uid, frozenset())
        conditions = refused_pool(pool, problem, now)
        record = replace(pool.record, conditions=conditions)
        written = await self._persist(pool, render_pool(pool, None, record, conditions), record)
        if written:
            await self._recorder.transitions(pool, pool.record.conditions, conditions)
        return written

    async def account(
        self, account: AccountObject, identity: str | None, trouble: Reason | None, *, fatal: bool
    ) -> bool:
        """Say who the account is, or why that is not known."""
        conditions = account_conditions(account, trouble, fatal=fatal, now=self._clock.now())
        # Who we were stays true while the spec is the same: the cloud may only be out of reach.
        known = account.record.identity if account.record.observed_generation == account.generation else None
        record = replace(
            account.record,
            observed_generation=account.generation,
            identity=identity if identity is not None else known,
            conditions=conditions,
        )
        external_id = account.external_id(self._installation)
        status = render_account(account.generation, record, conditions, external_id=external_id)
        written = await self._persist(account, status, record)
        if written:
            await self._recorder.transitions(account, account.record.conditions, conditions)
        return written

    async def resized(self, pool: PoolObject, outcome: Outcome) -> None:
        """Tell that a resize was accepted, or why it was not."""
        intent, error = outcome.intent, outcome.error
        direction = "up" if intent.target > intent.origin else "down"
        self._metrics.resizes.labels(outcome.provider, direction, str(error.code) if error else "Accepted").inc()
        text = f"member {outcome.member}: from {intent.origin} to {intent.target} nodes"
        if error is None:
            self._metrics.nodes_moved.labels(outcome.provider, direction).inc(abs(intent.target - intent.origin))
            told = Reason(code=Code.RESIZE_ACCEPTED, text=text)
        else:
            told = Reason(code=error.code, text=f"{text} not accepted: {error.text}")
        await self._recorder.tell(pool, told, action="Resize", warning=error is not None)
        if outcome.not_cordoned is not None and error is None:
            # No warning: the right to do it is a choice, and the nodes go as they would without it.
            text = f"member {outcome.member}: nodes go that could still get new pods: {outcome.not_cordoned.text}"
            await self._recorder.tell(pool, Reason(code=Code.NOT_CORDONED, text=text), action="Cordon")

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._desk.forget(uid)
        self._recorder.forget(uid)
        self._stuck.pop(uid, None)
        self._show_braked(uid, frozenset())

    async def _persist(
        self, seen: PoolObject | AccountObject, status: dict[str, object], record: PoolRecord | AccountRecord
    ) -> bool:
        written = await self._desk.persist(seen, status, record)
        self._metrics.status_writes.labels("kept" if written else "rejected").inc()
        return written

    async def _tell_edited(self, pool: PoolObject) -> None:
        stranger = pool.record.edited_by
        if stranger is None:
            return
        text = f"{stranger} wrote a part of this status: nothing in it is believed, the node pools are taken over anew"
        await self._recorder.tell(pool, Reason(code=Code.STATUS_EDITED, text=text), action="Read", warning=True)

    async def _tell_settled(self, pool: PoolObject, record: PoolRecord) -> None:
        for member in record.members:
            before = pool.record.member(member.name).last_resize
            done = member.last_resize
            late = done is not None and done.outcome.code is Code.ARRIVED_LATE
            if done is None or done == before or (pool.record.member(member.name).intent is None and not late):
                continue
            self._metrics.late.inc(late)
            bad = done.outcome.code is not Code.DELIVERED
            text = f"member {member.name}: from {done.origin} to {done.target} nodes: {done.outcome.text}"
            await self._recorder.tell(pool, Reason(code=done.outcome.code, text=text), action="Resize", warning=bad)

    async def _tell_released(self, pool: PoolObject, record: PoolRecord) -> None:
        for one in record.released:
            if one in pool.record.released:
                continue
            self._metrics.released.inc()
            size = "an unknown number of nodes" if one.nodes is None else f"{one.nodes} nodes"
            text = f"member {one.name} was removed: {one.node_pool} is left as it is, with {size} that run on"
            reason = Reason(code=Code.MEMBER_RELEASED, text=text)
            await self._recorder.tell(pool, reason, action="Release", warning=True)

    async def _tell_approval(self, pool: PoolObject, record: PoolRecord) -> None:
        approval, before = record.approval, pool.record.approval
        if approval is None or (
            before is not None and (before.hash, before.outcome) == (approval.hash, approval.outcome)
        ):
            return
        by = f" (set by {approval.manager})" if approval.manager else ""
        text = f"plan {approval.hash}{by}: {OUTCOMES[approval.outcome]}"
        good = approval.outcome in {Code.APPROVED, Code.PLAN_EXECUTED}
        await self._recorder.tell(pool, Reason(code=approval.outcome, text=text), action="Approve", warning=not good)

    def _count_braked(self, uid: str, plan: Plan) -> None:
        waiting = [member for member in plan.members if member.name in plan.braked]
        grows = {(member.target or 0) > (member.record.requested or 0) for member in waiting}
        self._show_braked(uid, frozenset("up" if up else "down" for up in grows))

    def _show_braked(self, uid: str, directions: frozenset[str]) -> None:
        if directions:
            self._braked[uid] = directions
        else:
            self._braked.pop(uid, None)
        for direction in ("up", "down"):
            pools = sum(direction in waiting for waiting in self._braked.values())
            self._metrics.braked_pools.labels(direction).set(pools)

    def _is_stuck(self, uid: str, plan: Plan) -> bool:
        if not plan.members or any(member.refusal is None and member.trouble is None for member in plan.members):
            self._stuck.pop(uid, None)
            return False
        now_s = self._clock.monotonic()
        known = self._stuck.get(uid) or _Stuck(since_s=now_s, last_s=now_s, passes=1)
        if now_s - known.last_s >= STALLED_APART_S:
            known = replace(known, last_s=now_s, passes=known.passes + 1)
        self._stuck[uid] = known
        return known.passes >= STALLED_PASSES and now_s - known.since_s >= STALLED_AFTER_S

    def is_counting(self, uid: str) -> bool:
        """True while no member of the pool can act: the pass must come back to count."""
        return uid in self._stuck
