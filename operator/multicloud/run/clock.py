"""Real time: the only caller of `time` and `asyncio.sleep` in the operator. Handed to every stage as the port Clock."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Final

SLEW: Final = 0.1
"""How much faster or slower than it passes time may seem, while we follow a step of the machine's clock."""


class SystemClock:
    """Implements the port Clock: the only caller of `time` and `asyncio.sleep` in the operator.

    Back-off, holds and the time in which a lost request may still arrive are kept as wall times, because they outlive
    the process. So a step of the machine's clock must not make them end at once, or never.
    """

    def __init__(self) -> None:
        """Begin with what the machine's clock says."""
        self._wall_s = time.time()
        self._read_s = self.monotonic()

    def now(self) -> datetime:
        """Wall time, UTC. It goes on steadily: a step of the machine's clock is followed by SLEW of the time passed."""
        read_s = self.monotonic()
        passed_s = read_s - self._read_s
        behind_s = time.time() - self._wall_s - passed_s
        most_s = SLEW * passed_s
        self._wall_s += passed_s + max(-most_s, min(most_s, behind_s))
        self._read_s = read_s
        return datetime.fromtimestamp(self._wall_s, UTC)

    def monotonic(self) -> float:
        """Seconds that also pass while the machine is suspended, where the platform can tell."""
        boot_clock: int | None = getattr(time, "CLOCK_BOOTTIME", None)
        return time.monotonic() if boot_clock is None else time.clock_gettime(boot_clock)

    async def sleep_until(self, monotonic_s: float) -> None:
        """Sleep on the event loop, whose own clock stands still while suspended, so look again when it is over."""
        while (left_s := monotonic_s - self.monotonic()) > 0:  # noqa: ASYNC110 - it waits for time itself
            await asyncio.sleep(left_s)
