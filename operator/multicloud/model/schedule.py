"""Stretches of time that come again. Read from manifests by `kinds.schedule`, judged against a time by `decide.schedule`."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Every start of `cron` (five fields, wall time of `zone`) begins a stretch of `duration_s` elapsed seconds."""

    cron: str
    zone: ZoneInfo
    duration_s: int
