"""No field and no annotation reaches another namespace, another path or another host: the schemas, walked field by field."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from multicloud.kinds.parse import InvalidSpec, account_spec, policy_spec, pool_spec
from support.anyobjects import Json, kind_named
from support.manifests import account, member, policy, pool, prometheus

KINDS = ("MultiCloudPool", "CloudAccount", "ScalingPolicy")
ADDRESSES = re.compile(r"(?<!ho)url|uri|endpoint|host|server|authority|proxy|address|path|file", re.IGNORECASE)
"""What is paid by the hour is no address."""


def fields(schema: Json, path: str = "spec") -> Iterator[tuple[str, str, Json]]:
    """Every field of a schema: its path, its name, its own schema."""
    for name, inner in schema.get("properties", {}).items():
        yield f"{path}.{name}", name, inner
        yield from fields(inner, f"{path}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from fields(schema["items"], f"{path}[]")


@pytest.mark.parametrize("kind", KINDS)
def test_no_field_names_a_namespace_or_an_address(kind: str) -> None:
    named = [path for path, name, _ in fields(kind_named(kind).spec) if "namespace" in name.lower()]
    addressed = [path for path, name, _ in fields(kind_named(kind).spec) if ADDRESSES.search(name)]
    assert (named, addressed) == ([], [])


@pytest.mark.parametrize("kind", KINDS)
def test_every_reference_is_one_name(kind: str) -> None:
    found = [(path, inner) for path, name, inner in fields(kind_named(kind).spec) if name.endswith("Ref")]
    assert found
    for path, inner in found:
        assert set(inner["properties"]) == {"name"}, path
        assert not re.search(inner["properties"]["name"]["pattern"], "team-b/keys"), path


EVIL = (
    pytest.param("..", id="dots"),
    pytest.param("../x", id="a step up"),
    pytest.param("a/b", id="a slash"),
    pytest.param("a%2Fb", id="an encoded slash"),
    pytest.param("a%252Fb", id="one encoded twice"),
    pytest.param("a?b", id="a query"),
    pytest.param("a#b", id="a fragment"),
    pytest.param("a;b", id="a parameter"),
    pytest.param("a\\b", id="a backslash"),
    pytest.param("a b", id="a blank"),
    pytest.param("a\n", id="a newline"),
    pytest.param("a\r\nHost: evil", id="a header"),
    pytest.param("a\0b", id="a zero"),
    pytest.param("a\u2215b", id="a slash of mathematics"),
    pytest.param("a\u202eb", id="letters turned round"),
    pytest.param("a@evil.example", id="a host behind a user"),
    pytest.param("", id="nothing"),
)
NAMES = (
    ("eks", "cluster"),
    ("eks", "region"),
    ("eks", "nodeGroup"),
    ("aks", "resourceGroup"),
    ("aks", "cluster"),
    ("aks", "agentPool"),
    ("aks", "subscriptionId"),
    ("gke", "location"),
    ("gke", "cluster"),
    ("gke", "nodePool"),
    ("gke", "project"),
)
"""What stands in URLs of clouds."""


def named(block: str, field: str, value: str) -> dict[str, Any]:
    whole = member("east", block)
    whole[block][field] = value
    return pool(members=[whole])


@pytest.mark.parametrize(("block", "field"), NAMES)
@pytest.mark.parametrize("evil", EVIL)
def test_a_name_that_would_leave_its_place_in_a_url_is_refused_by_path(block: str, field: str, evil: str) -> None:
    with pytest.raises(InvalidSpec, match=rf"^spec\.members\[0\]\.{block}\.{field}: "):
        pool_spec(named(block, field, evil))


def test_the_table_above_has_every_name_of_a_block() -> None:
    blocks = kind_named("MultiCloudPool").spec["properties"]["members"]["items"]["properties"]
    assert set(NAMES) == {(block, name) for block in ("eks", "aks", "gke") for name in blocks[block]["properties"]}


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize(
    ("provider", "field"),
    [
        ("aws", "roleArn"),
        ("azure", "tenantId"),
        ("azure", "clientId"),
        ("azure", "subscriptionId"),
        ("azure", "environment"),
        ("gcp", "project"),
        ("gcp", "impersonate"),
    ],
)
def test_an_account_names_no_path_either(provider: str, field: str, evil: str) -> None:
    body = account(provider)
    body["spec"][provider][field] = evil
    with pytest.raises(InvalidSpec, match=rf"^spec\.{provider}\.{field}: "):
        account_spec(body)


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize(
    ("source", "field"),
    [
        pytest.param({"external": {}}, "external.name", id="a metric"),
        pytest.param({"prometheus": {"query": "up"}}, "prometheus.source", id="a source"),
    ],
)
def test_a_metric_names_no_path_either(source: dict[str, dict[str, str]], field: str, evil: str) -> None:
    block, _, name = field.partition(".")
    metric = {"name": "load", "target": prometheus()["target"], block: {**source[block], name: evil}}
    with pytest.raises(InvalidSpec, match=rf"^spec\.metrics\[0\]\.{field}: "):
        policy_spec(policy(metrics=[metric]))


def test_a_reference_with_a_namespace_beside_the_name_stays_in_its_own() -> None:
    whole = member("east")
    whole["accountRef"] = {"name": "keys", "namespace": "team-b"}
    assert pool_spec(pool(members=[whole])).members[0].account == "keys"
