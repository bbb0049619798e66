"""Keep a few programs alive exactly as long as the process that asked for them.

Run by path as a process of its own (standard library only, so that it starts in
a blink): ``python -I -S guard.py '<json>'``. Its standard input is a pipe whose
other end only the parent holds; when the parent ends, however it ends, the
kernel closes that end and the read here returns. A death signal bound to the
parent would be simpler, but it fires when the *thread* that forked ends, and
only Linux has it; it is used below as a second line between guard and programs.

The JSON names ``commands`` (each ``argv`` and ``log``), started in this order
and stopped in the reverse one, and ``remove``, null or a directory to delete
when the parent died; a parent that stops in good order writes a byte before it
closes its end, and deletes for itself. When one program ends by itself the
others are stopped too; its name and exit status are printed and the guard exits 1.
"""

import contextlib
import ctypes
import json
import queue
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final, NamedTuple, TypedDict

_GRACE_S: Final = 2.0
"""How long a program may take to end after SIGTERM; what it holds is throw-away."""
_PR_SET_PDEATHSIG: Final = 1


class Command(TypedDict):
    """One program: what to run and the file that takes its output."""

    argv: list[str]
    log: str


class Orders(TypedDict):
    """What the parent hands over, once, as JSON."""

    commands: list[Command]
    remove: str | None


class _End(NamedTuple):
    early: str | None
    """How a program ended that nobody had stopped."""
    died: bool
    """Whether the parent is gone without a word."""


def _die_with_the_guard() -> None:
    # Runs in the child between fork and exec. The forking thread is the guard's
    # main thread, which lives as long as the guard does.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _start(command: Command) -> subprocess.Popen[bytes]:
    with Path(command["log"]).open("ab") as log:
        return subprocess.Popen(
            command["argv"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=_die_with_the_guard if sys.platform == "linux" else None,  # noqa: PLW1509  the guard forks before it starts a thread
        )


def _stop(program: subprocess.Popen[bytes]) -> None:
    program.terminate()
    try:
        program.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()


def guard(orders: Orders) -> str | None:
    """Run the programs until the parent is gone; return how one ended too early, if so."""
    ends: queue.SimpleQueue[_End] = queue.SimpleQueue()
    signal.signal(signal.SIGTERM, lambda _number, _frame: ends.put(_End(early=None, died=True)))
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch_parent() -> None:
        said = sys.stdin.buffer.read()
        ends.put(_End(early=None, died=not said))

    def watch(program: subprocess.Popen[bytes], name: str) -> None:
        ends.put(_End(early=f"{name} ended with status {program.wait()}", died=False))

    with contextlib.ExitStack() as running:
        programs = []
        for command in orders["commands"]:
            program = _start(command)
            running.callback(_stop, program)
            programs.append((program, Path(command["argv"][0]).name))
        threading.Thread(target=watch_parent, daemon=True).start()
        for program, name in programs:
            threading.Thread(target=watch, args=(program, name), daemon=True).start()
        end = ends.get()
    if end.died and orders["remove"] is not None:
        shutil.rmtree(orders["remove"], ignore_errors=True)
    return end.early


def main() -> int:
    """Read the orders, guard, and say which program ended too early."""
    orders: Orders = json.loads(sys.argv[1])
    early = guard(orders)
    if early is None:
        return 0
    sys.stdout.write(early + "\n")
    sys.stdout.flush()
    return 1


if __name__ == "__main__":
    sys.exit(main())
