"""What an API server's storage does: objects by kind, one growing resourceVersion, a log of changes.

`cluster` writes; lists, pages and watches read. The log is finite: who asks for what is older gets 410.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any

from multicloud_lab.clusters.errors import Json, expired

REMEMBERED = 5000
"""How many changes a cluster remembers: how far back a watch or a continue token may reach."""

Key = tuple[str, str]
"""Namespace ("" for what has none) and name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change: `before` None for a new object, `after` None for one that went."""

    version: int
    plural: str
    before: Json | None
    after: Json | None

    @property
    def key(self) -> Key:
        """Whose change it is."""
        return key_of(self.after or self.before or {})


def key_of(body: Json) -> Key:
    """Return an object's namespace and name."""
    metadata: dict[str, Any] = body["metadata"]
    return str(metadata.get("namespace", "")), str(metadata["name"])


class Store:
    """One cluster's objects. Objects that were handed out are never changed: a change puts a new one."""

    def __init__(self) -> None:
        """Start empty."""
        self.version = 1
        self._oldest = 1
        self._kinds: dict[str, dict[Key, Json]] = {}
        self._log: deque[Change] = deque()

    def get(self, plural: str, key: Key) -> Json | None:
        """Return an object, or None."""
        return self._kinds.get(plural, {}).get(key)

    def put(self, plural: str, body: Json) -> Json:
        """Store an object under the next resourceVersion; returns it with that. An unchanged one stays as it is."""
        objects = self._kinds.setdefault(plural, {})
        before = objects.get(key_of(body))
        if before is not None and _without_version(before) == body:
            return before
        self.version += 1
        after = _at(body, self.version)
        objects[key_of(body)] = after
        self._remember(Change(version=self.version, plural=plural, before=before, after=after))
        return after

    def remove(self, plural: str, key: Key) -> None:
        """Delete an object, if it is there."""
        before = self._kinds.get(plural, {}).pop(key, None)
        if before is not None:
            self.version += 1
            self._remember(Change(version=self.version, plural=plural, before=before, after=None))

    def all(self, plural: str, version: int | None = None) -> list[Json]:
        """Return the objects of a kind, by namespace and name, as they are or were. Raises ApiError 410."""
        objects = dict(self._kinds.get(plural, {}))
        if version is not None and version < self.version:
            for change in reversed(self.since(version)):
                if change.plural == plural:
                    _undo(objects, change)
        return [objects[key] for key in sorted(objects)]

    def since(self, version: int) -> list[Change]:
        """Return the changes after a version, oldest first. Raises ApiError 410 when they are forgotten."""
        if version < self._oldest:
            raise expired()
        later = []
        for change in reversed(self._log):
            if change.version <= version:
                break
            later.append(change)
        return later[::-1]

    def _remember(self, change: Change) -> None:
        self._log.append(change)
        while len(self._log) > REMEMBERED:
            self._oldest = self._log.popleft().version


def deleted(change: Change) -> Json:
    """Return the object that a DELETED event shows: its last state, at the version of its end."""
    return _at(change.before or {}, change.version)


def _undo(objects: dict[Key, Json], change: Change) -> None:
    if change.before is None:
        objects.pop(change.key, None)
    else:
        objects[change.key] = change.before


def _at(body: Json, version: int) -> Json:
    return {**body, "metadata": {**body["metadata"], "resourceVersion": str(version)}}


def _without_version(body: Json) -> Json:
    metadata = {name: value for name, value in body["metadata"].items() if name != "resourceVersion"}
    return {**body, "metadata": metadata}
