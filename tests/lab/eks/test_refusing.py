"""What is refused at the door: missing or malformed signatures, unknown routes, bodies of a wrong shape."""

import hashlib
from collections.abc import Mapping
from typing import Any

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from multicloud_lab.thread import LabThread

SIGNATURE = hashlib.sha256(b"").hexdigest()


def signed(method: str, url: str, body: str = "", service: str = "eks") -> dict[str, str]:
    request = AWSRequest(method, url, data=body)
    SigV4Auth(Credentials("AKIASOMEBODY", "secret"), service, "us-east-1").add_auth(request)
    return dict(request.headers)


def without(headers: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in headers.items() if key != name}


CASES = [
    pytest.param(lambda _: {}, 403, "MissingAuthenticationTokenException", id="no signature"),
    pytest.param(
        lambda h: {**h, "Authorization": "Bearer abc"}, 400, "IncompleteSignatureException", id="another scheme"
    ),
    pytest.param(lambda h: without(h, "X-Amz-Date"), 400, "IncompleteSignatureException", id="no date"),
    pytest.param(
        lambda h: {**h, "Authorization": h["Authorization"].replace("Signature=", "Sig=")},
        400,
        "IncompleteSignatureException",
        id="no signature part",
    ),
    pytest.param(
        lambda h: {**h, "X-Amz-Date": "20010101T000000Z"}, 403, "InvalidSignatureException", id="date not the scope's"
    ),
    pytest.param(
        lambda h: {**h, "Authorization": h["Authorization"].replace("/eks/", "/ec2/")},
        403,
        "InvalidSignatureException",
        id="another service",
    ),
    pytest.param(
        lambda _: {
            "X-Amz-Date": "20010101T000000Z",
            "Authorization": f"AWS4-HMAC-SHA256 Credential=K/20010101/us-east-1/eks/aws4_request, SignedHeaders=host, Signature={SIGNATURE}",
        },
        403,
        "InvalidSignatureException",
        id="too old",
    ),
]


@pytest.mark.parametrize(("spoil", "status", "code"), CASES)
def test_a_call_without_a_principal_is_refused_and_journalled(
    lab: LabThread, spoil: Any, status: int, code: str
) -> None:
    url = f"{lab.document['eks']['url']}/clusters/shop-prod/node-groups/web/update-config"
    body = '{"scalingConfig": {"desiredSize": 9}}'
    answer = requests.post(url, data=body, headers=spoil(signed("POST", url, body)), timeout=10)
    assert (answer.status_code, answer.headers["x-amzn-ErrorType"]) == (status, code)
    assert answer.json()["message"]
    entries = lab.journal()
    assert [(e["operation"], e["principal"], e["result"], e["effective"]) for e in entries] == [
        ("UpdateNodegroupConfig", "anonymous", code, False)
    ]


@pytest.mark.parametrize(
    ("service", "action"), [("autoscaling", "DescribeAutoScalingGroups"), ("sts", "GetCallerIdentity")]
)
def test_the_query_ports_refuse_it_in_xml(lab: LabThread, service: str, action: str) -> None:
    url = lab.document[service]["url"] + "/"
    answer = requests.post(url, data={"Action": action, "Version": "2011-06-15"}, timeout=10)
    assert answer.status_code == 403
    assert "<Code>MissingAuthenticationToken</Code>" in answer.text


@pytest.mark.parametrize(
    ("service", "ask", "code"),
    [
        ("eks", lambda client: client.list_clusters(), "InvalidSignatureException"),
        ("autoscaling", lambda client: client.describe_auto_scaling_groups(), "SignatureDoesNotMatch"),
        ("sts", lambda client: client.get_caller_identity(), "SignatureDoesNotMatch"),
    ],
)
def test_a_listed_key_with_another_secret_is_refused(connect: Any, service: str, ask: Any, code: str) -> None:
    with pytest.raises(ClientError) as refused:
        ask(connect(service, secret="another"))
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    ask(connect(service, secret="another", key_id="AKIAUNLISTED"))
    ask(connect(service))


def test_a_body_that_was_not_signed_is_refused(lab: LabThread) -> None:
    url = f"{lab.document['eks']['url']}/clusters/shop-prod/node-groups/web/update-config"
    own = lab.document["credentials"]["aws"]
    request = AWSRequest("POST", url, data='{"scalingConfig": {"desiredSize": 5}}')
    SigV4Auth(Credentials(own["accessKeyId"], own["secretAccessKey"]), "eks", "us-east-1").add_auth(request)
    headers = dict(request.headers)
    forged = requests.post(url, data='{"scalingConfig": {"desiredSize": 9}}', headers=headers, timeout=10)
    assert (forged.status_code, forged.headers["x-amzn-ErrorType"]) == (403, "InvalidSignatureException")
    assert requests.post(url, data='{"scalingConfig": {"desiredSize": 5}}', headers=headers, timeout=10).ok


def test_a_name_that_must_be_encoded_is_signed_as_it_travels(eks: Any) -> None:
    with pytest.raises(eks.exceptions.ResourceNotFoundException, match=r"a b/c\+d~é"):
        eks.list_updates(name="a b/c+d~é", nodegroupName="x y+z/é", maxResults=7)


def test_an_action_that_is_not_served_is_invalid(lab: LabThread) -> None:
    url = lab.document["sts"]["url"] + "/"
    body = "Action=GetSessionToken&Version=2011-06-15"
    headers = {**signed("POST", url, body, "sts"), "Content-Type": "application/x-www-form-urlencoded"}
    answer = requests.post(url, data=body, headers=headers, timeout=10)
    assert answer.status_code == 400
    assert "<Code>InvalidAction</Code>" in answer.text


@pytest.mark.parametrize("service", ["autoscaling", "sts"])
@pytest.mark.parametrize(("method", "path"), [("PUT", "/"), ("GET", "/nothing"), ("POST", "/nothing")])
def test_what_is_no_form_at_the_root_is_an_unknown_operation(
    lab: LabThread, service: str, method: str, path: str
) -> None:
    url = lab.document[service]["url"] + path
    answer = requests.request(method, url, headers=signed(method, url, service=service), timeout=10)
    assert (answer.status_code, answer.text) == (404, "<UnknownOperationException />")
    assert answer.headers["Content-Type"].startswith("text/xml")
    assert answer.headers["x-amzn-RequestId"]
    assert lab.journal()[-1]["result"] == "UnknownOperationException"


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/clusters/shop-prod"), ("GET", "/nothing"), ("POST", "/clusters/shop-prod/addons")],
)
def test_other_routes_are_unknown_operations(lab: LabThread, method: str, path: str) -> None:
    url = lab.document["eks"]["url"] + path
    answer = requests.request(method, url, headers=signed(method, url), timeout=10)
    assert (answer.status_code, answer.headers["x-amzn-ErrorType"]) == (404, "UnknownOperationException")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param("not json", "SerializationException", id="not JSON"),
        pytest.param("[]", "SerializationException", id="not an object"),
        pytest.param('{"scalingConfig": {"desiredSize": "9"}}', "SerializationException", id="text for a number"),
        pytest.param('{"scalingConfig": {"desiredSize": 1.5}}', "SerializationException", id="half a node"),
        pytest.param('{"scalingConfig": {"desiredSize": -1}}', "InvalidParameterException", id="below zero"),
        pytest.param('{"scalingConfig": {"maxSize": 0}}', "InvalidParameterException", id="max of none"),
        pytest.param(
            '{"taints": {"addOrUpdateTaints": [{"key": "a", "effect": "NO"}]}}',
            "InvalidParameterException",
            id="unknown effect",
        ),
        pytest.param("{}", "InvalidParameterException", id="nothing to do"),
    ],
)
def test_a_body_of_a_wrong_shape_is_refused(lab: LabThread, body: str, code: str) -> None:
    url = f"{lab.document['eks']['url']}/clusters/shop-prod/node-groups/web/update-config"
    answer = requests.post(url, data=body, headers=signed("POST", url, body), timeout=10)
    assert (answer.status_code, answer.headers["x-amzn-ErrorType"]) == (400, code)
    assert lab.journal()[-1]["principal"] == "AKIASOMEBODY"
    assert lab.run(lambda running: running.journal.effective_resizes()) == []


def test_a_lab_whose_clock_is_far_ahead_still_takes_signatures(lab: LabThread, eks: Any) -> None:
    lab.advance(400 * 24 * 3600)
    assert eks.list_clusters()["clusters"] == ["shop-batch", "shop-prod"]
