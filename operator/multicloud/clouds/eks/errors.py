"""What AWS refuses with, as typed errors: tables by error code and by HTTP status, read row by row.

`clients` hands in what botocore raised; the typed error goes to the lane. Codes: botocore's models of EKS, Auto Scaling
and STS, the vendor's lists of common errors, and public issue reports of clients.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigNotFound,
    ConfigParseError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    InvalidConfigError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    ReadTimeoutError,
    TokenRetrievalError,
)

from multicloud.clouds.verdicts import (
    AUTH_FAILED,
    CONFLICT,
    DENIED,
    INVALID,
    NOT_FOUND,
    QUOTA,
    STOCKOUT,
    THROTTLED,
    UNAVAILABLE,
    Verdict,
    shortened,
)
from multicloud.model.error import CloudError, OutcomeUnknown, Refused, Unavailable
from multicloud.model.reason import Code, Reason

BY_CODE: Mapping[str, Verdict] = {
    "Throttling": THROTTLED,
    "ThrottlingException": THROTTLED,
    "ThrottledException": THROTTLED,
    "RequestThrottled": THROTTLED,
    "RequestThrottledException": THROTTLED,
    "RequestLimitExceeded": THROTTLED,
    "TooManyRequestsException": THROTTLED,
    "LimitExceededException": THROTTLED,
    "BandwidthLimitExceeded": THROTTLED,
    "SlowDown": THROTTLED,
    "PriorRequestNotComplete": THROTTLED,
    "ResourceInUseException": CONFLICT,
    "InvalidRequestException": CONFLICT,
    "InvalidStateException": CONFLICT,
    "ResourceContention": CONFLICT,
    "ScalingActivityInProgress": CONFLICT,
    "ResourceLimitExceededException": QUOTA,
    "InstanceLimitExceeded": QUOTA,
    "VcpuLimitExceeded": QUOTA,
    "InsufficientFreeAddresses": QUOTA,
    "InsufficientInstanceCapacity": STOCKOUT,
    "AsgInstanceLaunchFailures": STOCKOUT,
    "UnrecognizedClientException": AUTH_FAILED,
    "InvalidSignatureException": AUTH_FAILED,
    "SignatureDoesNotMatch": AUTH_FAILED,
    "InvalidClientTokenId": AUTH_FAILED,
    "InvalidAccessKeyId": AUTH_FAILED,
    "InvalidIdentityToken": AUTH_FAILED,
    "AuthFailure": AUTH_FAILED,
    "IncompleteSignature": AUTH_FAILED,
    "IncompleteSignatureException": AUTH_FAILED,
    "MissingAuthenticationToken": AUTH_FAILED,
    "MissingAuthenticationTokenException": AUTH_FAILED,
    "ExpiredToken": AUTH_FAILED,
    "ExpiredTokenException": AUTH_FAILED,
    "RequestExpired": AUTH_FAILED,
    "AccessDenied": DENIED,
    "AccessDeniedException": DENIED,
    "UnauthorizedOperation": DENIED,
    "NotAuthorized": DENIED,
    "OptInRequired": DENIED,
    # EKS answers this when a principal may not do something, or an identifier is wrong: a person has to look.
    "ClientException": DENIED,
    "ResourceNotFoundException": NOT_FOUND,
    "NotFoundException": NOT_FOUND,
    "InvalidParameterException": INVALID,
    "ValidationError": INVALID,
    "ValidationException": INVALID,
    "BadRequestException": INVALID,
    "SerializationException": INVALID,
    "UnsupportedAvailabilityZoneException": INVALID,
    "UnknownOperationException": INVALID,
    # Told before anything is done: a role or policy has not reached all of AWS yet.
    "ResourcePropagationDelayException": UNAVAILABLE,
    "IDPCommunicationError": UNAVAILABLE,
}
"""By AWS's error code; stronger than the status."""

BY_STATUS: Mapping[int, Verdict] = {
    401: AUTH_FAILED,
    403: DENIED,
    404: NOT_FOUND,
    409: CONFLICT,
    428: UNAVAILABLE,
    429: THROTTLED,
}
"""By HTTP status, for codes that `BY_CODE` does not hold. Other 4xx but 408 are INVALID; the rest leaves a write open."""

LAUNCH_TROUBLE: Mapping[str, Code] = {
    "AsgInstanceLaunchFailures": Code.STOCKOUT,
    "InsufficientFreeAddresses": Code.QUOTA,
    "IpNotAvailable": Code.QUOTA,
    "InstanceLimitExceeded": Code.QUOTA,
    "LimitExceeded": Code.QUOTA,
    "EniLimitReached": Code.QUOTA,
}
"""Codes of a node group's health and of a failed update that mean a lack of machines or of quota."""

_NEVER_LEFT = (
    ConnectTimeoutError,
    EndpointConnectionError,
    ProxyConnectionError,
)
"""A connection that was never made. TLS errors are not here: they may also come after the request."""

_NO_LOGIN = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    TokenRetrievalError,
    ProfileNotFound,
    ConfigNotFound,
    ConfigParseError,
    InvalidConfigError,
)

_TIMED_OUT = (ConnectTimeoutError, ReadTimeoutError)

_PASSING = re.compile(r"\(?\b(?:Service: [^;]+; |Status Code: \d+; )?Request ?ID: [0-9a-fA-F-]+.*|\d{8}T\d{6}Z")
"""Parts of a sentence that differ at every call: they would change the status each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An error as AWS told it: HTTP status, error code and sentence, seconds to wait."""

    status: int
    code: str
    message: str
    retry_after_s: float | None = None


def tidy(words: str) -> str:
    """One short line of a vendor's sentence, without the parts that differ at every call."""
    return shortened(_PASSING.sub("", words))


def verdict(told: Told) -> Verdict | None:
    """What AWS's refusal means; None where neither table knows (5xx, 408)."""
    if told.code in BY_CODE:
        return BY_CODE[told.code]
    if told.status in BY_STATUS:
        return BY_STATUS[told.status]
    return INVALID if 400 <= told.status < 500 and told.status != 408 else None


def of_answer(told: Told, what: str, *, write: bool) -> CloudError:
    """Type an answer of AWS. `what` is what was tried ("reading the node groups of …")."""
    found = verdict(told)
    name = f"HTTP {told.status}" if not told.code or told.code.isdecimal() else told.code
    if found is None:
        if write:
            return lost(what, f"answered {name}", Code.UNAVAILABLE, retry_after_s=told.retry_after_s)
        reason = Reason(code=Code.UNAVAILABLE, text=f"{what}: AWS answered {name}")
        return Unavailable(reason, retry_after_s=told.retry_after_s)
    # A refused signature's sentence repeats the signed headers, the session token among them.
    words = "" if found in {THROTTLED, UNAVAILABLE, AUTH_FAILED} else tidy(told.message)
    text = f"{what}: {name}: {words}" if words else f"{what}: {name}"
    if found is AUTH_FAILED:
        text = f"{text}: AWS does not accept the credentials; correct the keys, or renew a session token"
    return found.error(Reason(code=found.code, text=text), retry_after_s=told.retry_after_s)


def of_exception(error: Exception, what: str, *, write: bool) -> CloudError:
    """Type what boto3 raised; `write` says that a mutation's bytes may have left. Typed errors come back as they are."""
    if isinstance(error, CloudError):
        return error
    if isinstance(error, ClientError):
        return of_answer(_told(error), what, write=write)
    if isinstance(error, _NO_LOGIN):
        text = f"{what}: no usable AWS credentials were found ({type(error).__name__})"
        return Refused(Reason(code=Code.AUTH_FAILED, text=text))
    if isinstance(error, NoRegionError | InvalidRegionError | ParamValidationError):
        return Refused(Reason(code=Code.INVALID, text=f"{what}: {tidy(str(error))}"))
    code = Code.TIMED_OUT if isinstance(error, _TIMED_OUT) else Code.UNAVAILABLE
    if isinstance(error, _NEVER_LEFT):
        why = "did not accept a connection in time" if code is Code.TIMED_OUT else "could not be reached"
        return Unavailable(Reason(code=code, text=f"{what}: AWS {why}"))
    if isinstance(error, ReadTimeoutError):
        why = "did not answer in time"
    elif isinstance(error, ConnectionClosedError):
        why = "broke the connection before it answered"
    elif isinstance(error, BotoCoreError):
        why = f"could not be asked ({type(error).__name__})"
    else:
        code, why = Code.UNEXPECTED, f"gave an answer that is none ({type(error).__name__})"
    return lost(what, why, code) if write else Unavailable(Reason(code=code, text=f"{what}: AWS {why}"))


def lost(what: str, why: str, code: Code, *, retry_after_s: float | None = None) -> OutcomeUnknown:
    """Say that a write left and its answer did not arrive."""
    reason = Reason(code=code, text=f"{what}: AWS {why}; it may have been done all the same")
    return OutcomeUnknown(reason, retry_after_s=retry_after_s)


def lack(codes: list[str]) -> str:
    """`Stockout: ` or `QuotaExceeded: ` where one of AWS's trouble codes means that, else nothing."""
    return next((f"{LAUNCH_TROUBLE[code]}: " for code in codes if code in LAUNCH_TROUBLE), "")


def _told(error: ClientError) -> Told:
    inner: Mapping[str, Any] = error.response.get("Error") or {}
    meta: Mapping[str, Any] = error.response.get("ResponseMetadata") or {}
    headers: Mapping[str, str] = meta.get("HTTPHeaders") or {}
    return Told(
        status=int(meta.get("HTTPStatusCode") or 0),
        code=str(inner.get("Code") or ""),
        message=str(inner.get("Message") or ""),
        retry_after_s=_seconds(headers),
    )


def _seconds(headers: Mapping[str, str]) -> float | None:
    """Read how long AWS asks to wait: its own header in milliseconds, or the common one in seconds."""
    own, common = headers.get("x-amz-retry-after", ""), headers.get("retry-after", "")
    if own.isdecimal():
        return int(own) / 1000
    return float(common) if common.isdecimal() else None
