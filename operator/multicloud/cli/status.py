"""`multicloud status`: pools, their policies and members as the operator last reported them. Reads the API server only."""

from collections.abc import Sequence
from pathlib import Path

import click

from multicloud.cli.asking import ask
from multicloud.cli.options import cluster_options, output_option
from multicloud.cli.printing import print_document, print_table
from multicloud.cli.reading import Body, read_decided


@click.command()
@click.argument("pool", required=False)
@click.option("-n", "--namespace", metavar="NAMESPACE", help="Namespace to look at. Default: that of the context.")
@click.option("-A", "--all-namespaces", is_flag=True, help="Look at every namespace.")
@output_option(
    "table",
    "wide",
    "json",
    "yaml",
    told="json and yaml print the objects as the API server has them, and `policies` beside them.",
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
    """Show pools, their policies and their members: what is wished, what is there, and why.

    Units stand in the rows of a pool and of its policies, nodes in the rows of its members. The bars are the wishes that a
    policy went through within its windows, the newest last, with the metric that decided. A question mark is what nobody
    knows yet.
    """
    from multicloud.cli.place import namespace_of

    if all_namespaces and (namespace or pool):
        raise click.UsageError("-A looks at every pool: leave out the name and -n")
    place = None if all_namespaces else namespace or namespace_of(kubeconfig, context)
    found = ask(kubeconfig, context, lambda kube: read_decided(kube, place, pool))
    if output in {"json", "yaml"}:
        from multicloud.cli.policies import policy_facts

        bodies = [{**body, "policies": list(map(policy_facts, policies))} for body, policies in found]
        print_document(bodies[0] if pool is not None else {"apiVersion": "v1", "kind": "List", "items": bodies}, output)
    elif found:
        _print_table(found, wide=output == "wide", namespaces=place is None)
    else:
        click.echo(f"no MultiCloudPool in {f'namespace {place}' if place else 'any namespace'}", err=True)


def _print_table(found: Sequence[tuple[Body, Sequence[Body]]], *, wide: bool, namespaces: bool) -> None:
    from multicloud.cli.shown import pool_row
    from multicloud.cli.tables import pools_table

    rows = [pool_row(body, policies) for body, policies in found]
    print_table(pools_table(rows, wide=wide, namespaces=namespaces))
