"""What AWS refuses with, as typed errors: tables by error code and by HTTP status, read row by row.

`clients` hands in what botocore raised; the typed error goes to the lane. Codes: botocore's models of EKS, Auto Scaling
and STS, the vendor's lists of common errors, and public issue reports of clients.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

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
    UNAVAILABLE,
    Answered,
    Silence,
    Verdict,
    no_answer_at_all,
    of_refusal,
    of_silence,
    shortened,
)
from multicloud.model.error import CloudError, Refused
from multicloud.model.reason import Code, Reason

VENDOR: Final = "AWS"

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

_QUOTA_WORDS = re.compile(r"\b(?:VcpuLimitExceeded|MaxSpotInstanceCountExceeded|InstanceLimitExceeded)\b")
"""EC2's codes of an account's own limits, as they stand in the words of a launch that failed."""

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

_RENEW = "AWS does not accept the credentials; correct the keys, or renew a session token"

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
    # A refused signature's sentence repeats the signed headers, the session token among them.
    words = _RENEW if found is AUTH_FAILED else tidy(told.message)
    answered = Answered(
        name=f"HTTP {told.status}" if not told.code or told.code.isdecimal() else told.code,
        words=words,
        verdict=found,
        retry_after_s=told.retry_after_s,
    )
    return of_refusal(answered, what, VENDOR, write=write)


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
    return of_silence(_silence(error), what, VENDOR, write=write)


def _silence(error: Exception) -> Silence:
    match error:
        case ConnectTimeoutError():
            return NOT_CONNECTED_IN_TIME
        case EndpointConnectionError() | ProxyConnectionError():  # TLS errors are not here: they may come afterwards
            return NOT_CONNECTED
        case ReadTimeoutError():
            return NOT_ANSWERED_IN_TIME
        case ConnectionClosedError():
            return BROKEN_OFF
        case BotoCoreError():
            return Silence(Code.UNAVAILABLE, f"could not be asked ({type(error).__name__})")
        case _:
            return no_answer_at_all(error)


def lack(codes: Sequence[str], words: str) -> str:
    """`Stockout: ` or `QuotaExceeded: ` where one of AWS's trouble codes means that, else nothing.

    EC2's own refusal stands inside the words of a failed launch, and says better which of the two it is.
    """
    found = [LAUNCH_TROUBLE[code] for code in codes if code in LAUNCH_TROUBLE]
    if not found:
        return ""
    return f"{Code.QUOTA if _QUOTA_WORDS.search(words) else found[0]}: "


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
