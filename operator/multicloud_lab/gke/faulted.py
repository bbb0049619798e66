"""Faults in Google's words: what a FaultedError of the gate becomes on Google's wires.

Most faults are one of Google's own errors, in gRPC and in JSON alike. What no Google front end words
(bodies given by the fault, garbage) stays a `Raw` answer, which each wire sends as it can.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from multicloud_lab.core.faultkinds import Answer, AuthExpire, Deny, Garbage, Throttle
from multicloud_lab.core.faults import FaultedError
from multicloud_lab.gke.errors import Code, GoogleError, denied, throttled

HTML_502 = (
    "<!DOCTYPE html>\n<html lang=en>\n<title>Error 502 (Server Error)!!1</title>\n"
    "<p><b>502.</b> <ins>That’s an error.</ins>\n"
    "<p>The server encountered a temporary error and could not complete your request. Please try again in 30 seconds."
)
_CUT = '{"name": "operation-17672256'
_JSON = "application/json; charset=UTF-8"

_BY_STATUS: Mapping[int, Code] = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    409: Code.ABORTED,
    429: Code.RESOURCE_EXHAUSTED,
    499: Code.CANCELLED,
    500: Code.INTERNAL,
    501: Code.UNIMPLEMENTED,
    502: Code.UNAVAILABLE,
    503: Code.UNAVAILABLE,
    504: Code.DEADLINE_EXCEEDED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What an error about a call says of it: service, method, kind and consumer of its rate limit, permission."""

    service: str
    method: str
    consumer: str
    kind: str = "Read"
    permission: str = ""
    resource: str = ""


class RawAnswerError(Exception):
    """Answer exactly this. Over gRPC: `grpc_body` as the message's bytes, or UNAVAILABLE where it is None."""

    def __init__(self, raw: "Raw") -> None:
        """Keep the answer."""
        super().__init__(f"HTTP {raw.status}")
        self.raw = raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """An HTTP answer byte for byte, and what stands for it in gRPC."""

    status: int
    body: str
    content_type: str = _JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    grpc_body: bytes | None = None


def in_google_words(fault: FaultedError, scope: Scope) -> GoogleError | RawAnswerError:
    """Return what a call is answered with that a fault has hit."""
    match fault.action:
        case Throttle():
            return throttled(scope.service, scope.kind, scope.consumer, fault.retry_after_s or 1.0)
        case AuthExpire():
            return GoogleError(
                Code.UNAUTHENTICATED,
                "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or "
                "other valid authentication credential.",
                reason="ACCESS_TOKEN_EXPIRED",
                metadata={"service": scope.service, "method": scope.method},
            )
        case Deny():
            return denied(scope.permission, scope.resource)
        case Garbage():
            return RawAnswerError(_garbage(fault.action))
        case Answer():
            return _answer(fault.action)
    return GoogleError(Code.INTERNAL, "Internal error encountered.")


def _answer(action: Answer) -> GoogleError | RawAnswerError:
    if action.body is not None or action.content_type is not None or action.status < 400:
        content_type = action.content_type or _JSON
        body = action.body or ""
        grpc_body = b"" if action.status < 400 else None
        return RawAnswerError(
            Raw(
                status=action.status,
                body=body,
                content_type=content_type,
                headers=action.headers,
                grpc_body=grpc_body,
            )
        )
    code = Code.__members__.get(action.code or "") or _BY_STATUS.get(action.status, Code.UNKNOWN)
    return GoogleError(
        code,
        action.message,
        # A code that is none of Google's canonical ones is taken for the reason: RATE_LIMIT_EXCEEDED, say.
        reason=None if action.code in {None, code.name} else action.code,
        http_status=action.status,
        headers=action.headers,
    )


def _garbage(action: Garbage) -> Raw:
    match action.form:
        case "html502":
            return Raw(status=502, body=HTML_502, content_type="text/html; charset=UTF-8")
        case "truncated":
            return Raw(status=200, body=_CUT, grpc_body=b"\xff\xff\xff")
        case "wrongType":
            return Raw(status=200, body="OK", content_type="text/plain", grpc_body=b"\xff\xff\xff")
        case "empty":
            return Raw(status=200, body="", grpc_body=b"")
