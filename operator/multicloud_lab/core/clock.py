"""The lab's virtual clock, and the only place of the lab that reads the machine's time.

Engines schedule the future of their operations and nodes here; tests advance it, or a factor ties
it to real time. What becomes due runs in order of (time, sequence), so a run is deterministic.
"""

import asyncio
import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

DEFAULT_START = datetime(2026, 1, 1, tzinfo=UTC)


def wall_time_s() -> float:
    """Return the machine's real time in seconds since 1970.

    Only for what a vendor's SDK compares with its own real clock: request signatures, token
    expiry, certificates. Everything else happens in virtual time.
    """
    return time.time()


async def wait_real_s(seconds: float) -> None:
    """Let real time pass: what a fault's latency is measured in, because a client's time-outs are real."""
    await asyncio.sleep(seconds)


def iso(time_s: float) -> str:
    """Return virtual epoch seconds as an ISO 8601 text in UTC with milliseconds and a Z."""
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True, eq=False)
class Timer:
    """A scheduled action; `cancel` makes it never run (harmless when it has run)."""

    action: Callable[[], None] | None

    @property
    def pending(self) -> bool:
        """Whether the action is still to run."""
        return self.action is not None

    def cancel(self) -> None:
        """Forget the action."""
        self.action = None


@dataclass(slots=True, order=True)
class _Due:
    time_s: float
    sequence: int
    timer: Timer = field(compare=False)


class VirtualClock:
    """Virtual time in epoch seconds that moves by `advance`, or with real time times `factor`.

    `now` is constant between two moves, so a piece of synchronous code sees one instant.
    """

    def __init__(self, start: datetime = DEFAULT_START, factor: float = 0.0) -> None:
        """Start at `start`; `factor` 0 means that only `advance` moves the clock."""
        if factor < 0:
            message = f"the clock's factor is {factor}, but it must be 0 (moved by hand) or above"
            raise ValueError(message)
        self.factor = factor
        self.start = start
        self._start_s = start.timestamp()
        self._now_s = self._start_s
        self._real_s = time.monotonic()
        self._jumped_s = 0.0
        self._heap: list[_Due] = []
        self._sequence = 0

    def now(self) -> float:
        """Return the virtual time in epoch seconds; during an action, the action's time."""
        return self._now_s

    def at(self, time_s: float, action: Callable[[], None]) -> Timer:
        """Run `action` when the clock reaches `time_s`; a time in the past runs at the next move."""
        timer = Timer(action)
        self._sequence += 1
        heapq.heappush(self._heap, _Due(time_s, self._sequence, timer))
        return timer

    def after(self, delay_s: float, action: Callable[[], None]) -> Timer:
        """Run `action` `delay_s` virtual seconds from now."""
        return self.at(self._now_s + delay_s, action)

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`, running what becomes due on the way at its own time."""
        if seconds < 0:
            message = f"the clock cannot go back: advance({seconds})"
            raise ValueError(message)
        self._jumped_s += seconds
        self.advance_to(self._now_s + seconds)

    def waited_s(self) -> float:
        """Return what a client has waited, in seconds since some moment: real ones, and those that a hand jumped over.

        For answers that last, like a watch. The factor has no part in it, because a client's time-outs are real.
        """
        return time.monotonic() + self._jumped_s

    def advance_to(self, end_s: float) -> None:
        """Move forward to `end_s` (virtual epoch seconds; nothing for a time that is past), as `advance` does."""
        while self._heap and self._heap[0].time_s <= end_s:
            due = heapq.heappop(self._heap)
            action, due.timer.action = due.timer.action, None
            if action is not None:
                self._now_s = max(self._now_s, due.time_s)
                action()
        self._now_s = max(self._now_s, end_s)

    def catch_up(self) -> None:
        """Follow real time (times the factor) and run what is due. Every request calls it before it looks at state."""
        real_s = time.monotonic()
        elapsed_s, self._real_s = real_s - self._real_s, real_s
        self.advance_to(self._now_s + elapsed_s * self.factor)

    def reset(self) -> None:
        """Go back to the start with nothing scheduled."""
        self._heap.clear()
        self._now_s = self._start_s
        self._real_s = time.monotonic()
