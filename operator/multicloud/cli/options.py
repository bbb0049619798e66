"""Options that several commands share, under the names and letters kubectl gave them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

_FILE = click.Path(dir_okay=False, path_type=Path)


def cluster_options(command: CommandT) -> CommandT:
    """Which API server: `--kubeconfig FILE` (or KUBECONFIG) and `--context NAME`."""
    command = click.option("--context", metavar="NAME", help="Context of the kubeconfig.")(command)
    return click.option(
        "--kubeconfig",
        type=_FILE,
        metavar="FILE",
        help="Kubeconfig file. Default: KUBECONFIG, else the usual file, in a pod its service account.",
    )(command)


def output_option(*forms: str, told: str | None = None) -> Callable[[CommandT], CommandT]:
    """`-o FORM`, the first form being the default; `told` says what its help has to."""
    return click.option("-o", "--output", type=click.Choice(forms), default=forms[0], show_default=True, help=told)


def operator_namespace_option(command: CommandT) -> CommandT:
    """`-n NAMESPACE` where it means the operator's own."""
    return click.option(
        "-n",
        "--namespace",
        metavar="NAMESPACE",
        envvar="MULTICLOUD_NAMESPACE",
        default="multicloud-system",
        show_default=True,
        help="Namespace of the operator itself.",
    )(command)
