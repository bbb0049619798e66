"""The lanes' own daemon threads: jobs with an end, a queue that drops what nobody waits for, threads that can be lost.

`lane` makes a Job of every blocking call; a door's last hook (`Exit`) asks the job that runs on its thread whether a
mutation may still leave. An SDK call cannot be interrupted, so a thread that hangs is given up and replaced.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Generic, TypeVar

from multicloud.model.error import NotSent
from multicloud.model.port import Fence
from multicloud.model.reason import Code, Reason

T = TypeVar("T")

_HERE = threading.local()
"""`job`: what runs on this thread."""


class Job(Generic[T]):
    """One blocking call, awaited on the loop it was made on. Both sides decide about it, so a lock guards it."""

    def __init__(self, call: Callable[[], T], *, removes: bool = False) -> None:
        """Make it on the loop that will await `future`. `removes`: it takes nodes away, if it mutates at all."""
        self._call = call
        self.removes = removes
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._given_up = False
        self._left = False
        self._running = False
        self.future: asyncio.Future[T] = self._loop.create_future()

    @property
    def left(self) -> bool:
        """True when a mutation of this job may have left the process."""
        return self._left

    @property
    def running(self) -> bool:
        """True while a thread is in the call."""
        return self._running

    def start(self) -> bool:
        """A thread takes it; False when nobody waits any more."""
        with self._lock:
            self._running = not self._given_up
            return self._running

    def run(self) -> None:
        """Call, and hand what came of it to the loop. Never raises."""
        _HERE.job = self
        result: T | None = None
        failure: Exception | None = None
        try:
            result = self._call()
        except Exception as error:  # noqa: BLE001 - an SDK raises anything on garbage; the lane types it
            failure = error
        finally:
            _HERE.job = None
            self._running = False
        with suppress(RuntimeError):  # the loop is closed: the process ends
            self._loop.call_soon_threadsafe(self._settle, result, failure)

    def let_out(self, check: Callable[[], None]) -> None:
        """A mutation is about to leave. Raises NotSent if nobody waits for its answer, or `check` does."""
        with self._lock:
            if self._given_up:
                text = "the call's deadline had passed before anything was sent"
                raise NotSent(Reason(code=Code.DEADLINE_PASSED, text=text))
            check()
            self._left = True

    def give_up(self) -> bool:
        """Nobody waits any more: nothing leaves from now on. True if a mutation may have left before."""
        with self._lock:
            self._given_up = True
            return self._left

    def _settle(self, result: T | None, failure: Exception | None) -> None:
        if self.future.done():
            return
        if failure is None:
            self.future.set_result(result)  # type: ignore[arg-type]  # None only where T admits it
        else:
            self.future.set_exception(failure)


class Exit:
    """The `before_send` of a door: the last question before the bytes of a mutation leave."""

    def __init__(self, fence: Fence, *, budget_s: float) -> None:
        """`budget_s` is how much lease must be left for the bytes' way out."""
        self._fence = fence
        self._budget_s = budget_s

    def __call__(self) -> None:
        """Return if the mutation of the job on this thread may leave. Raises NotSent."""
        job: Job[object] | None = getattr(_HERE, "job", None)
        if job is None:
            text = "a mutation was tried outside of a lane's thread"
            raise NotSent(Reason(code=Code.UNEXPECTED, text=text))
        job.let_out(lambda: self._fence.check(self._budget_s, removes=job.removes))


class LaneThreads:
    """A few daemon threads over one queue, started as they are needed."""

    def __init__(self, name: str, size: int, *, count: Callable[[int], None], waiting: Callable[[int], None]) -> None:
        """At most `size` threads run at once.

        `count` is told of each that starts (1) or ends (-1), `waiting` of each job that is queued (1) or taken (-1).
        """
        self._name = name
        self._size = size
        self._count = count
        self._waiting = waiting
        self._jobs: SimpleQueue[Job[object] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._alive = 0
        self._idle = 0
        self._queued = 0
        self._closed = False
        self._lost: set[Job[object]] = set()

    @property
    def alive(self) -> int:
        """Threads that work or wait for work; lost ones are not counted."""
        return self._alive

    def submit(self, job: Job[T]) -> None:
        """Queue a job. Also after `close`, for who still holds the lane: such a thread ends with its work."""
        with self._lock:
            self._queued += 1
            self._waiting(1)
            self._jobs.put(job)  # type: ignore[arg-type]  # a queue does not look into its jobs
            if self._closed:
                self._start()
                self._jobs.put(None)
            elif self._queued > self._idle and self._alive < self._size:
                self._start()

    def lose(self, job: Job[T]) -> bool:
        """Replace the thread that hangs in a job; False when it came back meanwhile."""
        with self._lock:
            if not job.running:
                return False
            self._lost.add(job)  # type: ignore[arg-type]  # as above
            self._alive -= 1
            self._start()
            return True

    def close(self) -> None:
        """End the threads after the work that is queued: each takes one None, so there are as many of both."""
        with self._lock:
            self._closed = True
            for _ in range(self._alive):
                self._jobs.put(None)

    def _start(self) -> None:
        self._alive += 1
        threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def _work(self) -> None:
        self._count(1)
        try:
            while self._work_once():
                pass
        finally:
            self._count(-1)

    def _work_once(self) -> bool:
        """Do one job; False when this thread is to end."""
        with self._lock:
            self._idle += 1
        job = self._jobs.get()
        with self._lock:
            self._idle -= 1
            if job is None:
                self._alive -= 1
                return False
            self._queued -= 1
            self._waiting(-1)
        if job.start():
            job.run()
        with self._lock:
            if job in self._lost:
                self._lost.discard(job)
                return False
        return True
