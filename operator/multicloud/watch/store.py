"""Our objects as last seen, with what we remember of each. Fed by `kopf_thread`, `barrier` and own status writes.

The newer of watch event and write response wins, by resourceVersion. What we remember (`record`) comes from the
status once, when the object is first seen; from then on memory leads and the status is its copy.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from multicloud.kinds.parse import stored_object
from multicloud.model.account import AccountObject
from multicloud.model.record import AccountRecord, PolicyRecord, PoolRecord, Record
from multicloud.model.ref import Kind, ObjectKey
from multicloud.model.spec import PolicyObject, PoolObject, StoredObject


class Listener(Protocol):
    """Told what the store learned; `run` connects it to the work queue."""

    def changed(self, key: ObjectKey, *, first: bool) -> None:
        """The object is new (`first`), its spec or a word in its annotations changed, or its status was wiped."""
        ...

    def removed(self, gone: StoredObject) -> None:
        """The object is gone, or another of the same name took its place."""
        ...


class _Nobody:
    """Listens until somebody does."""

    def changed(self, key: ObjectKey, *, first: bool) -> None:
        """Nobody is told."""

    def removed(self, gone: StoredObject) -> None:
        """Nobody is told."""


class Store:
    """All our objects. Touched on the main loop only."""

    def __init__(self) -> None:
        """Empty; `listen` before the first `put`."""
        self._listener: Listener = _Nobody()
        self._objects: dict[ObjectKey, StoredObject] = {}
        self._buried: set[str] = set()
        self.synced = False

    def listen(self, listener: Listener) -> None:
        """Tell changes from now on."""
        self._listener = listener

    def pool(self, key: ObjectKey) -> PoolObject | None:
        """The pool of that key."""
        found = self._objects.get(key)
        return found if isinstance(found, PoolObject) else None

    def account(self, namespace: str, name: str) -> AccountObject | None:
        """The account of that name in that namespace."""
        found = self._objects.get(ObjectKey(kind=Kind.ACCOUNT, namespace=namespace, name=name))
        return found if isinstance(found, AccountObject) else None

    def pools(self) -> Sequence[PoolObject]:
        """Every pool, by key."""
        return [found for _, found in sorted(self._objects.items()) if isinstance(found, PoolObject)]

    def accounts(self) -> Sequence[AccountObject]:
        """Every account, by key."""
        return [found for _, found in sorted(self._objects.items()) if isinstance(found, AccountObject)]

    def policy(self, key: ObjectKey) -> PolicyObject | None:
        """The policy of that key."""
        found = self._objects.get(key)
        return found if isinstance(found, PolicyObject) else None

    def policies(self) -> Sequence[PolicyObject]:
        """Every policy, by key."""
        return [found for _, found in sorted(self._objects.items()) if isinstance(found, PolicyObject)]

    def policies_of(self, pool: ObjectKey) -> Sequence[PolicyObject]:
        """The policies that want to decide for a pool, the oldest first: that one does."""
        found = [each for each in self._objects.values() if isinstance(each, PolicyObject) and each.pool == pool]
        return sorted(found, key=lambda policy: (policy.created_at, policy.uid))

    def put(self, body: Mapping[str, Any]) -> None:
        """Take an object from a watch or list. Older versions than the known one are ignored."""
        seen = stored_object(body)
        if seen.uid in self._buried:
            return
        known = self._objects.get(seen.key)
        if known is None:
            self._objects[seen.key] = seen
            self._listener.changed(seen.key, first=True)
        elif known.uid != seen.uid:
            if _version(seen) > _version(known):
                self._objects[seen.key] = seen
                self._listener.removed(known)
                self._listener.changed(seen.key, first=True)
        elif _version(seen) > _version(known):
            fresh = _remembering(seen, known)
            self._objects[seen.key] = fresh
            if _wish(fresh) != _wish(known) or _is_wiped(seen, known):
                self._listener.changed(seen.key, first=False)

    def remove(self, body: Mapping[str, Any]) -> None:
        """Take a deletion. One that speaks of an earlier object of the same name is ignored."""
        gone = stored_object(body)
        self._buried.add(gone.uid)
        known = self._objects.get(gone.key)
        if known is not None and known.uid == gone.uid:
            del self._objects[gone.key]
            self._listener.removed(known)

    def replace_all(self, kind: Kind, bodies: Iterable[Mapping[str, Any]], *, as_of: int) -> None:
        """Take a full list: what it lacks was deleted unnoticed, unless it is younger than the list (`as_of`).

        What was removed while the list was on its way is not taken from it: uids never come back.
        """
        listed: set[ObjectKey] = set()
        for body in bodies:
            listed.add(stored_object(body).key)
            self.put(body)
        for key, known in list(self._objects.items()):
            if key.kind is kind and key not in listed and _version(known) <= as_of:
                del self._objects[key]
                self._listener.removed(known)
        self._buried.clear()

    def newest_version(self) -> int:
        """The highest resourceVersion seen: what a list that starts now is at least as new as."""
        return max((_version(known) for known in self._objects.values()), default=0)

    def remember(self, key: ObjectKey, uid: str, record: Record, resource_version: str | None) -> None:
        """Keep what a pass decided; `resource_version` is the answer of its status write, None if it was not written."""
        known = self._objects.get(key)
        if known is None or known.uid != uid:
            return
        version = known.resource_version
        if resource_version is not None and int(resource_version) > _version(known):
            version = resource_version
        match known, record:
            case PoolObject(), PoolRecord():
                self._objects[key] = replace(known, record=record, resource_version=version)
            case AccountObject(), AccountRecord():
                self._objects[key] = replace(known, record=record, resource_version=version)
            case PolicyObject(), PolicyRecord():
                self._objects[key] = replace(known, record=record, resource_version=version)
            case _:
                raise ValueError(f"{key}: a record of another kind")


def _version(known: StoredObject) -> int:
    return int(known.resource_version)


def _remembering(seen: StoredObject, known: StoredObject) -> StoredObject:
    match seen, known:
        case PoolObject(), PoolObject():
            return replace(seen, record=known.record)
        case AccountObject(), AccountObject():
            return replace(seen, record=known.record)
        case PolicyObject(), PolicyObject():
            return replace(seen, record=known.record)
        case _:
            return seen


def _is_wiped(seen: StoredObject, known: StoredObject) -> bool:
    """True when a hand took away the status that we had written: it is the copy that outlives us."""
    return seen.record.observed_generation == 0 < known.record.observed_generation


def _wish(known: StoredObject) -> tuple[object, ...]:
    """All of an object that a pass depends on; a status write changes none of it."""
    noted = known.paused if isinstance(known, AccountObject) else known.record_decision
    return known.spec, known.problem, known.generation, noted
