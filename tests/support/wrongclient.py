"""Careless clients, one bad habit each, as programs for the lab's scenarios: `python -m support.wrongclient HABIT`."""

import sys
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from multicloud_lab.scenarios.reference.aks import AksDoor
from multicloud_lab.scenarios.reference.door import Door, PoolName, Seen, Wished
from multicloud_lab.scenarios.reference.http import Answer, DoubtError, GoneError, Json, WaitError
from multicloud_lab.scenarios.reference.reconciler import Note, Reconciler
from multicloud_lab.scenarios.reference.serving import serve


class Hammers(Reconciler):
    """Asks again at once, three times a tick, whatever it was told."""

    def wait(self, note: Note, now: float, at_least_s: float, *, grows: bool = True) -> None:  # noqa: ARG002  (its base has these)
        note.not_before = 0.0

    def told(self, note: Note, now: float) -> Json:
        for _ in range(2):
            super().told(note, now)
        return super().told(note, now)


class DescribesEachPool(Reconciler):
    """Begins with a look at every pool by itself; after 300 of them anybody can see what that costs."""

    looks = 300

    def tick(self, now: float) -> list[Json]:
        for note in self.notes[: self.looks]:
            super().told(note, now)
        self.looks = 0
        return super().tick(now)


class RetriesBlindly(Reconciler):
    """Sends what was not answered again, at once and with a new token."""

    def act(self, note: Note, seen: Seen) -> bool:
        try:
            return super().act(note, seen)
        except DoubtError:
            note.token = uuid.uuid4().hex
            self.doors[note.cloud].resize(note.pool, note.wished, note.token, seen)
            return False


class TakesUnknownForZero(Reconciler):
    """Reads nothing as no nodes."""

    def __init__(self, doors: Mapping[str, Door], store: Path) -> None:
        super().__init__({cloud: ZeroDoor(door) for cloud, door in doors.items()}, store)


class ZeroDoor:
    def __init__(self, door: Door) -> None:
        self._door = door
        self._last = Seen(size=0, ready=0, bounds=(0, 200), raw={"eTag": "", "zones": 1})
        self.survey = door.survey

    def look(self, pool: PoolName) -> Seen:
        try:
            self._last = self._door.look(pool)
        except (DoubtError, WaitError, GoneError):
            return Seen(size=0, ready=0, bounds=self._last.bounds, raw=self._last.raw)
        return self._last

    def resize(self, pool: PoolName, wished: Wished, token: str, seen: Seen) -> None:
        self._door.resize(pool, wished, token, seen)


class TakesZeroForUnknown(Reconciler):
    """Never believes that a pool has no nodes."""

    def act(self, note: Note, seen: Seen) -> bool:
        return seen.size > 0 and super().act(note, seen)


class TakesDoubtForDone(Reconciler):
    """Holds a write that was not answered for done."""

    def act(self, note: Note, seen: Seen) -> bool:
        try:
            return super().act(note, seen)
        except DoubtError:
            self.notes.remove(note)
            return True


class WritesAlways(Reconciler):
    """Sends its wish at every tick at which the cloud takes it."""

    def act(self, note: Note, seen: Seen) -> bool:
        settled = super().act(note, seen)
        if not seen.busy:
            self.doors[note.cloud].resize(note.pool, note.wished, uuid.uuid4().hex, seen)
        return settled


class IgnoresBusy(Reconciler):
    """Writes although an operation runs."""

    def act(self, note: Note, seen: Seen) -> bool:
        if seen.busy:
            self.doors[note.cloud].resize(note.pool, note.wished, uuid.uuid4().hex, seen)
        return super().act(note, seen)

    def wait(self, note: Note, now: float, at_least_s: float, *, grows: bool = True) -> None:  # noqa: ARG002  (its base has these)
        note.not_before = 0.0


class ActsBeforeItLooks(Reconciler):
    """Started again, sends all its wishes anew."""

    def __init__(self, doors: Mapping[str, Door], store: Path) -> None:
        super().__init__(doors, store)
        self._fresh = bool(self.notes)

    def act(self, note: Note, seen: Seen) -> bool:
        if self._fresh:
            self._fresh = False
            self.doors[note.cloud].resize(note.pool, note.wished, uuid.uuid4().hex, seen)
        return super().act(note, seen)


class ForgetsTheRange(Reconciler):
    """Moves the size alone."""

    def wish(self, note: Note) -> None:
        note.min = note.max = None
        super().wish(note)


class ObeysEverybody(Reconciler):
    """Resizes a pool for each of its owners in turn."""

    def wish(self, note: Note) -> None:
        self.notes.append(note)
        self.save()


class ShrinksToFit(Reconciler):
    """Takes a wish back to what came of it."""

    def act(self, note: Note, seen: Seen) -> bool:
        if not seen.busy and seen.ready < seen.size:
            note.to = seen.ready
        return super().act(note, seen)

    def wait(self, note: Note, now: float, at_least_s: float, *, grows: bool = True) -> None:  # noqa: ARG002  (its base has these)
        note.to = max(note.to - 1, 0)


class GivesUp(Reconciler):
    """Asks once."""

    def act(self, note: Note, seen: Seen) -> bool:
        return False if note.accepted and not seen.busy else super().act(note, seen)


class IgnoresEtags(Reconciler):
    """Writes over whatever changed since it read."""

    def __init__(self, doors: Mapping[str, Door], store: Path) -> None:
        azure = doors["azure"]
        assert isinstance(azure, AksDoor)
        azure.call = _without_etag(azure.call)  # type: ignore[method-assign]  # one habit, not another door
        super().__init__(doors, store)


def _without_etag(call: Callable[..., Answer]) -> Callable[..., Answer]:
    return lambda method, path, body=b"", _headers=None: call(method, path, body)


HABITS: Mapping[str, Callable[[Mapping[str, Door], Path], Reconciler]] = {
    kind.__name__: kind
    for kind in (
        Hammers,
        DescribesEachPool,
        RetriesBlindly,
        TakesUnknownForZero,
        TakesZeroForUnknown,
        TakesDoubtForDone,
        WritesAlways,
        IgnoresBusy,
        ActsBeforeItLooks,
        ForgetsTheRange,
        ObeysEverybody,
        ShrinksToFit,
        GivesUp,
        IgnoresEtags,
    )
}

if __name__ == "__main__":
    serve(sys.stdin, sys.stdout, HABITS[sys.argv[1]])
