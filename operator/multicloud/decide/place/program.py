"""The integer program: whole nodes, level by level, solved with HiGHS. From a Problem to its Placement.

Each level is minimised, then kept as a bound for the next ones. Most pools lack nothing: so it is first asked whether
every shortfall can be nothing at once, and only where it cannot, one by one, what gives way. What is not proved within
the limits stands as far as it came, at worst the greedy placement; the gap is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import Final

from multicloud.decide.place.greedy import greedy
from multicloud.decide.place.levels import (
    ABOVE,
    Away,
    Distance,
    Hold,
    Level,
    Row,
    Shortfall,
    Total,
    cost_row,
    hold_of,
    nearness,
    preferences,
    shortfalls,
    ties,
    units_row,
    worth,
)
from multicloud.decide.place.problem import Placement, Problem
from multicloud.decide.place.sizes import Choice
from multicloud.decide.place.solver import Linear, Solver
from multicloud.model.spec import Strategy

NODES_AT_MOST: Final = 20_000
"""Search nodes per level, down to cost or fair shares: enough to prove them with a hundred members."""

NODES_FOR_TIES: Final = 2_000
"""Search nodes for each of the levels that only end ties, divided by the members: each takes longer the more there are."""

MEMBERS_FOR_NAMES: Final = 20
"""Members up to which ties that nodes moved leave open are ended by name; beyond, the search alone takes seconds."""


def solved_by_highs(problem: Problem) -> Placement:
    """Solve the problem. A pool that is dearer than its ceiling may also keep what it has, where that is better."""
    best, hold = _solved(problem, None), hold_of(problem)
    if hold is None or not hold.contains(problem, problem.present):
        return best
    return min(_solved(problem, hold), best, key=lambda one: worth(problem, one.nodes))


def _solved(problem: Problem, hold: Hold | None) -> Placement:
    """Try everything at nothing with exactly the desired units, then with more, then level by level."""
    wants, wishes = list(shortfalls(problem, hold)), list(preferences(problem))
    for exact in (True, False) if problem.strategy is not Strategy.COST else (False,):
        program = _Program(problem, hold)
        for want in wants:
            program.keep(want, 0)
        if exact:
            program.exactly_desired()
        if program.descend([wish for wish in wishes if not (exact and wish.name == ABOVE)]):
            return program.placement()
    program = _Program(problem, hold)
    if program.descend([*wants, *wishes]):
        return program.placement()
    nodes = greedy(problem, hold)
    # Nothing is proved of a placement without search.
    return Placement(nodes=nodes, units=problem.units(nodes), gap=Fraction(1))


class _Program:
    """One integer program over the sizes of a problem's choices."""

    def __init__(self, problem: Problem, hold: Hold | None) -> None:
        self._problem = problem
        self._solver = Solver()
        self._members = [_member(self._solver, choice) for choice in problem.choices]
        self._gap = Fraction(0)
        self._total = self._linear(units_row(problem))
        self._counted: Mapping[int, int] = {}
        self._count_total()
        if hold is not None:
            self._solver.row(self._total, None, hold.units)
            self._solver.row(self._linear(cost_row(problem)), None, hold.cost)

    def keep(self, want: Shortfall, value: int) -> None:
        """Demand that a shortfall is no larger than that."""
        self._solver.row(self._short(want), None, value)

    def exactly_desired(self) -> None:
        """Demand the desired units, or the next number above that whole nodes can add up to at all."""
        divisor = gcd(*self._total.factors.values())
        desired = self._problem.desired
        reach = desired + (self._total.constant - desired) % divisor if divisor else desired
        self._solver.row(self._total, reach, reach)

    def descend(self, levels: Sequence[Level]) -> bool:
        """Minimise these levels, then nearness to the shares, then what ends ties. False if no sizes were found."""
        units = self._problem.desired - self._problem.fixed_units
        for level in levels:
            if not self._minimise(level, NODES_AT_MOST):
                return False
        if self._solver.solved:
            units = self._problem.units(self._nodes())
        for level in nearness(self._problem, units):
            if not self._minimise(level, NODES_AT_MOST):
                return False
        # Where nothing has to move there is one way only, and nothing to search for.
        if self._solver.take(self._chosen(self._problem.present)):
            return True
        moved, names = ties(self._problem)
        nodes_at_most = NODES_FOR_TIES // max(1, len(self._members))
        if not self._minimise(moved, nodes_at_most):
            return False
        # Where the fewest moves are not proved, names settle nothing.
        if self._gap or len(self._members) > MEMBERS_FOR_NAMES:
            return True
        return self._minimise(names, nodes_at_most)

    def placement(self) -> Placement:
        """The best sizes found."""
        nodes = self._nodes()
        return Placement(nodes=nodes, units=self._problem.units(nodes), gap=self._gap)

    def _minimise(self, level: Level, nodes_at_most: int) -> bool:
        found = self._solver.minimise(self._aim(level), nodes_at_most=nodes_at_most)
        if found is None:
            return False
        if found.bound < found.value and not self._gap:
            self._gap = Fraction(found.value - found.bound, max(1, abs(found.value)))
        return True

    def _aim(self, level: Level) -> Linear:
        match level:
            case Shortfall():
                return self._solver.largest([self._short(level), Linear()])
            case Total():
                return self._linear(level.row)
            case Distance():
                return Linear.sum(self._away(part) for part in level.parts)

    def _short(self, want: Shortfall) -> Linear:
        row = self._linear(want.row)
        return row.plus(self._solver.largest(list(map(self._linear, want.worst)))) if want.worst else row

    def _away(self, part: Away) -> Linear:
        """A member's distance: the largest of the chords next to the pivot.

        The relaxed program then knows that a pivot between two sizes cannot be hit, which keeps the search short.
        """
        member, choice = self._members[part.index], self._problem.choices[part.index]
        steps = (choice.last - choice.first) // choice.step
        nearest = (part.pivot // part.scale - choice.first) // choice.step
        at = [part.value(choice.first + choice.step * step) for step in range(steps + 1)]
        starts = sorted({max(0, min(steps - 1, nearest + beside)) for beside in (-1, 0, 1)}) if steps else [0]
        lines = []
        for start in starts:
            slope = at[start + 1] - at[start] if steps else 0
            lowest = at[start] - slope * start
            line = Linear(constant=lowest).plus(member.steps.times(slope))
            if choice.also is not None:
                line = line.plus(member.stays.times(part.value(choice.also) - lowest))
            lines.append(line)
        return self._solver.largest(lines) if len(lines) > 1 else lines[0]

    def _linear(self, row: Row) -> Linear:
        sizes = (self._members[index].size.times(factor) for index, factor in row.factors.items())
        return Linear.sum([Linear(constant=row.constant), *sizes])

    def _count_total(self) -> None:
        """Make the total one whole number that the search can branch on, in steps of what divides all its parts."""
        total = self._total
        divisor = gcd(*total.factors.values())
        if not divisor:
            return
        most = sum((choice.highest - choice.lowest) * choice.units for choice in self._problem.choices)
        least = self._problem.lowest + self._problem.fixed_units
        offset = total.constant + (least - total.constant) // divisor * divisor
        counted = self._solver.integer(0, most // divisor).times(divisor).plus(Linear(constant=offset))
        self._solver.row(total.plus(counted.times(-1)), 0, 0)
        self._total, self._counted = counted, counted.factors

    def _chosen(self, nodes: Sequence[int]) -> dict[int, int]:
        """The values of all columns that are chosen where the members have these sizes."""
        values: dict[int, int] = {}
        for member, choice, size in zip(self._members, self._problem.choices, nodes, strict=True):
            stays = size == choice.also
            values |= dict.fromkeys(member.stays.factors, int(stays))
            values |= dict.fromkeys(member.steps.factors, 0 if stays else (size - choice.first) // choice.step)
        total = units_row(self._problem).value(nodes)
        return values | {column: (total - self._total.constant) // by for column, by in self._counted.items()}

    def _nodes(self) -> tuple[int, ...]:
        return tuple(self._solver.value(member.size) for member in self._members)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """A choice in the program: steps above its first size, or (`stays` is 1, `steps` 0) its other size."""

    steps: Linear
    stays: Linear
    size: Linear


def _member(solver: Solver, choice: Choice) -> _Member:
    most = (choice.last - choice.first) // choice.step
    steps = solver.integer(0, most)
    size = Linear(constant=choice.first).plus(steps.times(choice.step))
    if choice.also is None:
        return _Member(steps=steps, stays=Linear(), size=size)
    stays = solver.integer(0, 1)
    solver.row(steps.plus(stays.times(most)), 0, most)
    return _Member(steps=steps, stays=stays, size=size.plus(stays.times(choice.also - choice.first)))
