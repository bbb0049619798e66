"""The exchange of another issuer's token, with google-auth and by hand."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from google.auth import identity_pool
from google.auth.exceptions import OAuthError
from google.auth.transport.requests import Request

from multicloud_lab.core.faultkinds import ClockSkew
from multicloud_lab.core.faults import Fault
from multicloud_lab.thread import LabThread
from support.gkewires import SCOPE, Plain
from support.signing_in import PROVIDER, SUBJECT, jwt

AUDIENCE = f"//iam.googleapis.com/{PROVIDER}/providers/eks"
FORM: Mapping[str, str] = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "audience": AUDIENCE,
    "scope": SCOPE,
    "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
}
LISTING = "/v1/projects/shop-prod-1/locations/-/clusters"


def credentials(lab: LabThread, directory: Path, token: str) -> identity_pool.Credentials:
    (directory / "token").write_text(token)
    return identity_pool.Credentials(
        audience=AUDIENCE,
        subject_token_type=FORM["subject_token_type"],
        token_url=lab.document["google"]["sts"],
        credential_source={"file": str(directory / "token")},
        scopes=[SCOPE],
    )


def test_a_token_of_another_issuer_is_exchanged(lab: LabThread, tmp_path: Path) -> None:
    federated = credentials(lab, tmp_path, jwt("google"))
    federated.refresh(Request())
    Plain(lab.document["gke"]["rest"], str(federated.token)).send("GET", LISTING)
    principal = f"principal://iam.googleapis.com/{PROVIDER}/subject/{SUBJECT}"
    assert [entry["principal"] for entry in lab.journal()] == [principal, principal]


def test_what_is_refused_is_an_oauth_error(lab: LabThread, tmp_path: Path) -> None:
    with pytest.raises(OAuthError, match="expired"):
        credentials(lab, tmp_path, jwt("google", exp=1)).refresh(Request())
    lab.place(Fault(action=ClockSkew(seconds=7200)))
    with pytest.raises(OAuthError, match="expired"):
        credentials(lab, tmp_path, jwt("google")).refresh(Request())


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"audience": "//iam.googleapis.com/elsewhere"}, "invalid_target"),
        ({"subject_token_type": "saml"}, "invalid_request"),
        ({"subject_token": "no token"}, "invalid_grant"),
        ({"subject_token": ""}, "invalid_grant"),
    ],
)
def test_refused(lab: LabThread, changes: Mapping[str, Any], error: str) -> None:
    form = {**FORM, "subject_token": jwt("google"), **changes}
    answer = requests.post(lab.document["google"]["sts"], data=form, timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert lab.journal()[-1]["result"] == error
