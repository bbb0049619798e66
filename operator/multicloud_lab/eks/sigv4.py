"""Who calls: AWS Signature Version 4 headers, checked in form, scope and date.

The access key id names the principal: one that the seed lists has its name and account, and its
signature must be made with the listed secret; one that STS gave out is its role, and needs its
token besides; any other is a principal of that name in the seed's default account, whose signature
cannot be checked.
The date is compared with the machine's real clock, never with the lab's virtual one (SDKs sign with
real time whatever the lab's factor); a ClockSkew fault moves the cloud's side of it.
"""

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from aiohttp import web

from multicloud_lab.core.seed import AwsSeed
from multicloud_lab.eks.model import AwsError
from multicloud_lab.eks.sessions import Session, Sessions, user
from multicloud_lab.eks.state import Caller

SKEW_S = 300.0
"""The allowed difference between a request's date and real time: AWS allows five minutes."""

ANONYMOUS = "anonymous"
"""The journal's principal of a request that was refused before its caller was known."""

_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method."
)
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<key>[^/ ,]+)/(?P<date>\d{8})/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)"
    r"/aws4_request, *SignedHeaders=(?P<headers>[a-z0-9;-]+), *Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What a signature speaks for; `target` is path and query as they were sent, still encoded."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


async def signed(request: web.Request) -> Signed:
    """Return what the request's signature must speak for."""
    return Signed(method=request.method, target=request.raw_path, headers=request.headers, body=await request.read())


def authenticate(seed: AwsSeed, sessions: Sessions, request: Signed, service: str) -> Caller:
    """Return the caller of a request to `service`.

    Raises AwsError with MissingAuthenticationTokenException, IncompleteSignatureException,
    InvalidSignatureException, ExpiredTokenException or UnrecognizedClientException; a query-protocol wire has
    names of its own for these.
    """
    headers = request.headers
    given = headers.get("Authorization")
    if given is None:
        raise AwsError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
    match = _AUTHORIZATION.fullmatch(given)
    stamp = headers.get("X-Amz-Date", "")
    if match is None or not re.fullmatch(r"\d{8}T\d{6}Z", stamp):
        raise AwsError(
            "IncompleteSignatureException",
            "The request signature does not conform to AWS standards: Authorization needs Credential, SignedHeaders and Signature, and X-Amz-Date must be given",
            400,
        )
    session = sessions.get(match["key"])
    if session is not None and session.expires <= sessions.now_s():
        raise AwsError("ExpiredTokenException", "The security token included in the request is expired", 403)
    _check_scope(match, stamp, service, sessions.now_s())
    if session is not None:
        return _of_session(session, request, match, stamp)
    for principal in seed.principals:
        if principal.access_key_id == match["key"]:
            _check_signature(principal.secret_access_key, request, match, stamp)
            account = principal.account or seed.account
            return user(principal.name, principal.access_key_id, account, match["region"])
    return user(match["key"], match["key"], seed.account, match["region"])


def _of_session(session: Session, request: Signed, match: re.Match[str], stamp: str) -> Caller:
    if request.headers.get("X-Amz-Security-Token") != session.token:
        raise AwsError("UnrecognizedClientException", "The security token included in the request is invalid.", 403)
    _check_signature(session.secret, request, match, stamp)
    return Caller(
        name=session.role,
        access_key_id=session.access_key_id,
        account=session.account,
        region=match["region"],
        arn=session.arn,
        user_id=session.user_id,
    )


def _check_signature(secret: str, request: Signed, match: re.Match[str], stamp: str) -> None:
    if not hmac.compare_digest(signature(secret, match, stamp, request), match["signature"]):
        raise AwsError("InvalidSignatureException", _MISMATCH, 403)


def signature(secret: str, claim: re.Match[str], stamp: str, request: Signed) -> str:
    """Return the signature that `secret` makes for what the Authorization header claims, in hexadecimal."""
    path, _, query = request.target.partition("?")
    body_hash = request.headers.get("X-Amz-Content-SHA256", hashlib.sha256(request.body).hexdigest())
    names = claim["headers"].split(";")
    canonical = "\n".join(
        [
            request.method,
            quote(path, safe="/~"),  # encoded a second time: every service but S3
            "&".join(sorted(part if "=" in part else f"{part}=" for part in query.split("&") if part)),
            *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in names),
            "",
            claim["headers"],
            body_hash,
        ]
    )
    scope = f"{claim['date']}/{claim['region']}/{claim['service']}/aws4_request"
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return hmac.digest(key, text.encode(), "sha256").hex()


def _check_scope(match: re.Match[str], stamp: str, service: str, now_s: float) -> None:
    if match["service"] != service:
        raise AwsError(
            "InvalidSignatureException", f"Credential should be scoped to correct service: '{service}'.", 403
        )
    if match["date"] != stamp[:8]:
        message = f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{match['date']}' != '{stamp[:8]}'."
        raise AwsError("InvalidSignatureException", message, 403)
    if "host" not in match["headers"].split(";"):
        raise AwsError("InvalidSignatureException", "'Host' must be a 'SignedHeader' in the AWS Authorization.", 403)
    try:
        signed_s = dt.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC).timestamp()
    except ValueError:
        raise AwsError("IncompleteSignatureException", f"X-Amz-Date {stamp!r} is not a date", 400) from None
    if now_s - signed_s > SKEW_S:
        now = dt.datetime.fromtimestamp(now_s - SKEW_S, dt.UTC)
        message = f"Signature expired: {stamp} is now earlier than {now:%Y%m%dT%H%M%SZ} (5 min.)"
        raise AwsError("InvalidSignatureException", message, 403)
    if signed_s - now_s > SKEW_S:
        now = dt.datetime.fromtimestamp(now_s + SKEW_S, dt.UTC)
        message = f"Signature not yet current: {stamp} is still later than {now:%Y%m%dT%H%M%SZ} (5 min.)"
        raise AwsError("InvalidSignatureException", message, 403)
