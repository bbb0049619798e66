"""Plans with the sizes that the operator reported last: what is known is used, what is not is no zero."""

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from multicloud.cli.plan.scene import Scene, live
from multicloud.decide import bindings, decide
from multicloud.kinds.parse import account_object, pool_object
from multicloud.model.account import AccountObject
from multicloud.model.reason import Code
from support.manifests import account, member, pool

NOW = datetime(2026, 12, 1, 8, tzinfo=UTC)
WEST = member("west", eks={"cluster": "shop-dr", "region": "us-west-2", "nodeGroup": "web"})
ACCOUNTS = {"account": account_object(account())}


def reported(name: str, nodes: int | None, **fields: Any) -> dict[str, Any]:
    claim = {"key": name, "incarnation": "1", "since": "2026-11-01T00:00:00Z"}
    sizes = {"requestedNodes": nodes, "nodes": nodes, "readyNodes": nodes, "agreedNodes": nodes}
    known = {"state": "Active", "step": 1, "minNodes": 0, "maxNodes": 10, "adoptionFloor": None}
    return {"name": name, "claim": claim, "readySource": "Kubernetes", **known, **sizes, **fields}


def scene(*blocks: dict[str, Any], accounts: dict[str, AccountObject] = ACCOUNTS, **spec: Any) -> Scene:
    """A pool of two members that wants four units, and what its status says of them."""
    body = pool(**{"replicas": 4, "members": [member("east"), WEST], **spec})
    body["status"] = {"observedGeneration": 1, "requestedReplicas": 4, "desiredReplicas": 4, "members": list(blocks)}
    body["metadata"] = {**body["metadata"], "uid": "u", "generation": 1, "resourceVersion": "1"}
    seen = pool_object(body)
    return live(body, seen, seen.spec, accounts, NOW)


def changes(made: Scene) -> list[tuple[str, int, int]]:
    return [(one.member, one.origin, one.to) for one in decide(made.snapshot).changes]


def test_reported_sizes_are_planned_with() -> None:
    made = scene(reported("east", 2), reported("west", 2))
    assert (changes(made), made.observed, made.notes) == ([], True, ())
    assert changes(scene(reported("east", 6), reported("west", 2))) == [("east", 6, 2)]


def test_a_size_that_nobody_knows_is_no_zero() -> None:
    made = scene(reported("east", 4), reported("west", None, claim=None))
    assert (changes(made), made.observed) == ([], True)
    assert bindings(made.snapshot) == ()


def test_a_member_that_the_operator_has_not_seen_is_assumed_empty() -> None:
    made = scene(reported("east", 4), adoption="Apply")
    assert (made.observed, made.notes) == (False, ("assumed to be empty: west",))
    assert changes(made) == [("east", 4, 2), ("west", 0, 2)]


@pytest.mark.parametrize(
    ("block", "bounded"),
    [
        pytest.param({"minNodes": 3}, [("east", 2, 3), ("west", 2, 1)], id="the cloud's own minimum"),
        pytest.param({"maxNodes": 1}, [("east", 2, 1), ("west", 2, 3)], id="the cloud's own maximum"),
    ],
)
def test_a_clouds_own_range_is_what_the_spec_does_not_explain(
    block: dict[str, int], bounded: list[tuple[str, int, int]]
) -> None:
    assert sorted(changes(scene(reported("east", 2, **block), reported("west", 2)))) == bounded


def test_nothing_is_moved_where_the_operator_does_not_see_the_pods() -> None:
    spec: dict[str, Any] = {"members": [member("east"), {**WEST, "weight": 0}]}
    assert changes(scene(reported("east", 0), reported("west", 4), **spec)) == [("west", 4, 0), ("east", 0, 4)]
    assert changes(scene(reported("east", 0), reported("west", 4, readySource="Cloud"), **spec)) == []


def test_a_scaling_policy_that_decided_still_decides() -> None:
    body = pool(replicas=4, members=[member("east")])
    by = {"kind": "ScalingPolicy", "name": "load", "reason": "ScalingPolicy", "since": "2026-11-30T08:00:00Z"}
    wish = {"requestedReplicas": 7, "desiredReplicas": 7, "desiredBy": by}
    body["status"] = {"observedGeneration": 1, **wish, "members": [reported("east", 5)]}
    seen = pool_object(body)
    assert seen.spec is not None
    assert changes(live(body, seen, seen.spec, ACCOUNTS, NOW)) == [("east", 5, 7)]


def test_what_is_refused_stays_refused() -> None:
    refused = reported("west", 1, state="Refused", reason="AutoscalerOn", message="another sizes it")
    plan = decide(scene(reported("east", 2), refused).snapshot)
    assert [one.refusal.code for one in plan.members if one.refusal is not None] == [Code.AUTOSCALER_ON]
    assert {one.member for one in plan.changes} == {"east"}


def test_an_account_that_is_not_there_refuses_its_members() -> None:
    plan = decide(scene(reported("east", 2), reported("west", 2), accounts={}).snapshot)
    assert {one.refusal.code for one in plan.members if one.refusal is not None} == {Code.ACCOUNT_NOT_FOUND}
    assert plan.changes == ()


def test_a_member_out_of_sight_is_not_shrunk_on() -> None:
    gone = reported("west", 2, unseenSince="2026-12-01T07:00:00Z")
    assert changes(scene(reported("east", 6), gone)) == [("east", 6, 2)]
    assert decide(scene(reported("east", 6), gone).snapshot).steps[0][0].to == 5


def test_the_scene_of_a_pool_is_not_changed_by_being_planned() -> None:
    made = scene(reported("east", 6), reported("west", 2))
    before = deepcopy(made.snapshot)
    decide(made.snapshot)
    assert made.snapshot == before
