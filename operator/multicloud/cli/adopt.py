"""`multicloud adopt`: consent to shrink members below the size they were found at."""

from collections.abc import Sequence

import click

from multicloud.cli.annotating import Body, Change, Desk, annotations_of, desk_options
from multicloud.cli.shown import pool_row


@click.command()
@click.argument("pool")
@click.argument("members", nargs=-1, metavar="[MEMBER]...")
@click.option("--all", "every", is_flag=True, help="Every member, also those that are added later.")
@desk_options
def adopt(*, pool: str, members: Sequence[str], every: bool, desk: Desk) -> None:
    """Let members of POOL go below the size they were found at.

    Adds to what was consented to before. Nodes then leave by ordinary scale-down: step by step, and only while enough
    others are ready.
    """
    if every == bool(members):
        raise click.UsageError("name the members, or say --all for every one")
    desk.change_pool(pool, lambda body: _consent(body, members))


def _consent(body: Body, members: Sequence[str]) -> Change:
    from multicloud.kinds import annotations

    row = pool_row(body)
    names = [member.name for member in row.members]
    strangers = sorted(set(members) - set(names))
    if strangers:
        raise click.ClickException(
            f"{row.name} has no member {', '.join(strangers)}; its members are {', '.join(names)}"
        )
    before = annotations.adopted(annotations_of(body))
    wanted = before | set(members or ["*"])
    if "*" in before or wanted == before:
        return Change(annotations={}, told=["was consented to before, nothing to do"])
    floors = {member.name: member.floor for member in row.members}
    told = [_told(name, floors[name]) for name in members or names]
    value = "*" if "*" in wanted else ",".join(sorted(wanted))
    return Change(annotations={annotations.ADOPT: value}, told=told)


def _told(name: str, floor: int | None) -> str:
    if floor is None:
        return f"member {name} has no floor; it is not held at any size"
    return f"member {name} may go below the {floor} nodes it was found at"
