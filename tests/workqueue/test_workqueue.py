import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import pairwise

import pytest

from multicloud.model.ref import Kind, ObjectKey
from multicloud.workqueue import LONGEST_BACKOFF_S, WorkQueue
from support.clock import VirtualClock


def key(name: str) -> ObjectKey:
    return ObjectKey(kind=Kind.POOL, namespace="shop", name=name)


A, B, C = key("a"), key("b"), key("c")


class Passes:
    """A handler that records when it was called for what, and can be held, made to fail, or made to wish."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.seen: list[tuple[ObjectKey, float]] = []
        self.running: set[ObjectKey] = set()
        self.gate = asyncio.Event()
        self.gate.set()
        self.wishes: dict[ObjectKey, float | None] = {}
        self.failing: set[ObjectKey] = set()

    async def __call__(self, key: ObjectKey) -> float | None:
        assert key not in self.running, "one key is handled twice at once"
        self.running.add(key)
        self.seen.append((key, self._clock.monotonic()))
        try:
            await self.gate.wait()
        finally:
            self.running.discard(key)
        if key in self.failing:
            raise RuntimeError("a bug in one pass")
        return self.wishes.pop(key, None)

    def times(self, key: ObjectKey) -> list[float]:
        return [at_s for seen, at_s in self.seen if seen == key]

    def order(self) -> list[ObjectKey]:
        return [key for key, _ in self.seen]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def queue(clock: VirtualClock) -> WorkQueue:
    return WorkQueue(clock)


@pytest.fixture
def passes(clock: VirtualClock) -> Passes:
    return Passes(clock)


@asynccontextmanager
async def serving(queue: WorkQueue, passes: Passes, workers: int = 4) -> AsyncIterator[None]:
    task = asyncio.create_task(queue.run(passes, workers=workers))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_key_added_often_gets_one_pass(clock: VirtualClock, queue: WorkQueue, passes: Passes) -> None:
    for _ in range(5):
        queue.add(A)
    assert queue.depth == 1
    async with serving(queue, passes):
        await clock.settle()
        assert passes.order() == [A]
        assert queue.idle


async def test_each_key_gets_its_pass_in_order_of_arrival(
    clock: VirtualClock, queue: WorkQueue, passes: Passes
) -> None:
    for each in (B, A, C):
        queue.add(each)
    async with serving(queue, passes, workers=1):
        await clock.settle()
        assert passes.order() == [B, A, C]


async def test_an_urgent_key_goes_first(clock: VirtualClock, queue: WorkQueue, passes: Passes) -> None:
    queue.add(A)
    queue.add(B)
    queue.add(C, urgent=True)
    async with serving(queue, passes, workers=1):
        await clock.settle()
        assert passes.order() == [C, A, B]


async def test_a_key_that_waits_becomes_urgent(clock: VirtualClock, queue: WorkQueue, passes: Passes) -> None:
    queue.add(A)
    queue.add(B)
    queue.add(B, urgent=True)
    async with serving(queue, passes, workers=1):
        await clock.settle()
        assert passes.order() == [B, A]


def asked(after_s: float = 0) -> Callable[[WorkQueue], None]:
    return lambda queue: queue.add(A, after_s)


def postponed(after_s: float) -> Callable[[WorkQueue], None]:
    return lambda queue: queue.postpone(A, after_s)


def forgotten(queue: WorkQueue) -> None:
    queue.forget(A)


Wishes = Sequence[Callable[[WorkQueue], None]]
WISHES: list[tuple[str, Wishes, list[float]]] = [
    ("one delay", [asked(10)], [10]),
    ("the earlier of two, asked first", [asked(5), asked(10)], [5]),
    ("the earlier of two, asked last", [asked(10), asked(5)], [5]),
    ("now beats a delay", [asked(5), asked()], [0]),
    ("a delay after now is a second wish", [asked(), asked(5)], [0, 5]),
    ("postponed to later", [asked(5), postponed(10)], [10]),
    ("postponed to earlier", [asked(10), postponed(5)], [5]),
    ("postponed, then asked for sooner", [postponed(10), asked(5)], [5]),
    ("forgotten", [asked(5), forgotten], []),
    ("forgotten, then asked for again", [asked(5), forgotten, asked(7)], [7]),
]


@pytest.mark.parametrize(("wishes", "times"), [row[1:] for row in WISHES], ids=[row[0] for row in WISHES])
async def test_when_a_key_gets_its_passes(
    clock: VirtualClock, queue: WorkQueue, passes: Passes, wishes: Wishes, times: list[float]
) -> None:
    async with serving(queue, passes):
        for wish in wishes:
            wish(queue)
        await clock.run_for(60)
        assert passes.times(A) == times


async def test_a_delay_asked_for_while_the_queue_sleeps_longer(
    clock: VirtualClock, queue: WorkQueue, passes: Passes
) -> None:
    async with serving(queue, passes):
        queue.add(A, 50)
        await clock.run_for(10)
        queue.add(B, 5)
        await clock.run_for(60)
        assert passes.seen == [(B, 15), (A, 50)]


async def test_a_key_added_while_it_is_handled_is_handled_again_and_never_twice_at_once(
    clock: VirtualClock, queue: WorkQueue, passes: Passes
) -> None:
    async with serving(queue, passes):
        passes.gate.clear()
        queue.add(A)
        await clock.settle()
        for _ in range(3):
            queue.add(A)
        await clock.settle()
        assert passes.order() == [A]
        assert not queue.idle
        passes.gate.set()
        await clock.settle()
        assert passes.order() == [A, A]
        assert queue.idle


async def test_an_urgent_key_stays_urgent_when_it_comes_while_being_handled(
    clock: VirtualClock, queue: WorkQueue, passes: Passes
) -> None:
    async with serving(queue, passes, workers=1):
        passes.gate.clear()
        queue.add(A)
        await clock.settle()
        queue.add(B)
        queue.add(A, urgent=True)
        passes.gate.set()
        await clock.settle()
        assert passes.order() == [A, A, B]


async def test_one_slow_key_does_not_hold_the_others(clock: VirtualClock, queue: WorkQueue, passes: Passes) -> None:
    release = asyncio.Event()

    async def slow_a(key: ObjectKey) -> float | None:
        if key == A:
            await release.wait()
        return await passes(key)

    task = asyncio.create_task(queue.run(slow_a, workers=2))
    for each in (A, B, C):
        queue.add(each)
    await clock.settle()
    assert passes.order() == [B, C]
    release.set()
    await clock.settle()
    assert passes.order() == [B, C, A]
    task.cancel()


async def test_a_pass_that_wishes_another_gets_it(clock: VirtualClock, queue: WorkQueue, passes: Passes) -> None:
    passes.wishes[A] = 30
    async with serving(queue, passes):
        queue.add(A)
        await clock.run_for(100)
        assert passes.times(A) == [0, 30]


async def test_the_earlier_of_the_passes_wish_and_another_wish_wins(
    clock: VirtualClock, queue: WorkQueue, passes: Passes
) -> None:
    passes.wishes[A] = 30
    async with serving(queue, passes):
        passes.gate.clear()
        queue.add(A)
        await clock.settle()
        queue.add(A, 10)
        passes.gate.set()
        await clock.run_for(25)
        assert passes.times(A) == [0, 10]


async def test_failing_passes_back_off_and_the_back_off_doubles_to_its_limit(
    clock: VirtualClock, queue: WorkQueue, passes: Passes
) -> None:
    passes.failing.add(A)
    async with serving(queue, passes):
        queue.add(A)
        await clock.run_for(2000)
    assert _gaps(passes.times(A)) == [1, 2, 4, 8, 16, 32, 64, 128, 256, *[LONGEST_BACKOFF_S] * 4]


async def test_a_good_pass_ends_the_back_off(clock: VirtualClock, queue: WorkQueue, passes: Passes) -> None:
    passes.failing.add(A)
    async with serving(queue, passes):
        queue.add(A)
        await clock.run_for(10)
        assert passes.times(A) == [0, 1, 3, 7]
        passes.failing.clear()
        await clock.run_for(10)
        assert passes.times(A) == [0, 1, 3, 7, 15]
        passes.failing.add(A)
        queue.add(A)
        await clock.run_for(2)
        assert passes.times(A) == [0, 1, 3, 7, 15, 20, 21]


async def test_a_failing_key_does_not_stop_the_others(clock: VirtualClock, queue: WorkQueue, passes: Passes) -> None:
    passes.failing.add(A)
    async with serving(queue, passes, workers=1):
        for each in (A, B):
            queue.add(each)
        await clock.settle()
        assert passes.order() == [A, B]


async def test_a_forgotten_key_starts_with_the_shortest_back_off(
    clock: VirtualClock, queue: WorkQueue, passes: Passes
) -> None:
    passes.failing.add(A)
    async with serving(queue, passes):
        queue.add(A)
        await clock.run_for(10)
        queue.forget(A)
        await clock.run_for(100)
        assert passes.times(A) == [0, 1, 3, 7]
        queue.add(A)
        await clock.run_for(3)
        assert passes.times(A) == [0, 1, 3, 7, 110, 111, 113]


async def test_postponing_at_every_turn_leaves_no_timers_behind(
    clock: VirtualClock, queue: WorkQueue, passes: Passes
) -> None:
    async with serving(queue, passes):
        for _ in range(1000):
            queue.postpone(A, 1)
        await clock.run_for(5)
        assert passes.times(A) == [1]
        assert clock.next_wake() is None


async def test_it_sleeps_on_the_clock_only_while_a_timer_is_set(
    clock: VirtualClock, queue: WorkQueue, passes: Passes
) -> None:
    async with serving(queue, passes):
        await clock.settle()
        assert clock.next_wake() is None
        queue.add(A, 10)
        await clock.settle()
        assert clock.next_wake() == 10


def _gaps(times: Iterable[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]
