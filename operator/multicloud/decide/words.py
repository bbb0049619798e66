"""Why each member's size is, moves or waits, and what keeps the pool from its wish. Texts never hold live values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from multicloud.decide.asking import Asks
from multicloud.decide.drift import drift_reason
from multicloud.decide.place.facts import at_ceiling, short
from multicloud.decide.place.levels import ON_DEMAND, SPOT, survival_name
from multicloud.decide.place.placing import Placed, solve
from multicloud.decide.place.problem import Problem
from multicloud.decide.place.sizes import bounds_of
from multicloud.decide.scale.wish import Wish
from multicloud.decide.standing import Standing
from multicloud.model.plan import Snapshot, Stop
from multicloud.model.reason import Code, Reason
from multicloud.model.spec import Mode

NOT_YET_OBSERVED = Reason(code=Code.NOT_YET_OBSERVED, text="waiting until every member has been looked at once")
CLAIM_PENDING = Reason(
    code=Code.CLAIM_PENDING,
    text="not managed before its account has read the node pool, which makes it the member's own",
)
SETTLED = Reason(code=Code.AS_WISHED, text="has the size it should have")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """Everything decided about a pool before it is put into words.

    `left_out` are units that others took away and that are asked for nowhere.
    """

    wish: Wish
    placed: Placed
    asks: Asks
    held: Mapping[str, Reason]
    targets: Mapping[str, int | None]
    left_out: int
    blocked: Reason | None


def blocked(snapshot: Snapshot, *, approved: bool) -> Reason | None:
    """Why nothing may be sent for the whole pool. `approved`: a plan that stands is approved."""
    if snapshot.stop is Stop.ALL:
        return Reason(code=Code.STOPPED, text="the stop switch (ConfigMap multicloud-stop) forbids every cloud write")
    if snapshot.spec.paused:
        return Reason(code=Code.PAUSED, text="spec.paused or the annotation multicloud.dev/paused")
    if snapshot.spec.mode is Mode.PLAN and not approved:
        return Reason(
            code=Code.PLAN_ONLY, text="spec.mode is Plan: nothing is asked for before status.plan is approved"
        )
    return None


def member_reason(standing: Standing, decided: Decided, snapshot: Snapshot) -> Reason:
    """The most telling reason of one member."""
    target, requested = decided.targets[standing.name], standing.record.requested
    known = standing.refusal or _replaced(standing) or standing.waiting or _unseen(standing)
    if known is not None:
        return known
    if standing.frozen:
        return _why_frozen(standing)
    if standing.foreign:
        return Reason(code=Code.FOREIGN_OPERATION, text="the cloud runs an operation on it that is not ours")
    if target != requested and decided.blocked is not None:
        return decided.blocked
    ask, wait = decided.asks.sizes.get(standing.name), decided.asks.waits.get(standing.name)
    if ask is not None and requested is not None:
        return _of_failed(standing, ask - requested) or _why_asked(standing, ask - requested, decided, snapshot)
    waits = wait or _missing(standing) or _backed_off(standing, snapshot) or decided.held.get(standing.name)
    return waits or _why_it_stays(standing, decided, snapshot)


def _of_failed(standing: Standing, change: int) -> Reason | None:
    """Why a member that failed is asked for anything."""
    facts = standing.facts
    if not standing.missing:
        text = "one node first, after its cloud failed to deliver; the rest follows when it is ready"
        return Reason(code=Code.PROBING, text=text) if change > 0 and standing.record.attempts else None
    if change >= 0:
        text = "its cloud calls the node pool sick: asked again, then for one node more, which may repair it"
        return Reason(code=Code.REPAIRING, text=text)
    if facts is not None and facts.requested + change >= facts.nodes:
        return Reason(code=Code.GIVEN_BACK, text="its cloud never made these nodes: no longer asked for, others grow")
    return None


def _missing(standing: Standing) -> Reason | None:
    if not standing.missing:
        return None
    text = "fewer nodes are ready than were asked for, for longer than failover.provisionTimeoutSeconds: others grow"
    return Reason(code=Code.NODES_MISSING, text=text)


def _why_frozen(standing: Standing) -> Reason:
    if standing.view.paused:
        text = f"CloudAccount {standing.view.spec.account} is paused: not written to, its ready nodes count"
        return Reason(code=Code.ACCOUNT_PAUSED, text=text)
    return Reason(code=Code.FROZEN, text="state is Frozen: never written to, its ready nodes count")


def _backed_off(standing: Standing, snapshot: Snapshot) -> Reason | None:
    until = standing.record.backoff_until
    if until is None or until <= snapshot.now:
        return None
    text = "a resize failed in its cloud; it may not grow again before backoffUntil"
    return Reason(code=Code.BACKED_OFF, text=text)


def _replaced(standing: Standing) -> Reason | None:
    if not standing.replaced:
        return None
    if standing.fresh_facts is not None:
        return Reason(code=Code.RETURNING, text="seen again; a second good look makes sure before it counts")
    text = "not seen for longer than failover.unreachableAfterSeconds: others grow in its place"
    return Reason(code=Code.UNREACHABLE, text=text)


def _unseen(standing: Standing) -> Reason | None:
    if standing.fresh_facts is not None:
        return None
    trouble = standing.view.sight.trouble
    if trouble is not None:
        return trouble
    if standing.record.claim is None:
        return CLAIM_PENDING
    if standing.facts is None:
        return Reason(code=Code.NOT_YET_OBSERVED, text="has not been seen yet")
    return Reason(code=Code.STALE, text="what is known of it is too old to act on; waiting for the next look")


def why_it_moves(standings: Sequence[Standing], decided: Decided, snapshot: Snapshot) -> Mapping[str, Reason]:
    """Why each member is to have its target, whatever it waits for meanwhile."""
    return {
        one.name: _of_failed(one, change) or _why_asked(one, change, decided, snapshot)
        for one in standings
        if (change := (decided.targets[one.name] or 0) - (one.record.requested or 0))
    }


def _why_asked(standing: Standing, change: int, decided: Decided, snapshot: Snapshot) -> Reason:
    desired = decided.wish.desired
    wished = _wished_units(decided, snapshot)
    if change > 0 and snapshot.below_minimum:
        return Reason(code=Code.GROW_FOR_SHORTAGE, text="fewer units are ready than spec.minReplicas")
    if change > 0 and standing.name in decided.placed.on_top:
        return Reason(code=Code.GROW_FOR_PODS, text="more than its share, for pods that wait or run in its cluster")
    if change > 0 and wished < desired:
        return Reason(code=Code.GROW_FOR_WISH, text="more units are wished for than the members have")
    # What stands in for nodes that have not gone yet came with the same move as they go with.
    if change < 0 and wished - snapshot.record.standing_in > desired:
        return Reason(code=Code.SHRINK_TO_WISH, text="fewer units are wished for than the members have")
    return _why_moved(change, decided)


def _why_moved(change: int, decided: Decided) -> Reason:
    saving = decided.placed.saving
    if saving is not None and saving.moving:
        text = "is cheaper: grows; others shrink once its nodes are ready"
        if change < 0:
            text = "is dearer: shrinks; the others' nodes are ready"
        return Reason(code=Code.MOVE_FOR_SAVING, text=text)
    if change > 0:
        return Reason(code=Code.MOVE_TO_SHARE, text="grows to its share; others shrink once its nodes are ready")
    return Reason(code=Code.MOVE_TO_SHARE, text="shrinks to its share; the others' nodes are ready")


def _wished_units(decided: Decided, snapshot: Snapshot) -> int:
    """Units that the members have asked their clouds for, as far as placing counts them."""
    choices = {choice.name: choice for choice in decided.placed.problem.choices}
    return decided.placed.problem.fixed_units + sum(
        choices[view.spec.name].present * view.spec.units_per_node
        for view in snapshot.members
        if view.spec.name in choices
    )


def _why_it_stays(standing: Standing, decided: Decided, snapshot: Snapshot) -> Reason:
    record, facts = standing.record, standing.facts
    floor = record.adoption_floor or 0
    requested = record.requested or 0
    if (beside := drift_reason(standing, snapshot.spec.drift)) is not None:
        return beside
    if facts is not None and requested > bounds_of(standing.view.spec, facts).high:
        return Reason(
            code=Code.ABOVE_BOUND,
            text="runs more nodes than maxNodes allows, but was found so: consent with multicloud.dev/adopt"
            if floor
            else "runs more nodes than maxNodes allows; they leave by ordinary scale-down",
        )
    if floor and requested == floor and decided.placed.units > decided.wish.desired:
        return Reason(
            code=Code.ADOPTION_FLOOR,
            text="not below the size it was found at; consent with the annotation multicloud.dev/adopt",
        )
    if not requested == record.nodes == record.ready:
        return Reason(code=Code.CONVERGING, text="waiting for nodes to become ready or to go")
    return SETTLED if record.accepted is None else _ACCEPTED


_ACCEPTED = Reason(
    code=Code.DRIFT_ACCEPTED,
    text="keeps the size that others set and somebody accepted (multicloud.dev/accept-drift) while the same is wished",
)
_LEFT_OUT = Reason(
    code=Code.DEFICIT_REPORTED, text="what others took away is asked for nowhere before somebody decides; see Drifted"
)


def limit(standings: Sequence[Standing], decided: Decided, snapshot: Snapshot) -> Reason | None:
    """The first clamp or gate that keeps the pool from its wish: clamps, then placing, then gates on removals."""
    if decided.wish.limited_by is not None:
        return decided.wish.limited_by
    placed, desired = decided.placed, decided.wish.desired
    if decided.left_out:
        return _LEFT_OUT
    if placed.units != desired and any(one.record.accepted for one in standings):
        return _ACCEPTED
    if placed.units < desired or placed.short:
        return _why_less(standings, placed, desired, snapshot)
    if placed.units > desired:
        return decided.held[min(decided.held)] if decided.held else _why_more(standings, placed, desired, snapshot)
    waits = [decided.asks.waits[name] for name in sorted(decided.asks.waits)]
    return _why_not_kept(placed, snapshot) or next(iter(waits), None)


def _why_less(standings: Sequence[Standing], placed: Placed, desired: int, snapshot: Snapshot) -> Reason:
    problem = placed.problem
    if placed.units >= desired:
        names = ", ".join(sorted(placed.short))
        text = f"pods need more nodes of {names} than bounds, the cost ceiling or a failed resize allow"
        return Reason(code=Code.FLOORS_SHORT, text=text)
    if at_ceiling(problem):
        return _ceiling(snapshot)
    if problem.highest + problem.fixed_units >= desired:
        return Reason(code=Code.WHOLE_NODES, text="no sum of whole nodes within the bounds is nearer to desired")
    waiting = [reason for one in standings if (reason := _backed_off(one, snapshot)) is not None]
    if waiting:
        return waiting[0]
    return Reason(code=Code.MEMBER_MAXIMA, text="the members that may grow carry fewer units than desired")


def _ceiling(snapshot: Snapshot) -> Reason:
    text = f"more nodes would cost more than spec.allocation.maxHourlyCost ({snapshot.spec.max_hourly_cost})"
    return Reason(code=Code.COST_CEILING, text=text)


def _why_not_kept(placed: Placed, snapshot: Snapshot) -> Reason | None:
    """The first rule beside the number of units that these sizes do not keep."""
    missed = short(placed.problem, placed.solution.nodes)
    if missed and at_ceiling(placed.problem):
        return _ceiling(snapshot)
    for rule in snapshot.spec.survive:
        if survival_name(rule.loss) in missed:
            text = f"the loss of one {rule.loss.lower()} may leave less than {rule.keep_percent} % of the desired units"
            return Reason(code=Code.SURVIVE_UNREACHABLE, text=text)
    if ON_DEMAND in missed:
        text = f"fewer OnDemand units than spot.minOnDemandReplicas ({snapshot.spec.min_on_demand}) can be had"
        return Reason(code=Code.ON_DEMAND_FLOOR, text=text)
    if SPOT in missed:
        text = f"OnDemand members cannot carry what spot.maxPercent ({snapshot.spec.max_spot_percent}) leaves to them"
        return Reason(code=Code.SPOT_SHARE, text=text)
    return None


def _why_more(standings: Sequence[Standing], placed: Placed, desired: int, snapshot: Snapshot) -> Reason:
    problem = placed.problem
    if (kept := _why_not_kept(placed, snapshot)) is not None:
        return kept
    if _without_rules(problem) < placed.units:
        if problem.survivals:
            text = "units on top of the desired ones stand in for those that a loss takes (spec.allocation.survive)"
            return Reason(code=Code.SURVIVE, text=text)
        text = "units on top of the desired ones keep spot.minOnDemandReplicas or spot.maxPercent"
        return Reason(code=Code.ON_DEMAND_FLOOR, text=text)
    if problem.lowest + problem.fixed_units <= desired:
        return Reason(code=Code.WHOLE_NODES, text="no sum of whole nodes within the bounds is nearer to desired")
    floors = [one.name for one in standings if one.record.adoption_floor and one.refusal is None]
    if floors:
        text = f"kept at least at the size they were found at: {', '.join(sorted(floors))}"
        return Reason(code=Code.ADOPTION_FLOOR, text=text)
    return Reason(code=Code.MEMBER_MINIMA, text="what members have to keep carries more units than desired")


def _without_rules(problem: Problem) -> int:
    """The units that would do if nothing had to survive and spot machines were like any others."""
    if not problem.survivals and not problem.on_demand and problem.spot is None:
        return problem.fixed_units + solve(problem).units
    plain = replace(problem, survivals=(), on_demand=0, spot=None)
    return problem.fixed_units + solve(plain).units
