"""Node pools made, changed and deleted: what happens to their groups and nodes, and what fails half-way."""

from typing import Any

import pytest

from multicloud_lab.core.faultkinds import Action, AuthExpire, DuplicateApply, OperationFail
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.core.hands import Hands
from multicloud_lab.core.invariants import check
from multicloud_lab.core.lab import Lab, RefusedError
from multicloud_lab.core.seed import Seed, Span, Timings
from multicloud_lab.thread import LabThread
from support.gkewires import WIRES, Plain, Refused, token_of

LOCATIONS = "projects/shop-prod-1/locations"
REGIONAL = f"{LOCATIONS}/europe-west1/clusters/shop-prod"
WEB = f"{REGIONAL}/nodePools/web"
EXTRA = f"{REGIONAL}/nodePools/extra"
LONG_S = 400.0


@pytest.fixture
def rest(lab: LabThread) -> Plain:
    return Plain(lab.document["gke"]["rest"], token_of(lab))


def nodes(lab: LabThread, pool: str) -> tuple[int, int, int]:
    (view,) = (v for v in lab.run(lambda i: i.fleet) if (v.cloud, v.cluster, v.node_pool) == ("gcp", "shop-prod", pool))
    return (view.requested, view.nodes, view.ready)


def fail(lab: LabThread, operation: str) -> None:
    action: Action = OperationFail(code="INTERNAL", message="broken")
    lab.run(lambda i: i.faults.place(Fault(action=action, match=Match(operation=operation), times=1)))


def test_a_new_pool_gets_its_groups_when_its_operation_runs(lab: LabThread, rest: Plain) -> None:
    rest("CreateNodePool", parent=REGIONAL, nodePool={"name": "extra", "initialNodeCount": 2})
    pool = rest("GetNodePool", name=EXTRA)
    assert (pool["status"], pool.get("instanceGroupUrls")) == ("PROVISIONING", None)
    assert pool["config"]["machineType"] == "e2-medium"
    lab.advance(10)
    assert len(rest("GetNodePool", name=EXTRA)["instanceGroupUrls"]) == 3
    lab.advance(LONG_S)
    assert nodes(lab, "extra") == (6, 6, 6)
    created = next(entry for entry in lab.journal() if entry["operation"] == "CreateNodePool")
    assert (created["pool"], created["from"], created["to"]) == ("extra", 0, 6)


def test_a_creation_that_fails_leaves_a_pool_in_error_that_can_be_deleted(lab: LabThread, rest: Plain) -> None:
    fail(lab, "CreateNodePool")
    rest("CreateNodePool", parent=REGIONAL, nodePool={"name": "extra", "initialNodeCount": 2})
    lab.advance(LONG_S)
    pool = rest("GetNodePool", name=EXTRA)
    assert (pool["status"], pool["statusMessage"]) == ("ERROR", "broken")
    rest("DeleteNodePool", name=EXTRA)
    lab.advance(LONG_S)
    with pytest.raises(Refused, match="Not found"):
        rest("GetNodePool", name=EXTRA)


def test_a_change_applied_twice_is_the_same_change(lab: LabThread, rest: Plain) -> None:
    twice = Fault(action=DuplicateApply(), match=Match(cloud="gcp"))
    lab.run(lambda i: i.faults.place(twice))
    rest("CreateNodePool", parent=REGIONAL, nodePool={"name": "extra", "initialNodeCount": 2})
    lab.advance(LONG_S)
    assert nodes(lab, "extra") == (6, 6, 6)
    rest("SetNodePoolSize", name=EXTRA, nodeCount=3)
    lab.advance(2 * LONG_S)
    assert nodes(lab, "extra") == (9, 9, 9)


def test_an_autoscaler_waits_for_a_pools_groups(lab: LabThread, rest: Plain) -> None:
    block = {"enabled": True, "totalMaxNodeCount": 9}
    rest("CreateNodePool", parent=REGIONAL, nodePool={"name": "extra", "initialNodeCount": 1, "autoscaling": block})
    with pytest.raises(RefusedError, match="no instance groups yet"):
        lab.run(lambda i: Hands(i).autoscale("gcp", "shop-prod", "extra", 5))


def test_a_cancelled_creation_leaves_nothing(lab: LabThread, rest: Plain) -> None:
    operation = rest("CreateNodePool", parent=REGIONAL, nodePool={"name": "extra", "initialNodeCount": 2})
    lab.advance(10)
    rest("CancelOperation", name=f"{LOCATIONS}/europe-west1/operations/{operation['name']}")
    lab.advance(LONG_S)
    assert [pool["name"] for pool in rest("ListNodePools", parent=REGIONAL)["nodePools"]] == ["web", "batch"]


def test_a_deleted_pool_drains_and_is_gone(lab: LabThread, rest: Plain) -> None:
    rest("DeleteNodePool", name=WEB)
    lab.advance(10)
    assert rest("GetNodePool", name=WEB)["status"] == "STOPPING"
    lab.advance(LONG_S)
    assert [pool["name"] for pool in rest("ListNodePools", parent=REGIONAL)["nodePools"]] == ["batch"]


def test_a_deletion_that_fails_deletes_nothing(lab: LabThread, rest: Plain) -> None:
    fail(lab, "DeleteNodePool")
    operation = rest("DeleteNodePool", name=WEB)
    lab.advance(LONG_S)
    assert nodes(lab, "web") == (3, 3, 3)
    assert rest("GetNodePool", name=WEB)["status"] == "RUNNING_WITH_ERROR"
    done = rest("GetOperation", name=f"{LOCATIONS}/europe-west1/operations/{operation['name']}")
    assert done["error"] == {"code": 13, "message": "broken"}


def test_a_deletion_that_runs_cannot_be_cancelled(lab: LabThread, rest: Plain) -> None:
    operation = rest("DeleteNodePool", name=WEB)
    lab.advance(10)
    with pytest.raises(Refused, match="cannot be cancelled"):
        rest("CancelOperation", name=f"{LOCATIONS}/europe-west1/operations/{operation['name']}")


def test_zones_are_added_and_taken_away(lab: LabThread, rest: Plain) -> None:
    before = rest("GetNodePool", name=WEB)["instanceGroupUrls"]
    rest("UpdateNodePool", name=WEB, locations=["europe-west1-b"])
    lab.advance(LONG_S)
    pool = rest("GetNodePool", name=WEB)
    assert (pool["locations"], pool["instanceGroupUrls"]) == (["europe-west1-b"], before[:1])
    assert nodes(lab, "web") == (1, 1, 1)
    rest("UpdateNodePool", name=WEB, locations=["europe-west1-b", "europe-west1-d"])
    lab.advance(LONG_S)
    assert nodes(lab, "web") == (2, 2, 2)
    assert len(rest("GetNodePool", name=WEB)["instanceGroupUrls"]) == 2


@pytest.mark.parametrize(
    ("update", "code"),
    [
        pytest.param({"locations": ["us-east1-b"]}, "INVALID_ARGUMENT", id="a zone elsewhere"),
        pytest.param({"locations": ["europe-west1-b"] * 2}, "INVALID_ARGUMENT", id="a zone twice"),
        pytest.param({"locations": ["europe-west1-b"], "diskType": "x"}, "INVALID_ARGUMENT", id="zones and more"),
        pytest.param(
            {"locations": ["europe-west1-b"], "machineType": "x"}, "INVALID_ARGUMENT", id="zones and machines"
        ),
    ],
)
def test_an_update_that_cannot_be_is_refused(lab: LabThread, rest: Plain, update: dict[str, Any], code: str) -> None:
    before = rest("GetNodePool", name=WEB)
    with pytest.raises(Refused) as caught:
        rest("UpdateNodePool", name=WEB, **update)
    assert caught.value.code == code
    assert rest("GetNodePool", name=WEB) == before


def test_what_an_update_replaces_is_replaced_and_the_rest_stays(lab: LabThread, rest: Plain) -> None:
    first = {
        "labels": {"labels": {"a": "1", "b": "2"}},
        "taints": {"taints": [{"key": "k", "value": "v", "effect": "NO_SCHEDULE"}]},
    }
    rest("UpdateNodePool", name=WEB, **first)
    lab.advance(LONG_S)
    rest("UpdateNodePool", name=WEB, labels={"labels": {"c": "3"}}, upgradeSettings={"maxSurge": 2})
    lab.advance(LONG_S)
    pool = rest("GetNodePool", name=WEB)
    assert pool["config"]["labels"] == {"c": "3"}
    assert pool["config"]["taints"] == [{"key": "k", "value": "v", "effect": "NO_SCHEDULE"}]
    assert pool["upgradeSettings"] == {"maxSurge": 2}
    (group, *_) = [each for each in lab.run(lambda i: list(i.engines["gcp"].machines())) if each.node_pool == "web"]
    assert (group.labels["c"], list(group.taints)) == ("3", [("k", "v", "NoSchedule")])


def test_a_new_image_makes_every_node_anew(lab: LabThread, rest: Plain) -> None:
    def names() -> set[str]:
        groups = lab.run(lambda i: list(i.engines["gcp"].machines()))
        return {n.name for g in groups if (g.cluster, g.node_pool) == ("shop-prod", "web") for n in g.nodes.nodes}

    before = names()
    operation = rest("UpdateNodePool", name=WEB, imageType="UBUNTU_CONTAINERD", nodeVersion="1.37.0-gke.100")
    assert operation["operationType"] == "UPGRADE_NODES"
    lab.advance(2 * LONG_S)
    assert not before & names()
    assert nodes(lab, "web") == (3, 3, 3)
    pool = rest("GetNodePool", name=WEB)
    assert (pool["version"], pool["config"]["imageType"]) == ("1.37.0-gke.100", "UBUNTU_CONTAINERD")


def machines(lab: LabThread) -> list[tuple[str, str, str]]:
    """Name, type and state of every machine of the pool."""

    def look(inner: Lab) -> list[tuple[str, str, str]]:
        groups = [g for g in inner.machines() if (g.cloud, g.cluster, g.node_pool) == ("gcp", "shop-prod", "web")]
        return [(n.name, g.type_of(n), n.state.value) for g in groups for n in g.nodes.nodes]

    return lab.run(look)


@pytest.mark.parametrize("wire", ["grpc", "sdk-rest"])
def test_another_machine_type_moves_every_node_one_by_one(wire: str) -> None:
    hour, boot = Span(min=3600, max=3600), Span(min=200, max=200)
    seed = Seed(timings=Timings(gke_operation=hour, boot_by_type={"n2-standard-8": boot}))
    with LabThread(seed) as lab, WIRES[wire](lab, token_of(lab)) as call:
        before = machines(lab)
        operation = call("UpdateNodePool", name=WEB, machineType="n2-standard-8")
        assert operation["operationType"] == "UPGRADE_NODES"
        most, mixed = 0, False
        for _ in range(60):
            lab.advance(60)
            now = machines(lab)
            types = {kind for _, kind, _ in now}
            mixed |= types == {"e2-standard-4", "n2-standard-8"}
            most = max(most, sum(state != "draining" for _, _, state in now))
            assert sum(state == "ready" for _, _, state in now) >= len(before) - 1
            assert lab.run(check) == []
            if call("GetNodePool", name=WEB)["status"] == "RECONCILING":
                with pytest.raises(Refused, match="incompatible operation"):
                    call("SetNodePoolSize", name=WEB, nodeCount=2)
        assert mixed
        assert most == len(before) + 1
        lab.advance(LONG_S)
        done = call("GetOperation", name=f"{LOCATIONS}/europe-west1/operations/{operation['name']}")
        assert (done["status"], done.get("error")) == ("DONE", None)
        after = machines(lab)
        assert [(kind, state) for _, kind, state in after] == [("n2-standard-8", "ready")] * len(before)
        assert not {name for name, _, _ in before} & {name for name, _, _ in after}
        assert call("GetNodePool", name=WEB)["config"]["machineType"] == "n2-standard-8"


def test_what_the_new_machine_type_lacks_stays_as_it_was(lab: LabThread, rest: Plain) -> None:
    before = machines(lab)
    lab.run(lambda inner: inner.capacity.set_free("gcp", None, "n2-standard-8", 0))
    operation = rest("UpdateNodePool", name=WEB, machineType="n2-standard-8")
    lab.advance(2 * LONG_S)
    assert machines(lab) == before
    done = rest("GetOperation", name=f"{LOCATIONS}/europe-west1/operations/{operation['name']}")
    assert done["status"] == "DONE"
    assert done["error"]["code"] == 8
    assert "3 instances" in done["error"]["message"]
    assert lab.run(check) == []


def test_an_expired_credential_over_grpc_has_its_reason(lab: LabThread) -> None:
    lab.run(lambda i: i.faults.place(Fault(action=AuthExpire(), match=Match(operation="GetNodePool"))))
    with WIRES["grpc"](lab, token_of(lab)) as wire, pytest.raises(Refused) as caught:
        wire("GetNodePool", name=WEB)
    assert (caught.value.code, caught.value.reason) == ("UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED")
