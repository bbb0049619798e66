"""Which sizes a member may have. From spec and facts to a Choice, the member's part of the integer program."""

from dataclasses import dataclass
from datetime import datetime

from multicloud.decide.standing import Standing
from multicloud.model.size import Activity, NodePool
from multicloud.model.spec import CloudRange, MemberSpec


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
    `present` is the size that moving is counted from.
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


def bounds_of(spec: MemberSpec, facts: NodePool | None) -> Bounds:
    """The bounds that hold for a member: inside the cloud's own range too, unless that is widened with the size."""
    if facts is None:
        return Bounds(low=spec.min_nodes, high=spec.max_nodes)
    if spec.cloud_range is CloudRange.WIDEN:
        return Bounds(low=spec.min_nodes, high=spec.max_nodes, step=facts.step)
    return Bounds(
        low=spec.min_nodes if facts.cloud_min is None else max(spec.min_nodes, facts.cloud_min),
        high=spec.max_nodes if facts.cloud_max is None else min(spec.max_nodes, facts.cloud_max),
        step=facts.step,
    )


def choice_of(standing: Standing, now: datetime) -> Choice | int:
    """The member's choice, or the nodes it counts with where nothing can be chosen.

    A member whose resize is on its way keeps its choice, counted from the size it is going to: else others would grow
    for what it gets anyway. Past the intent's deadline it counts with that size and others help out.
    """
    record, facts, spec = standing.record, standing.facts, standing.view.spec
    if standing.refusal is not None:
        return _nodes_of_refused(standing)
    if facts is None or record.requested is None or record.claim is None:
        return record.requested or 0
    if standing.frozen:
        return record.requested
    intent = record.intent
    stuck = not standing.view.fresh or facts.activity is Activity.BUSY if intent is None else now >= intent.deadline
    if stuck:
        return standing.present
    bounds, present, floor = bounds_of(spec, facts), standing.present, record.adoption_floor or 0
    low, high = max(bounds.low, floor), bounds.high
    if record.backoff_until is not None and record.backoff_until > now:
        low, high = min(low, present), min(high, present)
    inside = Bounds(low=low, high=high, step=bounds.step)
    also = present if low <= present <= high and present % bounds.step else None
    if inside.first > inside.last:
        return present
    return Choice(
        name=standing.name,
        units=spec.units_per_node,
        step=bounds.step,
        first=inside.first,
        last=inside.last,
        also=also,
        present=present,
        weight=spec.weight,
        priority=spec.priority,
    )


def _nodes_of_refused(standing: Standing) -> int:
    """What a refused member counts with: nothing if it is not ours, what works if we see it, else what we knew."""
    record = standing.record
    if standing.absent or record.requested is None:
        return 0
    if standing.facts is None:
        return record.requested
    return min(standing.facts.ready, standing.facts.requested)
