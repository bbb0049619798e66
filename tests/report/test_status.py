"""The one writer of status: only what changed, and memory only of what the API server holds."""

from dataclasses import dataclass, field, replace

import pytest

from multicloud.model.port import Rejected
from multicloud.model.record import PoolRecord, Record
from multicloud.model.ref import ObjectKey
from multicloud.model.spec import PoolObject
from multicloud.report.status import StatusDesk
from support.builders import POOL
from support.scripted import ScriptedWriter

SEEN = PoolObject(key=POOL, uid="u", generation=1, resource_version="7", spec=None)
WRITTEN = replace(SEEN, resource_version="8")


@dataclass
class Memory:
    kept: list[tuple[str, str | None]] = field(default_factory=list)

    def remember(self, key: ObjectKey, uid: str, record: Record, resource_version: str | None) -> None:
        assert key == POOL
        assert record == PoolRecord()
        self.kept.append((uid, resource_version))


async def test_an_unchanged_status_is_never_written_again() -> None:
    writer, memory = ScriptedWriter(), Memory()
    desk = StatusDesk(writer, memory)
    for seen in (SEEN, WRITTEN, WRITTEN):
        assert await desk.persist(seen, {"replicas": 4}, PoolRecord())
    assert writer.statuses == [{"replicas": 4}]
    assert memory.kept == [("u", "8"), ("u", None), ("u", None)]


async def test_what_another_hand_changed_since_is_written_again_whatever_it_was() -> None:
    writer = ScriptedWriter()
    desk = StatusDesk(writer, Memory())
    assert await desk.persist(SEEN, {"replicas": 4}, PoolRecord())
    assert await desk.persist(replace(WRITTEN, resource_version="9"), {"replicas": 4}, PoolRecord())
    assert writer.statuses == [{"replicas": 4}] * 2


@pytest.mark.parametrize(
    "rejected",
    [
        Rejected(gone=True, stale=False, words="gone"),
        Rejected(gone=False, stale=True, words="modified"),
        Rejected(gone=False, stale=False, words="no answer"),
    ],
    ids=["404", "409", "no answer"],
)
async def test_what_was_not_taken_is_not_remembered(rejected: Rejected) -> None:
    writer, memory = ScriptedWriter(rejects=rejected), Memory()
    desk = StatusDesk(writer, memory)
    assert not await desk.persist(SEEN, {"replicas": 4}, PoolRecord())
    assert memory.kept == []
    writer.rejects = None
    assert await desk.persist(SEEN, {"replicas": 4}, PoolRecord())
    assert writer.statuses == [{"replicas": 4}]


async def test_a_forgotten_object_is_written_anew() -> None:
    writer = ScriptedWriter()
    desk = StatusDesk(writer, Memory())
    await desk.persist(SEEN, {"replicas": 4}, PoolRecord())
    desk.forget("u")
    await desk.persist(SEEN, {"replicas": 4}, PoolRecord())
    assert len(writer.statuses) == 2
