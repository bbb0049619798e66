"""Plans for people and for programs: removals first, notes and warnings on standard error."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from multicloud.cli.bound import Bound
from multicloud.cli.plan.scene import Scene
from multicloud.cli.printing import print_document
from multicloud.kinds.status import money
from multicloud.model.approval import Change, plan_hash
from multicloud.model.plan import Plan

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A pool, what would be done for it, and what decides where its units go."""

    scene: Scene
    plan: Plan
    bound: Bound


def print_plans(plans: Sequence[Planned], output: str) -> None:
    """Print to standard output in the form asked for; what was assumed goes to standard error."""
    for one in plans:
        for note in one.scene.notes:
            click.echo(f"{_name(one.scene)}: {note}", err=True)
    if output in {"json", "yaml"}:
        print_document({"pools": [document(one) for one in plans]}, output)
        return
    _print_tables(plans, wide=output == "wide")


def document(planned: Planned) -> Mapping[str, Any]:
    """One pool of the document (docs/plan.md)."""
    scene, plan = planned.scene, planned.plan
    key, placing = scene.snapshot.key, plan.placing
    return {
        "namespace": key.namespace,
        "name": key.name,
        "observed": scene.observed,
        "plan": {
            "hash": _hash(scene, plan),
            "changes": _changes(plan.changes),
            "hourlyCost": money(placing.hourly_cost),
            "hourlyCostNow": money(placing.hourly_cost_now),
            "shortage": plan.shortage,
            "bindingConstraints": planned.bound.listed(),
            "relaxed": [{"name": one.name, "by": one.by, "wouldHelp": one.would_help} for one in placing.relaxed],
            "gap": money(placing.gap),
            "steps": [_changes(step) for step in plan.steps],
        },
    }


def _hash(scene: Scene, plan: Plan) -> str:
    """That of the plan that stands, which an approval has to name; else one of these changes alone."""
    known = scene.snapshot.record.plan
    if known is not None and known == plan.record.plan:
        return known.hash(scene.snapshot.uid)
    return plan_hash("", "", plan.changes)


def _changes(changes: Sequence[Change]) -> Sequence[Mapping[str, Any]]:
    return [
        {"member": one.member, "from": one.origin, "to": one.to, "reason": one.reason.code.value} for one in changes
    ]


def _print_tables(plans: Sequence[Planned], *, wide: bool) -> None:
    from rich.console import Console

    # In a file or a pipe nothing is cut off: there is no edge to fit.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 240)
    for one in plans:
        console.print(_heading(one.scene, one.plan), soft_wrap=True)
        if one.plan.changes:
            console.print(_table(one.plan, wide=wide))
        console.print(_summary(one.plan), soft_wrap=True)
        for told in one.bound.sentences():
            console.print(f"What binds: {told}", soft_wrap=True, markup=False)


def _heading(scene: Scene, plan: Plan) -> str:
    record = plan.record
    by = record.decided_by
    who = "" if by is None else f" ({by.reason})"
    limited = "" if plan.limited_by is None else f", limited by {plan.limited_by.code}"
    return f"[bold]{_name(scene)}[/bold]: {record.desired} units desired{who}{limited}, {plan.ready or 0} ready"


def _table(plan: Plan, *, wide: bool) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("", "MEMBER", "FROM", "TO", "STEPS", "REASON", *(["MESSAGE"] if wide else [])):
        table.add_column(title, justify="right" if title in {"FROM", "TO"} else "left", no_wrap=title != "MESSAGE")
    for one in plan.changes:
        sign = Text("+", "green") if one.to > one.origin else Text("-", "red")
        steps = [str(number) for number, step in enumerate(plan.steps, start=1) if _touches(step, one.member)]
        row = (one.member, str(one.origin), str(one.to), ",".join(steps), one.reason.code.value)
        table.add_row(sign, *row, *([one.reason.text] if wide else []))
    return table


def _touches(step: Sequence[Change], member: str) -> bool:
    return any(change.member == member for change in step)


def _summary(plan: Plan) -> str:
    if not plan.changes:
        lines = ["Nothing to do."]
    else:
        gone = sum(max(0, one.origin - one.to) for one in plan.changes)
        come = sum(max(0, one.to - one.origin) for one in plan.changes)
        lines = [f"{gone} nodes to remove, {come} to add, in {len(plan.steps)} steps."]
    if plan.blocked is not None:
        lines.append(f"Nothing of it is done now: {plan.blocked.text}.")
    if plan.shortage:
        lines.append(f"{plan.shortage} units would be missing.")
    return " ".join(lines)


def _name(scene: Scene) -> str:
    return f"{scene.snapshot.key.namespace}/{scene.snapshot.key.name}"
