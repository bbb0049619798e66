"""Logging in without a key: the metadata server, impersonation; and asking what one may do."""

from typing import Any

import google.auth
import pytest
import requests
from google.auth import impersonated_credentials
from google.auth.compute_engine import _metadata
from google.auth.compute_engine.credentials import Credentials as MachineCredentials
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2 import service_account

from multicloud_lab.core.faultkinds import Answer, ClockSkew, Deny, Throttle
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.core.seed import GcpPrincipal, GcpSeed, Seed
from multicloud_lab.thread import LabThread
from support.gkewires import SCOPE, Plain, token_of

LOCATIONS = "projects/shop-prod-1/locations"
PRINCIPAL = "lab@shop-prod-1.iam.gserviceaccount.com"
OTHER = "other@shop-prod-1.iam.gserviceaccount.com"


def google_root(lab: LabThread) -> str:
    return str(lab.document["google"]["token"]).removesuffix("/token")


def principals_of(lab: LabThread, operation: str) -> list[object]:
    return [entry["principal"] for entry in lab.journal() if entry["operation"] == operation]


@pytest.fixture
def metadata(lab: LabThread, monkeypatch: pytest.MonkeyPatch) -> str:
    """Point google-auth at the lab as GCE_METADATA_HOST does, which it reads when it is imported."""
    host = str(lab.document["google"]["metadata"]).removeprefix("http://")
    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", host)
    monkeypatch.setenv("GCE_METADATA_IP", host)
    return host


def test_a_machines_own_account_logs_in(lab: LabThread, metadata: str) -> None:
    credentials = MachineCredentials()
    credentials.refresh(Request())
    assert credentials.service_account_email == PRINCIPAL
    rest = Plain(lab.document["gke"]["rest"], str(credentials.token))
    assert len(rest("ListClusters", parent=f"{LOCATIONS}/-")["clusters"]) == 2
    assert principals_of(lab, "ListClusters") == [PRINCIPAL]
    assert principals_of(lab, "metadata.token") == [PRINCIPAL]


def test_the_default_chain_finds_the_metadata_server(
    lab: LabThread, metadata: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", "/nonexistent")
    credentials, project = google.auth.default(scopes=[SCOPE])
    assert project == "shop-prod-1"
    assert isinstance(credentials, MachineCredentials)


def test_the_metadata_server_wants_its_header_and_knows_its_paths(lab: LabThread) -> None:
    url = lab.document["google"]["metadata"]
    path = "/computeMetadata/v1/instance/service-accounts/default/token"
    refused = requests.get(url + path, timeout=10)
    assert (refused.status_code, refused.headers["Metadata-Flavor"]) == (403, "Google")
    assert "Missing Metadata-Flavor:Google header." in refused.text
    headers = {"Metadata-Flavor": "Google"}
    found = requests.get(url + path, headers=headers, timeout=10)
    assert (found.json()["token_type"], found.headers["Metadata-Flavor"]) == ("Bearer", "Google")
    assert requests.get(f"{url}/computeMetadata/v1/nothing", headers=headers, timeout=10).status_code == 404
    stranger = "/computeMetadata/v1/instance/service-accounts/stranger/token"
    assert requests.get(url + stranger, headers=headers, timeout=10).status_code == 404


@pytest.fixture
def two_accounts() -> Any:
    with LabThread(Seed(gcp=GcpSeed(principals=(GcpPrincipal(), GcpPrincipal(email=OTHER))))) as lab:
        yield lab


def impersonated(lab: LabThread, target: str, lifetime_s: int = 900) -> impersonated_credentials.Credentials:
    key = lab.document["credentials"]["gcp"]
    source = service_account.Credentials.from_service_account_info(key, scopes=[SCOPE])
    return impersonated_credentials.Credentials(
        source_credentials=source,
        target_principal=target,
        target_scopes=[SCOPE],
        lifetime=lifetime_s,
        iam_endpoint_override=f"{google_root(lab)}/v1/projects/-/serviceAccounts/{target}:generateAccessToken",
    )


def test_another_account_is_impersonated(two_accounts: LabThread) -> None:
    lab = two_accounts
    credentials = impersonated(lab, OTHER)
    credentials.refresh(Request())
    Plain(lab.document["gke"]["rest"], str(credentials.token)).send("GET", f"/v1/{LOCATIONS}/-/clusters")
    assert principals_of(lab, "ListClusters") == [OTHER]
    assert principals_of(lab, "generateAccessToken") == [PRINCIPAL]


def test_impersonation_can_be_forbidden_and_needs_somebody(two_accounts: LabThread) -> None:
    lab = two_accounts
    lab.run(lambda inner: inner.permissions.deny(PRINCIPAL, "iam.serviceAccounts.getAccessToken"))
    with pytest.raises(RefreshError, match=r"iam\.serviceAccounts\.getAccessToken"):
        impersonated(lab, OTHER).refresh(Request())
    lab.run(lambda inner: inner.permissions.restore(PRINCIPAL))
    with pytest.raises(RefreshError, match="Gaia id not found"):
        impersonated(lab, "nobody@x").refresh(Request())
    assert [entry["result"] for entry in lab.journal() if entry["operation"] == "generateAccessToken"] == [
        "PERMISSION_DENIED",
        "NOT_FOUND",
    ]


@pytest.mark.parametrize("body", [{}, {"scope": [SCOPE], "lifetime": "7200s"}, {"scope": [SCOPE], "lifetime": "soon"}])
def test_an_impersonation_without_sense_is_refused(lab: LabThread, body: dict[str, object]) -> None:
    rest = Plain(google_root(lab), token_of(lab))
    answer = rest.send("POST", f"/v1/projects/-/serviceAccounts/{PRINCIPAL}:generateAccessToken", body)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("version", ["v1", "v3"])
def test_a_caller_can_ask_what_it_may_do(lab: LabThread, version: str) -> None:
    lab.run(lambda inner: inner.permissions.deny(PRINCIPAL, "container.clusters.update"))
    rest = Plain(google_root(lab), token_of(lab))
    wished = ["container.clusters.list", "container.clusters.update", "compute.instanceGroupManagers.list"]
    path = f"/{version}/projects/shop-prod-1:testIamPermissions"
    answer = rest.send("POST", path, {"permissions": wished})
    assert answer.json() == {"permissions": [wished[0], wished[2]]}
    assert rest.send("POST", path, {"permissions": ["container.*"]}).status_code == 400
    nowhere = f"/{version}/projects/nowhere:testIamPermissions"
    assert rest.send("POST", nowhere, {"permissions": wished}).status_code == 403
    assert Plain(google_root(lab), None).send("POST", path, {}).status_code == 401


@pytest.mark.parametrize(
    ("permission", "path"),
    [
        ("compute.instanceGroupManagers.list", "aggregated/instanceGroupManagers"),
        ("compute.instanceGroupManagers.get", "zones/europe-west1-b/instanceGroupManagers/any"),
    ],
)
def test_compute_asks_for_its_own_permissions(
    lab: LabThread, compute: AuthorizedSession, permission: str, path: str
) -> None:
    lab.run(lambda inner: inner.permissions.deny(PRINCIPAL, permission))
    answer = compute.get(f"{lab.document['compute']['url']}/compute/v1/projects/shop-prod-1/{path}")
    error = answer.json()["error"]
    assert (answer.status_code, error["errors"][0]["reason"]) == (403, "forbidden")
    assert error["message"] == f"Required '{permission}' permission for 'projects/shop-prod-1'"


@pytest.mark.parametrize(
    ("action", "status", "reason"),
    [
        (Throttle(), 429, "rateLimitExceeded"),
        (Deny(), 403, "forbidden"),
        (Answer(status=503, code="UNAVAILABLE"), 503, "backendError"),
    ],
)
def test_computes_faults_have_computes_words(
    lab: LabThread, compute: AuthorizedSession, action: Any, status: int, reason: str
) -> None:
    match = Match(operation="instanceGroupManagers.aggregatedList")
    lab.run(lambda inner: inner.faults.place(Fault(action=action, match=match)))
    url = f"{lab.document['compute']['url']}/compute/v1/projects/shop-prod-1/aggregated/instanceGroupManagers"
    answer = compute.get(url)
    assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (status, reason)


def test_a_cloud_whose_clock_runs_ahead_takes_tokens_for_expired(lab: LabThread) -> None:
    token = token_of(lab)
    rest = Plain(lab.document["gke"]["rest"], token)
    lab.run(lambda inner: inner.faults.place(Fault(action=ClockSkew(seconds=7200))))
    error = rest.send("GET", f"/v1/{LOCATIONS}/-/clusters").json()["error"]
    assert error["details"][0]["reason"] == "ACCESS_TOKEN_EXPIRED"


def test_a_login_can_be_unavailable(lab: LabThread) -> None:
    fault = Fault(action=Answer(status=400, code="UNAUTHENTICATED"), match=Match(operation="token"), times=1)
    lab.run(lambda inner: inner.faults.place(fault))
    with pytest.raises(RefreshError, match="invalid_grant"):
        token_of(lab)
