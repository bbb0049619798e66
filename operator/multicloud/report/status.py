"""The one writer of status: whole, only when something changed, guarded by uid and resourceVersion."""

from collections.abc import Mapping
from typing import Any, Protocol

import structlog

from multicloud.model.port import Rejected, StatusWriter, Written
from multicloud.model.record import Record
from multicloud.model.ref import ObjectKey
from multicloud.model.spec import StoredObject

log: structlog.stdlib.BoundLogger = structlog.get_logger("status")


class Memory(Protocol):
    """Keeps records; the store."""

    def remember(self, key: ObjectKey, uid: str, record: Record, resource_version: str | None) -> None:
        """Keep a record that was persisted (or needs no persisting)."""
        ...


class StatusDesk:
    """Writes statuses and remembers what was written, so that an unchanged one is never written again."""

    def __init__(self, writer: StatusWriter, memory: Memory) -> None:
        """Write through `writer`, remember in `memory`."""
        self._writer = writer
        self._memory = memory
        self._written: dict[str, tuple[str, Mapping[str, Any]]] = {}
        self.writes = 0
        self.rejections = 0

    async def persist(self, seen: StoredObject, status: Mapping[str, Any], record: Record) -> bool:
        """Write the whole status if it changed, or if another hand changed the object; True if the API server has it.

        False ends the pass: the object changed or went while we decided, or the API server is away. Nothing may be
        sent to a cloud then.
        """
        if self._written.get(seen.uid) == (seen.resource_version, status):
            self._memory.remember(seen.key, seen.uid, record, None)
            return True
        answer = await self._writer.write_status(
            seen.key, uid=seen.uid, resource_version=seen.resource_version, status=status
        )
        match answer:
            case Written(resource_version=version):
                self.writes += 1
                self._written[seen.uid] = (version, status)
                self._memory.remember(seen.key, seen.uid, record, version)
                return True
            case Rejected():
                self.rejections += 1
                log.info(
                    "status not written", key=str(seen.key), gone=answer.gone, stale=answer.stale, why=answer.words
                )
                return False

    def stands(self, seen: StoredObject) -> bool:
        """True while no other hand has changed the object since its status was written."""
        return seen.uid in self._written and self._written[seen.uid][0] == seen.resource_version

    def keep(self, seen: StoredObject, record: Record) -> None:
        """Remember what says nothing new to anybody: it is written along with the next thing that does."""
        self._memory.remember(seen.key, seen.uid, record, None)

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._written.pop(uid, None)
