"""Managed identities over http (IMDS and IDENTITY_ENDPOINT) with azure-identity, and ARM over http for who asks."""

from typing import Any

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ManagedIdentityCredential
from azure.mgmt.containerservice import ContainerServiceClient

from multicloud_lab.aks.identity import IDENTITY_HEADER
from multicloud_lab.core.clock import wall_time_s
from multicloud_lab.core.faultkinds import Answer, Garbage, Throttle
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.thread import LabThread
from support.aks import CLUSTERS, GROUP, SUBSCRIPTION, client, credential

SCOPE = "https://management.azure.com/.default"
RESOURCE = "https://management.azure.com"
IMDS = "/metadata/identity/oauth2/token"
GOOD = {"api-version": "2018-02-01", "resource": RESOURCE}


def ask(
    lab: LabThread,
    path: str = IMDS,
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
) -> requests.Response:
    sent = {"Metadata": "true"} if headers is None else headers
    return requests.get(lab.document["arm"]["metadata"] + path, params=query, headers=sent, timeout=10)


def test_imds_logs_the_machine_in(lab: LabThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", lab.document["arm"]["metadata"])
    with ManagedIdentityCredential() as identity, client(lab, credential=identity) as azure:
        assert identity.get_token(SCOPE).expires_on == pytest.approx(wall_time_s() + 3600, abs=30)
        assert azure.managed_clusters.get(GROUP, "shop-prod").name == "shop-prod"
    assert lab.journal()[-1]["principal"] == lab.document["credentials"]["azure"]["clientId"]


def test_app_services_endpoint_logs_in(lab: LabThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{lab.document['arm']['metadata']}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", IDENTITY_HEADER)
    with ManagedIdentityCredential() as identity, client(lab, credential=identity) as azure:
        assert azure.managed_clusters.get(GROUP, "shop-prod").name == "shop-prod"


def test_an_identity_may_be_named(lab: LabThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", lab.document["arm"]["metadata"])
    known = lab.document["credentials"]["azure"]["clientId"]
    assert ManagedIdentityCredential(client_id=known).get_token(SCOPE).token
    with pytest.raises(ClientAuthenticationError):
        ManagedIdentityCredential(client_id="nobody", retry_total=0).get_token(SCOPE)


@pytest.mark.parametrize(
    ("path", "headers", "query", "status", "error"),
    [
        pytest.param(IMDS, {}, GOOD, 400, "bad_request_102", id="no-metadata-header"),
        pytest.param(IMDS, None, {"resource": RESOURCE}, 400, "bad_request_103", id="no-version"),
        pytest.param(IMDS, None, {"api-version": "2018-02-01"}, 400, "invalid_resource", id="no-resource"),
        pytest.param(IMDS, None, {**GOOD, "client_id": "nobody"}, 400, "invalid_request", id="unknown-identity"),
        pytest.param("/msi/token", {"X-IDENTITY-HEADER": "other"}, GOOD, 401, None, id="identity-header"),
    ],
)
def test_refused(
    lab: LabThread, path: str, headers: dict[str, str] | None, query: dict[str, str], status: int, error: Any
) -> None:
    answer = ask(lab, path, headers, query)
    assert (answer.status_code, answer.json().get("error")) == (status, error)


def test_its_faults(lab: LabThread) -> None:
    for action, status in ((Throttle(), 429), (Answer(status=410, code="gone"), 410), (Garbage(form="html502"), 502)):
        lab.place(Fault(action=action, match=Match(operation="ManagedIdentity_Token"), times=1))
        assert ask(lab, query=GOOD).status_code == status
    assert ask(lab, query=GOOD).status_code == 200
    hold = lab.hold("ManagedIdentity_Token")
    lab.release(hold, "drop")
    with pytest.raises(requests.ConnectionError):
        ask(lab, query=GOOD)


def test_tokens_are_not_journalled(lab: LabThread) -> None:
    token = ask(lab, query=GOOD).json()["access_token"]
    assert token not in str(lab.journal())


def test_http_is_there_for_who_asks(lab: LabThread) -> None:
    with ContainerServiceClient(
        credential(lab), SUBSCRIPTION, base_url=lab.document["arm"]["http"], credential_scopes=[SCOPE], retry_total=0
    ) as azure:
        assert azure.agent_pools.get(GROUP, "shop-prod", "web", enforce_https=False).count == 4
        lab.run(lambda inside: setattr(inside.clock, "factor", 1000.0))
        poller: Any = azure.agent_pools.begin_create_or_update(
            GROUP, "shop-prod", "web", {"properties": {"count": 6}}, polling_interval=0, enforce_https=False
        )
        assert poller.result(60).count == 6
    assert (
        requests.get(f"{lab.document['arm']['http']}{CLUSTERS}?api-version=2026-08-01", timeout=10).status_code == 401
    )


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("POST", IMDS, 405, "Method not allowed"),
        ("PUT", "/msi/token", 405, "Method not allowed"),
        ("GET", "/metadata/instance", 404, "Not found"),
    ],
)
def test_what_is_not_served_is_refused_in_json(lab: LabThread, method: str, path: str, status: int, error: str) -> None:
    answer = requests.request(method, lab.document["arm"]["metadata"] + path, headers={"Metadata": "true"}, timeout=10)
    assert (answer.status_code, answer.json()) == (status, {"error": error})
    assert answer.headers.get("Allow") == ("GET" if status == 405 else None)
