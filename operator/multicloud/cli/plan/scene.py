"""One pool with everything that a decision about it depends on, made without asking a cloud. `command` decides on it.

Sizes come from nowhere (empty node pools), from a file of observed sizes, or from the status that the operator wrote.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from multicloud.cli.plan.files import Filed, Files, Mistakes
from multicloud.kinds.observed import ObservedMember, Sizes
from multicloud.model.account import AccountObject, AccountSpec, AwsAccount
from multicloud.model.member import Counted, Inside
from multicloud.model.plan import Headroom, MemberView, PolicyWish, Snapshot, Stop
from multicloud.model.reason import Code, Reason
from multicloud.model.record import Claim, MemberRecord, PoolRecord
from multicloud.model.ref import Cloud, Kind, NodePoolRef, ObjectKey
from multicloud.model.size import NodePool, Operation, OperationState, ReadySource, Sight
from multicloud.model.spec import MemberSpec, PoolObject, PoolSpec

_SEEN: Final = Inside(counted=Counted())
"""Offline the pods of every cluster count as seen, and as none that needs a node: else no plan would ever move any."""
_PLENTY: Final = Headroom(add=1_000_000_000, remove=1_000_000_000)
_ZONE: Final = re.compile(r"[a-z]+(-[a-z]+)+[0-9]+-[a-z][a-z0-9]*")
_REGION_ZONES: Final = 3
"""Zones of a regional GKE node pool, unless it was made with others (clouds.google.com, node locations)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A snapshot to decide on. `observed`: no size was assumed. `notes` is what a person should know of how it was made."""

    snapshot: Snapshot
    observed: bool
    notes: Sequence[str]


@dataclass(slots=True, kw_only=True)
class _Making:
    """A scene while it is made."""

    now: datetime
    pool: PoolObject
    spec: PoolSpec
    records: list[MemberRecord] = field(default_factory=list)
    views: list[MemberView] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def scene(self, record: PoolRecord) -> Scene:
        """The finished one."""
        snapshot = Snapshot(
            now=self.now,
            key=self.pool.key,
            uid=self.pool.uid,
            generation=self.pool.generation,
            spec=self.spec,
            record=record,
            members=tuple(self.views),
            stop=Stop.NONE,
            headroom=_PLENTY,
            write_window_s=0.0,
            quiet_s=0.0,
            policy=_policy(record),
        )
        if self.assumed:
            self.notes.insert(0, f"assumed to be empty: {', '.join(self.assumed)}")
        return Scene(snapshot=snapshot, observed=not self.assumed, notes=tuple(self.notes))


def offline(files: Files, sizes: Sizes, now: datetime) -> Sequence[Scene]:
    """Every pool of the files with the sizes given, the others assumed to be empty. Raises Mistakes."""
    strangers = sorted(set(sizes) - {_name(key) for key in files.pools})
    if strangers:
        raise Mistakes(
            [f"{name}: sizes are given for it, but no file holds such a MultiCloudPool" for name in strangers]
        )
    accounts = _accounts_of(files)
    _refuse_shared(files, accounts)
    return [_from_file(filed, accounts, sizes.get(_name(key), {}), now) for key, filed in sorted(files.pools.items())]


def live(
    body: Mapping[str, Any],
    pool: PoolObject,
    applied: PoolSpec | None,
    accounts: Mapping[str, AccountObject] | None,
    now: datetime,
) -> Scene:
    """A pool with the sizes of the status in `body`.

    `pool` is what to plan for: that object, or a file's with its memory. `applied` is the spec that the status is about.
    `accounts` are all of the namespace; None where nobody asked for them, so that of each only its status's word counts.
    """
    assert pool.spec is not None  # the caller refuses what cannot be understood
    making = _Making(now=now, pool=pool, spec=pool.spec)
    blocks = {block.get("name"): block for block in (body.get("status") or {}).get("members") or ()}
    before = {member.name: member for member in applied.members} if applied is not None else {}
    for member in pool.spec.members:
        record, block = pool.record.member(member.name), blocks.get(member.name, {})
        account = accounts.get(member.account) if accounts is not None else None
        node_pool = member.located(account.spec) if account is not None and account.spec else member.node_pool
        asserted = before.get(member.name, member)
        facts: NodePool | None
        if not block or asserted.node_pool != member.node_pool:
            facts, record = _empty(member, node_pool, making), MemberRecord(name=member.name)
        else:
            facts = _reported(asserted, record, block, node_pool)
        making.records.append(record)
        view = _as_reported(_view(member, node_pool, facts, making), record, block)
        if accounts is not None:
            view = _with_account(view, account)
        making.views.append(view)
    kept = tuple(one for one in pool.record.members if one.name not in {member.name for member in pool.spec.members})
    return making.scene(replace(pool.record, members=(*making.records, *kept)))


def _from_file(
    filed: Filed, accounts: Mapping[ObjectKey, AccountObject], sizes: Mapping[str, ObservedMember], now: datetime
) -> Scene:
    pool = filed.found
    assert isinstance(pool, PoolObject)
    assert pool.spec is not None  # read_files refused it otherwise
    making = _Making(now=now, pool=pool, spec=pool.spec)
    for member in pool.spec.members:
        account = accounts[_account_key(pool.key, member)]
        assert account.spec is not None  # as above
        node_pool, size = member.located(account.spec), sizes.get(member.name)
        facts = _empty(member, node_pool, making) if size is None else _observed(member, size, node_pool, making)
        making.records.append(_remembered(member, size, facts, now))
        making.views.append(replace(_view(member, node_pool, facts, making), paused=account.paused))
    named = {member.name for member in pool.spec.members}
    for name, size in sizes.items():
        if name not in named:
            making.notes.append(left_behind(name, size.requested))
    return making.scene(PoolRecord(members=tuple(making.records)))


def left_behind(member: str, nodes: int | None) -> str:
    """What removing a member's entry would leave."""
    size = "its nodes" if nodes is None else f"{nodes} nodes"
    return f"{member} is no longer a member: set state: Drain first, {size} would stay and be paid"


def _remembered(member: MemberSpec, size: ObservedMember | None, facts: NodePool, now: datetime) -> MemberRecord:
    """A member is taken over in the first pass, unless the sizes say that the operator has it already."""
    if size is None or size.adoption_floor is None:
        return MemberRecord(name=member.name)
    return MemberRecord(
        name=member.name,
        claim=Claim(key=facts.claim, incarnation=facts.incarnation, since=now),
        agreed=facts.requested,
        adoption_floor=size.adoption_floor or None,
        requested=facts.requested,
        nodes=facts.nodes,
        ready=facts.ready,
    )


def _empty(member: MemberSpec, node_pool: NodePoolRef, making: _Making) -> NodePool:
    making.assumed.append(member.name)
    return _facts(node_pool, 0, 0, 0, _step(member, making))


def _observed(member: MemberSpec, size: ObservedMember, node_pool: NodePoolRef, making: _Making) -> NodePool:
    nodes = size.requested if size.nodes is None else size.nodes
    ready = min(nodes, size.requested) if size.ready is None else size.ready
    step = _step(member, making) if size.step is None else size.step
    return _facts(node_pool, size.requested, nodes, ready, step)


def _reported(
    member: MemberSpec, record: MemberRecord, block: Mapping[str, Any], node_pool: NodePoolRef
) -> NodePool | None:
    """What the status tells of a node pool, None for nothing; a bound that `member` does not explain is the cloud's."""
    low, high, requested = block.get("minNodes"), block.get("maxNodes"), record.requested
    if requested is None:
        return None
    claim = record.claim
    return NodePool(
        ref=node_pool,
        claim=claim.key if claim else str(node_pool),
        incarnation=claim.incarnation if claim else "",
        requested=requested,
        nodes=requested if record.nodes is None else record.nodes,
        ready=record.ready or 0,
        ready_source=ReadySource(block["readySource"]) if block.get("readySource") else ReadySource.ASSUMED,
        step=block.get("step") or 1,
        cloud_min=low if low is not None and low > member.min_nodes else None,
        cloud_max=high if high is not None and high < member.max_nodes else None,
    )


def _view(member: MemberSpec, node_pool: NodePoolRef, facts: NodePool | None, making: _Making) -> MemberView:
    return MemberView(
        spec=member,
        node_pool=node_pool,
        sight=Sight(proved=facts, read_at=making.now, looked=True),
        fresh=facts is not None,
        inside=_SEEN,
        headroom=_PLENTY,
    )


def _as_reported(view: MemberView, record: MemberRecord, block: Mapping[str, Any]) -> MemberView:
    """The view with what the status tells beside sizes: whether it is refused, out of sight, or being resized."""
    intent = record.intent
    running = None
    if intent is not None and intent.operation is not None:
        running = Operation(id=intent.operation, pool=view.node_pool, state=OperationState.RUNNING)
    return replace(
        view,
        fresh=view.fresh and record.unseen_since is None,
        inside=view.inside if not block or block.get("readySource") == ReadySource.KUBERNETES else Inside(),
        refusal=_refusal(block),
        operation=running,
    )


def _with_account(view: MemberView, account: AccountObject | None) -> MemberView:
    if account is not None:
        return replace(view, paused=account.paused)
    text = f"CloudAccount {view.spec.account} does not exist in this namespace"
    return replace(view, refusal=Reason(code=Code.ACCOUNT_NOT_FOUND, text=text))


def _refusal(block: Mapping[str, Any]) -> Reason | None:
    if block.get("state") != "Refused":
        return None
    told = block.get("reason")
    code = Code(told) if told in set(Code) else Code.UNEXPECTED
    return Reason(code=code, text=str(block.get("message") or "refused, says its status"))


def _policy(record: PoolRecord) -> PolicyWish | None:
    """The scaling policy that decided last, with its wish of then."""
    by = record.decided_by
    return PolicyWish(name=by.name, units=record.requested) if by is not None and by.kind == Kind.POLICY else None


def _facts(node_pool: NodePoolRef, requested: int, nodes: int, ready: int, step: int) -> NodePool:
    return NodePool(
        ref=node_pool,
        claim=str(node_pool),
        incarnation="",
        requested=requested,
        nodes=nodes,
        ready=ready,
        ready_source=ReadySource.CLOUD,
        step=step,
    )


def _step(member: MemberSpec, making: _Making) -> int:
    """How many zones a node pool has, by its location."""
    if member.cloud is not Cloud.GCP:
        return 1
    location = member.node_pool.cluster.location
    zones = 1 if _ZONE.fullmatch(location) else _REGION_ZONES
    making.notes.append(f"{member.name}: {location} is counted as {zones} zone{'s' if zones > 1 else ''}")
    return zones


def _accounts_of(files: Files) -> Mapping[ObjectKey, AccountObject]:
    """The account of every member. Raises Mistakes."""
    accounts = {key: filed.found for key, filed in files.accounts.items() if isinstance(filed.found, AccountObject)}
    wrong: list[str] = []
    for filed, index, member in _members(files):
        key = _account_key(filed.found.key, member)
        account = accounts.get(key)
        path = f"{filed.place}: spec.members[{index}].accountRef.name"
        if account is None:
            wrong.append(f"{path}: no file holds CloudAccount {key.namespace}/{key.name}")
        elif account.spec is not None and account.spec.cloud is not member.cloud:
            wrong.append(
                f"{path}: CloudAccount {key.name} is of {account.spec.cloud}, the member's block of {member.cloud}"
            )
    if wrong:
        raise Mistakes(wrong)
    return accounts


def _refuse_shared(files: Files, accounts: Mapping[ObjectKey, AccountObject]) -> None:
    """One node pool belongs to one member. Raises Mistakes for every other one."""
    owners: dict[tuple[str, ...], str] = {}
    wrong: list[str] = []
    for filed, index, member in _members(files):
        account = accounts[_account_key(filed.found.key, member)]
        path = f"{filed.place}: spec.members[{index}]"
        owner = owners.setdefault(_identity(member, account), path)
        if owner != path:
            wrong.append(f"{path}: the node pool {member.node_pool.name} is that of {owner} already")
    if wrong:
        raise Mistakes(wrong)


def _identity(member: MemberSpec, account: AccountObject) -> tuple[str, ...]:
    """What two members of the same node pool have in common, as far as files tell."""
    assert account.spec is not None  # read_files refused it otherwise
    cluster = member.located(account.spec).cluster
    owner = cluster.owner or _aws_owner(account.spec) or f"{account.key.namespace}/{account.key.name}"
    parts = (owner, cluster.group, cluster.location, cluster.name, member.node_pool.name)
    return (cluster.cloud, *(part.lower() if cluster.cloud is Cloud.AZURE else part for part in parts))


def _aws_owner(account: AccountSpec) -> str:
    """The number of the AWS account, where a role's name holds it."""
    match account.provider:
        case AwsAccount(role_arn=str(role)):
            return role.split(":")[4]
        case _:
            return ""


def _members(files: Files) -> Iterator[tuple[Filed, int, MemberSpec]]:
    for _, filed in sorted(files.pools.items()):
        if isinstance(filed.found, PoolObject) and filed.found.spec is not None:
            yield from ((filed, index, member) for index, member in enumerate(filed.found.spec.members))


def _account_key(pool: ObjectKey, member: MemberSpec) -> ObjectKey:
    return ObjectKey(kind=Kind.ACCOUNT, namespace=pool.namespace, name=member.account)


def _name(key: ObjectKey) -> str:
    return f"{key.namespace}/{key.name}"
