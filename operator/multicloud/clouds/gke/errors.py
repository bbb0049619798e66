"""What Google refuses with, as typed errors: tables by reason, by text and by canonical code, read row by row.

`container` (gRPC), `compute` (REST) and `login` (OAuth) hand in what they met in one neutral form; the typed error goes
to the lane. Codes: google.rpc.Code; reasons and texts: the vendor's documents and public issue reports of clients.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from multicloud.clouds.verdicts import (
    AUTH_FAILED,
    CONFLICT,
    DENIED,
    INVALID,
    NOT_FOUND,
    QUOTA,
    STOCKOUT,
    THROTTLED,
    TOKEN_EXPIRED,
    Answered,
    Verdict,
    of_refusal,
    shortened,
)
from multicloud.model.error import CloudError, Unavailable
from multicloud.model.reason import Code, Reason

VENDOR: Final = "Google"

BY_REASON: Mapping[str, Verdict] = {
    "RATE_LIMIT_EXCEEDED": THROTTLED,
    "rateLimitExceeded": THROTTLED,
    "userRateLimitExceeded": THROTTLED,
    "quotaExceeded": THROTTLED,
    "CLUSTER_ALREADY_HAS_OPERATION": CONFLICT,
    "GCE_STOCKOUT": STOCKOUT,
    "RESOURCE_POOL_EXHAUSTED": STOCKOUT,
    "ZONE_RESOURCE_POOL_EXHAUSTED": STOCKOUT,
    "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS": STOCKOUT,
    "INSUFFICIENT_CAPACITY": STOCKOUT,
    "GCE_QUOTA_EXCEEDED": QUOTA,
    # `container` and `compute` forget the token on UNAUTHENTICATED: the next call brings a new one.
    "ACCESS_TOKEN_EXPIRED": TOKEN_EXPIRED,
}
"""By the ErrorInfo's reason (Compute: the error's reason); strongest."""

BY_TEXT: Sequence[tuple[re.Pattern[str], Verdict]] = (
    (
        re.compile(r"GCE_STOCKOUT|RESOURCE_POOL_EXHAUSTED|INSUFFICIENT_CAPACITY|does not have enough resources"),
        STOCKOUT,
    ),
    (re.compile(r"GCE_QUOTA_EXCEEDED|QUOTA_EXCEEDED|[Ii]nsufficient (?:\w+ )?quota"), QUOTA),
    (re.compile(r"Quota exceeded for quota metric"), THROTTLED),
    (re.compile(r"running incompatible operation|wait and try again once it is done"), CONFLICT),
)
"""By what the sentence holds, first match: a lack of quota arrives as PERMISSION_DENIED, a stockout as anything."""

BY_CODE: Mapping[str, Verdict] = {
    "RESOURCE_EXHAUSTED": THROTTLED,
    "FAILED_PRECONDITION": CONFLICT,
    "ABORTED": CONFLICT,
    "ALREADY_EXISTS": CONFLICT,
    "NOT_FOUND": NOT_FOUND,
    "INVALID_ARGUMENT": INVALID,
    "OUT_OF_RANGE": INVALID,
    "UNIMPLEMENTED": INVALID,
    "PERMISSION_DENIED": DENIED,
    "UNAUTHENTICATED": AUTH_FAILED,
}
"""By canonical code. UNAVAILABLE, INTERNAL, DEADLINE_EXCEEDED and the rest leave a write's outcome open."""

CODE_OF_HTTP: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""Compute's HTTP statuses by the canonical codes they stand for (google/rpc/code.proto)."""

NAME_OF_NUMBER: Mapping[int, str] = {
    1: "CANCELLED",
    2: "UNKNOWN",
    3: "INVALID_ARGUMENT",
    4: "DEADLINE_EXCEEDED",
    5: "NOT_FOUND",
    6: "ALREADY_EXISTS",
    7: "PERMISSION_DENIED",
    8: "RESOURCE_EXHAUSTED",
    9: "FAILED_PRECONDITION",
    10: "ABORTED",
    11: "OUT_OF_RANGE",
    12: "UNIMPLEMENTED",
    13: "INTERNAL",
    14: "UNAVAILABLE",
    15: "DATA_LOSS",
    16: "UNAUTHENTICATED",
}
"""google.rpc.Code, as an operation's error carries it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An error as Google told it: canonical code's name, ErrorInfo's reason, sentence, seconds to wait."""

    code: str
    reason: str = ""
    message: str = ""
    retry_after_s: float | None = None


def tidy(words: str) -> str:
    """One short line of a vendor's sentence."""
    return shortened(words)


def verdict(told: Told) -> Verdict | None:
    """What Google's refusal means; None where no table knows."""
    if told.reason in BY_REASON:
        return BY_REASON[told.reason]
    for pattern, found in BY_TEXT:
        if pattern.search(told.message):
            return found
    return BY_CODE.get(told.code)


def of_answer(told: Told, what: str, *, write: bool) -> CloudError:
    """Type an answer of Google. `what` is what was tried ("reading the node pools of …")."""
    answered = Answered(
        name=told.reason or told.code,
        words=tidy(told.message),
        verdict=verdict(told),
        code=Code.TIMED_OUT if told.code == "DEADLINE_EXCEEDED" else Code.UNAVAILABLE,
        retry_after_s=told.retry_after_s,
    )
    return of_refusal(answered, what, VENDOR, write=write)


def unreadable(what: str, why: str, *, code: Code = Code.UNAVAILABLE) -> Unavailable:
    """Say that a read brought nothing usable."""
    return Unavailable(Reason(code=code, text=f"{what}: {why}"))


def lack(told: Told) -> str:
    """`Stockout: ` or `QuotaExceeded: ` where an error means that, else nothing: put before an operation's words."""
    found = verdict(told)
    return f"{found.code}: " if found in {STOCKOUT, QUOTA} and found is not None else ""
