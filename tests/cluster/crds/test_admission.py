"""What the API server refuses, with the path of the field, and what it lets through."""

import json
from subprocess import CompletedProcess
from typing import Any

import pytest

from multicloud.kinds.crd import crds
from multicloud.kinds.refusals import refusals
from multicloud.model.ref import Kind
from multicloud_lab.controlplane import ControlPlane
from support.manifests import NO_PRICES, PROVIDERS, account, member, policy, pool, prometheus

_GUID = "00000000-0000-0000-0000-000000000001"


def _create(our_kinds: ControlPlane, body: dict[str, Any]) -> CompletedProcess[str]:
    text = json.dumps(_unplaced(body))
    return our_kinds.kubectl("create", "--dry-run=server", "--output=json", "--filename=-", input=text)


def _unplaced(body: dict[str, Any]) -> dict[str, Any]:
    """The object without its namespace; kubectl fills one in."""
    return {**body, "metadata": {"name": body["metadata"]["name"]}}


def _eks(**fields: str) -> dict[str, Any]:
    return member("east", eks={"cluster": "shop-prod", "region": "us-east-1", "nodeGroup": "web", **fields})


def _aks(**fields: str) -> dict[str, Any]:
    return member("east", "aks", aks={"resourceGroup": "shop", "cluster": "c", "agentPool": "web", **fields})


def _gke(**fields: str) -> dict[str, Any]:
    return member("east", "gke", gke={"location": "europe-west1", "cluster": "c", "nodePool": "web", **fields})


def _survive(**fields: Any) -> dict[str, Any]:
    return {"loss": "Cloud", "keepPercent": 60, **fields}


def _priced(*prices: str, **fields: Any) -> dict[str, Any]:
    return pool(members=[member(f"m{n}", hourlyPrice=price) for n, price in enumerate(prices)], **fields)


_SECRET = {"secretRef": {"name": "keys"}}
_GCP = PROVIDERS["gcp"]
_NO_CLIENT = {name: value for name, value in PROVIDERS["azure"].items() if name != "clientId"}
_ROLES = (
    "arn:aws:iam::111122223333:role/plain",
    "arn:aws:iam::111122223333:role/team/shop/with-path",
    "arn:aws-us-gov:iam::111122223333:role/government",
    "arn:aws-cn:iam::111122223333:role/china+=,.@_-",
)
_EMAILS = (
    "pools@shop-prod-1.iam.gserviceaccount.com",
    "pools@shop-prod-1.example.com.iam.gserviceaccount.com",
    "123456789012-compute@developer.gserviceaccount.com",
)

_NIGHT = {"name": "night", "schedule": "0 22 * * *", "durationSeconds": 3600, "maxReplicas": 5}
_CPU = {"name": "cpu", "resource": {"name": "cpu"}, "target": {"type": "Utilization", "value": "70"}}
_QUEUE = {
    "name": "queue",
    "external": {"name": "depth", "selector": {"matchLabels": {"queue": "a"}}},
    "target": {"type": "AverageValue", "value": "30"},
}
_AT_THE_BORDER = {"scaleUpAbove": "0.3", "scaleDownBelow": "0.2", "scaleUpFactor": "1.5", "scaleDownFactor": "0.9"}
_EVER_UP = {"scaleDownFactor": "0.9", "scaleDownBelow": "0.6", "scaleUpFactor": "1.334"}
_RATES = {"policies": [{"type": "Percent", "value": 10, "periodSeconds": 1801}]}

_TAKEN = [
    pytest.param(pool(), id="smallest pool"),
    pytest.param(pool(replicas=99), id="replicas outside the bounds are clamped, not refused"),
    pytest.param(pool(minReplicas=0, maxReplicas=0), id="nothing wanted"),
    pytest.param(pool(minReplicas=5, maxReplicas=5), id="bounds that meet"),
    pytest.param(pool(name="a" * 63), id="longest name"),
    pytest.param(pool(members=[member(f"m{n}") for n in range(100)]), id="a hundred members"),
    pytest.param(pool(members=[_eks(region="us-gov-west-1")]), id="government region"),
    pytest.param(pool(members=[_eks(cluster="9_Shop")]), id="EKS name with a digit first"),
    pytest.param(pool(members=[_aks(resourceGroup="Läden_(prod).1")]), id="resource group of Azure's alphabet"),
    pytest.param(pool(members=[_aks(subscriptionId=_GUID)]), id="member's own subscription"),
    pytest.param(pool(members=[_gke(location="europe-west1-b")]), id="zone"),
    pytest.param(pool(members=[_gke(project="example.com:shop-prod-1")]), id="project of a domain"),
    pytest.param(_priced("0.0001", "0.192", "1000", "0", "999.999999"), id="prices"),
    pytest.param(_priced("0.1", allocation={"strategy": "Cost"}), id="Cost with prices"),
    pytest.param(_priced("0.1", currency="EUR", allocation={"maxHourlyCost": "120.50"}), id="a ceiling"),
    pytest.param(
        pool(allocation={"survive": [_survive(), _survive(loss="Region"), _survive(loss="Member", keepPercent=100)]}),
        id="every loss",
    ),
    *(pytest.param(account(provider), id=f"account of {provider}") for provider in PROVIDERS),
    pytest.param(account("aws", credentials=_SECRET), id="account with a secret"),
    *(pytest.param(account("aws", aws={"roleArn": arn}), id=arn.rpartition("/")[2]) for arn in _ROLES),
    pytest.param(
        account("aws", aws={"roleArn": _ROLES[0], "externalId": "a/b:c=d"}, credentials=_SECRET), id="own external id"
    ),
    pytest.param(
        account("azure", azure={**PROVIDERS["azure"], "environment": "AzureUSGovernment"}), id="sovereign cloud"
    ),
    pytest.param(account("azure", azure=_NO_CLIENT), id="the operator's own application"),
    *(pytest.param(account("gcp", gcp={**_GCP, "impersonate": email}), id=email) for email in _EMAILS),
    pytest.param(policy(), id="smallest policy"),
    pytest.param(policy(metrics=[prometheus(f"m{n}") for n in range(20)]), id="twenty metrics"),
    pytest.param(policy(algorithm="Step", step={}), id="a step of defaults"),
    pytest.param(policy(algorithm="Step", step={"scaleUpAbove": "0.6", "scaleDownBelow": "0.3"}), id="at the border"),
    pytest.param(policy(algorithm="Step", step=_AT_THE_BORDER), id="at the border, where a double would be above"),
    pytest.param(policy(metrics=None, schedules=[_NIGHT]), id="schedules alone"),
    pytest.param(policy(metrics=[_CPU, _QUEUE]), id="nodes and an adapter"),
    pytest.param(policy(fallback={"behavior": "AtLeast", "replicas": 3}), id="a fallback"),
]


@pytest.mark.parametrize("body", _TAKEN)
def test_taken(our_kinds: ControlPlane, body: dict[str, Any]) -> None:
    answer = _create(our_kinds, body)
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("body", _TAKEN)
def test_a_file_with_it_is_taken_without_asking(body: dict[str, Any]) -> None:
    assert refusals(Kind(body["kind"]), body) == []


_TOO_MANY = [member(f"m{n}") for n in range(101)]

_REFUSED = [
    pytest.param(pool(minReplicas=11), "spec.minReplicas", "minReplicas must not be above maxReplicas", id="minimum"),
    pytest.param(
        pool(members=[member("a"), member("b", minNodes=11)]),
        "spec.members[1].minNodes",
        "minNodes must not be above maxNodes",
        id="member's minimum",
    ),
    pytest.param(
        pool(members=[{"name": "a", "accountRef": {"name": "x"}, "maxNodes": 1}]),
        "spec.members[0]",
        "exactly one of eks, aks and gke must be set",
        id="no cloud",
    ),
    pytest.param(
        pool(members=[{**member("a", "eks"), **member("a", "gke")}]),
        "spec.members[0]",
        "exactly one of eks, aks and gke must be set",
        id="two clouds",
    ),
    pytest.param(pool(members=[member("a"), member("b"), member("a")]), "spec.members[2]", "Duplicate", id="doubled"),
    pytest.param(pool(members=_TOO_MANY), "spec.members", "at most 100", id="101 members"),
    pytest.param(pool(members=[]), "spec.members", "at least 1", id="no member"),
    pytest.param(pool(members=None), "spec.members", "Required", id="members missing"),
    pytest.param(pool(minReplicas=None), "spec.minReplicas", "Required", id="minReplicas missing"),
    pytest.param(pool(maxReplicas=None), "spec.maxReplicas", "Required", id="maxReplicas missing"),
    pytest.param(pool(replicas=-1), "spec.replicas", "greater than or equal to 0", id="negative replicas"),
    pytest.param(
        pool(maxReplicas=1_000_001), "spec.maxReplicas", "less than or equal to 1000000", id="absurd replicas"
    ),
    pytest.param(pool(replicas="7"), "spec.replicas", "must be of type integer", id="replicas as text"),
    pytest.param(pool(mode="Later"), "spec.mode", "Unsupported value", id="mode"),
    pytest.param(pool(adoption="Never"), "spec.adoption", "Unsupported value", id="adoption"),
    pytest.param(pool(allocation={"strategy": "Rank"}), "spec.allocation.strategy", "Unsupported value", id="strategy"),
    pytest.param(
        pool(allocation={"strategy": "Cost"}),
        "spec.allocation.strategy",
        "allocation.strategy Cost needs hourlyPrice on every member",
        id="Cost without prices",
    ),
    pytest.param(
        pool(allocation={"maxHourlyCost": "9"}, members=[member("a", hourlyPrice="1"), member("b")]),
        "spec.allocation.maxHourlyCost",
        "allocation.maxHourlyCost needs hourlyPrice on every member",
        id="a ceiling with one price missing",
    ),
    *(
        pytest.param(
            pool(members=[member("a", hourlyPrice=price)]), "spec.members[0].hourlyPrice", "", id=f"price {price!r}"
        )
        for price in NO_PRICES
    ),
    pytest.param(pool(allocation={"maxHourlyCost": "-1"}), "spec.allocation.maxHourlyCost", "match", id="ceiling"),
    pytest.param(
        pool(allocation={"survive": [_survive(keepPercent=101)]}), "survive[0].keepPercent", "less than", id="101 %"
    ),
    pytest.param(pool(allocation={"survive": [_survive(loss="Zone")]}), "survive[0].loss", "Unsupported", id="zone"),
    pytest.param(
        pool(allocation={"survive": [_survive(), _survive()]}), "survive[1]", "Duplicate", id="one loss twice"
    ),
    pytest.param(pool(allocation={"spot": {"maxPercent": 101}}), "spot.maxPercent", "less than", id="spot of 101 %"),
    pytest.param(pool(currency="usd"), "spec.currency", "should match", id="currency in small letters"),
    pytest.param(pool(currency=["USD", "EUR"]), "spec.currency", "must be of type string", id="two currencies"),
    pytest.param(pool(drift={"surplus": "Fight"}), "spec.drift.surplus", "Unsupported value", id="surplus"),
    pytest.param(pool(drift={"holdSeconds": -1}), "spec.drift.holdSeconds", "greater than", id="holdSeconds"),
    pytest.param(
        pool(disruption={"maxNodesPerStep": 0}), "spec.disruption.maxNodesPerStep", "greater than", id="step of nothing"
    ),
    pytest.param(pool(name="a" * 64), "<nil>", "metadata.name must be at most 63 characters", id="long name"),
    pytest.param(pool(calendar="fiscal"), "spec.calendar", "unknown field", id="field of a later issue"),
    pytest.param(pool(members=[member("a", state="Gone")]), "spec.members[0].state", "Unsupported value", id="state"),
    pytest.param(pool(members=[member("a", unitsPerNode=0)]), "spec.members[0].unitsPerNode", "greater", id="no units"),
    pytest.param(pool(members=[member("a", unitsPerNode=1025)]), "spec.members[0].unitsPerNode", "less", id="units"),
    pytest.param(pool(members=[member("a", weight=1001)]), "spec.members[0].weight", "less than", id="weight"),
    pytest.param(pool(members=[member("a", maxNodes=10_001)]), "spec.members[0].maxNodes", "less than", id="maxNodes"),
    pytest.param(pool(members=[member("A")]), "spec.members[0].name", "should match", id="member's name"),
    pytest.param(
        pool(members=[member("a", accountRef={"name": "../x"})]), "spec.members[0].accountRef.name", "match", id="ref"
    ),
    pytest.param(pool(members=[_eks(cluster="a/b")]), "spec.members[0].eks.cluster", "match", id="EKS cluster"),
    pytest.param(pool(members=[_eks(region="us-east-1.evil")]), "spec.members[0].eks.region", "match", id="region"),
    pytest.param(pool(members=[_eks(nodeGroup="..")]), "spec.members[0].eks.nodeGroup", "match", id="node group"),
    pytest.param(pool(members=[_aks(resourceGroup="..")]), "spec.members[0].aks.resourceGroup", "match", id="group"),
    pytest.param(pool(members=[_aks(cluster="a?b")]), "spec.members[0].aks.cluster", "match", id="AKS cluster"),
    pytest.param(pool(members=[_aks(agentPool="Web")]), "spec.members[0].aks.agentPool", "match", id="agent pool"),
    pytest.param(pool(members=[_aks(subscriptionId="x")]), "aks.subscriptionId", "match", id="subscription"),
    pytest.param(pool(members=[_gke(location="-")]), "spec.members[0].gke.location", "match", id="location"),
    pytest.param(pool(members=[_gke(cluster="a%2fb")]), "spec.members[0].gke.cluster", "match", id="GKE cluster"),
    pytest.param(pool(members=[_gke(nodePool="a\n")]), "spec.members[0].gke.nodePool", "match", id="node pool"),
    pytest.param(pool(members=[_gke(project="a/b/c/d/e")]), "spec.members[0].gke.project", "match", id="project"),
    *(
        pytest.param(
            account(provider, **{other: PROVIDERS[other]}),
            f"spec.{other}",
            f"{other} must be set if, and only if, provider is {other}",
            id=f"{provider} with block {other}",
        )
        for provider in PROVIDERS
        for other in PROVIDERS
        if other != provider
    ),
    *(
        pytest.param(
            {**account(provider), "spec": {"provider": provider}},
            f"spec.{provider}",
            f"{provider} must be set if, and only if, provider is {provider}",
            id=f"{provider} without its block",
        )
        for provider in PROVIDERS
    ),
    pytest.param({**account(), "spec": {"provider": "oci"}}, "spec.provider", "Unsupported value", id="unknown cloud"),
    pytest.param({**account(), "spec": {"aws": {}}}, "spec.provider", "Required", id="no provider"),
    pytest.param(account("gcp", gcp={"project": "a/b"}), "spec.gcp.project", "should match", id="project of account"),
    *(
        pytest.param(
            account(provider, **{provider: {**PROVIDERS[provider], "endpoint": "https://evil.example"}}),
            f"spec.{provider}.endpoint",
            "unknown field",
            id=f"an endpoint of {provider}",
        )
        for provider in PROVIDERS
    ),
    *(
        pytest.param(account("aws", aws={"roleArn": arn}), "spec.aws.roleArn", "should match", id=f"role {arn}")
        for arn in (
            "pools",
            "arn:aws:iam::111122223333:user/pools",
            "arn:aws:iam::1:role/pools",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::111122223333:role/a b",
            "arn:aws:iam::111122223333:role/pools\n",
            "arn:evil:iam::111122223333:role/pools",
        )
    ),
    pytest.param(
        account("aws", aws={"externalId": "mine"}, credentials=_SECRET),
        "spec.aws.externalId",
        "externalId needs roleArn",
        id="external id without a role",
    ),
    pytest.param(
        account("aws", aws={"roleArn": _ROLES[0], "externalId": "mine"}),
        "spec.aws.externalId",
        "externalId is allowed only together with credentials",
        id="external id of the operator's own identity",
    ),
    pytest.param(
        account("aws", aws={"roleArn": _ROLES[0], "externalId": "mine"}, credentials={}),
        "spec.aws.externalId",
        "externalId is allowed only together with credentials",
        id="external id and credentials that name nothing",
    ),
    pytest.param(
        account("aws", aws={"roleArn": _ROLES[0], "externalId": "a b"}, credentials=_SECRET),
        "spec.aws.externalId",
        "should match",
        id="external id of other letters",
    ),
    pytest.param(
        account("azure", azure=_NO_CLIENT, credentials=_SECRET),
        "spec.azure.clientId",
        "azure.clientId is required beside credentials",
        id="a Secret of no application",
    ),
    pytest.param(
        account("azure", azure={**PROVIDERS["azure"], "environment": "https://evil.example"}),
        "spec.azure.environment",
        "should match",
        id="an environment that is an address",
    ),
    *(
        pytest.param(
            account("gcp", gcp={**_GCP, "impersonate": email}), "spec.gcp.impersonate", "should match", id=f"as {email}"
        )
        for email in (
            "pools",
            "pools@example.com",
            "a@evil.example/x.gserviceaccount.com",
            "a:generateAccessToken@x.iam.gserviceaccount.com",
            "../b@x.iam.gserviceaccount.com",
        )
    ),
    pytest.param(
        account("aws", credentials={"secretRef": {"name": "x", "namespace": "y"}}),
        "spec.credentials.secretRef.namespace",
        "unknown field",
        id="a secret elsewhere",
    ),
]
_REFUSED += [
    pytest.param(policy(poolRef=None), "spec.poolRef", "Required", id="no pool"),
    pytest.param(
        policy(poolRef={"name": "web", "namespace": "team"}),
        "spec.poolRef.namespace",
        "unknown field",
        id="another's pool",
    ),
    pytest.param(policy(metrics=None), "spec", "metrics or schedules must be set", id="nothing decides"),
    pytest.param(policy(minReplicas=2, maxReplicas=1), "spec.minReplicas", "must not be above", id="policy's minimum"),
    pytest.param(policy(intervalSeconds=14), "spec.intervalSeconds", "greater than or equal to 15", id="too often"),
    pytest.param(policy(algorithm="Magic"), "spec.algorithm", "Unsupported value", id="algorithm"),
    pytest.param(policy(metrics=[prometheus(), prometheus()]), "spec.metrics[1]", "Duplicate", id="doubled metric"),
    pytest.param(
        policy(metrics=[prometheus(value="0.0")]),
        "spec.metrics[0].target.value",
        "target.value must be above 0",
        id="target 0",
    ),
    pytest.param(
        policy(metrics=[prometheus(value="-1")]), "spec.metrics[0].target.value", "should match", id="negative target"
    ),
    pytest.param(
        policy(metrics=[{"name": "x", "target": prometheus()["target"]}]),
        "spec.metrics[0]",
        "exactly one of prometheus, resource, external and pendingPods must be set",
        id="no source",
    ),
    pytest.param(
        policy(metrics=[{"name": "x", "pendingPods": {}, "target": prometheus()["target"]}]),
        "spec.metrics[0]",
        "target must be set if, and only if, pendingPods is not",
        id="a target for pods that wait",
    ),
    pytest.param(
        policy(metrics=[{"name": name, "pendingPods": {}} for name in ("a", "b")]),
        "spec",
        "at most one metric may be pendingPods",
        id="pods that wait, twice",
    ),
    pytest.param(
        policy(metrics=[{**_CPU, "target": prometheus()["target"]}]),
        "spec.metrics[0].target",
        "target.type is Utilization for resource, and AverageValue or Value for prometheus and external",
        id="an average of a share",
    ),
    pytest.param(policy(step={}), "spec.step", "step is only for algorithm Step", id="step of another algorithm"),
    pytest.param(
        policy(algorithm="Step", step={"scaleUpFactor": "1"}), "spec.step", "scaleUpFactor above 1", id="no step up"
    ),
    pytest.param(
        policy(algorithm="Step", step={"scaleDownBelow": "0.401"}),
        "spec.step.scaleDownBelow",
        "step oscillates: scaleDownBelow must not be above scaleDownFactor × scaleUpAbove",
        id="oscillates after a step down",
    ),
    pytest.param(
        policy(algorithm="Step", step=_EVER_UP),
        "spec.step.scaleDownBelow",
        "step oscillates: scaleDownBelow × scaleUpFactor must not be above scaleUpAbove",
        id="oscillates after a step up",
    ),
    pytest.param(
        policy(behavior={"scaleUp": {"stabilizationWindowSeconds": 3601}}),
        "spec.behavior.scaleUp.stabilizationWindowSeconds",
        "less than or equal to 3600",
        id="window",
    ),
    pytest.param(
        policy(behavior={"scaleDown": _RATES}),
        "spec.behavior.scaleDown.policies[0].periodSeconds",
        "less than or equal to 1800",
        id="period",
    ),
    pytest.param(
        policy(schedules=[{**_NIGHT, "maxReplicas": None}]),
        "spec.schedules[0]",
        "one of replicas, minReplicas and maxReplicas must be set",
        id="a schedule of nothing",
    ),
    pytest.param(
        policy(fallback={"behavior": "Static"}),
        "spec.fallback",
        "replicas must be set if, and only if, behavior is Static or AtLeast",
        id="a fallback to nothing",
    ),
]


@pytest.mark.parametrize(("body", "path", "words"), _REFUSED)
def test_refused_with_the_path(our_kinds: ControlPlane, body: dict[str, Any], path: str, words: str) -> None:
    answer = _create(our_kinds, body)
    assert answer.returncode != 0
    assert path in answer.stderr
    assert words in answer.stderr


@pytest.mark.parametrize(("body", "path", "words"), _REFUSED)
def test_a_file_with_it_is_refused_at_the_same_field(body: dict[str, Any], path: str, words: str) -> None:
    (refusal,) = refusals(Kind(body["kind"]), body)
    # The API server names no field for a rule of the whole object.
    assert refusal.path.endswith("metadata.name" if path == "<nil>" else path)
    if words in _RULES:
        assert refusal.words == words


def _messages(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        own = [rule["message"] for rule in schema.get("x-kubernetes-validations", ())]
        return own + [message for inner in schema.values() for message in _messages(inner)]
    return [message for inner in schema for message in _messages(inner)] if isinstance(schema, list) else []


_RULES = set(_messages(crds()))
"""The words of every CEL rule."""


def test_the_provider_of_an_account_never_changes(our_kinds: ControlPlane, namespace: str) -> None:
    created = our_kinds.kubectl(
        "create", "--filename=-", f"--namespace={namespace}", input=json.dumps(_unplaced(account()))
    )
    created.check_returncode()
    other = json.dumps({"spec": {"provider": "gcp", "aws": None, "gcp": PROVIDERS["gcp"]}})
    answer = our_kinds.kubectl("patch", "cacct/account", f"--namespace={namespace}", "--type=merge", f"--patch={other}")
    assert answer.returncode != 0
    assert "spec.provider: Invalid value" in answer.stderr
    assert "provider is immutable" in answer.stderr


def test_the_pool_of_a_policy_never_changes(our_kinds: ControlPlane, namespace: str) -> None:
    body = json.dumps(_unplaced(policy()))
    our_kinds.kubectl("create", "--filename=-", f"--namespace={namespace}", input=body).check_returncode()
    other = json.dumps({"spec": {"poolRef": {"name": "other"}}})
    answer = our_kinds.kubectl("patch", "scalepol/web", f"--namespace={namespace}", "--type=merge", f"--patch={other}")
    assert answer.returncode != 0
    assert "poolRef is immutable" in answer.stderr


def test_a_policy_gets_the_defaults_that_it_shows(our_kinds: ControlPlane) -> None:
    made = json.loads(_create(our_kinds, policy()).stdout)["spec"]
    assert made == {
        "poolRef": {"name": "web"},
        "intervalSeconds": 30,
        "algorithm": "TargetTracking",
        "metrics": [prometheus() | {"prometheus": {"source": "main", "query": "sum(rate(requests[1m]))"}}],
        "fallback": {"afterFailures": 3, "behavior": "Hold"},
    }


def test_defaults_are_filled_in_and_replicas_stays_absent(our_kinds: ControlPlane) -> None:
    made = json.loads(_create(our_kinds, pool()).stdout)["spec"]
    assert "replicas" not in made
    assert made["drift"] == {"surplus": "Hold", "deficit": "Correct", "holdSeconds": 3600}
    assert made["disruption"] == {
        "maxUnavailablePercent": 10,
        "maxNodesPerStep": 20,
        "stepPauseSeconds": 300,
        "scaleDownDelaySeconds": 300,
        "maxSurgePercent": 10,
        "voluntaryMoves": "Observed",
    }
    assert (made["mode"], made["paused"], made["adoption"], made["allocation"]) == (
        "Apply",
        False,
        "KeepSize",
        {
            "strategy": "Weighted",
            "spot": {"maxPercent": 100, "minOnDemandReplicas": 0},
            "moveWhenSaving": {"percent": 10, "forSeconds": 1800},
        },
    )
    assert {key: made["members"][0][key] for key in ("state", "minNodes", "unitsPerNode", "weight", "priority")} == {
        "state": "Active",
        "minNodes": 0,
        "unitsPerNode": 1,
        "weight": 1,
        "priority": 0,
    }
