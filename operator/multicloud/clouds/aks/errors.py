"""What ARM, AKS and Entra refuse with, as typed errors: tables by error code and by HTTP status, read row by row.

`pools` and `login` hand in what the SDK raised or what an operation ended with; the typed error goes to the lane.
Codes: the vendor's documents on AKS and ARM errors, its error-code page, and public issue reports of clients.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)

from multicloud.clouds.verdicts import (
    AUTH_FAILED,
    BROKEN_OFF,
    CONFLICT,
    DENIED,
    INVALID,
    NOT_ANSWERED_IN_TIME,
    NOT_CONNECTED,
    NOT_CONNECTED_IN_TIME,
    NOT_FOUND,
    QUOTA,
    STOCKOUT,
    THROTTLED,
    TOKEN_EXPIRED,
    Answered,
    Silence,
    Verdict,
    no_answer_at_all,
    of_refusal,
    of_silence,
    shortened,
)
from multicloud.model.error import CloudError, Refused, Throttled, Unavailable
from multicloud.model.reason import Code, Reason

VENDOR: Final = "ARM"

BY_CODE: Mapping[str, Verdict] = {
    "throttled": THROTTLED,
    "toomanyrequests": THROTTLED,
    "subscriptionrequeststhrottled": THROTTLED,
    "operationnotallowed": CONFLICT,
    "etagmismatch": CONFLICT,
    "preconditionfailed": CONFLICT,
    "originaletagnotexpect": CONFLICT,
    "aksoperationpreempted": CONFLICT,
    "aksoperationpreemptedbydelete": CONFLICT,
    "quotaexceeded": QUOTA,
    "errcode_insufficientvcpuquota": QUOTA,
    "insufficientvcpuquota": QUOTA,
    "insufficientsubnetsize": QUOTA,
    "subnetisfull": QUOTA,
    "maxagentpoolcountreached": QUOTA,
    "skunotavailable": STOCKOUT,
    "allocationfailed": STOCKOUT,
    "zonalallocationfailed": STOCKOUT,
    "overconstrainedallocationrequest": STOCKOUT,
    "overconstrainedzonalallocationrequest": STOCKOUT,
    "akscapacityerror": STOCKOUT,
    "akscapacityheavyusage": STOCKOUT,
    # The SDK drops its cached token on a 401, so the next call brings a new one: nothing for a person to mend.
    "expiredauthenticationtoken": TOKEN_EXPIRED,
    "missingsubscriptionregistration": DENIED,
}
"""By ARM's error code in small letters; stronger than the status."""

BY_STATUS: Mapping[int, Verdict] = {
    400: INVALID,
    401: AUTH_FAILED,
    403: DENIED,
    404: NOT_FOUND,
    409: CONFLICT,
    412: CONFLICT,
    429: THROTTLED,
}
"""By HTTP status, for codes that `BY_CODE` does not hold. Other 4xx but 408 are INVALID."""

_QUOTA_WORDS = re.compile(r"\bquota\b", re.IGNORECASE)
_QUOTA_DISGUISES = frozenset({"operationnotallowed", "badrequest", "invalidparameter"})
"""Codes under which Azure Compute's quota refusals arrive too, told apart only by their text."""

_PASSING = re.compile(
    r"\s*(Trace ID|Correlation ID|Request ID|Timestamp|Tracking ID|Activity ID|TrackingId)\s*:.*",
    re.IGNORECASE | re.DOTALL,
)
"""Parts of a sentence that differ at every call: they would change the status each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An error as ARM told it: HTTP status (None: inside a 200), error code and sentence, seconds to wait."""

    status: int | None
    code: str
    message: str
    retry_after_s: float | None = None


def tidy(words: str) -> str:
    """One short line of a vendor's sentence, without the parts that differ at every call."""
    return shortened(_PASSING.sub("", words))


def verdict(told: Told) -> Verdict | None:
    """What ARM's refusal means; None where neither table knows (5xx, 408, other)."""
    code = told.code.lower()
    if code in _QUOTA_DISGUISES and _QUOTA_WORDS.search(told.message):
        return QUOTA
    if code in BY_CODE:
        return BY_CODE[code]
    if told.status is None:
        return None
    if told.status in BY_STATUS:
        return BY_STATUS[told.status]
    return INVALID if 400 <= told.status < 500 and told.status != 408 else None


def of_answer(told: Told, what: str, *, write: bool) -> CloudError:
    """Type an answer of ARM. `what` is what was tried ("reading agent pools of …")."""
    answered = Answered(
        name=told.code or f"HTTP {told.status}",
        words=tidy(told.message),
        verdict=verdict(told),
        retry_after_s=told.retry_after_s,
    )
    return of_refusal(answered, what, VENDOR, write=write)


def of_exception(error: Exception, what: str, *, write: bool) -> CloudError:
    """Type what the SDK raised while it talked to ARM. Errors that are typed already come back as they are."""
    if isinstance(error, CloudError):
        return error
    if isinstance(error, HttpResponseError) and (error.status_code or 0) >= 300:
        return of_answer(_told(error), what, write=write)
    return of_silence(_silence(error), what, VENDOR, write=write)


def _silence(error: Exception) -> Silence:
    match error:
        case ServiceRequestTimeoutError():
            return NOT_CONNECTED_IN_TIME
        case ServiceRequestError():
            return NOT_CONNECTED
        case ServiceResponseTimeoutError():
            return NOT_ANSWERED_IN_TIME
        case ServiceResponseError():
            return BROKEN_OFF
        case _:
            return no_answer_at_all(error)


def of_login(error: AzureError) -> CloudError:
    """Type what azure-identity raised: Entra out of reach is Unavailable, a refusal is a person's to mend."""
    # The endpoints of managed identities are asked without msal, whose error would have the transport's as its cause.
    cause = error if isinstance(error, ServiceRequestError | ServiceResponseError) else error.__cause__
    if isinstance(cause, CloudError):
        return cause
    if isinstance(cause, ServiceRequestError | ServiceResponseError):
        timed_out = isinstance(cause, ServiceRequestTimeoutError | ServiceResponseTimeoutError)
        code = Code.TIMED_OUT if timed_out else Code.UNAVAILABLE
        return Unavailable(Reason(code=code, text="Microsoft Entra could not be reached for a token"))
    if "temporarily_unavailable" in str(error):
        return Unavailable(Reason(code=Code.UNAVAILABLE, text="Microsoft Entra cannot issue tokens at the moment"))
    words = tidy(error.message).removeprefix("Authentication failed: ")
    return Refused(Reason(code=Code.AUTH_FAILED, text=f"Microsoft Entra refused the login: {words}"))


def of_login_status(status: int, headers: Mapping[str, str]) -> CloudError | None:
    """Type an answer of Entra whose status alone says that nobody was refused; None for any other."""
    if status == 429:
        text = "Microsoft Entra limits the rate of token requests"
        return Throttled(Reason(code=Code.THROTTLED, text=text), retry_after_s=_seconds(headers))
    if status >= 500:
        return Unavailable(Reason(code=Code.UNAVAILABLE, text="Microsoft Entra cannot issue tokens at the moment"))
    return None


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer's headers ask to wait, None where they do not."""
    return _seconds(headers)


def _told(error: HttpResponseError) -> Told:
    inner = error.error
    message = (inner.message if inner is not None else None) or ""
    wait_s = _seconds(_headers(error))
    if wait_s is None and (match := re.search(r"again in (\d+) second", message)):
        wait_s = float(match[1])
    code = (inner.code if inner is not None else None) or ""
    return Told(status=error.status_code, code=code, message=message, retry_after_s=wait_s)


def _headers(error: AzureError) -> Mapping[str, str]:
    # The SDK's type of a response has no headers, all its transports' responses do.
    headers: Mapping[str, str] = getattr(getattr(error, "response", None), "headers", {})
    return headers


def _seconds(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After in its three spellings: milliseconds, seconds, a date (measured from the answer's own Date)."""
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        if (text := headers.get(name, "")).isdecimal():
            return int(text) / 1000
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, TypeError):
        return None
    return max(0.0, wait.total_seconds())
