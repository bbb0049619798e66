"""Rate limits and breakers, in virtual time."""

import asyncio

import pytest

from multicloud.clouds.pace import FAILURES, LONGEST_PAUSE_S, OPEN_S, PACES, Breaker, BucketKey, Buckets, Rate
from multicloud.model.error import NotSent
from multicloud.model.reason import Code
from multicloud.model.ref import Cloud
from support.clock import VirtualClock

RATE = Rate(burst=3, per_s=0.5)


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


async def test_a_pause_is_kept_and_ends_without_a_burst() -> None:
    clock = VirtualClock()
    buckets = Buckets(clock)
    buckets.pause(key(), RATE, 20)
    passed: list[float] = []

    async def call() -> None:
        await buckets.take(key(), RATE)
        passed.append(clock.monotonic())

    calls = [asyncio.create_task(call()) for _ in range(3)]
    await clock.run_for(60)
    await asyncio.gather(*calls)
    assert passed == [20, 22, 24]


async def test_a_cloud_cannot_silence_us_for_ever() -> None:
    clock = VirtualClock()
    buckets = Buckets(clock)
    buckets.pause(key(), RATE, 86400)
    clock.advance(LONGEST_PAUSE_S)
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
