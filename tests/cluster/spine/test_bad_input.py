"""What a person got wrong is told on the object, with a stable reason; everything else goes on as if nothing were."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from multicloud_lab.controlplane import ControlPlane
from multicloud_lab.core.seed import AksCluster, AksPool, AzureSeed, GcpSeed, GkeAutoscaling, GkeCluster, GkePool, Seed
from support import samples
from support.samples import CLOUDS, FOUND, account, member, pool
from support.stage import Resize, Stage, a_stage, condition_of

ZONES = ("europe-west1-b",)
SEED = Seed(
    azure=AzureSeed(
        clusters=(
            AksCluster(
                name="shop-prod",
                pools=(
                    AksPool(name="system", mode="System", count=2),
                    AksPool(name="web"),
                    AksPool(name="auto", enable_auto_scaling=True, min_count=1, max_count=9),
                ),
            ),
        )
    ),
    gcp=GcpSeed(
        clusters=(
            GkeCluster(name="shop-prod", pools=(GkePool(name="web"),)),
            GkeCluster(
                name="shop-batch",
                location="europe-west1-b",
                zones=ZONES,
                pools=(
                    GkePool(name="web", node_count=4),
                    GkePool(name="auto", node_count=4, autoscaling=GkeAutoscaling()),
                ),
            ),
        )
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A member that cannot be managed, and the reason that its pool shows."""

    name: str
    member: Mapping[str, Any]
    reason: str


def _eks(**changes: str) -> dict[str, str]:
    return {"cluster": "shop-prod", "region": "us-east-1", "nodeGroup": "web", **changes}


def _aks(**changes: str) -> dict[str, str]:
    return {"resourceGroup": "shop", "cluster": "shop-prod", "agentPool": "web", **changes}


def _gke(**changes: str) -> dict[str, str]:
    return {"location": "europe-west1-b", "cluster": "shop-batch", "nodePool": "web", **changes}


REGIONAL = _gke(location="europe-west1", cluster="shop-prod")

MISTAKES = [
    Mistake(name="unknown-account", member=member("aws", accountRef={"name": "nobody"}), reason="AccountNotFound"),
    Mistake(name="no-secret", member=member("aws", accountRef={"name": "no-secret"}), reason="SecretNotFound"),
    Mistake(name="wrong-keys-aws", member=member("aws", accountRef={"name": "keys-aws"}), reason="SecretKeyMissing"),
    Mistake(
        name="wrong-keys-azure", member=member("azure", accountRef={"name": "keys-azure"}), reason="SecretKeyMissing"
    ),
    Mistake(name="wrong-keys-gcp", member=member("gcp", accountRef={"name": "keys-gcp"}), reason="SecretKeyMissing"),
    Mistake(name="wrong-cloud", member=member("aws", accountRef={"name": "gcp"}), reason="WrongCloud"),
    Mistake(name="no-such-group", member=member("aws", eks=_eks(nodeGroup="none")), reason="NodePoolNotFound"),
    Mistake(name="no-such-agent-pool", member=member("azure", aks=_aks(agentPool="none")), reason="NodePoolNotFound"),
    Mistake(name="no-such-node-pool", member=member("gcp", gke=_gke(nodePool="none")), reason="NodePoolNotFound"),
    Mistake(name="claimed-twice", member=member("aws"), reason="NodePoolClaimed"),
    Mistake(name="autoscaler-aks", member=member("azure", aks=_aks(agentPool="auto")), reason="AutoscalerOn"),
    Mistake(name="autoscaler-gke", member=member("gcp", gke=_gke(nodePool="auto")), reason="AutoscalerOn"),
    Mistake(name="no-legal-size", member=member("gcp", gke=REGIONAL, minNodes=4, maxNodes=5), reason="NoLegalSize"),
]

BAD_ACCOUNTS = {
    "no-secret": ("aws", "none", "SecretNotFound"),
    "keys-aws": ("aws", "azure-keys", "SecretKeyMissing"),
    "keys-azure": ("azure", "gcp-keys", "SecretKeyMissing"),
    "keys-gcp": ("gcp", "aws-keys", "SecretKeyMissing"),
    "no-key-gcp": ("gcp", "no-key", "SecretInvalid"),
}
"""Accounts by name: cloud, the Secret that they name, and the reason that they show."""


@pytest.fixture(scope="module")
def told(our_kinds: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One operator that meets every mistake at once, beside three pools that are well."""
    with a_stage(our_kinds, tmp_path_factory.mktemp("bad-input"), seed=SEED) as stage:
        stage.given_accounts()
        credentials = stage.lab.document["credentials"]
        stage.api.create(samples.secret("no-key", **{"key.json": "{}"}))
        for name, (cloud, keys, _) in BAD_ACCOUNTS.items():
            stage.api.create(account(cloud, credentials, name=name, keys=keys))
        stage.api.create_all([pool(cloud, member(cloud)) for cloud in CLOUDS])
        stage.operator().start()
        for cloud in CLOUDS:
            stage.until_found(cloud)
        stage.api.create_all([pool(mistake.name, dict(mistake.member), replicas=9) for mistake in MISTAKES])
        yield stage


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_told_on_the_pool(told: Stage, mistake: Mistake) -> None:
    told.until_condition(mistake.name, "MembersHealthy", "False", mistake.reason)
    status = told.status(mistake.name)
    (condition,) = [each for each in status["conditions"] if each["type"] == "MembersHealthy"]
    assert mistake.member["name"] in condition["message"]
    assert status["members"][0]["intent"] is None


@pytest.mark.parametrize("name", BAD_ACCOUNTS)
def test_a_mistake_is_told_on_the_account(told: Stage, name: str) -> None:
    _, _, reason = BAD_ACCOUNTS[name]

    def conditions() -> list[tuple[str, str]]:
        status = told.api.account(name).get("status") or {}
        return [condition_of(status, kind) for kind in ("Ready", "Stalled")]

    told.until(lambda: conditions() == [("False", reason), ("True", reason)], f"{reason} is told")


def test_a_mended_secret_works_without_a_restart(told: Stage) -> None:
    name = "no-secret"
    told.until_condition(name, "MembersHealthy", "False", "SecretNotFound")
    aws = told.lab.document["credentials"]["aws"]
    told.api.create(samples.secret("none", accessKeyId=aws["accessKeyId"], secretAccessKey=aws["secretAccessKey"]))
    # The pool behind it names a node group that is another's: that is what it says now.
    told.until_condition(name, "MembersHealthy", "False", "NodePoolClaimed", timeout_s=75)


def test_the_others_go_on(told: Stage) -> None:
    told.until(
        lambda: all(told.condition(mistake.name, "MembersHealthy")[0] == "False" for mistake in MISTAKES),
        "every mistake is told",
    )
    for cloud in CLOUDS:
        told.api.scale(cloud, 9)
    for cloud in CLOUDS:
        told.until_nodes(cloud, 9)
        assert told.condition(cloud, "MembersHealthy")[0] == "True"
        assert told.resizes(cloud) == [Resize(FOUND, 9)]
    written = {call["pool"] for call in told.cloud_writes()}
    assert written == {"web"}, "a node pool was written that nobody may write"


def test_a_bad_member_does_not_hold_up_the_good_one_of_its_pool(told: Stage) -> None:
    good = member("aws", eks=_eks(nodeGroup="batch"))
    bad = member("gcp", gke=_gke(nodePool="none"))
    told.api.create(pool("mixed", good, bad, replicas=8))
    told.until_nodes("mixed", 8, member="aws")
    assert told.condition("mixed", "MembersHealthy") == ("False", "NodePoolNotFound")
