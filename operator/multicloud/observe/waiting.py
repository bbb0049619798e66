"""The pods that wait in the clusters of a pool's members, and every member of any pool that might take them.

Read from what is known, nothing is asked anew. Two pools whose members share a cluster see the same candidates in the same
order, so both work out the same: each pod is one member's.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from multicloud.model.account import AccountObject
from multicloud.model.pods import Candidate, ClusterPods, Crowd, Pending, Rooms
from multicloud.model.policy import PendingPods
from multicloud.model.ref import ClusterRef, NodePoolRef, ObjectKey
from multicloud.model.spec import MemberSpec, MemberState, PolicyObject, PoolObject
from multicloud.observe.insides import Insides
from multicloud.observe.observer import account_of

_DEAREST: Final = Decimal("Infinity")
"""Stands for a price that is not known, in the order of candidates only."""

Account = Callable[[ObjectKey], AccountObject | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A member that has a node pool of its own."""

    pool: PoolObject
    member: MemberSpec
    account: AccountObject
    node_pool: NodePoolRef

    @property
    def order(self) -> tuple[object, ...]:
        """Whose turn it is: priority, price, name."""
        price = _DEAREST if self.member.price is None else self.member.price.amount
        return (-self.member.priority, price, self.pool.key, self.member.name)


def pending_pods(
    pool: PoolObject, others: Callable[[], Sequence[PoolObject]], insides: Insides, account: Account, now: datetime
) -> Pending:
    """What waits in the clusters of a pool's members. `others` are all pools that count the pods that wait."""
    places: dict[ClusterRef, list[_Place]] = {}
    for place in _places(pool, account):
        places.setdefault(place.node_pool.cluster, []).append(place)
    clusters: list[ClusterPods] = []
    unseen: list[str] = []
    for cluster, own in sorted(places.items()):
        door = next((place for place in own if _crowd(place, (), insides) is not None), None)
        waiting = None if door is None else _crowd(door, (), insides)
        if door is None or waiting is None:
            unseen += [place.member.name for place in own]
            continue
        every = _sharing(own, cluster, others(), account) if waiting.groups else own
        crowd = _crowd(door, [place.node_pool.name for place in every], insides) or waiting
        rooms = [crowd.pools.get(place.node_pool.name, Rooms()) for place in every]
        candidates = [_candidate(place, pool, each, now) for place, each in zip(every, rooms, strict=True)]
        clusters.append(
            ClusterPods(cluster=cluster, groups=crowd.groups, more=crowd.more, candidates=tuple(candidates))
        )
    return Pending(clusters=tuple(clusters), unseen=tuple(sorted(unseen)))


def _crowd(door: _Place, node_pools: Iterable[str], insides: Insides) -> Crowd | None:
    """What a member's cluster shows, by that member's way in."""
    return insides.crowd(door.account.key, door.member, door.node_pool, node_pools)


def counts_pods(policy: PolicyObject | None) -> bool:
    """True for a policy that asks for nodes for pods that wait."""
    metrics = policy.spec.metrics if policy is not None and policy.spec is not None else ()
    return any(isinstance(metric.source, PendingPods) for metric in metrics)


def _places(pool: PoolObject, account: Account) -> Iterator[_Place]:
    for member in pool.spec.members if pool.spec else ():
        found = account(account_of(pool.key, member))
        if found is not None and found.spec is not None and pool.record.member(member.name).claim is not None:
            yield _Place(pool=pool, member=member, account=found, node_pool=member.located(found.spec))


def _sharing(
    own: Sequence[_Place], cluster: ClusterRef, others: Sequence[PoolObject], account: Account
) -> Sequence[_Place]:
    """All members with a node pool in the cluster, in the order in which pods are offered to them."""
    keys = {place.pool.key for place in own}
    strangers = [
        place
        for other in others
        if other.key not in keys
        for place in _places(other, account)
        if place.node_pool.cluster == cluster
    ]
    return sorted([*own, *strangers], key=lambda place: place.order)


def _candidate(place: _Place, pool: PoolObject, rooms: Rooms, now: datetime) -> Candidate:
    spec, record = place.member, place.pool.record.member(place.member.name)
    return Candidate(
        member=spec.name if place.pool.key == pool.key else "",
        node_pool=place.node_pool.name,
        rooms=rooms,
        requested=record.requested,
        most=spec.max_nodes if _may_grow(place, now) else record.requested or 0,
        hopeful=not record.is_missing(now),
    )


def _may_grow(place: _Place, now: datetime) -> bool:
    """True where nothing that is known here keeps the member from growing."""
    record, spec = place.pool.record.member(place.member.name), place.pool.spec
    if spec is None or spec.paused or place.account.paused or place.member.state is not MemberState.ACTIVE:
        return False
    return not record.is_missing(now) and (record.backoff_until is None or record.backoff_until <= now)
