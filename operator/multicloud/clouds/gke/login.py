"""Access tokens of a Google identity: a service account's key from a Secret, or the ambient one, and whom it acts as.

`door` makes a Login; `container` and `compute` take its tokens right before a request, so that a failed login is a typed
error before a byte of the request itself has left. google-auth signs and refreshes; google-auth has no types, so this
module is where its values get theirs.

A Secret may hold a service account's key and nothing else: every other form of credentials (external_account,
impersonated_service_account, …) names URLs, files or programs of its own choice, which only an administrator may do, in
the file that GOOGLE_APPLICATION_CREDENTIALS of the operator names.
"""

import json
import os
import re
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import google.auth
import requests
from google.auth import aws, identity_pool, impersonated_credentials, pluggable
from google.auth.exceptions import (
    DefaultCredentialsError,
    GoogleAuthError,
    MalformedError,
    RefreshError,
    TransportError,
)
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials

from multicloud.clouds.gke.errors import Told, of_answer, tidy, unreadable
from multicloud.clouds.keys import read_key
from multicloud.model.account import GcpAccount
from multicloud.model.error import CloudError, Refused, Throttled, refused
from multicloud.model.reason import Code, Reason
from multicloud.model.size import Principal
from multicloud.settings import GcpEndpoints

SECRET_KEY = "key.json"  # noqa: S105 - the documented name of the key, not a secret
GOOGLE_TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - a public address
GOOGLE_IAM_URL: Final = "https://iamcredentials.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
CONNECT_S = 3.0
IMPERSONATED_S: Final = 3600
"""How long a token of an impersonated account lasts: the longest that needs no organisation policy."""

_LOGGING_IN: Final = "getting a token from Google"
_MEANING: Final = "a service account's key as JSON"
_EMAIL: Final = re.compile(r"[^\s@]{1,64}@[a-zA-Z0-9.-]{1,190}")
_AWS_TOKEN: Final = "urn:ietf:params:aws:token-type:aws4_request"  # noqa: S105 - the name of a kind of token
_TIMES_REFUSED: Final = "reasonable timeframe"
"""Part of Google's sentence about an assertion whose times do not hold by Google's clock."""

_KEY_FIELDS = ("client_email", "private_key", "private_key_id", "token_uri")

Load = Callable[[], Any]
"""Makes google-auth's credentials."""


class Login:
    """A token source whose failures are CloudErrors. Lane threads share it; a refresh is done by one of them."""

    def __init__(self, load: Load, endpoints: GcpEndpoints, *, read_timeout_s: float) -> None:
        """`load` makes google-auth's credentials; it runs at the first need, since the ambient ones ask the network."""
        self._request = _transport(endpoints, read_timeout_s)
        self._load = load
        self._credentials: Any = None
        self._lock = threading.Lock()

    def bearer(self) -> str:
        """Return an access token, refreshed when it is about to end. Raises CloudError."""
        return self._signed_in()[1]

    def _signed_in(self) -> tuple[Any, str]:
        """The credentials with a token that is good now. Raises CloudError."""
        with self._lock:
            try:
                if self._credentials is None:
                    self._credentials = self._load()
                # `before_request` would also ask iamcredentials.googleapis.com for a boundary, whatever the endpoints.
                if not self._credentials.valid:
                    self._credentials.refresh(self._request)
                return self._credentials, str(self._credentials.token)
            except GoogleAuthError as error:
                self._credentials = None  # what it is made from, files and tokens of others, may be others by now
                raise _typed(error) from None
            except OSError as error:
                self._credentials = None
                text = f"a file of the ambient Google identity cannot be read ({type(error).__name__})"
                raise refused(Code.AUTH_FAILED, text) from None
            except (ValueError, KeyError, TypeError, AttributeError):
                text = "the token endpoint gave an answer that is none"
                raise unreadable(_LOGGING_IN, text, code=Code.UNEXPECTED) from None

    def expires_at(self) -> datetime | None:
        """When the present token ends, None where its issuer does not say."""
        with self._lock:
            expiry = getattr(self._credentials, "expiry", None)  # naive, UTC
        return expiry.replace(tzinfo=UTC) if isinstance(expiry, datetime) else None

    def forget(self, token: str) -> None:
        """Drop a token that an API no longer takes; the next `bearer` gets a new one."""
        with self._lock:
            if self._credentials is not None and self._credentials.token == token:
                self._credentials.token = None

    def whoami(self) -> Principal:
        """Get a token and tell whose it is: a service account's e-mail. Raises CloudError."""
        credentials, _ = self._signed_in()
        email = getattr(credentials, "service_account_email", None)
        told = credentials.get_cred_info() or {}
        return Principal(name=str(email or told.get("principal") or _subject(credentials)))


def make_login(
    provider: GcpAccount, secret: Mapping[str, bytes] | None, endpoints: GcpEndpoints, *, read_timeout_s: float
) -> Login:
    """Choose the credentials. Raises Refused for a Secret that holds no usable key, before anything is sent."""
    token = endpoints.token
    load = (
        _ambient if secret is None else _from_key(_read_key(secret), GOOGLE_TOKEN_URL if token is None else token.url)
    )
    if provider.impersonate is not None:
        iam = endpoints.iamcredentials
        load = _impersonating(load, provider.impersonate, GOOGLE_IAM_URL if iam is None else iam.url.rstrip("/"))
    return Login(load, endpoints, read_timeout_s=read_timeout_s)


def _transport(endpoints: GcpEndpoints, read_timeout_s: float) -> Callable[..., Any]:
    """How google-auth sends: with deadlines, and trusting each endpoint's own authority where it has one."""
    send = Request(requests.Session())
    known = [endpoint for endpoint in (endpoints.token, endpoints.iamcredentials) if endpoint is not None]
    trusted = {endpoint.url: str(endpoint.ca_file) for endpoint in known if endpoint.ca_file is not None}

    def transport(url: str, **options: Any) -> Any:
        verify = next((ca_file for root, ca_file in trusted.items() if url.startswith(root)), True)
        ours = {"timeout": (CONNECT_S, read_timeout_s), "verify": verify, "allow_redirects": False}
        answer = send(url=url, **{**ours, **options})
        # google-auth tries some of these again and reads the others as refusals: neither is wanted.
        if answer.status == 429:
            reason = Reason(code=Code.THROTTLED, text=f"{_LOGGING_IN}: too many requests for tokens")
            raise Throttled(reason, retry_after_s=_seconds(answer.headers))
        if answer.status >= 500:
            raise unreadable(_LOGGING_IN, "no tokens can be issued at the moment")
        return answer

    return transport


def _ambient() -> Any:
    """Credentials that the operator's own environment holds: the file that it names, else what google-auth finds."""
    named = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    if named and Path(named).is_file():
        try:
            info = json.loads(Path(named).read_bytes())
        except ValueError:
            raise MalformedError("it is not JSON") from None
        if isinstance(info, dict) and info.get("type") == "external_account":
            return _federated(info)
    credentials, _ = google.auth.default(scopes=[SCOPE])
    return credentials


def _federated(info: Mapping[str, Any]) -> Any:
    """Credentials of a workload identity federation; `google.auth.default` would ask other APIs for a project's name."""
    if info.get("subject_token_type") == _AWS_TOKEN:
        return aws.Credentials.from_info(info, scopes=[SCOPE])
    if "executable" in (info.get("credential_source") or {}):
        return pluggable.Credentials.from_info(info, scopes=[SCOPE])
    return identity_pool.Credentials.from_info(info, scopes=[SCOPE])


def _impersonating(load: Load, email: str, iam_url: str) -> Load:
    def impersonate() -> Any:
        return impersonated_credentials.Credentials(
            source_credentials=load(),
            target_principal=email,
            target_scopes=[SCOPE],
            lifetime=IMPERSONATED_S,
            iam_endpoint_override=f"{iam_url}/v1/projects/-/serviceAccounts/{email}:generateAccessToken",
        )

    return impersonate


def _subject(credentials: Any) -> str:
    """Who federated credentials are that act as no service account: the pool's provider, whom Google names in its logs."""
    return str(getattr(credentials, "info", {}).get("audience") or type(credentials).__name__)


def _read_key(secret: Mapping[str, bytes]) -> Mapping[str, Any]:
    try:
        info = json.loads(read_key(secret, SECRET_KEY, _MEANING))
    except (ValueError, RecursionError):
        info = None
    if not isinstance(info, dict):
        raise refused(Code.SECRET_INVALID, f"the Secret's key {SECRET_KEY} is not a JSON object")
    return info


def _from_key(info: Mapping[str, Any], token_url: str) -> Load:
    if info.get("type") != "service_account":
        raise refused(Code.SECRET_INVALID, f"the Secret's {SECRET_KEY} is not a key of type service_account")
    if info.get("token_uri") != token_url:
        raise refused(Code.SECRET_INVALID, f"token_uri of the Secret's {SECRET_KEY} must be {token_url}")
    for name in ("client_email", "private_key"):
        if not isinstance(info.get(name), str) or not info[name]:
            raise refused(Code.SECRET_INVALID, f"the Secret's {SECRET_KEY} has no {name}")
    if _EMAIL.fullmatch(info["client_email"]) is None:
        raise refused(Code.SECRET_INVALID, f"client_email of the Secret's {SECRET_KEY} is not an e-mail address")
    known = {name: info[name] for name in _KEY_FIELDS if name in info}
    try:
        credentials = Credentials.from_service_account_info(known, scopes=[SCOPE])
    except (ValueError, TypeError, GoogleAuthError):
        raise refused(
            Code.SECRET_INVALID, f"private_key of the Secret's {SECRET_KEY} is not an RSA private key in PEM form"
        ) from None
    return lambda: credentials


def _seconds(headers: Mapping[str, str]) -> float | None:
    text = str(headers.get("Retry-After", ""))
    return float(text) if text.isdecimal() else None


def _typed(error: GoogleAuthError) -> CloudError:
    transport = error if isinstance(error, TransportError) else error.__cause__
    if isinstance(transport, TransportError):
        timed_out = isinstance(transport.__cause__, requests.Timeout)
        code = Code.TIMED_OUT if timed_out else Code.UNAVAILABLE
        return unreadable(_LOGGING_IN, "the token endpoint could not be reached", code=code)
    if isinstance(error, RefreshError) and error.retryable:
        return unreadable(_LOGGING_IN, "the token endpoint cannot issue tokens at the moment")
    words = tidy(str(error.args[0])) if error.args else type(error).__name__
    if isinstance(error, RefreshError) and len(error.args) > 1 and words.startswith("Unable to acquire impersonated"):
        return _of_iam(str(error.args[1]))
    return _refusal(error, words)


def _refusal(error: GoogleAuthError, words: str) -> Refused:
    if isinstance(error, MalformedError):
        text = f"the file that GOOGLE_APPLICATION_CREDENTIALS of the operator names cannot be used: {words}"
        return refused(Code.AUTH_FAILED, text)
    if isinstance(error, DefaultCredentialsError):
        text = "no ambient Google identity was found: use workload identity, or name a Secret in credentials"
        return refused(Code.AUTH_FAILED, text)
    if _TIMES_REFUSED in str(error.args):
        text = "Google does not accept the times of our assertion: the clock of the operator's machine is off; set it"
        return refused(Code.CLOCK_SKEWED, text)
    return refused(Code.AUTH_FAILED, f"Google refused the login: {words}")


def _of_iam(body: str) -> CloudError:
    """Type what IAM Credentials said instead of a token of the impersonated account."""
    what = "acting as the service account of spec.gcp.impersonate"
    try:
        told = json.loads(body)["error"]
        return of_answer(Told(code=str(told["status"]), message=str(told["message"])), what, write=False)
    except (ValueError, KeyError, TypeError):
        return unreadable(what, "IAM Credentials gave an answer that is none", code=Code.UNEXPECTED)
