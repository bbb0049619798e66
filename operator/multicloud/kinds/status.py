"""Renders what was decided and remembered as the status of our kinds. `report` writes it, `remembered` reads it back.

`pool_record(render_pool(…))` gives the record again, apart from wishes that were left: of those only the highest
survives, as the desired number above the wish.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from multicloud.kinds.reported import (
    CloudAccountStatus,
    MultiCloudPoolStatus,
    Reported,
    ReportedChange,
    ReportedClaim,
    ReportedCondition,
    ReportedDecider,
    ReportedIntent,
    ReportedMember,
    ReportedOperation,
    ReportedOverride,
    ReportedPlan,
    ReportedRelease,
    ReportedResize,
)
from multicloud.model.override import SeenOverride
from multicloud.model.plan import MemberPlan, Plan
from multicloud.model.reason import Code, Reason
from multicloud.model.record import AccountRecord, Condition, DecidedBy, Intent, LastResize, MemberRecord, PoolRecord
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
            conditions=tuple(map(_condition, conditions)),
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
        limited_by=plan.limited_by.code if plan and plan.limited_by else None,
        desired_by=_decider(record.decided_by),
        override=_override(record.override),
        members=tuple(_members(pool, plan, record, proved)),
        released_members=tuple(
            ReportedRelease(name=one.name, node_pool=one.node_pool, nodes=one.nodes, at=one.at)
            for one in record.released
        ),
        plan=ReportedPlan(changes=tuple(_changes(plan, record))),
        conditions=tuple(map(_condition, conditions)),
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
        adoption_floor=record.adoption_floor,
        backoff_until=record.backoff_until,
        attempts=record.attempts,
        missing_from=record.missing_from,
        unseen_since=record.unseen_since,
        foreign_since=record.foreign_since,
        foreign_until=record.foreign_until,
        claim=_claim(record),
        intent=_intent(record.intent),
        operation=_operation(record.intent),
        last_resize=_resize(record.last_resize),
        given_up=_intent(record.given_up),
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


def _changes(plan: Plan | None, record: PoolRecord) -> Iterator[ReportedChange]:
    if plan is None:
        return
    withheld = plan.blocked is not None and plan.blocked.code is Code.PLAN_ONLY
    for member in plan.members:
        present = record.member(member.name).requested
        to = member.target if withheld and member.refusal is None and member.target != present else member.ask
        if to is not None:
            yield ReportedChange(member=member.name, origin=present, to=to, reason=member.reason.code)


def _claim(record: MemberRecord) -> ReportedClaim | None:
    claim = record.claim
    return ReportedClaim(key=claim.key, incarnation=claim.incarnation, since=claim.since) if claim else None


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


def _condition(condition: Condition) -> ReportedCondition:
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
