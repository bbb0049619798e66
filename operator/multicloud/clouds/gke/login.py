"""Access tokens of a Google identity: a service account's key from a Secret, or the ambient one.

`door` makes a Login; `container` and `compute` take its tokens right before a request, so that a failed login is a typed
error before a byte of the request itself has left. google-auth signs and refreshes; google-auth has no types, so this
module is where its values get theirs.
"""

import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import google.auth
import requests
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, RefreshError, TransportError
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials

from multicloud.clouds.gke.errors import tidy, unreadable
from multicloud.model.error import CloudError, Refused, refused
from multicloud.model.reason import Code, Reason
from multicloud.model.size import Principal
from multicloud.settings import Endpoint

SECRET_KEY = "key.json"  # noqa: S105 - the documented name of the key, not a secret
GOOGLE_TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - a public address
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
CONNECT_S = 3.0

_KEY_FIELDS = ("client_email", "private_key", "private_key_id", "token_uri")


class Login:
    """A token source whose failures are CloudErrors. Lane threads share it; a refresh is done by one of them."""

    def __init__(self, load: Callable[[], Any], token: Endpoint | None, *, read_timeout_s: float) -> None:
        """`load` makes google-auth's credentials; it runs at the first need, since the ambient ones ask the network."""
        session = requests.Session()
        if token is not None and token.ca_file is not None:
            session.verify = str(token.ca_file)
        self._request = partial(Request(session), timeout=(CONNECT_S, read_timeout_s))
        self._load = load
        self._credentials: Any = None
        self._lock = threading.Lock()

    def bearer(self) -> str:
        """Return an access token, refreshed when it is about to end. Raises CloudError."""
        with self._lock:
            try:
                if self._credentials is None:
                    self._credentials = self._load()
                # `before_request` would also ask iamcredentials.googleapis.com for a boundary, whatever the endpoints.
                if not self._credentials.valid:
                    self._credentials.refresh(self._request)
                return str(self._credentials.token)
            except GoogleAuthError as error:
                raise _typed(error) from None
            except (ValueError, KeyError, TypeError, AttributeError):
                text = "the token endpoint gave an answer that is none"
                raise unreadable("getting a token from Google", text, code=Code.UNEXPECTED) from None

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
        self.bearer()
        email = getattr(self._credentials, "service_account_email", None)
        told = self._credentials.get_cred_info() or {}
        return Principal(name=str(email or told.get("principal") or type(self._credentials).__name__))


def make_login(secret: Mapping[str, bytes] | None, token: Endpoint | None, *, read_timeout_s: float) -> Login:
    """Choose the credentials. Raises Refused for a Secret that holds no usable key, before anything is sent."""
    if secret is None:
        return Login(_ambient, token, read_timeout_s=read_timeout_s)
    credentials = _from_key(_read_key(secret), GOOGLE_TOKEN_URL if token is None else token.url)
    return Login(lambda: credentials, token, read_timeout_s=read_timeout_s)


def _ambient() -> Any:
    credentials, _ = google.auth.default(scopes=[SCOPE])
    return credentials


def _read_key(secret: Mapping[str, bytes]) -> Mapping[str, Any]:
    raw = secret.get(SECRET_KEY)
    if raw is None:
        raise refused(Code.SECRET_KEY_MISSING, f"the Secret has no key {SECRET_KEY} (a service account's key as JSON)")
    try:
        info = json.loads(raw)
    except ValueError:
        info = None
    if not isinstance(info, dict):
        raise refused(Code.SECRET_INVALID, f"the Secret's key {SECRET_KEY} is not a JSON object")
    return info


def _from_key(info: Mapping[str, Any], token_url: str) -> Any:
    # Other types (external_account, …) name URLs and files of their own choice, which a tenant must not do here.
    if info.get("type") != "service_account":
        raise refused(Code.SECRET_INVALID, f"the Secret's {SECRET_KEY} is not a key of type service_account")
    if info.get("token_uri") != token_url:
        raise refused(Code.SECRET_INVALID, f"token_uri of the Secret's {SECRET_KEY} must be {token_url}")
    for name in ("client_email", "private_key"):
        if not isinstance(info.get(name), str) or not info[name]:
            raise refused(Code.SECRET_INVALID, f"the Secret's {SECRET_KEY} has no {name}")
    known = {name: info[name] for name in _KEY_FIELDS if name in info}
    try:
        return Credentials.from_service_account_info(known, scopes=[SCOPE])
    except (ValueError, TypeError, GoogleAuthError):
        raise refused(
            Code.SECRET_INVALID, f"private_key of the Secret's {SECRET_KEY} is not an RSA private key in PEM form"
        ) from None


def _typed(error: GoogleAuthError) -> CloudError:
    what = "getting a token from Google"
    transport = error if isinstance(error, TransportError) else error.__cause__
    if isinstance(transport, TransportError):
        timed_out = isinstance(transport.__cause__, requests.Timeout)
        code = Code.TIMED_OUT if timed_out else Code.UNAVAILABLE
        return unreadable(what, "the token endpoint could not be reached", code=code)
    if isinstance(error, RefreshError) and error.retryable:
        return unreadable(what, "the token endpoint cannot issue tokens at the moment")
    if isinstance(error, DefaultCredentialsError):
        text = "no ambient Google identity was found: use workload identity, or name a Secret in credentials"
        return Refused(Reason(code=Code.AUTH_FAILED, text=text))
    words = tidy(str(error.args[0])) if error.args else type(error).__name__
    return Refused(Reason(code=Code.AUTH_FAILED, text=f"Google refused the login: {words}"))
