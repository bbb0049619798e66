"""Lets persisted intents out, one cloud call each, and turns every answer into what we remember of it.

Members are sent side by side: a cloud that hangs delays no other. Each write leaves one audit line.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from multicloud.act.brake import Brake
from multicloud.act.cordon import Cordoner
from multicloud.act.prepare import RETRY_S, Dispatch
from multicloud.model.account import AccountObject
from multicloud.model.error import CloudError, Conflict, NoCapacity, NotSent, OutcomeUnknown, Refused, Unavailable
from multicloud.model.plan import Outcome
from multicloud.model.port import Attention, Clock, Lane, Lanes
from multicloud.model.reason import Code, Reason
from multicloud.model.record import LastResize, MemberRecord, PoolRecord
from multicloud.model.ref import ObjectKey
from multicloud.model.size import Activity, NodePool, Operation, Resize

audit: structlog.stdlib.BoundLogger = structlog.get_logger("audit")


class Sender:
    """Sends what was prepared and persisted."""

    def __init__(self, lanes: Lanes, brake: Brake, attention: Attention, cordoner: Cordoner, clock: Clock) -> None:
        """`attention` is told of every write, so that older reads prove nothing; `cordoner` comes before nodes go."""
        self._lanes = lanes
        self._brake = brake
        self._attention = attention
        self._cordoner = cordoner
        self._clock = clock

    async def send(
        self,
        pool: ObjectKey,
        record: PoolRecord,
        dispatches: Sequence[Dispatch],
        accounts: dict[ObjectKey, AccountObject],
    ) -> tuple[PoolRecord, tuple[Outcome, ...]]:
        """Send all side by side; returns the memory afterwards and what came of each."""
        answers = await asyncio.gather(*(self._send_one(pool, dispatch, accounts) for dispatch in dispatches))
        after: dict[str, MemberRecord] = {member.name: member for member in record.members}
        outcomes: list[Outcome] = []
        for dispatch, (answer, not_cordoned) in zip(dispatches, answers, strict=True):
            after[dispatch.member] = self._settle(after[dispatch.member], dispatch, answer)
            outcomes.append(_outcome(dispatch, answer, not_cordoned))
            _log(pool, outcomes[-1], dispatch)
        return replace(record, members=tuple(after[member.name] for member in record.members)), tuple(outcomes)

    async def _send_one(
        self, pool: ObjectKey, dispatch: Dispatch, accounts: dict[ObjectKey, AccountObject]
    ) -> tuple[Operation | CloudError, Reason | None]:
        """The cloud's answer, and why the nodes that go were not all closed to new pods before."""
        account = accounts.get(dispatch.account)
        if account is None:
            text = f"CloudAccount {dispatch.account.name} was deleted before the resize was sent"
            return NotSent(Reason(code=Code.ACCOUNT_NOT_FOUND, text=text)), None
        not_cordoned = await self._cordoner.close(pool, dispatch)
        try:
            lane = await self._lanes.lane(account)
            change = await _read_again(lane, dispatch.change)
            return await lane.resize(change, token=dispatch.intent.id), not_cordoned
        except CloudError as error:
            return error, not_cordoned

    def _settle(self, member: MemberRecord, dispatch: Dispatch, answer: Operation | CloudError) -> MemberRecord:
        """What we remember of the member after the answer, with brake and attention told of it."""
        node_pool = dispatch.change.pool.ref
        if isinstance(answer, Operation | OutcomeUnknown):
            wish_s = answer.retry_after_s if isinstance(answer, Operation) else None
            self._attention.wrote(dispatch.account, node_pool, poll_after_s=wish_s)
            if isinstance(answer, OutcomeUnknown):
                # Only a look can tell what became of it, and it may still be on its way: the window starts anew.
                return replace(member, intent=replace(dispatch.intent, started_at=self._clock.now()))
            return replace(member, intent=replace(dispatch.intent, operation=answer.id))
        self._brake.give_back(dispatch.booking)
        self._attention.look_now(dispatch.account, node_pool)
        now = self._clock.now()
        counts = isinstance(answer, NoCapacity | Refused)
        attempts = member.attempts + 1 if counts else member.attempts
        wait_s = dispatch.failover.wait_s(attempts) if counts else answer.retry_after_s or RETRY_S
        intent = dispatch.intent
        return replace(
            member,
            intent=None,
            removal=None if dispatch.removal is not None else member.removal,
            attempts=attempts,
            backoff_until=now + timedelta(seconds=wait_s),
            # Nothing moved, so nothing is booked: origin and target are the same.
            last_resize=LastResize(
                id=intent.id, origin=intent.origin, target=intent.origin, at=now, outcome=answer.reason
            ),
            # Whoever stands between may have sent it twice: then it is our own operation that is in the way.
            given_up=intent if isinstance(answer, Conflict) else member.given_up,
        )


def _outcome(dispatch: Dispatch, answer: Operation | CloudError, not_cordoned: Reason | None) -> Outcome:
    return Outcome(
        member=dispatch.member,
        provider=dispatch.change.pool.ref.cluster.cloud,
        intent=dispatch.intent,
        operation=None if isinstance(answer, CloudError) else answer,
        error=answer.reason if isinstance(answer, CloudError) else None,
        unknown=isinstance(answer, OutcomeUnknown),
        not_cordoned=not_cordoned,
    )


async def _read_again(lane: Lane, change: Resize) -> Resize:
    """Read right before writing, unless the cloud compares all that counts. Raises NotSent if the decision is stale."""
    compared = bool(change.pool.version)
    if compared and not _takes_back(change):
        return change
    try:
        now = await lane.read(change.pool.ref)
    except OutcomeUnknown as error:  # whatever became of the read, nothing was written
        raise Unavailable(error.reason, retry_after_s=error.retry_after_s) from None
    if now is None or not (compared or _same(now, change.pool)) or _came_late(now, change):
        raise NotSent(Reason(code=Code.CONFLICT, text="the node pool changed since the decision; deciding again"))
    return change if compared else replace(change, pool=now)


def _takes_back(change: Resize) -> bool:
    """True where nodes go of which some never came: no version of the node pool tells that they have come after all."""
    return change.to < change.pool.requested and change.pool.nodes < change.pool.requested


def _came_late(now: NodePool, change: Resize) -> bool:
    """True where a node is there by now that the removal takes for one that never came: it may be the one that goes."""
    return change.to < now.nodes and now.nodes > change.pool.nodes


def _same(now: NodePool, decided: NodePool) -> bool:
    return (
        now.activity in (Activity.IDLE, Activity.SICK)
        and (now.claim, now.incarnation, now.requested) == (decided.claim, decided.incarnation, decided.requested)
        and not now.autoscaling
    )


def _log(pool: ObjectKey, outcome: Outcome, dispatch: Dispatch) -> None:
    node_pool = dispatch.change.pool.ref
    audit.info(
        "cloud write" if outcome.error is None else "cloud write failed",
        pool=str(pool),
        member=outcome.member,
        cloud=str(outcome.provider),
        node_pool=str(node_pool),
        origin=outcome.intent.origin,
        target=outcome.intent.target,
        intent=outcome.intent.id,
        operation=outcome.operation.id if outcome.operation else None,
        outcome=str(outcome.error.code) if outcome.error else "Accepted",
    )
