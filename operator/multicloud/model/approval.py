"""Plans that wait for a person: what would change, the hash by which it is approved, and what became of earlier ones.

Made by `decide`, kept in the pool's record, shown in status. Standard library only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Final

from multicloud.model.reason import Code, Reason

STANDS_FOR: Final = timedelta(hours=1)
"""How long a published plan can be approved and carried out (product rule)."""

REMEMBERED: Final = 8
"""Ended plans of which the hash is kept, so that a late approval can be told what became of its plan."""

_DIGITS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A member's way to another size: `origin` nodes that its cloud tries to reach now, `to` at the end, and why."""

    member: str
    origin: int
    to: int
    reason: Reason

    @property
    def removes(self) -> bool:
        """True when nodes go."""
        return self.to < self.origin

    def holds(self, nodes: int) -> bool:
        """True for a size on the way from origin to end, both included."""
        return min(self.origin, self.to) <= nodes <= max(self.origin, self.to)


def plan_hash(uid: str, ident: str, changes: Sequence[Change]) -> str:
    """The short name of exactly these changes, of one plan, of one life of a pool object. Reasons are no part of it."""
    lines = [
        uid,
        ident,
        *(f"{one.member} {one.origin} {one.to}" for one in sorted(changes, key=lambda one: one.member)),
    ]
    return sha256("\n".join(lines).encode()).hexdigest()[:_DIGITS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A constraint without which the pool would be placed otherwise.

    `name` is the field of the spec, for example `allocation.survive[Cloud]` or `members[east].maxNodes`.
    `costs_per_hour` is what it costs, in the pool's currency: the hourly cost of the best sizes less that of the best
    sizes without it; for `allocation.moveWhenSaving`, of the sizes as placed less that of the best sizes. It is negative
    for one that saves money; None where a price is not known.
    """

    name: str
    costs_per_hour: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPlan:
    """Changes that stand until they are carried out, an hour has passed, or they no longer fit what is there.

    The time of publication is the plan's id, and so part of its hash: an old plan put back cannot be made younger.
    `bindings` is what bound when they were priced, for whoever weighs the plan; None until then. Not part of the hash.
    """

    published_at: datetime
    changes: tuple[Change, ...]
    bindings: tuple[Binding, ...] | None = None

    @property
    def id(self) -> str:
        """The id, as status shows it and as the hash takes it."""
        return self.published_at.isoformat()

    @property
    def expires_at(self) -> datetime:
        """When it can no longer be approved nor carried out."""
        return self.published_at + STANDS_FOR

    def hash(self, uid: str) -> str:
        """What an approval has to name. Always worked out, never taken from status."""
        return plan_hash(uid, self.id, self.changes)

    def change(self, member: str) -> Change | None:
        """What it does to a member."""
        return next((one for one in self.changes if one.member == member), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """The annotation `multicloud.dev/approve`: the hash of a plan, and who set it as managedFields claim (None: unknown)."""

    hash: str
    manager: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """The newest approval and what came of it. For people: nothing is ever done because of what stands here."""

    hash: str
    manager: str | None
    at: datetime
    outcome: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedPlan:
    """A plan that no longer stands, and why."""

    hash: str
    outcome: Code


OUTCOMES: Final[Mapping[Code, str]] = {
    Code.APPROVAL_REQUIRED: "the approval was taken back",
    Code.APPROVED: "the plan is approved and carried out",
    Code.PLAN_EXECUTED: "the approved plan was carried out",
    Code.PLAN_EXPIRED: "the annotation names a plan that expired an hour after it was published",
    Code.PLAN_CHANGED: "the annotation names a plan that no longer fits: the spec or a size changed after it was published",
    Code.PLAN_UNSAFE: "the annotation names a plan that was withdrawn: too many nodes were not ready",
    Code.APPROVAL_USED: "the annotation names a plan that was carried out; each approval works once",
    Code.APPROVAL_UNKNOWN: "the annotation names no plan that this pool had lately",
}
"""What came of an approval, in words."""
