"""Reads status back into what we remember, field by field: whatever cannot be read is unknown, nothing raises.

The API server gives what an earlier pass wrote, or what another version of the operator or a person left. Losing one
field must not lose the others: a forgotten intent or claim is found again by looking at the cloud, at worst later.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from multicloud.model.approval import REMEMBERED, Approval, Binding, Change, EndedPlan, PublishedPlan
from multicloud.model.override import Override, SeenOverride
from multicloud.model.pods import Floor
from multicloud.model.policy import PolicyHistory, Span
from multicloud.model.reason import Code, Reason
from multicloud.model.record import (
    Accepted,
    AccountRecord,
    Claim,
    Condition,
    DecidedBy,
    Intent,
    KeptFloor,
    LastResize,
    MemberRecord,
    PastWish,
    PolicyRecord,
    PoolRecord,
    Released,
    Removal,
    Saving,
)
from multicloud.model.spec import PoolSpec

_NOTHING: Mapping[str, Any] = {}
_CONDITION_STATUS = {"True": True, "False": False, "Unknown": None}


def account_record(status: object) -> AccountRecord:
    """What the status of a CloudAccount remembers."""
    block = _block(status)
    return AccountRecord(
        observed_generation=_count(block.get("observedGeneration")) or 0,
        identity=_text(block.get("identity")),
        conditions=tuple(_conditions(block.get("conditions"))),
    )


def pool_record(status: object, spec: PoolSpec | None) -> PoolRecord:
    """What the status of a MultiCloudPool remembers.

    `spec` (None: not understood) tells which wish the desired number came from: a desired number above the clamped
    wish is one that was left when the present one came, so it goes on binding for scaleDownDelaySeconds.
    """
    block = _block(status)
    requested = _count(block.get("requestedReplicas"))
    desired = _count(block.get("desiredReplicas"))
    decided_by = _decided_by(block.get("desiredBy"))
    return PoolRecord(
        observed_generation=_count(block.get("observedGeneration")) or 0,
        requested=requested,
        desired=desired,
        ready=_count(block.get("replicas")),
        decided_by=decided_by,
        past_wishes=_past_wishes(
            spec, requested, desired, decided_by, decider_changed=block.get("limitedBy") == Code.DECIDER_CHANGED
        ),
        override=_override(block.get("override")),
        on_top=_count(block.get("floorReplicas")) or 0,
        standing_in=_count(block.get("standingInReplicas")) or 0,
        saving=_saving(block.get("saving")),
        members=tuple(_members(block.get("members"))),
        released=tuple(_released(block.get("releasedMembers"))),
        plan=_plan(block.get("plan")),
        ended_plans=tuple(_ended_plans(_block(block.get("plan")).get("ended")))[:REMEMBERED],
        approval=_approval(block.get("approval")),
        conditions=tuple(_conditions(block.get("conditions"))),
    )


def policy_record(status: object) -> PolicyRecord:
    """What the status of a ScalingPolicy remembers."""
    block = _block(status)
    desired = _count(block.get("desiredReplicas"))
    failures = [(_text(one.get("name")), _count(one.get("failures"))) for one in _blocks(block.get("metrics"))]
    return PolicyRecord(
        observed_generation=_count(block.get("observedGeneration")) or 0,
        desired=desired,
        most=_count(block.get("maxReplicas")),
        scaled_at=_time(block.get("lastScaleTime")),
        history=PolicyHistory(
            spans=tuple(_spans(block.get("history"))),
            failures=tuple((name, count) for name, count in failures if name and count),
            desired=desired,
            floors=tuple(_floors(block.get("floors"))),
        ),
        conditions=tuple(_conditions(block.get("conditions"))),
    )


def _floors(value: object) -> Iterator[Floor]:
    for block in _blocks(value):
        member, nodes = _text(block.get("member")), _count(block.get("nodes"))
        if member and nodes:
            yield Floor(member=member, nodes=nodes)


def _spans(value: object) -> Iterator[Span]:
    for block in _blocks(value):
        start, end = _time(block.get("start")), _time(block.get("end"))
        if start is not None and end is not None:
            yield Span(
                start=start,
                end=end,
                low=_count(block.get("low")),
                high=_count(block.get("high")),
                added=_count(block.get("added")) or 0,
                removed=_count(block.get("removed")) or 0,
            )


def _past_wishes(
    spec: PoolSpec | None,
    requested: int | None,
    desired: int | None,
    decided_by: DecidedBy | None,
    *,
    decider_changed: bool,
) -> tuple[PastWish, ...]:
    if spec is None or requested is None or desired is None or decided_by is None:
        return ()
    if desired <= max(spec.min_replicas, min(spec.max_replicas, requested)):
        return ()
    return (PastWish(units=desired, left_at=decided_by.since, decider_changed=decider_changed),)


def _override(value: object) -> SeenOverride | None:
    block = _block(value)
    until, since = _time(block.get("until")), _time(block.get("since"))
    if until is None or since is None:
        return None
    override = Override(
        min_replicas=_count(block.get("minReplicas")),
        max_replicas=_count(block.get("maxReplicas")),
        until=until,
        reason=_text(block.get("reason")) or "",
    )
    return SeenOverride(override=override, since=since)


def _saving(value: object) -> Saving | None:
    block = _block(value)
    since, prices = _time(block.get("since")), _text(block.get("prices"))
    if since is None or prices is None:
        return None
    return Saving(since=since, moving=block.get("moving") is True, prices=prices)


def _members(value: object) -> Iterator[MemberRecord]:
    seen: set[str] = set()
    for block in _blocks(value):
        name = _text(block.get("name"))
        if name and name not in seen:
            seen.add(name)
            yield _member(name, block)


def _member(name: str, block: Mapping[str, Any]) -> MemberRecord:
    return MemberRecord(
        name=name,
        # Every field is written, null if need be: without its floor a member may have been one that keeps its size.
        claim=_claim(block.get("claim")) if "adoptionFloor" in block else None,
        agreed=_count(block.get("agreedNodes")),
        held_since=_time(block.get("heldSince")),
        moved_at=_time(block.get("movedAt")),
        corrections=tuple(_times(block.get("corrections"))),
        accepted=_accepted(block.get("accepted")),
        scaler_since=_time(block.get("scalerSince")),
        adoption_floor=_count(block.get("adoptionFloor")),
        requested=_count(block.get("requestedNodes")),
        nodes=_count(block.get("nodes")),
        ready=_count(block.get("readyNodes")),
        attempts=_count(block.get("attempts")) or 0,
        backoff_until=_time(block.get("backoffUntil")),
        missing_from=_time(block.get("missingFrom")),
        unseen_since=_time(block.get("unseenSince")),
        foreign_since=_time(block.get("foreignSince")),
        foreign_until=_time(block.get("foreignUntil")),
        intent=_intent(block.get("intent"), _text(_block(block.get("operation")).get("id"))),
        last_resize=_last_resize(block.get("lastResize")),
        given_up=_intent(block.get("givenUp"), None),
        removal=_removal(block.get("removal")),
        pods_floor=_pods_floor(block.get("podsFloor")),
    )


def _released(value: object) -> Iterator[Released]:
    for block in _blocks(value):
        name, node_pool, at = _text(block.get("name")), _text(block.get("nodePool")), _time(block.get("at"))
        if name and node_pool is not None and at is not None:
            yield Released(name=name, node_pool=node_pool, nodes=_count(block.get("nodes")), at=at)


def _plan(value: object) -> PublishedPlan | None:
    """The plan that stands. Its id alone says when it was published, and its hash is worked out anew."""
    block = _block(value)
    published_at = _time(block.get("id"))
    changes = tuple(_changes(block.get("changes")))
    if published_at is None or not changes:
        return None
    told = block.get("bindingConstraints")
    bindings = None if told is None else tuple(_bindings(told))
    return PublishedPlan(published_at=published_at, changes=changes, bindings=bindings)


def _bindings(value: object) -> Iterator[Binding]:
    for block in _blocks(value):
        if (name := _text(block.get("name"))) is not None:
            yield Binding(name=name, costs_per_hour=_money(block.get("costsPerHour")))


def _changes(value: object) -> Iterator[Change]:
    for block in _blocks(value):
        member, origin, to = _text(block.get("member")), _count(block.get("from")), _count(block.get("to"))
        if member and origin is not None and to is not None:
            yield Change(member=member, origin=origin, to=to, reason=Reason(code=_code(block.get("reason")), text=""))


def _ended_plans(value: object) -> Iterator[EndedPlan]:
    for block in _blocks(value):
        if (ended := _text(block.get("hash"))) is not None:
            yield EndedPlan(hash=ended, outcome=_code(block.get("outcome")))


def _approval(value: object) -> Approval | None:
    block = _block(value)
    approved, at = _text(block.get("hash")), _time(block.get("at"))
    if approved is None or at is None:
        return None
    return Approval(hash=approved, manager=_text(block.get("manager")), at=at, outcome=_code(block.get("outcome")))


def _code(value: object) -> Code:
    return Code(value) if isinstance(value, str) and value in set(Code) else Code.UNEXPECTED


def _claim(value: object) -> Claim | None:
    block = _block(value)
    key, incarnation, since = _text(block.get("key")), _text(block.get("incarnation")), _time(block.get("since"))
    if key is None or incarnation is None or since is None:
        return None
    return Claim(key=key, incarnation=incarnation, since=since)


def _accepted(value: object) -> Accepted | None:
    block = _block(value)
    units, at = _count(block.get("replicas")), _time(block.get("at"))
    return None if units is None or at is None else Accepted(units=units, at=at)


def _intent(value: object, operation: str | None) -> Intent | None:
    block = _block(value)
    ident, target, origin = _text(block.get("id")), _count(block.get("target")), _count(block.get("from"))
    started_at, deadline = _time(block.get("startedAt")), _time(block.get("deadline"))
    if not ident or target is None or origin is None or started_at is None:
        return None
    return Intent(
        id=ident,
        target=target,
        origin=origin,
        started_at=started_at,
        deadline=started_at if deadline is None else deadline,
        operation=operation or None,
    )


def _last_resize(value: object) -> LastResize | None:
    block = _block(value)
    ident, target, origin = _text(block.get("id")), _count(block.get("target")), _count(block.get("from"))
    at, outcome = _time(block.get("at")), _text(block.get("outcome"))
    if not ident or target is None or origin is None or at is None:
        return None
    # An outcome of another version keeps its sentence; that nodes moved still counts for the brake.
    code = Code(outcome) if outcome in set(Code) else Code.UNEXPECTED
    return LastResize(
        id=ident, origin=origin, target=target, at=at, outcome=Reason(code=code, text=_text(block.get("message")) or "")
    )


def _removal(value: object) -> Removal | None:
    if not isinstance(value, Mapping):
        return None
    return Removal(unscheduled=_count(value.get("unscheduledPods")), ended_at=_time(value.get("endedAt")))


def _pods_floor(value: object) -> KeptFloor | None:
    nodes = _count(_block(value).get("nodes"))
    return KeptFloor(nodes=nodes, left_at=_time(_block(value).get("leftAt"))) if nodes else None


def _decided_by(value: object) -> DecidedBy | None:
    block = _block(value)
    kind, name, since = _text(block.get("kind")), _text(block.get("name")), _time(block.get("since"))
    if kind is None or name is None or since is None:
        return None
    return DecidedBy(kind=kind, name=name, reason=_text(block.get("reason")) or "", since=since)


def _conditions(value: object) -> Iterator[Condition]:
    seen: set[str] = set()
    for block in _blocks(value):
        kind, since = _text(block.get("type")), _time(block.get("lastTransitionTime"))
        status = _text(block.get("status"))
        if not kind or kind in seen or since is None or status not in _CONDITION_STATUS:
            continue
        seen.add(kind)
        yield Condition(
            type=kind,
            status=_CONDITION_STATUS[status],
            reason=_text(block.get("reason")) or "",
            message=_text(block.get("message")) or "",
            observed_generation=_count(block.get("observedGeneration")) or 0,
            since=since,
        )


def _block(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else _NOTHING


def _blocks(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list | tuple):
        yield from (item for item in value if isinstance(item, Mapping))


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return value


def _money(value: object) -> Decimal | None:
    """An amount in plain digits; what has an exponent is none of ours, and could fill the memory when it is written out."""
    return Decimal(value) if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", value) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _times(value: object) -> Iterator[datetime]:
    if isinstance(value, list | tuple):
        yield from (at for item in value if (at := _time(item)) is not None)


def _time(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return None
    if read.tzinfo is None:
        return None
    try:
        return read.astimezone(UTC)
    except OverflowError:
        return None
