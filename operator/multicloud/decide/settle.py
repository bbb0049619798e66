"""What became of a member since the last pass: its intent, who owns it, what others did to its size.

Takes a MemberView with the member's record, gives a Standing. Facts count only while they are fresh; whatever cannot
be judged yet waits, with a reason.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from multicloud.decide.delivery import failed, is_replaced, with_delivery, with_foreign, with_sight
from multicloud.decide.drift import following, foreign_scaler, with_drift, with_move, with_word
from multicloud.decide.place.sizes import bounds_of
from multicloud.decide.standing import Standing
from multicloud.model.plan import MemberView, Snapshot
from multicloud.model.reason import Code, Reason
from multicloud.model.record import GONE, Claim, Intent, LastResize, MemberRecord
from multicloud.model.size import Activity, NodePool, Operation, OperationState
from multicloud.model.spec import Detect, MemberState

_RUNNING = frozenset({OperationState.REQUESTED, OperationState.RUNNING})

LATE_AT_MOST: Final = timedelta(hours=24)
"""No connection outlives that: from then on a size that had been given up is somebody else's."""

_UNHAPPY = {OperationState.FAILED: Code.OPERATION_FAILED, OperationState.CANCELED: Code.OPERATION_CANCELED}
"""Ends of an operation after which the size is what the cloud says, with the outcome's word."""


def settle(view: MemberView, snapshot: Snapshot) -> Standing:
    """Judge one member. Nodes that a person accepted are found like those of a node pool taken over."""
    known = snapshot.record.member(view.spec.name)
    record = with_word(known, snapshot.spec.drift, snapshot.now)
    standing = _settled_member(view, record, snapshot)
    if record.accepted is None or record.accepted == known.accepted:
        return standing
    more = max(0, (record.agreed or 0) - (known.agreed or 0)) * view.spec.units_per_node
    return replace(standing, found_units=standing.found_units + more)


def _settled_member(view: MemberView, record: MemberRecord, snapshot: Snapshot) -> Standing:
    record = with_sight(record, view, snapshot.now)
    if view.spec.detect_autoscaler is not Detect.AUTO:
        record = replace(record, scaler_since=None)
    if snapshot.spec.adopts(view.spec):
        record = replace(record, adoption_floor=None)
    facts = view.sight.proved
    if view.sight.trouble is not None and view.sight.trouble.code in _ABSENT:
        record = _gone(record)
    if view.refusal is not None:
        return Standing(view=view, record=record, refusal=view.refusal)
    if view.claimed_by_other is not None:
        return Standing(view=view, record=record, refusal=view.claimed_by_other)
    if facts is None:
        return _standing(view, record, snapshot, waiting=_why_waiting(record.intent, snapshot))
    sizes = replace(record, requested=facts.requested, nodes=facts.nodes, ready=facts.ready)
    return _seen(view, sizes, facts, snapshot)


def _seen(view: MemberView, record: MemberRecord, facts: NodePool, snapshot: Snapshot) -> Standing:
    """Judge a member whose node pool was seen at least once."""
    refusal = _refusal(view, facts) or foreign_scaler(record)
    if facts.activity is Activity.LEAVING:
        record = _gone(record)
    if not view.fresh or facts.activity is Activity.LEAVING:
        waiting = _why_waiting(record.intent, snapshot)
        return _standing(view, record, snapshot, refusal=refusal, waiting=waiting)
    if _is_another(record.claim, facts):
        found = facts.requested * view.spec.units_per_node if record.claim is None else 0
        taken = _taken_over(view, record, facts, snapshot)
        return Standing(view=view, record=taken, refusal=refusal, found_units=found)
    verdict: _Verdict | None = None
    if (intent := record.intent) is not None:
        verdict = _judge(record, intent, view, facts, snapshot)
        if verdict is None:
            record = with_delivery(record, facts, snapshot)
            waiting = _why_waiting(intent, snapshot)
            return _standing(view, record, snapshot, refusal=refusal, waiting=waiting)
        record = _settled(record, intent, verdict, snapshot)
    late = _arrived_late(record, facts, snapshot)
    by_others = late.last_resize is record.last_resize and (verdict is None or verdict.outcome.code is Code.SUPERSEDED)
    record = with_foreign(late, facts, snapshot)
    if facts.activity is not Activity.BUSY and (record.foreign_since is None or _is_pressing(record, facts, snapshot)):
        left_alone = refusal not in {None, foreign_scaler(record)} or view.spec.state is MemberState.FROZEN
        if by_others and not left_alone:
            record = with_move(record, view, facts, snapshot)
            refusal = foreign_scaler(record)
        if left_alone or refusal is not None:
            record = following(record, facts)
        else:
            record = with_drift(record, view, facts, snapshot)
    return _standing(view, with_delivery(record, facts, snapshot), snapshot, refusal=refusal)


def _is_pressing(record: MemberRecord, facts: NodePool, snapshot: Snapshot) -> bool:
    """True when what an operation took away cannot wait to be judged: it is missing to minReplicas."""
    return record.agreed is not None and facts.requested < record.agreed and snapshot.below_minimum


def _standing(
    view: MemberView,
    record: MemberRecord,
    snapshot: Snapshot,
    *,
    refusal: Reason | None = None,
    waiting: Reason | None = None,
) -> Standing:
    failover, now = snapshot.spec.failover, snapshot.now
    return Standing(
        view=view,
        record=record,
        refusal=refusal,
        waiting=waiting,
        missing=record.is_missing(now),
        replaced=is_replaced(record, failover, now),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """How an intent ended, and the size agreed on after it."""

    outcome: Reason
    agreed: int | None
    failed: bool = False
    given_up: bool = False


def _refusal(view: MemberView, facts: NodePool) -> Reason | None:
    spec = view.spec
    if facts.activity is Activity.LEAVING:
        return Reason(code=Code.NODE_POOL_LEAVING, text="the node pool is being deleted in its cloud")
    if facts.obstacle is not None:
        return facts.obstacle
    if facts.capacity_type not in {None, spec.capacity_type}:
        text = f"capacityType is {spec.capacity_type}, but the cloud says that the machines are {facts.capacity_type}"
        return Reason(code=Code.CAPACITY_TYPE_MISMATCH, text=text)
    if (autoscaler := _autoscaler(view, facts)) is not None:
        return Reason(code=Code.AUTOSCALER_ON, text=f"{autoscaler} sizes this node pool; switch one of the two off")
    bounds = bounds_of(spec, facts)
    if bounds.last < bounds.first:
        text = (
            f"no size between {bounds.low} and {bounds.high} nodes is a multiple of {bounds.step}; "
            "widen minNodes and maxNodes, or the cloud's own range (cloudRange: Widen does so)"
        )
        return Reason(code=Code.NO_LEGAL_SIZE, text=text)
    return None


def _autoscaler(view: MemberView, facts: NodePool) -> str | None:
    """Whose autoscaler sizes the node pool. What the cloud tells is a fact, whatever the user says."""
    if facts.autoscaling:
        return "the cloud's own autoscaler"
    match view.spec.detect_autoscaler:
        case Detect.ON:
            return "by providerAutoscaling.detect an autoscaler"
        case Detect.AUTO if view.inside.autoscaled & set(facts.groups):
            return "a Cluster Autoscaler in its cluster"
        case _:
            return None


def _is_another(claim: Claim | None, facts: NodePool) -> bool:
    return claim is None or claim.incarnation != facts.incarnation or claim.key != facts.claim


_ABSENT = frozenset({Code.NODE_POOL_NOT_FOUND, Code.NOT_FOUND})
"""Troubles by which a cloud says that the node pool, or its cluster, is not there."""


def _gone(record: MemberRecord) -> MemberRecord:
    """Remember that the node pool went: a cloud that gives its pools no id of their own tells it no other way."""
    if record.claim is None:
        return record
    return replace(record, claim=replace(record.claim, incarnation=GONE))


def _taken_over(view: MemberView, record: MemberRecord, facts: NodePool, snapshot: Snapshot) -> MemberRecord:
    last = record.last_resize
    if record.intent is not None:
        text = "another node pool stands in the place of the one that was asked"
        last = _last(record.intent, Reason(code=Code.SUPERSEDED, text=text), snapshot)
    return MemberRecord(
        name=record.name,
        claim=Claim(key=facts.claim, incarnation=facts.incarnation, since=snapshot.now),
        # While an operation runs the size may show late: the one that it leaves is the one found.
        agreed=None if facts.activity is Activity.BUSY else facts.requested,
        adoption_floor=None if snapshot.spec.adopts(view.spec) else facts.requested,
        requested=facts.requested,
        nodes=facts.nodes,
        ready=facts.ready,
        last_resize=last,
    )


def _judge(
    record: MemberRecord, intent: Intent, view: MemberView, facts: NodePool, snapshot: Snapshot
) -> _Verdict | None:
    """How the intent ended, None while it cannot be told. The facts are fresh."""
    held = Standing(view=view, record=record).held
    operation = view.operation
    if operation is not None and operation.state in _UNHAPPY:
        outcome = Reason(
            code=_UNHAPPY[operation.state],
            text=operation.words or f"the cloud says of the resize: {operation.state}",
        )
        return _Verdict(outcome=outcome, agreed=max(0, facts.requested - held), failed=True)
    if facts.activity is Activity.BUSY or (operation is not None and operation.state in _RUNNING):
        return None
    # What is held on top is a part of the size; what others took away and nobody asks for is missing from it.
    agreed = max(0, min(intent.target - held, facts.requested - min(0, held)))
    if facts.requested == intent.target:
        outcome = Reason(code=Code.DELIVERED, text="the cloud took the size that was asked for")
        return _Verdict(outcome=outcome, agreed=agreed)
    untouched = facts.requested == intent.origin
    if _may_still_come(intent, view, snapshot, untouched=untouched):
        return None
    return _undelivered(record, operation, agreed, untouched=untouched)


def _undelivered(record: MemberRecord, operation: Operation | None, agreed: int, *, untouched: bool) -> _Verdict:
    """How an intent ended that did not bring its size, though the cloud does not say that it failed."""
    if operation is None and untouched:
        outcome = Reason(code=Code.NOT_EXECUTED, text="the request never took effect")
        return _Verdict(outcome=outcome, agreed=record.agreed, given_up=True)
    if operation is not None and operation.state is OperationState.LOST and untouched:
        outcome = Reason(code=Code.OPERATION_FORGOTTEN, text="the cloud forgot the resize, the size is as before")
        return _Verdict(outcome=outcome, agreed=record.agreed, given_up=True)
    outcome = Reason(code=Code.SUPERSEDED, text="somebody else set another size meanwhile")
    return _Verdict(outcome=outcome, agreed=agreed, given_up=operation is None)


def _may_still_come(intent: Intent, view: MemberView, snapshot: Snapshot, *, untouched: bool) -> bool:
    """True while the asked size may yet show, though the cloud runs nothing for us now."""
    if view.operation is None:
        # The answer was lost: until the window closes the request may still arrive.
        closes = intent.started_at + timedelta(seconds=snapshot.write_window_s)
        return snapshot.now < closes or view.sight.read_at is None or view.sight.read_at < closes
    # Some clouds show the new size late.
    return view.operation.state is OperationState.DONE and untouched and snapshot.now < intent.deadline


def _settled(record: MemberRecord, intent: Intent, verdict: _Verdict, snapshot: Snapshot) -> MemberRecord:
    # A repair that the cloud took is one more failure until it shows: else it would be asked for at every pass.
    repair = record.is_missing(snapshot.now) and intent.target >= intent.origin
    if verdict.failed or repair:
        record = failed(record, snapshot.spec.failover, snapshot.now)
    return replace(
        record,
        agreed=verdict.agreed,
        intent=None,
        last_resize=_last(intent, verdict.outcome, snapshot),
        given_up=intent if verdict.given_up and not _shows(record.given_up, record) else record.given_up,
    )


def _arrived_late(record: MemberRecord, facts: NodePool, snapshot: Snapshot) -> MemberRecord:
    """Take a size for ours that shows after we gave it up: no lease and no deadline recalls a request on its way."""
    late = record.given_up
    if late is not None and late.started_at + LATE_AT_MOST <= snapshot.now:
        return replace(record, given_up=None)
    if late is None or not _shows(late, record) or facts.requested == record.agreed:
        return record
    outcome = Reason(code=Code.ARRIVED_LATE, text="the size that had been given up shows after all")
    return replace(
        record,
        agreed=facts.requested,
        held_since=None,
        last_resize=_last(late, outcome, snapshot),
        given_up=None,
    )


def _shows(late: Intent | None, record: MemberRecord) -> bool:
    return late is not None and record.requested == late.target


def _last(intent: Intent, outcome: Reason, snapshot: Snapshot) -> LastResize:
    return LastResize(id=intent.id, origin=intent.origin, target=intent.target, at=snapshot.now, outcome=outcome)


def _why_waiting(intent: Intent | None, snapshot: Snapshot) -> Reason | None:
    if intent is None:
        return None
    if snapshot.now >= intent.deadline:
        text = "the resize takes longer than the operator allows for; look at the operation in the cloud's console"
        return Reason(code=Code.OPERATION_LATE, text=text)
    return Reason(code=Code.OPERATION_RUNNING, text="a resize is on its way")
