"""Who calls: AWS Signature Version 4 headers, checked in form, scope and date.

The access key id names the principal: one that the seed lists has its name and account, any other
is a principal of that name in the seed's default account. The signature itself is not recomputed.
The date is compared with the machine's real clock, never with the lab's virtual one (SDKs sign with
real time whatever the lab's factor), and with a wide allowance: AWS allows five minutes.
"""

import datetime as dt
import re
from collections.abc import Mapping

from multicloud_lab.core.clock import wall_time_s
from multicloud_lab.core.seed import AwsSeed
from multicloud_lab.eks.model import AwsError
from multicloud_lab.eks.state import Caller

SKEW_S = 24 * 3600.0
"""The allowed difference between a request's date and real time."""

ANONYMOUS = "anonymous"
"""The journal's principal of a request that was refused before its caller was known."""

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<key>[^/ ,]+)/(?P<date>\d{8})/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)"
    r"/aws4_request, *SignedHeaders=(?P<headers>[a-z0-9;-]+), *Signature=(?P<signature>[0-9a-f]{64})"
)


def authenticate(seed: AwsSeed, headers: Mapping[str, str], service: str) -> Caller:
    """Return the caller of a request to `service`.

    Raises AwsError with MissingAuthenticationTokenException, IncompleteSignatureException or
    InvalidSignatureException; a query-protocol wire drops the suffix from the code.
    """
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
    _check_scope(match, stamp, service)
    for principal in seed.principals:
        if principal.access_key_id == match["key"]:
            return Caller(
                name=principal.name,
                access_key_id=principal.access_key_id,
                account=principal.account or seed.account,
                region=match["region"],
            )
    return Caller(name=match["key"], access_key_id=match["key"], account=seed.account, region=match["region"])


def _check_scope(match: re.Match[str], stamp: str, service: str) -> None:
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
    if abs(signed_s - wall_time_s()) > SKEW_S:
        raise AwsError("InvalidSignatureException", f"Signature expired: {stamp} is too far from now", 403)
