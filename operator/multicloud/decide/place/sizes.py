"""Which sizes a member may have. From spec and facts to a Choice, the member's part of the integer program."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from multicloud.decide.delivery import returns_at
from multicloud.decide.place.prices import scaled_price
from multicloud.decide.standing import Standing
from multicloud.model.size import Activity, CapacityType, NodePool
from multicloud.model.spec import CloudRange, Failover, MemberSpec, MemberState, PoolSpec, Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The effective bounds of a member in nodes: the spec's inside the cloud's own, and the step of sizes."""

    low: int
    high: int
    step: int = 1

    @property
    def first(self) -> int:
        """The smallest multiple of the step inside the bounds; above `last` if there is none."""
        return -(-self.low // self.step) * self.step

    @property
    def last(self) -> int:
        """The largest multiple of the step inside the bounds."""
        return self.high // self.step * self.step


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The sizes among which placing chooses for one member, in nodes.

    Multiples of `step` from `first` to `last`, and `also`: the present size where it is none of them but may stay.
    `present` is the size that moving is counted from. `draining`: it keeps only what no other can carry. `cloud` and
    `region` are what it falls with; `spot`: its cloud may take the machines back. `price` is that of a node in
    ten-thousandths of the currency per hour, None where it is not known.
    """

    name: str
    units: int
    step: int = 1
    first: int
    last: int
    also: int | None = None
    present: int
    weight: int = 1
    priority: int = 0
    draining: bool = False
    cloud: str = ""
    region: str = ""
    spot: bool = False
    price: int | None = None

    @property
    def lowest(self) -> int:
        """The smallest choice, in nodes."""
        return self.first if self.also is None else min(self.first, self.also)

    @property
    def highest(self) -> int:
        """The largest choice, in nodes."""
        return self.last if self.also is None else max(self.last, self.also)

    def allows(self, nodes: int) -> bool:
        """True when the size is one of the choices."""
        return nodes == self.also or (self.first <= nodes <= self.last and nodes % self.step == 0)

    def nearest(self, nodes: int) -> int:
        """The choice nearest to a size, the smaller of two."""
        if nodes == self.also:
            return nodes
        below = max(self.first, min(self.last, nodes // self.step * self.step))
        return below if nodes - below <= below + self.step - nodes else min(self.last, below + self.step)


def bounds_of(spec: MemberSpec, facts: NodePool | None) -> Bounds:
    """The bounds that hold for a member: inside the cloud's own range too, unless that is widened with the size.

    One that is drained has no minimum of its own.
    """
    low = 0 if spec.state is MemberState.DRAIN else spec.min_nodes
    if facts is None:
        return Bounds(low=low, high=spec.max_nodes)
    if spec.cloud_range is CloudRange.WIDEN:
        return Bounds(low=low, high=spec.max_nodes, step=facts.step)
    return Bounds(
        low=low if facts.cloud_min is None else max(low, facts.cloud_min),
        high=spec.max_nodes if facts.cloud_max is None else min(spec.max_nodes, facts.cloud_max),
        step=facts.step,
    )


def choice_of(standing: Standing, spec: PoolSpec, now: datetime, *, pressing: bool) -> Choice | int:
    """The member's choice, or the nodes it counts with where nothing can be chosen.

    A member whose resize is on its way keeps its choice, counted from the size it is going to: else others would grow
    for what it gets anyway. `pressing`: the others alone cannot carry what is desired, so that a member that failed
    lately may be tried before its time to return.
    """
    record, facts, own, failover = standing.record, standing.facts, standing.view.spec, spec.failover
    if facts is None or _is_fixed(standing, failover, now):
        return _nodes_of_fixed(standing)
    present = standing.working if standing.missing else standing.present
    bounds, floor = bounds_of(own, facts), record.adoption_floor or 0
    most = _most(standing, bounds, failover, now, pressing=pressing)
    if _lacks_price(own, spec):
        most = min(most, present)
    low, high = max(bounds.low, floor), min(bounds.high, most)
    if high <= present:
        low = min(low, present)
    inside = Bounds(low=low, high=high, step=bounds.step)
    also = present if low <= present <= high and present % bounds.step else None
    if inside.first > inside.last:
        return present
    return _choice(standing, spec, inside, present=present, also=also)


def fixed_choice(standing: Standing, spec: PoolSpec, nodes: int) -> Choice:
    """A member that counts with so many nodes, whatever is chosen for the others."""
    return _choice(standing, spec, Bounds(low=nodes, high=nodes), present=nodes, also=None)


def _choice(standing: Standing, spec: PoolSpec, bounds: Bounds, *, present: int, also: int | None) -> Choice:
    own = standing.view.spec
    return Choice(
        name=standing.name,
        units=own.units_per_node,
        step=bounds.step,
        first=bounds.first,
        last=bounds.last,
        also=also,
        present=present,
        weight=own.weight,
        priority=own.priority,
        draining=own.state is MemberState.DRAIN,
        cloud=own.cloud,
        region=own.node_pool.cluster.region,
        spot=own.capacity_type is CapacityType.SPOT,
        price=scaled_price(own, spec.currency),
    )


def _lacks_price(own: MemberSpec, spec: PoolSpec) -> bool:
    """True where cost decides and the member's is not known: it keeps what it has at most, and is never taken for free."""
    costs = spec.strategy is Strategy.COST or spec.max_hourly_cost is not None
    return costs and scaled_price(own, spec.currency) is None


def _is_fixed(standing: Standing, failover: Failover, now: datetime) -> bool:
    """True when the member cannot move now and is not waited for."""
    record, facts = standing.record, standing.facts
    if standing.refusal is not None or standing.replaced or standing.frozen or record.claim is None:
        return True
    if record.accepted is not None:
        return True
    if record.intent is not None:
        return now >= record.intent.deadline
    if not standing.view.fresh or facts is None:
        return True
    if facts.activity is not Activity.BUSY:
        return False
    waits_until = (record.foreign_since or now) + timedelta(seconds=failover.lock_timeout_s)
    return now >= waits_until


def _most(standing: Standing, bounds: Bounds, failover: Failover, now: datetime, *, pressing: bool) -> int:
    """The largest size that failures leave to a member: what works, then one node more as a probe, then all."""
    record = standing.record
    if standing.missing:
        return standing.working
    if standing.view.spec.state is MemberState.DRAIN:
        return standing.present
    if record.attempts == 0:
        return bounds.high
    backed_off = record.backoff_until is not None and record.backoff_until > now
    returns = returns_at(record, failover)
    away = returns is None or returns > now
    if backed_off or (away and not pressing):
        return standing.present
    return (standing.present // bounds.step + 1) * bounds.step


def _nodes_of_fixed(standing: Standing) -> int:
    """What it counts with: nothing if it is not ours or is replaced, else what works of it or what is known of it."""
    record, facts = standing.record, standing.facts
    if standing.absent or standing.replaced or record.requested is None:
        return 0
    if standing.missing:
        return standing.working
    if standing.refusal is not None:
        return record.requested if facts is None else min(facts.ready, facts.requested)
    return record.requested if standing.frozen or record.claim is None else standing.present
