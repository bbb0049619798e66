"""Logging in as Google's own libraries do, and being refused."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest
import requests
from google.api_core import exceptions
from google.auth import crypt, jwt
from google.auth.exceptions import RefreshError
from google.auth.transport.grpc import AuthMetadataPlugin
from google.auth.transport.requests import Request
from google.cloud.container_v1 import ClusterManagerClient
from google.cloud.container_v1.services.cluster_manager.transports import ClusterManagerGrpcTransport
from google.oauth2 import service_account

from multicloud_lab.core.clock import wall_time_s
from multicloud_lab.core.keys import make_service_account_key
from multicloud_lab.gke.errors import GoogleError
from multicloud_lab.gke.tokens import Identity
from multicloud_lab.thread import LabThread

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
PARENT = "projects/shop-prod-1/locations/-"
PRINCIPAL = "lab@shop-prod-1.iam.gserviceaccount.com"


def client(lab: LabThread, channel: grpc.Channel) -> Any:
    return ClusterManagerClient(transport=ClusterManagerGrpcTransport(channel=channel))


def assertion(lab: LabThread, key: dict[str, Any] | None = None, *, algorithm: str = "RS256", **changes: object) -> str:
    """Sign what google-auth would sign, with `changes` to its claims (None leaves one out)."""
    key = lab.document["credentials"]["gcp"] if key is None else key
    now_s = int(wall_time_s())
    claims = {
        "iss": key["client_email"],
        "aud": lab.document["google"]["token"],
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "iat": now_s,
        "exp": now_s + 3600,
        **changes,
    }
    signer = crypt.RSASigner.from_service_account_info(key)
    payload = {name: value for name, value in claims.items() if value is not None}
    return str(jwt.encode(signer, payload, header={"alg": algorithm}), "ascii")


def ask(lab: LabThread, text: str, grant_type: str = GRANT_TYPE) -> requests.Response:
    form = {"grant_type": grant_type, "assertion": text}
    return requests.post(lab.document["google"]["token"], data=form, timeout=10)


def test_a_signed_assertion_buys_a_token_for_an_hour(lab: LabThread) -> None:
    answer = ask(lab, assertion(lab))
    assert answer.status_code == 200
    token = answer.json()
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 3600)
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    url = f"{lab.document['compute']['url']}/compute/v1/projects/shop-prod-1/aggregated/instanceGroupManagers"
    assert requests.get(url, headers=headers, timeout=10).status_code == 200
    assert [entry["principal"] for entry in lab.journal()] == [PRINCIPAL, PRINCIPAL]


def foreign_key(lab: LabThread) -> str:
    key = make_service_account_key("another-project", PRINCIPAL)
    return assertion(lab, key.document(lab.document["google"]["token"]))


@pytest.mark.parametrize(
    ("make", "error", "description"),
    [
        pytest.param(lambda _lab: "", "invalid_grant", "three base64url parts", id="empty"),
        pytest.param(lambda _lab: "a.b.c", "invalid_grant", "three base64url parts", id="no JWT"),
        pytest.param(
            lambda lab: assertion(lab, algorithm="none"), "invalid_grant", "Invalid JWT Signature.", id="algorithm"
        ),
        pytest.param(foreign_key, "invalid_grant", "Invalid JWT Signature.", id="another key"),
        pytest.param(lambda lab: assertion(lab, iss="x@y"), "invalid_grant", "account not found", id="unknown account"),
        pytest.param(lambda lab: assertion(lab, aud="https://x/token"), "invalid_grant", "audience", id="audience"),
        pytest.param(lambda lab: assertion(lab, iat=0, exp=3600), "invalid_grant", "timeframe", id="expired"),
        pytest.param(
            lambda lab: assertion(lab, exp=int(wall_time_s()) + 9000), "invalid_grant", "timeframe", id="too long"
        ),
        pytest.param(lambda lab: assertion(lab, exp=None), "invalid_grant", "exp", id="no expiry"),
        pytest.param(lambda lab: assertion(lab, scope=None), "invalid_scope", "scope", id="no scope"),
    ],
)
def test_a_bad_assertion_is_refused(
    lab: LabThread, make: Callable[[LabThread], str], error: str, description: str
) -> None:
    answer = ask(lab, make(lab))
    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert description in answer.json()["error_description"]
    (entry,) = lab.journal()
    assert (entry["operation"], entry["principal"], entry["result"]) == ("token", "anonymous", error)


def test_another_grant_is_refused(lab: LabThread) -> None:
    answer = ask(lab, assertion(lab), grant_type="client_credentials")
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


def test_the_sdk_tells_a_refused_login(lab: LabThread) -> None:
    key = make_service_account_key("another-project", PRINCIPAL).document(lab.document["google"]["token"])
    credentials = service_account.Credentials.from_service_account_info(key, scopes=["any"])
    with pytest.raises(RefreshError, match="invalid_grant"):
        credentials.refresh(Request())


def test_a_call_without_a_credential_is_unauthenticated(lab: LabThread, tls: grpc.ChannelCredentials) -> None:
    with (
        grpc.secure_channel(lab.document["gke"]["grpc"], tls) as channel,
        pytest.raises(exceptions.Unauthenticated) as caught,
    ):
        client(lab, channel).list_clusters(parent=PARENT)
    assert caught.value.reason == "CREDENTIALS_MISSING"
    assert caught.value.metadata["method"] == "google.container.v1.ClusterManager.ListClusters"
    (entry,) = lab.journal()
    assert (entry["principal"], entry["result"]) == ("anonymous", "UNAUTHENTICATED")


@pytest.mark.parametrize("token", ["made-up", "ya29.made-up", "ya29.eyJlbWFpbCI6ICJ4In0.AAAA"])
def test_a_made_up_token_is_unauthenticated(lab: LabThread, tls: grpc.ChannelCredentials, token: str) -> None:
    bearer = grpc.access_token_call_credentials(token)
    composite = grpc.composite_channel_credentials(tls, bearer)
    with (
        grpc.secure_channel(lab.document["gke"]["grpc"], composite) as channel,
        pytest.raises(exceptions.Unauthenticated) as caught,
    ):
        client(lab, channel).list_clusters(parent=PARENT)
    assert caught.value.reason == "ACCESS_TOKEN_TYPE_UNSUPPORTED"


def test_a_token_of_another_lab_is_unauthenticated(lab: LabThread, tls: grpc.ChannelCredentials) -> None:
    with LabThread() as other:
        token = ask(other, assertion(other)).json()["access_token"]
    composite = grpc.composite_channel_credentials(tls, grpc.access_token_call_credentials(token))
    with (
        grpc.secure_channel(lab.document["gke"]["grpc"], composite) as channel,
        pytest.raises(exceptions.Unauthenticated),
    ):
        client(lab, channel).list_clusters(parent=PARENT)


def test_a_server_of_another_authority_is_not_trusted(tls: grpc.ChannelCredentials) -> None:
    with (
        LabThread() as other,
        grpc.secure_channel(other.document["gke"]["grpc"], tls) as channel,
        pytest.raises(exceptions.ServiceUnavailable),
    ):
        client(other, channel).list_clusters(parent=PARENT, retry=None)


def test_a_self_signed_jwt_is_a_credential_as_googles_sdk_makes_it(
    lab: LabThread, tls: grpc.ChannelCredentials
) -> None:
    key = lab.document["credentials"]["gcp"]
    credentials = service_account.Credentials.from_service_account_info(key)
    plugin = AuthMetadataPlugin(credentials, Request(), default_host="container.googleapis.com")
    composite = grpc.composite_channel_credentials(tls, grpc.metadata_call_credentials(plugin))
    with grpc.secure_channel(lab.document["gke"]["grpc"], composite) as channel:
        client(lab, channel).list_clusters(parent=PARENT)
    assert [(entry["operation"], entry["principal"]) for entry in lab.journal()] == [("ListClusters", PRINCIPAL)]


def test_a_self_signed_jwt_for_another_service_is_unauthenticated(lab: LabThread, tls: grpc.ChannelCredentials) -> None:
    token = assertion(lab, aud="https://storage.googleapis.com/", scope=None)
    composite = grpc.composite_channel_credentials(tls, grpc.access_token_call_credentials(token))
    with (
        grpc.secure_channel(lab.document["gke"]["grpc"], composite) as channel,
        pytest.raises(exceptions.Unauthenticated),
    ):
        client(lab, channel).list_clusters(parent=PARENT)


def test_a_token_ends_after_an_hour(lab: LabThread) -> None:
    start_s = wall_time_s()
    now_s = [start_s]
    (key,) = lab.run(lambda inner: inner.google_keys)
    identity = Identity({key.email: key.public}.get, lambda: now_s[0])
    token_uri = lab.document["google"]["token"]
    bearer = f"Bearer {identity.exchange(GRANT_TYPE, assertion(lab), token_uri=token_uri).access_token}"

    now_s[0] = start_s + 3590
    assert identity.principal(bearer, host="container.googleapis.com", method="any") == PRINCIPAL
    now_s[0] = start_s + 3610
    with pytest.raises(GoogleError) as caught:
        identity.principal(bearer, host="container.googleapis.com", method="any")
    assert (caught.value.code, caught.value.reason) == ("UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED")
