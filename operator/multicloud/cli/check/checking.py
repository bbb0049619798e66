"""Asks the clouds for a check: identity, sizes, permissions. What fails becomes a value of the account or member.

`command` hands in accounts and pools as the API server has them; the findings go back to it. Every account has lanes
of its own, so that one that hangs or is refused hides no other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from multicloud.cli.check.findings import AccountFound, Inner, MemberFound, Report, joined
from multicloud.cli.check.wire import Wire
from multicloud.clouds.lane import READ_THREADS, CloudLane
from multicloud.clouds.registry import CloudLanes, policy_of
from multicloud.model.account import AccountObject, AccountSpec
from multicloud.model.error import CloudError, NotSent
from multicloud.model.exchange import Tap
from multicloud.model.permission import Permission
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import Cloud, NodePoolRef, ObjectKey
from multicloud.model.size import Detail
from multicloud.model.spec import MemberSpec, PoolObject

OpenLanes = Callable[[Tap], CloudLanes]

Greet = Callable[[CloudLane, str, MemberFound], Awaitable[Inner]]
"""Tries the way into a member's cluster, from a namespace."""


class LooksOnly:
    """The fence of a process that never writes."""

    def check(self, budget_s: float, *, removes: bool) -> None:  # noqa: ARG002 - no lease is long enough
        """Raise NotSent."""
        raise NotSent(Reason(code=Code.NOT_LEADER, text="a check never changes anything"))


async def check(
    accounts: Sequence[AccountObject],
    pools: Sequence[PoolObject],
    open_lanes: OpenLanes,
    greet: Greet,
    wires: Mapping[ObjectKey, Wire],
) -> Report:
    """Check accounts with their members in the pools; the wire of each account looks on at its calls."""
    found = await asyncio.gather(
        *(_account(account, members_of(account, pools), open_lanes, greet, wires[account.key]) for account in accounts)
    )
    return Report(accounts=tuple(found))


def members_of(account: AccountObject, pools: Iterable[PoolObject]) -> tuple[MemberFound, ...]:
    """The account's members, with their node pools' full names; those of another cloud already have their trouble."""
    if account.spec is None:
        return ()
    return tuple(
        _member(pool, member, account.spec)
        for pool in pools
        if pool.spec is not None and pool.key.namespace == account.key.namespace
        for member in pool.spec.members
        if member.account == account.key.name
    )


def astray(accounts: Iterable[AccountObject], pools: Iterable[PoolObject]) -> tuple[tuple[str, Reason], ...]:
    """Pools that cannot be understood, and members whose account does not exist."""
    known = {(account.key.namespace, account.key.name) for account in accounts}
    found: list[tuple[str, Reason]] = []
    for pool in pools:
        name = f"{pool.key.namespace}/{pool.key.name}"
        if pool.spec is None:
            found.append((name, pool.problem or Reason(code=Code.INVALID_SPEC, text="its spec was not understood")))
            continue
        for member in pool.spec.members:
            if (pool.key.namespace, member.account) not in known:
                text = f"accountRef names CloudAccount {member.account}, which does not exist in this namespace"
                found.append((f"{name}/{member.name}", Reason(code=Code.ACCOUNT_NOT_FOUND, text=text)))
    return tuple(found)


async def _account(
    account: AccountObject, members: Sequence[MemberFound], open_lanes: OpenLanes, greet: Greet, wire: Wire
) -> AccountFound:
    spec = account.spec
    if spec is None:
        problem = account.problem or Reason(code=Code.INVALID_SPEC, text="its spec was not understood")
        return AccountFound(key=account.key, provider="?", trouble=problem)
    found = AccountFound(key=account.key, provider=str(spec.cloud), ambient=spec.secret is None, members=tuple(members))
    lanes = open_lanes(wire)
    try:
        found = await _asked(found, account, lanes, greet)
    finally:
        lanes.close()
    return replace(found, skew_s=wire.skew_s, endpoints=wire.endpoints)


async def _asked(found: AccountFound, account: AccountObject, lanes: CloudLanes, greet: Greet) -> AccountFound:
    try:
        lane = await lanes.lane(account)
        principal = (await lane.whoami()).name
    except CloudError as error:
        return replace(found, trouble=error.reason)
    askable = [member for member in found.members if member.trouble is None]
    sights, probes = await asyncio.gather(_sizes(lane, askable), _probes(lane, {each.node_pool for each in askable}))
    seen = [sights.get((each.pool, each.member), each) for each in found.members]
    answers = await asyncio.gather(*(_inside(lane, account.key.namespace, each, greet) for each in seen))
    permissions = joined({str(pool): told for pool, told in probes.items()})
    complete = all(each.permission.granted is True for each in permissions)
    return replace(
        found,
        principal=principal,
        members=tuple(replace(each, inner=answer) for each, answer in zip(seen, answers, strict=True)),
        permissions=permissions,
        role=None if complete else policy_of(Cloud(found.provider)).role(sorted(probes), principal),
    )


async def _inside(lane: CloudLane, namespace: str, member: MemberFound, greet: Greet) -> Inner | None:
    """What its cluster makes of us; nobody's cluster is entered on a name alone."""
    return None if member.facts is None else await greet(lane, namespace, member)


async def _sizes(lane: CloudLane, members: Sequence[MemberFound]) -> Mapping[tuple[str, str], MemberFound]:
    """The members with what the cloud says of their node pools, by pool and member."""
    clusters = sorted({member.node_pool.cluster for member in members})
    if not clusters:
        return {}
    try:
        told = await lane.list(clusters, detail=Detail.FULL)
    except CloudError as error:
        told = dict.fromkeys(clusters, error)
    sights: dict[tuple[str, str], MemberFound] = {}
    for member in members:
        pools = told[member.node_pool.cluster]
        if isinstance(pools, CloudError):
            seen = replace(member, trouble=pools.reason)
        else:
            facts = next((pool for pool in pools if pool.ref == member.node_pool), None)
            gone = Reason(code=Code.NODE_POOL_NOT_FOUND, text=f"the cloud knows no node pool {member.node_pool}")
            seen = replace(member, facts=facts, trouble=gone if facts is None else None)
        sights[member.pool, member.member] = seen
    return sights


async def _probes(lane: CloudLane, pools: Iterable[NodePoolRef]) -> Mapping[NodePoolRef, Sequence[Permission]]:
    turn = asyncio.Semaphore(READ_THREADS)  # a call's deadline also runs while it waits for a thread

    async def probe(pool: NodePoolRef) -> Sequence[Permission]:
        async with turn:
            try:
                return await lane.probe(pool)
            except CloudError as error:
                needs = policy_of(pool.cluster.cloud).needs
                return [Permission(need=need, granted=None, why=error.reason.text) for need in needs]

    ordered = sorted(pools)
    return dict(zip(ordered, await asyncio.gather(*map(probe, ordered)), strict=True))


def _member(pool: PoolObject, member: MemberSpec, account: AccountSpec) -> MemberFound:
    node_pool, trouble = member.located(account), None
    if member.cloud is not account.cloud:
        text = f"a member on {member.cloud} cannot use an account of {account.cloud}"
        trouble = Reason(code=Code.WRONG_CLOUD, text=text)
    return MemberFound(
        pool=pool.key.name, member=member.name, node_pool=node_pool, trouble=trouble, kubeconfig=member.kubeconfig
    )
