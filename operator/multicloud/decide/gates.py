"""Which sizes may be asked for now. From targets to asks; what waits says why.

All growth goes out at once, within the fleet-wide brake. A removal goes out only while enough units are proved ready
without it, one step at a time: so every move is make before break.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from multicloud.decide.delivery import backs_off, may_give_back
from multicloud.decide.place.sizes import bounds_of
from multicloud.decide.rests import why_outside, why_waiting
from multicloud.decide.standing import Standing
from multicloud.decide.survivors import Survivors
from multicloud.model.plan import Snapshot, Stop
from multicloud.model.reason import Code, Reason
from multicloud.model.size import Activity, NodePool
from multicloud.model.spec import Action, CloudRange, MemberState

UNSAFE_PERCENT: Final = 45
UNSAFE_NODES: Final = 3
"""Above both, nodes that are not ready forbid every removal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asks:
    """The sizes to ask for, in nodes by member name, and why a wanted change waits or goes only part of the way."""

    sizes: dict[str, int]
    waits: dict[str, Reason]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """The `desired` units, and those that must stay ready while nodes go: the desired ones, or what can be had of them.

    `surplus` is what nobody wishes for, apart from what stands in for others in a move. `placed` is what all is to end
    with, `most` what may be asked for on the way.
    """

    desired: int
    need: int
    surplus: int
    placed: int
    most: int


def asks(standings: Sequence[Standing], targets: Mapping[str, int | None], snapshot: Snapshot, units: Units) -> Asks:
    """Admit growth, then removals."""
    brake = _Brake(snapshot)
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
        _shrink_all(standings, shrinking, (brake, survivors), result, snapshot, units)
    return result


class _Brake:
    """What this plan may still add and remove: fleet-wide and per account."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._add = {"": snapshot.headroom.add}
        self._remove = {"": snapshot.headroom.remove}
        for view in snapshot.members:
            account, room = _account(view.spec.account), view.headroom
            self._add[account] = min(room.add, self._add.get(account, room.add))
            self._remove[account] = min(room.remove, self._remove.get(account, room.remove))

    def room(self, standing: Standing, *, removing: bool) -> int:
        """Nodes that the member may still gain or lose."""
        rooms = self._remove if removing else self._add
        return max(0, min(rooms[""], rooms[_account(standing.view.spec.account)]))

    def use(self, standing: Standing, nodes: int) -> None:
        """Count nodes gained (positive) or lost (negative)."""
        rooms = self._add if nodes > 0 else self._remove
        for key in ("", _account(standing.view.spec.account)):
            rooms[key] -= abs(nodes)


def _account(name: str) -> str:
    return f"account {name}"


def _repair(standing: Standing, facts: NodePool, brake: _Brake, result: Asks, snapshot: Snapshot) -> None:
    """Ask a sick pool for the same size again, next time for one node more: that is what clouds repair upon."""
    if backs_off(standing.record, snapshot.now, growing=True):
        result.waits[standing.name] = _BACKED_OFF
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
    rooms: tuple[_Brake, _Surge],
    result: Asks,
    snapshot: Snapshot,
) -> None:
    brake, surge = rooms
    if backs_off(standing.record, snapshot.now, growing=True):
        result.waits[standing.name] = _BACKED_OFF
        return
    if standing.quiet and target <= (standing.record.agreed or 0) and not snapshot.below_minimum:
        result.waits[standing.name] = _QUIET
        return
    bounds = bounds_of(standing.view.spec, facts)
    most = min(target, facts.requested + brake.room(standing, removing=False))
    bound = _BRAKE
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


_BRAKE = Reason(code=Code.BRAKE, text="the fleet-wide brake lets no more nodes through for now")
_MAX_SURGE = Reason(
    code=Code.MAX_SURGE,
    text="no more above spec.maxReplicas than spec.disruption.maxSurgePercent, until others have gone",
)
_BACKED_OFF = Reason(
    code=Code.BACKED_OFF, text="a resize failed in the cloud; the next attempt waits for status.backoffUntil"
)
_QUIET = Reason(
    code=Code.FOREIGN_OPERATION, text="somebody else's operation has just ended; the size it left is not judged yet"
)


@dataclass(slots=True)
class _Step:
    """What is left of this step over the whole pool: nodes, units, and ready units that may go.

    `begun`: something goes already. One that did not yet lets one legal size go, or nothing ever would.
    """

    nodes: int
    units: int
    ready_units: int
    begun: bool = False

    def room(self, standing: Standing, facts: NodePool) -> tuple[int, int]:
        """Nodes of a member that maxNodesPerStep and maxUnavailablePercent still let go."""
        least = 0 if self.begun else facts.step
        return max(self.nodes, least), max(self.units // standing.units_per_node, least)

    def use(self, standing: Standing, facts: NodePool, ask: int, change: int) -> None:
        """Take a removal from it; `change` is below zero, and leaves out nodes that never came."""
        self.nodes += change
        self.units += change * standing.units_per_node
        self.ready_units -= _lost_units(standing, facts, ask)
        self.begun = True


def _shrink_all(
    standings: Sequence[Standing],
    shrinking: Sequence[tuple[Standing, NodePool, int]],
    guards: tuple[_Brake, Survivors],
    result: Asks,
    snapshot: Snapshot,
    units: Units,
) -> None:
    brake, survivors = guards
    closed = _closed(standings, snapshot)
    disruption = snapshot.spec.disruption
    step = _Step(
        nodes=disruption.max_nodes_per_step,
        units=_may_be_unavailable(standings, units.desired, disruption.max_unavailable_percent),
        ready_units=sum(one.proved_units for one in standings) - units.need,
    )
    short = _why_short(standings, step.ready_units)
    for standing, facts, target in shrinking:
        waits = closed or _why_not_yet(standing, facts, target, snapshot, units)
        if waits is not None:
            result.waits[standing.name] = waits
            continue
        limits = _limits(standing, facts, brake, step, short, snapshot)
        limits.append((_ready_limit(standing, facts, survivors.room(standing)), _SURVIVORS))
        ask, bound = _shrunk(standing, facts, target, limits)
        if bound is not None:
            result.waits[standing.name] = bound
        if ask < facts.requested:
            result.sizes[standing.name] = ask
            change = standing.record.change(facts, ask, snapshot.now)
            brake.use(standing, change)
            step.use(standing, facts, ask, change)
            survivors.use(standing, _lost_units(standing, facts, ask))


def _why_not_yet(standing: Standing, facts: NodePool, target: int, snapshot: Snapshot, units: Units) -> Reason | None:
    if backs_off(standing.record, snapshot.now, growing=False):
        return _BACKED_OFF
    if standing.quiet:
        return _QUIET
    given_back = standing.missing and target >= facts.nodes
    if given_back or standing.view.spec.state is MemberState.DRAIN:
        return None
    if not units.surplus and facts.requested <= bounds_of(standing.view.spec, facts).high:
        return None  # a move: `moves` has let it, or it would have kept its target
    return why_outside(Action.SCALE_DOWN, snapshot.spec.disruption, snapshot.now)


def _may_be_unavailable(standings: Sequence[Standing], desired: int, percent: int) -> int:
    """Units that one step may take: a share of the desired ones, less those whose nodes cannot run pods. All of them: 100."""
    if percent >= 100:
        return sum((one.record.requested or 0) * one.units_per_node for one in standings)
    not_ready = sum(
        max(0, min(facts.nodes, facts.requested) - facts.ready) * standing.units_per_node
        for standing in standings
        if (facts := standing.fresh_facts) is not None and not standing.absent
    )
    return -(-desired * percent // 100) - not_ready


def unsafe(standings: Sequence[Standing]) -> Reason | None:
    """Why nothing may go: too much of the pool, or of one cluster's part of it, is not ready (product rule)."""
    seen = [(one, one.fresh_facts) for one in standings if not one.absent]
    groups: dict[str, list[NodePool]] = {}
    for standing, facts in seen:
        if facts is not None:
            groups.setdefault("", []).append(facts)
            groups.setdefault(str(standing.view.node_pool.cluster), []).append(facts)
    for name in sorted(groups):
        nodes = sum(facts.nodes for facts in groups[name])
        down = sum(max(0, facts.nodes - facts.ready) for facts in groups[name])
        if down > UNSAFE_NODES and 100 * down > UNSAFE_PERCENT * nodes:
            where = f"cluster {name}" if name else "the pool"
            text = f"more than {UNSAFE_PERCENT} % and more than {UNSAFE_NODES} nodes of {where} are not ready"
            return Reason(code=Code.UNSAFE_TO_SHRINK, text=text)
    return None


def _closed(standings: Sequence[Standing], snapshot: Snapshot) -> Reason | None:
    """Why no removal at all may go out now."""
    if snapshot.stop is Stop.SHRINK_ONLY:
        text = "the stop switch (ConfigMap multicloud-stop) forbids removals"
        return Reason(code=Code.STOPPED_SHRINK, text=text)
    if snapshot.spec.scale_in_paused:
        return Reason(code=Code.SCALE_IN_PAUSED, text="the annotation multicloud.dev/paused-scale-in forbids removals")
    if (danger := unsafe(standings)) is not None:
        return danger
    return why_waiting(standings, snapshot)


def _why_short(standings: Sequence[Standing], spare_units: int) -> Reason:
    unknown = sorted(
        (one for one in standings if one.refusal is None and one.fresh_facts is None), key=lambda one: one.name
    )
    unproved = sum((one.record.ready or 0) * one.units_per_node for one in unknown)
    if unproved and spare_units + unproved > 0:
        names = ", ".join(one.name for one in unknown)
        return Reason(code=Code.UNKNOWN_MEMBERS, text=f"counted as nothing until they are seen again: {names}")
    text = "the nodes may go once enough others are ready"
    return Reason(code=Code.REPLACEMENT_NOT_READY, text=text)


def _limits(
    standing: Standing, facts: NodePool, brake: _Brake, step: _Step, short: Reason, snapshot: Snapshot
) -> list[tuple[int, Reason]]:
    """How many nodes each gate lets go, with its reason, the weightiest gate first."""
    disruption = snapshot.spec.disruption
    never_came = max(0, facts.requested - facts.nodes) if standing.missing else 0
    nodes, unavailable = step.room(standing, facts)
    per_step = f"spec.disruption.maxNodesPerStep is {disruption.max_nodes_per_step}"
    percent = f"spec.disruption.maxUnavailablePercent is {disruption.max_unavailable_percent}"
    return [
        (_ready_limit(standing, facts, step.ready_units), short),
        (never_came + nodes, Reason(code=Code.MAX_NODES_PER_STEP, text=per_step)),
        (never_came + max(0, unavailable), Reason(code=Code.MAX_UNAVAILABLE, text=percent)),
        (never_came + brake.room(standing, removing=True), _BRAKE),
        (_pods_limit(standing, facts), _SCHEDULED_PODS),
    ]


_SURVIVORS = Reason(
    code=Code.REPLACEMENT_NOT_READY,
    text="the nodes may go once enough others are ready for what spec.allocation.survive asks for",
)
_SCHEDULED_PODS = Reason(
    code=Code.SCHEDULED_PODS, text="no fewer nodes than the requests of its scheduled pods need, DaemonSets apart"
)


def _pods_limit(standing: Standing, facts: NodePool) -> int:
    """Nodes that scheduled pods do not need. Where the cluster does not show them this gate is open."""
    counted = standing.view.inside.counted
    if counted is None or counted.needed is None:
        return facts.requested
    return max(0, facts.requested - counted.needed)


def _ready_limit(standing: Standing, facts: NodePool, spare_units: int) -> int:
    """Nodes that may go without touching the needed ready units, the worst ones leaving first.

    Nodes that were requested but never came cost nothing.
    """
    if spare_units < 0:
        # What came too late is not waited for any more: taking it back removes nothing that works.
        return max(0, facts.requested - facts.nodes) if standing.missing else 0
    if facts.ready * standing.units_per_node <= spare_units:
        return facts.requested
    return max(0, facts.requested - facts.nodes) + spare_units // standing.units_per_node


def _lost_units(standing: Standing, facts: NodePool, ask: int) -> int:
    return min(facts.ready, max(0, facts.nodes - ask)) * standing.units_per_node


def _shrunk(
    standing: Standing, facts: NodePool, target: int, limits: Sequence[tuple[int, Reason]]
) -> tuple[int, Reason | None]:
    """The smallest size that every gate allows on the way down to `target`, and the gate that stopped it there."""
    allowed, bound = min(limits, key=lambda one: one[0])
    lowest = facts.requested - allowed
    if lowest <= target:
        return target, None
    bounds = bounds_of(standing.view.spec, facts)
    ask = -(-lowest // bounds.step) * bounds.step
    return min(facts.requested, ask), bound
