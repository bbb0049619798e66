"""How fast a cloud may be asked, and when not at all: token buckets shared by accounts, one breaker per lane's place.

`lane` asks both before a call becomes a job. Time comes from the Clock port only, so that a scenario's day of waits
takes no time. Rates are the vendors' published ones, or below what is seen where they publish none.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from multicloud.model.error import NotSent
from multicloud.model.port import Clock
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import Cloud

LONGEST_WAIT_S: Final = 30.0
"""A call that would wait longer for its turn is sent back instead: a write holds a pass meanwhile."""

THROTTLED_S: Final = 2.0
"""How long a bucket of full rate pauses when a cloud says "too many" without saying for how long; a slower one longer."""

SLOWEST: Final = 1 / 16
"""The least share of its rate that a bucket falls to: half at each throttling, as in TCP's additive increase."""

RECOVERY_S: Final = 300.0
"""How long a bucket takes from nothing back to its full rate, a little with every second without a throttling."""

JITTER: Final = 0.2
"""The share by which a pause is lengthened at most, by chance: those that were throttled together do not come back so."""

LONGEST_PAUSE_S: Final = 300.0
"""The longest pause of a bucket that a cloud's own Retry-After is followed to."""

FAILURES: Final = 5
"""Unavailable answers in a row that open a breaker."""

OPEN_S: Final = 30.0
"""How long an open breaker lets nothing through; then one call tries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Calls at once, and calls a second afterwards."""

    burst: float
    per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """One cloud's rates, and how many clusters one job reads: a job must end within the call's deadline.

    `write_one` is the rate of writes to one node pool, None where the cloud has none of its own. `full_cost` is about
    how many calls a FULL read of one cluster takes.
    """

    read: Rate
    write: Rate
    write_one: Rate | None = None
    full_batch: int
    full_cost: float = 1.0
    sizes_batch: int


PACES: Mapping[Cloud, Pace] = {
    # AWS publishes no rates of EKS; a FULL read is a call per node group, so a cluster is a job of its own. It is charged
    # as a small cluster's: the first look at many must not take hours, and EKS itself slows down who asks for too much.
    Cloud.AWS: Pace(
        read=Rate(burst=50, per_s=8),
        write=Rate(burst=20, per_s=2),
        full_batch=1,
        full_cost=4,
        sizes_batch=50,
    ),
    # Azure: per region, subscription and principal reads 250 + 25/s, writes 200 + 10/s; PUT of an agent pool 20 + 1/min.
    Cloud.AZURE: Pace(
        read=Rate(burst=200, per_s=20),
        write=Rate(burst=100, per_s=5),
        write_one=Rate(burst=10, per_s=1 / 60),
        full_batch=1,
        sizes_batch=5,
    ),
    # Google: 3,000 requests a minute and project, a sixth of it in older documents; sizes come in one list a project.
    Cloud.GCP: Pace(read=Rate(burst=50, per_s=8), write=Rate(burst=20, per_s=2), full_batch=5, sizes_batch=500),
}

CAREFUL: Final = Pace(read=Rate(burst=20, per_s=2), write=Rate(burst=5, per_s=0.5), full_batch=1, sizes_batch=1)
"""For a cloud whose rates nobody has looked up yet."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class BucketKey:
    """What a cloud counts calls by: the resolved account, the place, the family of calls; Azure also the pool."""

    cloud: Cloud
    owner: str
    place: str
    family: str
    pool: str = ""


class Bucket:
    """A token bucket that may run into debt: whoever takes a token it does not have waits until it has it.

    A throttling halves its rate, time brings it back. `life` changes when a pause makes every wait begin anew.
    """

    def __init__(self, rate: Rate, now_s: float) -> None:
        """Start full."""
        self._rate = rate
        self._level = rate.burst
        self._filled_s = now_s
        self._share = 1.0
        self._slowed_s = float("-inf")
        self.life = 0

    @property
    def burst(self) -> float:
        """The most that can be taken at once."""
        return self._rate.burst

    def take(self, now_s: float, cost: float) -> float:
        """Take tokens; returns the seconds to wait for them. Takes nothing if that is above LONGEST_WAIT_S."""
        passed_s = max(0.0, now_s - self._filled_s)
        self._level = min(self._rate.burst, self._level + passed_s * self._per_s)
        self._share = min(1.0, self._share + passed_s / RECOVERY_S)
        self._filled_s = max(self._filled_s, now_s)
        wait_s = self._filled_s - now_s + max(0.0, cost - self._level) / self._per_s
        if wait_s <= LONGEST_WAIT_S:
            self._level -= cost
        return wait_s

    def slow(self, now_s: float) -> None:
        """Halve the rate; several answers to one rush count once."""
        if now_s - self._slowed_s < THROTTLED_S:
            return
        self._slowed_s = now_s
        self._share = max(SLOWEST, self._share / 2)
        self._level = min(self._level, self._rate.burst * self._share)

    def pause(self, now_s: float, seconds: float | None, chance: float) -> None:
        """Let nothing out for a while, and no burst after it; who waits already waits anew.

        `seconds` None: the cloud did not say how long. `chance` (0..1) lengthens it.
        """
        self.slow(now_s)
        wished_s = THROTTLED_S / self._share if seconds is None else min(seconds, LONGEST_PAUSE_S)
        self._filled_s = max(self._filled_s, now_s + wished_s * (1 + JITTER * chance))
        self._level = 1.0
        self.life += 1

    @property
    def _per_s(self) -> float:
        return self._rate.per_s * self._share


class Buckets:
    """All buckets of the process: two CloudAccounts of one cloud account share one."""

    def __init__(self, clock: Clock) -> None:
        """Wait by this clock."""
        self._clock = clock
        self._buckets: dict[BucketKey, Bucket] = {}

    async def take(self, key: BucketKey, rate: Rate, cost: float = 1.0) -> None:
        """Return when it is this call's turn. Raises NotSent when that is too far away."""
        bucket, life = self._bucket(key, rate), -1
        while life != bucket.life:
            now_s, life = self._clock.monotonic(), bucket.life
            wait_s = bucket.take(now_s, min(cost, bucket.burst))
            if wait_s > LONGEST_WAIT_S:
                text = f"more {key.family}s of {key.cloud} are waiting than its rate limit lets out soon"
                raise NotSent(Reason(code=Code.THROTTLED, text=text), retry_after_s=wait_s)
            if wait_s > 0:
                await self._clock.sleep_until(now_s + wait_s)

    def pause(self, key: BucketKey, rate: Rate, seconds: float | None) -> None:
        """The cloud itself asked for patience, for so many seconds where it said so."""
        spread = random.random()  # noqa: S311 - spreads load, guards nothing
        self._bucket(key, rate).pause(self._clock.monotonic(), seconds, spread)

    def slow(self, key: BucketKey, rate: Rate) -> None:
        """The cloud asked a part of this bucket's callers for patience: the others come more slowly."""
        self._bucket(key, rate).slow(self._clock.monotonic())

    def _bucket(self, key: BucketKey, rate: Rate) -> Bucket:
        if key not in self._buckets:
            self._buckets[key] = Bucket(rate, self._clock.monotonic())
        return self._buckets[key]


class Breaker:
    """Stops asking a place that does not answer. Only missing answers count: a refusal is an answer."""

    def __init__(self, name: str) -> None:
        """`name` says what is not asked any more, for people."""
        self._name = name
        self._failures = 0
        self._closed_from_s = float("-inf")

    @property
    def open(self) -> bool:
        """True from the failure that opened it to the first answer."""
        return self._failures >= FAILURES

    def admit(self, now_s: float) -> None:
        """Return if a call may be made; of an open breaker, one at a time after its pause. Raises NotSent."""
        if not self.open:
            return
        if now_s < self._closed_from_s:
            text = f"{self._name} did not answer {FAILURES} times in a row; trying again every {OPEN_S:.0f} s"
            raise NotSent(
                Reason(code=Code.BREAKER_OPEN, text=text), retry_after_s=max(0.001, self._closed_from_s - now_s)
            )
        self._closed_from_s = now_s + OPEN_S

    def answered(self) -> None:
        """A call was answered, well or not."""
        self._failures = 0

    def failed(self, now_s: float) -> None:
        """A call got no answer."""
        self._failures += 1
        if self.open:
            self._closed_from_s = now_s + OPEN_S
