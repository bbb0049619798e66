"""Members whose clusters' pods need more nodes than their share: lifted to their floors, on top of everybody's share.

Nobody else gets more or less for it: capacity in one cluster is no help to pods in another, and when the pods are done only
what came for them goes. From a problem solved without floors to the one that is solved with them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from multicloud.decide.place.levels import cost_row
from multicloud.decide.place.problem import Placement, Problem
from multicloud.decide.place.sizes import Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifted:
    """The problem with the floors in it, by how many units each member was lifted, and how many more its pods need."""

    problem: Problem
    by: Mapping[str, int]
    short: Mapping[str, int]


def lifted(problem: Problem, solution: Placement, floors: Mapping[str, int], most: int) -> Lifted:
    """Lift what is below its floor, the first in priority and name first, within bounds, `most` units and the ceiling."""
    sizes = dict(zip((choice.name for choice in problem.choices), solution.nodes, strict=True))
    room = most - problem.fixed_units - solution.units
    money = None if problem.ceiling is None else problem.ceiling - cost_row(problem).value(solution.nodes)
    by: dict[str, int] = {}
    # Who cannot be resized now cannot be lifted either, and its pods wait all the same.
    short = {
        one.name: (floors[one.name] - one.present) * one.units
        for one in problem.fixed
        if not one.draining and floors.get(one.name, 0) > one.present
    }
    for choice in sorted(problem.choices, key=lambda one: (-one.priority, one.name)):
        has, floor = sizes[choice.name], floors.get(choice.name, 0)
        if choice.draining or floor <= has:
            continue
        reach = has + max(0, room) // choice.units
        if money is not None:
            reach = min(reach, has + (max(0, money) // choice.price if choice.price else 0))
        size = _toward(choice, floor, min(reach, choice.highest))
        if size > has:
            by[choice.name] = (size - has) * choice.units
            room -= by[choice.name]
            money = None if money is None else money - (size - has) * (choice.price or 0)
            sizes[choice.name] = size
        if size < floor:
            short[choice.name] = (floor - max(size, has)) * choice.units
    return Lifted(problem=_with(problem, by, sizes), by=by, short=short)


def _toward(choice: Choice, floor: int, most: int) -> int:
    """The smallest legal size from the floor up, else the largest that may be had; 0 for none."""
    up = -(-floor // choice.step) * choice.step
    if choice.first <= up <= min(most, choice.last):
        return up
    down = min(most, choice.last) // choice.step * choice.step
    legal = [size for size in (down, choice.also) if size is not None and size <= most and choice.allows(size)]
    enough = [size for size in legal if size >= floor]
    return min(enough) if enough else max(legal, default=0)


def _with(problem: Problem, by: Mapping[str, int], sizes: Mapping[str, int]) -> Problem:
    """The same problem in which the lifted members have at least that size, and as many more units are desired."""
    if not by:
        return problem
    choices = tuple(_at_least(one, sizes[one.name]) if one.name in by else one for one in problem.choices)
    return replace(problem, choices=choices, desired=problem.desired + sum(by.values()))


def _at_least(choice: Choice, size: int) -> Choice:
    if not choice.allows(size) or size == choice.also:
        return replace(choice, step=1, first=size, last=size, also=None)
    also = choice.also if choice.also is not None and choice.also >= size else None
    return replace(choice, first=size, also=also)
