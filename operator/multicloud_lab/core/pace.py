"""The clouds' token buckets, refilled in virtual time and always on.

Rates: AWS publishes none for EKS, so 100 reads and 20 writes at once, 10 and 2 a second. Azure: Resource
Manager's per region, subscription and principal (learn.microsoft.com, request limits and throttling), and AKS's own
(aka.ms/aks/throttling). Google: 3,000 requests a minute and project for the Container API; Compute's 1,500 reads
a minute. A seed may set each of them (`pace`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from multicloud_lab.core.clock import VirtualClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A bucket's size in calls, and how many come back each virtual second."""

    burst: int
    per_s: float


RATES: Mapping[tuple[str, str], Rate] = {
    ("aws", "read"): Rate(burst=100, per_s=10),
    ("aws", "write"): Rate(burst=20, per_s=2),
    ("azure", "armRead"): Rate(burst=250, per_s=25),
    ("azure", "armWrite"): Rate(burst=200, per_s=10),
    ("azure", "armDelete"): Rate(burst=200, per_s=10),
    ("azure", "putPool"): Rate(burst=20, per_s=1 / 60),
    ("azure", "putCluster"): Rate(burst=20, per_s=1 / 60),
    ("azure", "getCluster"): Rate(burst=60, per_s=1),
    ("azure", "listClustersOfSubscription"): Rate(burst=500, per_s=1),
    ("azure", "listClustersOfGroup"): Rate(burst=60, per_s=1),
    ("azure", "operationStatus"): Rate(burst=200, per_s=2),
    ("azure", "other"): Rate(burst=60, per_s=1),
    ("gcp", "container"): Rate(burst=3000, per_s=50),
    ("gcp", "compute"): Rate(burst=1500, per_s=25),
}
"""By cloud and kind of call."""


@dataclass(slots=True, kw_only=True)
class Bucket:
    """Tokens left, and when that was counted (virtual epoch seconds)."""

    size: float
    per_s: float
    left: float
    counted: float

    @classmethod
    def full(cls, size: float, per_s: float, now: float) -> "Bucket":
        """Return a full bucket."""
        return cls(size=size, per_s=per_s, left=size, counted=now)

    def take(self, now: float) -> bool:
        """Refill, then take one token; False when there is none."""
        # A clock that was set back (reset) refills nothing and counts on from there.
        gained = max(now - self.counted, 0.0) * self.per_s
        self.left, self.counted = min(self.left + gained, self.size), now
        if self.left < 1:
            return False
        self.left -= 1
        return True

    @property
    def wait_s(self) -> float:
        """The virtual seconds until there is a token again; infinite when none comes back."""
        return (1 - self.left) / self.per_s if self.per_s > 0 else inf


class Pace:
    """All buckets of all clouds, by cloud, kind and key (what a limit is counted for: account and region, say)."""

    def __init__(self, clock: VirtualClock, rates: Mapping[tuple[str, str], Rate]) -> None:
        """Start with full buckets."""
        self._clock = clock
        self._rates: Mapping[tuple[str, str], Rate] = {}
        self._buckets: dict[tuple[str, str, str], Bucket] = {}
        self.set_rates(rates)

    def set_rates(self, rates: Mapping[tuple[str, str], Rate]) -> None:
        """Start again with full buckets of these rates; what `rates` does not name has RATES."""
        self._rates = {**RATES, **rates}
        self.reset()

    def take(self, cloud: str, key: str, kind: str) -> float | None:
        """Count a call: None when it may pass, else the virtual seconds until one may."""
        bucket = self._bucket(cloud, key, kind)
        return None if bucket.take(self._clock.now()) else bucket.wait_s

    def left(self, cloud: str, key: str, kind: str) -> int:
        """Return the calls that may pass now, as rate-limit headers tell it."""
        return int(self._bucket(cloud, key, kind).left)

    def reset(self) -> None:
        """Fill all buckets."""
        self._buckets.clear()

    def _bucket(self, cloud: str, key: str, kind: str) -> Bucket:
        place = (cloud, kind, key)
        if place not in self._buckets:
            rate = self._rates[cloud, kind]
            self._buckets[place] = Bucket.full(rate.burst, rate.per_s, self._clock.now())
        return self._buckets[place]
