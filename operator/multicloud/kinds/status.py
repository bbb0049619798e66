"""Renders what was decided and remembered as the status of our kinds. `report` writes it, `remembered` reads it back.

`pool_record(render_pool(…))` gives the record again, apart from wishes that were left: of those only the highest
survives, as the desired number above the wish.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from multicloud.kinds.reported import (
    CloudAccountStatus,
    MultiCloudPoolStatus,
    Reported,
    ReportedAcceptance,
    ReportedApproval,
    ReportedBinding,
    ReportedChange,
    ReportedClaim,
    ReportedCondition,
    ReportedDecider,
    ReportedEndedPlan,
    ReportedFloor,
    ReportedIntent,
    ReportedMember,
    ReportedOperation,
    ReportedOverride,
    ReportedPlan,
    ReportedRelaxed,
    ReportedRelease,
    ReportedRemoval,
    ReportedResize,
    ReportedSaving,
    ReportedStep,
)
from multicloud.model.approval import Approval, Change, PublishedPlan
from multicloud.model.override import SeenOverride
from multicloud.model.plan import MemberPlan, Placing, Plan
from multicloud.model.reason import Reason
from multicloud.model.record import (
    AccountRecord,
    Condition,
    DecidedBy,
    Intent,
    KeptFloor,
    LastResize,
    MemberRecord,
    PoolRecord,
    Removal,
    Saving,
)
from multicloud.model.ref import GROUP
from multicloud.model.size import NodePool
from multicloud.model.spec import MemberSpec, PoolObject

_REFUSED = "Refused"
_NEVER_NULL = {"replicas", "limitedBy", "identity", "externalId"}
"""Absent when unknown: the scale subresource breaks on null, a column of text would read `<no value>`."""

_NO_POOLS: Mapping[str, NodePool] = {}


def render_account(
    generation: int, record: AccountRecord, conditions: Sequence[Condition], *, external_id: str | None = None
) -> dict[str, Any]:
    """The whole status of a CloudAccount, as JSON values."""
    return _dump(
        CloudAccountStatus(
            observed_generation=generation,
            identity=record.identity,
            external_id=external_id,
            conditions=tuple(map(rendered_condition, conditions)),
        )
    )


def render_pool(
    pool: PoolObject,
    plan: Plan | None,
    record: PoolRecord,
    conditions: Sequence[Condition],
    proved: Mapping[str, NodePool] = _NO_POOLS,
) -> dict[str, Any]:
    """The whole status of a MultiCloudPool, as JSON values.

    `record` is what must survive a restart, intents about to be sent included. `plan` is None when nothing could be
    decided: a spec that was not understood, or nothing observed yet. `proved` holds the newest good read by member.
    """
    status = MultiCloudPoolStatus(
        observed_generation=pool.generation,
        replicas=plan.ready if plan else None,
        selector=f"{GROUP}/pool={pool.key.name}",
        requested_replicas=record.requested,
        desired_replicas=record.desired,
        floor_replicas=record.on_top or None,
        standing_in_replicas=record.standing_in or None,
        limited_by=plan.limited_by.code if plan and plan.limited_by else None,
        desired_by=_decider(record.decided_by),
        override=_override(record.override),
        members=tuple(_members(pool, plan, record, proved)),
        released_members=tuple(
            ReportedRelease(name=one.name, node_pool=one.node_pool, nodes=one.nodes, at=one.at)
            for one in record.released
        ),
        saving=_saving(record.saving),
        plan=_plan(pool.uid, plan, record),
        approval=_approval(record.approval),
        conditions=tuple(map(rendered_condition, conditions)),
    )
    return _dump(status)


def _members(
    pool: PoolObject, plan: Plan | None, record: PoolRecord, proved: Mapping[str, NodePool]
) -> Iterator[ReportedMember]:
    if pool.spec is None:
        # What we remember outlives a spec that this version does not understand.
        yield from (_member(None, None, kept, None) for kept in record.members)
        return
    plans = {member.name: member for member in plan.members} if plan else {}
    for spec in pool.spec.members:
        yield _member(spec, plans.get(spec.name), record.member(spec.name), proved.get(spec.name))


def _member(
    spec: MemberSpec | None, plan: MemberPlan | None, record: MemberRecord, proved: NodePool | None
) -> ReportedMember:
    told = _told(plan)
    return ReportedMember(
        name=record.name,
        cloud=spec.cloud if spec else None,
        cluster=spec.node_pool.cluster.name if spec else None,
        node_pool=spec.node_pool.name if spec else None,
        state=_state(spec, plan),
        requested_nodes=record.requested,
        nodes=record.nodes,
        ready_nodes=record.ready,
        ready_source=proved.ready_source if proved else None,
        target_nodes=plan.target if plan else None,
        step=proved.step if proved else None,
        min_nodes=plan.min_nodes if plan else None,
        max_nodes=plan.max_nodes if plan else None,
        agreed_nodes=record.agreed,
        held_since=record.held_since,
        moved_at=record.moved_at,
        corrections=record.corrections,
        accepted=_accepted(record),
        scaler_since=record.scaler_since,
        adoption_floor=record.adoption_floor,
        backoff_until=record.backoff_until,
        attempts=record.attempts,
        missing_from=record.missing_from,
        pods_floor=_pods_floor(record.pods_floor),
        unseen_since=record.unseen_since,
        foreign_since=record.foreign_since,
        foreign_until=record.foreign_until,
        claim=_claim(record),
        intent=_intent(record.intent),
        operation=_operation(record.intent),
        last_resize=_resize(record.last_resize),
        given_up=_intent(record.given_up),
        removal=_removal(record.removal),
        reason=told.code if told else None,
        message=told.text if told else None,
    )


def _told(plan: MemberPlan | None) -> Reason | None:
    """The most telling of a member's reasons: that it cannot be managed, that it cannot be read, why its size is."""
    if plan is None:
        return None
    return plan.refusal or plan.trouble or plan.reason


def _state(spec: MemberSpec | None, plan: MemberPlan | None) -> str | None:
    if plan is not None and plan.refusal is not None:
        return _REFUSED
    return spec.state if spec else None


def _plan(uid: str, plan: Plan | None, record: PoolRecord) -> ReportedPlan:
    standing = record.plan
    changes = standing.changes if standing is not None else plan.changes if plan is not None else ()
    placing = plan.placing if plan is not None else Placing()
    return ReportedPlan(
        id=standing.id if standing is not None else None,
        hash=standing.hash(uid) if standing is not None else None,
        expires_at=standing.expires_at if standing is not None else None,
        changes=_changes(changes),
        steps=tuple(ReportedStep(changes=_changes(step)) for step in plan.steps) if plan is not None else (),
        relaxed=tuple(ReportedRelaxed(name=one.name, by=one.by, would_help=one.would_help) for one in placing.relaxed),
        binding_constraints=_bindings(standing),
        hourly_cost=money(placing.hourly_cost),
        hourly_cost_now=money(placing.hourly_cost_now),
        ended=tuple(ReportedEndedPlan(hash=one.hash, outcome=one.outcome) for one in record.ended_plans),
    )


def _bindings(standing: PublishedPlan | None) -> tuple[ReportedBinding, ...] | None:
    if standing is None or standing.bindings is None:
        return None
    return tuple(ReportedBinding(name=one.name, costs_per_hour=money(one.costs_per_hour)) for one in standing.bindings)


def _changes(changes: Sequence[Change]) -> tuple[ReportedChange, ...]:
    return tuple(
        ReportedChange(member=one.member, origin=one.origin, to=one.to, reason=one.reason.code) for one in changes
    )


def _approval(approval: Approval | None) -> ReportedApproval | None:
    if approval is None:
        return None
    return ReportedApproval(hash=approval.hash, manager=approval.manager, at=approval.at, outcome=approval.outcome)


def money(amount: Decimal | None) -> str | None:
    """An amount as status and `multicloud plan` write it: digits alone, no exponent. None is unknown."""
    return None if amount is None else format(amount, "f")


def _claim(record: MemberRecord) -> ReportedClaim | None:
    claim = record.claim
    return ReportedClaim(key=claim.key, incarnation=claim.incarnation, since=claim.since) if claim else None


def _accepted(record: MemberRecord) -> ReportedAcceptance | None:
    accepted = record.accepted
    return ReportedAcceptance(replicas=accepted.units, at=accepted.at) if accepted else None


def _intent(intent: Intent | None) -> ReportedIntent | None:
    if intent is None:
        return None
    return ReportedIntent(
        id=intent.id,
        target=intent.target,
        origin=intent.origin,
        started_at=intent.started_at,
        deadline=intent.deadline,
    )


def _operation(intent: Intent | None) -> ReportedOperation | None:
    return ReportedOperation(id=intent.operation) if intent and intent.operation else None


def _resize(resize: LastResize | None) -> ReportedResize | None:
    if resize is None:
        return None
    return ReportedResize(
        id=resize.id,
        origin=resize.origin,
        target=resize.target,
        at=resize.at,
        outcome=resize.outcome.code,
        message=resize.outcome.text,
    )


def _removal(removal: Removal | None) -> ReportedRemoval | None:
    return ReportedRemoval(unscheduled_pods=removal.unscheduled, ended_at=removal.ended_at) if removal else None


def _pods_floor(kept: KeptFloor | None) -> ReportedFloor | None:
    return ReportedFloor(nodes=kept.nodes, left_at=kept.left_at) if kept else None


def _decider(decided_by: DecidedBy | None) -> ReportedDecider | None:
    if decided_by is None:
        return None
    return ReportedDecider(kind=decided_by.kind, name=decided_by.name, reason=decided_by.reason, since=decided_by.since)


def _override(seen: SeenOverride | None) -> ReportedOverride | None:
    if seen is None:
        return None
    override = seen.override
    return ReportedOverride(
        min_replicas=override.min_replicas,
        max_replicas=override.max_replicas,
        until=override.until,
        reason=override.reason,
        since=seen.since,
    )


def _saving(saving: Saving | None) -> ReportedSaving | None:
    if saving is None:
        return None
    return ReportedSaving(since=saving.since, moving=saving.moving, prices=saving.prices)


def rendered_condition(condition: Condition) -> ReportedCondition:
    """A condition as status has it."""
    status = "Unknown" if condition.status is None else str(condition.status)
    return ReportedCondition(
        type=condition.type,
        status=status,
        reason=condition.reason,
        message=condition.message,
        observed_generation=condition.observed_generation,
        last_transition_time=condition.since,
    )


def _dump(status: Reported) -> dict[str, Any]:
    rendered = status.model_dump(mode="json", by_alias=True)
    return {field: value for field, value in rendered.items() if value is not None or field not in _NEVER_NULL}
