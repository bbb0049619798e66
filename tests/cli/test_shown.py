from typing import Any

import pytest

from multicloud.cli.shown import UNKNOWN, number, pool_row

MEMBER = {"name": "east", "eks": {"cluster": "shop", "region": "us-east-1", "nodeGroup": "web"}}


def body(status: dict[str, Any] | None, *members: dict[str, Any]) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "metadata": {"namespace": "shop", "name": "web"},
        "spec": {"minReplicas": 1, "maxReplicas": 9, "members": list(members)},
    }
    return whole if status is None else {**whole, "status": status}


@pytest.mark.parametrize("status", [None, {}], ids=["no status yet", "an empty status"])
def test_a_pool_that_nobody_has_looked_at_is_unknown_not_zero(status: dict[str, Any] | None) -> None:
    row = pool_row(body(status, MEMBER))
    assert (row.desired, row.ready, row.ready_condition) == (None, None, "Unknown")
    (member,) = row.members
    assert (member.nodes, member.ready, member.target) == (None, None, None)
    assert (member.cloud, member.cluster, member.node_pool) == ("aws", "shop", "web")


@pytest.mark.parametrize(
    ("block", "place"),
    [
        ({"eks": {"cluster": "a", "region": "r", "nodeGroup": "b"}}, ("aws", "a", "b")),
        ({"aks": {"cluster": "a", "resourceGroup": "g", "agentPool": "b"}}, ("azure", "a", "b")),
        ({"gke": {"cluster": "a", "location": "l", "nodePool": "b"}}, ("gcp", "a", "b")),
        ({}, (UNKNOWN, UNKNOWN, UNKNOWN)),
    ],
    ids=["eks", "aks", "gke", "no block, as an older schema may have left it"],
)
def test_where_a_member_is_comes_from_the_spec_until_it_is_reported(
    block: dict[str, Any], place: tuple[str, str, str]
) -> None:
    (member,) = pool_row(body(None, {"name": "m", **block})).members
    assert (member.cloud, member.cluster, member.node_pool) == place


def test_a_reported_member_is_shown_as_reported() -> None:
    reported = {
        "name": "east",
        "cloud": "aws",
        "cluster": "shop",
        "nodePool": "web",
        "state": "Refused",
        "requestedNodes": 4,
        "nodes": 3,
        "readyNodes": 2,
        "targetNodes": 5,
        "reason": "AutoscalerOn",
        "message": "why",
        "heldSince": "2026-01-01T00:00:00Z",
        "intent": {"id": "i"},
        "claim": {"key": "k"},
    }
    status = {"desiredReplicas": 5, "replicas": 2, "members": [reported]}
    (member,) = pool_row(body(status, MEMBER)).members
    assert (member.requested, member.nodes, member.ready, member.target) == (4, 3, 2, 5)
    assert (member.state, member.reason, member.message) == ("Refused", "AutoscalerOn", "why")
    assert (member.held, member.intent, member.claimed) == (True, True, True)


def test_members_that_only_the_spec_knows_come_after_the_reported_ones() -> None:
    row = pool_row(body({"members": [{"name": "east"}]}, {"name": "new"}, MEMBER))
    assert [member.name for member in row.members] == ["east", "new"]


def test_unknown_is_a_question_mark_and_zero_is_zero() -> None:
    assert (number(None), number(0)) == ("?", "0")
