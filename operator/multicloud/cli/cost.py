"""`multicloud cost`: what pools cost an hour now, and at the end of their plans. Reads the API server only."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from multicloud.cli.asking import ask
from multicloud.cli.options import cluster_options, output_option
from multicloud.cli.printing import print_document, print_table
from multicloud.cli.reading import Body, read_pools
from multicloud.cli.shown import UNKNOWN


@click.command()
@click.argument("pool", required=False)
@click.option("-n", "--namespace", metavar="NAMESPACE", help="Namespace to look at. Default: that of the context.")
@output_option("table", "json", "yaml")
@cluster_options
def cost(*, pool: str | None, namespace: str | None, output: str, kubeconfig: Path | None, context: str | None) -> None:
    """Show what pools cost an hour, now and at the end of what is planned; of POOL also what each constraint costs.

    Amounts are of the nodes that the clouds try to reach, at the prices of the spec. A question mark is an amount that
    nobody can tell: a price or a size is not known.
    """
    from multicloud.cli.bound import Bound
    from multicloud.cli.place import namespace_of

    place = namespace or namespace_of(kubeconfig, context)
    bodies = ask(kubeconfig, context, lambda kube: read_pools(kube, place, pool))
    bound = Bound() if pool is None else Bound.by_status(bodies[0])
    found = [_costs(body) for body in bodies]
    if pool is not None:
        found[0]["bindingConstraints"] = bound.listed()
    if output != "table":
        print_document({"pools": found}, output)
        return
    _print_table(found)
    for told in bound.sentences():
        click.echo(f"What binds: {told}")


def _costs(body: Body) -> dict[str, Any]:
    """What one pool costs, in its own currency."""
    plan = (body.get("status") or {}).get("plan") or {}
    now, then = plan.get("hourlyCostNow"), plan.get("hourlyCost")
    saving = None if now is None or then is None else format(Decimal(now) - Decimal(then), "f")
    return {
        "namespace": body["metadata"]["namespace"],
        "name": body["metadata"]["name"],
        "currency": (body.get("spec") or {}).get("currency"),
        "hourlyCostNow": now,
        "hourlyCost": then,
        "saving": saving,
    }


def _print_table(found: Sequence[Mapping[str, Any]]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("POOL", "NOW", "PLANNED", "SAVING", ""):
        table.add_column(title, justify="right" if title.isupper() and title != "POOL" else "left", no_wrap=True)
    for one in found:
        amounts = [
            one[field] if one[field] is not None else UNKNOWN for field in ("hourlyCostNow", "hourlyCost", "saving")
        ]
        table.add_row(one["name"], *amounts, f"{one['currency']} an hour" if one["currency"] else "an hour")
    print_table(table)
