"""Tokens for ARM: a client secret or certificate, a federated workload identity or the machine's managed identity.

`door` makes a Login from the account and its Secret; the SDK's pipeline asks it for tokens on lane threads, so that a
failed login is a typed error before a byte of the request itself has left. One credential is chosen, never a chain.
"""

import base64
import binascii
import json
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import AzureError
from azure.identity import (
    CertificateCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)

from multicloud.clouds.aks.environment import Environment
from multicloud.clouds.aks.errors import of_login, of_login_status
from multicloud.clouds.keys import read_key, read_line
from multicloud.model.account import AzureAccount
from multicloud.model.error import CloudError, refused
from multicloud.model.reason import Code
from multicloud.model.size import Principal

SECRET_KEY: Final = "clientSecret"  # noqa: S105 - the documented name of the key, not a secret
CERTIFICATE_KEY: Final = "clientCertificate"
CONNECT_S: Final = 3.0

_OUT_OF_TIME: Final = "AADSTS700024"
"""Entra's number for an assertion whose times do not hold by Entra's clock."""

Make = Callable[[], TokenCredential]


class Login:
    """A token source whose failures are CloudErrors; a login that failed begins anew. Lane threads share it."""

    def __init__(self, make: Make, *, scope: str, client_id: str | None, tenant_id: str) -> None:
        """`make` builds the credential without sending anything. Raises what it raises. `scope` is ARM's."""
        self.inner = make()
        self.scope = scope
        self._make = make
        self._client_id = client_id
        self._tenant_id = tenant_id

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
            raise self._typed(error) from None
        except OSError as error:
            text = f"the federated token file of the operator's own identity cannot be read ({type(error).__name__})"
            raise refused(Code.AUTH_FAILED, text) from None

    def begin_anew(self) -> None:
        """Forget tokens and what they were made of: azure-identity keeps a file's token for minutes, its own for an hour."""
        self.inner = self._make()

    def whoami(self) -> Principal:
        """Get a token and tell `client id@tenant` as it says. Raises CloudError."""
        claims = _claims(self.get_token(self.scope).token)
        client_id = claims.get("appid") or claims.get("azp") or self._client_id or "managed identity"
        return Principal(name=f"{client_id}@{claims.get('tid') or self._tenant_id}")

    def _typed(self, error: AzureError) -> CloudError:
        typed = of_login(error)
        if typed.reason.code is not Code.AUTH_FAILED:
            return typed
        self.begin_anew()
        if _OUT_OF_TIME in str(error):
            return refused(
                Code.CLOCK_SKEWED,
                "Microsoft Entra does not accept the times of our assertion: the clock of the operator's machine is off, or "
                "its federated token is old",
            )
        return typed


def make_login(
    account: AzureAccount, secret: Mapping[str, bytes] | None, environment: Environment, *, read_timeout_s: float
) -> Login:
    """Choose the credential. Raises Refused for a Secret or an account that lacks what the login needs."""
    authority = environment.authority
    options: dict[str, Any] = {
        "connection_timeout": CONNECT_S,
        "read_timeout": read_timeout_s,
        "retry_total": 0,
        # msal swallows the status of an answer, so a broken Entra would read like a refusal.
        "raw_response_hook": _raise_if_broken,
        "authority": authority.url,
        # The authority is the administrator's or the vendor's own: asking Microsoft's directory whether it exists would
        # leave the site, and tell the public cloud of a sovereign one.
        "disable_instance_discovery": True,
    }
    if authority.ca_file is not None:
        options["connection_verify"] = str(authority.ca_file)
    make = _ambient(account, options) if secret is None else _from_secret(account, secret, options)
    return Login(make, scope=environment.scope, client_id=account.client_id, tenant_id=account.tenant_id)


def _from_secret(account: AzureAccount, secret: Mapping[str, bytes], options: Mapping[str, Any]) -> Make:
    client_id = account.client_id
    if client_id is None:
        raise refused(
            Code.INVALID_SPEC, "azure.clientId is required beside credentials: what the Secret holds belongs to it"
        )
    if CERTIFICATE_KEY in secret:
        if SECRET_KEY in secret:
            text = f"the Secret has both {SECRET_KEY} and {CERTIFICATE_KEY}: keep the one to sign in with"
            raise refused(Code.SECRET_INVALID, text)
        return _certificate(account.tenant_id, client_id, secret, options)
    value = read_line(secret, SECRET_KEY, f"the application's client secret; or {CERTIFICATE_KEY}")

    def make() -> TokenCredential:
        try:
            return ClientSecretCredential(account.tenant_id, client_id, value, **options)
        except ValueError:
            text = f"azure.tenantId {account.tenant_id!r} is not a directory id: letters, digits, - and ."
            raise refused(Code.INVALID_SPEC, text) from None

    return make


def _certificate(tenant_id: str, client_id: str, secret: Mapping[str, bytes], options: Mapping[str, Any]) -> Make:
    pem = read_key(secret, CERTIFICATE_KEY, "the application's certificate and its private key")
    # Without this, azure-identity takes what is no PEM for PKCS#12, whose parser is slower and says less.
    if b"-----BEGIN" not in pem:
        raise _not_a_certificate()

    def make() -> TokenCredential:
        try:
            # The chain goes along, so that an application may trust its issuer and subject rather than one certificate.
            return CertificateCredential(
                tenant_id, client_id, certificate_data=pem, send_certificate_chain=True, **options
            )
        except (ValueError, TypeError):
            raise _not_a_certificate() from None

    return make


def _not_a_certificate() -> CloudError:
    return refused(
        Code.SECRET_INVALID,
        f"the Secret's key {CERTIFICATE_KEY} must hold an X.509 certificate and its RSA private key, both in PEM form, the "
        "key without a passphrase",
    )


def _ambient(account: AzureAccount, options: Mapping[str, Any]) -> Make:
    """The operator's own identity: what AKS's workload identity webhook gave it, else the machine's."""
    federated = os.environ.get("AZURE_FEDERATED_TOKEN_FILE")
    own = os.environ.get("AZURE_CLIENT_ID")
    client_id = account.client_id or own
    if federated and client_id:
        home = os.environ.get("AZURE_TENANT_ID", account.tenant_id)
        if account.client_id is None and home.lower() != account.tenant_id.lower():
            raise refused(
                Code.INVALID_SPEC,
                f"azure.tenantId is not the directory of the operator's own identity ({home}): name the azure.clientId to "
                "sign in as there",
            )
        return lambda: WorkloadIdentityCredential(
            tenant_id=account.tenant_id, client_id=client_id, token_file_path=federated, **options
        )
    # The machine's own endpoint: no authority, no certificate, and its 5xx are azure-identity's to judge.
    kept = {name: options[name] for name in ("connection_timeout", "read_timeout", "retry_total")}

    def make() -> TokenCredential:
        try:
            return ManagedIdentityCredential(client_id=account.client_id, **kept)
        except ValueError:
            text = "the managed identity of this machine cannot be asked for another one: leave azure.clientId out"
            raise refused(Code.AUTH_FAILED, text) from None

    return make


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
