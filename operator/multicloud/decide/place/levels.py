"""What is wanted of the sizes, the most important first: each level as a whole number that should be small.

`program` minimises one after the other and `greedy` compares by them; both take the numbers from here. A level's value
is exact for any sizes, so whatever a solver says is checked against it. docs/allocation.md has the formulas.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from multicloud.decide.place.problem import Problem
from multicloud.decide.place.shares import fair_shares, tiers
from multicloud.decide.place.sizes import Choice
from multicloud.model.spec import Loss, MemberSpec, Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`constant` + Σ factor × nodes, the factors by index of the choice."""

    constant: int
    factors: Mapping[int, int]

    def value(self, nodes: Sequence[int]) -> int:
        """The row's value at these sizes."""
        return self.constant + sum(factor * nodes[index] for index, factor in self.factors.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """How far the row, and the largest of `worst` on top of it, are above nothing."""

    name: str
    row: Row
    worst: tuple[Row, ...] = ()

    def value(self, nodes: Sequence[int]) -> int:
        """The level's value at these sizes."""
        return max(0, self.row.value(nodes) + max((row.value(nodes) for row in self.worst), default=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A plain sum."""

    name: str
    row: Row

    def value(self, nodes: Sequence[int]) -> int:
        """The level's value at these sizes."""
        return self.row.value(nodes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """How far the member with this index is from a pivot: `above` and `below` it per scaled node."""

    index: int
    scale: int
    pivot: int
    above: int = 1
    below: int = 1

    def value(self, nodes: int) -> int:
        """The distance of one size."""
        off = self.scale * nodes - self.pivot
        return self.above * off if off > 0 else -self.below * off


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """A sum of distances over members."""

    name: str
    parts: tuple[Away, ...]

    def value(self, nodes: Sequence[int]) -> int:
        """The level's value at these sizes."""
        return sum(part.value(nodes[part.index]) for part in self.parts)


Level = Shortfall | Total | Distance


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What a pool that is dearer than its ceiling may keep, but not go beyond: units and cost, fixed ones too."""

    units: int
    cost: int

    def contains(self, problem: Problem, nodes: Sequence[int]) -> bool:
        """True when the sizes do not go beyond it."""
        return units_row(problem).value(nodes) <= self.units and cost_row(problem).value(nodes) <= self.cost


def hold_of(problem: Problem) -> Hold | None:
    """What the present sizes hold, where they are dearer than the ceiling."""
    cost = cost_row(problem).value(problem.present)
    if problem.ceiling is None or cost <= problem.ceiling:
        return None
    return Hold(units=units_row(problem).value(problem.present), cost=cost)


MINIMUM, MAXIMUM, CEILING, DESIRED = "minReplicas", "maxReplicas", "allocation.maxHourlyCost", "desiredReplicas"
ABOVE = "above desired"
ON_DEMAND, SPOT = "allocation.spot.minOnDemandReplicas", "allocation.spot.maxPercent"


def survival_name(loss: Loss) -> str:
    """The field of the spec that a survival comes from."""
    return f"allocation.survive[{loss}]"


def units_row(problem: Problem) -> Row:
    """All units, fixed ones too."""
    return _row(problem, lambda choice: choice.units)


def cost_row(problem: Problem) -> Row:
    """What all nodes cost as far as prices are known; what has none never grows."""
    return _row(problem, lambda choice: choice.price or 0)


def shortfalls(problem: Problem, hold: Hold | None) -> Iterator[Shortfall]:
    """What should be nothing, the most important first. With `hold`, the ceiling is the hold's, which is hard."""
    total = units_row(problem)
    yield Shortfall(name=MINIMUM, row=_minus(problem.minimum, total))
    yield Shortfall(name=MAXIMUM, row=_plus(-problem.maximum, total))
    if problem.ceiling is not None and hold is None:
        yield Shortfall(name=CEILING, row=_plus(-problem.ceiling, cost_row(problem)))
    yield Shortfall(name=DESIRED, row=_minus(problem.desired, total))
    if not problem.spread_only:
        yield from survivals(problem)
    if problem.on_demand:
        firm = _row(problem, lambda choice: 0 if choice.spot or choice.draining else choice.units)
        yield Shortfall(name=ON_DEMAND, row=_minus(problem.on_demand, firm))
    if problem.spot is not None:
        spot = _row(problem, lambda choice: choice.units if choice.spot else 0)
        yield Shortfall(name=SPOT, row=_plus(-problem.spot, spot))


def survivals(problem: Problem) -> Iterator[Shortfall]:
    """For each kind of loss, what is missing elsewhere when the worst of its domains is lost.

    Draining members are leaving: nothing counts on them.
    """
    standing = _row(problem, lambda choice: 0 if choice.draining else choice.units)
    for survival in problem.survivals:
        domains = sorted({domain_of(choice, survival.loss) for choice in (*problem.choices, *problem.fixed)})
        lost = tuple(_row(problem, _inside(domain, survival.loss)) for domain in domains)
        yield Shortfall(name=survival_name(survival.loss), row=_minus(survival.units, standing), worst=lost)


def domain_of(choice: Choice, loss: Loss) -> tuple[str, ...]:
    """What falls together with the member. Regions that are not known fall together within their cloud."""
    match loss:
        case Loss.CLOUD:
            return (choice.cloud,)
        case Loss.REGION:
            return (choice.cloud, choice.region)
        case Loss.MEMBER:
            return (choice.name,)


def place_of(member: MemberSpec, loss: Loss) -> tuple[str, ...]:
    """The same of a member's spec."""
    match loss:
        case Loss.CLOUD:
            return (member.cloud,)
        case Loss.REGION:
            return (member.cloud, member.node_pool.cluster.region)
        case Loss.MEMBER:
            return (member.name,)


def preferences(problem: Problem) -> Iterator[Level]:
    """The levels below the shortfalls, up to where the total is known; for Cost nothing else is left to say."""
    above = Total(name=ABOVE, row=_plus(-problem.desired, units_row(problem)))
    if problem.strategy is not Strategy.COST or problem.spread_only:
        yield above
    if problem.spread_only:
        yield from survivals(problem)
    if problem.strategy is not Strategy.COST:
        return
    leaving = _row(problem, lambda choice: choice.units if choice.draining or choice.price is None else 0)
    if leaving.factors:
        yield Total(name="leaving", row=leaving)
    if problem.stays:
        yield _moved_for_saving(problem)
    yield Total(name="cost", row=cost_row(problem))
    if not problem.spread_only:
        yield above


def nearness(problem: Problem, units: int) -> Iterator[Level]:
    """Distance from the fair shares of so many chosen units, group by group; nothing where cost decides."""
    if problem.strategy is Strategy.COST:
        return
    shares = fair_shares(problem.choices, units, problem.strategy)
    numbers = {choice.name: index for index, choice in enumerate(problem.choices)}
    for tier in tiers(problem.choices, problem.strategy):
        parts = (Away(index=numbers[one.name], scale=one.units, pivot=shares[one.name]) for one in tier)
        yield Distance(name="fair shares", parts=tuple(parts))


def ties(problem: Problem) -> Iterator[Level]:
    """What ends ties: fewest nodes moved, then names; earlier ones get more."""
    moved = (Away(index=index, scale=1, pivot=one.present) for index, one in enumerate(problem.choices))
    yield Distance(name="nodes moved", parts=tuple(moved))
    yield Total(name="names", row=Row(constant=0, factors=dict(enumerate(range(len(problem.choices))))))


def worth(problem: Problem, nodes: Sequence[int]) -> tuple[int, ...]:
    """The value of every level but the ceiling's at these sizes, to be compared from the left: less is better."""
    wants = (want for want in shortfalls(problem, None) if want.name != CEILING)
    near = nearness(problem, problem.units(nodes))
    return tuple(level.value(nodes) for level in chain(wants, preferences(problem), near, ties(problem)))


def _moved_for_saving(problem: Problem) -> Distance:
    """Units that go although no fewer are wished for; or come, where fewer are."""
    shrinking = units_row(problem).value(problem.present) > problem.desired
    above, below = (1, 0) if shrinking else (0, 1)
    parts = (
        Away(index=index, scale=one.units, pivot=one.units * one.nearest(one.present), above=above, below=below)
        for index, one in enumerate(problem.choices)
    )
    return Distance(name="moved for a saving", parts=tuple(parts))


def _inside(domain: tuple[str, ...], loss: Loss) -> Callable[[Choice], int]:
    return lambda choice: choice.units if domain_of(choice, loss) == domain and not choice.draining else 0


def _row(problem: Problem, factor: Callable[[Choice], int]) -> Row:
    constant = sum(factor(choice) * choice.present for choice in problem.fixed)
    factors = {index: own for index, choice in enumerate(problem.choices) if (own := factor(choice))}
    return Row(constant=constant, factors=factors)


def _plus(constant: int, row: Row) -> Row:
    return Row(constant=constant + row.constant, factors=row.factors)


def _minus(constant: int, row: Row) -> Row:
    return Row(constant=constant - row.constant, factors={index: -factor for index, factor in row.factors.items()})
