"""A second reading of the rules of allocation, for the solver CP-SAT. It shares nothing with the product's program.

Only the statement of a problem is the product's own. Sizes, shares, domains and every level are written anew from
docs/allocation.md, level after level on one growing model of CP-SAT, which reckons in whole numbers only.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import inf
from typing import Any, Protocol

from ortools.sat.python import cp_model

from multicloud.decide.place.problem import Problem
from multicloud.decide.place.sizes import Choice
from multicloud.model.spec import Loss, Strategy


class Arithmetic(Protocol):
    """What a level is reckoned with: plain numbers, or expressions of a model."""

    def largest(self, terms: Sequence[Any]) -> Any: ...

    def distance(self, value: Any, pivot: int) -> Any: ...


Level = tuple[str, Any]


def sizes(choice: Choice) -> list[int]:
    """Every size that a choice allows."""
    inside = [nodes for nodes in range(choice.first, choice.last + 1) if nodes % choice.step == 0]
    return sorted({*inside, *([] if choice.also is None else [choice.also])})


def kept(problem: Problem) -> list[int]:
    """What is there already, each choice at the nearest size that it allows, the smaller of two."""
    return [min(sizes(one), key=lambda size: (abs(size - one.present), size)) for one in problem.choices]


def shares(problem: Problem, units: int) -> dict[str, int]:
    """Fair shares by bisection on the sorted levels at which a member meets a bound, in fractions."""
    groups: dict[tuple[bool, int], list[Choice]] = {}
    for one in problem.choices:
        rank = -one.priority if problem.strategy is Strategy.PRIORITY else 0
        groups.setdefault((one.draining, rank), []).append(one)
    spare = units - sum(_low(one) for one in problem.choices)
    given: dict[str, int] = {}
    for key in sorted(groups):
        group = groups[key]
        room = sum(_high(one) - _low(one) for one in group)
        part = max(0, min(spare, room))
        spare -= part
        given |= _by_weight(group, part + sum(map(_low, group)))
    return given


def _low(one: Choice) -> int:
    return min(sizes(one)) * one.units


def _high(one: Choice) -> int:
    return max(sizes(one)) * one.units


def _by_weight(group: Sequence[Choice], units: int) -> dict[str, int]:
    weighty = [one for one in group if one.weight]
    rest = [one for one in group if not one.weight]
    first = min(units - sum(map(_low, rest)), sum(map(_high, weighty)))
    exact = _filled(weighty, [one.weight for one in weighty], first)
    exact |= _filled(rest, [1 for _ in rest], units - first)
    whole = {name: int(share) for name, share in exact.items()}
    left = int(sum(exact.values(), Fraction(0))) - sum(whole.values())
    for name in sorted(exact, key=lambda name: (-(exact[name] - whole[name]), name))[:left]:
        whole[name] += 1
    return whole


def _filled(group: Sequence[Choice], weights: Sequence[int], units: int) -> dict[str, Fraction]:
    def carried(level: Fraction) -> list[Fraction]:
        return [
            max(Fraction(_low(one)), min(Fraction(_high(one)), level * weight))
            for one, weight in zip(group, weights, strict=True)
        ]

    meets = {
        Fraction(bound(one), weight) for one, weight in zip(group, weights, strict=True) for bound in (_low, _high)
    }
    levels = sorted({Fraction(0), *meets})
    below = max((level for level in levels if sum(carried(level)) <= units), default=Fraction(0))
    growing = sum(
        weight for one, weight in zip(group, weights, strict=True) if _low(one) <= below * weight < _high(one)
    )
    level = below + Fraction(units - sum(carried(below)), growing) if growing else below
    return dict(zip((one.name for one in group), carried(level), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over the chosen and the fixed, as numbers or as expressions."""

    units: Any
    cost: Any
    spot: Any
    firm: Any
    standing: Any
    lost: dict[Loss, list[Any]]


def totals(problem: Problem, nodes: Sequence[Any]) -> Totals:
    """Add up what the rules speak of."""
    everybody = [*zip(problem.choices, nodes, strict=True), *((one, one.present) for one in problem.fixed)]

    def added(worth: Callable[[Choice], int]) -> Any:
        return sum(worth(one) * size for one, size in everybody)

    lost: dict[Loss, list[Any]] = {}
    for loss in Loss:
        domains: dict[tuple[str, ...], list[Any]] = {}
        for one, size in everybody:
            key = {Loss.CLOUD: (one.cloud,), Loss.REGION: (one.cloud, one.region), Loss.MEMBER: (one.name,)}[loss]
            domains.setdefault(key, []).append(0 if one.draining else one.units * size)
        lost[loss] = [sum(parts) for parts in domains.values()]
    return Totals(
        units=added(lambda one: one.units),
        cost=added(lambda one: one.price or 0),
        spot=added(lambda one: one.units if one.spot else 0),
        firm=added(lambda one: 0 if one.spot or one.draining else one.units),
        standing=added(lambda one: 0 if one.draining else one.units),
        lost=lost,
    )


def bounds(problem: Problem, nodes: Sequence[Any], with_: Arithmetic) -> Iterator[Level]:
    """The levels above the ceiling."""
    sums = totals(problem, nodes)
    yield "minimum", with_.largest([0, problem.minimum - sums.units])
    yield "maximum", with_.largest([0, sums.units - problem.maximum])


def wishes(problem: Problem, nodes: Sequence[Any], with_: Arithmetic) -> Iterator[Level]:
    """Every level below the ceiling, down to where fair shares need the total."""
    sums, costs = totals(problem, nodes), problem.strategy is Strategy.COST
    survive = [
        (f"survive {one.loss}", with_.largest([0, *(one.units - sums.standing + lost for lost in sums.lost[one.loss])]))
        for one in problem.survivals
    ]
    above = ("above", sums.units - problem.desired)
    yield "desired", with_.largest([0, problem.desired - sums.units])
    yield from () if problem.spread_only else survive
    yield "on demand", with_.largest([0, problem.on_demand - sums.firm])
    if problem.spot is not None:
        yield "spot", with_.largest([0, sums.spot - problem.spot])
    if problem.spread_only:
        yield from (above, *survive)
    elif not costs:
        yield above
    if costs:
        leaving = [
            one.units * size
            for one, size in zip(problem.choices, nodes, strict=True)
            if one.draining or one.price is None
        ]
        yield "leaving", sum(leaving)
        if problem.stays:
            yield "moved for a saving", _moved_for_saving(problem, nodes, with_)
        yield "cost", sums.cost
        yield from () if problem.spread_only else (above,)


def _moved_for_saving(problem: Problem, nodes: Sequence[Any], with_: Arithmetic) -> Any:
    present = kept(problem)
    shrinks = totals(problem, present).units > problem.desired
    terms = zip(problem.choices, nodes, present, strict=True)
    return sum(one.units * with_.largest([0, size - now if shrinks else now - size]) for one, size, now in terms)


def nearness(problem: Problem, nodes: Sequence[Any], units: int, with_: Arithmetic) -> Iterator[Level]:
    """Distances from fair shares, the first group first; for Cost there are none."""
    if problem.strategy is Strategy.COST:
        return
    fair = shares(problem, units)
    for last in (False, True):
        group = [(one, size) for one, size in zip(problem.choices, nodes, strict=True) if one.draining is last]
        ranks = {one.priority for one, _ in group} if problem.strategy is Strategy.PRIORITY else {0}
        for rank in sorted(ranks, reverse=True):
            members = [(o, s) for o, s in group if problem.strategy is Strategy.WEIGHTED or o.priority == rank]
            if members:
                far = sum(with_.distance(one.units * size, fair[one.name]) for one, size in members)
                yield f"fair shares {last} {rank}", far


def ties(problem: Problem, nodes: Sequence[Any], with_: Arithmetic) -> Iterator[Level]:
    """What ends ties."""
    pairs = list(zip(problem.choices, nodes, strict=True))
    yield "moved", sum(with_.distance(size, one.present) for one, size in pairs)
    yield "names", sum(rank * size for rank, (_one, size) in enumerate(pairs))


class Numbers:
    """Plain whole numbers."""

    def largest(self, terms: Sequence[int]) -> int:
        return max(terms)

    def distance(self, value: int, pivot: int) -> int:
        return abs(value - pivot)


def worth(problem: Problem, nodes: Sequence[int]) -> dict[str, int]:
    """Every level's value at these sizes; the ceiling is judged apart."""
    units = sum(one.units * size for one, size in zip(problem.choices, nodes, strict=True))
    numbers = Numbers()
    return dict(
        [
            *bounds(problem, nodes, numbers),
            *wishes(problem, nodes, numbers),
            *nearness(problem, nodes, units, numbers),
            *ties(problem, nodes, numbers),
        ]
    )


def within_ceiling(problem: Problem, every: Sequence[Sequence[int]]) -> list[Sequence[int]]:
    """Of sizes that are best down to the maximum, those that cost no more than they have to, or than is held."""
    if problem.ceiling is None:
        return list(every)
    held = totals(problem, kept(problem))
    least = max(problem.ceiling, min(totals(problem, nodes).cost for nodes in every))
    within = []
    for nodes in every:
        sums = totals(problem, nodes)
        holds = held.cost > problem.ceiling and sums.units <= held.units and sums.cost <= held.cost
        if sums.cost <= least or holds:
            within.append(nodes)
    return within


def by_hand(problem: Problem) -> dict[str, int]:
    """The best values of all levels, by looking at every combination of sizes."""
    every: list[Sequence[int]] = list(product(*map(sizes, problem.choices)))

    def first(nodes: Sequence[int]) -> tuple[int, ...]:
        return tuple(value for _name, value in bounds(problem, nodes, Numbers()))

    best = min(map(first, every))
    allowed = within_ceiling(problem, [nodes for nodes in every if first(nodes) == best])
    return min((worth(problem, nodes) for nodes in allowed), key=lambda levels: tuple(levels.values()))


class OutOfTime(Exception):
    """CP-SAT has not proved every level within its time."""


class Model:
    """A model of CP-SAT, with what a level is reckoned with. It has `left_s` of searching for all levels together."""

    def __init__(self, problem: Problem, left_s: float) -> None:
        self.model = cp_model.CpModel()
        self._left_s = left_s
        self.nodes = [
            self.model.new_int_var_from_domain(cp_model.Domain.from_values(sizes(one)), one.name)
            for one in problem.choices
        ]
        self._most = 1 << 44

    def largest(self, terms: Sequence[Any]) -> Any:
        top = self.model.new_int_var(-self._most, self._most, "")
        self.model.add_max_equality(top, list(terms))
        return top

    def distance(self, value: Any, pivot: int) -> Any:
        return self.largest([value - pivot, pivot - value])

    def minimise(self, aim: Any) -> int:
        """The least value, proved; it is kept from then on. Raises OutOfTime."""
        if isinstance(aim, int):
            return aim
        self.model.minimize(aim)
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = 1
        solver.parameters.max_time_in_seconds = max(0.0, self._left_s)
        status = solver.solve(self.model)
        self._left_s -= solver.wall_time
        if status in {cp_model.UNKNOWN, cp_model.FEASIBLE}:
            raise OutOfTime
        assert status == cp_model.OPTIMAL, solver.status_name(status)
        least = round(solver.objective_value)
        self.model.add(aim <= least)
        self.found = [solver.value(one) for one in self.nodes]
        return least


def by_cp_sat(problem: Problem, within_s: float = inf) -> dict[str, int]:
    """The best values of all levels, by CP-SAT. Raises OutOfTime."""
    runs = [_run(problem, within_s, hold=False)]
    if problem.ceiling is not None and totals(problem, kept(problem)).cost > problem.ceiling:
        runs.append(_run(problem, within_s, hold=True))
    return min((run for run in runs if run is not None), key=lambda levels: tuple(levels.values()))


def _run(problem: Problem, within_s: float, *, hold: bool) -> dict[str, int] | None:
    model = Model(problem, within_s)
    nodes = model.nodes
    found: dict[str, int] = {}
    for name, aim in bounds(problem, nodes, model):
        found[name] = model.minimise(aim)
    sums = totals(problem, nodes)
    if hold:
        held = totals(problem, kept(problem))
        model.model.add(sums.cost <= held.cost)
        model.model.add(sums.units <= held.units)
        checked = cp_model.CpSolver()
        if checked.solve(model.model) == cp_model.INFEASIBLE:
            return None
    elif problem.ceiling is not None:
        model.minimise(model.largest([sums.cost, problem.ceiling]))
    for name, aim in wishes(problem, nodes, model):
        found[name] = model.minimise(aim)
    units = sum(one.units * size for one, size in zip(problem.choices, model.found, strict=True))
    for name, aim in (*nearness(problem, nodes, units, model), *ties(problem, nodes, model)):
        found[name] = model.minimise(aim)
    return found
