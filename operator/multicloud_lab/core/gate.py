"""The gate that every call passes before and after its commit: where calls are held or dropped.

A wire builds a `Call`, awaits `before`, commits synchronously, awaits `after`, answers. Tests and
the admin port place holds and release them. Faults will come in here.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from multicloud_lab.core.clock import VirtualClock

When = Literal["before", "after"]
Action = Literal["continue", "drop"]


class CallDroppedError(Exception):
    """The wire must close the connection without an answer (gRPC: abort UNAVAILABLE)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, named as the vendor names the operation; `token` is the client's idempotency token."""

    cloud: str
    operation: str
    principal: str
    cluster: str | None = None
    pool: str | None = None
    token: str | None = None
    arguments: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Hold the `nth` call that matches, before or after its commit. An absent field matches anything."""

    operation: str
    cloud: str | None = None
    cluster: str | None = None
    pool: str | None = None
    when: When = "before"
    nth: int = 1

    def __post_init__(self) -> None:
        """Refuse what could never hold."""
        if self.nth < 1:
            message = f"nth is {self.nth}, but calls are counted from 1"
            raise ValueError(message)
        if self.when not in {"before", "after"}:
            message = f"when is {self.when!r}, but it must be 'before' or 'after'"
            raise ValueError(message)

    def matches(self, call: Call, when: When) -> bool:
        """Say whether this call, at this moment of it, counts."""
        return (
            when == self.when
            and call.operation == self.operation
            and self.cloud in {None, call.cloud}
            and self.cluster in {None, call.cluster}
            and self.pool in {None, call.pool}
        )


@dataclass(slots=True, eq=False)
class _Held:
    hold: Hold
    seen: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    action: Action = "continue"


class Gate:
    """Holds by id. Every method runs on the lab's loop."""

    def __init__(self, clock: VirtualClock) -> None:
        """Start with no holds. Passing calls make `clock` catch up, so that a wire need not."""
        self._clock = clock
        self._holds: dict[str, _Held] = {}
        self._next = 1
        self._waiting = 0
        self._nobody_waits = asyncio.Event()
        self._nobody_waits.set()

    def hold(self, hold: Hold) -> str:
        """Place a hold; it catches one call. Returns the id for `reached` and `release`."""
        hold_id = f"hold-{self._next}"
        self._next += 1
        self._holds[hold_id] = _Held(hold)
        return hold_id

    async def before(self, call: Call) -> None:
        """Wait while held, then catch up with the clock: the state to look at is the one after this.

        Raises CallDroppedError when it is to be dropped: nothing may then be committed.
        """
        await self._pass(call, "before")

    async def after(self, call: Call) -> None:
        """Wait while held after the commit. Raises CallDroppedError for a lost answer."""
        await self._pass(call, "after")

    async def reached(self, hold_id: str) -> None:
        """Wait until a call has arrived at the hold."""
        await self._find(hold_id).reached.wait()

    def release(self, hold_id: str, action: Action = "continue") -> None:
        """Let the held call go on or drop it. Said before a call arrived, it decides without a wait."""
        if action not in {"continue", "drop"}:
            message = f"action is {action!r}, but it must be 'continue' or 'drop'"
            raise ValueError(message)
        held = self._find(hold_id)
        held.action = action
        held.released.set()

    async def drop_all(self) -> None:
        """Forget all holds and drop every held call; returns when their wires have let go of them."""
        self.clear()
        await self._nobody_waits.wait()

    def clear(self) -> None:
        """Forget all holds and tell every held call to drop, which happens as soon as the loop runs."""
        for held in self._holds.values():
            if not held.released.is_set():
                held.action = "drop"
                held.released.set()
        self._holds.clear()

    def _find(self, hold_id: str) -> _Held:
        try:
            return self._holds[hold_id]
        except KeyError:
            message = f"there is no hold {hold_id!r}: known are {sorted(self._holds) or 'none'}"
            raise ValueError(message) from None

    async def _pass(self, call: Call, when: When) -> None:
        for held in list(self._holds.values()):
            if not held.hold.matches(call, when):
                continue
            held.seen += 1
            if held.seen != held.hold.nth:
                continue
            held.reached.set()
            await self._wait(held)
            if held.action == "drop":
                raise CallDroppedError
        self._clock.catch_up()

    async def _wait(self, held: _Held) -> None:
        self._waiting += 1
        self._nobody_waits.clear()
        try:
            await held.released.wait()
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._nobody_waits.set()
