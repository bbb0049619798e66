"""Builds the Snapshot of one pool from what is known now. No waiting: reads happen in `looker`, decisions in `decide`."""

from collections.abc import Callable
from dataclasses import dataclass

from multicloud.model.account import AccountObject
from multicloud.model.plan import Headroom, MemberView, PolicyWish, Snapshot, Stop
from multicloud.model.port import Clock
from multicloud.model.reason import Code, Reason
from multicloud.model.record import MemberRecord
from multicloud.model.ref import Kind, NodePoolRef, ObjectKey
from multicloud.model.size import Activity, Operation, OperationState, Sight
from multicloud.model.spec import MemberSpec, PoolObject, PoolSpec
from multicloud.observe.claims import Claims, Owner
from multicloud.observe.insides import Insides, with_ready
from multicloud.observe.looker import Lookers, Want


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What a snapshot needs from elsewhere: accounts, a pool's scaling policy, the stop switch, the fleet-wide brake."""

    account: Callable[[ObjectKey], AccountObject | None]
    policy: Callable[[ObjectKey], PolicyWish | None]
    stop: Callable[[], Stop]
    headroom: Callable[[ObjectKey | None], Headroom]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long, in seconds, a decision leaves open what became of a write and what another's operation left behind."""

    write_window_s: float
    quiet_s: float


class Observer:
    """Turns a pool object into a Snapshot, and tells the lookers what to look at next."""

    def __init__(
        self,
        lookers: Lookers,
        insides: Insides,
        claims: Claims,
        clock: Clock,
        outside: Outside,
        patience: Patience,
    ) -> None:
        """`patience` is handed on to decisions."""
        self._lookers = lookers
        self._insides = insides
        self._claims = claims
        self._clock = clock
        self._outside = outside
        self._patience = patience

    def snapshot(self, pool: PoolObject, spec: PoolSpec) -> Snapshot:
        """Everything that a decision about this pool may depend on, now."""
        self._leave(pool, spec)
        views = tuple(self._view(pool, member) for member in spec.members)
        self._lookers.attend(
            pool.key,
            [
                self._want(pool, view)
                for view in views
                if view.refusal is None or view.refusal.code is Code.NODE_POOL_NOT_FOUND
            ],
        )
        self._insides.attend(pool.key, views)
        return Snapshot(
            now=self._clock.now(),
            key=pool.key,
            uid=pool.uid,
            generation=pool.generation,
            spec=spec,
            record=pool.record,
            members=views,
            stop=self._outside.stop(),
            headroom=self._outside.headroom(None),
            write_window_s=self._patience.write_window_s,
            quiet_s=self._patience.quiet_s,
            policy=self._outside.policy(pool.key),
        )

    def release(self, pool: ObjectKey, uid: str, members: frozenset[str]) -> set[ObjectKey]:
        """Give up claims that a pool no longer names; returns the pools that wait for them."""
        return self._claims.keep_only(pool, uid, members)

    def freed(self) -> set[ObjectKey]:
        """The pools that wait for node pools which the last snapshots' members no longer name."""
        return self._claims.freed()

    def forget(self, pool: ObjectKey, uid: str) -> set[ObjectKey]:
        """The pool object is gone: look at nothing for it, free its claims; returns the pools that wait for them."""
        self._lookers.attend(pool, ())
        self._insides.attend(pool, ())
        return self._claims.keep_only(pool, uid, frozenset())

    def _view(self, pool: PoolObject, member: MemberSpec) -> MemberView:
        account_key = account_of(pool.key, member)
        account = self._outside.account(account_key)
        headroom = self._outside.headroom(account_key)
        refusal = _account_refusal(account, member)
        if account is None or account.spec is None or refusal is not None:
            return MemberView(
                spec=member, node_pool=member.node_pool, sight=Sight(), fresh=False, refusal=refusal, headroom=headroom
            )
        node_pool = member.located(account.spec)
        sight = self._lookers.sight(account_key, node_pool)
        if sight.trouble is not None and sight.trouble.code is Code.NODE_POOL_NOT_FOUND:
            refusal = sight.trouble
        record = pool.record.member(member.name)
        inside = self._insides.of(account_key, member, node_pool)
        return MemberView(
            spec=member,
            node_pool=node_pool,
            sight=with_ready(sight, inside),
            fresh=self._lookers.fresh(account_key, node_pool),
            refusal=refusal,
            operation=self._operation(account_key, node_pool, record),
            claimed_by_other=self._claim(pool, member, sight),
            inside=inside,
            login=self._insides.login(account_key, member, node_pool),
            paused=account.paused,
            headroom=headroom,
        )

    def _operation(self, account: ObjectKey, node_pool: NodePoolRef, record: MemberRecord) -> Operation | None:
        polled = self._lookers.operation(account, node_pool)
        if record.intent is None or record.intent.operation is None:
            return None
        if polled is not None and polled.id == record.intent.operation:
            return polled
        return Operation(id=record.intent.operation, pool=node_pool, state=OperationState.RUNNING)

    def _leave(self, pool: PoolObject, spec: PoolSpec) -> None:
        """Free what members no longer name before any of them claims: two may have swapped their node pools."""
        for member in spec.members:
            account_key = account_of(pool.key, member)
            account = self._outside.account(account_key)
            if account is None or account.spec is None or _account_refusal(account, member) is not None:
                continue
            proved = self._lookers.sight(account_key, member.located(account.spec)).proved
            if proved is not None:
                self._claims.leave(proved.claim, Owner(pool=pool.key, uid=pool.uid, member=member.name))

    def _claim(self, pool: PoolObject, member: MemberSpec, sight: Sight) -> Reason | None:
        if sight.proved is None:
            return None
        return self._claims.take(sight.proved.claim, Owner(pool=pool.key, uid=pool.uid, member=member.name))

    def _want(self, pool: PoolObject, view: MemberView) -> Want:
        intent = pool.record.member(view.spec.name).intent
        account = account_of(pool.key, view.spec)
        # The cloud's own view: a node that its cluster calls not ready is no reason to ask the cloud more often.
        seen = self._lookers.sight(account, view.node_pool)
        return Want(
            account=account,
            node_pool=view.node_pool,
            hot=intent is not None or _moving(seen),
            settling=intent is not None,
            operation=intent.operation if intent else None,
        )


def account_of(pool: ObjectKey, member: MemberSpec) -> ObjectKey:
    """The key of a member's account: always of the pool's own namespace."""
    return ObjectKey(kind=Kind.ACCOUNT, namespace=pool.namespace, name=member.account)


def _moving(sight: Sight) -> bool:
    facts = sight.proved
    if facts is None:
        return False
    return facts.activity is Activity.BUSY or not facts.requested == facts.nodes == facts.ready


def _account_refusal(account: AccountObject | None, member: MemberSpec) -> Reason | None:
    if account is None:
        return Reason(
            code=Code.ACCOUNT_NOT_FOUND,
            text=f"CloudAccount {member.account} does not exist in this namespace; create it or correct accountRef.name",
        )
    if account.spec is None:
        why = account.problem.text if account.problem else "it could not be read"
        return Reason(code=Code.ACCOUNT_NOT_READY, text=f"CloudAccount {member.account}: {why}")
    if account.spec.cloud is not member.cloud:
        return Reason(
            code=Code.WRONG_CLOUD,
            text=f"CloudAccount {member.account} is of {account.spec.cloud}, the member's block of {member.cloud}",
        )
    return None
