"""The lab on a loop in a thread of its own, with a synchronous API: for tests that use blocking SDKs."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self, TypeVar

from multicloud_lab.core.clock import VirtualClock
from multicloud_lab.core.faults import Fault
from multicloud_lab.core.gate import Action, Hold, When
from multicloud_lab.core.hands import Hands
from multicloud_lab.core.invariants import check
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.seed import Seed
from multicloud_lab.serve import LabServer

T = TypeVar("T")

CALL_TIMEOUT_S = 30.0
"""How long a call into the lab's loop may take, in real seconds."""


async def end_tasks() -> None:
    """Cancel whatever else is under way on this loop, such as a call that hangs, and wait until it has ended."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


class LabThread:
    """A running lab. `factor` ties its clock to real time; 0 means that only `advance` moves it.

    Every method runs its work on the lab's loop and returns when it is done. `lab` itself must not
    be touched from outside: use `run`.
    """

    def __init__(self, seed: Seed | None = None, factor: float = 0.0) -> None:
        """Build the lab; it listens from `__enter__` on."""
        self.lab = Lab(seed, VirtualClock(factor=factor))
        self.document: dict[str, Any] = {}
        self._server = LabServer(self.lab)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="multicloud-lab", daemon=True)

    def __enter__(self) -> Self:
        """Start listening."""
        self._thread.start()
        try:
            self._await(self._server.start())
        except BaseException:
            self._stop()
            raise
        self.document = self._server.document()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop held calls, stop listening, end the thread."""
        self._stop()

    def _stop(self) -> None:
        try:
            self._await(self._server.stop())
            self._await(end_tasks())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(CALL_TIMEOUT_S)
            self._loop.close()

    def run(self, action: Callable[[Lab], T]) -> T:
        """Return `action(lab)`, run on the lab's loop."""

        async def act() -> T:
            self.lab.clock.catch_up()
            return action(self.lab)

        return self._await(act())

    def advance(self, seconds: float) -> None:
        """Move the virtual clock."""
        self.run(lambda lab: lab.clock.advance(seconds))

    def journal(self, since: int = 0) -> list[dict[str, object]]:
        """Return the journal's entries after number `since` as JSON objects."""
        return self.run(lambda lab: [entry.as_json() for entry in lab.journal.entries(since)])

    def hold(
        self,
        operation: str,
        cluster: str | None = None,
        pool: str | None = None,
        when: When = "before",
        nth: int = 1,
    ) -> str:
        """Hold the nth call of `operation` (from now on) before or after its commit; returns the hold's id."""
        hold = Hold(operation=operation, cluster=cluster, pool=pool, when=when, nth=nth)
        return self.run(lambda lab: lab.gate.hold(hold))

    def wait_reached(self, hold_id: str, timeout_s: float = 10.0) -> None:
        """Wait until a call has arrived at the hold. Raises TimeoutError when none does."""
        reached = self.when_reached(hold_id)
        try:
            reached.result(timeout_s)
        finally:
            reached.cancel()

    def when_reached(self, hold_id: str) -> Future[None]:
        """Return what is done once a call has arrived at the hold; whoever waits on a loop of his own wraps it."""
        return asyncio.run_coroutine_threadsafe(self.lab.gate.reached(hold_id), self._loop)

    def release(self, hold_id: str, action: Action = "continue") -> None:
        """Let the held call go on, or drop its connection."""
        self.run(lambda lab: lab.gate.release(hold_id, action))

    def reseed(self, seed: Seed) -> None:
        """Start again from another seed with the same principals; held and hanging calls are dropped. Raises SeedError."""
        self._await(self.lab.gate.drop_all())  # before the journal is emptied: dropped calls still write to it
        self.run(lambda lab: lab.reseed(seed))
        self.document = self.run(lambda _: self._server.document())

    def place(self, fault: Fault) -> str:
        """Put a fault in force; returns its id."""
        return self.run(lambda lab: lab.faults.place(fault))

    def lift(self, fault_id: str) -> None:
        """Take a fault out of force."""
        self.run(lambda lab: lab.faults.lift(fault_id))

    def hands(self, act: Callable[[Hands], T]) -> T:
        """Return `act(hands)`, run on the lab's loop."""
        return self.run(lambda lab: act(Hands(lab)))

    def violations(self) -> list[str]:
        """Return a sentence for every broken invariant."""
        return self.run(check)

    def _await(self, work: Coroutine[Any, Any, T], timeout_s: float = CALL_TIMEOUT_S) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)
