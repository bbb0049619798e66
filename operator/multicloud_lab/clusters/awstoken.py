"""EKS' bearer tokens: a presigned GetCallerIdentity of STS, base64url-coded behind `k8s-aws-v1.`.

Checked as aws-iam-authenticator's server does (pkg/token of sigs.k8s.io/aws-iam-authenticator): form, host, names of
the query's parameters, that x-k8s-aws-id is signed, the time. It then asks STS, with the cluster's name in that header;
here the signature is checked for access keys of the seed and for sessions. Others cannot be, as everywhere in the lab.
"""

import base64
import binascii
import datetime as dt
import hashlib
import hmac
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, quote, urlsplit

from multicloud_lab.core.seed import AwsSeed
from multicloud_lab.eks.sessions import Sessions

PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"
LIFETIME_S = 900.0
"""Presigned requests count for 15 minutes after their date, whatever X-Amz-Expires says."""
SKEW_S = 300.0
"""How far ahead a client's clock may be."""
_LONGEST = 4096

_NAMES = frozenset(
    {
        "action",
        "version",
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-security-token",
        "x-amz-signature",
        "x-amz-signedheaders",
        "x-amz-user-agent",
    }
)
_SCOPE_PARTS = 5
_EMPTY = hashlib.sha256(b"").hexdigest()


class TokenError(Exception):
    """A token does not count; the text says why (for the lab's journal: the client hears only 401)."""


class AwsTokens:
    """Who a token speaks for."""

    def __init__(self, seed: Callable[[], AwsSeed], sessions: Sessions, sts_url: str) -> None:
        """Know the seed's keys and STS's sessions; the lab's STS at `sts_url` counts as one of AWS' hosts."""
        self._seed = seed
        self._sessions = sessions
        self._sts_host = urlsplit(sts_url).netloc

    def principal(self, token: str, cluster: str) -> str:
        """Return the principal's name. Raises TokenError."""
        url = _decoded(token)
        parts = urlsplit(url)
        if parts.netloc != self._sts_host and not (parts.scheme == "https" and _is_sts(parts.netloc)):
            raise TokenError(f"the presigned URL is for {parts.netloc or 'no host'}, which is no STS endpoint")
        if parts.path not in {"", "/"}:
            raise TokenError(f"the presigned URL has the path {parts.path}")
        query = _query(parts.query)
        key_id, scope = _scope(query)
        self._check_time(query["x-amz-date"], query.get("x-amz-expires", "60"))
        name, secret = self._known(key_id, query.get("x-amz-security-token", ""))
        if secret is not None:
            _check_signature(secret, parts.query, {"host": parts.netloc, CLUSTER_HEADER: cluster}, scope)
        return name

    def _known(self, key_id: str, security_token: str) -> tuple[str, str | None]:
        """Return whose an access key is, and its secret where the lab has it."""
        session = self._sessions.get(key_id)
        if session is not None:
            if session.token != security_token or session.expires <= self._sessions.now_s():
                raise TokenError("the session of the access key has ended, or X-Amz-Security-Token is not its own")
            return session.role, session.secret
        for principal in self._seed().principals:
            if principal.access_key_id == key_id:
                return principal.name, principal.secret_access_key
        return key_id, None

    def _check_time(self, stamp: str, expires: str) -> None:
        try:
            signed_s = dt.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC).timestamp()
            lifetime_s = int(expires)
        except ValueError:
            raise TokenError("X-Amz-Date or X-Amz-Expires cannot be read") from None
        if not 0 <= lifetime_s <= LIFETIME_S:
            raise TokenError(f"X-Amz-Expires is {lifetime_s}, but it must be 0 to {LIFETIME_S:.0f}")
        now_s = self._sessions.now_s()
        if not signed_s - SKEW_S <= now_s <= signed_s + LIFETIME_S:
            raise TokenError(f"the token of {stamp} has expired, or is of the future")


def _decoded(token: str) -> str:
    if not token.startswith(PREFIX) or len(token) > _LONGEST:
        raise TokenError(f"the token does not start with {PREFIX}, or is longer than {_LONGEST} characters")
    raw = token.removeprefix(PREFIX)
    try:
        return base64.b64decode(raw + "=" * (-len(raw) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise TokenError("the token is not base64url") from None


def _is_sts(host: str) -> bool:
    name, _, rest = host.partition(".")
    return name in {"sts", "sts-fips"} and (
        rest.endswith((".amazonaws.com", ".amazonaws.com.cn")) or rest == "amazonaws.com"
    )


def _query(text: str) -> dict[str, str]:
    query: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        key = name.lower()
        if key not in _NAMES:
            raise TokenError(f"the presigned URL has the parameter {name}, which none may have")
        if key in query:
            raise TokenError(f"the presigned URL has {name} twice")
        query[key] = value
    if query.get("action") != "GetCallerIdentity":
        raise TokenError("the presigned URL is for another action than GetCallerIdentity")
    for key in ("x-amz-credential", "x-amz-date", "x-amz-signature", "x-amz-signedheaders", "x-amz-algorithm"):
        if not query.get(key):
            raise TokenError(f"the presigned URL lacks {key}")
    if CLUSTER_HEADER not in query["x-amz-signedheaders"].lower().split(";"):
        raise TokenError(f"the client did not sign the {CLUSTER_HEADER} header")
    return query


def _scope(query: dict[str, str]) -> tuple[str, str]:
    """Return the access key id and the credential's scope."""
    key_id, _, scope = query["x-amz-credential"].partition("/")
    parts = scope.split("/")
    if len(parts) != _SCOPE_PARTS - 1 or parts[2:] != ["sts", "aws4_request"] or not key_id:
        raise TokenError("X-Amz-Credential is not of the form key/date/region/sts/aws4_request")
    if not query["x-amz-date"].startswith(parts[0]):
        raise TokenError("the dates of X-Amz-Credential and X-Amz-Date differ")
    return key_id, scope


def _check_signature(secret: str, raw_query: str, headers: Mapping[str, str], scope: str) -> None:
    """Check what STS would check, when it is asked with these headers."""
    pairs = parse_qsl(raw_query, keep_blank_values=True)
    query = {name.lower(): value for name, value in pairs}
    names = query["x-amz-signedheaders"].split(";")
    if not set(names) <= headers.keys():
        raise TokenError("headers are signed that the API server does not send")
    parameters = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in pairs
        if name.lower() != "x-amz-signature"
    )
    canonical = "\n".join(
        [
            "GET",
            "/",
            "&".join(f"{name}={value}" for name, value in parameters),
            *(f"{name}:{headers[name]}" for name in names),
            "",
            query["x-amz-signedheaders"],
            _EMPTY,
        ]
    )
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{query['x-amz-date']}\n{scope}\n{digest}"
    if not hmac.compare_digest(hmac.digest(key, text.encode(), "sha256").hex(), query["x-amz-signature"]):
        raise TokenError("the signature does not match: another secret, or a token made for another cluster")
