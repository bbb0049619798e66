"""Tokens for ARM: a client secret, a federated workload identity or the machine's managed identity.

`door` makes a Login from the account and its Secret; the SDK's pipeline asks it for tokens on lane threads, so that a
failed login is a typed error before a byte of the request itself has left.
"""

import base64
import binascii
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import AzureError
from azure.identity import ClientSecretCredential, ManagedIdentityCredential, WorkloadIdentityCredential

from multicloud.clouds.aks.errors import of_login, of_login_status
from multicloud.model.error import refused
from multicloud.model.reason import Code
from multicloud.model.size import Principal
from multicloud.model.spec import AzureAccount
from multicloud.settings import Endpoint

SECRET_KEY = "clientSecret"  # noqa: S105 - the documented name of the key, not a secret
CONNECT_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A token source whose failures are CloudErrors. `scope` is ARM's; `inner` never appears in a repr."""

    inner: TokenCredential = field(repr=False)
    scope: str
    client_id: str | None
    tenant_id: str

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        """Hand out a token, from azure-identity's cache while it is good. Raises CloudError."""
        try:
            return self.inner.get_token(*scopes, claims=claims, tenant_id=tenant_id, enable_cae=enable_cae, **kwargs)
        except AzureError as error:
            raise of_login(error) from None

    def whoami(self) -> Principal:
        """Get a token and tell `client id@tenant` as it says. Raises CloudError."""
        claims = _claims(self.get_token(self.scope).token)
        client_id = claims.get("appid") or claims.get("azp") or self.client_id or "managed identity"
        return Principal(name=f"{client_id}@{claims.get('tid') or self.tenant_id}")


def make_login(
    account: AzureAccount,
    secret: Mapping[str, bytes] | None,
    authority: Endpoint | None,
    *,
    scope: str,
    read_timeout_s: float,
) -> Login:
    """Choose the credential. Raises Refused for a Secret or an account that lacks what the login needs."""
    options: dict[str, Any] = {
        "connection_timeout": CONNECT_S,
        "read_timeout": read_timeout_s,
        "retry_total": 0,
        # msal swallows the status of an answer, so a broken Entra would read like a refusal.
        "raw_response_hook": _raise_if_broken,
    }
    if authority is not None:
        options["authority"] = authority.url
        # A private authority is unknown to Microsoft's directory of authorities, and asking there would leave the site.
        options["disable_instance_discovery"] = True
        if authority.ca_file is not None:
            options["connection_verify"] = str(authority.ca_file)
    inner = _ambient(account, options) if secret is None else _from_secret(account, secret, options)
    return Login(inner=inner, scope=scope, client_id=account.client_id, tenant_id=account.tenant_id)


def _from_secret(account: AzureAccount, secret: Mapping[str, bytes], options: Mapping[str, Any]) -> TokenCredential:
    if account.client_id is None:
        raise refused(
            Code.INVALID_SPEC, f"azure.clientId is required beside credentials: the key {SECRET_KEY} belongs to it"
        )
    raw = secret.get(SECRET_KEY)
    if raw is None:
        raise refused(Code.SECRET_KEY_MISSING, f"the Secret has no key {SECRET_KEY} (the application's client secret)")
    try:
        value = raw.decode("utf-8").strip()
    except UnicodeDecodeError:
        value = ""
    if not value or not value.isprintable():
        raise refused(Code.SECRET_INVALID, f"the Secret's key {SECRET_KEY} is empty or not text")
    try:
        return ClientSecretCredential(account.tenant_id, account.client_id, value, **options)
    except ValueError:
        raise refused(
            Code.INVALID_SPEC, f"azure.tenantId {account.tenant_id!r} is not a directory id: letters, digits, - and ."
        ) from None


def _ambient(account: AzureAccount, options: Mapping[str, Any]) -> TokenCredential:
    """The operator's own identity: what AKS's workload identity webhook gave it, else the machine's."""
    federated = os.environ.get("AZURE_FEDERATED_TOKEN_FILE")
    client_id = account.client_id or os.environ.get("AZURE_CLIENT_ID")
    if federated and client_id:
        return WorkloadIdentityCredential(
            tenant_id=account.tenant_id, client_id=client_id, token_file_path=federated, **options
        )
    # The machine's own endpoint: no authority, no certificate, and its 5xx are azure-identity's to judge.
    kept = ("connection_timeout", "read_timeout", "retry_total")
    return ManagedIdentityCredential(client_id=account.client_id, **{name: options[name] for name in kept})


def _raise_if_broken(response: Any) -> None:
    answer = response.http_response
    error = of_login_status(answer.status_code, answer.headers)
    if error is not None:
        raise error


def _claims(token: str) -> dict[str, Any]:
    """Read a token's claims without checking them: only to show who we are. Empty for an opaque token."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return {}
    return claims if isinstance(claims, dict) else {}
