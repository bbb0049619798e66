"""Which nodes may go now: while enough units are proved ready without them, one step at a time, in open hours.

`gates` asks once growth is admitted; so every move is make before break.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from multicloud.decide.asking import BACKED_OFF, BRAKE, QUIET, Asks, Brake, Units
from multicloud.decide.delivery import backs_off
from multicloud.decide.place.sizes import bounds_of
from multicloud.decide.rests import why_outside, why_waiting
from multicloud.decide.standing import Standing
from multicloud.decide.survivors import Survivors
from multicloud.model.plan import Snapshot, Stop
from multicloud.model.reason import Code, Reason
from multicloud.model.size import NodePool
from multicloud.model.spec import Action, MemberState

UNSAFE_PERCENT: Final = 45
UNSAFE_NODES: Final = 3
"""Above both, nodes that are not ready forbid every removal."""


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


def admit_removals(
    standings: Sequence[Standing],
    shrinking: Sequence[tuple[Standing, NodePool, int]],
    guards: tuple[Brake, Survivors],
    result: Asks,
    snapshot: Snapshot,
    units: Units,
) -> None:
    """Add to `result` what may go of the `shrinking` members, each with its facts and its target, and why the rest waits.

    `guards` are the fleet-wide brake and what must stand when something is lost; both are told of what goes.
    """
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
        return BACKED_OFF
    if standing.quiet:
        return QUIET
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
    standing: Standing, facts: NodePool, brake: Brake, step: _Step, short: Reason, snapshot: Snapshot
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
        (never_came + brake.room(standing, removing=True), BRAKE),
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
