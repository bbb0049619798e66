"""The gate that every call passes before and after its commit: where calls are held or dropped.

A wire builds a `Call`, awaits `before`, commits synchronously, awaits `after`, answers. Tests and
the admin port place holds and release them; the faults in force act here: waits and closed connections
by the gate itself, all other answers by the wire, to which the gate raises FaultedError.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from multicloud_lab.core.calls import Call, When
from multicloud_lab.core.clock import VirtualClock, wait_real_s
from multicloud_lab.core.faultkinds import Hang, Latency, LostResponse, Reset, Throttle
from multicloud_lab.core.faults import FaultedError, Faults, Placed

__all__ = ["Action", "Call", "CallDroppedError", "Gate", "Hold", "When"]

MILLISECONDS = 1000.0

Action = Literal["continue", "drop"]


class CallDroppedError(Exception):
    """The wire must close the connection without an answer (gRPC: abort UNAVAILABLE)."""


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
    """Holds by id, and the way of every call. Every method runs on the lab's loop."""

    def __init__(self, clock: VirtualClock, faults: Faults | None = None) -> None:
        """Start with no holds. Passing calls make `clock` catch up, so that a wire need not."""
        self._clock = clock
        self._faults = faults
        self._hung = asyncio.Event()
        self._in_flight: Counter[str] = Counter()
        self.most_in_flight: Counter[str] = Counter()
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

        Raises CallDroppedError when it is to be dropped, FaultedError when a fault answers it: nothing may
        then be committed.
        """
        self._count_flight(call.cloud)
        await self._pass(call, "before")

    async def after(self, call: Call) -> None:
        """Wait while held after the commit. Raises CallDroppedError for a lost answer, FaultedError for another one."""
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
        """Forget all holds and tell every held or hanging call to drop, which happens as soon as the loop runs."""
        for held in self._holds.values():
            if not held.released.is_set():
                held.action = "drop"
                held.released.set()
        self._holds.clear()
        self._hung.set()
        self._hung = asyncio.Event()

    def _count_flight(self, cloud: str) -> None:
        """Count the call as under way until the task that serves it ends."""
        task = asyncio.current_task()
        assert task is not None
        self._in_flight[cloud] += 1
        self.most_in_flight[cloud] = max(self.most_in_flight[cloud], self._in_flight[cloud])

        def landed(_: asyncio.Task[object]) -> None:
            self._in_flight[cloud] -= 1

        task.add_done_callback(landed)

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
        for placed in [] if self._faults is None else self._faults.on_call(call, when):
            await self._suffer(placed)

    async def _suffer(self, placed: Placed) -> None:
        action = placed.fault.action
        if isinstance(action, Latency):
            await wait_real_s(action.ms / MILLISECONDS)
            self._clock.catch_up()
            return
        if isinstance(action, Hang):
            hung = self._hung
            with self._counted():
                await hung.wait()
            raise CallDroppedError
        if isinstance(action, Reset | LostResponse):
            raise CallDroppedError
        wait_s = placed.bucket.wait_s if isinstance(action, Throttle) and placed.bucket is not None else None
        raise FaultedError(action, wait_s)

    async def _wait(self, held: _Held) -> None:
        with self._counted():
            await held.released.wait()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._waiting += 1
        self._nobody_waits.clear()
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._nobody_waits.set()
