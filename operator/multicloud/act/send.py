"""Lets persisted intents out, one cloud call each, and turns every answer into what we remember of it.

Members are sent side by side: a cloud that hangs delays no other. Each write leaves one audit line.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from multicloud.act.brake import Brake
from multicloud.act.prepare import RETRY_S, Dispatch
from multicloud.model.error import CloudError, Conflict, NoCapacity, OutcomeUnknown, Refused
from multicloud.model.port import Attention, Clock, Lane, Lanes
from multicloud.model.reason import Code, Reason
from multicloud.model.record import LastResize, MemberRecord, PoolRecord, backoff_s
from multicloud.model.ref import ObjectKey
from multicloud.model.size import Activity, Detail, NodePool, Operation, Resize
from multicloud.model.spec import AccountObject

audit: structlog.stdlib.BoundLogger = structlog.get_logger("audit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one dispatch ended: the cloud's operation, or why there is none."""

    dispatch: Dispatch
    operation: Operation | None = None
    error: CloudError | None = None


class Sender:
    """Sends what was prepared and persisted."""

    def __init__(self, lanes: Lanes, brake: Brake, attention: Attention, clock: Clock) -> None:
        """`attention` is told of every write, so that older reads prove nothing."""
        self._lanes = lanes
        self._brake = brake
        self._attention = attention
        self._clock = clock

    async def send(
        self,
        pool: ObjectKey,
        record: PoolRecord,
        dispatches: Sequence[Dispatch],
        accounts: dict[ObjectKey, AccountObject],
    ) -> tuple[PoolRecord, tuple[Outcome, ...]]:
        """Send all side by side; returns the memory afterwards and what came of each."""
        outcomes = await asyncio.gather(*(self._send_one(pool, dispatch, accounts) for dispatch in dispatches))
        by_member = {outcome.dispatch.member: outcome for outcome in outcomes}
        members = tuple(self._after(member, by_member.get(member.name)) for member in record.members)
        return replace(record, members=members), tuple(outcomes)

    async def _send_one(self, pool: ObjectKey, dispatch: Dispatch, accounts: dict[ObjectKey, AccountObject]) -> Outcome:
        node_pool = dispatch.change.pool.ref
        try:
            lane = await self._lanes.lane(accounts[dispatch.account])
            change = await _read_again(lane, dispatch.change)
            operation = await lane.resize(change, token=dispatch.intent.id)
        except CloudError as error:
            outcome = Outcome(dispatch=dispatch, error=error)
        else:
            outcome = Outcome(dispatch=dispatch, operation=operation)
        if outcome.operation is not None or isinstance(outcome.error, OutcomeUnknown):
            self._attention.wrote(dispatch.account, node_pool)
        else:
            self._brake.give_back(dispatch.booking)
            self._attention.look_now(dispatch.account, node_pool)
        _log(pool, outcome)
        return outcome

    def _after(self, member: MemberRecord, outcome: Outcome | None) -> MemberRecord:
        if outcome is None or isinstance(outcome.error, OutcomeUnknown):
            return member  # the intent stays: only a look can tell what became of it
        if outcome.operation is not None:
            intent = replace(outcome.dispatch.intent, operation=outcome.operation.id)
            return replace(member, intent=intent)
        error = outcome.error
        assert error is not None  # an outcome is an operation or an error
        now = self._clock.now()
        attempts = member.attempts + 1 if isinstance(error, NoCapacity | Refused) else member.attempts
        wait_s = backoff_s(attempts) if attempts > member.attempts else error.retry_after_s or RETRY_S
        intent = outcome.dispatch.intent
        return replace(
            member,
            intent=None,
            attempts=attempts,
            backoff_until=now + timedelta(seconds=wait_s),
            last_resize=LastResize(
                id=intent.id, origin=intent.origin, target=intent.origin, at=now, outcome=error.reason
            ),
        )


async def _read_again(lane: Lane, change: Resize) -> Resize:
    """Read right before writing, where the cloud has no compare-and-set. Raises Conflict if the decision is stale."""
    if change.pool.version:
        return change
    cluster = change.pool.ref.cluster
    answer = (await lane.list([cluster], detail=Detail.FULL)).get(cluster, ())
    if isinstance(answer, CloudError):
        raise _unsent(answer)
    now = next((found for found in answer if found.ref == change.pool.ref), None)
    if now is None or not _same(now, change.pool):
        raise Conflict(Reason(code=Code.CONFLICT, text="the node pool changed since the decision; deciding again"))
    return replace(change, pool=now)


def _same(now: NodePool, decided: NodePool) -> bool:
    return (
        now.activity in (Activity.IDLE, Activity.SICK)
        and (now.claim, now.incarnation, now.requested) == (decided.claim, decided.incarnation, decided.requested)
        and not now.autoscaling
    )


def _unsent(error: CloudError) -> CloudError:
    """A failed read before a write: whatever the read's error is, nothing was written."""
    return Conflict(error.reason, retry_after_s=error.retry_after_s)


def _log(pool: ObjectKey, outcome: Outcome) -> None:
    dispatch = outcome.dispatch
    node_pool = dispatch.change.pool.ref
    audit.info(
        "cloud write" if outcome.error is None else "cloud write failed",
        pool=str(pool),
        member=dispatch.member,
        cloud=str(node_pool.cluster.cloud),
        node_pool=str(node_pool),
        origin=dispatch.intent.origin,
        target=dispatch.intent.target,
        intent=dispatch.intent.id,
        operation=outcome.operation.id if outcome.operation else None,
        outcome=str(outcome.error.reason.code) if outcome.error else "Accepted",
    )
