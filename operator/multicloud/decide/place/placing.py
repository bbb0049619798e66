"""Places the wished units on whole nodes. From standings and a wish to nodes per member; solved problems are remembered.

The levels, most important first, are in `levels`; docs/allocation.md has them as formulas.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from multicloud.decide.place.levels import CEILING, cost_row, shortfalls, survivals
from multicloud.decide.place.lifting import Lifted, lifted
from multicloud.decide.place.prices import scaled_ceiling
from multicloud.decide.place.problem import Placement, Problem, Survival
from multicloud.decide.place.saving import Costs, judged, prices_of
from multicloud.decide.place.shares import fair_shares
from multicloud.decide.place.sizes import Choice, choice_of, fixed_choice
from multicloud.decide.scale.wish import Wish
from multicloud.decide.standing import Standing
from multicloud.model.plan import Snapshot
from multicloud.model.record import Saving
from multicloud.model.spec import Loss, PoolSpec, Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Nodes per member (what is held on top not counted), and the problem that they solve.

    `chosen` names the members that had a choice; the others count with what they have. `saving` is that of a cheaper
    placement that nodes would have to move for, None where none is worth it. `on_top` are the units by which members were
    lifted for pods of their clusters, `short` those that these pods need and nobody there can have, both by member.
    """

    nodes: dict[str, int]
    chosen: frozenset[str]
    units: int
    problem: Problem
    solution: Placement
    saving: Saving | None
    on_top: Mapping[str, int] = field(default_factory=dict)
    short: Mapping[str, int] = field(default_factory=dict)


def place(standings: Sequence[Standing], snapshot: Snapshot, wished: Wish) -> Placed:
    """Choose a size for every member; those that failed lately only where the others cannot carry what is desired."""
    placed = _place(standings, snapshot, wished, pressing=False)
    lacks = placed.short or placed.units < wished.desired
    if lacks and any(one.record.attempts for one in standings):
        return _place(standings, snapshot, wished, pressing=True)
    return placed


def _place(standings: Sequence[Standing], snapshot: Snapshot, wished: Wish, *, pressing: bool) -> Placed:
    problem = problem_of(standings, snapshot, wished.desired, pressing=pressing)
    lift = _lift(problem, standings, _most(snapshot, wished))
    problem, saving = _may_move(lift.problem, snapshot)
    solution = solve(problem)
    nodes = {one.name: one.present for one in problem.fixed}
    nodes |= {choice.name: size for choice, size in zip(problem.choices, solution.nodes, strict=True)}
    return Placed(
        nodes=nodes,
        chosen=frozenset(choice.name for choice in problem.choices),
        units=problem.fixed_units + solution.units,
        problem=problem,
        solution=solution,
        saving=saving,
        on_top=lift.by,
        short=lift.short,
    )


def _lift(problem: Problem, standings: Sequence[Standing], most: int) -> Lifted:
    """The problem with what members are to have for the pods of their clusters, no more than `most` units in all."""
    kept = {one.name: one.record.pods_floor.nodes for one in standings if one.record.pods_floor is not None}
    return lifted(problem, solve(problem), kept, most) if kept else Lifted(problem=problem, by={}, short={})


def _most(snapshot: Snapshot, wished: Wish) -> int:
    """The lowest upper bound of pool, policy and override: what bounds the number bounds what comes on top of it."""
    policy, seen = snapshot.policy, wished.override
    bounds = [snapshot.spec.max_replicas, None if policy is None else policy.most]
    if seen is not None and seen.active(snapshot.now):
        bounds.append(seen.override.max_replicas)
    return min(bound for bound in bounds if bound is not None)


def problem_of(standings: Sequence[Standing], snapshot: Snapshot, desired: int, *, pressing: bool) -> Problem:
    """State the problem: what each member may have, and what is wanted of all."""
    spec = snapshot.spec
    choices: list[Choice] = []
    fixed: list[Choice] = []
    # Sorted, so that the order of spec.members never decides anything.
    for standing in sorted(standings, key=lambda one: one.name):
        choice = choice_of(standing, spec, snapshot.now, pressing=pressing)
        if isinstance(choice, Choice):
            choices.append(choice)
        else:
            fixed.append(fixed_choice(standing, spec, choice))
    return Problem(
        strategy=spec.strategy,
        minimum=spec.min_replicas,
        desired=desired,
        maximum=spec.max_replicas,
        choices=tuple(choices),
        fixed=tuple(fixed),
        survivals=_survivals(spec, desired),
        # The next loss is a goal only: units on top for it would double what the first one costs.
        spread_only=any(one.lost for one in standings),
        on_demand=min(spec.min_on_demand, desired),
        spot=None if spec.max_spot_percent == 100 else spec.max_spot_percent * desired // 100,
        ceiling=None if spec.max_hourly_cost is None else scaled_ceiling(spec.max_hourly_cost),
    )


def _survivals(spec: PoolSpec, desired: int) -> tuple[Survival, ...]:
    percents = {rule.loss: rule.keep_percent for rule in spec.survive}
    return tuple(
        Survival(loss=loss, units=-(-percents[loss] * desired // 100)) for loss in Loss if percents.get(loss, 0)
    )


def _may_move(problem: Problem, snapshot: Snapshot) -> tuple[Problem, Saving | None]:
    """The problem without moves for a saving that is not worth it yet, and what to remember of that saving."""
    if problem.strategy is not Strategy.COST:
        return problem, None
    cost, staying = cost_row(problem), replace(problem, stays=True)
    costs = Costs(
        now=cost.value(problem.present),
        staying=cost.value(solve(staying).nodes),
        moving=cost.value(solve(problem).nodes),
        under_way=snapshot.record.standing_in > 0,
    )
    saving = judged(costs, prices_of(problem), snapshot.spec.saving, snapshot.record.saving, snapshot.now)
    return (problem if saving is not None and saving.moving else staying), saving


@lru_cache(maxsize=2048)
def solve(problem: Problem) -> Placement:
    """Solve a problem, or remember its solution. Closed form where it is exact, else HiGHS."""
    closed = _closed(problem)
    if closed is not None:
        return Placement(nodes=closed, units=problem.units(closed))
    from multicloud.decide.place.program import solved_by_highs

    return solved_by_highs(problem)


def _closed(problem: Problem) -> tuple[int, ...] | None:
    """The sizes where they follow without search: everybody at its most, or exactly at its share with nothing short."""
    wanted = problem.desired - problem.fixed_units
    wants = [*shortfalls(problem, None), *survivals(problem)]
    if problem.highest <= wanted:
        most = tuple(choice.highest for choice in problem.choices)
        dear = any(want.value(most) for want in wants if want.name == CEILING)
        return None if dear else most
    if problem.strategy is Strategy.COST:
        return None
    shares = fair_shares(problem.choices, max(problem.lowest, wanted), problem.strategy)
    nodes = tuple(shares[choice.name] // choice.units for choice in problem.choices)
    whole = all(
        size * choice.units == shares[choice.name] and choice.allows(size)
        for choice, size in zip(problem.choices, nodes, strict=True)
    )
    # Nobody is off its share and nothing is short: no other sizes are as good, so the program need not be asked.
    return nodes if whole and not any(want.value(nodes) for want in wants) else None
