"""Which constraints decide where the units go, and what each costs: the pool is solved again without each of them.

Constraints are priced by the best sizes, as if every saving were worth a move at once: else a pool at rest would stay as
it is without any of them, and none would bind. What staying costs is the price of moveWhenSaving alone.

Not a part of every pass: `decision` asks once for every plan that it publishes, and whenever somebody wants to know
(`plan`, `explain`, `cost`). Equal problems are remembered like any other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import islice

from multicloud.decide.place.levels import CEILING, ON_DEMAND, SPOT, cost_row, survival_name
from multicloud.decide.place.placing import solve
from multicloud.decide.place.prices import SCALE
from multicloud.decide.place.problem import Problem
from multicloud.decide.place.sizes import Choice, bounds_of
from multicloud.decide.standing import Standing
from multicloud.model.approval import Binding
from multicloud.model.spec import MemberState

_NODES_AT_MOST = 10_000
"""What `maxNodes` itself allows at most."""


def binding_constraints(
    problem: Problem, standings: Sequence[Standing], at_most: int | None = None
) -> tuple[Binding, ...]:
    """Name every constraint without which the sizes would be others, the one that costs most first.

    `at_most` constraints are tried, each with one more solution: those of the whole pool first. None: all of them.
    """
    found = [
        Binding(name=name, costs_per_hour=_difference(bound, free))
        for name, bound, free in islice(_freed(problem, standings), at_most)
        if _sizes(free) != _sizes(bound)
    ]
    return tuple(sorted(found, key=lambda one: (-(one.costs_per_hour or 0), one.name)))


def _freed(problem: Problem, standings: Sequence[Standing]) -> Iterator[tuple[str, Problem, Problem]]:
    """The name of a constraint, the problem with it, and the one without."""
    best = replace(problem, stays=False)
    if problem.stays:
        yield "allocation.moveWhenSaving", problem, best
    for name, free in (*_rules(best), *_members(best, standings)):
        yield name, best, free


def _rules(problem: Problem) -> Iterator[tuple[str, Problem]]:
    for survival in problem.survivals:
        others = tuple(one for one in problem.survivals if one is not survival)
        yield survival_name(survival.loss), replace(problem, survivals=others)
    if problem.on_demand:
        yield ON_DEMAND, replace(problem, on_demand=0)
    if problem.spot is not None:
        yield SPOT, replace(problem, spot=None)
    if problem.ceiling is not None:
        yield CEILING, replace(problem, ceiling=None)


def _members(problem: Problem, standings: Sequence[Standing]) -> Iterator[tuple[str, Problem]]:
    by_name = {standing.name: standing for standing in standings}
    sizes = _sizes(problem)
    for choice in problem.choices:
        spec, nodes = by_name[choice.name].view.spec, sizes[choice.name]
        if nodes == choice.last == spec.max_nodes // choice.step * choice.step:
            most = _NODES_AT_MOST // choice.step * choice.step
            yield f"members[{choice.name}].maxNodes", _with(problem, replace(choice, last=most))
        floor = max(spec.min_nodes, by_name[choice.name].record.adoption_floor or 0)
        if nodes == choice.first == -(-floor // choice.step) * choice.step > 0:
            field = "adoption" if floor > spec.min_nodes else f"members[{choice.name}].minNodes"
            yield field, _with(problem, replace(choice, first=0))
    for one in problem.fixed:
        standing = by_name[one.name]
        bounds = bounds_of(standing.view.spec, standing.facts)
        if standing.view.spec.state is MemberState.FROZEN and bounds.first <= bounds.last:
            others = tuple(other for other in problem.fixed if other is not one)
            free = replace(one, step=bounds.step, first=bounds.first, last=bounds.last, also=one.present)
            choices = tuple(sorted((*problem.choices, free), key=lambda choice: choice.name))
            yield f"members[{one.name}].state", replace(problem, choices=choices, fixed=others)


def _with(problem: Problem, choice: Choice) -> Problem:
    choices = tuple(choice if one.name == choice.name else one for one in problem.choices)
    return replace(problem, choices=choices)


def _sizes(problem: Problem) -> dict[str, int]:
    chosen = zip(problem.choices, solve(problem).nodes, strict=True)
    return {one.name: one.present for one in problem.fixed} | {choice.name: size for choice, size in chosen}


def _difference(bound: Problem, free: Problem) -> Decimal | None:
    """What the sizes cost more than those without the constraint; None where a price is not known."""
    if any(one.price is None for one in (*free.choices, *free.fixed)):
        return None
    return Decimal(_cost(bound) - _cost(free)) / SCALE


def _cost(problem: Problem) -> int:
    return cost_row(problem).value(solve(problem).nodes)
