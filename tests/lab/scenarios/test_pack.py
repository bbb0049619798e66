"""Every scenario of the pack: a careful client passes it, a careless one does not."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from multicloud_lab.scenarios.model import Scenario, pack
from multicloud_lab.scenarios.stage import Stage

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[2]
ENV = {**os.environ, "PYTHONPATH": f"{TESTS.parent / 'operator'}:{TESTS}"}
SCENARIOS = {scenario.name: scenario for scenario in pack()}

HABITS = {
    "aborted": "GivesUp",
    "clock-skew": "Hammers",
    "conflict": "IgnoresBusy",
    "degraded-sticky": "Hammers",
    "etag-race": "IgnoresEtags",
    "flapping": "TakesUnknownForZero",
    "hand-drift": "IgnoresBusy",
    "hang": "TakesDoubtForDone",
    "hang-after-commit": "RetriesBlindly",
    "happy-resize": "WritesAlways",
    "killed-before-answer": "ActsBeforeItLooks",
    "login-expires": "TakesUnknownForZero",
    "lost-response": "RetriesBlindly",
    "many-pools": "DescribesEachPool",
    "operation-fails": "GivesUp",
    "operation-forgotten": "WritesAlways",
    "partial": "ShrinksToFit",
    "permission-revoked": "Hammers",
    "pool-deleted": "TakesUnknownForZero",
    "preempted": "GivesUp",
    "quota": "ShrinksToFit",
    "range-shift": "ForgetsTheRange",
    "reads-throttled": "Hammers",
    "stockout": "ShrinksToFit",
    "stockout-one-zone": "WritesAlways",
    "system-pool-to-zero": "Hammers",
    "throttled": "Hammers",
    "throttled-with-retry-after": "Hammers",
    "two-owners": "ObeysEverybody",
    "unreadable": "TakesUnknownForZero",
    "upgrade-holds-the-lock": "IgnoresBusy",
    "zero-and-back": "TakesZeroForUnknown",
}
"""What a client must not do, by scenario."""


def careless_cases() -> list[object]:
    """One cloud a scenario, in turns, in `make test`; the others with `--full`."""
    by_story: dict[str, list[Scenario]] = {}
    for scenario in SCENARIOS.values():
        by_story.setdefault(scenario.name.rpartition("-")[0], []).append(scenario)
    return [
        pytest.param(each, id=each.name, marks=() if place == turn % len(clouds) else pytest.mark.long)
        for turn, clouds in enumerate(by_story.values())
        for place, each in enumerate(clouds)
    ]


@pytest.fixture(scope="module")
def careful() -> Iterator[Stage]:
    with Stage([sys.executable, "-m", "multicloud_lab.scenarios.reference"], ENV) as stage:
        yield stage


@pytest.mark.parametrize("scenario", [pytest.param(each, id=name) for name, each in SCENARIOS.items()])
def test_a_careful_client_passes(careful: Stage, scenario: Scenario) -> None:
    assert careful.play(scenario).broken == []


@pytest.mark.parametrize("scenario", careless_cases())
def test_a_careless_client_fails(scenario: Scenario) -> None:
    habit = HABITS[scenario.name.rpartition("-")[0]]
    with Stage([sys.executable, "-m", "support.wrongclient", habit], ENV) as stage:
        broken = stage.play(scenario).broken
    assert any(sentence.startswith(("facts[", "script[")) for sentence in broken)


def test_every_scenario_has_a_habit_that_fails_it() -> None:
    assert {name.rpartition("-")[0] for name in SCENARIOS} == set(HABITS)
