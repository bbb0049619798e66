"""`python -m multicloud_lab`: the lab as a program, until it is told to stop.

`… scenario NAME` plays scenarios, `… replay FILE` does a journal again.

With `-o json` the first line on stdout, once everything answers, is the document that says where
everything listens and what to log in with. Logs go to stderr.
"""

import argparse
import asyncio
import json
import logging
import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from multicloud_lab.controlplane import ControlPlane, ControlPlaneError
from multicloud_lab.core.clock import VirtualClock
from multicloud_lab.core.faultfile import load_faults
from multicloud_lab.core.journalfile import write_journal
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.seed import Seed, SeedError, load_seed
from multicloud_lab.operationnames import OPERATIONS
from multicloud_lab.replaying import main as replay
from multicloud_lab.scenarios.command import main as scenarios
from multicloud_lab.serve import LabServer

log = logging.getLogger("multicloud_lab")


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="multicloud lab",
        description="Three emulated clouds on loopback.",
        epilog="`multicloud lab scenario --help`: play scenarios on them against a client program. "
        "`multicloud lab replay --help`: do again what a journal says was done.",
    )
    parser.add_argument("--seed-file", type=Path, help="YAML with accounts, clusters and node pools")
    parser.add_argument("--fault-file", type=Path, help="YAML with a list of faults that are in force from the start")
    parser.add_argument("--clock-factor", type=_factor, default=1.0, help="virtual seconds per real second (1)")
    parser.add_argument("--journal", type=Path, help="append the journal to this file, one JSON a line")
    parser.add_argument("--no-control-plane", action="store_true", help="no kube-apiserver")
    parser.add_argument("--die-with-stdin", action="store_true", help="exit when standard input closes")
    parser.add_argument("-o", "--output", choices=["json"], help="print the document as JSON")
    return parser.parse_args(argv)


def main() -> int:
    """Run the lab, or what the first word (`scenario`, `replay`) names; returns the exit code."""
    if sys.argv[1:2] == ["scenario"]:
        return scenarios(sys.argv[2:])
    if sys.argv[1:2] == ["replay"]:
        return replay(sys.argv[2:])
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    given = arguments(sys.argv[1:])
    try:
        server, end_journal = _make(given)
    except (SeedError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        return asyncio.run(_run(given, server))
    finally:
        end_journal()


def _make(given: argparse.Namespace) -> tuple[LabServer, Callable[[], None]]:
    """Make the lab that the command line asks for, and what ends its journal. Raises SeedError with one line, OSError."""
    seed = Seed() if given.seed_file is None else load_seed(given.seed_file)
    faults = [] if given.fault_file is None else load_faults(given.fault_file, OPERATIONS)
    try:
        lab = Lab(seed, VirtualClock(factor=given.clock_factor))
        server = LabServer(lab)
    except SeedError as error:
        # Said by an engine about its part of the seed; without a file there is nothing that could be wrong.
        message = f"{given.seed_file}: {error}"
        raise SeedError(message) from error
    end_journal = (lambda: None) if given.journal is None else write_journal(lab, given.journal)
    for fault in faults:
        lab.faults.place(fault)
    return server, end_journal


async def _run(given: argparse.Namespace, server: LabServer) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if given.die_with_stdin:
        _watch_stdin(loop, stop)
    control_plane = None if given.no_control_plane else ControlPlane()
    try:
        await server.start()
        if control_plane is not None:
            await asyncio.to_thread(control_plane.start)
            server.kubeconfig = str(control_plane.kubeconfig)
        _announce(server.document(), as_json=given.output == "json")
        await stop.wait()
    except ControlPlaneError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        log.info("stopping")
        await server.stop()
        if control_plane is not None:
            await asyncio.to_thread(control_plane.stop)
    return 0


def _factor(text: str) -> float:
    factor = float(text)
    if not 0 <= factor < math.inf:
        raise argparse.ArgumentTypeError("must be 0 (the clock moves only by POST /clock/advance) or above")
    return factor


def _announce(document: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        text = json.dumps(document)
    else:
        places = [f"{name:12} {json.dumps(place)}" for name, place in document.items() if name != "credentials"]
        text = "\n".join(["The lab answers (credentials: -o json). Stop it with Ctrl-C.", *places])
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Stop when the parent's pipe closes: however the parent ends, no lab stays behind."""

    def read() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=read, name="stdin", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
