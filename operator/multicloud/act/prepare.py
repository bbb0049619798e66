"""Turns a plan's asks into intents: admitted by fence, back-off, scope and brake, each with a random id.

Nothing here is sent. The caller writes the intents to status first; `send` takes them after that.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import uuid4

from multicloud.act.brake import Booking, Brake
from multicloud.act.scope import Scope, Scopes, scope_of
from multicloud.model.error import NotSent
from multicloud.model.member import ClusterLogin
from multicloud.model.plan import MemberPlan, MemberView, Plan, Snapshot
from multicloud.model.port import Fence, Wake
from multicloud.model.reason import Code, Reason
from multicloud.model.record import Intent, MemberRecord, PoolRecord, Removal
from multicloud.model.ref import Kind, ObjectKey
from multicloud.model.size import NodePool, Resize
from multicloud.model.spec import CloudRange, Failover

RETRY_S = 5.0
"""When an ask that was not admitted is tried again, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """One admitted resize: what to send, for whom, under which intent, and how long to wait should it fail.

    `removal` is what the next removal has to wait for, None where no node goes. `login` leads into the cluster of which the
    emptiest nodes are closed to new pods before they go, None where it does not show its nodes, or none goes.
    """

    member: str
    account: ObjectKey
    change: Resize
    intent: Intent
    removal: Removal | None = None
    login: ClusterLogin | None = None
    booking: Booking
    failover: Failover


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The memory to persist, the plan with the reasons of what waits, and what to send after that.

    `waits`: something may go out in a moment without anything being seen to change.
    """

    record: PoolRecord
    plan: Plan
    dispatches: tuple[Dispatch, ...]
    waits: bool


class Preparer:
    """Admits asks. One for the whole process: scopes and brake span all pools."""

    def __init__(self, fence: Fence, brake: Brake, scopes: Scopes, wake: Wake, *, send_budget_s: float) -> None:
        """`send_budget_s` is what the fence must grant."""
        self._fence = fence
        self._brake = brake
        self._scopes = scopes
        self._wake = wake
        self._send_budget_s = send_budget_s

    def prepare(self, snapshot: Snapshot, plan: Plan) -> Prepared:
        """Admit what may go out now."""
        pool = snapshot.key
        turns = self._scopes.turns(pool)
        self._wake_all(self._scopes.hold_exactly(pool, _held_scopes(snapshot, plan)))
        behind = self._scopes.stop_waiting(pool)
        held: dict[str, Reason] = {}
        dispatches: list[Dispatch] = []
        views = {view.spec.name: view for view in snapshot.members}
        for member in plan.members:
            view = views[member.name]
            if member.ask is None or view.sight.proved is None:
                continue
            admitted = self._admit(snapshot, member, view, view.sight.proved, turns)
            if isinstance(admitted, Dispatch):
                dispatches.append(admitted)
            else:
                held[member.name] = admitted
        self._wake_all(behind)
        sent = {dispatch.member: dispatch for dispatch in dispatches}
        record = replace(plan.record, members=tuple(_with_intent(member, sent) for member in plan.record.members))
        braked = plan.braked | {name for name, why in held.items() if why.code is Code.BRAKE}
        told = replace(plan, members=tuple(_with_reason(member, held) for member in plan.members), braked=braked)
        return Prepared(record=record, plan=told, dispatches=tuple(dispatches), waits=bool(held or braked))

    def drop(self, prepared: Prepared) -> None:
        """The intents could not be persisted: nothing is sent, nothing is booked."""
        for dispatch in prepared.dispatches:
            self._brake.give_back(dispatch.booking)

    def forget(self, pool: ObjectKey) -> None:
        """The pool object is gone: free its scopes."""
        self._wake_all(self._scopes.hold_exactly(pool, frozenset()) | self._scopes.stop_waiting(pool))

    def _admit(
        self, snapshot: Snapshot, member: MemberPlan, view: MemberView, facts: NodePool, turns: dict[Scope, int]
    ) -> Dispatch | Reason:
        ask = member.ask if member.ask is not None else facts.requested
        try:
            self._fence.check(self._send_budget_s, removes=ask < facts.requested)
        except NotSent as error:
            return error.reason
        account = ObjectKey(kind=Kind.ACCOUNT, namespace=snapshot.key.namespace, name=view.spec.account)
        booking = self._brake.book(account, member.record.change(facts, ask, snapshot.now))
        if booking is None:
            return Reason(code=Code.BRAKE, text="the fleet-wide brake lets no more nodes through for now")
        scope = scope_of(view.node_pool)
        shortage = ask > facts.requested and snapshot.below_minimum
        if not self._scopes.take(scope, snapshot.key, shortage=shortage, waited=turns.get(scope)):
            self._brake.give_back(booking)
            return Reason(code=Code.SCOPE_BUSY, text="waiting for another resize in the same cluster to end")
        intent = Intent(
            id=uuid4().hex,
            target=ask,
            origin=facts.requested,
            started_at=snapshot.now,
            deadline=snapshot.now + timedelta(seconds=snapshot.spec.failover.provision_timeout_s),
        )
        removal = _removal(view, facts, ask)
        return Dispatch(
            member=member.name,
            account=account,
            change=Resize(pool=facts, to=ask, widen=view.spec.cloud_range is CloudRange.WIDEN),
            intent=intent,
            removal=removal,
            login=view.login if removal is not None and view.inside.counted is not None else None,
            booking=booking,
            failover=snapshot.spec.failover,
        )

    def _wake_all(self, pools: set[ObjectKey]) -> None:
        for pool in pools:
            self._wake(pool, 0.0)


def _held_scopes(snapshot: Snapshot, plan: Plan) -> frozenset[Scope]:
    node_pools = {view.spec.name: view.node_pool for view in snapshot.members}
    return frozenset(
        scope_of(node_pools[record.name])
        for record in plan.record.members
        if record.intent is not None and record.name in node_pools
    )


def _with_reason(member: MemberPlan, held: dict[str, Reason]) -> MemberPlan:
    return replace(member, ask=None, reason=held[member.name]) if member.name in held else member


def _removal(view: MemberView, facts: NodePool, ask: int) -> Removal | None:
    if ask >= min(facts.nodes, facts.requested):
        return None
    counted = view.inside.counted
    return Removal(unscheduled=counted.unscheduled if counted is not None else None)


def _with_intent(record: MemberRecord, sent: dict[str, Dispatch]) -> MemberRecord:
    dispatch = sent.get(record.name)
    if dispatch is None:
        return record
    return replace(record, intent=dispatch.intent, removal=dispatch.removal or record.removal)
