"""Which units may move between members now. From the placement that the wish would have to the one that is gone for.

A move is a member that loses nodes though no fewer units are wished for: another one grows in its place first. Where it is not
allowed, its other half is not done either: the loser keeps what it has, and nobody grows for it
(docs/decisions/0036-a-move-that-may-not-be-is-not-begun.md). Drains, bounds that were lowered and nodes that a cloud never
brought are no moves: they are obligations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from multicloud.decide.place.placing import Placed, solve
from multicloud.decide.place.sizes import Choice
from multicloud.decide.rests import why_outside
from multicloud.decide.standing import Standing
from multicloud.model.plan import Snapshot
from multicloud.model.reason import Code, Reason
from multicloud.model.spec import Action, VoluntaryMoves


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """What is gone for, and what moves mean for it, in units.

    `held` says of members why nodes of theirs, that would be better elsewhere, stay. `standing_in` grew for others that
    have not gone yet. `surplus` is what nobody wishes for apart from these. `wanted` is what comes for any
    other reason. `most` is what may be asked for in all while units move.
    """

    placed: Placed
    held: Mapping[str, Reason]
    standing_in: int
    surplus: int
    wanted: int
    most: int

    def standing_in_after(self, grown: int) -> int:
        """Units that stand in for others once `grown` units have been asked for."""
        return self.standing_in + max(0, grown - self.wanted)


def moves(placed: Placed, standings: Sequence[Standing], snapshot: Snapshot) -> Moves:
    """Judge a placement that was made as if everything might move."""
    choices = placed.problem.choices
    obliged = sum(_obliged(choice) * choice.units for choice in choices) + placed.problem.fixed_units
    lacking = sum(max(0, _obliged(choice) - choice.present) * choice.units for choice in choices)
    excess = max(0, obliged - placed.units)
    standing_in = min(snapshot.record.standing_in, excess)
    surplus = excess - standing_in
    held = _held(placed, standings, snapshot, standing_in)
    gone_for = placed
    # Without a move in it, every placement may be gone for.
    if held or (surplus and _moves_something(placed, standing_in) and _scale_down_waits(snapshot)):
        kept = frozenset(held) if not surplus else frozenset()
        gone_for = _without_moves(placed, kept, desired=placed.units + standing_in if surplus else None)
    percent = 100 + snapshot.spec.disruption.max_surge_percent
    return Moves(
        placed=gone_for,
        # Where fewer are wished for, a move is missed only if whole nodes cannot come as near without it.
        held=held if not surplus or gone_for.units > placed.units else {},
        standing_in=standing_in,
        surplus=surplus,
        wanted=max(0, gone_for.units - obliged) + lacking,
        most=max(-(-snapshot.spec.max_replicas * percent // 100), gone_for.units),
    )


def _obliged(choice: Choice) -> int:
    """The size that a member has to have whatever is wished: the present one inside its bounds; none if it is drained."""
    return choice.lowest if choice.draining else max(choice.lowest, min(choice.highest, choice.present))


def _moves_something(placed: Placed, standing_in: int) -> bool:
    choices = placed.problem.choices
    loses = any(placed.nodes[choice.name] < _obliged(choice) for choice in choices)
    return loses and (standing_in > 0 or any(placed.nodes[choice.name] > _obliged(choice) for choice in choices))


def _held(placed: Placed, standings: Sequence[Standing], snapshot: Snapshot, standing_in: int) -> Mapping[str, Reason]:
    """Why members may not lose what the placement takes from them; of all of them if it is so for one that loses."""
    if not _moves_something(placed, standing_in):
        return {}
    by_name = {standing.name: standing for standing in standings}
    reasons = {
        choice.name: reason
        for choice in placed.problem.choices
        if not choice.draining and (reason := _why_it_may_not(by_name[choice.name], snapshot)) is not None
    }
    losers = {choice.name for choice in placed.problem.choices if placed.nodes[choice.name] < _obliged(choice)}
    return reasons if losers & reasons.keys() else {}


def _why_it_may_not(standing: Standing, snapshot: Snapshot) -> Reason | None:
    """Why a member may lose nothing in a move now."""
    disruption, counted = snapshot.spec.disruption, standing.view.inside.counted
    if disruption.voluntary_moves is VoluntaryMoves.NEVER:
        text = "spec.disruption.voluntaryMoves is Never: some of its nodes would be better elsewhere, and stay"
        return Reason(code=Code.NO_VOLUNTARY_MOVE, text=text)
    seen = counted is not None and counted.unscheduled is not None
    if disruption.voluntary_moves is VoluntaryMoves.OBSERVED and not seen:
        text = "its pods cannot be seen, and spec.disruption.voluntaryMoves is Observed: some nodes would be better elsewhere"
        return Reason(code=Code.NO_VOLUNTARY_MOVE, text=text)
    return why_outside(Action.MOVE, disruption, snapshot.now)


def _scale_down_waits(snapshot: Snapshot) -> bool:
    return why_outside(Action.SCALE_DOWN, snapshot.spec.disruption, snapshot.now) is not None


def _without_moves(placed: Placed, kept: frozenset[str], *, desired: int | None) -> Placed:
    """The best placement in which `kept` members lose nothing; with `desired` units, in which nobody gains anything."""
    problem = placed.problem
    choices = tuple(
        choice
        if choice.draining
        else _at_least(choice)
        if choice.name in kept
        else _at_most(choice)
        if desired is not None
        else choice
        for choice in problem.choices
    )
    problem = replace(problem, choices=choices, desired=problem.desired if desired is None else desired)
    solution = solve(problem)
    nodes = placed.nodes | {choice.name: size for choice, size in zip(choices, solution.nodes, strict=True)}
    units = problem.fixed_units + solution.units
    return replace(placed, nodes=nodes, units=units, problem=problem, solution=solution)


def _at_least(choice: Choice) -> Choice:
    size = _obliged(choice)
    first = -(-max(choice.first, size) // choice.step) * choice.step
    also = choice.also if choice.also is not None and choice.also >= size else None
    return _within(choice, size, first, choice.last, also)


def _at_most(choice: Choice) -> Choice:
    size = _obliged(choice)
    also = choice.also if choice.also is not None and choice.also <= size else None
    return _within(choice, size, choice.first, min(choice.last, size) // choice.step * choice.step, also)


def _within(choice: Choice, size: int, first: int, last: int, also: int | None) -> Choice:
    if first > last:
        return replace(choice, step=1, first=size, last=size, also=None)
    return replace(choice, first=first, last=last, also=also)
