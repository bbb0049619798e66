"""The integer program: whole nodes, level by level, solved with HiGHS. From a Problem to its Placement.

Each level is minimised, then kept as a bound for the next ones. Every value is an integer, so an absolute gap below
one proves the optimum. HiGHS is told to be reproducible: one thread, one seed, a limit in search nodes before one in
seconds. What it cannot prove within the limit stands as far as it came, at worst the greedy placement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Final

from multicloud.decide.place.greedy import greedy, towards
from multicloud.decide.place.problem import Placement, Problem
from multicloud.decide.place.shares import fair_shares, tiers
from multicloud.decide.place.sizes import Choice
from multicloud.decide.place.solver import Linear, Solver

NODES_AT_MOST: Final = 1000
"""Search nodes per level. Small units per node need some dozens, a hundred members included; odd ones of many hundred
units may meet it."""


def solved_by_highs(problem: Problem, total: int | None) -> Placement:
    """Solve the problem. `total` is the best sum of chosen units where it is known beforehand."""
    if total is None:
        found = _best_total(problem)
        nodes = found if found is not None else greedy(problem)
        total = _units(problem.choices, nodes)
    shares = fair_shares(problem.choices, total, problem.strategy)
    nearest = _Nearest(problem, total, shares)
    return Placement(nodes=nearest.solve(), units=total)


def _units(choices: Sequence[Choice], nodes: Sequence[int]) -> int:
    return sum(choice.units * size for choice, size in zip(choices, nodes, strict=True))


def _best_total(problem: Problem) -> list[int] | None:
    """Sizes with the best total: the first four levels depend on nothing else.

    First the smallest total that reaches desired within maxReplicas; else the largest within maxReplicas, if it
    reaches minReplicas; else the smallest that reaches minReplicas; else the largest of all.
    """
    fixed = problem.fixed_units
    best: list[int] | None = None
    for low, high, sense in (
        (problem.desired - fixed, problem.maximum - fixed, 1),
        (problem.minimum - fixed, problem.maximum - fixed, -1),
        (problem.minimum - fixed, problem.highest, 1),
        (problem.lowest, problem.maximum - fixed, -1),
    ):
        best = _extreme_total(problem, low, high, sense)
        if best is not None:
            return best
    return best


def _extreme_total(problem: Problem, low: int, high: int, sense: int) -> list[int] | None:
    """Sizes with the smallest (`sense` 1) or largest (-1) total from `low` to `high`, None where there are none."""
    low, high = max(low, problem.lowest), min(high, problem.highest)
    if low > high:
        return None
    solver = Solver(nodes_at_most=NODES_AT_MOST)
    sizes = [_size(solver, choice) for choice in problem.choices]
    total = Linear.sum(size.times(choice.units) for choice, size in zip(problem.choices, sizes, strict=True))
    divisor = gcd(*total.factors.values())
    start = total.constant
    # Only multiples of the divisor can be reached: tell it, or the search has to find out.
    low = start + -((start - low) // divisor) * divisor if divisor else low
    high = start + (high - start) // divisor * divisor if divisor else high
    if low > high or not (divisor or low <= start <= high):
        return None
    solver.row(total, low, high)
    if not solver.minimise(total.times(sense)):
        return None
    return [solver.value(size) for size in sizes]


def _size(solver: Solver, choice: Choice) -> Linear:
    """A choice's size in nodes: a multiple of its step inside the bounds, or the other size that may stay."""
    if choice.also is None:
        return solver.integer(choice.first // choice.step, choice.last // choice.step).times(choice.step)
    stays = solver.integer(0, 1)
    steps = solver.integer(0, (choice.last - choice.first) // choice.step)
    solver.row(steps.plus(stays.times(steps_most(choice))), 0, steps_most(choice))
    chosen = Linear(constant=choice.first).plus(steps.times(choice.step))
    return chosen.plus(stays.times(choice.also - choice.first))


def steps_most(choice: Choice) -> int:
    """How many steps the choice spans."""
    return (choice.last - choice.first) // choice.step


@dataclass(frozen=True, slots=True, kw_only=True)
class _Distance:
    """One member in the second program: its size, and how far from its share that is, both linear."""

    choice: Choice
    size: Linear
    distance: Linear
    least: int
    """The smallest distance that the member alone can have."""


class _Nearest:
    """The levels after the total: nearest to fair shares, fewest nodes moved, names."""

    def __init__(self, problem: Problem, total: int, shares: Mapping[str, int]) -> None:
        self._problem = problem
        self._choices = problem.choices
        self._shares = shares
        self._total = total
        self._solver = Solver(nodes_at_most=NODES_AT_MOST)
        self._members = [self._distance(choice) for choice in self._choices]
        units = Linear.sum(member.size.times(member.choice.units) for member in self._members)
        self._solver.row(units, total, total)

    def solve(self) -> tuple[int, ...]:
        """The best sizes found."""
        everybody = range(len(self._choices))
        if not self._solver.minimise(Linear.sum(member.distance for member in self._members)):
            return tuple(towards(self._problem, self._total, self._shares))
        groups = self._groups()
        for group in groups:
            value = sum(self._off(index) for index in group)
            # What was just minimised for everybody together is the first level itself where there is one group.
            least = sum(self._members[index].least for index in group) if len(groups) > 1 else value
            self._level(Linear.sum(self._members[index].distance for index in group), least=least, value=value)
        moved = Linear.sum(self._moved(index) for index in everybody)
        self._level(moved, least=0, value=sum(self._moves(index) for index in everybody))
        names = Linear.sum(self._members[index].size.times(index) for index in everybody)
        if any(self._moves(index) for index in everybody):
            self._level(names, least=0, value=self._solver.value(names))
        return tuple(self._sizes())

    def _level(self, aim: Linear, *, least: int, value: int) -> None:
        """Minimise `aim` unless the present sizes, at `value`, already have the least there can be; then keep it."""
        if value > least and self._solver.minimise(aim):
            reached = self._solver.value(aim)
            if reached > value:
                # Cut off by the limit: what stood before was better, and satisfies every level above.
                self._solver.go_back()
            value = min(value, reached)
        self._solver.row(aim, None, value)

    def _groups(self) -> list[list[int]]:
        numbers = {choice.name: index for index, choice in enumerate(self._choices)}
        return [[numbers[choice.name] for choice in tier] for tier in tiers(self._choices, self._problem.strategy)]

    def _distance(self, choice: Choice) -> _Distance:
        """The member's size as steps up and down from the one below its share.

        The step that crosses the share costs less than the others. Written so, the relaxed program knows that no
        whole size hits a share between two of them, which keeps the search short.
        """
        solver, step, per_step = self._solver, choice.step, choice.step * choice.units
        share = self._shares[choice.name]
        base = max(choice.first, min(choice.last, share // per_step * step))
        up, down = (choice.last - base) // step, (base - choice.first) // step
        crossing, more, less = (solver.integer(0, most) for most in (min(up, 1), max(up - 1, 0), down))
        at_base = abs(base * choice.units - share)
        cross = abs((base + step) * choice.units - share) - at_base
        size = Linear(constant=base).plus(crossing.times(step)).plus(more.times(step)).plus(less.times(-step))
        distance = Linear(constant=at_base).plus(crossing.times(cross))
        distance = distance.plus(more.times(per_step)).plus(less.times(per_step))
        least = at_base + min(0, cross if up else 0)
        if choice.also is not None:
            stays = solver.integer(0, 1)
            for steps, most in ((crossing, 1), (more, max(up - 1, 0)), (less, down)):
                solver.row(steps.plus(stays.times(most)), 0, most)
            at_also = abs(choice.also * choice.units - share)
            size = size.plus(stays.times(choice.also - base))
            distance = distance.plus(stays.times(at_also - at_base))
            least = min(least, at_also)
        return _Distance(choice=choice, size=size, distance=distance, least=least)

    def _moved(self, index: int) -> Linear:
        size, present = self._members[index].size, self._choices[index].present
        moved = self._solver.amount()
        self._solver.row(moved.plus(size), present, None)
        self._solver.row(moved.plus(size.times(-1)), -present, None)
        return moved

    def _sizes(self) -> list[int]:
        return [self._solver.value(member.size) for member in self._members]

    def _off(self, index: int) -> int:
        choice = self._choices[index]
        return abs(self._solver.value(self._members[index].size) * choice.units - self._shares[choice.name])

    def _moves(self, index: int) -> int:
        return abs(self._solver.value(self._members[index].size) - self._choices[index].present)
