"""The decision, a page: settle → wish → place → gates → words. From a Snapshot to a Plan."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from multicloud.decide.asking import Asks, Units
from multicloud.decide.bindings import binding_constraints
from multicloud.decide.consent import Consent, awaits, consent, floored, permitted, within
from multicloud.decide.delivery import returns_at
from multicloud.decide.drift import (
    CORRECTIONS_WITHIN,
    accepted_for,
    drift_reason,
    for_minimum,
    free,
    left_out,
    next_word,
    recent_corrections,
)
from multicloud.decide.gates import asks, target_of
from multicloud.decide.moves import Moves, moves
from multicloud.decide.place.facts import placing
from multicloud.decide.place.placing import Placed, place
from multicloud.decide.place.saving import stands_at
from multicloud.decide.place.sizes import bounds_of
from multicloud.decide.podsfloor import falls_at, with_floor
from multicloud.decide.removals import unsafe
from multicloud.decide.rests import rests_until, stepped, window_changes
from multicloud.decide.scale.override import seen_override
from multicloud.decide.scale.wish import Wish, wish
from multicloud.decide.settle import settle
from multicloud.decide.standing import Standing
from multicloud.decide.steps import changes_of, steps_of
from multicloud.decide.words import (
    CLAIM_PENDING,
    NOT_YET_OBSERVED,
    Decided,
    blocked,
    limit,
    member_reason,
    why_it_moves,
)
from multicloud.model.approval import Binding
from multicloud.model.plan import MemberPlan, Plan, Snapshot
from multicloud.model.reason import Code, Reason
from multicloud.model.record import MemberRecord, PoolRecord, Released, Saving
from multicloud.model.spec import Mode

RELEASED_SHOWN: Final = timedelta(hours=24)
"""How long status names a member that was removed."""
PRICED_AT_MOST: Final = 20
"""Constraints tried for a published plan: every pool shares the one thread that solves (a second each at the worst)."""


def decide(snapshot: Snapshot) -> Plan:
    """Decide sizes for one pool. Pure and deterministic: equal snapshots give equal plans, in any order of members.

    The first plan of an object in a process, like every one that needs the integer program, loads the solver.
    """
    if not snapshot.looked:
        return _waiting(snapshot)
    standings, wished, moving = settled_and_placed(snapshot)
    placed = moving.placed
    sought = replace(wished, desired=wished.desired + sum(placed.on_top.values()))
    targets = _targets(standings, placed, snapshot)
    out = _left_out(standings, placed, targets)
    units = Units(
        desired=wished.desired,
        need=_need(placed, sought),
        surplus=moving.surplus,
        placed=placed.units,
        most=moving.most,
    )
    sized = Decided(
        wish=sought,
        placed=placed,
        held=moving.held,
        asks=Asks(sizes={}, waits={}),
        targets=targets,
        left_out=out,
        blocked=None,
    )
    proposed = changes_of(standings, targets, why_it_moves(standings, sized, snapshot))
    given = consent(snapshot, proposed, standings, wished.decided_by)
    allowed = _allowed(standings, targets, wished, snapshot, given)
    waits_for = awaits(targets, allowed, snapshot, given)
    stop = blocked(snapshot, approved=given.approved)
    sizes = sized.asks if stop else within(asks(standings, allowed, snapshot, units), standings, snapshot, given)
    if not sizes.sizes:  # what can go out waits for no price
        given = _priced(given, placed, standings)
    decided = replace(sized, asks=_waiting_for(waits_for, targets, allowed, sizes), blocked=stop)
    members = tuple(_member(standing, decided, snapshot) for standing in standings)
    changes = given.plan.changes if given.plan is not None else proposed
    lacking = sum(placed.short.values())
    shortage = max(0, sought.desired - placed.units + out) + lacking
    return Plan(
        record=replace(
            _record(snapshot, wished, placed.saving, members, given),
            on_top=sought.desired - wished.desired + lacking,
            standing_in=moving.standing_in_after(_grown(standings, sizes)),
        ),
        members=members,
        ready=_ready([one.record for one in standings if not one.absent], snapshot),
        shortage=shortage,
        limited_by=limit(standings, decided, snapshot),
        blocked=stop,
        unsafe=unsafe(standings),
        braked=frozenset(name for name, why in sizes.waits.items() if why.code is Code.BRAKE),
        changes=changes,
        steps=steps_of(standings, changes, snapshot, units),
        awaits=waits_for,
        placing=placing(placed, standings, targets, snapshot),
        wake_at=_wake_at(standings, wished, placed.saving, snapshot, given),
        settled=shortage == 0 and all(_at_rest(standing, targets) for standing in standings),
    )


def bindings(snapshot: Snapshot) -> tuple[Binding, ...]:
    """What decided the sizes, and at what price; empty while not every member was looked at once."""
    if not snapshot.looked:
        return ()
    standings, _, moving = settled_and_placed(snapshot)
    return binding_constraints(moving.placed.problem, standings)


def settled_and_placed(snapshot: Snapshot) -> tuple[list[Standing], Wish, Moves]:
    """How members stand, how much is wished for, and where it goes: the first half of every decision."""
    standings = [with_floor(stepped(settle(view, snapshot), snapshot), snapshot) for view in snapshot.members]
    wished = wish(snapshot, sum(standing.found_units for standing in standings))
    standings, best = _placed(standings, wished, snapshot)
    return standings, wished, moves(best, standings, snapshot)


def _waiting(snapshot: Snapshot) -> Plan:
    """Before every member was looked at once nothing is judged."""
    records = [snapshot.record.member(view.spec.name) for view in snapshot.members]
    members = tuple(
        MemberPlan(
            name=record.name,
            record=record,
            target=record.intent.target if record.intent is not None else record.requested,
            ask=None,
            reason=view.refusal or (NOT_YET_OBSERVED if record.claim is not None else CLAIM_PENDING),
            refusal=view.refusal,
            trouble=view.sight.trouble,
            min_nodes=view.spec.min_nodes,
            max_nodes=view.spec.max_nodes,
        )
        for view, record in zip(snapshot.members, records, strict=True)
    )
    return Plan(
        record=replace(
            snapshot.record,
            observed_generation=snapshot.generation,
            override=seen_override(snapshot),
            members=tuple(records),
            released=_released(snapshot),
        ),
        members=members,
        ready=_ready(records, snapshot),
        shortage=0,
        limited_by=None,
        blocked=blocked(snapshot, approved=False),
        unsafe=None,
        wake_at=None,
        settled=False,
    )


def _placed(standings: list[Standing], wished: Wish, snapshot: Snapshot) -> tuple[list[Standing], Placed]:
    """Place units around the sizes that somebody accepted, as long as minReplicas does not need them otherwise."""
    standings = [accepted_for(standing, wished.requested) for standing in standings]
    placed = place(standings, snapshot, wished)
    if placed.units >= snapshot.spec.min_replicas or not any(standing.record.accepted for standing in standings):
        return standings, placed
    standings = [free(standing) for standing in standings]
    return standings, place(standings, snapshot, wished)


def _targets(standings: Sequence[Standing], placed: Placed, snapshot: Snapshot) -> dict[str, int | None]:
    """The final sizes. What others took away and nobody decided on comes back as far as minReplicas needs it."""
    targets = {standing.name: _target(standing, placed, snapshot) for standing in standings}
    on_top = sum(max(0, standing.held) * standing.units_per_node for standing in standings)
    carried = placed.units + on_top - _left_out(standings, placed, targets)
    return targets | for_minimum(standings, placed.nodes, targets, snapshot.spec.min_replicas - carried)


def _left_out(standings: Sequence[Standing], placed: Placed, targets: Mapping[str, int | None]) -> int:
    """Units that the plan gives to members and that are not asked for, because others took them away."""
    return sum(
        left_out(standing, placed.nodes[standing.name], targets[standing.name]) * standing.units_per_node
        for standing in standings
    )


def _target(standing: Standing, placed: Placed, snapshot: Snapshot) -> int | None:
    """The final size; a member that is not managed stays as it is."""
    nodes, requested = placed.nodes[standing.name], standing.record.requested
    if requested is None or standing.refusal is not None or standing.record.claim is None or standing.frozen:
        return requested
    intent = standing.record.intent
    if standing.name not in placed.chosen and (intent is not None or not standing.missing):
        return intent.target if intent is not None else requested
    return target_of(standing, nodes, snapshot)


def _allowed(
    standings: Sequence[Standing],
    targets: Mapping[str, int | None],
    wished: Wish,
    snapshot: Snapshot,
    given: Consent,
) -> Mapping[str, int | None]:
    """The targets as far as the mode lets them be asked for without, or with, the approval that was given."""
    requested = {one.name: one.record.requested for one in standings}
    if snapshot.spec.mode is Mode.APPLY:
        return targets
    grown: Mapping[str, int | None] = requested
    if snapshot.spec.mode is Mode.APPROVE_SHRINK:
        grown = targets
        if given.plan is not None or any((targets[one.name] or 0) < (requested[one.name] or 0) for one in standings):
            placed = place(floored(standings), snapshot, wished)
            grown = {one.name: _target(one, placed, snapshot) for one in standings}
    return permitted(standings, targets, grown, given)


def _priced(given: Consent, placed: Placed, standings: Sequence[Standing]) -> Consent:
    """The plan that stands with what binds it, told once: prices that follow the clouds would make status restless."""
    if given.plan is None or given.plan.bindings is not None:
        return given
    bound = binding_constraints(placed.problem, standings, at_most=PRICED_AT_MOST)
    return replace(given, plan=replace(given.plan, bindings=bound))


def _waiting_for(
    why: Reason | None, targets: Mapping[str, int | None], allowed: Mapping[str, int | None], asked: Asks
) -> Asks:
    """The asks, with the members named whose change, or a part of it, waits for an approval."""
    if why is None:
        return asked
    waits = {name: why for name in sorted(targets) if targets[name] != allowed[name]}
    return Asks(sizes=asked.sizes, waits={**waits, **asked.waits})


def _need(placed: Placed, wished: Wish) -> int:
    """Units that must stay ready while nodes go: the desired ones, or the most that whole nodes can give."""
    reachable = placed.problem.highest + placed.problem.fixed_units >= wished.desired
    return min(wished.desired, placed.units) if reachable else wished.desired


def _member(standing: Standing, decided: Decided, snapshot: Snapshot) -> MemberPlan:
    bounds = bounds_of(standing.view.spec, standing.facts)
    return MemberPlan(
        name=standing.name,
        record=standing.record,
        target=decided.targets[standing.name],
        ask=decided.asks.sizes.get(standing.name),
        reason=member_reason(standing, decided, snapshot),
        refusal=standing.refusal,
        trouble=standing.view.sight.trouble,
        min_nodes=bounds.low,
        max_nodes=bounds.high,
        drift=drift_reason(standing, snapshot.spec.drift),
    )


def _grown(standings: Sequence[Standing], sizes: Asks) -> int:
    """Units that are asked for now on top of what there is."""
    return sum(
        max(0, sizes.sizes.get(one.name, 0) - (one.record.requested or 0)) * one.units_per_node for one in standings
    )


def _record(
    snapshot: Snapshot, wished: Wish, saving: Saving | None, members: Sequence[MemberPlan], given: Consent
) -> PoolRecord:
    return replace(
        snapshot.record,
        observed_generation=snapshot.generation,
        requested=wished.requested,
        desired=wished.desired,
        decided_by=wished.decided_by,
        past_wishes=wished.past_wishes,
        override=wished.override,
        saving=saving,
        members=tuple(member.record for member in members),
        released=_released(snapshot),
        plan=given.plan,
        ended_plans=given.ended,
        approval=given.approval,
    )


def _released(snapshot: Snapshot) -> tuple[Released, ...]:
    """Members whose entries went within a day: their nodes run on and are paid for, which somebody should know."""
    named = {view.spec.name for view in snapshot.members}
    record, now = snapshot.record, snapshot.now
    kept = [one for one in record.released if one.name not in named and one.at + RELEASED_SHOWN > now]
    gone = [
        Released(name=member.name, node_pool=member.claim.key, nodes=member.requested, at=now)
        for member in record.members
        if member.name not in named and member.claim is not None
    ]
    again = {one.name for one in gone}
    return (*(one for one in kept if one.name not in again), *gone)


def _ready(records: Sequence[MemberRecord], snapshot: Snapshot) -> int | None:
    """Ready units as last proved, None if no member was ever seen."""
    units = {view.spec.name: view.spec.units_per_node for view in snapshot.members}
    proved = [record.ready * units[record.name] for record in records if record.ready is not None]
    return sum(proved) if proved else None


def _at_rest(standing: Standing, targets: Mapping[str, int | None]) -> bool:
    """True when nothing is left to do or to wait for at a member."""
    record = standing.record
    if record.intent is not None:
        return False
    if standing.refusal is not None or standing.frozen or record.requested is None:
        return True
    still = targets[standing.name] == record.requested == record.nodes == record.ready
    return still and standing.fresh_facts is not None


def _wake_at(
    standings: Sequence[Standing], wished: Wish, saving: Saving | None, snapshot: Snapshot, given: Consent
) -> datetime | None:
    """When time alone may change the decision."""
    times = [wished.wake_at, *(one.at + RELEASED_SHOWN for one in snapshot.record.released)]
    if saving is not None:
        times.append(stands_at(saving.since, snapshot.spec.saving))
    times.append(given.plan.expires_at if given.plan is not None else None)
    times += window_changes(snapshot.spec.disruption, snapshot.now)
    failover, drift = snapshot.spec.failover, snapshot.spec.drift
    times.append(next_word(drift, snapshot.now))
    for standing in standings:
        record = standing.record
        times += [record.backoff_until, record.missing_from, returns_at(record, failover)]
        times += rests_until(standing, snapshot)
        times.append(falls_at(record.pods_floor, snapshot))
        for since, wait_s in (
            (record.unseen_since, failover.unreachable_after_s),
            (record.foreign_since, failover.lock_timeout_s),
            (record.foreign_until, snapshot.quiet_s),
        ):
            times.append(None if since is None else since + timedelta(seconds=wait_s))
        if record.held_since is not None:
            times.append(record.held_since + timedelta(seconds=drift.hold_s))
            times += [at + CORRECTIONS_WITHIN for at in recent_corrections(record, snapshot.now)]
        if record.intent is not None:
            times.append(record.intent.deadline)
            times.append(record.intent.started_at + timedelta(seconds=snapshot.write_window_s))
    return min((time for time in times if time is not None and time > snapshot.now), default=None)
