"""Keeps decisions as files, where the administrator gave a directory for them: all changes, or what an object asks for.

The documents are those of `kinds.recorded`. The oldest files go when there are too many of them, or too large ones.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from multicloud.kinds.recorded import RecordedPolicy, RecordedPool, rendered_decision
from multicloud.model.metric import JudgedPolicy
from multicloud.model.plan import Plan, Snapshot
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import ObjectKey
from multicloud.model.spec import PolicyObject, PoolObject
from multicloud.report.events import Recorder

log: structlog.stdlib.BoundLogger = structlog.get_logger("recordings")

_MOST_AT_ONCE: Final = 8
"""Files that may be under way: a directory that hangs must not gather decisions without end."""
_LONGEST_NAME: Final = 80
"""Letters of an object's name in a file's."""
_OFF: Final = Reason(code=Code.DECISION_NOT_RECORDED, text="the setting recordings.directory is not set")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the administrator wants to have: `directory` None is nothing, `changes` every decision that changes something."""

    directory: Path | None
    changes: bool
    most_files: int
    most_bytes: int


class Recordings:
    """Writes a decision down when somebody wants to have it, beside the passes: a file that hangs holds up nothing."""

    def __init__(self, kept: Kept, recorder: Recorder) -> None:
        """Keep files as `kept` says; tell those who asked through `recorder`."""
        self._kept = kept
        self._recorder = recorder
        self._answered: dict[str, str] = {}
        self._writing: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()

    @property
    def in_flight(self) -> int:
        """Files that are being written."""
        return len(self._writing)

    def pool(self, pool: PoolObject, snapshot: Snapshot, plan: Plan) -> None:
        """Record a decision about a pool. One on members that nobody looked at yet answers no request."""
        asked = pool.record_decision if snapshot.looked else None
        changes = plan.record.desired != snapshot.record.desired or any(one.ask is not None for one in plan.members)
        if self._wanted(pool, asked, changes=changes):
            self._begin(pool, asked, snapshot.now, lambda: rendered_decision(RecordedPool.of(snapshot, plan)))

    def policy(self, policy: PolicyObject, judged: JudgedPolicy) -> None:
        """Record a decision of a policy."""
        asked, changes = policy.record_decision, judged.decision.desired != policy.record.desired
        if self._wanted(policy, asked, changes=changes):
            self._begin(policy, asked, judged.at, lambda: rendered_decision(RecordedPolicy.of(policy.key, judged)))

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._answered.pop(uid, None)

    def close(self) -> None:
        """Write no more."""
        for task in self._writing:
            task.cancel()

    def _is_new(self, about: PoolObject | PolicyObject, asked: str | None) -> bool:
        return asked is not None and self._answered.get(about.uid) != asked

    def _wanted(self, about: PoolObject | PolicyObject, asked: str | None, *, changes: bool) -> bool:
        return self._is_new(about, asked) or (changes and self._kept.changes and self._kept.directory is not None)

    def _begin(
        self, about: PoolObject | PolicyObject, asked: str | None, at: datetime, render: Callable[[], bytes]
    ) -> None:
        if len(self._writing) >= _MOST_AT_ONCE:
            log.warning("decision not recorded", key=str(about.key), why="files before it are still being written")
            return
        tell = self._is_new(about, asked)
        if asked is not None:
            self._answered[about.uid] = asked
        task = asyncio.create_task(self._record(about, _file_name(about.key, at), render, tell=tell))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _record(
        self, about: PoolObject | PolicyObject, name: str, render: Callable[[], bytes], *, tell: bool
    ) -> None:
        told = await self._written(name, render)
        is_bad = told.code is Code.DECISION_NOT_RECORDED
        log.info("decision not recorded" if is_bad else "decision recorded", key=str(about.key), why=told.text)
        if tell:
            await self._recorder.tell(about, told, action="Record", warning=is_bad)

    async def _written(self, name: str, render: Callable[[], bytes]) -> Reason:
        """Write the file; say what became of it."""
        directory = self._kept.directory
        if directory is None:
            return _OFF
        try:
            async with self._turn:  # each makes room for its own file among the others
                await asyncio.to_thread(_write, directory, name, render, self._kept)
        except OSError as error:
            return Reason(code=Code.DECISION_NOT_RECORDED, text=f"{name}: {error.strerror or type(error).__name__}")
        except Exception:
            log.exception("decision not recorded", file=name)
            return Reason(code=Code.DECISION_NOT_RECORDED, text=f"{name}: a mistake of the program, see its log")
        return Reason(code=Code.DECISION_RECORDED, text=f"as {name}, in recordings.directory")


def _file_name(key: ObjectKey, at: datetime) -> str:
    """A name that sorts by time."""
    return f"decision-{at:%Y%m%dT%H%M%S.%f}Z-{key.kind.lower()}-{key.namespace}-{key.name[:_LONGEST_NAME]}.json"


def _write(directory: Path, name: str, render: Callable[[], bytes], kept: Kept) -> None:
    """Write one file, readable by us alone, then make room: the newest always stays. Raises OSError."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = directory / f".{name}"
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(render())
    unfinished.replace(directory / name)
    files, size = 0, 0
    for found in sorted(directory.glob("decision-*.json"), reverse=True):
        files, size = files + 1, size + found.stat().st_size
        if files > 1 and (files > kept.most_files or size > kept.most_bytes):
            found.unlink(missing_ok=True)
