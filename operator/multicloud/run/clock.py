"""Real time: the only caller of `time` and `asyncio.sleep` in the operator. Handed to every stage as the port Clock."""

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """Implements the port Clock: the only caller of `time` and `asyncio.sleep` in the operator."""

    def now(self) -> datetime:
        """Wall time, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that also pass while the machine is suspended, where the platform can tell."""
        boot_clock: int | None = getattr(time, "CLOCK_BOOTTIME", None)
        return time.monotonic() if boot_clock is None else time.clock_gettime(boot_clock)

    async def sleep_until(self, monotonic_s: float) -> None:
        """Sleep on the event loop, whose own clock stands still while suspended, so look again when it is over."""
        while (left_s := monotonic_s - self.monotonic()) > 0:  # noqa: ASYNC110 - it waits for time itself
            await asyncio.sleep(left_s)
