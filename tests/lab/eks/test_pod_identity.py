"""The agent of EKS Pod Identity: botocore's own provider logs in there, and its refusals."""

from typing import Any

import boto3
import pytest
import requests
from botocore.exceptions import CredentialRetrievalError

from multicloud_lab.core.clock import wall_time_s
from multicloud_lab.core.faultkinds import Answer
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.thread import LabThread
from support.signing_in import jwt


@pytest.fixture
def pod(lab: LabThread, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Any:
    """A pod's environment; `token` writes the token that it has."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", lab.document["podIdentity"]["url"])
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "token"))
    return (tmp_path / "token").write_text


def ask(lab: LabThread, token: str) -> requests.Response:
    return requests.get(lab.document["podIdentity"]["url"], headers={"Authorization": token}, timeout=10)


def test_a_pod_logs_in_and_acts_as_the_role_of_its_association(lab: LabThread, pod: Any) -> None:
    pod(jwt("pods.eks.amazonaws.com"))
    sts = boto3.Session().client("sts", region_name="us-east-1", endpoint_url=lab.document["sts"]["url"])
    assert ":assumed-role/pod-identity/eks-system-serviceaccount" in sts.get_caller_identity()["Arn"]
    assert [entry["principal"] for entry in lab.journal()] == ["pod-identity", "pod-identity"]


def test_what_it_gives_lasts_an_hour_and_stays_out_of_the_journal(lab: LabThread) -> None:
    given = ask(lab, jwt("pods.eks.amazonaws.com")).json()
    assert set(given) == {"AccessKeyId", "SecretAccessKey", "Token", "AccountId", "Expiration"}
    assert given["SecretAccessKey"] not in str(lab.journal())


@pytest.mark.parametrize(
    ("token", "code"),
    [
        pytest.param("", "InvalidIdentityToken", id="none"),
        pytest.param("a.b.c", "InvalidIdentityToken", id="no-jwt"),
        pytest.param(jwt("sts.amazonaws.com"), "InvalidTokenException", id="audience"),
        pytest.param(jwt("pods.eks.amazonaws.com", exp=wall_time_s() - 5), "ExpiredTokenException", id="expired"),
    ],
)
def test_refused(lab: LabThread, token: str, code: str) -> None:
    answer = ask(lab, token)
    assert (answer.status_code, answer.text.partition(":")[0]) == (400, code)
    assert lab.journal()[-1]["result"] == code


def test_an_agent_that_is_not_well(lab: LabThread, pod: Any) -> None:
    pod(jwt("pods.eks.amazonaws.com"))
    lab.place(Fault(action=Answer(status=500), match=Match(operation="AssumeRoleForPodIdentity")))
    with pytest.raises(CredentialRetrievalError):
        boto3.Session().get_credentials()
