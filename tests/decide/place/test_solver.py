"""HiGHS behind linear expressions."""

import subprocess
import sys

import pytest

from multicloud.decide.place.solver import Linear, Solver


def test_it_finds_the_least_and_tells_values() -> None:
    solver = Solver(nodes_at_most=10)
    one, two = solver.integer(0, 9), solver.integer(0, 9)
    total = one.times(3).plus(two.times(5)).plus(Linear(constant=1))
    solver.row(total, 12, None)
    assert solver.minimise(total)
    assert solver.value(total) == 12
    assert (solver.value(one), solver.value(two)) == (2, 1)


def test_a_row_without_a_solution_is_told() -> None:
    solver = Solver(nodes_at_most=10)
    even = solver.integer(0, 9).times(2)
    solver.row(even, 3, 3)
    assert not solver.minimise(even)


def test_it_goes_back_to_the_values_before() -> None:
    solver = Solver(nodes_at_most=10)
    size = solver.integer(2, 9)
    assert solver.minimise(size)
    assert solver.minimise(size.times(-1))
    assert solver.value(size) == 9
    solver.go_back()
    assert solver.value(size) == 2


def test_it_says_nothing_on_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    solver = Solver(nodes_at_most=10)
    solver.minimise(solver.integer(0, 1))
    assert capfd.readouterr() == ("", "")


def test_deciding_loads_the_solver_only_when_it_is_needed() -> None:
    code = "import sys, multicloud.decide; print([name for name in sys.modules if name.startswith('highspy')])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_env())
    assert run.stdout.strip() == "[]"


def _env() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(part for part in sys.path if part)}
