"""Who the GKE door is: keys in Secrets, refusals of the token endpoint, the ambient identity."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from multicloud.clouds.gke.door import open_door
from multicloud.model.error import CloudError, Refused, Unavailable
from multicloud.model.port import CloudDoor
from multicloud.model.reason import Code
from multicloud.settings import Endpoint, GcpEndpoints
from multicloud_lab.thread import LabThread
from support.azuredoor import Fence
from support.googledoor import ACCOUNT, EMAIL, Google, key_json, private_key, read
from support.vendor import Answer

EVIL = "https://evil.example/token"


def opened(google: Google, secret: Mapping[str, bytes] | None, fence: Fence) -> CloudDoor:
    return open_door(ACCOUNT, secret, google.endpoints, before_send=fence, call_timeout_s=10)


@pytest.mark.parametrize(
    ("secret", "code"),
    [
        ({}, Code.SECRET_KEY_MISSING),
        ({"credentials.json": b"{}"}, Code.SECRET_KEY_MISSING),
        ({"key.json": b""}, Code.SECRET_INVALID),
        ({"key.json": b"not json"}, Code.SECRET_INVALID),
        ({"key.json": b"\xff\xfe\x00"}, Code.SECRET_INVALID),
        ({"key.json": b"[1]"}, Code.SECRET_INVALID),
        ({"key.json": b"{}"}, Code.SECRET_INVALID),
    ],
    ids=["empty", "other-key", "empty-value", "no-json", "no-text", "a-list", "no-type"],
)
def test_a_secret_without_its_key(secret: dict[str, bytes], code: Code, google: Google, fence: Fence) -> None:
    with pytest.raises(Refused) as caught:
        opened(google, secret, fence)
    assert caught.value.reason.code is code
    assert "key.json" in caught.value.reason.text


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "external_account"},
        {"type": "authorized_user"},
        {"token_uri": EVIL},
        {"token_uri": "https://oauth2.googleapis.com/token"},
        {"token_uri": None},
        {"client_email": ""},
        {"client_email": 7},
        {"private_key": ""},
        {"private_key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"},
    ],
    ids=["external", "user", "elsewhere", "public", "no-uri", "no-email", "odd-email", "no-key", "bad-key"],
)
def test_a_key_that_is_refused_before_a_byte_is_sent(changes: dict[str, object], google: Google, fence: Fence) -> None:
    with pytest.raises(Refused) as caught:
        google.door(fence, key=changes)
    assert caught.value.reason.code is Code.SECRET_INVALID
    assert "AAAA" not in f"{caught.value!r}"
    assert google.rest.seen == []


def test_without_a_setting_only_googles_token_endpoint_may_be_named(fence: Fence) -> None:
    for token_uri, good in (("https://oauth2.googleapis.com/token", True), (EVIL, False)):
        secret = {"key.json": json.dumps(key_json(token_uri)).encode()}
        if good:
            assert open_door(ACCOUNT, secret, GcpEndpoints(), before_send=fence, call_timeout_s=5).name == "gcp"
            continue
        with pytest.raises(Refused):
            open_door(ACCOUNT, secret, GcpEndpoints(), before_send=fence, call_timeout_s=5)


def test_whoami(door: CloudDoor, google: Google) -> None:
    assert door.identity.whoami().name == EMAIL
    assert len(google.rest.calls("POST", "/token")) == 1


def test_whoami_on_the_lab(lab: LabThread, lab_door: CloudDoor) -> None:
    assert lab_door.identity.whoami().name == lab.document["credentials"]["gcp"]["client_email"]


def test_one_token_for_many_calls_and_for_both_apis(door: CloudDoor, google: Google) -> None:
    read(door)
    read(door)
    assert len(google.rest.calls("POST", "/token")) == 1
    sent = {call.headers["Authorization"] for call in google.rest.calls("GET")}
    assert sent | {call.authorization for call in google.manager.calls} == {"Bearer opaque-token"}


def test_nothing_but_the_configured_endpoints_is_called(door: CloudDoor, google: Google) -> None:
    read(door)
    assert {seen.path.partition("?")[0] for seen in google.rest.seen} == {
        "/token",
        "/compute/v1/projects/shop-prod-1/aggregated/instanceGroupManagers",
    }


REFUSALS: dict[str, tuple[Answer, type[CloudError], Code]] = {
    "wrong-key": (
        Answer(status=400, body={"error": "invalid_grant", "error_description": "Invalid JWT Signature."}),
        Refused,
        Code.AUTH_FAILED,
    ),
    "unknown-account": (
        Answer(status=400, body={"error": "invalid_grant", "error_description": "account not found"}),
        Refused,
        Code.AUTH_FAILED,
    ),
    "nonsense": (Answer(body={"expires_in": 3600}), Refused, Code.AUTH_FAILED),
    "odd-expiry": (Answer(body={"access_token": "x", "expires_in": "soon"}), Unavailable, Code.UNEXPECTED),
    "not-json": (Answer(raw=b"hello"), Unavailable, Code.UNEXPECTED),
    "dropped": (Answer(drop=True), Unavailable, Code.UNAVAILABLE),
}


@pytest.mark.parametrize("row", REFUSALS.values(), ids=REFUSALS.keys())
def test_what_the_token_endpoint_refuses(
    row: tuple[Answer, type[CloudError], Code], door: CloudDoor, google: Google
) -> None:
    answer, kind, code = row
    google.rest.answer("POST", "/token", answer)
    with pytest.raises(CloudError) as caught:
        read(door)
    assert (type(caught.value), caught.value.reason.code) == (kind, code)
    assert private_key()[40:80] not in f"{caught.value!r}{door!r}"
    assert google.rest.calls("GET") == []


def test_a_silent_token_endpoint_is_a_time_out(google: Google, fence: Fence) -> None:
    door = google.door(fence, call_timeout_s=0.3)
    google.rest.answer("POST", "/token", Answer(hang=True))
    with pytest.raises(Unavailable) as caught:
        door.identity.whoami()
    assert caught.value.reason.code is Code.TIMED_OUT


def test_ambient_is_what_google_auth_finds(
    google: Google, fence: Fence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "adc.json"
    key.write_text(json.dumps(key_json(google.token_uri)))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    assert opened(google, None, fence).identity.whoami().name == EMAIL


def test_no_ambient_identity_says_what_to_do(
    google: Google, fence: Fence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    with pytest.raises(Refused) as caught:
        opened(google, None, fence).identity.whoami()
    assert caught.value.reason.code is Code.AUTH_FAILED


@pytest.mark.parametrize(
    ("which", "endpoint"),
    [
        ("container", Endpoint(url="http://gke.example")),
        ("container", Endpoint(url="http://127.0.0.1:1")),
        ("compute", Endpoint(url="http://compute.example")),
        ("token", Endpoint(url="http://token.example/token")),
        ("compute", Endpoint(url="https://compute.example", ca_file=Path("/nonexistent/ca.pem"))),
        ("resource_manager", Endpoint(url="http://projects.example")),
    ],
    ids=["container", "container-on-loopback", "compute", "token", "no-ca-file", "resource-manager"],
)
def test_endpoints_that_cannot_work(which: str, endpoint: Endpoint, fence: Fence) -> None:
    secret = {"key.json": json.dumps(key_json("http://token.example/token")).encode()}
    with pytest.raises(Refused) as caught:
        open_door(ACCOUNT, secret, GcpEndpoints.model_validate({which: endpoint}), before_send=fence, call_timeout_s=5)
    assert caught.value.reason.code is Code.INVALID
