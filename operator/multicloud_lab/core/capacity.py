"""Machines that can be had: by zone and type, and within each account's quota. Unlimited by default.

Groups of nodes ask through a `Supply` of their own; the admin port, hands and seeds set the limits.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from multicloud_lab.core.calls import Call
from multicloud_lab.core.faults import Faults
from multicloud_lab.core.journal import Told, tell_nobody

Refusal = Literal["stockout", "quota"]

_AWS_VCPUS = {"nano": 2, "micro": 2, "small": 2, "medium": 2, "large": 2, "xlarge": 4, "metal": 96}


def vcpus(instance_type: str) -> int:
    """Return a machine type's vCPUs as its name tells them (m5.2xlarge, Standard_D4s_v5, e2-standard-4); else 2."""
    family, dot, size = instance_type.rpartition(".")
    if dot and family:
        many = re.fullmatch(r"(\d+)xlarge", size)
        return 4 * int(many[1]) if many else _AWS_VCPUS.get(size, 2)
    azure = re.match(r"Standard_[A-Za-z]+(\d+)", instance_type)
    google = re.fullmatch(r"[a-z0-9]+(?:-[a-z]+)+-(\d+)", instance_type)
    found = azure or google
    return int(found[1]) if found else 2


@dataclass(slots=True, kw_only=True)
class Stock:
    """Machines that are free for a zone and a type; None is any zone or type."""

    cloud: str
    zone: str | None
    type: str | None
    free: int

    def fits(self, cloud: str, zone: str, instance_type: str) -> bool:
        """Say whether such a machine comes from this stock."""
        return self.cloud == cloud and self.zone in {None, zone} and self.type in {None, instance_type}


class Capacity:
    """The stocks of machines. A machine comes from every stock that fits it, so each can refuse it."""

    def __init__(self) -> None:
        """Start without limits."""
        self.told: Told = tell_nobody
        self._stocks: dict[tuple[str, str | None, str | None], Stock] = {}

    def set_free(self, cloud: str, zone: str | None, instance_type: str | None, free: int | None) -> None:
        """Say how many more machines can be had (given back ones are added); None: without a limit."""
        if free is not None and free < 0:
            message = f"free is {free}, but it must be 0 or above (null: unlimited)"
            raise ValueError(message)
        key = (cloud, zone, instance_type)
        self._stocks.pop(key, None)
        if free is not None:
            self._stocks[key] = Stock(cloud=cloud, zone=zone, type=instance_type, free=free)
        self.told("SetCapacity", {"cloud": cloud, "zone": zone, "type": instance_type, "free": free})

    def stocks(self) -> list[Stock]:
        """Return what is limited."""
        return list(self._stocks.values())

    def take(self, cloud: str, zone: str, instance_type: str) -> bool:
        """Take one machine; False when there is none."""
        fitting = [stock for stock in self._stocks.values() if stock.fits(cloud, zone, instance_type)]
        if any(stock.free < 1 for stock in fitting):
            return False
        for stock in fitting:
            stock.free -= 1
        return True

    def give(self, cloud: str, zone: str, instance_type: str) -> None:
        """Give one machine back."""
        for stock in self._stocks.values():
            if stock.fits(cloud, zone, instance_type):
                stock.free += 1

    def reset(self) -> None:
        """Forget every limit."""
        self._stocks.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What an account may have in a region at a time; None is unlimited."""

    nodes: int | None = None
    vcpus: int | None = None


class Quotas:
    """Limits and use by cloud, account (subscription, project) and region."""

    def __init__(self) -> None:
        """Start without limits and with nothing used."""
        self.told: Told = tell_nobody
        self._limits: dict[tuple[str, str, str], Limit] = {}
        self._nodes: Counter[tuple[str, str, str]] = Counter()
        self._vcpus: Counter[tuple[str, str, str]] = Counter()

    def set_limit(self, cloud: str, account: str, region: str, limit: Limit) -> None:
        """Set an account's limit; what it has already stays."""
        self._limits[cloud, account, region] = limit
        place = {"cloud": cloud, "account": account, "region": region}
        self.told("SetQuota", {**place, "nodes": limit.nodes, "vcpus": limit.vcpus})

    def limits(self) -> Mapping[tuple[str, str, str], Limit]:
        """Return the limits that were set."""
        return self._limits

    def used(self, cloud: str, account: str, region: str) -> Limit:
        """Return what an account has now."""
        key = (cloud, account, region)
        return Limit(nodes=self._nodes[key], vcpus=self._vcpus[key])

    def short_vcpus(self, cloud: str, account: str, region: str, instance_type: str, more: int) -> int:
        """Return how many vCPUs are missing for `more` machines; 0 when they fit (a node limit counts as vCPUs)."""
        key, each = (cloud, account, region), vcpus(instance_type)
        limit = self._limits.get(key, Limit())
        missing = 0
        if limit.vcpus is not None:
            missing = self._vcpus[key] + more * each - limit.vcpus
        if limit.nodes is not None:
            missing = max(missing, (self._nodes[key] + more - limit.nodes) * each)
        return max(missing, 0)

    def take(self, cloud: str, account: str, region: str, instance_type: str) -> bool:
        """Count one machine; False when the account may not have it."""
        if self.short_vcpus(cloud, account, region, instance_type, 1):
            return False
        self.count(cloud, account, region, instance_type, 1)
        return True

    def count(self, cloud: str, account: str, region: str, instance_type: str, machines: int) -> None:
        """Count machines that come (negative: go) whatever the limit says."""
        self._nodes[cloud, account, region] += machines
        self._vcpus[cloud, account, region] += machines * vcpus(instance_type)

    def reset(self) -> None:
        """Forget limits and use."""
        self._limits.clear()
        self._nodes.clear()
        self._vcpus.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """Where one group of nodes gets its machines: stock, quota and faults for its place. Made by `Lab.supply`."""

    cloud: str
    account: str
    region: str
    cluster: str
    pool: str
    instance_type: str
    capacity: Capacity
    quotas: Quotas
    faults: Faults

    def take(self, zone: str) -> Refusal | None:
        """Take one machine in a zone, or say why there is none."""
        if self.faults.is_out(self._call, zone, self.instance_type):
            return "stockout"
        if self.quotas.short_vcpus(self.cloud, self.account, self.region, self.instance_type, 1):
            return "quota"
        if not self.capacity.take(self.cloud, zone, self.instance_type):
            return "stockout"
        self.seeded(1)
        return None

    def seeded(self, machines: int) -> None:
        """Count machines that are there from the start."""
        self.quotas.count(self.cloud, self.account, self.region, self.instance_type, machines)

    def give(self, zone: str) -> None:
        """Give one machine back."""
        self.capacity.give(self.cloud, zone, self.instance_type)
        self.quotas.count(self.cloud, self.account, self.region, self.instance_type, -1)

    def slowness(self) -> float:
        """Return the factor on a node's boot time."""
        return self.faults.slowness(self._call)

    @property
    def _call(self) -> Call:
        return Call(cloud=self.cloud, operation="Launch", principal="cloud", cluster=self.cluster, pool=self.pool)
