"""`multicloud lab scenario NAME|all`: plays scenarios of the pack (or of files) against a client program."""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from multicloud_lab.scenarios.model import Scenario, ScenarioError, load, pack
from multicloud_lab.scenarios.stage import Stage

ALL = "all"


def main(argv: Sequence[str]) -> int:
    """Play what the command line names; returns 0 when all passed, 1 when not, 2 for a mistake (nothing is started)."""
    given = _parser().parse_args(argv)
    try:
        known = [scenario for path in given.file for scenario in load(path)] if given.file else pack()
        chosen = _chosen(known, given.names)
    except ScenarioError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if given.list or not given.names:
        for scenario in known:
            sys.stdout.write(f"{scenario.name:32} {scenario.about}\n")
        return 0
    # -P: a directory of the same name where the person happens to be must not be taken for the lab.
    reference = [sys.executable, "-P", "-m", "multicloud_lab.scenarios.reference"]
    command = reference if given.client is None else shlex.split(given.client)
    try:
        return _play(chosen, command, as_json=given.output == "json")
    except OSError as error:
        sys.stderr.write(f"--client {command[0]}: cannot be started: {error.strerror}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="multicloud lab scenario",
        description="Play scenarios against a client: by default a careful one that comes with the lab.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"scenarios, or {ALL}; none: list them")
    parser.add_argument("--client", metavar="COMMAND", help="the client program (docs/lab.md: what it is sent)")
    parser.add_argument("--file", type=Path, action="append", default=[], help="scenarios of this file, not the pack's")
    parser.add_argument("--list", action="store_true", help="list the scenarios and end")
    parser.add_argument("-o", "--output", choices=["json"], help="one JSON object a scenario")
    return parser


def _chosen(known: Sequence[Scenario], names: Sequence[str]) -> list[Scenario]:
    by_name = {scenario.name: scenario for scenario in known}
    if ALL in names:
        return list(known)
    for name in names:
        if name not in by_name:
            message = f"{name}: is no scenario: there are {', '.join(by_name)} and {ALL}"
            raise ScenarioError(message)
    return [by_name[name] for name in names]


def _play(chosen: Sequence[Scenario], command: Sequence[str], *, as_json: bool) -> int:
    failed = 0
    with Stage(command, dict(os.environ)) as stage:
        for scenario in chosen:
            verdict = stage.play(scenario)
            failed += not verdict.passed
            if as_json:
                body = {"name": verdict.name, "passed": verdict.passed, "broken": list(verdict.broken)}
                sys.stdout.write(json.dumps(body) + "\n")
            else:
                sys.stdout.write(f"{'passed' if verdict.passed else 'FAILED'}  {verdict.name}\n")
                sys.stdout.writelines(f"        {sentence}\n" for sentence in verdict.broken)
            sys.stdout.flush()
    return 1 if failed else 0
