"""The demo as people start it: one story, one document, nothing left behind however it ends."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from itertools import accumulate, pairwise
from pathlib import Path

import pytest

from multicloud_lab.controlplane import ControlPlane
from support.commandline import command, environment, multicloud_says
from support.demo import Played, played_once
from support.waiting import until

pytestmark = pytest.mark.slow

FOUND = {("aws", "shop-prod", "web"): 4, ("azure", "shop-prod", "web"): 4, ("gcp", "shop-batch", "web"): 4}
MOST_NODES_A_STEP = 6
"""`maxNodesPerStep` of the samples."""


@pytest.fixture(scope="module")
def played(control_plane: ControlPlane) -> Played:
    """The act that is played when none is named. The control plane has been built."""
    return played_once()


def test_every_step_of_the_story_comes_true(played: Played) -> None:
    assert played.all_came_true("take-over", "scale-up", "surplus-held", "scale-down"), played.story
    assert all(0 < told["seconds"] < 60 for told in played.story)


def test_a_warm_run_takes_a_minute_at_most(played: Played) -> None:
    assert played.took_s <= 60


def test_the_pool_ends_with_the_nodes_it_was_found_with(played: Played) -> None:
    pool = played.pool
    assert (pool["namespace"], pool["name"], pool["desired"], pool["ready"]) == ("shop", "web", 12, 12)
    sizes = {
        (member["cloud"], member["cluster"], member["nodePool"]): (
            member["nodes"],
            member["readyNodes"],
            member["targetNodes"],
            member["state"],
        )
        for member in pool["members"]
    }
    assert sizes == {place: (nodes, nodes, nodes, "Active") for place, nodes in FOUND.items()}


def test_three_clouds_were_written_to_in_few_and_small_steps(played: Played) -> None:
    writes = [((w["cloud"], w["cluster"], w["nodePool"]), w["to"]) for w in played.document["cloudWrites"]]
    grown, shrunk = writes[:3], writes[3:]
    # Nothing is written for taking over; thirty units are ten nodes in each cloud.
    assert dict(grown) == dict.fromkeys(FOUND, 10)
    # Never more than a step at once, and each cloud ends where it began. A hand made two more in Amazon's.
    before = dict.fromkeys(FOUND, 10) | {("aws", "shop-prod", "web"): 12}
    sizes = list(accumulate(shrunk, lambda at, write: {**at, write[0]: write[1]}, initial=before))
    removed = [sum(old.values()) - sum(new.values()) for old, new in pairwise(sizes)]
    assert sizes[-1] == FOUND
    assert all(0 < nodes <= MOST_NODES_A_STEP for nodes in removed)


@pytest.fixture
def running(control_plane: ControlPlane, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A demo on its way, its output in a file; whatever a test leaves of it is killed."""
    with (tmp_path / "demo.out").open("wb") as out:
        process = subprocess.Popen(
            command("demo"),
            env={**environment(), "TMPDIR": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    yield process
    if process.poll() is None:
        process.kill()
        process.wait(10)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_nothing_outlives_the_demo(running: subprocess.Popen[bytes], tmp_path: Path, number: signal.Signals) -> None:
    out = tmp_path / "demo.out"
    until(
        lambda: len(offspring(running.pid)) >= 5 or running.poll() is not None,
        "the demo has started lab, operator and control plane",
        timeout_s=60,
        tell=out.read_text,
    )
    children = offspring(running.pid)
    assert running.poll() is None, out.read_text()
    running.send_signal(number)
    running.wait(60)
    until(lambda: not [pid for pid in children if lives(pid)], "everything has ended", timeout_s=40)
    if number is not signal.SIGKILL:
        assert not list(tmp_path.glob("multicloud-*")), "directories are left behind"


def test_an_operator_that_dies_ends_the_demo_with_the_end_of_its_log(
    running: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    out = tmp_path / "demo.out"

    def operator() -> int | None:
        started = (pid for pid in offspring(running.pid) if b"multicloud\0run\0" in arguments(pid))
        return next(started, None)

    def has_logged() -> bool:
        return any(log.stat().st_size for log in tmp_path.glob("multicloud-demo-*/operator.log"))

    pid = until(operator, "the demo has started the operator", timeout_s=60, tell=out.read_text)
    until(has_logged, "the operator has logged", timeout_s=30, tell=out.read_text)
    (log,) = tmp_path.glob("multicloud-demo-*/operator.log")
    first = log.read_text().splitlines()[0]
    os.kill(pid, signal.SIGKILL)
    assert running.wait(60) == 1
    assert first in out.read_text()


def arguments(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def offspring(pid: int) -> set[int]:
    """Every process below this one, sessions of their own included."""
    found: set[int] = set()
    looked_at = [pid]
    while looked_at:
        parent = looked_at.pop()
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                children = {int(word) for word in task.read_text().split()}
            except OSError:
                continue
            looked_at.extend(children - found)
            found |= children
    return found


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_without_samples_it_says_what_to_name(tmp_path: Path) -> None:
    said = multicloud_says("demo", "--once", "-o", "json", "--samples", str(tmp_path))
    assert said.returncode == 1
    assert str(tmp_path) in said.stderr
    assert json.loads(said.stdout) == {"pools": [], "cloudWrites": [], "story": []}
