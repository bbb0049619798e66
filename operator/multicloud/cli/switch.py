"""`multicloud stop` and `multicloud start`: the stop switch, a ConfigMap that every replica reads every two seconds."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from multicloud.cli.asking import ask
from multicloud.cli.options import cluster_options, operator_namespace_option

if TYPE_CHECKING:
    from multicloud.kube.client import KubeClient


@click.command()
@click.option("--shrink-only", is_flag=True, help="Forbid removals only; growth goes on.")
@operator_namespace_option
@cluster_options
def stop(*, shrink_only: bool, namespace: str, kubeconfig: Path | None, context: str | None) -> None:
    """Stop every cloud write of the operator, within five seconds, until `start`.

    Operations that a cloud has already accepted run to their end: no cloud lets them be called back.
    """

    async def set_switch(kube: "KubeClient") -> None:
        from multicloud.kube.client import KubeError
        from multicloud.kube.stop import KubeStop

        try:
            await KubeStop(kube, namespace=namespace).stop(shrink_only=shrink_only)
        except KubeError as error:
            if not error.gone:
                raise
            raise click.ClickException(
                f"namespace {namespace} does not exist, so no operator reads a switch there; "
                "name the operator's own namespace with -n"
            ) from None

    ask(kubeconfig, context, set_switch)
    what = "removals stop" if shrink_only else "every cloud write stops"
    click.echo(f"{what} within 5 s; `multicloud start` ends it (ConfigMap multicloud-stop in namespace {namespace})")


@click.command()
@operator_namespace_option
@cluster_options
def start(namespace: str, kubeconfig: Path | None, context: str | None) -> None:
    """Take the stop switch away: the operator writes to clouds again."""

    async def clear_switch(kube: "KubeClient") -> bool:
        from multicloud.kube.stop import KubeStop

        return await KubeStop(kube, namespace=namespace).start()

    if ask(kubeconfig, context, clear_switch):
        click.echo("the operator writes to clouds again within a few seconds")
    else:
        click.echo(f"nothing was stopped: namespace {namespace} holds no ConfigMap multicloud-stop")
