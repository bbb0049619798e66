"""A placement without search, for what the integer program could not solve within its limits. Legal, seldom best."""

from collections.abc import Mapping, Sequence

from multicloud.decide.place.problem import Problem
from multicloud.decide.place.shares import fair_shares
from multicloud.decide.place.sizes import Choice


def greedy(problem: Problem) -> list[int]:
    """Sizes near the fair shares of the wish, then single steps while they make the total better."""
    wished = max(problem.lowest, min(problem.highest, problem.desired - problem.fixed_units))
    return towards(problem, wished, fair_shares(problem.choices, wished, problem.strategy))


def towards(problem: Problem, total: int, shares: Mapping[str, int]) -> list[int]:
    """Sizes near the shares; single steps as long as one brings the sum nearer to `total`, above it preferred."""
    nodes = [_below(choice, shares[choice.name]) for choice in problem.choices]
    units = sum(choice.units * size for choice, size in zip(problem.choices, nodes, strict=True))
    while True:
        best: tuple[tuple[tuple[int, ...], int], int, int] | None = None
        for index, choice in enumerate(problem.choices):
            for size in _next(choice, nodes[index]):
                after = units + choice.units * (size - nodes[index])
                worth = (problem.rank(after), abs(after - total))
                if worth < (problem.rank(units), abs(units - total)) and (best is None or worth < best[0]):
                    best = (worth, index, size)
        if best is None:
            return nodes
        _, index, size = best
        units += problem.choices[index].units * (size - nodes[index])
        nodes[index] = size


def _below(choice: Choice, share: int) -> int:
    size = share // choice.units // choice.step * choice.step
    return max(choice.first, min(choice.last, size))


def _next(choice: Choice, size: int) -> Sequence[int]:
    down = (size - 1) // choice.step * choice.step
    up = (size // choice.step + 1) * choice.step
    return [other for other in (down, up) if choice.allows(other)]
