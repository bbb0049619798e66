"""Places the wished units on whole nodes. From standings and a wish to nodes per member; solved problems are remembered.

The levels, most important first (docs/decisions/0002-whole-node-placement.md): missing to minReplicas, above
maxReplicas, missing to desired, above desired, distance from fair shares, nodes moved, names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from multicloud.decide.place.problem import Placement, Problem
from multicloud.decide.place.shares import fair_shares
from multicloud.decide.place.sizes import Choice, choice_of
from multicloud.decide.scale.wish import Wish
from multicloud.decide.standing import Standing
from multicloud.model.spec import PoolSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Nodes per member (what is held on top not counted), and the problem that they solve.

    `chosen` names the members that had a choice; the others count with what they have.
    """

    nodes: dict[str, int]
    chosen: frozenset[str]
    units: int
    problem: Problem


def place(standings: Sequence[Standing], spec: PoolSpec, wished: Wish, now: datetime) -> Placed:
    """Choose a size for every member; those that failed lately only where the others cannot carry what is desired."""
    placed = _place(standings, spec, wished, now, pressing=False)
    if placed.units < wished.desired and any(one.record.attempts for one in standings):
        return _place(standings, spec, wished, now, pressing=True)
    return placed


def _place(standings: Sequence[Standing], spec: PoolSpec, wished: Wish, now: datetime, *, pressing: bool) -> Placed:
    nodes: dict[str, int] = {}
    choices: list[Choice] = []
    fixed_units = 0
    # Sorted, so that the order of spec.members never decides anything.
    for standing in sorted(standings, key=lambda one: one.name):
        choice = choice_of(standing, spec.failover, now, pressing=pressing)
        if isinstance(choice, Choice):
            choices.append(choice)
        else:
            nodes[standing.name] = choice
            fixed_units += choice * standing.units_per_node
    problem = Problem(
        strategy=spec.strategy,
        minimum=spec.min_replicas,
        desired=wished.desired,
        maximum=spec.max_replicas,
        fixed_units=fixed_units,
        choices=tuple(choices),
    )
    solution = solve(problem)
    nodes |= {choice.name: size for choice, size in zip(choices, solution.nodes, strict=True)}
    chosen = frozenset(choice.name for choice in choices)
    return Placed(nodes=nodes, chosen=chosen, units=fixed_units + solution.units, problem=problem)


@lru_cache(maxsize=2048)
def solve(problem: Problem) -> Placement:
    """Solve a problem, or remember its solution. Closed form where it is exact, else HiGHS."""
    total = problem.plain_total()
    if total is not None:
        shares = fair_shares(problem.choices, total, problem.strategy)
        sizes = [shares[choice.name] // choice.units for choice in problem.choices]
        whole = all(
            size * choice.units == shares[choice.name] and choice.allows(size)
            for choice, size in zip(problem.choices, sizes, strict=True)
        )
        if whole:
            # Nobody is off its share: no other sizes are as good, so the program need not be asked.
            return Placement(nodes=tuple(sizes), units=total)
    from multicloud.decide.place.program import solved_by_highs

    return solved_by_highs(problem, total)
