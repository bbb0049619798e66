"""`multicloud lab replay FILE`: what a journal file says was done, done again, and the state that it leads to.

The file is `--journal`'s; nothing listens. Two runs that led to the same state print the same document.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from multicloud_lab.admin import node_json, pool_json
from multicloud_lab.core.clock import VirtualClock, iso
from multicloud_lab.core.invariants import check
from multicloud_lab.core.journalfile import JournalFileError, Recorded, read_journal
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.replay import ReplayError, play
from multicloud_lab.core.seed import SeedError
from multicloud_lab.serve import make_lab


def main(argv: Sequence[str]) -> int:
    """Replay a file's last run and print its end; returns 0, 1 when it cannot be replayed, 2 for a wrong file."""
    given = _parser().parse_args(argv)
    try:
        lab = replayed(read_journal(given.file))
    except JournalFileError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (SeedError, ReplayError) as error:
        sys.stderr.write(f"{given.file}: {error}\n")
        return 1
    sys.stdout.write(json.dumps(_document(lab)) + "\n" if given.output == "json" else _text(lab))
    return 0


def replayed(recorded: Recorded) -> Lab:
    """Return a lab in which everything was done again. Raises ReplayError, SeedError for a switch of another lab."""
    lab = make_lab(recorded.seed, VirtualClock(recorded.start))
    play(recorded.entries, lab, recorded.end_s)
    return lab


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="multicloud lab replay",
        description="Do again what a journal file says was done, and print the pools and machines that it leads to.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a file that `multicloud lab --journal FILE` wrote")
    parser.add_argument("-o", "--output", choices=["json"], help="pools, machines and broken rules as one JSON object")
    return parser


def _document(lab: Lab) -> dict[str, object]:
    return {
        "now": iso(lab.clock.now()),
        "epochSeconds": lab.clock.now(),
        "pools": [pool_json(pool) for pool in lab.fleet],
        "nodes": [node_json(group, node) for group in lab.machines() for node in group.nodes.nodes],
        "violations": check(lab),
    }


def _text(lab: Lab) -> str:
    lines = [f"at {iso(lab.clock.now())}"]
    lines += [
        f"{pool.cloud:6} {pool.cluster}/{pool.node_pool}: {pool.requested} wished, {pool.nodes} there, "
        f"{pool.ready} ready, {pool.status}"
        for pool in lab.fleet
    ]
    return "\n".join([*lines, *check(lab), ""])
