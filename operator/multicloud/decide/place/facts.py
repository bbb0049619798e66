"""What a placement keeps, what gave way in it, and what it costs. From a Placed to the facts of the plan."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from multicloud.decide.place.levels import (
    CEILING,
    DESIRED,
    MAXIMUM,
    MINIMUM,
    ON_DEMAND,
    SPOT,
    shortfalls,
    survival_name,
    survivals,
)
from multicloud.decide.place.placing import Placed, solve
from multicloud.decide.place.prices import price_of
from multicloud.decide.place.problem import Problem
from multicloud.decide.standing import Standing
from multicloud.model.plan import Placing, Relaxed, Snapshot

_MORE: Final = "a higher maxNodes, another member, or mending those that are refused or back off"

_WOULD_HELP: Final[Mapping[str, str]] = {
    MINIMUM: _MORE,
    MAXIMUM: "smaller nodes, lower minNodes, or consent to less than was found (multicloud.dev/adopt)",
    DESIRED: f"{_MORE}; a higher allocation.maxHourlyCost where that binds",
    ON_DEMAND: "a higher maxNodes of OnDemand members, a higher maxReplicas or allocation.maxHourlyCost",
    SPOT: "a higher maxNodes of OnDemand members, lower minNodes of Spot ones",
}


def placing(
    placed: Placed, standings: Sequence[Standing], targets: Mapping[str, int | None], snapshot: Snapshot
) -> Placing:
    """The facts of a placement."""
    counted = [one for one in standings if not one.absent]
    gap = placed.solution.gap
    return Placing(
        relaxed=(*_relaxed(placed.problem, placed.solution.nodes), *_short_of_floors(placed)),
        hourly_cost_now=_cost(counted, {one.name: one.record.requested for one in counted}, snapshot.spec.currency),
        hourly_cost=_cost(counted, targets, snapshot.spec.currency),
        gap=Decimal(gap.numerator) / Decimal(gap.denominator),
        at_ceiling=at_ceiling(placed.problem),
    )


def short(problem: Problem, nodes: Sequence[int]) -> dict[str, int]:
    """By how many units each want is short at these sizes, those that are not left out; the ceiling is none of them."""
    wants = (*shortfalls(problem, None), *(survivals(problem) if problem.spread_only else ()))
    missed = ((want.name, want.value(nodes)) for want in wants if want.name != CEILING)
    return {name: by for name, by in missed if by}


def at_ceiling(problem: Problem) -> bool:
    """True when units are short that more money would buy."""
    if problem.ceiling is None:
        return False
    missed = short(problem, solve(problem).nodes)
    if not missed.keys() - {MINIMUM, MAXIMUM}:
        return False
    free = replace(problem, ceiling=None)
    return list(short(free, solve(free).nodes).items()) != list(missed.items())


def _relaxed(problem: Problem, nodes: Sequence[int]) -> Iterator[Relaxed]:
    missed = short(problem, nodes)
    names = {survival_name(one.loss): one for one in problem.survivals}
    for name, by in missed.items():
        if name in names:
            most = 100 * (names[name].units - by) // max(1, problem.desired)
            domain = names[name].loss.lower()
            would_help = f"capacity outside of the largest {domain}; as things are, {most} % can be kept at most"
        else:
            would_help = _WOULD_HELP[name]
        yield Relaxed(name=name, by=by, would_help=would_help)


def _short_of_floors(placed: Placed) -> Iterator[Relaxed]:
    for name, by in sorted(placed.short.items()):
        would_help = f"a higher maxNodes of {name}, a higher maxReplicas or allocation.maxHourlyCost; else mending it"
        yield Relaxed(name=f"members[{name}].podsFloor", by=by, would_help=would_help)


def _cost(standings: Sequence[Standing], nodes: Mapping[str, int | None], currency: str) -> Decimal | None:
    """What so many nodes cost in an hour, exactly; None where one price or size is not known."""
    total = Decimal(0)
    for standing in standings:
        price, count = price_of(standing.view.spec, currency), nodes[standing.name]
        if count is None or (price is None and count):
            return None
        total += (price or Decimal(0)) * count
    return total
