"""`multicloud override`: a person's numbers for a while, above everybody else who decides."""

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from multicloud.cli.annotating import Body, Change, Desk, annotations_of, desk_options

if TYPE_CHECKING:
    from multicloud.model.override import Override

_UNITS = click.IntRange(min=0)


def _duration(_context: click.Context, _option: click.Parameter, value: str | None) -> timedelta | None:
    """Read a duration as people write it: `4h`, `90m`, `1d12h`."""
    if value is None:
        return None
    found = re.fullmatch(r"(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s)?", value)
    if found is None or not value:
        raise click.BadParameter(f"{value!r} is no duration; write 4h, 90m or 1d12h")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the options say of an override."""

    numbers: dict[str, int]
    lasts: timedelta | None
    until: str | None
    reason: str | None


@click.command()
@click.argument("pool")
@click.option("--min", "low", type=_UNITS, metavar="UNITS", help="At least so many units.")
@click.option("--max", "high", type=_UNITS, metavar="UNITS", help="At most so many units.")
@click.option("--replicas", type=_UNITS, metavar="UNITS", help="Exactly so many units.")
@click.option("--for", "lasts", callback=_duration, metavar="DURATION", help="How long: 4h, 90m, 1d12h; at most 7d.")
@click.option("--until", metavar="TIME", help="Until when, with offset: 2026-12-01T08:00:00Z.")
@click.option("--reason", metavar="TEXT", help="Why, for whoever finds it: a ticket, an incident.")
@click.option("--clear", is_flag=True, help="End the override now.")
@desk_options
def override(*, pool: str, clear: bool, desk: Desk, **options: Any) -> None:
    """Decide POOL's number for a while, whatever its spec and its policies wish.

    Upwards it acts at once, downwards through the ordinary limits on removals. It ends by itself; then the ordinary wish
    comes back after the pool's scaleDownDelaySeconds. The pool's own minReplicas and maxReplicas stay outermost.
    """
    names = {"low": "minReplicas", "high": "maxReplicas", "replicas": "replicas"}
    numbers = {names[option]: options[option] for option in names if options[option] is not None}
    asked = _Asked(numbers=numbers, lasts=options["lasts"], until=options["until"], reason=options["reason"])
    if clear:
        if any(value is not None for value in options.values()):
            raise click.UsageError("--clear stands alone")
        desk.change_pool(pool, _cleared)
        return
    value, meant = _noted(asked)
    desk.change_pool(pool, lambda body: _set(body, value, meant))


def _noted(asked: _Asked) -> tuple[str, "Override"]:
    """The annotation, judged by the operator's own rules. Raises click.UsageError."""
    from multicloud.kinds import annotations
    from multicloud.model.override import Override, SeenOverride
    from multicloud.run.clock import SystemClock

    if (asked.lasts is None) == (asked.until is None):
        raise click.UsageError("say when it ends: --for DURATION or --until TIME")
    if not asked.reason:
        raise click.UsageError("say why: --reason TEXT")
    now = SystemClock().now()
    until = asked.until if asked.lasts is None else _written(now + asked.lasts)
    value = json.dumps({**asked.numbers, "until": until, "reason": asked.reason}, ensure_ascii=False)
    meant = annotations.override({annotations.OVERRIDE: value})
    if not isinstance(meant, Override):
        raise click.UsageError(meant.text if meant is not None else "an empty override")
    problem = SeenOverride(override=meant, since=now).problem
    if problem is not None:
        raise click.UsageError(problem.text)
    return value, meant


def _written(moment: datetime) -> str:
    return moment.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def _set(body: Body, value: str, meant: "Override") -> Change:
    from multicloud.kinds import annotations

    low, high = meant.min_replicas, meant.max_replicas
    bounds = [f"at least {low}" if low is not None else "", f"at most {high}" if high is not None else ""]
    what = f"exactly {low}" if meant.is_number else " and ".join(filter(None, bounds))
    told = [f"{what} units until {_written(meant.until)}: {meant.reason}"]
    spec: Any = body.get("spec") or {}
    most, least = spec.get("maxReplicas"), spec.get("minReplicas")
    if low is not None and isinstance(most, int) and low > most:
        told.append(f"spec.maxReplicas is {most}, which stays the most")
    if high is not None and isinstance(least, int) and high < least:
        told.append(f"spec.minReplicas is {least}, which stays the fewest")
    told.append("more units are asked for at once, fewer after scaleDownDelaySeconds and step by step")
    return Change(annotations={annotations.OVERRIDE: value}, told=told)


def _cleared(body: Body) -> Change:
    from multicloud.kinds import annotations

    if annotations.OVERRIDE not in annotations_of(body):
        return Change(annotations={}, told=["has no override, nothing to do"])
    told = ["the override ends now; a lower wish of whoever decides next counts after scaleDownDelaySeconds"]
    return Change(annotations={annotations.OVERRIDE: None}, told=told)
