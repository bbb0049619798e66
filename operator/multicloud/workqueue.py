"""Which object gets a pass, and when: keyed, deduplicated, delayed, with back-off per key and one loop for all timers.

`watch`, `observe` and passes themselves call `add`; `run` starts workers that call the handler (`reconcile`). One key
is never handled twice at once; a key added while it is handled is handled again afterwards.
"""

import asyncio
import heapq
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from multicloud.model.port import Clock
from multicloud.model.ref import ObjectKey

FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 300.0

Handler = Callable[[ObjectKey], Awaitable[float | None]]
"""Handles one key; returns the seconds after which it wants another pass, None for only when something happens."""

log: structlog.stdlib.BoundLogger = structlog.get_logger("workqueue")


class WorkQueue:
    """Keyed queue with delays. All methods are called on the main loop."""

    def __init__(self, clock: Clock) -> None:
        """Waits are made on the clock, so that virtual time moves them."""
        self._clock = clock
        self._due: dict[ObjectKey, float] = {}
        self._timers: list[tuple[float, int, ObjectKey]] = []
        self._sequence = 0
        self._urgent: OrderedDict[ObjectKey, None] = OrderedDict()
        self._ready: OrderedDict[ObjectKey, None] = OrderedDict()
        self._active: set[ObjectKey] = set()
        self._again: dict[ObjectKey, bool] = {}
        self._failures: dict[ObjectKey, int] = {}
        self._closed = False
        self._added = asyncio.Event()
        self._timers_changed = asyncio.Event()

    @property
    def depth(self) -> int:
        """Keys that wait for a worker now."""
        return len(self._urgent) + len(self._ready)

    @property
    def idle(self) -> bool:
        """True when no key is ready or being handled; timers may be pending."""
        return not (self._urgent or self._ready or self._active)

    def add(self, key: ObjectKey, after_s: float = 0.0, *, urgent: bool = False) -> None:
        """Ask for a pass after so many seconds; the earliest wish of a key wins. `urgent` (shortage) goes first."""
        if after_s <= 0:
            self._enqueue(key, urgent=urgent)
            return
        due_s = self._clock.monotonic() + after_s
        if due_s < self._due.get(key, float("inf")):
            self._schedule(key, due_s)

    def postpone(self, key: ObjectKey, after_s: float) -> None:
        """Replace the wished time of a key, also by a later one: an edit that has not come to rest yet."""
        self._schedule(key, self._clock.monotonic() + after_s)

    def forget(self, key: ObjectKey) -> None:
        """Drop timers and back-off of a key whose object is gone."""
        self._due.pop(key, None)
        self._failures.pop(key, None)

    def close(self) -> None:
        """Start no more passes; `run` returns when those under way have ended."""
        self._closed = True
        self._added.set()

    async def run(self, handler: Handler, *, workers: int) -> None:
        """Serve until closed or cancelled."""
        async with asyncio.TaskGroup() as group:
            timers = group.create_task(self._keep_time(), name="workqueue-timers")
            serving = [group.create_task(self._work(handler), name=f"workqueue-{n}") for n in range(workers)]
            await asyncio.wait(serving)
            timers.cancel()

    def _schedule(self, key: ObjectKey, due_s: float) -> None:
        self._due[key] = due_s
        self._sequence += 1
        heapq.heappush(self._timers, (due_s, self._sequence, key))
        self._timers_changed.set()

    def _enqueue(self, key: ObjectKey, *, urgent: bool) -> None:
        self._due.pop(key, None)
        if key in self._active:
            self._again[key] = urgent or self._again.get(key, False)
        elif key not in self._urgent:
            if urgent:
                self._ready.pop(key, None)
            (self._urgent if urgent else self._ready).setdefault(key)
            self._added.set()

    async def _keep_time(self) -> None:
        while True:
            self._timers_changed.clear()
            while self._timers and self._timers[0][0] <= self._clock.monotonic():
                due_s, _, key = heapq.heappop(self._timers)
                if self._due.get(key) == due_s:
                    self._enqueue(key, urgent=False)
            await self._until_next_timer()

    async def _until_next_timer(self) -> None:
        waits: list[asyncio.Task[Any]] = [asyncio.create_task(self._timers_changed.wait())]
        if self._timers:
            waits.append(asyncio.create_task(_sleep(self._clock, self._timers[0][0])))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _work(self, handler: Handler) -> None:
        while await self._something_to_do():
            key, _ = (self._urgent or self._ready).popitem(last=False)
            self._active.add(key)
            try:
                again_after_s = await self._handle(handler, key)
            finally:
                self._active.discard(key)
            if key in self._again:
                self._enqueue(key, urgent=self._again.pop(key))
            elif again_after_s is not None:
                self.add(key, max(again_after_s, 0.001))

    async def _something_to_do(self) -> bool:
        while not (self._urgent or self._ready or self._closed):
            self._added.clear()
            await self._added.wait()
        return not self._closed

    async def _handle(self, handler: Handler, key: ObjectKey) -> float | None:
        try:
            wish_s = await handler(key)
        except Exception:  # a bug in one pass must not stop other objects
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            backoff_s = min(FIRST_BACKOFF_S * 2.0 ** (failures - 1), LONGEST_BACKOFF_S)
            log.exception("pass failed", key=str(key), again_after_s=backoff_s)
            return backoff_s
        self._failures.pop(key, None)
        return wish_s


async def _sleep(clock: Clock, due_s: float) -> None:
    await clock.sleep_until(due_s)
