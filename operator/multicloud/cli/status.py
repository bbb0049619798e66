"""`multicloud status`: pools and their members as the operator last reported them. Reads the API server only."""

from collections.abc import Sequence
from pathlib import Path

import click

from multicloud.cli.asking import ask
from multicloud.cli.options import cluster_options, output_option
from multicloud.cli.printing import print_document, print_table
from multicloud.cli.reading import Body, read_pools


@click.command()
@click.argument("pool", required=False)
@click.option("-n", "--namespace", metavar="NAMESPACE", help="Namespace to look at. Default: that of the context.")
@click.option("-A", "--all-namespaces", is_flag=True, help="Look at every namespace.")
@output_option("table", "wide", "json", "yaml", told="json and yaml print the objects as the API server has them.")
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
        one = found[0] if pool is not None else {"apiVersion": "v1", "kind": "List", "items": list(found)}
        print_document(one, output)
    elif found:
        _print_table(found, wide=output == "wide", namespaces=place is None)
    else:
        click.echo(f"no MultiCloudPool in {f'namespace {place}' if place else 'any namespace'}", err=True)


def _print_table(found: Sequence[Body], *, wide: bool, namespaces: bool) -> None:
    from multicloud.cli.shown import pool_row
    from multicloud.cli.tables import pools_table

    print_table(pools_table([pool_row(body) for body in found], wide=wide, namespaces=namespaces))
