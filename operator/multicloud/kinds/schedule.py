"""Stretches of time that come again, as manifests spell them: cron, a time zone, seconds. A base of the blocks that have one.

What the API server cannot judge (a field out of its range, a zone that nobody knows) is refused here, with the field's path.
"""

from datetime import UTC, datetime
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field

from multicloud.kinds.shape import Part, WholeNumber
from multicloud.model.schedule import Schedule

_SOME_DAY: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Whatever starts at all, starts within fifty years of any day."""


def _cron(text: str) -> str:
    try:
        starts = next(CronSim(text, _SOME_DAY), None)
    except CronSimError as error:
        words = str(error)
        raise ValueError(f"no schedule of cron, as in `0 1 * * 6`: {words[:1].lower()}{words[1:]}") from None
    if starts is None:
        raise ValueError("there is no such day: it would never start")
    return text


def _time_zone(name: str) -> str:
    _zone(name)
    return name


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a directory of zones, or a file that is none
        raise ValueError(f"no time zone of the IANA list is called {name}; one is Europe/Berlin") from None


class Recurring(Part):
    """Every start of the schedule begins a stretch of time."""

    schedule: Annotated[
        str,
        Field(min_length=9, max_length=100, pattern=r"^[0-9A-Za-z*,/#-]+( +[0-9A-Za-z*,/#-]+){4}$"),
        AfterValidator(_cron),
    ] = Field(description="When it starts: five fields of cron (minute, hour, day of month, month, day of week).")
    time_zone: Annotated[
        str,
        Field(max_length=64, pattern=r"^(UTC|[A-Za-z_]+(/[A-Za-z0-9_+-]+){1,2})$"),
        AfterValidator(_time_zone),
    ] = Field(
        default="UTC",
        description="Time zone of schedule, by its IANA name (Europe/Berlin). A start in the hour that is skipped in spring "
        "comes at its end, one in the hour that comes twice in autumn comes the first time.",
    )
    duration_seconds: Annotated[WholeNumber, Field(ge=60, le=604_800)] = Field(
        description="Seconds that it lasts from each start."
    )

    def to_schedule(self) -> Schedule:
        """Say it in the words of `model`."""
        return Schedule(cron=self.schedule, zone=_zone(self.time_zone), duration_s=self.duration_seconds)
