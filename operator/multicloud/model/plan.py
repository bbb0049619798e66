"""The two ends of a decision: the Snapshot it is made on and the Plan it makes.

`observe` builds the Snapshot, `decide` turns it into a Plan without I/O or clock, `act` sends what the Plan asks for
now, `report` shows all of it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from multicloud.model.approval import Change
from multicloud.model.member import ClusterLogin, Inside
from multicloud.model.pods import Floor
from multicloud.model.reason import Reason
from multicloud.model.record import Intent, MemberRecord, PoolRecord
from multicloud.model.ref import Cloud, NodePoolRef, ObjectKey
from multicloud.model.size import Operation, Sight
from multicloud.model.spec import MemberSpec, PoolSpec


class Stop(StrEnum):
    """The stop switch: NONE lets everything through, SHRINK_ONLY forbids removals, ALL forbids every write."""

    NONE = "None"
    SHRINK_ONLY = "ShrinkOnly"
    ALL = "All"


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """Nodes that the fleet-wide brake still lets through now."""

    add: int
    remove: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberView:
    """One member as this pass sees it.

    `node_pool` has the account's owner filled in. `refusal` says why the member may not be acted on at all (unknown
    account, wrong cloud, …); it is None for a healthy one. `fresh` is True only when the sight is younger than three
    intervals *and* its read began after our last write to it was answered. `operation` is the newest poll of the
    intent's operation. `claimed_by_other` names why the claim failed. `inside` is what its cluster itself shows; where it
    shows anything, the sight's `ready` is the cluster's. `login` leads into it, None where nobody looks. `paused` is that its account forbids writes. `headroom` is the
    brake of its account.
    """

    spec: MemberSpec
    node_pool: NodePoolRef
    sight: Sight
    fresh: bool
    refusal: Reason | None = None
    operation: Operation | None = None
    claimed_by_other: Reason | None = None
    inside: Inside = field(default_factory=Inside)
    login: ClusterLogin | None = None
    paused: bool = False
    headroom: Headroom


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyWish:
    """The scaling policy that decides the pool's number: its name, and the units it wishes for (None: not decided yet).

    `floors` are what members need for the pods of their clusters, whatever the number; `most` bounds both together (None:
    the pool's bound alone).
    """

    name: str
    units: int | None
    floors: tuple[Floor, ...] = ()
    most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything a decision may depend on. Equal snapshots give equal plans.

    `write_window_s` is how long after an intent was made, or its answer given up, the cloud may still act on it
    unseen: an unanswered intent is not judged "not executed" before. `quiet_s` is how long after somebody else's
    operation the size that it left is not judged. `policy` is None where no scaling policy is the pool's.
    """

    now: datetime
    key: ObjectKey
    uid: str
    generation: int
    spec: PoolSpec
    record: PoolRecord
    members: tuple[MemberView, ...]
    stop: Stop
    headroom: Headroom
    write_window_s: float
    quiet_s: float
    policy: PolicyWish | None = None

    @property
    def looked(self) -> bool:
        """True once every member that may be looked at was: what is not seen yet must not count as gone."""
        return all(view.sight.looked for view in self.members if view.refusal is None)

    @property
    def ready_units(self) -> int:
        """Ready units as last proved; those of a node pool that is another's do not count."""
        return sum(
            view.sight.proved.ready * view.spec.units_per_node
            for view in self.members
            if view.sight.proved is not None and view.claimed_by_other is None
        )

    @property
    def below_minimum(self) -> bool:
        """True when fewer units are ready than minReplicas."""
        return self.ready_units < self.spec.min_replicas


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberPlan:
    """What was decided for one member.

    `record` is the member's memory after this pass (settled intents, adoption floor, agreed size). `target` is the
    final size in nodes including what is held on top, None while unknown. `ask` is the size to ask the cloud for
    *now*, None for nothing; it may be a step on the way to `target`. `reason` is why the size is, moves or waits.
    `refusal` is why the member cannot be managed, `drift` why a size that others set stands beside the plan. `min_nodes`
    and `max_nodes` are the effective bounds.
    """

    name: str
    record: MemberRecord
    target: int | None
    ask: int | None
    reason: Reason
    refusal: Reason | None
    trouble: Reason | None
    min_nodes: int
    max_nodes: int
    drift: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxed:
    """What gave way, because what stands above it, or what nodes there are, left no other choice.

    `name` is the field of the spec, for example `minReplicas` or `allocation.survive[Cloud]`; `by` is by how many units.
    `would_help` is one sentence for people.
    """

    name: str
    by: int
    would_help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """What the wished sizes keep and cost.

    Costs are per hour in the pool's currency: `hourly_cost_now` of the nodes that the clouds try to reach now,
    `hourly_cost` of the targets; None where a price or a size is not known. `gap` is how far the sizes may be from the
    best ones, as a share (0..1) of the first level that was not proved; 0 when all were.
    `at_ceiling`: units are missing that only a higher maxHourlyCost would allow.
    What binds, and at what price, stands in a published plan; elsewhere `decide.bindings(snapshot)` tells it when asked.
    """

    relaxed: tuple[Relaxed, ...] = ()
    hourly_cost_now: Decimal | None = None
    hourly_cost: Decimal | None = None
    gap: Decimal = Decimal(0)
    at_ceiling: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A decision.

    `record` is the pool's memory after this pass, member records included and conditions as before. `ready` is the
    ready units of proved members (None before the first look at any). `limited_by` is the first clamp or gate that
    bound. `shortage` is desired minus what targets deliver, in units. `blocked` is why nothing may be sent at all
    (stop, pause, mode). `unsafe` is why too little is ready to remove anything. `braked` names the members of which a
    change waits, wholly or in part, for the fleet-wide brake. `placing` is what the targets keep and cost. `changes` are the
    ways from the sizes asked for so far to the targets, removals first; `steps` how they would be gone, one after the
    other, were nothing to come between. `awaits` is why changes wait for an approval, None when none does. `wake_at` is
    when time alone may change the decision (a hold expires), None for never.
    """

    record: PoolRecord
    members: tuple[MemberPlan, ...]
    ready: int | None
    shortage: int
    limited_by: Reason | None
    blocked: Reason | None
    unsafe: Reason | None
    braked: frozenset[str] = frozenset()
    placing: Placing = Placing()
    changes: tuple[Change, ...] = ()
    steps: tuple[tuple[Change, ...], ...] = ()
    awaits: Reason | None = None
    wake_at: datetime | None
    settled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one resize that was sent (or tried) came back: the cloud's operation, or why there is none.

    `unknown` means that the answer was lost: the intent stays until a look tells what became of it. `not_cordoned` is why
    not all of the nodes that were expected to go were closed to new pods before, None if they were or need not be.
    """

    member: str
    provider: Cloud
    intent: Intent
    operation: Operation | None = None
    error: Reason | None = None
    unknown: bool = False
    not_cordoned: Reason | None = None
