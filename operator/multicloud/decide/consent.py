"""What a person consented to. Plans are published, approved, carried out and ended here; `decision` obeys the result.

A published plan stands for an hour, or until it is carried out, no longer fits what is there, or too little is ready.
What counts as approval is the annotation of this very moment, compared with a hash that is worked out anew in every
pass: what status says of approvals is for people. Carrying out is the intersection of what was approved and what would
be decided today: less may be done, never more, nor elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from multicloud.decide.asking import Asks
from multicloud.decide.removals import unsafe
from multicloud.decide.standing import Standing
from multicloud.model.approval import OUTCOMES, REMEMBERED, Approval, Change, EndedPlan, PublishedPlan
from multicloud.model.plan import Snapshot
from multicloud.model.reason import Code, Reason
from multicloud.model.record import DecidedBy
from multicloud.model.spec import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """The plan that stands, whether it is approved now, what came of the newest approval, and plans that ended."""

    plan: PublishedPlan | None
    approved: bool
    approval: Approval | None
    ended: tuple[EndedPlan, ...]


def consent(
    snapshot: Snapshot, proposed: Sequence[Change], standings: Sequence[Standing], decided_by: DecidedBy
) -> Consent:
    """Judge the standing plan, publish another one where something of `proposed` needs it, judge the annotation."""
    plan, ended = snapshot.record.plan, snapshot.record.ended_plans
    if plan is not None:
        outcome = _end(plan, snapshot, standings, decided_by, approved=_names(snapshot, plan))
        if outcome is not None:
            ended = (EndedPlan(hash=plan.hash(snapshot.uid), outcome=outcome), *ended)[:REMEMBERED]
            plan = None
    if plan is None and _asks_first(snapshot.spec.mode, proposed) and not _too_unsafe(proposed, standings):
        plan = PublishedPlan(published_at=snapshot.now, changes=tuple(proposed))
    approval = _judged(snapshot, plan, ended)
    approved = plan is not None and _names(snapshot, plan)
    return Consent(plan=plan, approved=approved, approval=approval, ended=ended)


def floored(standings: Sequence[Standing]) -> Sequence[Standing]:
    """The members with the sizes they have as floors: what may be decided while nothing may go."""
    return [
        one
        if one.record.requested is None
        else replace(
            one, record=replace(one.record, adoption_floor=max(one.record.requested, one.record.adoption_floor or 0))
        )
        for one in standings
    ]


def permitted(
    standings: Sequence[Standing], targets: Mapping[str, int | None], grown: Mapping[str, int | None], given: Consent
) -> dict[str, int | None]:
    """The targets as far as they are approved, or need no approval: `grown` are those that remove nothing."""
    return {one.name: _permitted(one, targets[one.name], grown[one.name], given) for one in standings}


def _permitted(standing: Standing, target: int | None, grown: int | None, given: Consent) -> int | None:
    requested = standing.record.requested
    if target is None or requested is None:
        return requested
    free = max(requested, grown if grown is not None else requested)
    change = given.plan.change(standing.name) if given.plan is not None and given.approved else None
    if change is None:
        return free
    if change.removes:
        return min(requested, max(change.to, target)) if target < requested else free
    return max(free, min(change.to, target)) if target > requested else free


def within(asked: Asks, standings: Sequence[Standing], snapshot: Snapshot, given: Consent) -> Asks:
    """The asks that consent covers, whatever the gates would let through: the last look before anything goes out."""
    if snapshot.spec.mode is Mode.APPLY:
        return asked
    requested = {one.name: one.record.requested for one in standings}
    kept = {name: size for name, size in asked.sizes.items() if _covered(name, size, requested[name], snapshot, given)}
    return Asks(sizes=kept, waits=asked.waits)


def awaits(
    targets: Mapping[str, int | None], allowed: Mapping[str, int | None], snapshot: Snapshot, given: Consent
) -> Reason | None:
    """Why something waits for an approval, None if nothing does: in the words of what became of the newest one."""
    if given.plan is None or all(targets[name] == allowed[name] for name in targets):
        return None
    said = given.plan.hash(snapshot.uid)
    ask = f"plan {said} waits for approval: `multicloud approve {snapshot.key.name} {said}`"
    refused = given.approval.outcome if given.approval is not None and snapshot.spec.approve is not None else None
    if given.approved:
        return Reason(code=Code.APPROVAL_REQUIRED, text=f"more than plan {said} is wished for by now")
    if refused is None:
        return Reason(code=Code.APPROVAL_REQUIRED, text=ask)
    return Reason(code=refused, text=f"{OUTCOMES[refused]}; {ask}")


def _covered(name: str, size: int, requested: int | None, snapshot: Snapshot, given: Consent) -> bool:
    if requested is None:
        return False
    if snapshot.spec.mode is Mode.APPROVE_SHRINK and size >= requested:
        return True
    change = given.plan.change(name) if given.plan is not None and given.approved else None
    return change is not None and change.holds(size)


def _asks_first(mode: Mode, proposed: Sequence[Change]) -> bool:
    match mode:
        case Mode.APPLY:
            return False
        case Mode.APPROVE_SHRINK:
            return any(change.removes for change in proposed)
        case Mode.PLAN:
            return bool(proposed)


def _too_unsafe(changes: Sequence[Change], standings: Sequence[Standing]) -> bool:
    return any(change.removes for change in changes) and unsafe(standings) is not None


def _names(snapshot: Snapshot, plan: PublishedPlan) -> bool:
    return snapshot.spec.approve is not None and snapshot.spec.approve.hash == plan.hash(snapshot.uid)


def _end(
    plan: PublishedPlan, snapshot: Snapshot, standings: Sequence[Standing], decided_by: DecidedBy, *, approved: bool
) -> Code | None:
    """Why the plan no longer stands, None while it does."""
    if snapshot.now >= plan.expires_at:
        return Code.PLAN_EXPIRED
    requested = {one.name: one.record.requested for one in standings}
    if all(change.member in requested and requested[change.member] == change.to for change in plan.changes):
        return Code.PLAN_EXECUTED if approved else Code.PLAN_CHANGED
    if _is_outdated(plan, snapshot, decided_by) or any(
        change.member not in requested or not _on_the_way(change, requested[change.member]) for change in plan.changes
    ):
        return Code.PLAN_CHANGED
    # While it is carried out, nodes that boot are not ready either: then the gates hold its removals, and it stands.
    return Code.PLAN_UNSAFE if not approved and _too_unsafe(plan.changes, standings) else None


def _is_outdated(plan: PublishedPlan, snapshot: Snapshot, decided_by: DecidedBy) -> bool:
    """True when a person, or somebody else than before, wishes for something else by now."""
    before = snapshot.record.decided_by
    edited = snapshot.generation != snapshot.record.observed_generation or snapshot.spec.mode is Mode.APPLY
    another = before is not None and (before.kind, before.name) != (decided_by.kind, decided_by.name)
    # One from the future was not published by us.
    return edited or another or plan.published_at > snapshot.now


def _on_the_way(change: Change, requested: int | None) -> bool:
    return requested is None or change.holds(requested)


def _judged(snapshot: Snapshot, plan: PublishedPlan | None, ended: Sequence[EndedPlan]) -> Approval | None:
    """What came of the annotation; without one, of the last."""
    asked, known = snapshot.spec.approve, snapshot.record.approval
    if asked is None:
        taken_back = plan is not None and known is not None and known.hash == plan.hash(snapshot.uid)
        if known is None or known.outcome is not Code.APPROVED:
            return known
        return replace(known, outcome=Code.APPROVAL_REQUIRED if taken_back else _outcome(known.hash, plan, ended))
    outcome = Code.APPROVED if plan is not None and _names(snapshot, plan) else _outcome(asked.hash, plan, ended)
    if known is not None and known.hash == asked.hash:
        return replace(known, outcome=outcome)
    return Approval(hash=asked.hash, manager=asked.manager, at=snapshot.now, outcome=outcome)


def _outcome(given: str, plan: PublishedPlan | None, ended: Sequence[EndedPlan]) -> Code:
    past = next((one.outcome for one in ended if one.hash == given), None)
    if past is None:
        return Code.APPROVAL_UNKNOWN
    return Code.APPROVAL_USED if past is Code.PLAN_EXECUTED and plan is not None else past
