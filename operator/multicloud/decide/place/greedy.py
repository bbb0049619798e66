"""A placement without search, for what the integer program could not solve within its limits. Legal, seldom best."""

from collections.abc import Iterator, Sequence
from typing import Final

from multicloud.decide.place.levels import Hold, nearness, preferences, shortfalls, ties
from multicloud.decide.place.problem import Problem
from multicloud.decide.place.shares import fair_shares
from multicloud.decide.place.sizes import Choice
from multicloud.model.spec import Strategy

ROUNDS_AT_MOST: Final = 10
"""How often every member is tried: past that many the placement is as good as it gets without a search."""


def greedy(problem: Problem, hold: Hold | None) -> tuple[int, ...]:
    """Near the fair shares or the cheapest first, or what is held; then single steps as long as one makes it better."""
    nodes = list(problem.present if hold is not None else _start(problem))
    near = nearness(problem, problem.units(nodes))
    levels = [*shortfalls(problem, hold), *preferences(problem), *near, *ties(problem)]
    best = [level.value(nodes) for level in levels]
    for _ in range(ROUNDS_AT_MOST):
        before = best
        for index, size in _steps(problem, nodes):
            trial = [*nodes[:index], size, *nodes[index + 1 :]]
            worth = [level.value(trial) for level in levels]
            if worth < best and (hold is None or hold.contains(problem, trial)):
                best, nodes = worth, trial
        if best == before:
            break
    return tuple(nodes)


def _start(problem: Problem) -> list[int]:
    wished = max(problem.lowest, min(problem.highest, problem.desired - problem.fixed_units))
    if problem.strategy is not Strategy.COST:
        shares = fair_shares(problem.choices, wished, problem.strategy)
        return [choice.nearest(shares[choice.name] // choice.units) for choice in problem.choices]
    nodes = [choice.lowest for choice in problem.choices]
    rest = wished - problem.units(nodes)
    for index in sorted(range(len(nodes)), key=lambda index: _per_unit(problem.choices[index])):
        choice = problem.choices[index]
        nodes[index] = choice.nearest(min(choice.highest, nodes[index] + -(-max(0, rest) // choice.units)))
        rest = wished - problem.units(nodes)
    return nodes


def _per_unit(choice: Choice) -> tuple[bool, float, str]:
    leaves = choice.draining or choice.price is None
    return (leaves, (choice.price or 0) / choice.units, choice.name)


def _steps(problem: Problem, nodes: Sequence[int]) -> Iterator[tuple[int, int]]:
    for index, choice in enumerate(problem.choices):
        down = (nodes[index] - 1) // choice.step * choice.step
        up = (nodes[index] // choice.step + 1) * choice.step
        yield from ((index, size) for size in (down, up) if choice.allows(size))
