"""What the three walks share: a lab as a program of its own, its admin port's clock, and saying what was seen."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

OPERATOR = Path(__file__).parents[1] / "operator"
FACTOR = 60
DEADLINE_S = 60.0
POLL_S = 0.2


class WalkError(Exception):
    """Something was not as a walk expects it; the text says what."""


def say(text: str) -> None:
    """Print a line of the walk."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def expect(seen: object, wished: object, what: str) -> None:
    """Say what was seen. Raises WalkError when it is something else."""
    if seen != wished:
        message = f"{what}: {seen!r}, but it should be {wished!r}"
        raise WalkError(message)
    say(f"ok  {what}: {seen}")


def wait_until(done: Callable[[], bool], what: str) -> None:
    """Ask until it is so. Raises WalkError after DEADLINE_S real seconds (an hour of the lab's time)."""
    pause = threading.Event()
    for _ in range(int(DEADLINE_S / POLL_S)):
        if done():
            say(f"ok  {what}")
            return
        pause.wait(POLL_S)
    message = f"not within {DEADLINE_S:.0f} s: {what}"
    raise WalkError(message)


@contextmanager
def running_lab() -> Iterator[dict[str, Any]]:
    """Run `multicloud lab -o json --clock-factor 60` and yield its document."""
    command = [sys.executable, "-P", "-m", "multicloud_lab", "--no-control-plane", "--clock-factor", str(FACTOR)]
    with subprocess.Popen(
        [*command, "-o", "json", "--die-with-stdin"],
        env={"PYTHONPATH": str(OPERATOR)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as lab:
        assert lab.stdout is not None
        assert lab.stdin is not None
        try:
            yield json.loads(lab.stdout.readline())
        finally:
            lab.stdin.close()


def run(walk: Callable[[dict[str, Any]], None]) -> int:
    """Walk: on the lab whose document is in the file that the command line names, else on a lab of its own."""
    try:
        if len(sys.argv) > 1:
            walk(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()[0]))
        else:
            with running_lab() as document:
                walk(document)
    except WalkError as error:
        say(f"NO  {error}")
        return 1
    say("the walk is done")
    return 0
