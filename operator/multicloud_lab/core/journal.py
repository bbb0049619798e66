"""The journal: every request that reached a wire, and every hand, in order.

Wires and engines append; tests, the admin port and `--journal` read. It is what claims about
"exactly one effective resize" are judged by.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from multicloud_lab.core.clock import iso

HAND = "hand"
"""The principal of a person (or another machine) that acts beside the clients under test."""

LAB = "lab"
"""The cloud of entries about the lab itself: faults placed, limits and permissions set (principal "admin")."""

KUBERNETES = "kubernetes"
"""The cloud of entries about requests to a member cluster's own API."""

DROPPED = "Dropped"
"""The result of a request whose connection was closed before its commit."""

Json = dict[str, object]

Told = Callable[[str, Mapping[str, object]], None]
"""Who is told of a turned knob: what it is called, and everything needed to turn it again."""


def tell_nobody(_operation: str, _arguments: Mapping[str, object]) -> None:
    """Be told, and do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request, one hand's act, or one turn of the lab's own knobs.

    `time` is virtual epoch seconds; `cloud` one of aws, azure, gcp, kubernetes, lab; `result` "200" or the cloud's
    error code. `effective` says that it changed the wished size or other state: a refused call, a
    read and a replayed token are not. `from_` and `to` are the pool's wished nodes before and after
    (nodes of the whole pool, also on a GKE pool of several zones).
    """

    time: float
    cloud: str
    principal: str
    operation: str
    cluster: str | None = None
    pool: str | None = None
    arguments: Mapping[str, object] = field(default_factory=dict)
    token: str | None = None
    effective: bool = False
    result: str = "200"
    to: int | None = None
    from_: int | None = None
    seq: int = 0

    def as_json(self) -> Json:
        """Return the entry in the journal's JSON form."""
        return {
            "seq": self.seq,
            "time": iso(self.time),
            "cloud": self.cloud,
            "principal": self.principal,
            "operation": self.operation,
            "cluster": self.cluster,
            "pool": self.pool,
            "arguments": dict(self.arguments),
            "token": self.token,
            "effective": self.effective,
            "result": self.result,
            "from": self.from_,
            "to": self.to,
        }


class Journal:
    """An append-only list of entries, numbered from 1."""

    def __init__(self) -> None:
        """Start empty, with nobody listening."""
        self._entries: list[Entry] = []
        self._listeners: list[Callable[[Entry], None]] = []

    def __len__(self) -> int:
        return len(self._entries)

    def append(self, entry: Entry) -> Entry:
        """Keep the entry, tell the listeners; returns it with its number."""
        numbered = replace(entry, seq=len(self._entries) + 1)
        self._entries.append(numbered)
        for listener in self._listeners:
            listener(numbered)
        return numbered

    def entries(self, since: int = 0) -> list[Entry]:
        """Return the entries after number `since`, oldest first."""
        return self._entries[max(since, 0) :]

    def effective_resizes(self) -> list[Entry]:
        """Return the entries that changed a pool's wished size, oldest first."""
        return [e for e in self._entries if e.effective and e.to is not None and e.to != e.from_]

    def listen(self, listener: Callable[[Entry], None]) -> None:
        """Call `listener` with every entry appended from now on."""
        self._listeners.append(listener)

    def clear(self) -> None:
        """Forget all entries (the listeners stay)."""
        self._entries.clear()
