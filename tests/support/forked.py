"""Processes of the operator's program, forked from one that has imported it: a start takes a tenth of a second, not three.

What runs is `multicloud` with its arguments, as a process of its own: it can be killed, frozen and asked as any other.
It ends also when the tests are killed.
"""

import multiprocessing
import os
import threading
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path

IMPORTED = [
    "multicloud.cli.root",
    "multicloud.run.process",
    "multicloud.clouds.aks.door",
    "multicloud.clouds.eks.door",
    "multicloud.clouds.gke.door",
    "highspy",
]
"""What takes long to import, in the process that the others are forked from."""

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(IMPORTED)


def fork(arguments: list[str], log: Path) -> BaseProcess:
    """Start `multicloud` with these arguments; what it says goes to the end of `log`."""
    process = _FORKS.Process(target=_run, args=(arguments, str(log)), daemon=True)
    process.start()
    return process


def _run(arguments: list[str], log: str) -> None:
    said = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.setsid()
    threading.Thread(target=_end_with_the_tests, daemon=True).start()
    from multicloud.cli.root import root

    root.main(arguments, prog_name="multicloud")


def _end_with_the_tests() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
