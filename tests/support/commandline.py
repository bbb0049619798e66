"""`multicloud` as people start it: a process, its two outputs and its exit code."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import multicloud

SOURCE = str(Path(multicloud.__file__).parent.parent)


def environment(**more: str) -> Mapping[str, str]:
    """The tests' own environment without settings of an operator, and `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MULTICLOUD_", "KUBECONFIG"))}
    return {**kept, "PYTHONPATH": SOURCE, "NO_COLOR": "1", **more}


def multicloud_says(*arguments: str, timeout_s: float = 60, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; `more` is added to its environment."""
    return subprocess.run(
        command(*arguments),
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def command(*arguments: str) -> Sequence[str]:
    """The command as an argument list."""
    return [sys.executable, "-m", "multicloud", *arguments]
