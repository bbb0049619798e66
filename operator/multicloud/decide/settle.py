"""What became of a member since the last pass: its intent, who owns it, what others did to its size.

Takes a MemberView with the member's record, gives a Standing. Facts count only while they are fresh; whatever cannot
be judged yet waits, with a reason.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from multicloud.decide.place.sizes import bounds_of
from multicloud.decide.standing import Standing
from multicloud.model.plan import MemberView, Snapshot
from multicloud.model.reason import Code, Reason
from multicloud.model.record import Claim, Intent, LastResize, MemberRecord, backoff_s
from multicloud.model.size import Activity, NodePool, OperationState
from multicloud.model.spec import Detect, MemberState

_RUNNING = frozenset({OperationState.REQUESTED, OperationState.RUNNING})


def settle(view: MemberView, snapshot: Snapshot) -> Standing:
    """Judge one member."""
    record = snapshot.record.member(view.spec.name)
    if snapshot.spec.adopts(record.name):
        record = replace(record, adoption_floor=None)
    facts = view.sight.proved
    if view.refusal is not None:
        return Standing(view=view, record=record, refusal=view.refusal)
    if view.claimed_by_other is not None:
        return Standing(view=view, record=record, refusal=view.claimed_by_other)
    if facts is None:
        return Standing(view=view, record=record, waiting=_why_waiting(record.intent, snapshot))
    sizes = replace(record, requested=facts.requested, nodes=facts.nodes, ready=facts.ready)
    return _seen(view, sizes, facts, snapshot)


def _seen(view: MemberView, record: MemberRecord, facts: NodePool, snapshot: Snapshot) -> Standing:
    """Judge a member whose node pool was seen at least once."""
    refusal = _refusal(view, facts)
    if not view.fresh or facts.activity is Activity.LEAVING:
        return Standing(view=view, record=record, refusal=refusal, waiting=_why_waiting(record.intent, snapshot))
    if _is_another(record.claim, facts):
        found = facts.requested * view.spec.units_per_node if record.claim is None else 0
        taken = _taken_over(record, facts, snapshot)
        return Standing(view=view, record=taken, refusal=refusal, found_units=found)
    if record.intent is not None:
        verdict = _judge(record, record.intent, view, facts, snapshot)
        if verdict is None:
            waiting = _why_waiting(record.intent, snapshot)
            return Standing(view=view, record=record, refusal=refusal, waiting=waiting)
        record = _settled(record, record.intent, verdict, snapshot)
    if facts.activity is not Activity.BUSY:
        ours = refusal is None and view.spec.state is MemberState.ACTIVE
        record = _drifted(record, facts, snapshot) if ours else _following(record, facts)
    return Standing(view=view, record=record, refusal=refusal)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """How an intent ended, and the size agreed on after it."""

    outcome: Reason
    agreed: int | None
    failed: bool = False


def _refusal(view: MemberView, facts: NodePool) -> Reason | None:
    spec = view.spec
    if facts.activity is Activity.LEAVING:
        return Reason(code=Code.NODE_POOL_LEAVING, text="the node pool is being deleted in its cloud")
    if (autoscaler := _autoscaler(view, facts)) is not None:
        return Reason(code=Code.AUTOSCALER_ON, text=f"{autoscaler} sizes this node pool; switch one of the two off")
    bounds = bounds_of(spec, facts)
    if bounds.last < bounds.first:
        text = (
            f"no size between {bounds.low} and {bounds.high} nodes is a multiple of {bounds.step}; "
            "widen minNodes and maxNodes, or the cloud's own range"
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


def _taken_over(record: MemberRecord, facts: NodePool, snapshot: Snapshot) -> MemberRecord:
    last = record.last_resize
    if record.intent is not None:
        text = "another node pool stands in the place of the one that was asked"
        last = _last(record.intent, Reason(code=Code.SUPERSEDED, text=text), snapshot)
    return MemberRecord(
        name=record.name,
        claim=Claim(key=facts.claim, incarnation=facts.incarnation, since=snapshot.now),
        agreed=facts.requested,
        adoption_floor=None if snapshot.spec.adopts(record.name) else facts.requested,
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
    if operation is not None and operation.state is OperationState.FAILED:
        outcome = Reason(code=Code.OPERATION_FAILED, text=operation.words or "the cloud says that the resize failed")
        return _Verdict(outcome=outcome, agreed=max(0, facts.requested - held), failed=True)
    if facts.activity is Activity.BUSY or (operation is not None and operation.state in _RUNNING):
        return None
    agreed = max(0, min(intent.target - held, facts.requested))
    if facts.requested == intent.target:
        outcome = Reason(code=Code.DELIVERED, text="the cloud took the size that was asked for")
        return _Verdict(outcome=outcome, agreed=agreed)
    untouched = facts.requested == intent.origin
    if _may_still_come(intent, view, snapshot, untouched=untouched):
        return None
    if operation is None and untouched:
        outcome = Reason(code=Code.NOT_EXECUTED, text="the request never took effect")
        return _Verdict(outcome=outcome, agreed=record.agreed)
    outcome = Reason(code=Code.SUPERSEDED, text="somebody else set another size meanwhile")
    return _Verdict(outcome=outcome, agreed=agreed)


def _may_still_come(intent: Intent, view: MemberView, snapshot: Snapshot, *, untouched: bool) -> bool:
    """True while the asked size may yet show, though the cloud runs nothing for us now."""
    if view.operation is None:
        # The answer was lost: until the window closes the request may still arrive.
        closes = intent.started_at + timedelta(seconds=snapshot.write_window_s)
        return snapshot.now < closes or view.sight.read_at is None or view.sight.read_at < closes
    # Some clouds show the new size late.
    return view.operation.state is OperationState.DONE and untouched and snapshot.now < intent.deadline


def _settled(record: MemberRecord, intent: Intent, verdict: _Verdict, snapshot: Snapshot) -> MemberRecord:
    attempts, backoff_until = record.attempts, record.backoff_until
    if verdict.failed:
        attempts += 1
        backoff_until = snapshot.now + timedelta(seconds=backoff_s(attempts))
    elif verdict.outcome.code is Code.DELIVERED:
        attempts, backoff_until = 0, None
    return replace(
        record,
        agreed=verdict.agreed,
        attempts=attempts,
        backoff_until=backoff_until,
        intent=None,
        last_resize=_last(intent, verdict.outcome, snapshot),
    )


def _last(intent: Intent, outcome: Reason, snapshot: Snapshot) -> LastResize:
    return LastResize(id=intent.id, origin=intent.origin, target=intent.target, at=snapshot.now, outcome=outcome)


def _drifted(record: MemberRecord, facts: NodePool, snapshot: Snapshot) -> MemberRecord:
    """Hold what others added for a while; take what others removed at once (placing may grow it again)."""
    agreed = facts.requested if record.agreed is None else record.agreed
    if facts.requested <= agreed:
        return _following(record, facts)
    since = record.held_since or snapshot.now
    if snapshot.now >= since + timedelta(seconds=snapshot.spec.hold_s):
        return _following(record, facts)
    return replace(record, agreed=agreed, held_since=since)


def _following(record: MemberRecord, facts: NodePool) -> MemberRecord:
    """Take the size as it is. The adoption floor follows decreases, never increases."""
    floor = record.adoption_floor
    return replace(
        record,
        agreed=facts.requested,
        held_since=None,
        adoption_floor=None if floor is None else min(floor, facts.requested),
    )


def _why_waiting(intent: Intent | None, snapshot: Snapshot) -> Reason | None:
    if intent is None:
        return None
    if snapshot.now >= intent.deadline:
        text = "the resize takes longer than the operator allows for; look at the operation in the cloud's console"
        return Reason(code=Code.OPERATION_LATE, text=text)
    return Reason(code=Code.OPERATION_RUNNING, text="a resize is on its way")
