"""Who owns a node pool: the first proven claim, over restarts, within and across namespaces."""

from datetime import UTC, datetime, timedelta

from multicloud.model.reason import Code
from multicloud.model.record import Claim, MemberRecord, PoolRecord
from multicloud.model.ref import Kind, ObjectKey
from multicloud.model.spec import PoolObject
from multicloud.observe.claims import Claims, Owner

NODE_POOL = "111122223333/us-east-1/shop-prod/web"
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def owner(pool: str, member: str = "eks", namespace: str = "shop") -> Owner:
    key = ObjectKey(kind=Kind.POOL, namespace=namespace, name=pool)
    return Owner(pool=key, uid=f"uid-{pool}", member=member)


def remembered(pool: str, since: datetime) -> PoolObject:
    claim = Claim(key=NODE_POOL, incarnation="1", since=since)
    return PoolObject(
        key=owner(pool).pool,
        uid=f"uid-{pool}",
        generation=1,
        resource_version="1",
        spec=None,
        record=PoolRecord(members=(MemberRecord(name="eks", claim=claim),)),
    )


def test_the_first_claim_wins_and_stays() -> None:
    claims = Claims()
    assert claims.take(NODE_POOL, owner("a")) is None
    assert claims.take(NODE_POOL, owner("a")) is None
    lost = claims.take(NODE_POOL, owner("b"))
    assert lost is not None
    assert lost.code is Code.NODE_POOL_CLAIMED
    assert "member eks of MultiCloudPool a" in lost.text


def test_the_winner_is_named_only_inside_its_namespace() -> None:
    claims = Claims()
    claims.take(NODE_POOL, owner("secret-project", namespace="other"))
    lost = claims.take(NODE_POOL, owner("b"))
    assert lost is not None
    assert "secret-project" not in lost.text
    assert "other" not in lost.text.split()


def test_two_members_of_one_pool_cannot_share_a_node_pool() -> None:
    claims = Claims()
    claims.take(NODE_POOL, owner("a", "first"))
    lost = claims.take(NODE_POOL, owner("a", "second"))
    assert lost is not None
    assert "member first of this pool" in lost.text


def test_after_a_restart_the_older_claim_wins_whatever_the_order() -> None:
    for order in (("a", "b"), ("b", "a")):
        claims = Claims()
        ages = {"a": WHEN + timedelta(hours=1), "b": WHEN}
        claims.seed([remembered(pool, ages[pool]) for pool in order])
        assert claims.take(NODE_POOL, owner("b")) is None
        assert claims.take(NODE_POOL, owner("a")) is not None


def test_a_released_claim_wakes_who_waits_for_it() -> None:
    claims = Claims()
    claims.take(NODE_POOL, owner("a"))
    claims.take(NODE_POOL, owner("b"))
    assert claims.keep_only(owner("a").pool, "uid-a", frozenset({"eks"})) == set()
    assert claims.keep_only(owner("a").pool, "uid-a", frozenset()) == {owner("b").pool}
    assert claims.take(NODE_POOL, owner("b")) is None


def test_a_member_that_names_another_node_pool_frees_the_one_before() -> None:
    claims = Claims()
    claims.take(NODE_POOL, owner("a"))
    assert claims.take(NODE_POOL, owner("b")) is not None
    assert claims.freed() == set()
    claims.leave(NODE_POOL, owner("a"))
    assert claims.freed() == set()
    claims.leave("another", owner("a"))
    assert (claims.freed(), claims.freed()) == ({owner("b").pool}, set())
    assert claims.take(NODE_POOL, owner("b")) is None


def test_another_life_of_the_same_name_does_not_inherit() -> None:
    claims = Claims()
    claims.take(NODE_POOL, owner("a"))
    assert claims.keep_only(owner("a").pool, "another uid", frozenset({"eks"})) == set()
    assert claims.take(NODE_POOL, owner("b")) is None
