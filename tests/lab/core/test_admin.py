"""The admin port over HTTP: what tests and the demo steer the lab with."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import HTTPClientError

from multicloud_lab.thread import LabThread


class Admin:
    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str) -> Any:
        answer = requests.get(self.url + path, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: object = None, status: int = 200) -> Any:
        answer = requests.post(self.url + path, json={} if body is None else body, timeout=20)
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
def admin(lab: LabThread) -> Admin:
    return Admin(lab.document["admin"]["url"])


def web(admin: Admin, cloud: str = "aws") -> dict[str, Any]:
    pools = admin.get("/pools")["pools"]
    found: list[dict[str, Any]] = [
        p for p in pools if (p["cloud"], p["cluster"], p["nodePool"]) == (cloud, "shop-batch", "web")
    ]
    return found[0]


def test_every_cloud_shows_its_pools(admin: Admin) -> None:
    pools = admin.get("/pools")["pools"]
    assert {(p["cloud"], p["cluster"]) for p in pools} == {
        (cloud, cluster) for cloud in ("aws", "azure", "gcp") for cluster in ("shop-prod", "shop-batch")
    }
    assert len(pools) == 12
    assert all(pool["requested"] == pool["nodes"] == pool["ready"] > 0 for pool in pools)


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp"])
def test_a_hand_resizes_and_time_brings_the_nodes(admin: Admin, cloud: str) -> None:
    admin.post("/hands/resize", {"cloud": cloud, "cluster": "shop-batch", "nodePool": "web", "to": 6})
    assert (web(admin, cloud)["requested"], web(admin, cloud)["ready"]) == (6, 4)
    admin.post("/clock/advance", {"seconds": 600})
    assert (web(admin, cloud)["nodes"], web(admin, cloud)["ready"]) == (6, 6)
    entry = admin.get("/journal")["entries"][-1]
    assert (entry["cloud"], entry["principal"], entry["from"], entry["to"]) == (cloud, "hand", 4, 6)
    assert (entry["cluster"], entry["pool"], entry["effective"]) == ("shop-batch", "web", True)
    assert admin.get("/stats")["effectiveResizes"] == [
        {"cloud": cloud, "cluster": "shop-batch", "nodePool": "web", "resizes": 1}
    ]


def test_the_clock_is_told_and_moved(admin: Admin) -> None:
    assert admin.get("/clock")["now"] == "2026-01-01T00:00:00.000Z"
    assert admin.post("/clock/advance", {"seconds": 90})["now"] == "2026-01-01T00:01:30.000Z"


def test_a_reset_goes_back_to_the_seed(admin: Admin) -> None:
    for cloud in ("aws", "azure", "gcp"):
        admin.post("/hands/resize", {"cloud": cloud, "cluster": "shop-batch", "nodePool": "web", "to": 6})
    admin.post("/clock/advance", {"seconds": 600})
    admin.post("/reset")
    assert admin.get("/journal")["entries"] == []
    assert admin.get("/clock")["now"] == "2026-01-01T00:00:00.000Z"
    assert [web(admin, cloud)["nodes"] for cloud in ("aws", "azure", "gcp")] == [4, 4, 4]


def test_the_journal_can_be_read_on_from_an_entry(admin: Admin) -> None:
    for to in (5, 6, 7):
        body = {"cloud": "aws", "cluster": "shop-batch", "nodePool": "web", "to": to}
        admin.post("/hands/resize", body)
        admin.post("/clock/advance", {"seconds": 600})
    assert [entry["seq"] for entry in admin.get("/journal")["entries"]] == [1, 2, 3]
    assert [entry["to"] for entry in admin.get("/journal?since=2")["entries"]] == [7]
    assert admin.get("/stats")["calls"] == [
        {"cloud": "aws", "operation": "UpdateNodegroupConfig", "principal": "hand", "calls": 3}
    ]


def test_a_call_is_held_and_released_from_outside(lab: LabThread, admin: Admin) -> None:
    hold = admin.post("/holds", {"operation": "GetCallerIdentity"})["id"]
    assert admin.post(f"/holds/{hold}/wait", {"timeoutSeconds": 0.05}) == {"reached": False}
    with ThreadPoolExecutor(1) as threads:
        headers = {
            "X-Amz-Date": "20260101T000000Z",
            "Authorization": "nonsense",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        refused = requests.post(
            lab.document["sts"]["url"] + "/", data="Action=GetCallerIdentity", headers=headers, timeout=10
        )
        assert refused.status_code == 400  # a call without a principal does not get as far as a hold
        answer = threads.submit(call_sts, lab)
        assert admin.post(f"/holds/{hold}/wait", {"timeoutSeconds": 10}) == {"reached": True}
        assert not answer.done()
        admin.post(f"/holds/{hold}/release", {"action": "continue"})
        assert answer.result(10) == "111122223333"


def call_sts(lab: LabThread) -> str:
    own = lab.document["credentials"]["aws"]
    sts = boto3.client(
        "sts",
        region_name="us-east-1",
        endpoint_url=lab.document["sts"]["url"],
        aws_access_key_id=own["accessKeyId"],
        aws_secret_access_key=own["secretAccessKey"],
        config=Config(retries={"total_max_attempts": 1}),
    )
    return str(sts.get_caller_identity()["Account"])


def test_a_reset_drops_what_is_held_and_leaves_an_empty_journal(lab: LabThread, admin: Admin) -> None:
    hold = admin.post("/holds", {"operation": "GetCallerIdentity"})["id"]
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(call_sts, lab)
        admin.post(f"/holds/{hold}/wait")
        admin.post("/reset")
        assert admin.get("/journal")["entries"] == []
        with pytest.raises(HTTPClientError):
            answer.result(10)
    assert call_sts(lab) == "111122223333"


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        pytest.param("/clock/advance", {"seconds": -1}, "seconds", id="time backwards"),
        pytest.param("/holds", {}, "operation", id="hold of nothing"),
        pytest.param("/holds", {"operation": "X", "when": "during"}, "when", id="unknown moment"),
        pytest.param("/holds", {"operation": "X", "what": 1}, "what", id="unknown field"),
        pytest.param("/holds/hold-9/release", {"action": "drop"}, "hold-9", id="unknown hold"),
        pytest.param("/holds/hold-9/wait", {}, "hold-9", id="wait for an unknown hold"),
        pytest.param("/hands/resize", {"cloud": "aws", "cluster": "a", "nodePool": "b"}, "to", id="no size"),
        pytest.param(
            "/hands/resize",
            {"cloud": "aws", "cluster": "shop-prod", "nodePool": "b", "to": 1},
            "No node group",
            id="unknown pool",
        ),
        pytest.param(
            "/hands/resize",
            {"cloud": "aws", "cluster": "shop-prod", "nodePool": "web", "to": 999},
            "desiredSize can't be greater",
            id="refused by the cloud",
        ),
        pytest.param("/clock/advance", [1], "the body", id="not an object"),
    ],
)
def test_a_mistake_is_answered_with_a_sentence(admin: Admin, path: str, body: object, sentence: str) -> None:
    assert sentence in admin.post(path, body, status=400)["error"]


def test_a_bad_number_and_a_bad_body_are_answered_with_a_sentence(admin: Admin) -> None:
    answer = requests.get(admin.url + "/journal?since=x", timeout=10)
    assert (answer.status_code, "since" in answer.json()["error"]) == (400, True)
    answer = requests.post(admin.url + "/reset/", timeout=10)
    assert answer.status_code == 404
    answer = requests.post(admin.url + "/holds", data="{", timeout=10)
    assert (answer.status_code, "not JSON" in answer.json()["error"]) == (400, True)


def test_faults_are_placed_listed_and_lifted(lab: LabThread, admin: Admin) -> None:
    denied = {"action": "reset", "match": {"operation": "GetCallerIdentity"}}
    fault_id = admin.post("/faults", denied)["id"]
    with pytest.raises(HTTPClientError):
        call_sts(lab)
    (listed,) = admin.get("/faults")["faults"]
    assert (listed["id"], listed["matched"], listed["applied"]) == (fault_id, 1, 1)
    assert listed["fault"]["match"] == {"operation": "GetCallerIdentity"}
    assert requests.delete(f"{admin.url}/faults/{fault_id}", timeout=10).status_code == 200
    assert call_sts(lab) == "111122223333"
    ids = admin.post("/faults", [denied, denied])["ids"]
    assert len(set(ids)) == 2
    assert requests.delete(f"{admin.url}/faults", timeout=10).status_code == 200
    assert admin.get("/faults")["faults"] == []
    told = [
        (entry["cloud"], entry["operation"]) for entry in admin.get("/journal")["entries"] if entry["cloud"] == "lab"
    ]
    assert told == [
        ("lab", "PlaceFault"),
        ("lab", "LiftFault"),
        *[("lab", "PlaceFault")] * 2,
        *[("lab", "LiftFault")] * 2,
    ]


def test_of_a_list_with_a_mistake_no_fault_is_placed(admin: Admin) -> None:
    error = admin.post("/faults", [{"action": "reset"}, {"action": "rest"}], status=400)["error"]
    assert error.startswith("[1].action.kind: 'rest' is not one of")
    assert admin.get("/faults")["faults"] == []


def test_limits_are_set_and_told(admin: Admin) -> None:
    admin.post("/capacity", {"cloud": "gcp", "zone": "europe-west1-b", "free": 3})
    assert admin.get("/capacity")["capacity"] == [{"cloud": "gcp", "zone": "europe-west1-b", "type": None, "free": 3}]
    admin.post("/capacity", {"cloud": "gcp", "zone": "europe-west1-b", "free": None})
    assert admin.get("/capacity")["capacity"] == []
    admin.post("/quota", {"cloud": "gcp", "account": "shop-prod-1", "region": "europe-west1", "nodes": 20})
    (quota,) = admin.get("/quota")["quotas"]
    assert (quota["nodes"], quota["vcpus"], quota["usedNodes"], quota["usedVcpus"]) == (20, None, 12, 48)


def test_permissions_are_taken_and_restored(lab: LabThread, admin: Admin) -> None:
    def may(action: str) -> bool:
        return lab.run(lambda running: running.permissions.allows("lab", action))

    admin.post("/permissions/deny", {"principal": "lab", "action": "eks:Update*"})
    admin.post("/permissions/allow", {"principal": "lab", "cloud": "azure", "actions": ["*/read"]})
    assert [may("eks:UpdateNodegroupConfig"), may("eks:ListClusters"), may("a/b/write")] == [False, True, False]
    admin.post("/permissions/restore", {"principal": "lab"})
    assert may("eks:UpdateNodegroupConfig")
    assert may("a/b/write")


def test_another_seed_starts_the_lab_anew(admin: Admin) -> None:
    seed = "random: 2\naws: {clusters: [{name: only, nodegroups: [{name: web, desired: 9}]}]}\ngcp: {clusters: []}"
    assert requests.post(admin.url + "/seed", data=seed, timeout=10).status_code == 200
    pools = admin.get("/pools")["pools"]
    assert [(p["cluster"], p["nodes"]) for p in pools if p["cloud"] != "azure"] == [("only", 9)]
    for wrong, said in [
        ("aws: {cluster: []}", "aws.cluster: is no field: there are clusters, "),
        ("a: [", "not YAML"),
        ("gcp: {project: another}", "gcp.project: must be as the lab was started with"),
        ("aws: {pace: {put: {burst: 1, perS: 1}}}", "aws.pace.put: is no kind of call"),
    ]:
        answer = requests.post(admin.url + "/seed", data=wrong, timeout=10)
        assert (answer.status_code, said in answer.json()["error"]) == (400, True), answer.text
    assert admin.get("/pools")["pools"] == pools


def test_the_most_calls_under_way_are_told(lab: LabThread, admin: Admin) -> None:
    call_sts(lab)
    assert admin.get("/stats")["mostInFlight"] == {"aws": 1}
    admin.post("/reset")
    assert admin.get("/stats")["mostInFlight"] == {}
