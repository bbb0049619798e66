"""Lines on standard error that say what takes so long.

Written by ``build`` and ``golang``. On a terminal the current line grows a
clock; anywhere else (a CI log) each step is one plain line at its start and one
at its end.
"""

import contextlib
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

_TICK_S: Final = 1.0
_CLEAR_LINE: Final = "\r\x1b[K"
"""The line that says how it ended takes the place of the clock."""


def say(line: str) -> None:
    """Print one line of progress."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def minutes(seconds: int) -> str:
    """Write a duration as people do: ``45 s``, ``5 min``, ``1 min 40 s``."""
    whole, rest = divmod(seconds, 60)
    if whole == 0:
        return f"{rest} s"
    return f"{whole} min" if rest == 0 else f"{whole} min {rest} s"


def run_and_tick(argv: list[str], *, label: str, cwd: Path, environment: dict[str, str], log: Path) -> tuple[int, int]:
    """Run a program with a clock behind ``label``; return its status and its seconds.

    Its output goes to ``log``. A caller that is interrupted leaves no program behind.
    """
    terminal = sys.stderr.isatty()
    if not terminal:
        say(label)
    started_s = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            while process.poll() is None:
                if terminal:
                    sys.stderr.write(f"{_CLEAR_LINE}{label}  {minutes(_since(started_s))}")
                    sys.stderr.flush()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_TICK_S)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            if terminal:
                sys.stderr.write(_CLEAR_LINE)
    return process.returncode, _since(started_s)


def _since(started_s: float) -> int:
    return round(time.monotonic() - started_s)
