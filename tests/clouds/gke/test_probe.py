"""What Resource Manager's test and Google's refusals prove."""

import pytest

from multicloud.clouds.gke.policy import GET_CLUSTERS, LIST_GROUPS, UPDATE_CLUSTERS
from multicloud.model.permission import Need, Permission
from multicloud.model.port import CloudDoor
from multicloud.model.ref import NodePoolRef
from support.googledoor import CLUSTER, Fault, Google
from support.vendor import Answer

WEB = NodePoolRef(cluster=CLUSTER, name="web")
TEST = "/v1/projects/shop-prod-1:testIamPermissions"


def found(door: CloudDoor, need: Need) -> Permission:
    assert door.probe is not None
    (one,) = [each for each in door.probe.probe(WEB) if each.need is need]
    return one


def refusal(status: int, code: str, reason: str) -> Answer:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]
    return Answer(status=status, body={"error": {"status": code, "message": "in Google's words", "details": details}})


@pytest.mark.parametrize(
    ("answer", "granted"),
    [
        (Answer(body={"permissions": ["container.clusters.update"]}), True),
        (Answer(body={"permissions": ["container.clusters.get"]}), False),
        (Answer(body={}), False),
        (Answer(body={"permissions": "container.clusters.update"}), None),
        (refusal(403, "PERMISSION_DENIED", "SERVICE_DISABLED"), None),
        (refusal(404, "NOT_FOUND", ""), None),
        (refusal(429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED"), None),
        (Answer(status=302, headers={"Location": "http://127.0.0.1:9"}), None),
        (Answer(drop=True), None),
    ],
    ids=["granted", "another one", "none", "garbage", "API off", "no such project", "throttled", "redirect", "away"],
)
def test_what_the_test_of_permissions_says(
    door: CloudDoor, google: Google, answer: Answer, granted: bool | None
) -> None:
    google.rest.answer("POST", TEST, answer)
    told = found(door, UPDATE_CLUSTERS)
    assert told.granted is granted
    assert ("cloudresourcemanager.googleapis.com" in told.why) == (granted is None)


def test_only_what_is_asked_for_is_sent_and_signed(door: CloudDoor, google: Google) -> None:
    found(door, UPDATE_CLUSTERS)
    (asked,) = google.rest.calls("POST", TEST)
    assert asked.json == {"permissions": ["container.clusters.update"]}
    assert asked.headers["Authorization"] == "Bearer opaque-token"
    assert google.manager.called("SetNodePoolSize") == []


def test_a_refused_read_is_a_missing_permission_and_a_broken_one_is_not(door: CloudDoor, google: Google) -> None:
    google.manager.answer("ListNodePools", Fault(code="PERMISSION_DENIED", reason="IAM_PERMISSION_DENIED"))
    google.rest.answer("GET", "/instanceGroupManagers", Answer(status=503, body={}))
    assert found(door, GET_CLUSTERS).granted is False
    assert found(door, LIST_GROUPS).granted is None
