"""Decides, pool by pool: read, compare, write the intent down, send it, wait."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from multicloud_lab.scenarios.reference.door import Door, PoolName, Seen, Wished
from multicloud_lab.scenarios.reference.http import DoubtError, GoneError, Json, WaitError

FIRST_WAIT_S = 15.0
LONGEST_WAIT_S = 300.0
POLL_S = 15.0
"""How long a pool under change is left alone between two looks (virtual seconds)."""
REST_S = 60.0
"""How long pools that stand as wished are left alone, where many are looked at together (virtual seconds)."""
MANY = 10
"""From so many wishes in a cloud on, they are looked at together: one call tells of many pools."""


@dataclass(slots=True, kw_only=True)
class Note:
    """What is known of a wish: kept on disk, so that it outlives the program.

    `token` belongs to the intent to have `intended` nodes, `accepted` says that the cloud took it; `tries` counts
    what was refused or doubtful since something went well; `not_before` is virtual epoch seconds; `rests` says that
    it stood as wished when many were looked at together.
    """

    cloud: str
    cluster: str
    node_pool: str
    owner: str
    to: int
    min: int | None = None
    max: int | None = None
    intended: int | None = None
    token: str | None = None
    accepted: bool = False
    tries: int = 0
    not_before: float = 0.0
    rests: bool = False

    @property
    def pool(self) -> PoolName:
        """The pool."""
        return PoolName(cluster=self.cluster, node_pool=self.node_pool)

    @property
    def wished(self) -> Wished:
        """What it should have."""
        return Wished(to=self.to, min=self.min, max=self.max)

    def fits(self, seen: Seen) -> bool:
        """Say whether the pool is asked for what is wished; its nodes may still be on their way."""
        in_range = self.min is None or self.max is None or seen.bounds == (self.min, self.max)
        return seen.size == self.to and in_range and not seen.failed


NAMES = [field.name for field in fields(Note)]
"""A note's fields: all of them can be written down as they are."""


class Reconciler:
    """All wishes, and what was done for them."""

    def __init__(self, doors: Mapping[str, Door], store: Path) -> None:
        """Go on from what the store holds."""
        self.doors = doors
        self._file = store / "notes.json"
        raw = json.loads(self._file.read_text()) if self._file.exists() else []
        self.notes = [Note(**each) for each in raw]
        self._unwritten = False

    def wish(self, note: Note) -> None:
        """Take a wish, which is written down before anything is done for it.

        The first owner of a pool keeps it: two that disagree would resize it in turns.
        """
        self._unwritten = True
        for known in self.notes:
            if (known.cloud, known.pool) == (note.cloud, note.pool):
                if known.owner == note.owner:
                    known.to, known.min, known.max = note.to, note.min, note.max
                    known.tries, known.not_before, known.rests = 0, 0.0, False
                return
        self.notes.append(note)

    def tick(self, now: float) -> list[Json]:
        """Act once for every wish; says of each how many nodes there are, and whether it is settled."""
        if self._unwritten:
            self.save()
        for cloud in dict.fromkeys(note.cloud for note in self.notes):
            due = [note for note in self.notes if note.cloud == cloud and note.token is None and now >= note.not_before]
            if len(due) >= MANY:
                self.look_together(due, now)
        return [self.told(note, now) for note in self.notes]

    def look_together(self, notes: Sequence[Note], now: float) -> None:
        """Leave in peace what stands as wished; the others are looked at one by one, and acted upon."""
        try:
            seen = self.doors[notes[0].cloud].survey([note.pool for note in notes])
        except (DoubtError, WaitError, GoneError) as refused:
            for note in notes:
                self.wait(note, now, refused.after_s if isinstance(refused, WaitError) else 0.0)
            return
        for note in notes:
            found = seen.get(note.pool)
            note.rests = found is not None and not found.busy and note.fits(found) and found.ready == note.to
            if note.rests:
                note.tries, note.not_before = 0, now + REST_S

    def told(self, note: Note, now: float) -> Json:
        """Act once for one wish."""
        nodes, settled = (note.to, True) if note.rests else (None, False)
        if now >= note.not_before:
            note.rests = False
            try:
                seen = self.doors[note.cloud].look(note.pool)
                nodes, settled = seen.ready, self.act(note, seen)
                note.not_before = now if settled else now + POLL_S
            except WaitError as refused:
                # A read that was too old costs nothing: read again at the next tick.
                self.wait(note, now, 0.0 if refused.stale else refused.after_s, grows=not refused.stale)
            except (DoubtError, GoneError):
                self.wait(note, now, 0.0)
            self.save()
        return {
            "cloud": note.cloud,
            "cluster": note.cluster,
            "nodePool": note.node_pool,
            "nodes": nodes,
            "settled": settled,
        }

    def act(self, note: Note, seen: Seen) -> bool:
        """Do what what was seen calls for; True when there is nothing left to do."""
        if seen.busy:
            return False
        if note.fits(seen):
            note.intended, note.token, note.accepted, note.tries = None, None, False, 0
            return seen.ready == note.to
        self.intend(note)
        self.doors[note.cloud].resize(note.pool, note.wished, note.token or "", seen)
        note.accepted = True
        if seen.failed:
            raise WaitError("sent again after a failure")
        return False

    def intend(self, note: Note) -> None:
        """Write the intent down before it is sent; one that was accepted and is over is not sent again."""
        if note.token is None or note.accepted or note.intended != note.to:
            note.token, note.intended, note.accepted = uuid.uuid4().hex, note.to, False
        self.save()

    def wait(self, note: Note, now: float, at_least_s: float, *, grows: bool = True) -> None:
        """Do nothing for a while, each time longer."""
        if grows:
            note.not_before = now + max(at_least_s, min(FIRST_WAIT_S * 2**note.tries, LONGEST_WAIT_S))
            note.tries += 1

    def save(self) -> None:
        """Write everything down, whole or not at all."""
        self._unwritten = False
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps([{name: getattr(note, name) for name in NAMES} for note in self.notes]))
        fresh.replace(self._file)
