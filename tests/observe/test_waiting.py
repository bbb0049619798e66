"""Whose pods wait where, and who might take them: the same for every pool that asks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest

from multicloud.model.account import AccountObject, AccountSpec, AwsAccount
from multicloud.model.member import ClusterLogin, Inside, Load, Look
from multicloud.model.pods import Crowd, Pending, Rooms
from multicloud.model.record import Claim, MemberRecord, PoolRecord
from multicloud.model.ref import Cloud, Kind, ObjectKey
from multicloud.model.spec import MemberState, PoolObject, PoolSpec, Price
from multicloud.observe.insides import Insides
from multicloud.observe.waiting import pending_pods
from support.builders import NOW, member_spec, seconds
from support.pods import SHAPE, group

GROUPS = (group(4),)
CLAIM = Claim(key="k", incarnation="i", since=NOW)


@dataclass(slots=True)
class Eyes:
    """One cluster, whichever way it is entered; `closed` accounts do not get in."""

    groups: tuple[Any, ...] = GROUPS
    closed: set[str] = field(default_factory=set)

    def attend(self, pool: ObjectKey, wanted: Mapping[ClusterLogin, Look]) -> None:
        """Nothing to prepare."""

    def inside(self, _: ClusterLogin, __: str) -> Inside:
        return Inside()

    def load(self, _: ClusterLogin, __: str) -> Load | None:
        return None

    def crowd(self, login: ClusterLogin, node_pools: Iterable[str]) -> Crowd | None:
        if login.account.name in self.closed:
            return None
        return Crowd(groups=self.groups, pools={name: Rooms(nodes=3, shape=SHAPE) for name in node_pools})

    def account_changed(self, account: ObjectKey) -> None:
        """Nothing kept."""

    def close(self) -> None:
        """Nothing open."""


def account(key: ObjectKey) -> AccountObject | None:
    if key.name == "missing":
        return None
    spec = AccountSpec(provider=AwsAccount(), secret="keys")
    return AccountObject(
        key=key, uid=key.name, generation=1, resource_version="1", spec=spec, paused=key.name == "paused"
    )


def pool(name: str, *members: Any, namespace: str = "shop", claimed: bool = True, **spec: Any) -> PoolObject:
    """A pool whose members have three nodes each."""
    records = (
        MemberRecord(name=each.name, claim=CLAIM if claimed else None, requested=3, nodes=3, ready=3)
        for each in members
    )
    return PoolObject(
        key=ObjectKey(kind=Kind.POOL, namespace=namespace, name=name),
        uid=name,
        generation=1,
        resource_version="1",
        spec=PoolSpec(replicas=None, min_replicas=0, max_replicas=99, members=tuple(members), **spec),
        record=PoolRecord(members=tuple(records)),
    )


def pending(mine: PoolObject, *others: PoolObject, eyes: Eyes | None = None) -> Pending:
    return pending_pods(mine, lambda: [mine, *others], Insides(eyes or Eyes()), account, NOW)


def order(found: Pending) -> list[tuple[str, str]]:
    (cluster,) = found.clusters
    return [(one.member, one.node_pool) for one in cluster.candidates]


WEB = pool("web", member_spec("a"), member_spec("b", priority=1))


def test_members_of_one_cluster_are_asked_by_priority_price_and_name() -> None:
    cheap = member_spec("z", price=Price(amount=Decimal(1), currency="USD"))
    dear = member_spec("y", price=Price(amount=Decimal(2), currency="USD"))
    assert order(
        pending(pool("web", member_spec("b"), dear, member_spec("a"), cheap, member_spec("c", priority=1)))
    ) == [
        ("c", "c"),
        ("z", "z"),
        ("y", "y"),
        ("a", "a"),
        ("b", "b"),
    ]


def test_two_pools_in_a_cluster_see_the_same_order_and_each_its_own_names() -> None:
    other = pool("api", member_spec("c", priority=2), member_spec("d"), namespace="team")
    assert order(pending(WEB, other)) == [("", "c"), ("b", "b"), ("a", "a"), ("", "d")]
    assert order(pending(other, WEB)) == [("c", "c"), ("", "b"), ("", "a"), ("d", "d")]


def test_where_nothing_waits_nobody_asks_about_others() -> None:
    other = pool("api", member_spec("c", priority=2))
    assert order(pending(WEB, other, eyes=Eyes(groups=()))) == [("a", "a"), ("b", "b")]


def test_members_without_a_node_pool_of_their_own_are_no_candidates() -> None:
    unclaimed = pool("api", member_spec("c"), claimed=False)
    lost = pool("lost", member_spec("e", account="missing"))
    assert order(pending(WEB, unclaimed, lost)) == [("b", "b"), ("a", "a")]
    assert pending(unclaimed) == Pending(clusters=())


def test_a_cluster_that_lets_nobody_in_is_unseen_and_one_way_in_is_enough() -> None:
    two_ways = pool("web", member_spec("a", account="x"), member_spec("b", account="y"))
    assert pending(two_ways, eyes=Eyes(closed={"x", "y"})) == Pending(clusters=(), unseen=("a", "b"))
    assert order(pending(two_ways, eyes=Eyes(closed={"x"}))) == [("a", "a"), ("b", "b")]
    assert pending_pods(WEB, list, Insides(None), account, NOW) == Pending(clusters=(), unseen=("a", "b"))


@pytest.mark.parametrize(
    ("spec", "record", "most"),
    [
        pytest.param({}, {}, 100, id="it may grow"),
        pytest.param({"state": MemberState.FROZEN}, {}, 3, id="frozen"),
        pytest.param({"state": MemberState.DRAIN}, {}, 3, id="drained"),
        pytest.param({"account": "paused"}, {}, 3, id="its account is paused"),
        pytest.param({}, {"backoff_until": NOW + seconds(1)}, 3, id="it backs off"),
        pytest.param({}, {"backoff_until": NOW}, 100, id="it backs off no more"),
        pytest.param({}, {"missing_from": NOW}, 3, id="what it asked for did not come"),
    ],
)
def test_how_far_a_member_may_grow(spec: dict[str, Any], record: dict[str, Any], most: int) -> None:
    mine = pool("web", member_spec("a", **spec))
    known = replace(mine.record.members[0], **record)
    (cluster,) = pending(replace(mine, record=PoolRecord(members=(known,)))).clusters
    (found,) = cluster.candidates
    assert (found.most, found.requested, found.hopeful) == (most, 3, "missing_from" not in record)


def test_a_paused_pool_buys_nothing() -> None:
    (cluster,) = pending(pool("web", member_spec("a"), paused=True)).clusters
    assert (cluster.candidates[0].most, cluster.cluster.cloud) == (3, Cloud.AWS)
