"""Who the AKS door is: Secrets, refusals of Entra, the ambient identities."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from azure.identity import ManagedIdentityCredential, WorkloadIdentityCredential

from multicloud.clouds.aks.door import open_door
from multicloud.clouds.aks.environment import PUBLIC, Environment
from multicloud.clouds.aks.login import make_login
from multicloud.model.error import CloudError, Refused, Throttled, Unavailable
from multicloud.model.port import CloudDoor
from multicloud.model.reason import Code
from multicloud.settings import AzureEndpoints, Endpoint
from multicloud_lab.thread import LabThread
from support.azuredoor import ACCOUNT, CLIENT, SECRET, TENANT, Fence
from support.vendor import Answer, Vendor

Opened = Callable[..., CloudDoor]


@pytest.mark.parametrize(
    ("secret", "code"),
    [
        ({}, Code.SECRET_KEY_MISSING),
        ({"password": b"x"}, Code.SECRET_KEY_MISSING),
        ({"clientSecret": b""}, Code.SECRET_INVALID),
        ({"clientSecret": b"  \n"}, Code.SECRET_INVALID),
        ({"clientSecret": b"\xff\xfe"}, Code.SECRET_INVALID),
    ],
    ids=["empty", "other-key", "empty-value", "blank-value", "not-text"],
)
def test_a_secret_without_its_key(secret: dict[str, bytes], code: Code, opened: Opened, vendor: Vendor) -> None:
    with pytest.raises(Refused) as caught:
        opened(secret=secret)
    assert caught.value.reason.code is code
    assert "clientSecret" in caught.value.reason.text
    assert vendor.seen == []


@pytest.mark.parametrize(
    "account", [replace(ACCOUNT, client_id=None), replace(ACCOUNT, tenant_id="a b/c")], ids=["no-client", "bad-tenant"]
)
def test_an_account_that_cannot_log_in(account: Any, opened: Opened) -> None:
    with pytest.raises(Refused) as caught:
        opened(account=account)
    assert caught.value.reason.code is Code.INVALID_SPEC


def test_a_trailing_newline_is_no_part_of_the_secret(opened: Opened, vendor: Vendor) -> None:
    opened(secret={"clientSecret": b"abc\n"}).identity.whoami()
    [asked] = vendor.calls("POST", "/token")
    assert b"client_secret=abc&" in asked.body + b"&"


def test_whoami_on_the_lab(lab: LabThread, lab_door: CloudDoor) -> None:
    known = lab.document["credentials"]["azure"]
    assert lab_door.identity.whoami().name == f"{known['clientId']}@{known['tenantId']}"


def test_whoami_with_a_token_that_tells_nothing(door: CloudDoor) -> None:
    assert door.identity.whoami().name == f"{CLIENT}@{TENANT}"


def entra_error(status: int, error: str, text: str) -> Answer:
    return Answer(status=status, body={"error": error, "error_description": text})


REFUSALS: dict[str, tuple[Answer, type[CloudError], Code]] = {
    "wrong-secret": (
        entra_error(401, "invalid_client", "AADSTS7000215: Invalid client secret provided. Trace ID: 1 Timestamp: 2"),
        Refused,
        Code.AUTH_FAILED,
    ),
    "expired-secret": (entra_error(401, "invalid_client", "AADSTS7000222: expired."), Refused, Code.AUTH_FAILED),
    "unknown-app": (entra_error(400, "unauthorized_client", "AADSTS700016: not found"), Refused, Code.AUTH_FAILED),
    "busy": (entra_error(400, "temporarily_unavailable", "temporarily_unavailable"), Unavailable, Code.UNAVAILABLE),
    "throttled": (entra_error(429, "too_many", "slow"), Throttled, Code.THROTTLED),
    "broken": (Answer(status=503, raw=b"<html>"), Unavailable, Code.UNAVAILABLE),
    "gone": (Answer(drop=True), Unavailable, Code.UNAVAILABLE),
}


@pytest.mark.parametrize("row", REFUSALS.values(), ids=REFUSALS.keys())
def test_what_entra_refuses(row: tuple[Answer, type[CloudError], Code], door: CloudDoor, vendor: Vendor) -> None:
    answer, kind, code = row
    vendor.answer("POST", "/oauth2/v2.0/token", answer)
    with pytest.raises(CloudError) as caught:
        door.identity.whoami()
    assert (type(caught.value), caught.value.reason.code) == (kind, code)
    assert SECRET not in f"{caught.value!r}{door!r}"
    assert "Trace ID" not in caught.value.reason.text


def test_a_wrong_secret_on_the_lab(lab: LabThread, fence: Fence) -> None:
    arm = lab.document["arm"]
    ca_file = Path(arm["caFile"])
    door = open_door(
        replace(ACCOUNT, tenant_id=lab.document["credentials"]["azure"]["tenantId"]),
        {"clientSecret": b"not-it"},
        AzureEndpoints(
            arm=Endpoint(url=arm["url"], ca_file=ca_file), authority=Endpoint(url=arm["authority"], ca_file=ca_file)
        ),
        before_send=fence,
        call_timeout_s=25,
    )
    with pytest.raises(Refused) as caught:
        door.identity.whoami()
    assert caught.value.reason.code is Code.AUTH_FAILED
    assert "AADSTS7000215" in caught.value.reason.text
    assert "not-it" not in caught.value.reason.text


@pytest.mark.parametrize(
    "endpoint",
    [Endpoint(url="http://arm.example"), Endpoint(url="https://arm.example", ca_file=Path("/nonexistent/ca.pem"))],
    ids=["no-tls", "no-ca-file"],
)
@pytest.mark.parametrize("which", ["arm", "authority"])
def test_endpoints_that_cannot_work(endpoint: Endpoint, which: str, fence: Fence) -> None:
    with pytest.raises(Refused) as caught:
        open_door(
            ACCOUNT,
            {"clientSecret": b"x"},
            AzureEndpoints.model_validate({which: endpoint}),
            before_send=fence,
            call_timeout_s=25,
        )
    assert caught.value.reason.code is Code.INVALID


def test_ambient_is_the_workload_identity_where_its_token_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vendor: Vendor, opened: Opened
) -> None:
    opened()  # Entra's answers are there now
    token_file = tmp_path / "token"
    token_file.write_text("federated-assertion")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(token_file))
    monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT)
    account = replace(ACCOUNT, client_id=None)
    here = Endpoint(url=vendor.url, ca_file=vendor.ca_file)
    environment = Environment(arm=here, authority=here, scope="https://arm.example/.default")
    login = make_login(account, None, environment, read_timeout_s=5)
    assert isinstance(login.inner, WorkloadIdentityCredential)
    login.whoami()
    [asked] = vendor.calls("POST", "/token")
    assert b"client_assertion=federated-assertion" in asked.body


def test_ambient_is_the_machines_identity_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_FEDERATED_TOKEN_FILE", raising=False)
    login = make_login(ACCOUNT, None, PUBLIC, read_timeout_s=5)
    assert isinstance(login.inner, ManagedIdentityCredential)
