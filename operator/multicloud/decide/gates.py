"""Which sizes may be asked for now. From targets to asks; what waits says why.

All growth goes out at once, within the fleet-wide brake. A removal goes out only while enough units are proved ready
without it, one step at a time: so every move is make before break.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from multicloud.decide.asking import BACKED_OFF, BRAKE, QUIET, Asks, Brake, Units
from multicloud.decide.delivery import backs_off, may_give_back
from multicloud.decide.place.sizes import bounds_of
from multicloud.decide.removals import admit_removals
from multicloud.decide.standing import Standing
from multicloud.decide.survivors import Survivors
from multicloud.model.plan import Snapshot
from multicloud.model.reason import Code, Reason
from multicloud.model.size import Activity, NodePool
from multicloud.model.spec import CloudRange


def target_of(standing: Standing, nodes: int, snapshot: Snapshot) -> int:
    """The final size: the placed nodes and what others added or took away, as far as a size may be asked for."""
    requested = standing.record.requested
    if requested is None or standing.facts is None:
        return nodes
    if standing.missing and nodes >= standing.working:
        return kept_size(standing, standing.facts, snapshot)
    if standing.held == 0:
        return nodes
    bounds, wanted = bounds_of(standing.view.spec, standing.facts), nodes + standing.held
    if standing.held < 0:
        # What others took away is asked for nowhere; where the plan wants no more than is there, nothing is missing.
        return nodes if nodes <= requested else max(requested, wanted // bounds.step * bounds.step)
    up = -(-wanted // bounds.step) * bounds.step
    if wanted <= requested:
        # A hold promises not to fight: where no smaller legal size keeps all of it, the present one stays.
        return up if up <= min(bounds.last, requested) else requested
    return up if up <= bounds.last else max(bounds.last, requested)


def kept_size(standing: Standing, facts: NodePool, snapshot: Snapshot) -> int:
    """What a member keeps that did not get all its nodes: never below what exists, whether that works or not."""
    record, bounds = standing.record, bounds_of(standing.view.spec, facts)
    if standing.held or not may_give_back(record, snapshot.spec.failover, snapshot.now):
        return facts.requested
    existing = -(-facts.nodes // bounds.step) * bounds.step
    return min(facts.requested, max(existing, bounds.first, record.adoption_floor or 0))


def asks(standings: Sequence[Standing], targets: Mapping[str, int | None], snapshot: Snapshot, units: Units) -> Asks:
    """Admit growth, then removals."""
    brake = Brake(snapshot)
    counted = sum(one.counted * one.units_per_node for one in standings)
    surge = _Surge(units=units.most - counted, begun=counted > units.placed)
    result = Asks(sizes={}, waits={})
    wanted: list[tuple[Standing, NodePool, int]] = []
    for standing in sorted(standings, key=lambda one: one.name):
        facts, target = standing.movable, targets[standing.name]
        if facts is None or target is None:
            continue
        if target != facts.requested:
            wanted.append((standing, facts, target))
        elif standing.missing and facts.activity is Activity.SICK:
            _repair(standing, facts, brake, result, snapshot)
    for standing, facts, target in wanted:
        if target > facts.requested:
            _grow(standing, facts, target, (brake, surge), result, snapshot)
    shrinking = [one for one in wanted if one[2] < one[1].requested]
    if shrinking:
        # Most to remove first, then by name (the order they have).
        shrinking.sort(key=lambda one: one[2] - one[1].requested)
        survivors = Survivors(standings, targets, snapshot, units.desired)
        admit_removals(standings, shrinking, (brake, survivors), result, snapshot, units)
    return result


def _repair(standing: Standing, facts: NodePool, brake: Brake, result: Asks, snapshot: Snapshot) -> None:
    """Ask a sick pool for the same size again, next time for one node more: that is what clouds repair upon."""
    if backs_off(standing.record, snapshot.now, growing=True):
        result.waits[standing.name] = BACKED_OFF
        return
    bounds = bounds_of(standing.view.spec, facts)
    more = facts.requested + bounds.step
    within = more <= bounds.last and brake.room(standing, removing=False) >= bounds.step
    within = within and standing.held >= 0
    grows = standing.record.attempts % 2 == 0 and within and _room_in_pool(snapshot, bounds.step, standing)
    result.sizes[standing.name] = more if grows else facts.requested
    if grows:
        brake.use(standing, bounds.step)


def _room_in_pool(snapshot: Snapshot, nodes: int, standing: Standing) -> bool:
    """True when so many nodes more keep the pool within maxReplicas, whatever works of it."""
    asked = sum(
        view.sight.proved.requested * view.spec.units_per_node for view in snapshot.members if view.sight.proved
    )
    return asked + nodes * standing.units_per_node <= snapshot.spec.max_replicas


@dataclass(slots=True)
class _Surge:
    """Units that may still be asked for. One legal size may be, or nothing would ever move that has no room beside it."""

    units: int
    begun: bool

    def room(self, standing: Standing, facts: NodePool) -> int:
        """Nodes that a member may gain."""
        return max(self.units // standing.units_per_node, 0 if self.begun else facts.step)

    def use(self, standing: Standing, nodes: int) -> None:
        """Count nodes gained."""
        self.units -= nodes * standing.units_per_node
        self.begun = True


def _grow(
    standing: Standing,
    facts: NodePool,
    target: int,
    rooms: tuple[Brake, _Surge],
    result: Asks,
    snapshot: Snapshot,
) -> None:
    brake, surge = rooms
    if backs_off(standing.record, snapshot.now, growing=True):
        result.waits[standing.name] = BACKED_OFF
        return
    if standing.quiet and target <= (standing.record.agreed or 0) and not snapshot.below_minimum:
        result.waits[standing.name] = QUIET
        return
    bounds = bounds_of(standing.view.spec, facts)
    most = min(target, facts.requested + brake.room(standing, removing=False))
    bound = BRAKE
    if (with_surge := facts.requested + max(0, surge.room(standing, facts))) < most:
        most, bound = with_surge, _MAX_SURGE
    ask = most if most == target else most // bounds.step * bounds.step
    # The cloud's own minimum cannot be undercut, not even on the way.
    widened = standing.view.spec.cloud_range is CloudRange.WIDEN
    if ask <= facts.requested or (ask < (facts.cloud_min or 0) and not widened):
        result.waits[standing.name] = bound
        return
    if ask < target:
        result.waits[standing.name] = bound
    result.sizes[standing.name] = ask
    brake.use(standing, ask - facts.requested)
    surge.use(standing, ask - facts.requested)


_MAX_SURGE = Reason(
    code=Code.MAX_SURGE,
    text="no more above spec.maxReplicas than spec.disruption.maxSurgePercent, until others have gone",
)
