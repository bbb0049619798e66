"""HiGHS behind linear expressions."""

import subprocess
import sys

import pytest

from multicloud.decide.place.solver import Found, Linear, Solver


def test_it_finds_the_least_and_tells_values() -> None:
    solver = Solver()
    one, two = solver.integer(0, 9), solver.integer(0, 9)
    total = one.times(3).plus(two.times(5)).plus(Linear(constant=1))
    solver.row(total, 12, None)
    assert solver.minimise(total, nodes_at_most=10) == Found(value=12, bound=12)
    assert (solver.value(one), solver.value(two)) == (2, 1)


def test_a_row_without_a_solution_is_told() -> None:
    solver = Solver()
    even = solver.integer(0, 9).times(2)
    solver.row(even, 3, 3)
    assert solver.minimise(even, nodes_at_most=10) is None


def test_what_was_minimised_is_kept() -> None:
    solver = Solver()
    one, two = solver.integer(0, 9), solver.integer(2, 9)
    assert solver.minimise(one.plus(two), nodes_at_most=10) == Found(value=2, bound=2)
    assert solver.minimise(two.times(-1), nodes_at_most=10) == Found(value=-2, bound=-2)
    assert (solver.value(one), solver.value(two)) == (0, 2)


def test_the_largest_of_several_is_minimised() -> None:
    solver = Solver()
    one = solver.integer(0, 9)
    most = solver.largest([one.times(3).plus(Linear(constant=-10)), one.times(-2).plus(Linear(constant=7))])
    assert solver.minimise(most, nodes_at_most=10) == Found(value=1, bound=1)
    assert solver.value(one) == 3


def test_large_numbers_are_exact() -> None:
    """A thousandth of a cent in a million: beyond the tolerances of floating point, not beyond ours."""
    solver = Solver()
    dear, cheap = solver.integer(0, 10_000), solver.integer(0, 10_000)
    solver.row(dear.plus(cheap), 10_000, None)
    cost = dear.times(10_000_000).plus(cheap.times(9_999_999))
    assert solver.minimise(cost, nodes_at_most=10) == Found(value=99_999_990_000, bound=99_999_990_000)
    assert solver.value(cheap) == 10_000


def test_it_says_nothing_on_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    solver = Solver()
    solver.minimise(solver.integer(0, 1), nodes_at_most=10)
    assert capfd.readouterr() == ("", "")


def test_deciding_loads_the_solver_only_when_it_is_needed() -> None:
    code = "import sys, multicloud.decide; print([name for name in sys.modules if name.startswith('highspy')])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_env())
    assert run.stdout.strip() == "[]"


def _env() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(part for part in sys.path if part)}
