"""`multicloud explain` and `approve` on statuses as the operator writes them."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from multicloud.cli.explain import document, explained
from multicloud.decide import decide
from multicloud.kinds.parse import pool_object
from multicloud.kinds.status import render_pool
from multicloud.model.plan import PolicyWish
from multicloud.model.pods import Floor
from multicloud.model.reason import Code
from multicloud.model.record import PoolRecord
from multicloud.model.size import ReadySource
from multicloud.model.spec import Mode
from multicloud.report.conditions import pool_conditions
from support.builders import Member, node_pool, snapshot
from support.builders import member as seen
from support.manifests import member, pool

BODY = pool(replicas=4, members=[member("east"), member("west", "gke")])


def told(*members: Member, policy: PolicyWish | None = None, **fields: Any) -> list[str]:
    """What is said about the pool of two members after a pass over these."""
    taken = replace(snapshot(*members, **fields), policy=policy)
    plan = decide(taken)
    conditions = pool_conditions(taken, plan, stalled=False)
    body = deepcopy(BODY)
    body["status"] = render_pool(pool_object(body), plan, plan.record, conditions)
    return list(explained(body))


def test_a_pool_that_nobody_looked_at_is_no_riddle() -> None:
    assert explained(BODY) == [
        "web: no operator has looked at this pool yet. `multicloud check` looks for what is missing."
    ]


def test_at_rest_it_says_who_decided_and_what_would_change_it() -> None:
    lines = told(seen("east", 2), seen("west", 2), replicas=4, min_replicas=1, max_replicas=10)
    text = "\n".join(lines)
    assert lines[0].startswith("shop/web wants 4 units, and 4 are ready.")
    assert lines[1].startswith("Decided by spec.replicas of the pool: 4 units (SpecReplicas), since 2026-05-04T12:00")
    assert lines[2] == "Nothing keeps it from that number."
    assert "  east (aws shop-prod/web): 2 nodes, which it keeps." in lines
    assert "    Because: has the size it should have (AsWished)." in lines
    assert "Nothing is to be changed." in lines
    assert "- another wish: spec.replicas, a policy, or `multicloud override` for a while." in text


def test_a_policy_that_decided_is_named() -> None:
    lines = told(seen("east", 2), seen("west", 2), replicas=None, policy=PolicyWish(name="load", units=4))
    assert lines[1].startswith("Decided by ScalingPolicy load: 4 units (ScalingPolicy), since 2026-05-04T12:00")


def test_what_stands_on_top_for_pods_of_one_cluster_is_told() -> None:
    wish = PolicyWish(name="load", units=4, floors=(Floor(member="west", nodes=5),))
    lines = told(seen("east", 2), seen("west", 2), replicas=None, policy=wish)
    assert lines[2] == "On top of that stand 3 units for pods in the clusters of its members (pendingPods)."
    assert "    The pods of its cluster need 5 nodes." in lines


def test_a_move_is_told_step_by_step_with_its_reasons() -> None:
    lines = told(seen("east", 0), seen("west", 4, weight=0), replicas=4)
    assert "  east (aws shop-prod/web): 0 nodes, to become 4." in lines
    assert lines[lines.index("What is to be changed:") + 1 :][:5] == [
        "  - west: 4 → 0 nodes (MoveToShare)",
        "  + east: 0 → 4 nodes (MoveToShare)",
        "Step by step, each when the one before is over, so that enough stays ready all the time:",
        "  1. east 0 → 4",
        "  2. west 4 → 0",
    ]
    assert any(
        line.startswith("- ReplacementNotReady: Nodes may only go when enough units are ready") for line in lines
    )


def test_what_bound_it_is_named_with_what_lifts_it() -> None:
    lines = told(seen("east", 2), seen("west", 2), replicas=9, max_replicas=4)
    assert lines[2] == "What bound it: spec.maxReplicas is 4 (MaxReplicas)."
    assert any(line.startswith("- MaxReplicas: ") and "Raise it" in line for line in lines)


def test_each_constraint_that_moves_nodes_is_named_with_its_price() -> None:
    lines = explained(_priced_at_rest())
    where = lines.index("The sizes would be others without:")
    assert lines[where + 1 :][:2] == ["  allocation.survive[Cloud], which costs 0.8 USD an hour.", ""]


def test_nothing_is_said_of_constraints_while_a_member_was_never_reported() -> None:
    body = _priced_at_rest()
    del body["status"]["members"][1]
    assert "The sizes would be others without:" not in explained(body)


def test_a_price_that_is_missing_is_no_number() -> None:
    body = _priced_at_rest()
    body["spec"]["allocation"]["strategy"] = "Weighted"
    body["spec"]["members"][0]["maxNodes"] = 4
    del body["spec"]["members"][1]["hourlyPrice"]
    body["status"]["members"][0]["maxNodes"] = 4
    told = "  members[cheap].maxNodes; what it costs is not known, for a price is missing."
    assert told in explained(body)


def _priced_at_rest() -> dict[str, Any]:
    """Ten units of which four have to be outside of each cloud: 0.10 a node on AWS, 0.30 on Google (docs/allocation.md)."""
    members = [member("cheap", hourlyPrice="0.10"), member("dear", "gke", hourlyPrice="0.30")]
    allocation = {"strategy": "Cost", "survive": [{"loss": "Cloud", "keepPercent": 40}]}
    body = pool(replicas=10, maxReplicas=20, members=members, allocation=allocation)
    sizes = {"cheap": 6, "dear": 4}
    taken = snapshot(*(seen(name, size) for name, size in sizes.items()), replicas=10, max_replicas=20)
    plan = decide(taken)
    conditions = pool_conditions(taken, plan, stalled=False)
    proved = {name: node_pool(name, size, ready_source=ReadySource.KUBERNETES) for name, size in sizes.items()}
    body["status"] = render_pool(pool_object(body), plan, plan.record, conditions, proved)
    return body


def test_a_saving_that_has_to_stand_is_told_with_its_time() -> None:
    body = _priced_at_rest()
    body["status"]["saving"] = {"since": "2026-05-04T12:00:00.123456Z", "moving": False, "prices": "0123456789abcdef"}
    sentence = (
        "The same would be cheaper elsewhere since 2026-05-04T12:00:00Z. If that still holds at 2026-05-04T12:30:00Z, "
        "nodes move (spec.allocation.moveWhenSaving)."
    )
    assert sentence in explained(body)
    body["status"]["saving"]["moving"] = True
    assert not any("cheaper elsewhere" in line for line in explained(body))


def test_programs_are_told_the_same() -> None:
    body = _priced_at_rest()
    body["spec"]["currency"] = "USD"
    body["status"]["limitedBy"] = "MaxReplicas"
    body["status"]["conditions"] = [{"type": "CapacityLimited", "message": "spec.maxReplicas is 20"}]
    told = document(body)
    assert (told["namespace"], told["name"], told["desired"], told["ready"]) == ("shop", "web", 10, 10)
    assert (told["decidedBy"]["reason"], told["saving"]) == ("SpecReplicas", None)
    assert told["limitedBy"] == {"reason": "MaxReplicas", "message": "spec.maxReplicas is 20"}
    cheap, dear = told["members"]
    assert (cheap["name"], cheap["cloud"], cheap["requestedNodes"], cheap["targetNodes"]) == ("cheap", "aws", 6, 5)
    assert (dear["nodePool"], dear["readyNodes"], dear["targetNodes"]) == ("web", 4, 5)
    assert told["bindingConstraints"] == [{"name": "allocation.survive[Cloud]", "costsPerHour": "0.8"}]
    reported = body["status"]["plan"]
    assert told["plan"].pop("steps") == [step["changes"] for step in reported["steps"]] != []
    assert told["plan"] == {name: reported[name] for name in told["plan"]}
    assert told["wouldChangeIt"][0]["name"] == "MaxReplicas"
    assert {one["reason"] for one in told["members"]} <= {one["name"] for one in told["wouldChangeIt"]}


def test_a_pool_that_nobody_looked_at_is_a_document_too() -> None:
    told = document(BODY)
    assert (told["desired"], told["ready"], told["limitedBy"], told["plan"]["changes"]) == (None, None, None, [])


def test_costs_of_a_plan_are_told_in_the_currency() -> None:
    body = _priced_at_rest()
    body["spec"]["currency"] = "EUR"
    body["status"]["plan"] |= {
        "hourlyCostNow": "2.40",
        "hourlyCost": "1.80",
        "changes": [{"member": "dear", "from": 6, "to": 4, "reason": "MoveForSaving"}],
    }
    assert "The nodes cost 2.40 EUR an hour now, and 1.80 at the end." in explained(body)


@pytest.mark.parametrize("mode", [Mode.PLAN, Mode.APPROVE_SHRINK])
def test_what_waits_for_a_person_names_the_command(mode: Mode) -> None:
    lines = told(seen("east", 4), seen("west", 4), replicas=4, mode=mode)
    (line,) = [line for line in lines if line.startswith("It waits for")]
    assert line.startswith("It waits for `multicloud approve web ")
    assert any(line.startswith("- ApprovalRequired: ") for line in lines)


def test_every_reason_that_is_told_is_one_of_the_list() -> None:
    lines = told(seen("east", 4).viewed(fresh=False), seen("west", 2), replicas=2, record=PoolRecord())
    named = {line.split(":")[0].removeprefix("- ") for line in lines if line.startswith("- ")}
    assert named <= set(Code)
    assert named
