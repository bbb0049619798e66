"""Time as a test value: it stands still until the test moves it. Implements the port Clock.

    clock = VirtualClock()
    task = asyncio.create_task(elector.lead())
    await clock.until_asleep()         # the task has done what it could and waits for time to pass
    clock.advance_to(clock.next_wake())

`advance` is a jump: whoever should have woken in between wakes late and sees the final time, as in a process that was
frozen. `run_for` goes from wake-up to wake-up, as a process that runs well does.
"""

import asyncio
import heapq
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2026, 11, 23, 8, tzinfo=UTC)
REAL_PATIENCE_S = 20
"""How long a test waits, in real seconds, for a task to come to rest. Only a broken test or a hung task needs it."""

_ROUNDS = 30
"""Turns of the loop that let a chain of tasks, futures and events that needs no I/O come to rest."""


@dataclass(order=True, slots=True)
class _Sleeper:
    due_s: float
    number: int
    woken: asyncio.Future[None] = field(compare=False)


class VirtualClock:
    """Seconds since an epoch that only a test moves. Used on one event loop; `monotonic` may be read on any thread."""

    def __init__(self, epoch: datetime = EPOCH) -> None:
        """Start at the epoch: wall time `epoch`, monotonic 0."""
        self._epoch = epoch
        self._now_s = 0.0
        self._sleepers: list[_Sleeper] = []
        self._count = 0
        self._slept = asyncio.Event()

    def now(self) -> datetime:
        """Wall time, UTC."""
        return self._epoch + timedelta(seconds=self._now_s)

    def step(self, seconds: float) -> None:
        """Another machine's wall clock, or a step of this one's: `monotonic` does not move."""
        self._epoch += timedelta(seconds=seconds)

    def monotonic(self) -> float:
        """Seconds since the epoch."""
        return self._now_s

    async def sleep_until(self, monotonic_s: float) -> None:
        """Return once a test has moved time to the given second."""
        if monotonic_s <= self._now_s:
            await asyncio.sleep(0)
            return
        self._count += 1
        sleeper = _Sleeper(monotonic_s, self._count, asyncio.get_running_loop().create_future())
        heapq.heappush(self._sleepers, sleeper)
        self._slept.set()
        await sleeper.woken

    @property
    def asleep(self) -> int:
        """How many tasks wait for time to pass."""
        return sum(not sleeper.woken.done() for sleeper in self._sleepers)

    def next_wake(self) -> float | None:
        """The second at which the next sleeper wants to wake, None when nobody sleeps."""
        while self._sleepers and self._sleepers[0].woken.done():  # cancelled meanwhile
            heapq.heappop(self._sleepers)
        return self._sleepers[0].due_s if self._sleepers else None

    def advance_to(self, monotonic_s: float) -> None:
        """Jump to the given second. Who is due wakes in order, but runs only when the caller awaits something."""
        if monotonic_s < self._now_s:
            raise ValueError(f"time does not go back from {self._now_s} to {monotonic_s}")
        self._now_s = monotonic_s
        while (due_s := self.next_wake()) is not None and due_s <= monotonic_s:
            heapq.heappop(self._sleepers).woken.set_result(None)

    def advance(self, seconds: float) -> None:
        """Jump ahead by so many seconds."""
        self.advance_to(self._now_s + seconds)

    async def until_asleep(self, tasks: int = 1) -> None:
        """Return once at least so many tasks wait for time to pass. Raises TimeoutError after real seconds."""
        async with asyncio.timeout(REAL_PATIENCE_S):
            while self.asleep < tasks:
                self._slept.clear()
                await self._slept.wait()

    async def settle(self) -> None:
        """Let everything run that needs neither time nor I/O."""
        for _ in range(_ROUNDS):
            await asyncio.sleep(0)

    async def run_for(self, seconds: float) -> None:
        """Go ahead from wake-up to wake-up, settling at each. For tasks that do no real I/O."""
        until_s = self._now_s + seconds
        await self.settle()
        while (due_s := self.next_wake()) is not None and due_s <= until_s:
            self.advance_to(due_s)
            await self.settle()
        self.advance_to(until_s)
        await self.settle()
