"""The integer program against brute force, level by level, and its closed form."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multicloud.decide.place.greedy import greedy
from multicloud.decide.place.placing import solve
from multicloud.decide.place.problem import Problem
from multicloud.decide.place.program import solved_by_highs
from multicloud.decide.place.shares import fair_shares
from multicloud.decide.place.sizes import Choice
from multicloud.model.spec import Strategy


def sizes_of(choice: Choice) -> list[int]:
    return [size for size in range(choice.lowest, choice.highest + 1) if choice.allows(size)]


def units_of(problem: Problem, nodes: Sequence[int]) -> int:
    return sum(choice.units * size for choice, size in zip(problem.choices, nodes, strict=True))


def levels(problem: Problem, nodes: Sequence[int], shares: dict[str, int]) -> tuple[int, ...]:
    """Every level's value, as the decision record states them, from nothing but the sizes."""
    off = [abs(choice.units * size - shares[choice.name]) for choice, size in zip(problem.choices, nodes, strict=True)]
    moved = sum(abs(size - choice.present) for choice, size in zip(problem.choices, nodes, strict=True))
    names = sum(rank * size for rank, size in enumerate(nodes))
    if problem.strategy is Strategy.WEIGHTED:
        return (sum(off), moved, names)
    by_priority = [
        sum(one for one, choice in zip(off, problem.choices, strict=True) if choice.priority == priority)
        for priority in sorted({choice.priority for choice in problem.choices}, reverse=True)
    ]
    return (*by_priority, moved, names)


def rank(problem: Problem, nodes: Sequence[int]) -> tuple[int, int, int, int]:
    total = units_of(problem, nodes) + sum(one.units * one.present for one in problem.fixed)
    return (
        max(0, problem.minimum - total),
        max(0, total - problem.maximum),
        max(0, problem.desired - total),
        max(0, total - problem.desired),
    )


def fixed(units: int) -> Choice:
    return Choice(name="fixed", units=1, first=units, last=units, present=units)


def best_by_hand(problem: Problem) -> tuple[tuple[int, ...], tuple[int, ...]]:
    every = list(product(*(sizes_of(choice) for choice in problem.choices)))
    best = min(rank(problem, nodes) for nodes in every)
    good = [nodes for nodes in every if rank(problem, nodes) == best]
    shares = fair_shares(problem.choices, units_of(problem, good[0]), problem.strategy)
    return best, min(levels(problem, nodes, shares) for nodes in good)


@st.composite
def choices(draw: st.DrawFn, name: str) -> Choice:
    step = draw(st.sampled_from([1, 1, 2, 3]))
    first = draw(st.integers(0, 2)) * step
    last = first + draw(st.integers(0, 4)) * step
    present = draw(st.integers(0, last + 2))
    stays = first <= present <= last and present % step and draw(st.booleans())
    return Choice(
        name=name,
        units=draw(st.sampled_from([1, 2, 3, 5, 8])),
        step=step,
        first=first,
        last=last,
        also=present if stays else None,
        present=present,
        weight=draw(st.integers(0, 3)),
        priority=draw(st.integers(0, 2)),
    )


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    names = "abcd"[: draw(st.integers(1, 4))]
    minimum = draw(st.integers(0, 40))
    desired = minimum + draw(st.integers(0, 40))
    return Problem(
        strategy=draw(st.sampled_from([Strategy.WEIGHTED, Strategy.PRIORITY])),
        minimum=minimum,
        desired=desired,
        maximum=desired + draw(st.integers(0, 10)),
        fixed=(fixed(7),) if draw(st.booleans()) else (),
        choices=tuple(draw(choices(name)) for name in names),
    )


@given(problem=problems())
def test_the_program_reaches_the_optimum_of_every_level(problem: Problem) -> None:
    least, best = best_by_hand(problem)
    for placement in (solve(problem), solved_by_highs(problem)):
        assert all(choice.allows(size) for choice, size in zip(problem.choices, placement.nodes, strict=True))
        assert placement.units == units_of(problem, placement.nodes)
        assert rank(problem, placement.nodes) == least
        shares = fair_shares(problem.choices, placement.units, problem.strategy)
        assert levels(problem, placement.nodes, shares) == best


@given(problem=problems(), more=st.integers(1, 20))
def test_more_wished_units_never_give_fewer(problem: Problem, more: int) -> None:
    desired = min(problem.maximum, problem.desired + more)
    wider = Problem(
        strategy=problem.strategy,
        minimum=problem.minimum,
        desired=desired,
        maximum=problem.maximum,
        fixed=problem.fixed,
        choices=problem.choices,
    )
    assert solve(wider).units >= solve(problem).units


@given(problem=problems())
def test_the_placement_without_search_is_legal(problem: Problem) -> None:
    nodes = greedy(problem, None)
    assert all(choice.allows(size) for choice, size in zip(problem.choices, nodes, strict=True))


@given(problem=problems(), units=st.integers(0, 300))
def test_shares_stay_inside_bounds_and_sum_up(problem: Problem, units: int) -> None:
    reachable = max(problem.lowest, min(problem.highest, units))
    shares = fair_shares(problem.choices, reachable, problem.strategy)
    assert sum(shares.values()) == reachable
    for choice in problem.choices:
        assert choice.lowest * choice.units <= shares[choice.name] <= choice.highest * choice.units


def choice(name: str, last: int, **fields: int) -> Choice:
    values: dict[str, Any] = {"name": name, "units": 1, "first": 0, "last": last, "present": 0}
    return Choice(**values | fields)


@pytest.mark.parametrize(
    ("strategy", "members", "units", "shares"),
    [
        pytest.param("Weighted", [choice("a", 9), choice("b", 9)], 7, [4, 3], id="a tie goes to the first name"),
        pytest.param(
            "Weighted", [choice("a", 99, weight=3), choice("b", 99)], 40, [30, 10], id="shares follow the weights"
        ),
        pytest.param(
            "Weighted", [choice("a", 5, weight=3), choice("b", 99)], 40, [5, 35], id="what one cannot take others do"
        ),
        pytest.param(
            "Weighted", [choice("a", 99, first=20), choice("b", 99)], 30, [20, 10], id="what must be kept comes first"
        ),
        pytest.param(
            "Weighted", [choice("a", 9, weight=0), choice("b", 9)], 9, [0, 9], id="weight 0 gets nothing at first"
        ),
        pytest.param(
            "Weighted", [choice("a", 9, weight=0), choice("b", 9)], 12, [3, 9], id="weight 0 when the others are full"
        ),
        pytest.param(
            "Weighted", [choice("a", 9, weight=0), choice("b", 9, weight=0)], 6, [3, 3], id="all of weight 0 share"
        ),
        pytest.param(
            "Weighted",
            [choice("a", 9, weight=2), choice("b", 9, weight=2), choice("c", 9, weight=3)],
            5,
            [2, 1, 2],
            id="the largest remainder gets the odd unit",
        ),
        pytest.param(
            "Priority", [choice("a", 9), choice("b", 9, priority=5)], 12, [3, 9], id="the highest priority fills first"
        ),
        pytest.param(
            "Priority",
            [choice("a", 9, first=2), choice("b", 20, priority=5)],
            12,
            [2, 10],
            id="a low priority keeps what it must",
        ),
        pytest.param(
            "Priority",
            [choice("a", 30, weight=2, priority=1), choice("b", 30, priority=1), choice("c", 9)],
            30,
            [20, 10, 0],
            id="equal priorities share by weight",
        ),
    ],
)
def test_fair_shares(strategy: str, members: list[Choice], units: int, shares: list[int]) -> None:
    shared = fair_shares(members, units, Strategy(strategy))
    assert [shared[member.name] for member in members] == shares


def placed(*members: Choice, desired: int, minimum: int = 0, maximum: int = 1000) -> tuple[int, ...]:
    problem = Problem(
        strategy=Strategy.WEIGHTED,
        minimum=minimum,
        desired=desired,
        maximum=maximum,
        choices=members,
    )
    return solve(problem).nodes


def test_above_the_maximum_only_where_nothing_smaller_reaches_the_minimum() -> None:
    assert placed(choice("a", 9, units=8), desired=10, maximum=10) == (1,)
    assert placed(choice("a", 9, units=8), desired=10, minimum=9, maximum=10) == (2,)


def test_steps_of_zones_are_kept() -> None:
    assert placed(choice("a", 9, step=3), choice("b", 2), desired=8) == (6, 2)


def test_a_tie_is_left_where_it_is_before_names_decide() -> None:
    four = {"units": 4}
    assert placed(choice("a", 9, **four), choice("b", 9, **four, present=2), desired=12) == (1, 2)
    assert placed(choice("a", 9, **four), choice("b", 9, **four), desired=12) == (2, 1)


@pytest.mark.parametrize("strategy", [Strategy.WEIGHTED, Strategy.PRIORITY])
def test_a_hundred_members_of_odd_sizes_are_solved(strategy: Strategy) -> None:
    members = tuple(
        choice(f"m{index:03}", 30 + index, units=(3, 5, 7, 11, 16)[index % 5], weight=index % 7, priority=index % 9)
        for index in range(100)
    )
    problem = Problem(strategy=strategy, minimum=10, desired=20_003, maximum=30_000, choices=members)
    assert solve(problem).units == 20_003
