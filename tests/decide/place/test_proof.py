"""The program against a second reading of the rules: CP-SAT, and every combination of sizes. Level by level, exactly."""

from dataclasses import replace

import pytest

from multicloud.decide.place.placing import solve
from multicloud.decide.place.problem import Problem
from multicloud.decide.place.program import solved_by_highs
from multicloud.model.spec import Strategy
from support.allocating import by_cp_sat, by_hand, worth
from support.instances import problem

PARTS = 10
"""Tests that share the instances, so that the first that fails is soon seen."""


def _check(found: Problem, best: dict[str, int], seed: int) -> None:
    ways = [solve(found), *([solved_by_highs(found)] if found.choices else [])]
    for placement in ways:
        pairs = zip(found.choices, placement.nodes, strict=True)
        assert all(choice.allows(size) for choice, size in pairs), f"seed {seed}: a size that no member may have"
        assert worth(found, placement.nodes) == best, f"seed {seed}"
        assert placement.gap == 0, f"seed {seed}: nothing was left unproved"


@pytest.mark.parametrize("part", range(PARTS))
def test_cp_sat_finds_nothing_better_and_nothing_else(part: int, seed: int, *, full: bool) -> None:
    count = 200 if full else 20
    for number in range(part * count, (part + 1) * count):
        # Mostly small, some of as many members as CP-SAT proves within a second.
        members = 1 + number % (9 if number % 10 == 0 else 6)
        found = problem(seed + number, members=members, most=8)
        _check(found, by_cp_sat(found), seed + number)


@pytest.mark.parametrize("part", range(PARTS))
def test_every_combination_of_sizes_is_no_better(part: int, seed: int, *, full: bool) -> None:
    count = 100 if full else 20
    for number in range(part * count, (part + 1) * count):
        found = problem(seed - number, members=1 + number % 4, most=4)
        _check(found, by_hand(found), seed - number)


def test_the_instances_have_every_kind_of_constraint(seed: int) -> None:
    """What the proof is worth: each rule is asked for, kept, and not kept, under every strategy."""
    asked: set[str] = set()
    missed: set[str] = set()
    for number in range(300):
        found = problem(seed + number, members=1 + number % 6, most=8)
        values = worth(found, solve(found).nodes)
        asked |= {name for name in values if not name.startswith("fair shares")} | {found.strategy}
        missed |= {name for name, value in values.items() if value > 0}
        asked |= {"ceiling"} if found.ceiling is not None else set()
        asked |= {"fixed"} if found.fixed else set()
        asked |= {"also"} if any(one.also is not None for one in found.choices) else set()
        asked |= {"no price"} if any(one.price is None for one in found.choices) else set()
    rules = {"minimum", "maximum", "desired", "survive Cloud", "survive Region", "survive Member", "on demand", "spot"}
    assert asked >= rules | set(Strategy) | {"ceiling", "fixed", "also", "no price", "moved for a saving", "leaving"}
    assert missed >= rules


@pytest.mark.parametrize("part", range(PARTS))
def test_a_higher_level_is_never_worsened_for_a_lower_one(part: int, seed: int) -> None:
    """Without a rule, no level above it gets better: it did not cost them anything."""
    for number in range(part * 5, (part + 1) * 5):
        found = problem(seed + number, members=4, most=8)
        plain = replace(found, on_demand=0, spot=None)
        with_, without = (worth(one, solve(one).nodes) for one in (found, plain))
        above = [name for name in with_ if name in {"minimum", "maximum", "desired"} or name.startswith("survive")]
        if not found.spread_only and found.ceiling is None:
            assert [with_[name] for name in above] == [without[name] for name in above]
