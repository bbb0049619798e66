"""Rate limits and breakers, in virtual time."""

import asyncio
from contextlib import suppress
from itertools import pairwise

import pytest

from multicloud.clouds.pace import (
    FAILURES,
    JITTER,
    LONGEST_PAUSE_S,
    OPEN_S,
    PACES,
    RECOVERY_S,
    THROTTLED_S,
    Breaker,
    Bucket,
    BucketKey,
    Buckets,
    Rate,
)
from multicloud.model.error import NotSent
from multicloud.model.reason import Code
from multicloud.model.ref import Cloud
from support.clock import VirtualClock

RATE = Rate(burst=3, per_s=0.5)
FAST = Rate(burst=10, per_s=5)


def key(owner: str = "111122223333", place: str = "us-east-1", family: str = "write") -> BucketKey:
    return BucketKey(cloud=Cloud.AWS, owner=owner, place=place, family=family)


async def test_a_burst_passes_then_one_at_a_time() -> None:
    clock = VirtualClock()
    buckets = Buckets(clock)
    passed: list[float] = []

    async def call() -> None:
        await buckets.take(key(), RATE)
        passed.append(clock.monotonic())

    calls = [asyncio.create_task(call()) for _ in range(6)]
    await clock.run_for(10)
    await asyncio.gather(*calls)
    assert passed == [0, 0, 0, 2, 4, 6]


async def test_idle_time_fills_the_bucket_to_its_burst_only() -> None:
    clock = VirtualClock()
    buckets = Buckets(clock)
    for _ in range(3):
        await buckets.take(key(), RATE)
    clock.advance(3600)
    for _ in range(3):
        await asyncio.wait_for(buckets.take(key(), RATE), 1)
    fourth = asyncio.create_task(buckets.take(key(), RATE))
    await clock.until_asleep()
    assert not fourth.done()
    clock.advance(2)
    await fourth


@pytest.mark.parametrize(
    "other",
    [key(owner="444455556666"), key(place="eu-west-1"), key(family="read")],
    ids=["account", "region", "family"],
)
async def test_what_the_cloud_counts_apart_waits_apart(other: BucketKey) -> None:
    buckets = Buckets(VirtualClock())
    for _ in range(3):
        await buckets.take(key(), RATE)
    await asyncio.wait_for(buckets.take(other, RATE), 1)


async def test_a_turn_that_is_too_far_away_is_sent_back_and_costs_nothing() -> None:
    clock = VirtualClock()
    buckets = Buckets(clock)
    slow = Rate(burst=1, per_s=1 / 60)
    await buckets.take(key(), slow)
    for _ in range(5):
        with pytest.raises(NotSent) as caught:
            await buckets.take(key(), slow)
        assert caught.value.reason.code is Code.THROTTLED
        assert caught.value.retry_after_s == 60
    clock.advance(60)
    await asyncio.wait_for(buckets.take(key(), slow), 1)


async def passing(buckets: Buckets, clock: VirtualClock, calls: int, seconds: float) -> list[float]:
    """When each of so many callers that came at once passed, within the given time."""
    passed: list[float] = []

    async def call() -> None:
        await buckets.take(key(), RATE)
        passed.append(clock.monotonic())

    waiting = [asyncio.create_task(call()) for _ in range(calls)]
    await clock.run_for(seconds)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return passed


async def test_a_pause_is_kept_and_ends_without_a_burst_at_half_the_rate() -> None:
    clock = VirtualClock()
    buckets = Buckets(clock)
    buckets.pause(key(), RATE, 10)
    passed = await passing(buckets, clock, 3, 60)
    assert 10 <= passed[0] <= 10 * (1 + JITTER)
    waits = [later - earlier for earlier, later in pairwise(passed)]
    assert waits == pytest.approx([4, 4])


async def test_who_waits_already_waits_anew_when_the_cloud_asks_for_patience() -> None:
    clock = VirtualClock()
    buckets = Buckets(clock)
    clock_turn = asyncio.create_task(passing(buckets, clock, 6, 60))
    await clock.until_asleep(3)
    buckets.pause(key(), RATE, 10)
    passed = await clock_turn
    assert passed[:3] == [0, 0, 0]
    assert len(passed) == 6
    assert passed[3] >= 10


async def test_pauses_of_one_length_do_not_end_together() -> None:
    clock = VirtualClock()
    buckets = Buckets(clock)
    ends: set[float] = set()

    async def call(one: BucketKey) -> None:
        await buckets.take(one, RATE)
        ends.add(clock.monotonic())

    keys = [key(place=f"region-{number}") for number in range(10)]
    for one in keys:
        buckets.pause(one, RATE, 10)
    calls = [asyncio.create_task(call(one)) for one in keys]
    await clock.run_for(10 * (1 + JITTER))
    await asyncio.gather(*calls)
    assert len(ends) == len(keys)
    assert 10 <= min(ends) <= max(ends) <= 10 * (1 + JITTER)


@pytest.mark.parametrize("told_s", [None, 5.0], ids=["without-retry-after", "with-retry-after"])
async def test_under_a_storm_calls_come_ever_more_slowly_and_recover_after_it(told_s: float | None) -> None:
    clock = VirtualClock()
    buckets, storm, sent = Buckets(clock), [True], [0, 0]

    async def client() -> None:
        while True:
            with suppress(NotSent):
                await buckets.take(key(), FAST)
                sent[0] += 1
                if storm[0]:
                    buckets.pause(key(), FAST, told_s)
                continue
            await clock.sleep_until(clock.monotonic() + 1)

    clients = [asyncio.create_task(client()) for _ in range(20)]
    await clock.run_for(300)
    assert sent[0] < 300 / (told_s or THROTTLED_S)
    assert sent[0] < FAST.per_s * 300 / 10
    storm[0] = False
    await clock.run_for(RECOVERY_S)
    sent[0] = 0
    await clock.run_for(60)
    assert sent[0] == pytest.approx(FAST.per_s * 60, rel=0.1)
    for each in clients:
        each.cancel()
    await asyncio.gather(*clients, return_exceptions=True)


def test_several_answers_to_one_rush_halve_the_rate_once() -> None:
    bucket = Bucket(FAST, 0)
    for _ in range(8):
        bucket.slow(0)
    assert bucket.take(0, FAST.burst) == pytest.approx((FAST.burst / 2) / (FAST.per_s / 2))


async def test_a_cloud_cannot_silence_us_for_ever() -> None:
    clock = VirtualClock()
    buckets = Buckets(clock)
    buckets.pause(key(), RATE, 86400)
    clock.advance(LONGEST_PAUSE_S * (1 + JITTER))
    await asyncio.wait_for(buckets.take(key(), RATE), 1)


async def test_a_cost_above_the_burst_waits_for_a_full_bucket_only() -> None:
    await asyncio.wait_for(Buckets(VirtualClock()).take(key(), RATE, 1000), 1)


def test_a_breaker_opens_after_failures_in_a_row_only() -> None:
    breaker = Breaker("aws")
    for _ in range(FAILURES - 1):
        breaker.failed(0)
    breaker.answered()
    breaker.failed(0)
    breaker.admit(0)
    assert not breaker.open


def test_an_open_breaker_lets_one_call_try_after_its_pause() -> None:
    breaker = Breaker("aws")
    for _ in range(FAILURES):
        breaker.failed(0)
    with pytest.raises(NotSent) as caught:
        breaker.admit(OPEN_S - 1)
    assert (caught.value.reason.code, caught.value.retry_after_s) == (Code.BREAKER_OPEN, 1)
    breaker.admit(OPEN_S)
    with pytest.raises(NotSent):
        breaker.admit(OPEN_S)
    breaker.answered()
    breaker.admit(OPEN_S)


def test_every_cloud_has_a_pace() -> None:
    assert set(PACES) == set(Cloud)
