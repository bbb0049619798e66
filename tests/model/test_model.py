"""The nouns refuse what cannot be, and name what they stand for."""

import pytest

from multicloud.model.account import AccountSpec, AwsAccount, AzureAccount, GcpAccount
from multicloud.model.ref import Cloud, ClusterRef, Kind, NodePoolRef, ObjectKey
from multicloud.model.spec import Adoption, Failover, MemberSpec, MemberState, PoolSpec
from support.builders import member_spec, node_pool


@pytest.mark.parametrize("field", ["requested", "nodes", "ready"])
def test_a_negative_size_is_no_fact(field: str) -> None:
    with pytest.raises(ValueError, match="negative size"):
        node_pool("web", 4, **{field: -1})


def test_a_step_below_one_is_no_fact() -> None:
    with pytest.raises(ValueError, match="step"):
        node_pool("web", 4, step=0)


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 300), (2, 600), (3, 1200), (4, 1800), (50, 1800)])
def test_back_off_doubles_to_half_an_hour(attempts: int, seconds: float) -> None:
    assert Failover().wait_s(attempts) == seconds


@pytest.mark.parametrize(
    ("spec", "cloud", "owner"),
    [
        (AccountSpec(provider=AwsAccount(), secret=None), Cloud.AWS, ""),
        (
            AccountSpec(provider=AzureAccount(tenant_id="t", client_id=None, subscription_id="s"), secret=None),
            Cloud.AZURE,
            "s",
        ),
        (AccountSpec(provider=GcpAccount(project="p"), secret=None), Cloud.GCP, "p"),
    ],
    ids=["aws", "azure", "gcp"],
)
def test_a_member_takes_its_accounts_subscription_or_project(spec: AccountSpec, cloud: Cloud, owner: str) -> None:
    place = NodePoolRef(cluster=ClusterRef(cloud=cloud, name="shop"), name="web")
    member = MemberSpec(name="a", account="x", node_pool=place, max_nodes=3)
    assert (spec.cloud, spec.owner, member.cloud) == (cloud, owner, cloud)
    assert member.located(spec).cluster.owner == owner
    own = NodePoolRef(cluster=ClusterRef(cloud=cloud, owner="mine", name="shop"), name="web")
    assert MemberSpec(name="a", account="x", node_pool=own, max_nodes=3).located(spec) == own


@pytest.mark.parametrize(
    ("adoption", "adopted", "expected"),
    [
        (Adoption.KEEP_SIZE, set(), False),
        (Adoption.KEEP_SIZE, {"b"}, False),
        (Adoption.KEEP_SIZE, {"a"}, True),
        (Adoption.KEEP_SIZE, {"*"}, True),
        (Adoption.APPLY, set(), True),
    ],
)
def test_consent_to_shrink_what_was_found(adoption: Adoption, adopted: set[str], expected: bool) -> None:
    spec = PoolSpec(
        replicas=None, min_replicas=0, max_replicas=1, adoption=adoption, adopted=frozenset(adopted), members=()
    )
    assert spec.adopts(member_spec("a")) is expected
    assert spec.adopts(member_spec("a", state=MemberState.DRAIN))


def test_names_read_like_paths() -> None:
    place = NodePoolRef(cluster=ClusterRef(cloud=Cloud.GCP, owner="p", location="l", name="c"), name="n")
    assert str(place) == "p/l/c/n"
    assert str(ObjectKey(kind=Kind.POOL, namespace="shop", name="web")) == "multicloudpool/shop/web"
    assert Kind.POOL.plural == "multicloudpools"
