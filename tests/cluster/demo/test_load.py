"""The act of the demo in which a load rises and falls: told within two minutes, by a real Prometheus."""

import json
import os
from itertools import accumulate, pairwise
from typing import Any

import pytest

from multicloud.run.clock import SystemClock
from multicloud_lab.controlplane import ControlPlane
from support.commandline import multicloud_says
from support.prometheus_programs import program

FOUND = {"aws": 4, "azure": 4, "gcp": 4}
GROWN = {"aws": 8, "azure": 8, "gcp": 8}
LOW, HIGH = 1200, 2400
MOST_NODES_A_STEP = 6
"""`maxNodesPerStep` of the samples."""


@pytest.fixture(scope="module")
def played(control_plane: ControlPlane) -> tuple[dict[str, Any], float]:
    """The document of `multicloud demo --act load --once -o json` and the seconds it took."""
    path = os.pathsep.join([str(program("prometheus").parent), os.environ["PATH"]])
    clock = SystemClock()
    began_s = clock.monotonic()
    said = multicloud_says("demo", "--act", "load", "--once", "-o", "json", timeout_s=300, PATH=path)
    took_s = clock.monotonic() - began_s
    assert said.returncode == 0, said.stderr
    document: dict[str, Any] = json.loads(said.stdout)
    return document, took_s


def test_every_step_comes_true_within_two_minutes(played: tuple[dict[str, Any], float]) -> None:
    document, took_s = played
    assert [told["step"] for told in document["story"]] == ["take-over", "load-rises", "source-dies", "load-falls"]
    assert all(told["converged"] for told in document["story"])
    assert took_s <= 120


def test_what_is_ready_follows_the_load_that_is_told_and_nothing_goes_while_it_is_not(
    played: tuple[dict[str, Any], float],
) -> None:
    story = played[0]["story"]
    assert {told["loadToldBy"] for told in story} == {"Prometheus"}
    assert [(told["load"], told["ready"]) for told in story] == [(LOW, 12), (HIGH, 24), (LOW, 24), (LOW, 12)]
    assert story[2]["fewestReady"] == 24


def test_three_clouds_grow_and_shrink_in_small_steps(played: tuple[dict[str, Any], float]) -> None:
    writes = [(write["cloud"], write["to"]) for write in played[0]["cloudWrites"]]
    sizes = list(accumulate(writes, lambda at, write: {**at, write[0]: write[1]}, initial=FOUND))
    top = sizes.index(GROWN)
    assert sizes[-1] == FOUND
    assert all(sum(before.values()) < sum(after.values()) for before, after in pairwise(sizes[: top + 1]))
    removed = [sum(before.values()) - sum(after.values()) for before, after in pairwise(sizes[top:])]
    assert all(0 < nodes <= MOST_NODES_A_STEP for nodes in removed)
