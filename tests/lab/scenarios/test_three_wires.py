"""Every GKE scenario over gRPC, the SDK's REST transport and plain REST: each passes, with equal journals."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from multicloud_lab.scenarios.model import Scenario, pack
from multicloud_lab.scenarios.stage import Stage
from support.gkeclient import WIRES

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[2]
ENV = {**os.environ, "PYTHONPATH": f"{TESTS.parent / 'operator'}:{TESTS}"}
CLIENTS = {
    "plain-rest": ["multicloud_lab.scenarios.reference"],
    **{wire: ["support.gkeclient", wire] for wire in WIRES},
}


@pytest.fixture(scope="module")
def stages() -> Iterator[dict[str, Stage]]:
    made = {wire: Stage([sys.executable, "-m", *client], ENV) for wire, client in CLIENTS.items()}
    for stage in made.values():
        stage.__enter__()
    yield made
    for stage in made.values():
        stage.__exit__(None, None, None)


@pytest.mark.parametrize("scenario", [pytest.param(each, id=each.name) for each in pack() if each.cloud == "gcp"])
def test_three_wires_give_one_journal(stages: dict[str, Stage], scenario: Scenario) -> None:
    verdicts = {wire: stage.play(scenario) for wire, stage in stages.items()}
    assert {wire: verdict.broken for wire, verdict in verdicts.items()} == {wire: [] for wire in CLIENTS}
    journals = {wire: [entry.as_json() for entry in verdict.entries] for wire, verdict in verdicts.items()}
    assert journals["grpc"] == journals["plain-rest"]
    assert journals["sdk-rest"] == journals["plain-rest"]
