"""What we remember of an object between passes. Its durable copy is the object's status; `kinds` renders and parses it.

Everything here must survive a restart, because forgetting it would resize a pool wrongly, twice or silently.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from multicloud.model.approval import Approval, EndedPlan, PublishedPlan
from multicloud.model.override import SeenOverride
from multicloud.model.policy import PolicyHistory
from multicloud.model.reason import Reason
from multicloud.model.size import NodePool


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A Kubernetes condition. `status` is True, False or None for Unknown."""

    type: str
    status: bool | None
    reason: str
    message: str
    observed_generation: int
    since: datetime


GONE: Final = "gone"
"""The incarnation of a node pool that is not there any more: whatever stands in its place later is another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Proof that a member owns a node pool: the cloud's own identity of it, and since when."""

    key: str
    incarnation: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One wish to resize, written to status *before* the call goes out, so that a restart finds it.

    `id` is random and never reused; the cloud's idempotency token derives from it alone. `target` and `origin` are
    nodes. `started_at` is when it was made, when its answer was given up, or when another process took it over. `deadline` is when waiting for its end
    becomes worth a warning. `operation` is the cloud's id of the accepted operation, None until an answer was read.
    """

    id: str
    target: int
    origin: int
    started_at: datetime
    deadline: datetime
    operation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastResize:
    """The newest settled intent of a member: what was asked and how it ended. Seeds the fleet brake after a restart."""

    id: str
    origin: int
    target: int
    at: datetime
    outcome: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """Nodes of a member that went in the last step, or are going, as long as the next step waits for it.

    `unscheduled` is the number of pods that waited for a node in the member's cluster before it, None where they cannot
    be seen. `ended_at` is when the nodes were seen to be gone, None before.
    """

    unscheduled: int | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFloor:
    """Nodes that a member is to have for the pods of its cluster; `left_at` is since when fewer would do, None: they would not."""

    nodes: int
    left_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A person's word that a member's size, which others set, is right while so many units are wished (None: as now)."""

    units: int | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRecord:
    """What we remember of one member.

    `agreed` is the size in nodes that we last asked for or took over from others: another one requested is their
    doing, and stands beside the plan since `held_since`. `moved_at` is when others moved the size last, `corrections`
    when surpluses were corrected lately, `accepted` that a person agreed to the size. `scaler_since` is since when others
    size it again and again, until a person says who. `adoption_floor` is the size it was found at, following every decrease by others.
    `requested`, `nodes`, `ready` are the last proved sizes (None: never proved). `attempts` counts failures in a row,
    `backoff_until` is when it may grow again. `missing_from` is when nodes that are not ready count as missing (None:
    all are ready). `unseen_since` is since when no look succeeds, `foreign_since` and `foreign_until` when an
    operation that is not ours was seen first and last. `given_up` is the newest intent that seems to have had no
    effect though a cloud may have its request: should its size show after all, then it was us. `removal` is what
    the next removal waits for. `pods_floor` is what a scaling policy asks for the pods of its cluster, None for nothing.
    """

    name: str
    claim: Claim | None = None
    agreed: int | None = None
    held_since: datetime | None = None
    moved_at: datetime | None = None
    corrections: tuple[datetime, ...] = ()
    accepted: Accepted | None = None
    scaler_since: datetime | None = None
    adoption_floor: int | None = None
    requested: int | None = None
    nodes: int | None = None
    ready: int | None = None
    attempts: int = 0
    backoff_until: datetime | None = None
    missing_from: datetime | None = None
    unseen_since: datetime | None = None
    foreign_since: datetime | None = None
    foreign_until: datetime | None = None
    intent: Intent | None = None
    last_resize: LastResize | None = None
    given_up: Intent | None = None
    removal: Removal | None = None
    pods_floor: KeptFloor | None = None

    def is_missing(self, now: datetime) -> bool:
        """True when nodes that are not ready have been waited for long enough: others help out."""
        return self.missing_from is not None and self.missing_from <= now

    def inherited(self, now: datetime) -> "MemberRecord":
        """As PoolRecord.inherited."""
        if self.intent is None or self.intent.operation is not None:
            return self
        return replace(self, intent=replace(self.intent, started_at=now))

    def change(self, facts: NodePool, to: int, now: datetime) -> int:
        """Nodes that come (positive) or go at that size: what was waited for in vain is not taken away from anybody."""
        if to < facts.requested and self.is_missing(now):
            return -max(0, min(facts.nodes, facts.requested) - to)
        return to - facts.requested


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedBy:
    """Who decided the wished number: object kind and name (or Hold), with the time since when it stands."""

    kind: str
    name: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PastWish:
    """A higher wish that was left at `left_at`: it binds until it has been gone for scaleDownDelaySeconds.

    `decider_changed`: not because somebody wished for less, but because somebody else decides now.
    """

    units: int
    left_at: datetime
    decider_changed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """A member whose entry was removed: its node pool stays as it was, `nodes` and all, and is nobody's from `at` on."""

    name: str
    node_pool: str
    nodes: int | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """A cheaper placement that nodes would have to move for, since when it stands, and whether the move has begun.

    `prices` tells the prices that it was found at: a move that has begun goes on only while they are the same.
    """

    since: datetime
    moving: bool
    prices: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRecord:
    """What we remember of a pool. `requested` is the wish before clamps, `desired` after them, both in units.

    `ready` are the ready units as last proved (None: never). `standing_in` units grew in a move, and as many others have
    not gone yet. `plan` is what waits for an approval or is carried out by one, `ended_plans` those before it, newest first.
    `saving` is None where no saving is worth a move. `observed_generation` 0 means that no pass has ever reported.
    `past_wishes` is empty after a restart unless the status shows a desired above the wish.
    `edited_by` is who else wrote a part of the status that was read: nothing of it was believed. `on_top` are units that
    members are to have on top of `desired`, for the pods of their clusters.
    """

    observed_generation: int = 0
    requested: int | None = None
    desired: int | None = None
    ready: int | None = None
    decided_by: DecidedBy | None = None
    past_wishes: tuple[PastWish, ...] = ()
    override: SeenOverride | None = None
    saving: Saving | None = None
    members: tuple[MemberRecord, ...] = ()
    released: tuple[Released, ...] = ()
    standing_in: int = 0
    on_top: int = 0
    plan: PublishedPlan | None = None
    ended_plans: tuple[EndedPlan, ...] = ()
    approval: Approval | None = None
    conditions: tuple[Condition, ...] = field(default=())
    edited_by: str | None = None

    def inherited(self, now: datetime) -> "PoolRecord":
        """As a process takes it over that did not write it: the wall clocks of two machines prove nothing.

        So the time in which an unanswered request may still arrive begins anew.
        """
        return replace(self, members=tuple(member.inherited(now) for member in self.members))

    def member(self, name: str) -> MemberRecord:
        """The record of a member, empty for one never seen."""
        return next((record for record in self.members if record.name == name), MemberRecord(name=name))


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord:
    """What we remember of an account: who the cloud said we are, and the conditions."""

    observed_generation: int = 0
    identity: str | None = None
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRecord:
    """What we remember of a scaling policy: the units that it decided last (None: never), and what led to them.

    `most` is the upper bound that was in force then.
    `scaled_at` is when they changed last, `edited_by` as in PoolRecord.
    """

    observed_generation: int = 0
    desired: int | None = None
    most: int | None = None
    scaled_at: datetime | None = None
    history: PolicyHistory = field(default_factory=PolicyHistory)
    conditions: tuple[Condition, ...] = ()
    edited_by: str | None = None


Record = PoolRecord | AccountRecord | PolicyRecord
