"""The walks of bench/, each with one vendor's own client, on a lab of sixty virtual seconds a second."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("cloud", ["eks", "aks", "gke"])
def test_the_walk_is_done(cloud: str) -> None:
    command = [sys.executable, "-m", f"bench.walk_{cloud}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[-1] == "the walk is done"
    assert sum(line.startswith("ok  ") for line in lines) >= 9


def test_a_walk_that_finds_something_else_says_so(tmp_path: Path) -> None:
    check = "from bench.walking import expect, run; raise SystemExit(run(lambda _: expect(4, 7, 'nodes')))"
    document = tmp_path / "lab.json"
    document.write_text("{}\n")
    done = subprocess.run(
        [sys.executable, "-c", check, str(document)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (1, "NO  nodes: 4, but it should be 7\n")
