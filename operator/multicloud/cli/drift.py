"""`multicloud accept-drift` and `correct-drift`: what is meant by sizes that somebody else gave to members."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from multicloud.cli.annotating import Body, Change, Desk, annotations_of, desk_options

if TYPE_CHECKING:
    from multicloud.model.record import MemberRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    """What is said: in which annotation, bound to which moment of a member (None: nothing to say), with what effect."""

    annotation: str
    moment: Callable[["MemberRecord"], datetime | None]
    told: str


@click.command("accept-drift")
@click.argument("pool")
@click.argument("members", nargs=-1, metavar="[MEMBER]...")
@click.option("--all", "every", is_flag=True, help="Every member whose size others set.")
@desk_options
def accept_drift(*, pool: str, members: Sequence[str], every: bool, desk: Desk) -> None:
    """Agree to sizes that others gave to members of POOL.

    They stay while the same is wished, and the other members carry the rest. It counts for the sizes that status shows
    now, never for later ones.
    """
    from multicloud.decide.drift import stands_since
    from multicloud.kinds import annotations

    told = "keeps the size that others set, while the same is wished; the others carry the rest"
    word = _Word(annotation=annotations.ACCEPT_DRIFT, moment=stands_since, told=told)
    _say(desk, pool, members, word, every=every)


@click.command("correct-drift")
@click.argument("pool")
@click.argument("members", nargs=-1, metavar="[MEMBER]...")
@click.option("--all", "every", is_flag=True, help="Every member whose size others set, or somebody accepted.")
@desk_options
def correct_drift(*, pool: str, members: Sequence[str], every: bool, desk: Desk) -> None:
    """Undo sizes that others gave to members of POOL, accepted ones too.

    Nodes leave by ordinary scale-down, step by step, or are asked for again. It counts for the sizes that status shows
    now, never for later ones.
    """
    from multicloud.kinds import annotations

    told = "goes back to what the plan gives it, by ordinary scaling"
    word = _Word(annotation=annotations.CORRECT_DRIFT, moment=_correctable, told=told)
    _say(desk, pool, members, word, every=every)


def _correctable(record: "MemberRecord") -> datetime | None:
    from multicloud.decide.drift import stands_since

    since = stands_since(record)
    if since is None and record.accepted is not None:
        return record.accepted.at + timedelta(seconds=1)  # said after it was accepted
    return since


def _say(desk: Desk, pool: str, members: Sequence[str], word: _Word, *, every: bool) -> None:
    if every == bool(members):
        raise click.UsageError("name the members, or say --all for every one")
    desk.change_pool(pool, lambda body: _said(body, members, word))


def _said(body: Body, members: Sequence[str], word: _Word) -> Change:
    """Entries for the members as status shows them, beside those that stand there for others."""
    from multicloud.kinds import annotations
    from multicloud.kinds.remembered import pool_record

    records = {member.name: member for member in pool_record(body.get("status"), None).members}
    moments = {name: word.moment(records[name]) if name in records else None for name in members or records}
    if strangers := sorted(set(members) - set(records)):
        raise click.ClickException(
            f"{body['metadata']['name']} has no member {', '.join(strangers)}; its members are {', '.join(records)}"
        )
    said = {name: at for name, at in moments.items() if at is not None}
    nothing = [f"member {name} has no size that others set, nothing to do" for name in members if name not in said]
    if not said:
        return Change(annotations={}, told=nothing or ["no member has a size that others set, nothing to do"])
    kept, _ = annotations.words(annotations_of(body), word.annotation)
    entries = [f"{one.member}@{one.at.isoformat()}" for one in kept if one.member not in said]
    entries += [f"{name}@{at.isoformat()}" for name, at in said.items()]
    lines = [f"member {name} {word.told}" for name in said]
    return Change(annotations={word.annotation: ",".join(sorted(entries))}, told=[*nothing, *lines])
