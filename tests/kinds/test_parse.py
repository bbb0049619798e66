"""Objects as stored become nouns; what cannot be understood is told with its path and never raises."""

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multicloud.kinds.parse import account_object, pool_object
from multicloud.model.account import AccountSpec, AwsAccount, AzureAccount, GcpAccount
from multicloud.model.reason import Code
from multicloud.model.record import AccountRecord, PoolRecord
from multicloud.model.ref import Cloud, ClusterRef, Kind, NodePoolRef, ObjectKey
from multicloud.model.schedule import Schedule
from multicloud.model.spec import (
    Action,
    Adoption,
    Detect,
    Disruption,
    Drift,
    Loss,
    MemberSpec,
    MemberState,
    Mode,
    MoveWhenSaving,
    PoolSpec,
    Price,
    Strategy,
    Survive,
    VoluntaryMoves,
    Window,
)
from support.manifests import NO_PRICES, account, member, pool

NIGHTS = Schedule(cron="0 1 * * *", zone=ZoneInfo("Europe/Berlin"), duration_s=3600)

_SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
_ROLE = "arn:aws:iam::111122223333:role/team/pools"
_EMAIL = "pools@shop-prod-1.iam.gserviceaccount.com"
_SECRET = {"secretRef": {"name": "keys"}}


def test_a_minimal_pool_gets_the_defaults_of_the_schema() -> None:
    east = MemberSpec(
        name="east",
        account="account",
        node_pool=NodePoolRef(cluster=ClusterRef(cloud=Cloud.AWS, location="us-east-1", name="shop-prod"), name="web"),
        max_nodes=10,
    )
    assert pool_object(pool()).spec == PoolSpec(replicas=None, min_replicas=1, max_replicas=10, members=(east,))


def test_every_field_of_a_pool_is_read() -> None:
    body = pool(
        replicas=7,
        minReplicas=2,
        maxReplicas=90,
        mode="Plan",
        paused=True,
        adoption="Apply",
        allocation={"strategy": "Priority"},
        disruption={
            "maxUnavailablePercent": 20,
            "maxNodesPerStep": 3,
            "stepPauseSeconds": 60,
            "scaleDownDelaySeconds": 4,
            "maxSurgePercent": 30,
            "voluntaryMoves": "Never",
            "windows": [
                {
                    "schedule": "0 1 * * *",
                    "timeZone": "Europe/Berlin",
                    "durationSeconds": 3600,
                    "allow": ["ScaleDown", "Move"],
                }
            ],
        },
        drift={"surplus": "Hold", "deficit": "Correct", "holdSeconds": 5},
        members=[
            member(
                "a",
                "aks",
                state="Frozen",
                minNodes=1,
                maxNodes=9,
                unitsPerNode=8,
                weight=0,
                priority=-2,
                providerAutoscaling={"policy": "Refuse", "detect": "Off"},
                kubeconfigSecretRef={"name": "inside"},
            ),
        ],
    )
    body["spec"]["members"][0]["aks"]["subscriptionId"] = "00000000-0000-0000-0000-0000000000FF"
    cluster = ClusterRef(
        cloud=Cloud.AZURE, owner="00000000-0000-0000-0000-0000000000ff", group="shop", name="shop-prod"
    )
    assert pool_object(body).spec == PoolSpec(
        replicas=7,
        min_replicas=2,
        max_replicas=90,
        mode=Mode.PLAN,
        paused=True,
        adoption=Adoption.APPLY,
        strategy=Strategy.PRIORITY,
        disruption=Disruption(
            max_unavailable_percent=20,
            max_nodes_per_step=3,
            step_pause_s=60,
            scale_down_delay_s=4,
            max_surge_percent=30,
            voluntary_moves=VoluntaryMoves.NEVER,
            windows=(Window(schedule=NIGHTS, allow=frozenset(Action)),),
        ),
        drift=Drift(hold_s=5),
        members=(
            MemberSpec(
                name="a",
                account="account",
                node_pool=NodePoolRef(cluster=cluster, name="web"),
                state=MemberState.FROZEN,
                min_nodes=1,
                max_nodes=9,
                units_per_node=8,
                weight=0,
                priority=-2,
                detect_autoscaler=Detect.OFF,
                kubeconfig="inside",
            ),
        ),
    )


def test_a_gke_member_without_project_leaves_the_owner_to_its_account() -> None:
    spec = pool_object(pool(members=[member("g", "gke")])).spec
    assert spec is not None
    assert spec.members[0].node_pool == NodePoolRef(
        cluster=ClusterRef(cloud=Cloud.GCP, location="europe-west1-b", name="shop-batch"), name="web"
    )


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        pytest.param("aws", AwsAccount(), id="aws"),
        pytest.param(
            "azure",
            AzureAccount(
                tenant_id="00000000-0000-0000-0000-0000000000aa",
                client_id="00000000-0000-0000-0000-0000000000bb",
                subscription_id=_SUBSCRIPTION,
            ),
            id="azure",
        ),
        pytest.param("gcp", GcpAccount(project="shop-prod-1"), id="gcp"),
    ],
)
def test_the_block_of_the_provider_becomes_the_account(provider: str, expected: object) -> None:
    read = account_object(account(provider, credentials={"secretRef": {"name": "keys"}}))
    assert read.problem is None
    assert read.spec is not None
    assert (read.spec.provider, read.spec.secret) == (expected, "keys")


@pytest.mark.parametrize(
    ("provider", "fields", "expected", "target"),
    [
        ("aws", {"roleArn": _ROLE}, AwsAccount(role_arn=_ROLE), _ROLE),
        (
            "azure",
            {
                "tenantId": "00000000-0000-0000-0000-0000000000AA",
                "clientId": "00000000-0000-0000-0000-0000000000BB",
                "subscriptionId": _SUBSCRIPTION,
                "environment": "AzureChinaCloud",
            },
            AzureAccount(
                tenant_id="00000000-0000-0000-0000-0000000000aa",
                client_id="00000000-0000-0000-0000-0000000000bb",
                subscription_id=_SUBSCRIPTION,
                environment="AzureChinaCloud",
            ),
            "00000000-0000-0000-0000-0000000000bb@00000000-0000-0000-0000-0000000000aa",
        ),
        (
            "gcp",
            {"project": "shop-prod-1", "impersonate": _EMAIL},
            GcpAccount(project="shop-prod-1", impersonate=_EMAIL),
            _EMAIL,
        ),
    ],
)
def test_whom_the_ambient_identity_is_to_become(
    provider: str, fields: dict[str, str], expected: object, target: str
) -> None:
    spec = account_object(account(provider, **{provider: fields})).spec
    assert spec is not None
    assert (spec.provider, spec.secret, spec.target) == (expected, None, target)


@pytest.mark.parametrize(
    ("spec", "external_id"),
    [
        (account("aws"), None),
        (account("gcp", gcp={"project": "shop-prod-1", "impersonate": _EMAIL}), None),
        (account("aws", aws={"roleArn": _ROLE}), "prod/shop/account"),
        (account("aws", aws={"roleArn": _ROLE}, credentials=_SECRET), "prod/shop/account"),
        (account("aws", aws={"roleArn": _ROLE, "externalId": "own"}, credentials=_SECRET), "own"),
        ({**account("aws"), "spec": {}}, None),
    ],
    ids=["no-role", "another-cloud", "ambient", "keys", "own", "not-understood"],
)
def test_the_external_id_is_fixed_but_for_an_accounts_own_keys(spec: dict[str, Any], external_id: str | None) -> None:
    assert account_object(spec).external_id("prod") == external_id


@pytest.mark.parametrize("credentials", [{}, {"credentials": {}}], ids=["absent", "without secretRef"])
def test_no_secret_means_the_ambient_identity(credentials: dict[str, Any]) -> None:
    assert account_object(account("aws", **credentials)).spec == AccountSpec(provider=AwsAccount(), secret=None)


def test_metadata_names_and_versions_the_object() -> None:
    body = pool()
    body["metadata"] |= {"uid": "u-1", "generation": 4, "resourceVersion": "17"}
    read = pool_object(body)
    assert read.key == ObjectKey(kind=Kind.POOL, namespace="shop", name="web")
    assert (read.uid, read.generation, read.resource_version) == ("u-1", 4, "17")


@pytest.mark.parametrize(
    ("value", "field", "paused"),
    [
        pytest.param("true", False, True, id="annotation"),
        pytest.param("false", True, True, id="field"),
        pytest.param("false", False, False, id="neither"),
        pytest.param("yes", False, True, id="a brake that was misspelt holds"),
        pytest.param("", False, False, id="no word"),
    ],
)
def test_annotation_and_field_both_pause(value: str, field: bool, paused: bool) -> None:
    body = pool(paused=field)
    body["metadata"]["annotations"] = {"multicloud.dev/paused": value}
    spec = pool_object(body).spec
    assert spec is not None
    assert spec.paused is paused


@pytest.mark.parametrize(
    ("value", "adopted"),
    [
        pytest.param("*", {"*"}, id="all"),
        pytest.param("east, west", {"east", "west"}, id="list"),
        pytest.param(" , ", set(), id="nothing"),
    ],
)
def test_the_adopt_annotation_names_members(value: str, adopted: set[str]) -> None:
    body = pool()
    body["metadata"]["annotations"] = {"multicloud.dev/adopt": value}
    spec = pool_object(body).spec
    assert spec is not None
    assert spec.adopted == adopted


def test_fields_of_another_version_are_ignored() -> None:
    body = pool(calendar="fiscal", members=[member("east", nickname="left")])
    assert pool_object(body) == pool_object(pool())


def test_what_allocation_says_is_read() -> None:
    members = [member("a", hourlyPrice="0.096"), member("b", "gke", hourlyPrice="0", capacityType="Spot")]
    allocation = {
        "strategy": "Cost",
        "survive": [{"loss": "Cloud", "keepPercent": 60}],
        "spot": {"maxPercent": 40, "minOnDemandReplicas": 3},
        "maxHourlyCost": "120.50",
        "moveWhenSaving": {"percent": 5, "forSeconds": 60},
    }
    spec = pool_object(pool(currency="EUR", allocation=allocation, members=members)).spec
    assert spec is not None
    assert (spec.strategy, spec.currency) == (Strategy.COST, "EUR")
    assert spec.survive == (Survive(loss=Loss.CLOUD, keep_percent=60),)
    assert (spec.max_spot_percent, spec.min_on_demand) == (40, 3)
    assert spec.max_hourly_cost == Decimal("120.50")
    assert spec.saving == MoveWhenSaving(percent=5, for_s=60)
    assert [one.price for one in spec.members] == [
        Price(amount=Decimal("0.096"), currency="EUR"),
        Price(amount=Decimal(0), currency="EUR"),
    ]


_NOT_A_POOL: list[Any] = [
    *(
        pytest.param(
            {"members": [member("a", hourlyPrice=price)]}, "spec.members[0].hourlyPrice: ", id=f"price {price}"
        )
        for price in NO_PRICES
    ),
    pytest.param(
        {"allocation": {"strategy": "Cost"}},
        "spec: allocation.strategy Cost needs hourlyPrice on every member",
        id="Cost without prices",
    ),
    pytest.param(
        {"allocation": {"maxHourlyCost": "9"}, "members": [member("a", hourlyPrice="1"), member("b")]},
        "spec: allocation.maxHourlyCost needs hourlyPrice on every member",
        id="a ceiling with one price missing",
    ),
    pytest.param({"allocation": {"maxHourlyCost": "-1"}}, "spec.allocation.maxHourlyCost: ", id="negative ceiling"),
    pytest.param(
        {"allocation": {"survive": [{"loss": "Cloud", "keepPercent": 101}]}},
        "spec.allocation.survive[0].keepPercent: ",
        id="more than all survives",
    ),
    pytest.param(
        {"allocation": {"survive": [{"loss": "Zone", "keepPercent": 50}]}},
        "spec.allocation.survive[0].loss: ",
        id="loss of a zone",
    ),
    pytest.param(
        {"allocation": {"survive": [{"loss": "Cloud", "keepPercent": 1}, {"loss": "Cloud", "keepPercent": 2}]}},
        "spec: allocation.survive: doubled loss: Cloud",
        id="one loss twice",
    ),
    pytest.param({"currency": "usd"}, "spec.currency: ", id="currency in small letters"),
    pytest.param({"currency": ["USD", "EUR"]}, "spec.currency: ", id="two currencies"),
    pytest.param({"replicas": "7"}, "spec.replicas: ", id="number as string"),
    pytest.param({"replicas": True}, "spec.replicas: ", id="true is no number"),
    pytest.param({"minReplicas": 11}, "spec: minReplicas must not be above maxReplicas", id="minimum above maximum"),
    pytest.param({"minReplicas": None}, "spec.minReplicas: ", id="missing"),
    pytest.param({"mode": "Later"}, "spec.mode: ", id="mode of a newer version"),
    pytest.param({"members": []}, "spec.members: ", id="no member"),
    pytest.param({"members": [member("a"), member("a")]}, "spec: members: doubled names: a", id="doubled names"),
    pytest.param({"members": [member(f"m{n}") for n in range(101)]}, "spec.members: ", id="too many members"),
    pytest.param(
        {"members": [member("a"), member("b", minNodes=11)]},
        "spec.members[1]: minNodes must not be above maxNodes",
        id="member's minimum above its maximum",
    ),
    pytest.param(
        {"members": [{**member("a"), "gke": member("g", "gke")["gke"]}]},
        "spec.members[0]: exactly one of eks, aks and gke must be set",
        id="two clouds",
    ),
    pytest.param({"members": [member("a", eks=None)]}, "spec.members[0]: exactly one of", id="no cloud"),
    pytest.param(
        {"members": [member("a", eks={"cluster": "../x", "region": "us-east-1", "nodeGroup": "web"})]},
        "spec.members[0].eks.cluster: ",
        id="path in a name",
    ),
]


@pytest.mark.parametrize(("fields", "told"), _NOT_A_POOL)
def test_a_pool_that_cannot_be_understood_is_told_with_its_path(fields: dict[str, Any], told: str) -> None:
    read = pool_object(pool(**fields))
    assert read.spec is None
    assert read.problem is not None
    assert read.problem.code is Code.INVALID_SPEC
    assert read.problem.text.startswith(told)


def test_many_problems_are_counted_not_listed() -> None:
    read = pool_object(pool(replicas="x", minReplicas="x", maxReplicas="x", mode="x", paused="x"))
    assert read.problem is not None
    assert read.problem.text.endswith("; and 2 more")


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        pytest.param({"provider": "aws", "gcp": {"project": "shop-prod-1"}}, "spec: aws must be set", id="other block"),
        pytest.param({"provider": "aws", "aws": {}, "gcp": {"project": "shop-prod-1"}}, "spec: gcp must", id="two"),
        pytest.param({"provider": "oci"}, "spec.provider: ", id="unknown cloud"),
        pytest.param({"provider": "gcp", "gcp": {"project": "a/b"}}, "spec.gcp.project: ", id="path in a project"),
        pytest.param({"provider": "aws", "aws": {}, "credentials": {"secretRef": {}}}, "spec.credentials.", id="name"),
        pytest.param({"provider": "aws", "aws": {"roleArn": "pools"}}, "spec.aws.roleArn: ", id="no role"),
        pytest.param(
            {"provider": "aws", "aws": {"externalId": "x1"}, "credentials": _SECRET},
            "spec.aws: externalId needs roleArn",
            id="external id without a role",
        ),
        pytest.param(
            {"provider": "aws", "aws": {"roleArn": _ROLE, "externalId": "x1"}},
            "spec: externalId is allowed only together with credentials",
            id="external id without credentials",
        ),
        pytest.param(
            {
                "provider": "azure",
                "azure": {"tenantId": _SUBSCRIPTION, "subscriptionId": _SUBSCRIPTION},
                "credentials": _SECRET,
            },
            "spec: azure.clientId is required beside credentials",
            id="a Secret of no application",
        ),
        pytest.param(
            {"provider": "gcp", "gcp": {"project": "shop-prod-1", "impersonate": "a/b@x.gserviceaccount.com"}},
            "spec.gcp.impersonate: ",
            id="path in an e-mail",
        ),
    ],
)
def test_an_account_that_cannot_be_understood_is_told_with_its_path(spec: dict[str, Any], told: str) -> None:
    read = account_object({**account(), "spec": spec})
    assert read.spec is None
    assert read.problem is not None
    assert read.problem.text.startswith(told)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(spec=_JSON, status=_JSON, annotations=_JSON)
def test_no_stored_object_crashes(spec: object, status: object, annotations: object) -> None:
    body = {"metadata": {"name": "x", "annotations": annotations}, "spec": spec, "status": status}
    assert account_object(body).key.name == "x"
    assert pool_object(body).key.name == "x"


@pytest.mark.parametrize("missing", ["spec", "status", "metadata"])
def test_a_missing_block_does_not_crash(missing: str) -> None:
    body = {key: value for key, value in pool().items() if key != missing}
    assert pool_object(body).record == PoolRecord()
    body = {key: value for key, value in account().items() if key != missing}
    assert account_object(body).record == AccountRecord()
