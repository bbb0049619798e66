"""`multicloud approve`: let a published plan happen, once."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from multicloud.cli.annotating import Body, Change, Desk, annotations_of, desk_options
from multicloud.cli.shown import pool_row


@click.command()
@click.argument("pool")
@click.argument("plan", required=False, metavar="[HASH]")
@click.option("--withdraw", is_flag=True, help="Take the approval back: what is not done yet waits again.")
@desk_options
def approve(*, pool: str, plan: str | None, withdraw: bool, desk: Desk) -> None:
    """Let the plan that POOL published happen, once.

    Names the plan by HASH, or takes the one that stands now and shows its changes. Less may be done than it says, never
    more. It takes the right to change the pool, and the verb `approve` on it where the operator's admission policy is
    installed.
    """
    if withdraw:
        if plan is not None:
            raise click.UsageError("--withdraw stands alone: there is one approval at most")
        desk.change_pool(pool, _withdrawn)
    else:
        desk.change_pool(pool, lambda body: _approved(body, plan))


def changes_of(plan: Mapping[str, Any]) -> Sequence[str]:
    """The changes of a plan in status, one line each."""
    return [
        f"{'-' if one['to'] < one['from'] else '+'} {one['member']}: {one['from']} → {one['to']} nodes ({one['reason']})"
        for one in plan.get("changes") or ()
    ]


def _approved(body: Body, asked: str | None) -> Change:
    from multicloud.kinds import annotations

    name, plan = pool_row(body).name, (body.get("status") or {}).get("plan") or {}
    standing = plan.get("hash")
    if asked is not None and asked != standing:
        raise click.ClickException(_why_not(name, asked, plan))
    if standing is None:
        raise click.ClickException(
            f"{name} has no plan that waits for an approval; `multicloud explain {name}` says more"
        )
    if annotations_of(body).get(annotations.APPROVE) == standing:
        return Change(annotations={}, told=[f"plan {standing} is approved already"])
    told = [*changes_of(plan), f"plan {standing} is approved until {plan.get('expiresAt')}, or until it is carried out"]
    return Change(annotations={annotations.APPROVE: str(standing)}, told=told)


def _why_not(name: str, asked: str, plan: Mapping[str, Any]) -> str:
    """Why a hash cannot be approved, in the operator's own word where its plan ended."""
    ended = {one.get("hash"): one.get("outcome") for one in plan.get("ended") or ()}
    why = f"it ended ({ended[asked]})" if asked in ended else f"{name} published no such plan lately"
    now = f"the one that stands is {plan['hash']}" if plan.get("hash") else "none stands now"
    return f"plan {asked} cannot be approved: {why}; {now}"


def _withdrawn(body: Body) -> Change:
    from multicloud.kinds import annotations

    if annotations.APPROVE not in annotations_of(body):
        return Change(annotations={}, told=["nothing is approved, nothing to take back"])
    told = ["the approval is taken back; a resize that its cloud has accepted goes on"]
    return Change(annotations={annotations.APPROVE: None}, told=told)
