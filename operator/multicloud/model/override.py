"""A person's numbers for a while, stronger than every other decider: the annotation `multicloud.dev/override`.

`kinds` reads it, `decide` follows it and remembers when it was first seen, `report` says what became of it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from multicloud.model.reason import Code, Reason

LONGEST: Final = timedelta(days=7)
"""How far ahead of its first sight an override may end: what is meant for longer belongs into spec."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Bounds in units (None: unbounded) until a moment, with the person's own words. Equal bounds are a number."""

    min_replicas: int | None
    max_replicas: int | None
    until: datetime
    reason: str

    @property
    def is_number(self) -> bool:
        """True when it leaves nothing to whoever else decides."""
        return self.min_replicas is not None and self.min_replicas == self.max_replicas

    def bound(self, units: int) -> int:
        """The wish of whoever else decides, as far as the override lets it be."""
        low = units if self.min_replicas is None else max(units, self.min_replicas)
        return low if self.max_replicas is None else min(low, self.max_replicas)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenOverride:
    """An override and when it was first seen: the moment against which it is judged, once and for all.

    So one that was followed ends quietly, one that had ended before anybody saw it is a mistake, and one that reaches
    too far does not begin by itself days later.
    """

    override: Override
    since: datetime

    @property
    def problem(self) -> Reason | None:
        """Why it was never followed, None for one that was."""
        until = self.override.until
        if until <= self.since:
            text = f"until is {until.isoformat()}, which had passed when it was first seen; set a later one"
            return Reason(code=Code.OVERRIDE_IN_PAST, text=text)
        if until - self.since > LONGEST:
            text = (
                f"until is {until.isoformat()}, more than {LONGEST.days} days ahead; set an earlier one or change spec"
            )
            return Reason(code=Code.OVERRIDE_TOO_LONG, text=text)
        return None

    def active(self, now: datetime) -> bool:
        """True while it is followed."""
        return self.problem is None and now < self.override.until
