"""Who may ask a member cluster: what its own cloud issues, made by the vendor's own SDK; everybody else hears 401."""

import json

import boto3
import pytest
from kubernetes.client.exceptions import ApiException

from multicloud_lab.core.faultkinds import ClockSkew
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.thread import LabThread
from support.member import CLOUDS, api, aws_token, azure_token, token, unwrapped, wrapped

NODES = {"aws": 6, "azure": 6, "gcp": 6}


def status_of(lab: LabThread, cloud: str, bearer: str | None) -> int:
    try:
        with api(lab, cloud, bearer) as member:
            member.list_node()
    except ApiException as error:
        return int(error.status or 0)
    return 200


@pytest.mark.parametrize("cloud", CLOUDS)
def test_its_own_clouds_credential_opens_a_cluster(lab: LabThread, cloud: str) -> None:
    with api(lab, cloud, token(lab, cloud)) as member:
        assert len(member.list_node().items) == NODES[cloud]
    known = lab.document["credentials"]
    principal = {"aws": "lab", "azure": known["azure"]["clientId"], "gcp": known["gcp"]["client_email"]}[cloud]
    entry = lab.journal()[-1]
    assert (entry["cloud"], entry["operation"], entry["principal"]) == ("kubernetes", "nodes.list", principal)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_nothing_else_opens_it(lab: LabThread, cloud: str) -> None:
    others = [token(lab, other) for other in CLOUDS if other != cloud]
    for bearer in (None, "", "nonsense", *others):
        assert status_of(lab, cloud, bearer) == 401


def test_a_token_for_arm_is_none_for_a_cluster(lab: LabThread) -> None:
    assert status_of(lab, "azure", azure_token(lab, "https://management.azure.com")) == 401


def test_an_eks_token_is_for_one_cluster(lab: LabThread) -> None:
    assert status_of(lab, "aws", aws_token(lab, "shop-batch")) == 401
    with api(lab, "aws", aws_token(lab, "shop-batch"), "shop-batch") as member:
        assert member.list_node().items


def test_an_eks_token_may_be_presigned_for_the_labs_own_sts(lab: LabThread) -> None:
    assert status_of(lab, "aws", aws_token(lab, host=lab.document["sts"]["url"])) == 200


def test_an_eks_token_of_another_secret_is_refused_and_of_an_unknown_key_taken(lab: LabThread) -> None:
    known = lab.document["credentials"]["aws"]
    assert status_of(lab, "aws", aws_token(lab, key={**known, "secretAccessKey": "other"})) == 401
    anybody = {"accessKeyId": "AKIAANYBODY", "secretAccessKey": "any"}
    assert status_of(lab, "aws", aws_token(lab, key=anybody)) == 200
    assert lab.journal()[-1]["principal"] == "AKIAANYBODY"


def test_an_assumed_role_opens_a_cluster(lab: LabThread) -> None:
    known = lab.document["credentials"]["aws"]
    session = boto3.Session(known["accessKeyId"], known["secretAccessKey"], region_name="us-east-1")
    sts = session.client("sts", endpoint_url=lab.document["sts"]["url"])
    role = sts.assume_role(RoleArn="arn:aws:iam::111122223333:role/operator", RoleSessionName="test")["Credentials"]
    key = {
        "accessKeyId": role["AccessKeyId"],
        "secretAccessKey": role["SecretAccessKey"],
        "sessionToken": role["SessionToken"],
    }
    assert status_of(lab, "aws", aws_token(lab, key=key)) == 200
    assert lab.journal()[-1]["principal"] == "operator"
    assert status_of(lab, "aws", aws_token(lab, key={**key, "sessionToken": "other"})) == 401


@pytest.mark.parametrize(
    ("was", "now"),
    [
        pytest.param("https://sts.eu-central-1.amazonaws.com", "https://sts.example.com", id="host"),
        pytest.param("https://", "http://", id="scheme"),
        pytest.param("amazonaws.com/?", "amazonaws.com/path?", id="path"),
        pytest.param("GetCallerIdentity", "GetSessionToken", id="action"),
        pytest.param("x-k8s-aws-id", "x-other", id="header not signed"),
        pytest.param("X-Amz-Expires=60", "X-Amz-Expires=3600", id="too long"),
        pytest.param("Version=", "Unknown=1&Version=", id="unknown parameter"),
        pytest.param("Version=", "Action=GetCallerIdentity&Version=", id="twice"),
        pytest.param("X-Amz-Signature=", "X-Amz-Signature=0", id="signature"),
    ],
)
def test_an_eks_token_of_another_form_is_refused(lab: LabThread, was: str, now: str) -> None:
    url = unwrapped(aws_token(lab))
    assert was in url
    assert status_of(lab, "aws", wrapped(url.replace(was, now))) == 401


@pytest.mark.parametrize(("skew_s", "status"), [(890, 200), (960, 401), (-290, 200), (-360, 401)])
def test_an_eks_token_counts_for_fifteen_minutes(lab: LabThread, skew_s: float, status: int) -> None:
    lab.place(Fault(match=Match(cloud="aws"), action=ClockSkew(seconds=skew_s)))
    assert status_of(lab, "aws", aws_token(lab)) == status


def test_a_google_token_runs_out(lab: LabThread) -> None:
    bearer = token(lab, "gcp")
    lab.place(Fault(match=Match(cloud="gcp"), action=ClockSkew(seconds=3700)))
    assert status_of(lab, "gcp", bearer) == 401


def test_no_token_stands_in_the_journal(lab: LabThread) -> None:
    bearers = [token(lab, cloud) for cloud in CLOUDS]
    for cloud in CLOUDS:
        for bearer in bearers:
            status_of(lab, cloud, bearer)
    written = json.dumps(lab.journal())
    assert not [bearer for bearer in bearers if bearer in written]
