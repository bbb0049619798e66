"""`multicloud status`: pools and their members as the operator last reported them. Reads the API server only."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from multicloud.cli.asking import ask
from multicloud.cli.options import cluster_options
from multicloud.cli.reading import Body, read_pools


@click.command()
@click.argument("pool", required=False)
@click.option("-n", "--namespace", metavar="NAMESPACE", help="Namespace to look at. Default: that of the context.")
@click.option("-A", "--all-namespaces", is_flag=True, help="Look at every namespace.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "wide", "json", "yaml"]),
    default="table",
    show_default=True,
    help="json and yaml print the objects as the API server has them.",
)
@cluster_options
def status(
    *,
    pool: str | None,
    namespace: str | None,
    all_namespaces: bool,
    output: str,
    kubeconfig: Path | None,
    context: str | None,
) -> None:
    """Show pools and their members: what is wished, what is there, and why.

    Units stand in the row of a pool, nodes in the rows of its members. A question mark is what nobody knows yet.
    """
    from multicloud.cli.place import namespace_of

    if all_namespaces and (namespace or pool):
        raise click.UsageError("-A looks at every pool: leave out the name and -n")
    place = None if all_namespaces else namespace or namespace_of(kubeconfig, context)
    found = ask(kubeconfig, context, lambda kube: read_pools(kube, place, pool))
    if output in {"json", "yaml"}:
        _print_objects(found, one=pool is not None, as_json=output == "json")
    elif found:
        _print_table(found, wide=output == "wide", namespaces=place is None)
    else:
        click.echo(f"no MultiCloudPool in {f'namespace {place}' if place else 'any namespace'}", err=True)


def _print_objects(found: Sequence[Body], *, one: bool, as_json: bool) -> None:
    document: Body = found[0] if one else {"apiVersion": "v1", "kind": "List", "items": list(found)}
    if as_json:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    import yaml

    click.echo(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120), nl=False)


def _print_table(found: Sequence[Body], *, wide: bool, namespaces: bool) -> None:
    from rich.console import Console

    from multicloud.cli.shown import pool_row
    from multicloud.cli.tables import pools_table

    # In a file or a pipe nothing is cut off: there is no edge to fit.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 240)
    console.print(pools_table([pool_row(body) for body in found], wide=wide, namespaces=namespaces))
