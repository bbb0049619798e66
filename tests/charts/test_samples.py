"""The samples are taken by the API server as they are, and tell the story of the demonstration."""

import json
from typing import Any

import pytest

from multicloud.kinds.parse import account_object, policy_object, pool_object
from multicloud.model.ref import Cloud
from multicloud_lab.controlplane import ControlPlane
from support.renderings import TREE, documents, of_kind

_SAMPLES = TREE / "deploy" / "samples"


@pytest.fixture(scope="module")
def taken(installed: ControlPlane) -> list[dict[str, Any]]:
    """The samples as the API server holds them."""
    answer = installed.kubectl("apply", "-k", str(_SAMPLES))
    assert answer.returncode == 0, answer.stderr
    listed = installed.kubectl("get", "multicloud,secrets", "--namespace=shop", "--output=json")
    items: list[dict[str, Any]] = json.loads(listed.stdout)["items"]
    return items


def test_every_sample_is_understood(taken: list[dict[str, Any]]) -> None:
    problems = [account_object(body).problem for body in of_kind(taken, "CloudAccount")]
    problems += [pool_object(body).problem for body in of_kind(taken, "MultiCloudPool")]
    assert problems == [None] * 4


def test_the_pool_spans_three_clouds_and_leaves_its_number_open(taken: list[dict[str, Any]]) -> None:
    spec = pool_object(of_kind(taken, "MultiCloudPool")[0]).spec
    assert spec is not None
    assert spec.replicas is None
    assert {member.cloud for member in spec.members} == set(Cloud)
    assert {str(member.node_pool) for member in spec.members} == {
        "us-east-1/shop-prod/web",
        "shop/shop-prod/web",
        "europe-west1-b/shop-batch/web",
    }
    # 30 wanted, in steps that a person can watch.
    assert sum(member.max_nodes for member in spec.members) >= 30
    assert max(spec.drift.hold_s, spec.disruption.scale_down_delay_s) <= 15


def test_every_reference_leads_somewhere(taken: list[dict[str, Any]]) -> None:
    accounts = {one.key.name: one.spec for one in map(account_object, of_kind(taken, "CloudAccount"))}
    secrets = {one["metadata"]["name"] for one in of_kind(taken, "Secret")}
    assert {spec.secret for spec in accounts.values() if spec} <= secrets
    pool = pool_object(of_kind(taken, "MultiCloudPool")[0]).spec
    assert pool is not None
    for member in pool.members:
        account = accounts[member.account]
        assert account is not None
        assert account.cloud is member.cloud


def test_the_policy_leads_to_the_pool_and_stays_within_its_bounds(
    taken: list[dict[str, Any]], installed: ControlPlane
) -> None:
    pool = pool_object(of_kind(taken, "MultiCloudPool")[0])
    answer = installed.kubectl(
        "apply", "--dry-run=server", f"--filename={_SAMPLES / 'load'}", "--validate=strict", "--output=json"
    )
    assert answer.returncode == 0, answer.stderr
    policy = policy_object(json.loads(answer.stdout))
    assert policy.problem is None
    assert policy.pool == pool.key
    assert policy.spec is not None
    assert pool.spec is not None
    low, high = policy.spec.min_replicas, policy.spec.max_replicas
    assert low is not None
    assert high is not None
    assert pool.spec.min_replicas <= low < high <= pool.spec.max_replicas


def test_the_samples_hold_no_secret() -> None:
    texts = [
        text
        for one in documents((_SAMPLES / "secrets.yaml").read_text(encoding="utf-8"))
        for text in one["stringData"].values()
    ]
    assert set(texts) == {"replace-me", "{}"}
