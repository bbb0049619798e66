"""What a cloud owes: nodes that do not come, failures in a row, foreign operations, members that cannot be seen.

`settle` calls these on a member's memory once its intent was judged; `place` and `gates` read the result from Standing.
Times are remembered, not counted, so that a restart and a slow pass judge alike.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from multicloud.model.plan import MemberView, Snapshot
from multicloud.model.reason import Code
from multicloud.model.record import MemberRecord
from multicloud.model.size import Activity, NodePool, ReadySource
from multicloud.model.spec import Failover, WhenUnreachable

LOST_AFTER: Final = timedelta(seconds=300)
"""Nodes that the cluster's own API shows not ready for so long, all of them, are lost (product rule)."""

FORGIVEN_AFTER: Final = timedelta(hours=3)
"""Failures that old no longer count (product rule)."""

_BROKEN_OFF: Final = frozenset({Code.OPERATION_FAILED, Code.OPERATION_CANCELED})
"""Outcomes after which the cloud brings nothing more of what was asked for."""

_RAN: Final = _BROKEN_OFF | {
    Code.DELIVERED,
    Code.SUPERSEDED,
    Code.NOT_EXECUTED,
    Code.ARRIVED_LATE,
    Code.OPERATION_FORGOTTEN,
}
"""Outcomes of a resize that the cloud took or never saw; every other one is a call that was refused."""


def with_delivery(record: MemberRecord, facts: NodePool, snapshot: Snapshot) -> MemberRecord:
    """Note what is missing and since when it counts, and count the failure once. The facts are fresh."""
    failover, now = snapshot.spec.failover, snapshot.now
    if facts.ready >= _goal(record, facts):
        return _recovered(replace(record, missing_from=None), failover, now)
    record = replace(record, missing_from=_missing_from(record, facts, failover, now))
    if not record.is_missing(now) or record.missing_from is None:
        return record
    # Counted once: the back-off of a failure begins when it is noticed, so it ends after what it was made for.
    counted = record.backoff_until is not None and record.backoff_until > record.missing_from
    return record if counted else failed(record, failover, now)


def failed(record: MemberRecord, failover: Failover, now: datetime) -> MemberRecord:
    """One more failure: no growth before the back-off is over."""
    attempts = record.attempts + 1
    return replace(record, attempts=attempts, backoff_until=now + timedelta(seconds=failover.wait_s(attempts)))


def may_give_back(record: MemberRecord, failover: Failover, now: datetime) -> bool:
    """True when what the cloud never made may be taken back: nothing runs that could still bring it."""
    last = record.last_resize
    if record.intent is not None:
        return False
    if last is None or last.outcome.code in _BROKEN_OFF:
        return True
    return last.at + timedelta(seconds=failover.provision_timeout_s) <= now


def backs_off(record: MemberRecord, now: datetime, *, growing: bool) -> bool:
    """True while a resize has to wait: growth after any failure, a removal after one of a removal or a refused call.

    What a failed growth left is given back at once.
    """
    if record.backoff_until is None or record.backoff_until <= now:
        return False
    last = record.last_resize
    if growing or last is None:
        return growing
    return last.outcome.code not in _RAN or (last.target < last.origin and last.outcome.code in _BROKEN_OFF)


def returns_at(record: MemberRecord, failover: Failover) -> datetime | None:
    """When units may move back to a member that failed; None if it did not, or never by themselves."""
    if record.attempts == 0 or record.backoff_until is None or not failover.return_to_preferred:
        return None
    failed_at = record.backoff_until - timedelta(seconds=failover.wait_s(record.attempts))
    return max(record.backoff_until, failed_at + timedelta(seconds=failover.return_after_s))


def with_foreign(record: MemberRecord, facts: NodePool, snapshot: Snapshot) -> MemberRecord:
    """Note when somebody else's operation was seen first and last. The facts are fresh."""
    now = snapshot.now
    if facts.activity is Activity.BUSY and record.intent is None:
        return replace(record, foreign_since=record.foreign_since or now, foreign_until=None)
    if record.foreign_since is None:
        return record
    until = record.foreign_until or now
    if now >= until + timedelta(seconds=snapshot.quiet_s):
        return replace(record, foreign_since=None, foreign_until=None)
    return replace(record, foreign_until=until)


def with_sight(record: MemberRecord, view: MemberView, now: datetime) -> MemberRecord:
    """Note since when no look succeeds. Two good reads in a row end it: one may be luck."""
    if view.fresh:
        return replace(record, unseen_since=None) if view.sight.good_reads > 1 else record
    if view.sight.trouble is None:
        return record
    return replace(record, unseen_since=record.unseen_since or now)


def is_unreachable(record: MemberRecord, failover: Failover, now: datetime) -> bool:
    """True when the member could not be seen for so long that it counts as unreachable."""
    since = record.unseen_since
    return since is not None and since + timedelta(seconds=failover.unreachable_after_s) <= now


def is_replaced(record: MemberRecord, failover: Failover, now: datetime) -> bool:
    """True when others grow for everything that an unreachable member had."""
    return failover.when_unreachable is WhenUnreachable.REPLACE and is_unreachable(record, failover, now)


def _goal(record: MemberRecord, facts: NodePool) -> int:
    """Ready nodes that were asked for; what others added on top is theirs to wait for."""
    if record.intent is not None:
        intent = record.intent
        return max(facts.requested, intent.target) if intent.target >= intent.origin else intent.target
    held = max(0, facts.requested - record.agreed) if record.held_since and record.agreed is not None else 0
    return facts.requested - held


def _missing_from(record: MemberRecord, facts: NodePool, failover: Failover, now: datetime) -> datetime:
    wait = timedelta(seconds=failover.provision_timeout_s)
    known, last = record.missing_from, record.last_resize
    if last is not None and last.at == now and last.outcome.code in _BROKEN_OFF:
        return min(known or now, now)
    if known is not None and known <= now:
        return known
    if record.intent is not None:
        return max(known or now, record.intent.started_at + wait)
    settled = last is None or last.at + wait <= now
    if settled and facts.ready_source is ReadySource.KUBERNETES and facts.nodes > 0 and facts.ready == 0:
        wait = min(wait, LOST_AFTER)
        known = None if known is None else min(known, now + wait)
    return known or now + wait


def _recovered(record: MemberRecord, failover: Failover, now: datetime) -> MemberRecord:
    last, until = record.last_resize, record.backoff_until
    grown = last is not None and last.target >= last.origin and last.outcome.code is Code.DELIVERED
    # Without a way back by itself the memory of the failure is what keeps units where they are.
    forgiven = until is not None and until + FORGIVEN_AFTER <= now and failover.return_to_preferred
    if record.attempts and record.intent is None and (grown or forgiven):
        return replace(record, attempts=0, backoff_until=None)
    return record
