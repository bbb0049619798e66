"""Who may change clouds: one holder of the Lease, and a fence that every mutation passes on its way out.

`run` awaits `lead()`, then starts the rest; when `keep()` returns the process ends. The fence reads only our own
renewals on a clock that also runs while the machine sleeps, so a process frozen past its lease can send nothing.

Another holder's death is judged by our own clock only: its renewal must have stood still for its whole duration
while we watched (wall clocks of two machines prove nothing).
"""

from dataclasses import dataclass
from datetime import datetime

import structlog

from multicloud.kube.client import KubeError
from multicloud.kube.lease import KubeLease, LeaseView
from multicloud.model.error import NotSent
from multicloud.model.plan import Stop
from multicloud.model.port import Clock
from multicloud.model.reason import Code, Reason

log: structlog.stdlib.BoundLogger = structlog.get_logger("elector")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Seconds of the election; see Settings.lease."""

    duration_s: float
    renew_deadline_s: float
    retry_s: float
    takeover_margin_s: float


class LeaseFence:
    """Implements the port Fence. Written on the main loop, read on lane threads: each attribute is one value."""

    def __init__(self, clock: Clock) -> None:
        """Closed until a lease is held."""
        self._clock = clock
        self._valid_until_s = float("-inf")
        self._writes_from_s = float("inf")
        self._stop = Stop.ALL

    @property
    def stop(self) -> Stop:
        """The stop switch as last read; ALL until it was read once."""
        return self._stop

    def set_stop(self, stop: Stop) -> None:
        """Take what the stop switch says now."""
        self._stop = stop

    def extend(self, valid_until_s: float, writes_from_s: float) -> None:
        """A renewal was answered."""
        self._valid_until_s = valid_until_s
        self._writes_from_s = writes_from_s

    def close(self) -> None:
        """Leadership is gone or being given away: nothing passes any more."""
        self._valid_until_s = float("-inf")

    def check(self, budget_s: float, *, removes: bool) -> None:
        """Return if a mutation that takes `budget_s` to leave may start now. Raises NotSent."""
        now_s = self._clock.monotonic()
        if now_s + budget_s > self._valid_until_s:
            raise NotSent(Reason(code=Code.NOT_LEADER, text="the lease is not held for long enough to send this"))
        if now_s < self._writes_from_s:
            raise NotSent(Reason(code=Code.NOT_LEADER, text="waiting until the previous leader can no longer send"))
        if self._stop is Stop.ALL:
            raise NotSent(Reason(code=Code.STOPPED, text="the stop switch forbids every cloud write"))
        if removes and self._stop is Stop.SHRINK_ONLY:
            raise NotSent(Reason(code=Code.STOPPED_SHRINK, text="the stop switch forbids removals"))


class Elector:
    """Takes, keeps and gives back the Lease."""

    def __init__(self, lease: KubeLease, fence: LeaseFence, clock: Clock, *, identity: str, terms: Terms) -> None:
        """`identity` must be unlike every other replica's, also an earlier life of the same pod."""
        self._lease = lease
        self._fence = fence
        self._clock = clock
        self._identity = identity
        self._terms = terms
        self._held: LeaseView | None = None
        self._acquired: datetime | None = None
        self._writes_from_s = float("-inf")
        self._renewed_s = float("-inf")

    @property
    def leading(self) -> bool:
        """True between `lead()` and the end of `keep()`."""
        return self._held is not None

    async def lead(self) -> None:
        """Return once the Lease is ours."""
        watched: LeaseView | None = None
        since_s = self._clock.monotonic()
        while True:
            tried_s = self._clock.monotonic()
            try:
                seen = await self._lease.read()
                # From after the answer: the renewal that it shows may have been sent while we asked.
                if seen is not None and (watched is None or seen.resource_version != watched.resource_version):
                    watched, since_s = seen, self._clock.monotonic()
                if seen is None or not seen.holder or tried_s - since_s >= self._silence_s(seen):
                    await self._take(seen, writes_from_s=self._writes_from(seen, watched, tried_s))
                    return
            except KubeError as error:
                log.info("lease not taken", why=str(error))
            await self._clock.sleep_until(tried_s + self._terms.retry_s)

    async def keep(self) -> None:
        """Renew until the leadership is lost; then the fence is closed and this returns."""
        while self._held is not None:
            await self._clock.sleep_until(self._clock.monotonic() + self._terms.retry_s)
            tried_s = self._clock.monotonic()
            if tried_s - self._renewed_s > self._terms.duration_s:
                break  # we slept (or were frozen) past our own lease: another may lead by now
            try:
                self._held = await self._write(self._held, self._held.transitions, tried_s)
            except KubeError as error:
                log.warning("lease not renewed", why=str(error))
                if (error.conflict or error.gone) and await self._lost_to_another():
                    break
                if self._clock.monotonic() - self._renewed_s > self._terms.renew_deadline_s:
                    break
        self._fence.close()
        self._held = None
        log.error("leadership lost")

    async def release(self) -> None:
        """Give the Lease back so that the next leader need not wait. Never raises: the process is ending."""
        self._fence.close()
        held, self._held = self._held, None
        if held is None or self._acquired is None:
            return
        try:
            await self._lease.write(
                holder="",
                duration_s=1,
                now=self._clock.now(),
                acquired=self._acquired,
                transitions=held.transitions,
                seen=held,
            )
        except KubeError as error:
            log.warning("lease not released", why=str(error))

    def _silence_s(self, seen: LeaseView) -> float:
        return max(float(seen.duration_s), self._terms.duration_s)

    def _writes_from(self, seen: LeaseView | None, watched: LeaseView | None, tried_s: float) -> float:
        """When the holder before us can certainly send nothing any more, on our clock."""
        if seen is None and watched is not None and watched.holder:  # deleted under its holder
            return tried_s + self._silence_s(watched) + self._terms.takeover_margin_s
        if seen is None or not seen.holder:
            return tried_s
        return tried_s + self._terms.takeover_margin_s

    async def _take(self, seen: LeaseView | None, *, writes_from_s: float) -> None:
        self._acquired = self._clock.now()
        self._writes_from_s = writes_from_s
        transitions = 0 if seen is None else seen.transitions + 1
        self._held = await self._write(seen, transitions, self._clock.monotonic())
        log.info("leading", identity=self._identity, transitions=transitions)

    async def _write(self, seen: LeaseView | None, transitions: int, sent_s: float) -> LeaseView:
        written = await self._lease.write(
            holder=self._identity,
            duration_s=self._terms.duration_s,
            now=self._clock.now(),
            acquired=self._acquired or self._clock.now(),
            transitions=transitions,
            seen=seen,
        )
        # Validity counts from before the request was sent: the server may have taken it at any moment since.
        self._renewed_s = sent_s
        self._fence.extend(sent_s + self._terms.duration_s, self._writes_from_s)
        return written

    async def _lost_to_another(self) -> bool:
        """Tell after a 404 or 409 whether the Lease is another's or gone, or only its version moved (a lost answer)."""
        try:
            seen = await self._lease.read()
        except KubeError:
            return False
        if seen is None or seen.holder != self._identity:
            return True
        self._held = seen
        return False
