"""Files of decisions: room is made by number and by size, and what hangs or breaks is said and gathers nothing."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from multicloud.decide import decide
from multicloud.model.plan import Snapshot
from multicloud.model.reason import Code
from multicloud.model.spec import PoolObject
from multicloud.report.events import Recorder
from multicloud.report.recordings import Kept, Recordings
from support.builders import NOW, POOL, member, snapshot
from support.clock import VirtualClock
from support.scripted import ScriptedSink

SMALL = snapshot(member("a", 2), replicas=2)
WIDE = snapshot(*(member(f"member-{number:03}", 1) for number in range(100)), replicas=100)


def kept(directory: Path, *, most_files: int = 100, most_bytes: int = 50_000_000) -> Kept:
    return Kept(directory=directory, changes=False, most_files=most_files, most_bytes=most_bytes)


def asked(word: str) -> PoolObject:
    return PoolObject(key=POOL, uid="u", generation=1, resource_version="7", spec=None, record_decision=word)


class Desk:
    def __init__(self, kept: Kept) -> None:
        self.sink = ScriptedSink()
        self.recordings = Recordings(kept, Recorder(self.sink, VirtualClock()))

    async def record(self, seen: Snapshot, *, times: int) -> None:
        """Ask for so many decisions, a second apart, each after the one before it is written."""
        plan = decide(seen)
        for number in range(times):
            later = replace(seen, now=NOW + timedelta(seconds=number))
            self.recordings.pool(asked(f"word-{number}"), later, plan)
            await self.rest()

    async def rest(self) -> None:
        while self.recordings.in_flight:  # noqa: ASYNC110 - the tasks are its own
            await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop, not a wait

    def told(self) -> list[Code]:
        return [note.reason.code for note in self.sink.notes]


def files(directory: Path) -> list[str]:
    return sorted(file.name.split("-")[1] for file in directory.glob("*"))


def sizes_of(directory: Path) -> list[int]:
    return [file.stat().st_size for file in directory.glob("*")]


async def test_the_oldest_go_when_there_are_too_many(tmp_path: Path) -> None:
    await Desk(kept(tmp_path, most_files=3)).record(SMALL, times=5)
    assert files(tmp_path) == [f"20260504T12000{second}.000000Z" for second in (2, 3, 4)]


async def test_the_oldest_go_when_they_are_too_large_together_and_the_newest_stays(tmp_path: Path) -> None:
    await Desk(kept(tmp_path, most_bytes=1_000_000)).record(WIDE, times=8)
    sizes = sizes_of(tmp_path)
    assert sum(sizes) <= 1_000_000 < sum(sizes) + max(sizes)
    assert files(tmp_path)[-1] == "20260504T120007.000000Z"


async def test_other_files_of_the_directory_are_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "0-other.json"
    other.touch()
    await Desk(kept(tmp_path, most_files=1)).record(SMALL, times=3)
    assert other.exists()
    assert len(files(tmp_path)) == 2


async def test_decisions_do_not_gather_behind_files_that_are_not_written(tmp_path: Path) -> None:
    desk, plan = Desk(kept(tmp_path)), decide(SMALL)
    for number in range(20):
        desk.recordings.pool(asked(f"word-{number}"), replace(SMALL, now=NOW + timedelta(seconds=number)), plan)
    assert desk.recordings.in_flight == 8
    await desk.rest()
    assert len(files(tmp_path)) == 8
    desk.recordings.pool(asked("word-19"), SMALL, plan)  # that one was not answered yet
    assert desk.recordings.in_flight == 1
    await desk.rest()


async def test_what_cannot_be_written_down_is_said(tmp_path: Path) -> None:
    desk = Desk(kept(tmp_path))
    broken = replace(SMALL, uid=object())  # type: ignore[arg-type]  # a mistake of the program
    desk.recordings.pool(asked("now"), broken, decide(SMALL))
    await desk.rest()
    assert desk.told() == [Code.DECISION_NOT_RECORDED]


async def test_a_decision_on_members_that_nobody_looked_at_answers_no_request(tmp_path: Path) -> None:
    desk = Desk(kept(tmp_path))
    blind = snapshot(member("a", 2).viewed(sight=replace(SMALL.members[0].sight, looked=False)), replicas=2)
    desk.recordings.pool(asked("now"), blind, decide(blind))
    assert desk.recordings.in_flight == 0
    desk.recordings.pool(asked("now"), SMALL, decide(SMALL))
    await desk.rest()
    assert len(files(tmp_path)) == 1
