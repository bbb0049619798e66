"""The numbers of a run, by hand."""

import pytest

from multicloud.cli.simulate.summary import Run, Step, ideal_units, summary


def run(*steps: tuple[float, int, int, int], start: int = 10, outside: int = 0) -> Run:
    """Steps of an hour: load, desired, ready, units."""
    made = [
        Step(seconds=3600.0 * place, load=load, desired=desired, ready=ready, units=units, outside=outside, reason="x")
        for place, (load, desired, ready, units) in enumerate(steps)
    ]
    return Run(policy="p", unit_capacity=10.0, interval_s=3600.0, start=start, steps=made)


def test_what_is_short_paid_and_ideal() -> None:
    made = summary(run((70, 10, 10, 10), (130, 20, 10, 20), (200, 20, 20, 20), (210, 20, 20, 20)))
    assert made == {
        "underPercent": 50.0,
        "lostLoadPercent": round(100 * (30 + 10) / 610, 6),
        "unitHours": 70.0,
        "idealUnitHours": 10.0 + 19 + 29 + 30,
        "resizes": 1,
        "resizesPerDay": 6.0,
        "reversals": 0,
        "maxStepOutsideBounds": 0,
    }


def test_a_load_that_is_just_carried_is_not_short() -> None:
    assert summary(run((100, 10, 10, 10)))["underPercent"] == 0.0


def test_no_load_at_all() -> None:
    made = summary(run((0, 0, 0, 0), start=0))
    assert (made["lostLoadPercent"], made["idealUnitHours"], made["resizes"]) == (0.0, 0.0, 0)


@pytest.mark.parametrize(
    ("steps", "resizes", "reversals"),
    [
        pytest.param([(5, 12, 0, 0), (5, 12, 0, 0), (5, 10, 0, 0)], 2, 1, id="up and down under one load"),
        pytest.param([(5, 12, 0, 0), (6, 12, 0, 0), (5, 10, 0, 0)], 2, 0, id="the load moved in between"),
        pytest.param([(5, 12, 0, 0), (5, 14, 0, 0), (5, 16, 0, 0)], 3, 0, id="always up"),
        pytest.param([(5, 8, 0, 0), (5, 9, 0, 0), (5, 8, 0, 0)], 3, 2, id="down, up, down"),
        pytest.param([(5, 12, 0, 0), (6, 10, 0, 0)], 2, 0, id="the load of the second decision is another"),
    ],
)
def test_reversals(steps: list[tuple[float, int, int, int]], resizes: int, reversals: int) -> None:
    made = summary(run(*steps))
    assert (made["resizes"], made["reversals"]) == (resizes, reversals)


def test_the_furthest_step_outside_the_bounds_is_told() -> None:
    assert summary(run((5, 12, 0, 0), outside=3))["maxStepOutsideBounds"] == 3


@pytest.mark.parametrize(("load", "units"), [(0, 0), (6.9, 1), (7, 1), (7.1, 2), (70, 10), (770, 110)])
def test_ideal_units_are_seventy_percent_full(load: float, units: int) -> None:
    assert ideal_units(load, 10.0) == units
