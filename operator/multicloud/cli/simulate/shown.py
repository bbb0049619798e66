"""Runs as a table for people and as JSON for programs. The only module of the simulation that knows rich."""

import json
from collections.abc import Sequence
from typing import Any

import click

from multicloud.cli.printing import print_table
from multicloud.cli.simulate.summary import Run, summary


def print_runs(runs: Sequence[Run], output: str) -> None:
    """Print to standard output; the first run is the policy's, others are compared with it."""
    if output == "json":
        click.echo(json.dumps(_document(runs)))
        return
    print_table(_table(runs))


def _document(runs: Sequence[Run]) -> dict[str, Any]:
    first, *others = (_part(run) for run in runs)
    if not others:
        return first
    named = [{"policy": run.policy, **part} for run, part in zip(runs[1:], others, strict=True)]
    return {"policy": runs[0].policy, **first, "compared": named}


def _part(run: Run) -> dict[str, Any]:
    steps = [
        {
            "seconds": _plain(step.seconds),
            "load": _plain(step.load),
            "desired": step.desired,
            "ready": step.ready,
            "reason": step.reason,
            **({} if step.hourly_cost is None else {"hourlyCost": step.hourly_cost}),
        }
        for step in run.steps
    ]
    return {"steps": steps, "summary": summary(run)}


def _plain(number: float) -> float:
    """A whole number without its point."""
    return int(number) if number.is_integer() else number


def _table(runs: Sequence[Run]) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("POLICY", no_wrap=True)
    numbers = [summary(run) for run in runs]
    priced = any("cost" in made for made in numbers)
    titles = [
        "UNDER",
        "LOST LOAD",
        "UNIT-HOURS",
        "× IDEAL",
        "RESIZES",
        "A DAY",
        "REVERSALS",
        *(["COST"] if priced else []),
    ]
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    for run, made in zip(runs, numbers, strict=True):
        table.add_row(run.policy, *_cells(made, priced=priced))
    return table


def _cells(made: dict[str, Any], *, priced: bool) -> list[str]:
    ideal = made["idealUnitHours"]
    cells = [
        f"{made['underPercent']:.2f} %",
        f"{made['lostLoadPercent']:.2f} %",
        f"{made['unitHours']:.1f}",
        f"{made['unitHours'] / ideal:.2f}" if ideal else "–",
        str(made["resizes"]),
        f"{made['resizesPerDay']:.1f}",
        str(made["reversals"]),
    ]
    return [*cells, *([f"{made['cost']:.2f}" if "cost" in made else "?"] if priced else [])]
