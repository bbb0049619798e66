"""Microsoft Entra ID, as far as a client of ARM needs it: token grants, and the check of bearer tokens.

Clients prove who they are with a client secret, an assertion signed with their certificate's key, or a federated one;
the token names their client id, which is the principal in the journal. Tokens are sealed with a key of this process, so a reset of the
lab logs nobody out. Times are real ones: clients expire tokens by the machine's clock.
"""

import base64
import binascii
import hmac
import json
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509 import load_pem_x509_certificate

from multicloud_lab.aks.errors import ArmError
from multicloud_lab.core.clock import wall_time_s
from multicloud_lab.core.seed import AzurePrincipal

LIFETIME_S = 3600

LEEWAY_S = 300
"""By how much a token may be from the future, because clocks differ."""

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""The only client_assertion_type of OAuth (RFC 7523)."""

FEDERATED_AUDIENCE = "api://AzureADTokenExchange"
"""The audience that a workload's assertion must have."""

ARM_AUDIENCES = frozenset({"https://management.azure.com", "https://management.core.windows.net"})
"""Resources whose tokens ARM takes, without a slash at the end."""


class EntraError(Exception):
    """The token endpoint refuses: HTTP status, OAuth's error code, AADSTS number and sentence."""

    def __init__(self, status: int, error: str, number: int, sentence: str) -> None:
        """Keep them; no secret may be in the sentence."""
        super().__init__(f"AADSTS{number}: {sentence}")
        self.status = status
        self.error = error
        self.number = number

    def body(self) -> dict[str, object]:
        """Return the error body as Entra writes it."""
        trace, correlation = str(uuid4()), str(uuid4())
        at = datetime.fromtimestamp(wall_time_s(), UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        return {
            "error": self.error,
            "error_description": f"{self} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {at}",
            "error_codes": [self.number],
            "timestamp": at,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.number}",
        }


class Entra:
    """The applications of the seed and the tokens that they are given."""

    def __init__(
        self, principals: Callable[[], Sequence[AzurePrincipal]], skew_s: Callable[[], float] = lambda: 0.0
    ) -> None:
        """Know the applications that there are now; `skew_s` is by how much Entra's clock runs ahead of the true one."""
        self._now_known = principals
        self._skew_s = skew_s
        self._seal = secrets.token_bytes(32)

    @property
    def _principals(self) -> Sequence[AzurePrincipal]:
        return self._now_known()

    def check_tenant(self, tenant: str) -> None:
        """Raise EntraError for a tenant that no application of the seed is in."""
        if not any(principal.tenant_id.lower() == tenant.lower() for principal in self._principals):
            raise EntraError(
                400,
                "invalid_request",
                90002,
                f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing "
                "into the correct cloud.",
            )

    def grant(self, tenant: str, form: Mapping[str, str], *, endpoint: str) -> dict[str, object]:
        """Answer a token request of the client credentials flow, made at `endpoint`. Raises EntraError."""
        self.check_tenant(tenant)
        if form.get("grant_type") != "client_credentials":
            raise EntraError(
                400,
                "unsupported_grant_type",
                70003,
                f"The app requested an unsupported grant type '{form.get('grant_type')}'.",
            )
        principal = self._application(tenant, form.get("client_id", ""))
        _prove(principal, form, endpoint, wall_time_s() + self._skew_s())
        scope = form.get("scope", "")
        if not scope.endswith("/.default"):
            raise EntraError(
                400,
                "invalid_scope",
                1002012,
                f"The provided value for scope {scope} is not valid. Client credential flows must have a scope value "
                "with /.default suffixed to the resource identifier (application ID URI).",
            )
        return {
            "token_type": "Bearer",
            "expires_in": LIFETIME_S,
            "ext_expires_in": LIFETIME_S,
            "access_token": self.issue(principal.tenant_id, principal.client_id, scope.removesuffix("/.default")),
        }

    def issue(self, tenant: str, client_id: str, audience: str, *, lifetime_s: float = LIFETIME_S) -> str:
        """Return a token for an application and an audience; a negative lifetime makes an expired one."""
        now_s = wall_time_s()
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{tenant}/",
            "iat": int(now_s),
            "nbf": int(now_s),
            "exp": int(now_s + lifetime_s),
            "appid": client_id,
            "idtyp": "app",
            "oid": client_id,
            "sub": client_id,
            "tid": tenant,
            "uti": secrets.token_urlsafe(16),
            "ver": "1.0",
        }
        signed = f"{_encode({'typ': 'JWT', 'alg': 'HS256'})}.{_encode(claims)}"
        return f"{signed}.{self._sign(signed)}"

    def managed(self, resource: str, client_id: str | None) -> tuple[AzurePrincipal, str]:
        """Return a managed identity and a token for the resource: the named one, else the seed's first application.

        Raises EntraError.
        """
        known = [each for each in self._principals if client_id is None or each.client_id.lower() == client_id.lower()]
        if not known:
            raise EntraError(400, "invalid_request", 0, "Identity not found")
        return known[0], self.issue(known[0].tenant_id, known[0].client_id, resource)

    def principal(self, authorization: str | None, audiences: Collection[str], skew_s: float = 0.0) -> str:
        """Return the client id that a request's Authorization header proves. Raises ArmError (401).

        `skew_s`: by how much ARM's clock runs ahead of the true one.
        """
        scheme, _, token = (authorization or "").strip().partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise self._unauthenticated(
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing or not a Bearer token.",
            )
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(self._sign(signed).encode(), signature.encode()):
            raise self._unauthenticated("InvalidAuthenticationToken", "The access token is invalid.")
        claims = _claims(token)
        now_s = wall_time_s() + skew_s
        if claims["exp"] < now_s:
            raise self._unauthenticated(
                "ExpiredAuthenticationToken", "The access token expiry has passed. Get a new one."
            )
        if claims["nbf"] > now_s + LEEWAY_S:
            raise self._unauthenticated("InvalidAuthenticationToken", "The access token is not yet valid.")
        if str(claims["aud"]).rstrip("/") not in audiences:
            raise self._unauthenticated(
                "InvalidAuthenticationTokenAudience",
                f"The access token has been obtained for wrong audience or resource '{claims['aud']}'. "
                f"It should match one of the allowed audiences {', '.join(sorted(audiences))}.",
            )
        return str(claims["appid"])

    def _application(self, tenant: str, client_id: str) -> AzurePrincipal:
        for principal in self._principals:
            if (principal.tenant_id.lower(), principal.client_id.lower()) == (tenant.lower(), client_id.lower()):
                return principal
        raise EntraError(
            400,
            "unauthorized_client",
            700016,
            f"Application with identifier '{client_id}' was not found in the directory '{tenant}'.",
        )

    def _sign(self, signed: str) -> str:
        return base64.urlsafe_b64encode(hmac.digest(self._seal, signed.encode(), "sha256")).decode().rstrip("=")

    def _unauthenticated(self, code: str, message: str) -> ArmError:
        tenant = self._principals[0].tenant_id if self._principals else "common"
        challenge = (
            f'Bearer authorization_uri="https://login.windows.net/{tenant}", error="invalid_token", '
            f'error_description="{message}"'
        )
        return ArmError(401, code, message, headers={"WWW-Authenticate": challenge})


def _prove(principal: AzurePrincipal, form: Mapping[str, str], endpoint: str, now_s: float) -> None:
    """Raise EntraError unless the form holds the client's secret, its own assertion or a federated one in form."""
    if "client_assertion" in form:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise EntraError(
                400,
                "invalid_request",
                900144,
                f"The request body must contain the parameter 'client_assertion_type': {ASSERTION_TYPE}.",
            )
        _check_assertion(principal, form["client_assertion"], endpoint, now_s)
        return
    secret = form.get("client_secret")
    if not secret:
        raise EntraError(
            401,
            "invalid_client",
            7000218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        )
    if not hmac.compare_digest(secret.encode(), principal.client_secret.encode()):
        raise EntraError(
            401,
            "invalid_client",
            7000215,
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
            f"not the client secret ID, for a secret added to app '{principal.client_id}'.",
        )


def _check_assertion(principal: AzurePrincipal, assertion: str, endpoint: str, now_s: float) -> None:
    """Check form, audience and times. The client's own must be signed; of federated ones everybody's is trusted here."""
    try:
        claims = _claims(assertion)
        audience, expires_s = claims["aud"], float(claims["exp"])
        issuer, subject, starts_s = claims["iss"], claims["sub"], float(claims.get("nbf", claims.get("iat", 0.0)))
    except (ValueError, KeyError, TypeError, binascii.Error):
        issuer, subject, audience, starts_s, expires_s = "", "", "", 0.0, 0.0
    if not issuer or not subject:
        raise EntraError(401, "invalid_client", 50027, "JWT token is invalid or malformed.")
    if expires_s < now_s or starts_s > now_s + LEEWAY_S:
        raise EntraError(401, "invalid_client", 700024, "Client assertion is not within its valid time range.")
    if issuer == subject == principal.client_id:
        if audience != endpoint:
            raise EntraError(
                401, "invalid_client", 700023, f"Client assertion audience claim does not match {endpoint}."
            )
        if principal.certificate is None or not _is_signed(assertion, principal.certificate):
            raise EntraError(
                401,
                "invalid_client",
                700027,
                "The certificate with identifier used to sign the client assertion is not registered on application.",
            )
        return
    if FEDERATED_AUDIENCE not in ([audience] if isinstance(audience, str) else audience):
        raise EntraError(
            401,
            "invalid_client",
            700212,
            f"No matching federated identity record found for presented assertion audience '{audience}'.",
        )


def _is_signed(assertion: str, certificate: str) -> bool:
    """Whether a JWT of RS256 or PS256 is signed with the certificate's key."""
    signed, _, signature = assertion.rpartition(".")
    key = load_pem_x509_certificate(certificate.encode()).public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    digest = hashes.SHA256()
    modern = padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)
    for scheme in (padding.PKCS1v15(), modern):
        try:
            key.verify(
                base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4)), signed.encode(), scheme, digest
            )
        except InvalidSignature:
            continue
        return True
    return False


def _encode(part: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def _claims(token: str) -> dict[str, Any]:
    _, payload, _ = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    if not isinstance(claims, dict):
        raise TypeError("the claims are not an object")
    return claims
