"""`multicloud check`: reads accounts and pools from the API server, has the clouds asked, prints what was found."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from multicloud.cli.asking import ask
from multicloud.cli.options import cluster_options, output_option
from multicloud.cli.printing import print_document
from multicloud.cli.reading import expect_kinds

if TYPE_CHECKING:
    from multicloud.cli.check.findings import Report
    from multicloud.cli.check.wire import Wire
    from multicloud.kube.client import KubeClient
    from multicloud.model.account import AccountObject
    from multicloud.model.ref import ObjectKey
    from multicloud.model.spec import PoolObject
    from multicloud.settings import Settings

_STYLES: Final = {"ok": "green", "missing": "red", "wrong": "red", "unknown": "yellow"}
_AS_OPERATOR: Final = (
    "kubectl exec --namespace=multicloud-system deployment/multicloud-operator -- "
    "multicloud check --settings=/etc/multicloud/settings.yaml --all-namespaces"
)


@click.command()
@click.argument("account", required=False)
@click.option("-n", "--namespace", metavar="NAMESPACE", help="Namespace to look at. Default: that of the context.")
@click.option("-A", "--all-namespaces", is_flag=True, help="Check the accounts of every namespace.")
@output_option("table", "wide", "json", "yaml", told="wide also lists what is granted and which endpoints answered.")
@click.option(
    "--record",
    "record",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write every answered request to this file, without names, ids and secrets: to be sent with a report.",
)
@click.option(
    "--settings",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="YAML file of settings, as for `run`.",
)
@cluster_options
def check(  # noqa: PLR0913 - one parameter an option
    *,
    account: str | None,
    namespace: str | None,
    all_namespaces: bool,
    output: str,
    record: Path | None,
    file: Path | None,
    kubeconfig: Path | None,
    context: str | None,
) -> None:
    """Ask the clouds who each account is, what it may do and what it sees. Nothing is ever changed.

    Says which permission is missing, with the role to copy. Secrets are read with the rights of the kubeconfig, and an
    account without credentials is checked with the identity of where this runs. Exit code 0: all is well; 1: it is not.
    """
    from multicloud.cli.logs import configure
    from multicloud.settings import SettingsError, load

    if all_namespaces and (namespace or account):
        raise click.UsageError("-A checks every account: leave out the name and -n")
    try:
        settings = load(file, {"kubeconfig": kubeconfig, "context": context})
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    configure(as_json=False, level="error")
    namespaces = _namespaces(settings, namespace, every=all_namespaces)
    report = ask(
        settings.kubeconfig, settings.context, lambda kube: _check(kube, settings, namespaces, account, record)
    )
    _print(report, output)
    sys.exit(0 if report.fine else 1)


def _namespaces(settings: "Settings", namespace: str | None, *, every: bool) -> Sequence[str]:
    """The namespaces to look at; empty means all of the cluster."""
    from multicloud.cli.place import namespace_of

    if every:
        return settings.watch_namespaces
    return (namespace or namespace_of(settings.kubeconfig, settings.context),)


async def _check(
    kube: "KubeClient", settings: "Settings", namespaces: Sequence[str], name: str | None, record: Path | None
) -> "Report":
    from multicloud.cli.check.checking import LooksOnly, astray, check
    from multicloud.cli.check.entering import greeter
    from multicloud.cli.check.wire import Wire
    from multicloud.clouds.metering import MetricRegistry
    from multicloud.clouds.registry import CloudLanes
    from multicloud.kube.secrets import KubeSecrets
    from multicloud.model.exchange import Tap
    from multicloud.run.clock import SystemClock

    accounts, pools = await _read(kube, namespaces)
    clock = SystemClock()

    def open_lanes(tap: Tap) -> CloudLanes:
        return CloudLanes(
            secrets=KubeSecrets(kube),
            settings=settings,
            fence=LooksOnly(),
            clock=clock,
            registry=MetricRegistry(),
            tap=tap,
        )

    chosen = [each for each in accounts if name in {None, each.key.name}]
    if name is not None and not chosen:
        raise click.ClickException(
            f"CloudAccount {name} does not exist in namespace {namespaces[0]}; `multicloud check -A` checks all there are"
        )
    wires = {each.key: Wire(clock, keep=record is not None) for each in chosen}
    report = await check(chosen, pools, open_lanes, greeter(KubeSecrets(kube), settings.member_clusters), wires)
    if record is not None:
        _record(record, report, wires)
    return report if name is not None else replace(report, astray=astray(accounts, pools))


def _record(file: Path, report: "Report", wires: Mapping["ObjectKey", "Wire"]) -> None:
    from multicloud.cli.check.recording import recorded

    content = recorded([(account, wires[account.key].exchanges) for account in report.accounts])
    try:
        file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}; name another file") from None
    click.echo(f"{file}: every call, with pseudonyms for names and ids; read it before you send it", err=True)


async def _read(
    kube: "KubeClient", namespaces: Sequence[str]
) -> tuple[Sequence["AccountObject"], Sequence["PoolObject"]]:
    from multicloud.kinds.parse import account_object, pool_object
    from multicloud.kube.objects import KubeObjects
    from multicloud.model.ref import Kind

    objects = KubeObjects(kube, namespaces=namespaces)
    await expect_kinds(objects)
    accounts = [account_object(body) for body in await objects.list_objects(Kind.ACCOUNT)]
    pools = [pool_object(body) for body in await objects.list_objects(Kind.POOL)]
    return sorted(accounts, key=lambda each: each.key), sorted(pools, key=lambda each: each.key)


def _print(report: "Report", output: str) -> None:
    if output in {"json", "yaml"}:
        print_document(report.as_json(), output)
    elif report.accounts or report.astray:
        _print_table(report, wide=output == "wide")
    else:
        click.echo("no CloudAccount there; `multicloud check -A` looks at every namespace", err=True)
    _hint(report)


def _print_table(report: "Report", *, wide: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from multicloud.cli.check.shown import rows

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("ACCOUNT", "ABOUT", "STATE"):
        table.add_column(title, no_wrap=True)
    table.add_column("WHAT", overflow="fold", min_width=24)
    for row in rows(report, wide=wide):
        table.add_row(row.account, row.about, Text(row.state, _STYLES[row.state]), Text(row.says))
    # In a file or a pipe nothing is cut off: there is no edge to fit.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 1000)
    console.print(table)
    for account in report.accounts:
        if account.role is not None:
            name = f"{account.key.namespace}/{account.key.name}"
            click.echo(f"\nA role with all that account {name} needs, and no more:\n")
            click.echo(json.dumps(account.role, indent=2))


def _hint(report: "Report") -> None:
    """Say where a check sees what the operator sees, if this one could not."""
    from multicloud.model.reason import Code

    unread = any(account.trouble and account.trouble.code is Code.SECRET_NOT_READABLE for account in report.accounts)
    if unread or any(account.ambient for account in report.accounts):
        click.echo(f"With the operator's own rights and identity: {_AS_OPERATOR}", err=True)
