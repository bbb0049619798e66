"""Lines on standard error that say what takes so long.

Written by ``build`` and ``golang``. On a terminal the current line grows a
clock; anywhere else (a CI log) each step is one plain line at its start and one
at its end.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final, TextIO

_TICK_S: Final = 1.0


def say(line: str, stream: TextIO | None = None) -> None:
    """Print one line of progress."""
    out = stream or sys.stderr
    out.write(line + "\n")
    out.flush()


def minutes(seconds: int) -> str:
    """Write a duration as people do: ``45 s``, ``5 min``, ``1 min 40 s``."""
    whole, rest = divmod(seconds, 60)
    if whole == 0:
        return f"{rest} s"
    return f"{whole} min" if rest == 0 else f"{whole} min {rest} s"


def run_and_tick(
    argv: list[str], *, label: str, cwd: Path, environment: dict[str, str], log: Path
) -> tuple[int, int]:
    """Run a program with a clock behind ``label``; return its status and its seconds.

    Its output goes to ``log``. A caller that is interrupted leaves no program behind.
    """
    terminal = sys.stderr.isatty()
    if not terminal:
        say(label)
    seconds = 0
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            while True:
                if terminal:
                    sys.stderr.write(f"\r{label}  {minutes(seconds)}   ")
                    sys.stderr.flush()
                try:
                    status = process.wait(_TICK_S)
                except subprocess.TimeoutExpired:
                    seconds += 1
                else:
                    break
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            if terminal:
                sys.stderr.write("\n")
    return status, seconds
