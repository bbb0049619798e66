"""Logging in at the lab's authority with azure-identity, and what ARM says to a call without a principal."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CertificateCredential, WorkloadIdentityCredential

from multicloud_lab.core.clock import wall_time_s
from multicloud_lab.core.faultkinds import ClockSkew
from multicloud_lab.core.faults import Fault
from multicloud_lab.core.seed import AzurePrincipal, AzureSeed, Seed
from multicloud_lab.thread import LabThread
from support.aks import CLUSTERS, Send, client, credential, engine_of
from support.certificates import certificate

SCOPE = "https://management.azure.com/.default"
URL = f"{CLUSTERS}/shop-prod?api-version=2026-08-01"
AUDIENCE = "api://AzureADTokenExchange"


def get(lab: LabThread, authorization: str | None) -> requests.Response:
    arm = lab.document["arm"]
    headers = {} if authorization is None else {"Authorization": authorization}
    return requests.get(arm["url"] + URL, headers=headers, verify=arm["caFile"], timeout=10)


def ask(lab: LabThread, tenant: str | None = None, **form: str) -> requests.Response:
    arm, known = lab.document["arm"], lab.document["credentials"]["azure"]
    sent = {
        "grant_type": "client_credentials",
        "client_id": known["clientId"],
        "client_secret": known["clientSecret"],
        "scope": SCOPE,
        **form,
    }
    url = f"{arm['authority']}/{tenant or known['tenantId']}/oauth2/v2.0/token"
    body = {name: value for name, value in sent.items() if value}
    return requests.post(url, data=body, verify=arm["caFile"], timeout=10)


def assertion(**changes: Any) -> str:
    claims = {"iss": "https://oidc", "sub": "system:serviceaccount:a:b", "aud": AUDIENCE, "exp": wall_time_s() + 600}
    parts = [{"alg": "RS256"}, claims | changes]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, "c2lnbmF0dXJl"])


def test_a_client_secret_makes_the_client_id_the_principal(lab: LabThread, send: Send) -> None:
    token = credential(lab).get_token(SCOPE)
    assert token.expires_on == pytest.approx(wall_time_s() + 3600, abs=30)
    assert send("GET", URL).status_code == 200
    client_id = lab.document["credentials"]["azure"]["clientId"]
    assert {entry["principal"] for entry in lab.journal()} == {client_id}


def test_a_federated_assertion_logs_in(lab: LabThread, tmp_path: Path) -> None:
    known, arm = lab.document["credentials"]["azure"], lab.document["arm"]
    token_file = tmp_path / "token"
    token_file.write_text(assertion(), encoding="utf-8")
    workload = WorkloadIdentityCredential(
        tenant_id=known["tenantId"],
        client_id=known["clientId"],
        token_file_path=str(token_file),
        authority=arm["authority"],
        disable_instance_discovery=True,
        connection_verify=arm["caFile"],
    )
    with client(lab, credential=workload) as azure:
        assert azure.managed_clusters.get("shop", "shop-prod").name == "shop-prod"
    (login, read) = lab.journal()
    assert login["operation"] == "Entra_Token"
    assert read["principal"] == known["clientId"]


def test_a_wrong_secret_is_told_as_entra_tells_it(lab: LabThread) -> None:
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        credential(lab, clientSecret="wrong").get_token(SCOPE)
    response = ask(lab, client_secret="wrong")
    body = response.json()
    assert (response.status_code, body["error"], body["error_codes"]) == (401, "invalid_client", [7000215])
    assert "wrong" not in response.text


@pytest.mark.parametrize(
    ("form", "status", "error", "number"),
    [
        pytest.param({"grant_type": "password"}, 400, "unsupported_grant_type", 70003, id="grant"),
        pytest.param({"client_id": "nobody"}, 400, "unauthorized_client", 700016, id="client"),
        pytest.param({"client_secret": ""}, 401, "invalid_client", 7000218, id="no-secret"),
        pytest.param({"scope": "openid"}, 400, "invalid_scope", 1002012, id="scope"),
        pytest.param({"tenant": "nowhere"}, 400, "invalid_request", 90002, id="tenant"),
        pytest.param({"client_assertion": "x"}, 400, "invalid_request", 900144, id="assertion-without-type"),
    ],
)
def test_refused_grants(lab: LabThread, form: dict[str, str], status: int, error: str, number: int) -> None:
    response = ask(lab, **form)
    body = response.json()
    assert (response.status_code, body["error"], body["error_codes"]) == (status, error, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert lab.journal()[-1]["result"] == f"AADSTS{number}"


@pytest.mark.parametrize(
    ("made", "number"),
    [
        pytest.param(lambda: "not-a-jwt", 50027, id="malformed"),
        pytest.param(lambda: assertion(aud="other"), 700212, id="audience"),
        pytest.param(lambda: assertion(sub=""), 50027, id="no-subject"),
        pytest.param(lambda: assertion(exp=1), 700024, id="expired"),
    ],
)
def test_refused_assertions(lab: LabThread, made: Callable[[], str], number: int) -> None:
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    response = ask(lab, client_secret="", client_assertion=made(), client_assertion_type=kind)
    assert (response.status_code, response.json()["error_codes"]) == (401, [number])


def test_arm_asks_for_a_token(lab: LabThread) -> None:
    response = get(lab, None)
    assert (response.status_code, response.json()["error"]["code"]) == (401, "AuthenticationFailed")
    assert response.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")
    entry = lab.journal()[-1]
    assert (entry["principal"], entry["operation"], entry["result"]) == (
        "",
        "ManagedClusters_Get",
        "AuthenticationFailed",
    )


def test_arm_refuses_tokens_that_are_not_good(lab: LabThread) -> None:
    good = ask(lab).json()["access_token"]
    changed = f"{good[:-4]}AAAA"

    def issue(audience: str, lifetime_s: float) -> str:
        return lab.run(
            lambda inside: engine_of(inside).entra.issue("tenant", "someone", audience, lifetime_s=lifetime_s)
        )

    arm = "https://management.azure.com"
    codes = {
        "good": get(lab, f"Bearer {good}").status_code,
        "scheme": get(lab, f"Basic {good}").json()["error"]["code"],
        "changed": get(lab, f"Bearer {changed}").json()["error"]["code"],
        "garbage": get(lab, "Bearer garbage").json()["error"]["code"],
        "expired": get(lab, f"Bearer {issue(arm, -1)}").json()["error"]["code"],
        "audience": get(lab, f"Bearer {issue('https://vault.azure.net', 60)}").json()["error"]["code"],
    }
    assert codes == {
        "good": 200,
        "scheme": "AuthenticationFailed",
        "changed": "InvalidAuthenticationToken",
        "garbage": "InvalidAuthenticationToken",
        "expired": "ExpiredAuthenticationToken",
        "audience": "InvalidAuthenticationTokenAudience",
    }


def test_secrets_and_tokens_are_not_journalled(lab: LabThread) -> None:
    ask(lab)
    text = json.dumps(lab.journal())
    assert lab.document["credentials"]["azure"]["clientSecret"] not in text
    assert "client_secret" in text


def test_instance_discovery_names_the_lab(lab: LabThread) -> None:
    arm, known = lab.document["arm"], lab.document["credentials"]["azure"]
    asked = f"{arm['authority']}/{known['tenantId']}/oauth2/v2.0/authorize"
    url = f"{arm['authority']}/common/discovery/instance?api-version=1.1&authorization_endpoint={asked}"
    found = requests.get(url, verify=arm["caFile"], timeout=10).json()["tenant_discovery_endpoint"]
    openid = requests.get(found, verify=arm["caFile"], timeout=10).json()
    assert openid["token_endpoint"] == f"{arm['authority']}/{known['tenantId']}/oauth2/v2.0/token"


def test_a_token_request_can_be_held_and_dropped(lab: LabThread) -> None:
    hold = lab.hold("Entra_Token")
    lab.release(hold, "drop")
    with pytest.raises(requests.ConnectionError):
        ask(lab)
    assert lab.journal()[-1]["result"] == "Dropped"


def test_the_token_endpoint_only_accepts_post_and_other_paths_are_not_there(lab: LabThread) -> None:
    arm = lab.document["arm"]
    asked = requests.get(f"{arm['authority']}/common/oauth2/v2.0/token", verify=arm["caFile"], timeout=10)
    assert (asked.status_code, asked.json()["error"], asked.json()["error_codes"]) == (400, "invalid_request", [900561])
    nothing = requests.get(f"{arm['authority']}/common/oauth2/v9/token", verify=arm["caFile"], timeout=10)
    assert (nothing.status_code, nothing.text) == (404, "")


@pytest.fixture
def with_certificate() -> Iterator[LabThread]:
    public = certificate().public.decode()
    known = AzurePrincipal(
        client_id="00000000-0000-0000-0000-0000000000bb", client_secret="lab-client-secret", certificate=public
    )
    with LabThread(Seed(azure=AzureSeed(principals=(known,)))) as running:
        yield running


def certified(lab: LabThread, pem: bytes) -> CertificateCredential:
    known, arm = lab.document["credentials"]["azure"], lab.document["arm"]
    return CertificateCredential(
        known["tenantId"],
        known["clientId"],
        certificate_data=pem,
        authority=arm["authority"],
        disable_instance_discovery=True,
        connection_verify=arm["caFile"],
        retry_total=0,
    )


def test_a_registered_certificate_logs_in(with_certificate: LabThread) -> None:
    assert certified(with_certificate, certificate().both).get_token(SCOPE).token
    assert [entry["result"] for entry in with_certificate.journal()] == ["200"]


def test_another_certificate_and_one_of_nobodys_do_not(with_certificate: LabThread, lab: LabThread) -> None:
    with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
        certified(with_certificate, certificate("stranger").both).get_token(SCOPE)
    with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
        certified(lab, certificate().both).get_token(SCOPE)


@pytest.mark.parametrize("seconds", [7200, -7200])
def test_an_assertion_of_another_time_is_told_as_such(with_certificate: LabThread, seconds: float) -> None:
    with_certificate.place(Fault(action=ClockSkew(seconds=seconds)))
    with pytest.raises(ClientAuthenticationError, match="AADSTS700024"):
        certified(with_certificate, certificate().both).get_token(SCOPE)


def test_an_assertion_for_another_endpoint_is_refused(with_certificate: LabThread) -> None:
    known = with_certificate.document["credentials"]["azure"]["clientId"]
    own = assertion(iss=known, sub=known, aud="https://login.example/token")
    answer = ask(
        with_certificate,
        client_secret="",
        client_assertion=own,
        client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    )
    assert answer.json()["error_codes"] == [700023]
