"""ARM's token buckets, refilled in virtual time: what the x-ms-ratelimit headers count down.

Sizes: ARM since 2024 has, per region, subscription and principal, 250 reads (25 a second) and 200 writes
(10 a second); the AKS resource provider takes bursts of 20 PUTs an agent pool and one more a minute.
"""

from dataclasses import dataclass
from math import ceil

from multicloud_lab.aks.errors import ArmError
from multicloud_lab.core.clock import VirtualClock


@dataclass(slots=True, kw_only=True)
class Bucket:
    """Tokens left, and when that was counted (virtual epoch seconds)."""

    size: float
    refill_per_s: float
    left: float
    counted: float

    def take(self, now: float) -> bool:
        """Refill, then take one token; False when there is none."""
        # A clock that was set back (reset) refills nothing and counts on from there.
        gained = max(now - self.counted, 0.0) * self.refill_per_s
        self.left, self.counted = min(self.left + gained, self.size), now
        if self.left < 1:
            return False
        self.left -= 1
        return True

    def wait_s(self) -> int:
        """Return the whole seconds until there is a token again."""
        return max(ceil((1 - self.left) / self.refill_per_s), 1)


class Limits:
    """The buckets by subscription and principal, and by agent pool."""

    def __init__(self, clock: VirtualClock) -> None:
        """Start with full buckets."""
        self._clock = clock
        self._buckets: dict[tuple[str, ...], Bucket] = {}

    def clear(self) -> None:
        """Fill all buckets."""
        self._buckets.clear()

    def count(self, subscription: str, principal: str, *, write: bool, refuse: bool) -> dict[str, str]:
        """Count a request and return its x-ms-ratelimit header. Raises ArmError (429) when empty and `refuse`."""
        kind, size, refill_per_s = ("writes", 200, 10.0) if write else ("reads", 250, 25.0)
        bucket = self._bucket((kind, subscription.lower(), principal), size, refill_per_s)
        if not bucket.take(self._clock.now()) and refuse:
            raise ArmError(
                429,
                "TooManyRequests",
                f"The number of {kind} for subscription '{subscription}' is exceeded. "
                f"Please try again after {bucket.wait_s()} seconds.",
                headers={"Retry-After": str(bucket.wait_s())},
            )
        return {f"x-ms-ratelimit-remaining-subscription-{kind}": str(int(bucket.left))}

    def count_pool_put(self, pool_id: str, *, refuse: bool) -> None:
        """Count a PUT on an agent pool. Raises ArmError (429) when its bucket is empty and `refuse`."""
        bucket = self._bucket(("put", pool_id.lower()), 20, 1 / 60)
        if not bucket.take(self._clock.now()) and refuse:
            raise ArmError(
                429,
                "Throttled",
                "The PutAgentPoolHandler.PUT request limit has been exceeded, "
                f"please retry again in {bucket.wait_s()} seconds.",
                headers={"Retry-After": str(bucket.wait_s())},
            )

    def _bucket(self, key: tuple[str, ...], size: float, refill_per_s: float) -> Bucket:
        return self._buckets.setdefault(
            key, Bucket(size=size, refill_per_s=refill_per_s, left=size, counted=self._clock.now())
        )
