"""The placement without search: sizes so large that its few single steps could not hide where it began."""

from typing import Any

import pytest

from multicloud.decide.place.greedy import ROUNDS_AT_MOST, greedy
from multicloud.decide.place.levels import Hold
from multicloud.decide.place.problem import Problem
from multicloud.decide.place.sizes import Choice
from multicloud.model.spec import Strategy


def choice(name: str, **fields: Any) -> Choice:
    given: dict[str, Any] = {"name": name, "units": 1, "first": 0, "last": 500, "present": 0} | fields
    return Choice(**given)


def problem(strategy: Strategy, desired: int, *choices: Choice, **fields: Any) -> Problem:
    given: dict[str, Any] = {"minimum": 0, "desired": desired, "maximum": 10_000, "choices": choices} | fields
    return Problem(strategy=strategy, **given)


def cost(desired: int, *choices: Choice, **fields: Any) -> Problem:
    return problem(Strategy.COST, desired, *choices, **fields)


@pytest.mark.parametrize(
    ("found", "nodes"),
    [
        pytest.param(
            problem(Strategy.WEIGHTED, 200, choice("a", weight=3), choice("b")), (150, 50), id="near the fair shares"
        ),
        pytest.param(problem(Strategy.PRIORITY, 200, choice("a"), choice("b", priority=5)), (0, 200), id="by priority"),
        pytest.param(
            problem(Strategy.WEIGHTED, 200, choice("a", weight=3), choice("b"), fixed=(choice("c", present=60),)),
            (105, 35),
            id="what is fixed counts",
        ),
        pytest.param(
            cost(160, choice("a", price=10), choice("b", price=30, units=8)), (0, 20), id="the cheapest unit first"
        ),
        pytest.param(
            cost(161, choice("a", price=10), choice("b", price=30, units=8)), (0, 21), id="in whole nodes, upwards"
        ),
        pytest.param(
            cost(160, choice("a", price=10), choice("b", price=30, units=8, last=12)), (64, 12), id="then the next one"
        ),
        pytest.param(
            cost(100, choice("a", price=9, first=50), choice("b", price=1)),
            (50, 50),
            id="what must be kept comes first",
        ),
        pytest.param(cost(100, choice("a", price=1), choice("b", price=0)), (0, 100), id="free is cheaper than cheap"),
        pytest.param(
            cost(100, choice("a", price=5), choice("b", price=5)), (100, 0), id="a tie goes to the first name"
        ),
        pytest.param(
            cost(100, choice("a", price=1, draining=True), choice("b", price=5)), (0, 100), id="what leaves comes last"
        ),
        pytest.param(cost(100, choice("a"), choice("b", price=5)), (0, 100), id="what has no price comes last"),
        pytest.param(
            # 10 units each would be fair: 9 nodes are nearest, then one of both grows.
            problem(Strategy.WEIGHTED, 20, choice("a", step=3, last=12), choice("b", step=3, last=12)),
            (12, 9),
            id="steps of the zones",
        ),
    ],
)
def test_where_it_ends(found: Problem, nodes: tuple[int, ...]) -> None:
    assert greedy(found, None) == nodes


@pytest.mark.parametrize(
    ("desired", "nodes"),
    [
        pytest.param(80, (100 - ROUNDS_AT_MOST, 0), id="single steps, each round one"),
        pytest.param(100, (100, 0), id="no node goes for the ceiling"),
        pytest.param(120, (100, 0), id="none comes beyond what is held"),
    ],
)
def test_what_is_dearer_than_its_ceiling_begins_with_what_is_held(desired: int, nodes: tuple[int, ...]) -> None:
    found = cost(desired, choice("a", price=9, present=100), choice("b", price=1), ceiling=50)
    assert greedy(found, Hold(units=100, cost=900)) == nodes


@pytest.mark.parametrize(
    ("desired", "nodes"),
    [
        pytest.param(9, (9,), id="down to the next multiple"),
        pytest.param(12, (10,), id="not beyond what is held"),
    ],
)
def test_a_size_that_is_no_multiple_goes_to_one(desired: int, nodes: tuple[int, ...]) -> None:
    odd = problem(Strategy.WEIGHTED, desired, choice("a", step=3, present=10, also=10))
    assert greedy(odd, Hold(units=10, cost=0)) == nodes
