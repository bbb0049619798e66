"""Secrets that are rotated under clients: old ones are refused, issued tokens count, a reset changes neither."""

import pytest
from azure.core.exceptions import ClientAuthenticationError
from botocore.exceptions import ClientError
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from multicloud_lab.core.rotation import rotate_access_key, rotate_client_secret, rotate_service_account_key
from multicloud_lab.core.seed import Seed, SeedError
from multicloud_lab.thread import LabThread
from support.aks import client, credential
from support.ekswire import client_of
from support.gkewires import SCOPE, Plain, token_of
from support.lab import lab

__all__ = ["lab"]

ARM = "https://management.azure.com/.default"
EMAIL = "lab@shop-prod-1.iam.gserviceaccount.com"


def test_an_access_key(lab: LabThread) -> None:
    fresh = lab.run(lambda inner: rotate_access_key(inner, "lab"))
    with pytest.raises(ClientError, match="InvalidSignatureException"):
        client_of(lab).list_clusters()
    lab.run(lambda inner: inner.reset())
    assert client_of(lab, secret=fresh).list_clusters()["clusters"]


def test_a_client_secret(lab: LabThread) -> None:
    known = lab.document["credentials"]["azure"]["clientId"]
    before = credential(lab)
    before.get_token(ARM)
    fresh = lab.run(lambda inner: rotate_client_secret(inner, known))
    with client(lab, credential=before) as azure:
        assert azure.managed_clusters.get("shop", "shop-prod").name == "shop-prod", "a token outlives its secret"
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        credential(lab).get_token(ARM)
    lab.run(lambda inner: inner.reset())
    assert credential(lab, clientSecret=fresh).get_token(ARM).token


def test_a_service_accounts_key(lab: LabThread) -> None:
    issued = token_of(lab)
    fresh = lab.run(lambda inner: rotate_service_account_key(inner, EMAIL))
    with pytest.raises(RefreshError, match="Invalid JWT Signature"):
        token_of(lab)
    rest = Plain(lab.document["gke"]["rest"], issued)
    assert rest.send("GET", "/v1/projects/shop-prod-1/locations/-/clusters").status_code == 200
    document = fresh.document(lab.document["google"]["token"])
    service_account.Credentials.from_service_account_info(document, scopes=[SCOPE]).refresh(Request())


def test_a_rotated_secret_is_no_other_principal(lab: LabThread) -> None:
    lab.run(lambda inner: rotate_access_key(inner, "lab"))
    lab.run(lambda inner: inner.reseed(Seed()))
    other = Seed.model_validate({"aws": {"principals": [{"accessKeyId": "AKIAX", "secretAccessKey": "x"}]}})
    with pytest.raises(SeedError, match=r"aws\.principals"):
        lab.run(lambda inner: inner.reseed(other))


def test_who_is_not_seeded_has_nothing_to_rotate(lab: LabThread) -> None:
    with pytest.raises(LookupError, match="nobody"):
        lab.run(lambda inner: rotate_access_key(inner, "nobody"))
    with pytest.raises(LookupError, match="nobody"):
        lab.run(lambda inner: rotate_client_secret(inner, "nobody"))
    with pytest.raises(LookupError, match="nobody"):
        lab.run(lambda inner: rotate_service_account_key(inner, "nobody"))
