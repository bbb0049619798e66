"""What holds of every placement, whatever the members: fixed point, order, demand, names."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from multicloud.decide.place.greedy import greedy
from multicloud.decide.place.levels import hold_of, shortfalls
from multicloud.decide.place.placing import solve
from multicloud.decide.place.problem import Problem
from multicloud.decide.place.sizes import Choice
from multicloud.model.spec import Strategy
from support.allocating import totals, worth
from support.instances import problem

PROBLEMS = st.builds(
    problem, st.integers(0, 10**9), members=st.integers(1, 6), most=st.integers(1, 10)
)  # seeds, so that what fails can be played again


def _applied(found: Problem, nodes: tuple[int, ...]) -> Problem:
    """The problem once the clouds have these sizes."""

    def at(choice: Choice, size: int) -> Choice:
        also = size if size % choice.step else None
        return replace(choice, present=size, also=also)

    return replace(found, choices=tuple(map(at, found.choices, nodes)))


@given(found=PROBLEMS)
def test_a_plan_applied_and_solved_again_is_empty(found: Problem) -> None:
    nodes = solve(found).nodes
    assert solve(_applied(found, nodes)).nodes == nodes


@given(found=PROBLEMS)
def test_only_sizes_that_members_may_have(found: Problem) -> None:
    for nodes in (solve(found).nodes, greedy(found, hold_of(found))):
        assert all(choice.allows(size) for choice, size in zip(found.choices, nodes, strict=True))


@given(found=PROBLEMS)
def test_a_search_is_never_worse_than_none(found: Problem) -> None:
    if found.ceiling is None:
        best = tuple(worth(found, solve(found).nodes).values())
        assert best <= tuple(worth(found, greedy(found, None)).values())


@given(found=PROBLEMS, more=st.integers(1, 50))
def test_more_demand_is_never_more_shortage_of_what_was_wished_before_nor_cheaper(found: Problem, more: int) -> None:
    found = replace(found, survivals=(), on_demand=0, spot=None, ceiling=None, stays=False, maximum=10**6)
    wider = replace(found, desired=found.desired + more)
    before, after = (totals(found, solve(one).nodes) for one in (found, wider))
    assert max(0, found.desired - after.units) <= max(0, found.desired - before.units)
    priced = all(one.price is not None and not one.draining for one in found.choices)
    if found.strategy is Strategy.COST and priced:
        assert after.cost >= before.cost


@given(found=PROBLEMS)
def test_a_ceiling_grows_nothing_beyond_it_but_the_minimum(found: Problem) -> None:
    sums = totals(found, solve(found).nodes)
    if found.ceiling is None or sums.cost <= found.ceiling:
        return
    held = totals(found, [choice.nearest(choice.present) for choice in found.choices])
    bare = replace(found, desired=found.minimum, survivals=(), on_demand=0, spot=None, strategy=Strategy.COST)
    bare = replace(bare, ceiling=0, stays=False)
    least = totals(bare, solve(bare).nodes).cost
    assert (sums.units <= held.units and sums.cost <= held.cost) or sums.cost <= least


@given(found=PROBLEMS)
def test_a_ceiling_removes_nothing(found: Problem) -> None:
    """Sizes that lack nothing stay wholly, however low the ceiling."""
    found = replace(found, strategy=Strategy.WEIGHTED, ceiling=None)
    nodes = solve(found).nodes
    if any(want.value(nodes) for want in shortfalls(found, None)):
        return
    settled = _applied(found, nodes)
    assert solve(replace(settled, ceiling=0)).units == settled.units(nodes)


@given(found=PROBLEMS)
def test_names_decide_only_among_equals(found: Problem) -> None:
    """Other names, in another order: every level but the last is the same."""
    turned = tuple(
        replace(choice, name=f"z{len(found.choices) - number:03}")
        for number, choice in reversed(list(enumerate(found.choices)))
    )
    other = replace(found, choices=tuple(sorted(turned, key=lambda one: one.name)))
    one, two = worth(found, solve(found).nodes), worth(other, solve(other).nodes)
    without = [name for name in one if name != "names" and not name.startswith(("fair shares", "moved"))]
    assert [one[name] for name in without] == [two[name] for name in without]
