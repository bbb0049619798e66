"""Who calls: Google's OAuth token endpoint and the credentials it issues.

A client signs an assertion with its service account's private key; `exchange` checks it against the
public half and issues an access token. The token carries its principal and is sealed by a key of this
process, so a reset of the lab does not log anybody out. Google also takes an assertion itself as a
credential ("self-signed JWT", https://google.aip.dev/auth/4111), which its SDK does by default.

Times are real ones here: clients make and expire these credentials by the machine's clock.
"""

import base64
import binascii
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from multicloud_lab.gke.errors import Code, GoogleError

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GOOGLE_AUDIENCE = "https://oauth2.googleapis.com/token"
"""What google-auth writes as the audience, whatever the key's token_uri is."""
LIFETIME_S = 3600
SKEW_S = 300.0
"""How far a client's clock may be off."""

_PREFIX = "ya29."
_MISSING = (
    "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or "
    "other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
_WRONG = _MISSING.replace(
    "Request is missing required authentication credential.", "Request had invalid authentication credentials."
)

Claims = Mapping[str, object]


class GrantError(Exception):
    """The token endpoint refuses: `error` is OAuth's code, the text its description."""

    def __init__(self, error: str, description: str) -> None:
        """Keep both."""
        super().__init__(description)
        self.error = error
        self.description = description


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """An issued access token, whose it is, and until when it counts (real epoch seconds)."""

    access_token: str = field(repr=False)
    principal: str
    expires: float
    expires_in_s: int = LIFETIME_S


class Identity:
    """The service accounts that exist, and the credentials by which their calls are known."""

    def __init__(self, key_of: Callable[[str], rsa.RSAPublicKey | None], now_s: Callable[[], float]) -> None:
        """`key_of` finds an account by its e-mail address, `now_s` tells the clients' time (real epoch seconds)."""
        self._key_of = key_of
        self._now_s = now_s
        self._seal = secrets.token_bytes(32)

    def exchange(self, grant_type: str, assertion: str, *, token_uri: str) -> Grant:
        """Issue an access token for an assertion made for `token_uri` or Google's own. Raises GrantError."""
        if grant_type != GRANT_TYPE:
            description = f"Invalid grant_type: {grant_type}"
            raise GrantError("unsupported_grant_type", description)
        claims = self._claims(assertion)
        if claims.get("aud") not in {token_uri, GOOGLE_AUDIENCE}:
            description = f"Invalid JWT: Failed audience check. The right audience is {token_uri} or {GOOGLE_AUDIENCE}."
            raise GrantError("invalid_grant", description)
        if not claims.get("scope"):
            description = "Invalid OAuth scope or ID token audience provided."
            raise GrantError("invalid_scope", description)
        return self.issue(str(claims["iss"]))

    def issue(self, email: str, lifetime_s: int = LIFETIME_S) -> Grant:
        """Return an access token of an account, without asking for a credential."""
        expires = int(self._now_s()) + lifetime_s
        body = {"email": email, "exp": expires, "id": secrets.token_hex(8)}
        payload = _encode(json.dumps(body).encode())
        token = f"{_PREFIX}{payload}.{self._sign(payload)}"
        return Grant(access_token=token, principal=email, expires=expires, expires_in_s=lifetime_s)

    def knows(self, email: str) -> bool:
        """Say whether the account exists."""
        return self._key_of(email) is not None

    def principal(self, authorization: str | None, *, host: str, method: str) -> str:
        """Return the e-mail address of who calls `method` of the API at `host`. Raises GoogleError UNAUTHENTICATED."""
        scheme, _, token = (authorization or "").strip().partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unauthenticated("CREDENTIALS_MISSING", host, method)
        if token.startswith(_PREFIX):
            return self._principal_of_token(token, host, method)
        try:
            claims = self._claims(token)
        except GrantError:
            raise _unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED", host, method) from None
        if claims.get("aud") != f"https://{host}/" and not claims.get("scope"):
            raise _unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED", host, method)
        return str(claims["iss"])

    def _principal_of_token(self, token: str, host: str, method: str) -> str:
        payload, _, signature = token.removeprefix(_PREFIX).partition(".")
        if not hmac.compare_digest(self._sign(payload).encode(), signature.encode()):
            raise _unauthenticated("ACCESS_TOKEN_TYPE_UNSUPPORTED", host, method)
        body = json.loads(_decode(payload))
        if body["exp"] < self._now_s():
            raise _unauthenticated("ACCESS_TOKEN_EXPIRED", host, method)
        return str(body["email"])

    def _sign(self, payload: str) -> str:
        return _encode(hmac.digest(self._seal, payload.encode(), "sha256"))

    def _claims(self, assertion: str) -> Claims:
        """Check a JWT's form, signature and times. Raises GrantError."""
        try:
            signed, _, signature = assertion.rpartition(".")
            header, claims = (json.loads(_decode(part)) for part in signed.split("."))
            raw_signature = _decode(signature)
            algorithm, issuer = header["alg"], claims["iss"]
            issued_s, expires_s = float(claims["iat"]), float(claims["exp"])
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
            raise GrantError(
                "invalid_grant", "Invalid JWT: it must be three base64url parts with alg, iss, iat and exp."
            ) from None
        key = self._key_of(str(issuer))
        if key is None:
            raise GrantError("invalid_grant", "Invalid grant: account not found")
        if algorithm != "RS256" or not _verifies(key, raw_signature, signed):
            raise GrantError("invalid_grant", "Invalid JWT Signature.")
        now_s = self._now_s()
        in_time = issued_s <= now_s + SKEW_S and now_s - SKEW_S <= expires_s <= issued_s + LIFETIME_S
        if not in_time:
            description = (
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
                "Check your iat and exp values in the JWT claim."
            )
            raise GrantError("invalid_grant", description)
        parsed: Claims = claims
        return parsed


def _unauthenticated(reason: str, host: str, method: str) -> GoogleError:
    return GoogleError(
        Code.UNAUTHENTICATED,
        _MISSING if reason == "CREDENTIALS_MISSING" else _WRONG,
        reason=reason,
        metadata={"service": host, "method": method},
    )


def _verifies(key: rsa.RSAPublicKey, signature: bytes, signed: str) -> bool:
    try:
        key.verify(signature, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
