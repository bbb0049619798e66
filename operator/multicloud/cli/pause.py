"""`multicloud pause` and `multicloud resume`: cloud writes of one pool, or of all members of one account."""

from typing import Any

import click

from multicloud.cli.annotating import Body, Change, Desk, annotations_of, desk_options


@click.command()
@click.argument("pool", required=False)
@click.option("--account", metavar="NAME", help="Every member of this CloudAccount, of whatever pool.")
@click.option("--scale-in", is_flag=True, help="Removals only; the pool goes on growing.")
@desk_options
def pause(*, pool: str | None, account: str | None, scale_in: bool, desk: Desk) -> None:
    """Make no cloud write for POOL, or for the members of an account, until `resume`.

    Nodes stay as they are and count; what a cloud has already accepted ends there.
    """
    _change(desk, pool, account, scale_in=scale_in, on=True)


@click.command()
@click.argument("pool", required=False)
@click.option("--account", metavar="NAME", help="Every member of this CloudAccount, of whatever pool.")
@click.option("--scale-in", is_flag=True, help="Take back `pause --scale-in`.")
@desk_options
def resume(*, pool: str | None, account: str | None, scale_in: bool, desk: Desk) -> None:
    """Take back `pause`: the wish of now is carried out, through all limits on removals."""
    _change(desk, pool, account, scale_in=scale_in, on=False)


def _change(desk: Desk, pool: str | None, account: str | None, *, scale_in: bool, on: bool) -> None:
    if (pool is None) == (account is None):
        raise click.UsageError("name one pool, or one account with --account")
    if account is not None:
        if scale_in:
            raise click.UsageError("--scale-in is of pools; pause the account as a whole, or each of its pools")
        desk.change_account(account, lambda body: _switched(body, on=on))
    elif pool is not None:
        desk.change_pool(pool, lambda body: _scale_in(body, on=on) if scale_in else _switched(body, on=on))


def _switched(body: Body, *, on: bool) -> Change:
    from multicloud.kinds import annotations

    if on:
        told = ["makes no cloud write from the next look on; `multicloud resume` ends it"]
        return Change(annotations={annotations.PAUSED: "true"}, told=told)
    told = ["is written to again"] if _is_on(body, annotations.PAUSED) else ["was not paused by `multicloud pause`"]
    spec: Any = body.get("spec") or {}
    if spec.get("paused") is True:
        told = ["stays paused by spec.paused; set that field to false where the pool is declared"]
    elif _is_on(body, annotations.SCALE_IN_PAUSED):
        told.append("removals are still paused; `multicloud resume --scale-in` ends that, too")
    return Change(annotations={annotations.PAUSED: None}, told=told)


def _scale_in(body: Body, *, on: bool) -> Change:
    from multicloud.kinds import annotations

    name = annotations.SCALE_IN_PAUSED
    if on:
        told = ["removes no node from the next look on, and goes on growing; `multicloud resume --scale-in` ends it"]
        return Change(annotations={name: "true"}, told=told)
    told = ["may remove nodes again"] if _is_on(body, name) else ["its removals were not paused"]
    return Change(annotations={name: None}, told=told)


def _is_on(body: Body, name: str) -> bool:
    from multicloud.kinds import annotations

    return annotations.switched_on(annotations_of(body), name)
