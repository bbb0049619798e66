"""A pool's members in virtual time: sized by the operator's own decision, with nodes that boot and clouds that are sold out.

A Supply for `running`. What a cloud does is as simple as can be: it takes every size at once, nodes come after the boot
time, more or less, and go at once; now and then it has no machines for a while. The seed decides when.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Final

from multicloud.decide import decide
from multicloud.model.plan import Headroom, MemberView, Plan, Snapshot, Stop
from multicloud.model.record import Intent, MemberRecord, PoolRecord, Removal
from multicloud.model.ref import Kind, NodePoolRef, ObjectKey
from multicloud.model.size import CapacityType, NodePool, Operation, OperationState, ReadySource, Sight
from multicloud.model.spec import Adoption, MemberSpec, Mode, PoolSpec

SOLD_OUT_PERCENT: Final = {CapacityType.ON_DEMAND: 1, CapacityType.SPOT: 8}
"""How often a growth finds no machines, by how they are bought."""
SOLD_OUT_FOR: Final = timedelta(minutes=30)
BOOT_SPREAD: Final = (0.8, 1.4)
"""Boot times, relative to the one given."""

_PLENTY: Final = Headroom(add=1_000_000_000, remove=1_000_000_000)
_MOST_PASSES: Final = 8
"""Passes a step: an ask, its settling, and whatever follows at once."""
_KEY: Final = ObjectKey(kind=Kind.POOL, namespace="simulated", name="pool")
_WORDS: Final = "no machines of this kind are to be had"


@dataclass(slots=True, kw_only=True)
class _Cloud:
    """One member's node pool as its cloud has it."""

    spec: MemberSpec
    requested: int = 0
    ready: int = 0
    coming: list[tuple[datetime, int]] = field(default_factory=list)
    operation: Operation | None = None
    sold_out_until: datetime | None = None

    def arrive(self, now: datetime) -> bool:
        """Nodes that are due become ready; True if any did."""
        due = [count for at, count in self.coming if at <= now]
        self.coming = [one for one in self.coming if one[0] > now]
        self.ready += sum(due)
        return bool(due)

    def view(self, now: datetime) -> MemberView:
        """What a look finds."""
        facts = NodePool(
            ref=self.spec.node_pool,
            claim=_claim(self.spec.node_pool),
            incarnation="1",
            requested=self.requested,
            nodes=self.requested,
            ready=self.ready,
            ready_source=ReadySource.CLOUD,
        )
        return MemberView(
            spec=self.spec,
            node_pool=self.spec.node_pool,
            sight=Sight(proved=facts, read_at=now, looked=True),
            fresh=True,
            operation=self.operation,
            headroom=_PLENTY,
        )

    def take(self, size: int, now: datetime, ready_at: datetime) -> None:
        """Accept a size: the youngest nodes go first."""
        more = size - self.requested
        self.requested = size
        if more > 0:
            self.coming.append((ready_at, more))
        while self.coming and self.ready + sum(count for _, count in self.coming) > size:
            at, count = self.coming.pop()
            over = self.ready + sum(left for _, left in self.coming) + count - size
            if count > over:
                self.coming.append((at, count - over))
        self.ready = min(self.ready, size)
        self.arrive(now)


def _claim(node_pool: NodePoolRef) -> str:
    return str(node_pool)


class Members:
    """All members of one pool. See the module."""

    def __init__(self, spec: PoolSpec, start: int, boot_s: float, seed: int, now: datetime) -> None:
        """`start` units run, placed as the pool would have them."""
        # Its own delay is of deciders that are no policy; consent, pauses and approvals are people's, and nobody is there.
        disruption = replace(spec.disruption, scale_down_delay_s=0)
        self._spec = replace(
            spec, mode=Mode.APPLY, paused=False, adoption=Adoption.APPLY, override=None, disruption=disruption
        )
        self._clouds = {member.name: _Cloud(spec=member) for member in spec.members}
        self._chance = Random(seed)  # noqa: S311 - a load to play, nothing secret
        self._boot_s = 0.0
        self._record = PoolRecord()
        self._plan: Plan | None = None
        self._moved = True
        self._lucky = True
        for _ in range(_MOST_PASSES):
            self.order(start, now)
        self._boot_s, self._lucky = boot_s, False

    @property
    def ready(self) -> int:
        """As Supply says."""
        return sum(cloud.ready * cloud.spec.units_per_node for cloud in self._clouds.values())

    @property
    def units(self) -> int:
        """As Supply says."""
        return sum(cloud.requested * cloud.spec.units_per_node for cloud in self._clouds.values())

    @property
    def hourly_cost(self) -> float | None:
        """As Supply says."""
        cost = None if self._plan is None else self._plan.placing.hourly_cost_now
        return None if cost is None else float(cost)

    def arrive(self, now: datetime) -> None:
        """As Supply says."""
        for cloud in self._clouds.values():
            self._moved |= cloud.arrive(now)

    def order(self, desired: int, now: datetime) -> None:
        """As Supply says: passes until nothing is left to ask for now."""
        if self._rests(desired, now):
            return
        self._spec = replace(self._spec, replicas=desired)
        for _ in range(_MOST_PASSES):
            self._plan = decide(self._snapshot(now))
            self._record = self._plan.record
            self._moved = False
            asked = {member.name: member.ask for member in self._plan.members if member.ask is not None}
            for name, size in asked.items():
                self._send(name, size, now)
            if not asked:
                return

    def _rests(self, desired: int, now: datetime) -> bool:
        """True when a pass would find nothing new: equal inputs are not decided twice."""
        plan = self._plan
        if plan is None or self._moved or self._spec.replicas != desired:
            return False
        return plan.wake_at is None or plan.wake_at > now

    def _snapshot(self, now: datetime) -> Snapshot:
        return Snapshot(
            now=now,
            key=_KEY,
            uid="simulated",
            generation=1,
            spec=self._spec,
            record=self._record,
            members=tuple(cloud.view(now) for cloud in self._clouds.values()),
            stop=Stop.NONE,
            headroom=_PLENTY,
            write_window_s=0.0,
            quiet_s=0.0,
        )

    def _send(self, name: str, size: int, now: datetime) -> None:
        """What `act` would do: write the intent down, ask, remember the operation."""
        cloud = self._clouds[name]
        origin = cloud.requested
        intent = Intent(
            id="simulated",
            target=size,
            origin=origin,
            started_at=now,
            deadline=now + timedelta(seconds=self._spec.failover.provision_timeout_s),
            operation="simulated",
        )
        state = OperationState.FAILED if size > origin and self._is_sold_out(cloud, now) else OperationState.DONE
        words = _WORDS if state is OperationState.FAILED else ""
        cloud.operation = Operation(id="simulated", pool=cloud.spec.node_pool, state=state, words=words)
        if state is OperationState.DONE:
            boot_s = self._boot_s * self._chance.uniform(*BOOT_SPREAD)
            cloud.take(size, now, now + timedelta(seconds=boot_s))
        removal = Removal() if size < origin else None
        self._record = replace(
            self._record,
            members=tuple(
                _sent(record, intent, removal) if record.name == name else record for record in self._record.members
            ),
        )

    def _is_sold_out(self, cloud: _Cloud, now: datetime) -> bool:
        if self._lucky:
            return False
        if cloud.sold_out_until is None or cloud.sold_out_until <= now:
            cloud.sold_out_until = None
            if self._chance.uniform(0, 100) < SOLD_OUT_PERCENT[cloud.spec.capacity_type]:
                cloud.sold_out_until = now + SOLD_OUT_FOR
        return cloud.sold_out_until is not None


def _sent(record: MemberRecord, intent: Intent, removal: Removal | None) -> MemberRecord:
    return replace(record, intent=intent, removal=removal or record.removal)
