"""The act of the demo in which a load rises and falls: told within two minutes, by a real Prometheus."""

import os
from itertools import pairwise

import pytest

from multicloud_lab.controlplane import ControlPlane
from support.demo import Played, played_once
from support.prometheus_programs import program

pytestmark = pytest.mark.slow

FOUND = {"aws": 4, "azure": 4, "gcp": 4}
GROWN = {"aws": 8, "azure": 8, "gcp": 8}
LOW, HIGH = 1200, 2400
MOST_NODES_A_STEP = 6
"""`maxNodesPerStep` of the samples."""


@pytest.fixture(scope="module")
def played(control_plane: ControlPlane) -> Played:
    """The act, with the real program on the PATH. The control plane has been built."""
    path = os.pathsep.join([str(program("prometheus").parent), os.environ["PATH"]])
    return played_once("--act", "load", PATH=path)


def test_every_step_comes_true_within_two_minutes(played: Played) -> None:
    assert played.all_came_true("take-over", "load-rises", "source-dies", "load-falls"), played.story
    assert played.took_s <= 120


def test_what_is_ready_follows_the_load_that_is_told_and_nothing_goes_while_it_is_not(
    played: Played,
) -> None:
    story = played.story
    assert {told["loadToldBy"] for told in story} == {"Prometheus"}
    assert [(told["load"], told["ready"]) for told in story] == [(LOW, 12), (HIGH, 24), (LOW, 24), (LOW, 12)]
    assert story[2]["fewestReady"] == 24


def test_three_clouds_grow_and_shrink_in_small_steps(played: Played) -> None:
    sizes = played.sizes(FOUND)
    top = sizes.index(GROWN)
    assert sizes[-1] == FOUND
    assert all(sum(before.values()) < sum(after.values()) for before, after in pairwise(sizes[: top + 1]))
    removed = [sum(before.values()) - sum(after.values()) for before, after in pairwise(sizes[top:])]
    assert all(0 < nodes <= MOST_NODES_A_STEP for nodes in removed)
