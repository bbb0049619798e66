"""The journal as a file: what `--journal` writes and `multicloud lab replay` reads, one JSON object a line.

A run begins with its head, `{"seed", "startSeconds"}`, which a reset writes again because the journal starts again;
then every entry in the journal's JSON form, with `epochSeconds`, its time without rounding; a lab that is stopped
ends with `{"endSeconds"}`, where its clock stood. Principals are not in the seed: no state depends on them.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from multicloud_lab.core.journal import Entry, Json
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.mistakes import first_mistake
from multicloud_lab.core.seed import Seed, SeedError, read_seed

_PRINCIPALS = {"aws": {"principals"}, "azure": {"principals"}, "gcp": {"principals"}}


class JournalFileError(Exception):
    """A file is no journal; the text is one line: file, line, what is wrong."""


class _Line(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class _Head(_Line):
    seed: dict[str, Any]
    start_seconds: float


class _End(_Line):
    end_seconds: float


class _EntryLine(_Line):
    seq: int
    epoch_seconds: float
    time: str
    cloud: str
    principal: str
    operation: str
    cluster: str | None
    pool: str | None
    arguments: dict[str, Any]
    token: str | None
    effective: bool
    result: str
    from_: int | None = Field(alias="from")
    to: int | None

    def entry(self) -> Entry:
        return Entry(
            **{name: value for name, value in self if name not in {"epoch_seconds", "time"}}, time=self.epoch_seconds
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The last run of a journal file. Times are virtual epoch seconds; without an end it is the last entry's."""

    seed: Seed
    start_s: float
    entries: tuple[Entry, ...]
    end_s: float

    @property
    def start(self) -> datetime:
        """When the run's clock began."""
        return datetime.fromtimestamp(self.start_s, UTC)


def write_journal(lab: Lab, path: Path) -> Callable[[], None]:
    """Append the lab's journal to a file from now on; returns what ends it. Raises OSError."""
    file = path.open("a", encoding="utf-8", buffering=1)

    def write(body: Json) -> None:
        file.write(json.dumps(body) + "\n")

    def begin() -> None:
        seed = lab.seed.model_dump(mode="json", by_alias=True, exclude=_PRINCIPALS)
        write({"seed": seed, "startSeconds": lab.clock.now()})

    def end() -> None:
        lab.clock.catch_up()
        write({"endSeconds": lab.clock.now()})
        file.close()

    begin()
    lab.on_reset.append(begin)
    lab.journal.listen(lambda entry: write({**entry.as_json(), "epochSeconds": entry.time}))
    return end


def read_journal(path: Path) -> Recorded:
    """Read a journal file's last run. Raises JournalFileError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        message = f"{path}: cannot be read: {why}"
        raise JournalFileError(message) from error
    head: _Head | None = None
    entries: list[Entry] = []
    end_s: float | None = None
    for number, line in enumerate(lines, start=1):
        match _read_line(line, f"{path}: line {number}"):
            case _Head() as head:
                entries, end_s = [], None
            case _EntryLine() as told:
                entries.append(told.entry())
            case _End() as end:
                end_s = end.end_seconds
    if head is None:
        message = f"{path}: line 1: must be a run's head, with seed and startSeconds, as --journal writes it"
        raise JournalFileError(message)
    try:
        seed = read_seed(head.seed)
    except SeedError as error:
        message = f"{path}: seed.{error}"
        raise JournalFileError(message) from error
    if end_s is None:
        end_s = entries[-1].time if entries else head.start_seconds
    return Recorded(seed=seed, start_s=head.start_seconds, entries=tuple(entries), end_s=end_s)


def _read_line(line: str, where: str) -> _Head | _EntryLine | _End:
    try:
        raw = json.loads(line)
    except json.JSONDecodeError as error:
        message = f"{where}: is not JSON: {error.msg}"
        raise JournalFileError(message) from error
    names = raw.keys() if isinstance(raw, dict) else ()
    kind: type[_Head | _EntryLine | _End] = _Head if "seed" in names else _End if "endSeconds" in names else _EntryLine
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        message = f"{where}: {first_mistake(error, kind, whole='the line')}"
        raise JournalFileError(message) from error
