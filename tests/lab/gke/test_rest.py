"""What is particular to REST: paths, strict bodies, absent zeros, query parameters, envelopes, foreign answers."""

import json
from html import escape
from typing import Any

import pytest
import requests
from google.api_core import exceptions
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from multicloud_lab.core.faultkinds import Action, Answer, AuthExpire, Garbage, LostResponse, Reset
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.core.seed import GcpSeed, GkeCluster, GkePool, Seed
from multicloud_lab.thread import LabThread
from support.gkewires import SCOPE, WIRES, Plain, Refused, rest_client, token_of

LOCATIONS = "projects/shop-prod-1/locations"
REGIONAL = f"{LOCATIONS}/europe-west1/clusters/shop-prod"
WEB = f"{REGIONAL}/nodePools/web"
ZONE_PATH = "/v1/projects/shop-prod-1/zones/europe-west1-b/clusters/shop-batch/nodePools/web"


@pytest.fixture
def rest(lab: LabThread) -> Plain:
    return Plain(lab.document["gke"]["rest"], token_of(lab))


def place(lab: LabThread, action: Action, operation: str = "GetNodePool", *, after: bool = False) -> None:
    fault = Fault(action=action, match=Match(operation=operation), times=1, when="after" if after else "before")
    lab.run(lambda inner: inner.faults.place(fault))


def test_an_absent_count_is_zero(lab: LabThread, rest: Plain) -> None:
    answer = rest.send("POST", f"/v1/{WEB}:setSize", {})
    assert answer.status_code == 200
    assert lab.journal()[-1]["arguments"] == {"name": WEB, "nodeCount": 0}
    lab.advance(300)
    assert "initialNodeCount" not in rest.send("GET", f"/v1/{WEB}").json()


def test_the_sdk_sends_zero_as_absent_and_reads_it_back(lab: LabThread) -> None:
    with WIRES["sdk-rest"](lab, token_of(lab)) as wire:
        wire("SetNodePoolSize", name=WEB, nodeCount=0)
        lab.advance(300)
        assert wire("GetNodePool", name=WEB).get("initialNodeCount", 0) == 0


def test_enums_are_names_or_numbers_as_asked(rest: Plain) -> None:
    assert rest.send("GET", f"/v1/{WEB}").json()["status"] == "RUNNING"
    assert rest.send("GET", f"/v1/{WEB}", **{"$alt": "json;enum-encoding=int"}).json()["status"] == 2
    assert rest.send("GET", f"/v1/{WEB}", alt="json").json()["status"] == "RUNNING"


@pytest.mark.parametrize("query", [{"alt": "xml"}, {"nonsense": "1"}])
def test_a_query_that_the_api_does_not_know_is_refused(rest: Plain, query: dict[str, str]) -> None:
    answer = rest.send("GET", f"/v1/{WEB}", **query)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("query", [{"alt": "proto"}, {"alt": "media"}, {"fields": "name"}])
def test_a_query_that_the_lab_cannot_answer_is_not_implemented(rest: Plain, query: dict[str, str]) -> None:
    answer = rest.send("GET", f"/v1/{WEB}", **query)
    assert (answer.status_code, answer.json()["error"]["status"]) == (501, "UNIMPLEMENTED")


@pytest.mark.parametrize("query", [{"prettyPrint": "false"}, {"key": "k", "quotaUser": "me"}, {"$.xgafv": "2"}])
def test_parameters_of_every_method_are_taken(rest: Plain, query: dict[str, str]) -> None:
    assert rest.send("GET", f"/v1/{WEB}", **query).status_code == 200


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param({"nodesCount": 3}, 'Unknown name "nodesCount": Cannot find field.', id="unknown"),
        pytest.param({"nodeCount": "three"}, "Invalid JSON payload received.", id="no number"),
        pytest.param('{"nodeCount": 3', "Invalid JSON payload received.", id="cut off"),
        pytest.param("[]", "Invalid JSON payload received.", id="no object"),
    ],
)
def test_a_body_that_does_not_fit_is_refused_and_changes_nothing(
    lab: LabThread, rest: Plain, body: object, words: str
) -> None:
    answer = rest.send("POST", f"/v1/{WEB}:setSize", body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert words in error["message"]
    assert error["details"][0]["@type"] == "type.googleapis.com/google.rpc.BadRequest"
    assert rest.send("GET", f"/v1/{WEB}").json()["initialNodeCount"] == 1
    assert not any(entry["effective"] for entry in lab.journal())


def test_an_unknown_field_deep_inside_is_named_with_its_place(rest: Plain) -> None:
    body = {"nodePool": {"name": "new", "config": {"machinetype": "e2-medium"}}}
    error = rest.send("POST", f"/v1/{REGIONAL}/nodePools", body).json()["error"]
    assert "Unknown name \"machinetype\" at 'node_pool.config': Cannot find field." in error["message"]
    assert error["details"][0]["fieldViolations"][0]["field"] == "node_pool.config"


@pytest.mark.parametrize("value", ["PREFER", 77])
def test_an_enum_that_does_not_exist_is_refused(rest: Plain, value: object) -> None:
    body = {"autoscaling": {"enabled": True, "maxNodeCount": 3, "locationPolicy": value}}
    answer = rest.send("POST", f"/v1/{WEB}:setAutoscaling", body)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        pytest.param("GET", "/v1/nothing", id="no such thing"),
        pytest.param("PATCH", f"/v1/{WEB}", id="no such method"),
        pytest.param("GET", f"/v2/{WEB}", id="another version"),
        pytest.param("GET", ZONE_PATH, id="a path of the first API"),
        pytest.param("POST", f"/v1/{WEB}:resize", id="no such verb"),
    ],
)
def test_where_the_api_has_nothing_is_the_front_ends_page(rest: Plain, verb: str, path: str) -> None:
    is_front_ends_page(rest.send(verb, path), path)


def is_front_ends_page(answer: requests.Response, path: str) -> None:
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")
    answer.encoding = "utf-8"
    assert "<title>Error 404 (Not Found)!!1</title>" in answer.text
    assert f"The requested URL <code>{escape(path)}</code> was not found on this server." in answer.text


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        pytest.param("GET", "/nothing<b>", id="no API"),
        pytest.param("GET", "/token", id="the token endpoint, read"),
        pytest.param("POST", "/computeMetadata/v1/project/project-id", id="metadata, written"),
        pytest.param("GET", "/compute/v2/projects/shop-prod-1", id="another version of Compute"),
        pytest.param("GET", "/v1/projects/shop-prod-1:testIamPermissions", id="a method of IAM, read"),
        pytest.param("POST", "/v1/projects/shop-prod-1:getIamPolicy", id="another method of IAM"),
    ],
)
def test_where_googles_other_apis_have_nothing_is_the_same_page(
    lab: LabThread, rest: Plain, verb: str, path: str
) -> None:
    other = Plain(lab.document["compute"]["url"], rest.token)
    is_front_ends_page(other.send(verb, path), path)


def test_the_first_apis_paths_are_a_switch() -> None:
    seed = Seed(gcp=Seed().gcp.model_copy(update={"switches": {"zonePaths": True}}))
    with LabThread(seed) as lab:
        rest = Plain(lab.document["gke"]["rest"], token_of(lab))
        assert rest.send("GET", ZONE_PATH).json()["initialNodeCount"] == 4
        resized = rest.send("POST", f"{ZONE_PATH}/setSize", {"nodeCount": 6})
        assert resized.json()["operationType"] == "SET_NODE_POOL_SIZE"


def test_a_method_that_the_lab_lacks_is_not_implemented(lab: LabThread, rest: Plain) -> None:
    answer = rest.send("POST", f"/v1/{WEB}:rollback", {})
    assert answer.status_code == 501
    assert answer.json() == {
        "error": {
            "code": 501,
            "message": "Operation is not implemented, or supported, or enabled.",
            "status": "UNIMPLEMENTED",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.DebugInfo",
                    "detail": "The lab does not serve google.container.v1.ClusterManager.RollbackNodePoolUpgrade.",
                }
            ],
        }
    }
    assert lab.journal()[-1]["operation"] == "RollbackNodePoolUpgrade"


def test_a_conflict_is_an_envelope_with_its_reason(rest: Plain) -> None:
    operation = rest.send("POST", f"/v1/{WEB}:setSize", {"nodeCount": 2}).json()
    answer = rest.send("POST", f"/v1/{WEB}:setSize", {"nodeCount": 3})
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json() == {
        "error": {
            "code": 400,
            "message": f"Cluster is running incompatible operation {operation['name']}.",
            "status": "FAILED_PRECONDITION",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "CLUSTER_ALREADY_HAS_OPERATION",
                    "domain": "container.googleapis.com",
                }
            ],
        }
    }


def test_cancelling_answers_with_an_empty_object(lab: LabThread, rest: Plain) -> None:
    operation = rest.send("POST", f"/v1/{WEB}:setSize", {"nodeCount": 2}).json()
    name = f"{LOCATIONS}/europe-west1/operations/{operation['name']}"
    assert rest.send("POST", f"/v1/{name}:cancel").json() == {}
    assert rest.send("GET", f"/v1/{name}").json()["status"] == "ABORTING"


@pytest.mark.parametrize("token", [None, "ya29.made-up"])
def test_without_a_credential_there_is_no_answer(lab: LabThread, token: str | None) -> None:
    answer = Plain(lab.document["gke"]["rest"], token).send("GET", f"/v1/{WEB}")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer realm=")
    assert answer.json()["error"]["status"] == "UNAUTHENTICATED"
    assert lab.journal()[-1]["principal"] == "anonymous"


def test_a_token_may_stand_in_the_query(lab: LabThread) -> None:
    rest = Plain(lab.document["gke"]["rest"], None)
    assert rest.send("GET", f"/v1/{WEB}", access_token=token_of(lab)).status_code == 200


def test_an_expired_credential_is_told_and_the_sdk_logs_in_again(lab: LabThread, rest: Plain) -> None:
    place(lab, AuthExpire())
    answer = rest.send("GET", f"/v1/{WEB}")
    error = answer.json()["error"]
    assert (answer.status_code, error["details"][0]["reason"]) == (401, "ACCESS_TOKEN_EXPIRED")

    key = lab.document["credentials"]["gcp"]
    credentials = service_account.Credentials.from_service_account_info(key, scopes=[SCOPE])
    credentials.refresh(Request())
    place(lab, AuthExpire())
    with rest_client(lab, credentials) as client:
        assert client.get_node_pool(name=WEB).initial_node_count == 1
    told = [(entry["operation"], entry["result"]) for entry in lab.journal()][-3:]
    assert told == [("GetNodePool", "UNAUTHENTICATED"), ("token", "200"), ("GetNodePool", "200")]


def test_the_sdks_rest_transport_logs_in_by_itself(lab: LabThread) -> None:
    key = lab.document["credentials"]["gcp"]
    with rest_client(lab, service_account.Credentials.from_service_account_info(key, scopes=[SCOPE])) as client:
        assert [cluster.name for cluster in client.list_clusters(parent=f"{LOCATIONS}/-").clusters] == [
            "shop-prod",
            "shop-batch",
        ]


@pytest.mark.parametrize(
    ("form", "status", "content_type", "body"),
    [
        ("html502", 502, "text/html", "<!DOCTYPE html>"),
        ("truncated", 200, "application/json", '{"name": "oper'),
        ("wrongType", 200, "text/plain", "OK"),
        ("empty", 200, "application/json", ""),
    ],
)
def test_garbage_is_sent_as_it_is(
    lab: LabThread, rest: Plain, form: Any, status: int, content_type: str, body: str
) -> None:
    place(lab, Garbage(form=form))
    answer = rest.send("GET", f"/v1/{WEB}")
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith(content_type)
    assert answer.text.startswith(body)


@pytest.mark.parametrize("form", ["html502", "truncated", "wrongType", "empty"])
def test_garbage_over_grpc_is_no_node_pool(lab: LabThread, form: Any) -> None:
    place(lab, Garbage(form=form))
    with WIRES["grpc"](lab, token_of(lab)) as wire:
        if form == "empty":
            assert wire("GetNodePool", name=WEB) == {}
            return
        with pytest.raises((Refused, exceptions.GoogleAPICallError, ValueError)):
            wire("GetNodePool", name=WEB)


def test_an_answer_with_a_body_is_that_body(lab: LabThread, rest: Plain) -> None:
    place(lab, Answer(status=418, body='{"short": "stout"}', headers={"X-Pot": "tea"}))
    answer = rest.send("GET", f"/v1/{WEB}")
    assert (answer.status_code, answer.json(), answer.headers["X-Pot"]) == (418, {"short": "stout"}, "tea")


@pytest.mark.parametrize("wire", list(WIRES))
def test_a_lost_response_was_committed_and_a_reset_was_not(lab: LabThread, wire: str) -> None:
    token = token_of(lab)
    with WIRES[wire](lab, token) as ask:
        place(lab, Reset(), "SetNodePoolSize")
        with pytest.raises((Refused, requests.ConnectionError)):
            ask("SetNodePoolSize", name=WEB, nodeCount=3)
        assert ask("GetNodePool", name=WEB)["initialNodeCount"] == 1
        place(lab, LostResponse(), "SetNodePoolSize")
        with pytest.raises((Refused, requests.ConnectionError)):
            ask("SetNodePoolSize", name=WEB, nodeCount=3)
        assert ask("GetNodePool", name=WEB)["initialNodeCount"] == 3
    resizes = lab.run(lambda inner: [entry.to for entry in inner.journal.effective_resizes()])
    assert resizes == [9]


def test_an_error_after_the_commit_hides_a_success(lab: LabThread, rest: Plain) -> None:
    place(lab, Answer(status=503), "SetNodePoolSize", after=True)
    answer = rest.send("POST", f"/v1/{WEB}:setSize", {"nodeCount": 3})
    assert (answer.status_code, answer.json()["error"]["status"]) == (503, "UNAVAILABLE")
    assert rest.send("GET", f"/v1/{WEB}").json()["initialNodeCount"] == 3


def test_the_rate_limit_is_always_on_and_refills_in_virtual_time() -> None:
    gcp = GcpSeed(clusters=(GkeCluster(name="one", pools=(GkePool(name="web"),)),))
    seed = Seed(gcp=GcpSeed.model_validate({**json.loads(gcp.model_dump_json()), "pace": {"container": {"burst": 3, "perS": 0.5}}}))  # fmt: skip
    with LabThread(seed) as lab:
        rest = Plain(lab.document["gke"]["rest"], token_of(lab))
        path = f"/v1/{LOCATIONS}/europe-west1/clusters/one"
        assert [rest.send("GET", path).status_code for _ in range(4)] == [200, 200, 200, 429]
        error = rest.send("GET", path).json()["error"]
        info, retry = error["details"]
        assert (error["status"], info["reason"]) == ("RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED")
        assert retry == {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2.000s"}
        lab.advance(2)
        assert rest.send("GET", path).status_code == 200
