"""Hands at the admin port: people, autoscalers and clouds that act beside the clients, in every cloud; all journalled."""

from typing import Any

import pytest
import requests

from multicloud_lab.core.clock import VirtualClock
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.replay import differences, play
from multicloud_lab.serve import make_lab
from multicloud_lab.thread import LabThread
from support.anycalls import SEED

CLOUDS = ("aws", "azure", "gcp")
INSTANCE_TYPES = {"aws": "m5.large", "azure": "Standard_D4s_v5", "gcp": "e2-standard-4"}


@pytest.fixture
def lab() -> Any:
    with LabThread(SEED) as running:
        yield running


class Admin:
    def __init__(self, lab: LabThread) -> None:
        self.url = lab.document["admin"]["url"]

    def post(self, path: str, body: object, status: int = 200) -> Any:
        answer = requests.post(self.url + path, json=body, timeout=10)
        assert answer.status_code == status, answer.text
        return answer.json()

    def get(self, path: str) -> Any:
        answer = requests.get(self.url + path, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pool(self, cloud: str, pool: str = "web") -> dict[str, Any] | None:
        pools = self.get("/pools")["pools"]
        found: list[dict[str, Any]] = [
            p for p in pools if (p["cloud"], p["cluster"], p["nodePool"]) == (cloud, "shop-batch", pool)
        ]
        return found[0] if found else None

    def nodes(self, cloud: str, pool: str = "web") -> list[dict[str, Any]]:
        nodes: list[dict[str, Any]] = self.get("/nodes")["nodes"]
        return [n for n in nodes if (n["cloud"], n["cluster"], n["nodePool"]) == (cloud, "shop-batch", pool)]

    def last(self) -> dict[str, Any]:
        entry: dict[str, Any] = self.get("/journal")["entries"][-1]
        return entry


@pytest.fixture
def admin(lab: LabThread) -> Admin:
    return Admin(lab)


def place(cloud: str, pool: str = "web", **more: object) -> dict[str, object]:
    return {"cloud": cloud, "cluster": "shop-batch", "nodePool": pool, **more}


@pytest.fixture(autouse=True)
def sound(admin: Admin) -> Any:
    yield
    assert admin.get("/invariants")["violations"] == []


@pytest.mark.parametrize("cloud", CLOUDS)
def test_nodes_are_listed_with_what_kubernetes_knows_of_them(admin: Admin, cloud: str) -> None:
    nodes = admin.nodes(cloud)
    assert len(nodes) == 4
    assert {node["state"] for node in nodes} == {"ready"}
    assert {node["instanceType"] for node in nodes} == {INSTANCE_TYPES[cloud]}
    schemes = {"aws": "aws:///", "azure": "azure:///", "gcp": "gce://"}
    assert all(node["providerId"].startswith(schemes[cloud]) for node in nodes)
    assert len({node["node"] for node in nodes}) == 4


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_node_dies_and_another_one_comes(lab: LabThread, admin: Admin, cloud: str) -> None:
    victim = admin.nodes(cloud)[0]
    admin.post("/hands/kill-node", {"cloud": cloud, "node": victim["node"]})
    assert victim["name"] not in {node["name"] for node in admin.nodes(cloud)}
    entry = admin.last()
    assert (entry["operation"], entry["principal"], entry["pool"]) == ("HandKillNode", "cloud", "web")
    lab.advance(400)
    assert [node["state"] for node in admin.nodes(cloud)] == ["ready"] * 4


@pytest.mark.parametrize("cloud", CLOUDS)
def test_spot_machines_are_reclaimed_with_notice_and_come_again(lab: LabThread, admin: Admin, cloud: str) -> None:
    before = {node["name"] for node in admin.nodes(cloud, "batch")}
    taken = admin.post("/hands/spot-reclaim", {"cloud": cloud, "cluster": "shop-batch", "nodes": 1})["nodes"]
    assert len(taken) == 1
    assert [node["state"] for node in admin.nodes(cloud, "batch") if node["name"] in taken] == ["draining"]
    lab.advance(600)
    after = {node["name"] for node in admin.nodes(cloud, "batch")}
    assert (len(after), len(before & after)) == (len(before), len(before) - 1)
    assert "spot" in admin.post("/hands/spot-reclaim", {"cloud": cloud, "zone": "nowhere"}, 400)["error"]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_pool_is_deleted_and_made_again_with_other_machines(admin: Admin, cloud: str) -> None:
    before = {node["name"] for node in admin.nodes(cloud)}
    admin.post("/hands/delete-pool", place(cloud))
    assert admin.pool(cloud) is None
    assert admin.nodes(cloud) == []
    admin.post("/hands/recreate-pool", place(cloud))
    pool = admin.pool(cloud)
    assert pool is not None
    assert pool["requested"] == 4
    if cloud != "azure":  # scale sets number their machines from the start
        assert before.isdisjoint(node["name"] for node in admin.nodes(cloud))
    assert [e["operation"] for e in admin.get("/journal")["entries"]] == ["HandDelete", "HandRecreate"]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_cluster_is_deleted_and_made_again(admin: Admin, cloud: str) -> None:
    body = {"cloud": cloud, "cluster": "shop-batch"}
    admin.post("/hands/delete-cluster", body)
    assert admin.pool(cloud) is None
    admin.post("/hands/recreate-cluster", body)
    assert admin.pool(cloud) is not None


@pytest.mark.parametrize("cloud", CLOUDS)
def test_an_upgrade_holds_the_lock_for_as_long_as_said(lab: LabThread, admin: Admin, cloud: str) -> None:
    admin.post("/hands/upgrade", place(cloud, seconds=1800))
    refused = admin.post("/hands/resize", place(cloud, to=5), 400)["error"]
    assert refused
    assert admin.last()["result"] in {"ResourceInUseException", "OperationNotAllowed", "FAILED_PRECONDITION"}
    lab.advance(1700)
    admin.post("/hands/resize", place(cloud, to=5), 400)
    lab.advance(1000)
    admin.post("/hands/resize", place(cloud, to=5))
    lab.advance(1000)
    pool = admin.pool(cloud)
    assert pool is not None
    assert (pool["requested"], pool["ready"]) == (5, 5)


def test_a_person_aborts_what_runs_on_an_aks_pool(lab: LabThread, admin: Admin) -> None:
    assert "no running operation" in admin.post("/hands/abort", place("azure"), 400)["error"]
    admin.post("/hands/resize", place("azure", to=9))
    lab.advance(15)
    admin.post("/hands/abort", place("azure"))
    entry = admin.last()
    assert (entry["operation"], entry["principal"], entry["result"]) == ("HandAbort", "hand", "200")
    lab.advance(600)
    pool = admin.pool("azure")
    assert pool is not None
    assert pool["status"] == "Canceled"
    assert pool["requested"] == pool["ready"]

    def replayed(inside: Lab) -> list[str]:
        fresh = make_lab(inside.seed, VirtualClock())
        play(inside.journal.entries(), fresh, inside.clock.now())
        return differences(inside, fresh)

    assert lab.run(replayed) == []


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_the_other_clouds_refuse_an_abort(lab: LabThread, admin: Admin, cloud: str) -> None:
    admin.post("/hands/resize", place(cloud, to=5))
    assert "AKS lets a person do" in admin.post("/hands/abort", place(cloud), 400)["error"]
    assert not admin.last()["effective"]
    lab.advance(600)
    pool = admin.pool(cloud)
    assert pool is not None
    assert (pool["requested"], pool["ready"]) == (5, 5)


def test_an_autoscaler_moves_a_size_and_counts_as_a_resize(admin: Admin) -> None:
    admin.post("/hands/autoscaler", place("aws", to=6))
    entry = admin.last()
    assert (entry["principal"], entry["from"], entry["to"], entry["effective"]) == ("autoscaler", 4, 6, True)
    resizes = admin.get("/stats")["effectiveResizes"]
    assert resizes == [{"cloud": "aws", "cluster": "shop-batch", "nodePool": "web", "resizes": 1}]


@pytest.mark.parametrize("path", ["resize", "autoscaler", "upgrade", "abort", "delete-pool", "recreate-pool"])
@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_pool_that_is_not_there_is_told(admin: Admin, cloud: str, path: str) -> None:
    more: dict[str, object] = {"to": 3} if path in {"resize", "autoscaler"} else {}
    assert admin.post(f"/hands/{path}", place(cloud, "absent", **more), 400)["error"]
    assert not admin.last()["effective"]


def test_a_node_that_is_not_there_is_told(admin: Admin) -> None:
    assert "'absent'" in admin.post("/hands/kill-node", {"cloud": "aws", "node": "absent"}, 400)["error"]
