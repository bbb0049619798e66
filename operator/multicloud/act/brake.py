"""The fleet-wide brake: how many nodes may come and go per ten minutes, over all pools and per account.

It stands above every decision. `observer` asks for the headroom (so that plans fit), `prepare` books what it sends.
After a restart the window is filled from what statuses remember of the last resizes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from multicloud.model.plan import Headroom
from multicloud.model.port import Clock
from multicloud.model.record import MemberRecord
from multicloud.model.ref import Kind, ObjectKey
from multicloud.model.spec import PoolObject

WINDOW_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Nodes per window: the larger of a share of the observed nodes (percent) and a fixed number."""

    max_removed_percent: float
    max_removed_nodes: int
    max_added_percent: float
    max_added_nodes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """Nodes that an intent adds (positive) or removes (negative)."""

    at_s: float
    account: ObjectKey
    nodes: int


class Brake:
    """A sliding window of bookings."""

    def __init__(self, clock: Clock, limits: Limits, *, observed_nodes: Callable[[ObjectKey | None], int]) -> None:
        """`observed_nodes` counts the fleet, or one account's part of it."""
        self._clock = clock
        self._limits = limits
        self._observed_nodes = observed_nodes
        self._bookings: list[Booking] = []

    def seed(self, pools: Iterable[PoolObject]) -> None:
        """Book what statuses tell of resizes in the last ten minutes: a crash loop must not get past the brake."""
        now = self._clock.now()
        now_s = self._clock.monotonic()
        for pool in pools:
            accounts = {member.name: member.account for member in pool.spec.members} if pool.spec else {}
            for record in pool.record.members:
                for at, nodes in _remembered(record):
                    age_s = max(0.0, (now - at).total_seconds())
                    if age_s < WINDOW_S and record.name in accounts:
                        account = ObjectKey(kind=Kind.ACCOUNT, namespace=pool.key.namespace, name=accounts[record.name])
                        self._bookings.append(Booking(at_s=now_s - age_s, account=account, nodes=nodes))

    def headroom(self, account: ObjectKey | None) -> Headroom:
        """What may still be added and removed now: in the whole fleet (None) or in one account."""
        self._drop_old()
        mine = [booking.nodes for booking in self._bookings if account is None or booking.account == account]
        observed = self._observed_nodes(account)
        limits = self._limits
        add = max(int(observed * limits.max_added_percent / 100), limits.max_added_nodes)
        remove = max(int(observed * limits.max_removed_percent / 100), limits.max_removed_nodes)
        return Headroom(
            add=max(0, add - sum(nodes for nodes in mine if nodes > 0)),
            remove=max(0, remove + sum(nodes for nodes in mine if nodes < 0)),
        )

    def book(self, account: ObjectKey, nodes: int) -> Booking | None:
        """Take the headroom for a resize by so many nodes; None when another pass was quicker."""
        for room in (self.headroom(None), self.headroom(account)):
            if nodes > room.add or -nodes > room.remove:
                return None
        booking = Booking(at_s=self._clock.monotonic(), account=account, nodes=nodes)
        self._bookings.append(booking)
        return booking

    def give_back(self, booking: Booking) -> None:
        """The resize did not happen, for certain."""
        self._bookings.remove(booking)

    def _drop_old(self) -> None:
        horizon_s = self._clock.monotonic() - WINDOW_S
        self._bookings = [booking for booking in self._bookings if booking.at_s > horizon_s]


def _remembered(record: MemberRecord) -> list[tuple[datetime, int]]:
    found = []
    if record.intent is not None:
        found.append((record.intent.started_at, record.intent.target - record.intent.origin))
    if record.last_resize is not None:
        found.append((record.last_resize.at, record.last_resize.target - record.last_resize.origin))
    return found
