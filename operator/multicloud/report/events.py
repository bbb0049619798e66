"""Kubernetes events: each told once, never a flood. Transitions of conditions and every resize become one line each."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import structlog

from multicloud.model.port import Clock, EventNote, EventSink
from multicloud.model.reason import Code, Reason
from multicloud.model.record import Condition
from multicloud.model.spec import StoredObject
from multicloud.report.conditions import find

REPEAT_S: Final = 600.0
"""The same words about the same object are told again after this long at the earliest."""
BURST: Final = 25
REFILL_S: Final = 30.0
"""An object may have BURST events at once and one more every REFILL_S (client-go's spam filter is 25 and 300 s)."""
REMEMBERED: Final = 4096

WELL_WHEN_TRUE: Final = {"Ready", "Observed", "MembersHealthy", "AbleToScale", "ScalingActive"}
WELL_WHEN_FALSE: Final = {
    "Stalled",
    "Drifted",
    "ForeignScaler",
    "CapacityLimited",
    "AboveBound",
    "Paused",
    "OverrideInvalid",
    "ReplicasIgnored",
    "Fallback",
    "SchedulesConflict",
}
"""Condition types whose turning to the other side is a warning. Those in neither are neither good nor bad."""
SILENT: Final = {"Reconciling", "Scaling"}
"""Condition types that move with every routine resize."""

RETOLD: Final = {"Drifted", "ForeignScaler"}
"""Condition types of which another sentence is told, too: it names another member, or other doings of others."""

log: structlog.stdlib.BoundLogger = structlog.get_logger("events")


def _as_before(known: Condition, now: Condition) -> bool:
    retold = now.type in RETOLD and now.status and known.message != now.message
    return known.status is now.status and not retold


class Recorder:
    """Deduplicates, limits and posts. A failed post is dropped and counted: an event must never hold up a resize."""

    def __init__(self, sink: EventSink, clock: Clock) -> None:
        """Post to `sink`."""
        self._sink = sink
        self._clock = clock
        self._told: OrderedDict[tuple[str, Code, str], float] = OrderedDict()
        self._tokens: dict[str, tuple[float, float]] = {}
        self.posted = 0
        self.dropped = 0

    async def transitions(self, about: StoredObject, before: Sequence[Condition], after: Sequence[Condition]) -> None:
        """Tell the conditions that turned."""
        for condition in after:
            known = find(before, condition.type)
            if condition.type in SILENT or condition.status is None or (known and _as_before(known, condition)):
                continue
            bad = condition.type in (WELL_WHEN_FALSE if condition.status else WELL_WHEN_TRUE)
            if known is None and not bad and not (condition.status and condition.type not in WELL_WHEN_TRUE):
                continue  # a new object that is well needs no line per condition
            reason = Reason(code=Code(condition.reason), text=f"{condition.type}: {condition.message}")
            await self.tell(about, reason, action=condition.type, warning=bad)

    async def tell(self, about: StoredObject, reason: Reason, *, action: str, warning: bool = False) -> None:
        """Post one event, unless it was told lately or the object had too many."""
        now_s = self._clock.monotonic()
        key = (about.uid, reason.code, reason.text)
        last_s = self._told.get(key)
        if (last_s is not None and now_s - last_s < REPEAT_S) or not self._spend(about.uid, now_s):
            self.dropped += 1
            return
        self._told[key] = now_s
        self._told.move_to_end(key)
        while len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        note = EventNote(
            about=about.key, uid=about.uid, reason=reason, action=action, warning=warning, at=self._clock.now()
        )
        try:
            await self._sink.post(note)
        except Exception as error:  # noqa: BLE001 - whatever the API server does, the pass goes on
            self.dropped += 1
            log.warning("event not posted", key=str(about.key), reason=str(reason.code), why=str(error))
        else:
            self.posted += 1

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._tokens.pop(uid, None)

    def _spend(self, uid: str, now_s: float) -> bool:
        left, since_s = self._tokens.get(uid, (float(BURST), now_s))
        left = min(float(BURST), left + (now_s - since_s) / REFILL_S)
        if left < 1:
            self._tokens[uid] = (left, now_s)
            return False
        self._tokens[uid] = (left - 1, now_s)
        return True
