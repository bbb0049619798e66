"""Google's errors as values: one canonical code, a sentence, and machine-readable details.

The engine and the identity raise them; `rpc` turns them into a gRPC status, `rest` and `web` into
Google's JSON error envelope, and the journal keeps the code's name.
"""

from collections.abc import Mapping, Sequence
from enum import Enum

from multicloud_lab.core.lab import RefusedError

_TYPES = "type.googleapis.com/google.rpc"
_LONGEST_S = 3600.0
"""What a RetryInfo says where no token ever comes back."""

Json = dict[str, object]


class Code(Enum):
    """A google.rpc.Code with its number and the HTTP status that Google maps it to (google/rpc/code.proto)."""

    CANCELLED = (1, 499)
    UNKNOWN = (2, 500)
    INVALID_ARGUMENT = (3, 400)
    DEADLINE_EXCEEDED = (4, 504)
    NOT_FOUND = (5, 404)
    ALREADY_EXISTS = (6, 409)
    PERMISSION_DENIED = (7, 403)
    RESOURCE_EXHAUSTED = (8, 429)
    FAILED_PRECONDITION = (9, 400)
    ABORTED = (10, 409)
    OUT_OF_RANGE = (11, 400)
    UNIMPLEMENTED = (12, 501)
    INTERNAL = (13, 500)
    UNAVAILABLE = (14, 503)
    UNAUTHENTICATED = (16, 401)

    def __init__(self, number: int, http_status: int) -> None:
        """Name the two parts of the value."""
        self.number = number
        self.http_status = http_status


class GoogleError(RefusedError):
    """A refusal as a Google API words it. `reason`, `domain` and `metadata` make its ErrorInfo, if any.

    `more` are further details in their JSON form, each with its @type.
    """

    def __init__(  # noqa: PLR0913  (the parts of one error envelope)
        self,
        canonical: Code,
        message: str,
        *,
        reason: str | None = None,
        domain: str = "googleapis.com",
        metadata: Mapping[str, str] | None = None,
        more: Sequence[Json] = (),
        http_status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Keep the parts; `code` is the canonical code's name, `http_status` by default the one that goes with it."""
        super().__init__(canonical.name, message)
        self.canonical = canonical
        self.reason = reason
        self.domain = domain
        self.metadata = dict(metadata or {})
        self.more = tuple(more)
        self.http_status = canonical.http_status if http_status is None else http_status
        self.headers = dict(headers or {})

    @property
    def details(self) -> list[Json]:
        """The details in their JSON form, ErrorInfo first."""
        details: list[Json] = []
        if self.reason is not None:
            info: Json = {"@type": f"{_TYPES}.ErrorInfo", "reason": self.reason, "domain": self.domain}
            if self.metadata:
                info["metadata"] = self.metadata
            details.append(info)
        return [*details, *self.more]


def invalid(message: str) -> GoogleError:
    """Return an INVALID_ARGUMENT."""
    return GoogleError(Code.INVALID_ARGUMENT, message)


def unreadable(message: str, field: str = "") -> GoogleError:
    """Return the INVALID_ARGUMENT for a payload that does not fit its message, with the violated field."""
    violation = {"field": field, "description": message} if field else {"description": message}
    return GoogleError(
        Code.INVALID_ARGUMENT,
        message,
        more=[{"@type": f"{_TYPES}.BadRequest", "fieldViolations": [violation]}],
    )


def unimplemented(what: str) -> GoogleError:
    """Return the UNIMPLEMENTED for what Google has and the lab has not; a DebugInfo says what that is.

    The sentence is Google's own of what an API does not do (googleapis/google-cloud-python#12290).
    """
    return GoogleError(
        Code.UNIMPLEMENTED,
        "Operation is not implemented, or supported, or enabled.",
        more=[{"@type": f"{_TYPES}.DebugInfo", "detail": f"The lab does not serve {what}."}],
    )


def not_found(resource: str) -> GoogleError:
    """Return the NOT_FOUND of container.googleapis.com for a resource's path."""
    return GoogleError(Code.NOT_FOUND, f"Not found: {resource}.")


def denied(permission: str, resource: str) -> GoogleError:
    """Return the PERMISSION_DENIED that names the permission which the caller lacks on a resource."""
    return GoogleError(
        Code.PERMISSION_DENIED,
        f'Required "{permission}" permission(s) for "{resource}".',
        reason="IAM_PERMISSION_DENIED",
        domain="iam.googleapis.com",
        metadata={"permission": permission, "resource": resource},
    )


def throttled(service: str, kind: str, consumer: str, wait_s: float) -> GoogleError:
    """Return the RESOURCE_EXHAUSTED of a rate limit; `kind` is "Read" or "Write", `wait_s` goes into a RetryInfo."""
    metric, limit = f"{kind} requests", f"{kind} requests per minute"
    return GoogleError(
        Code.RESOURCE_EXHAUSTED,
        f"Quota exceeded for quota metric '{metric}' and limit '{limit}' of service '{service}' "
        f"for consumer '{consumer}'.",
        reason="RATE_LIMIT_EXCEEDED",
        metadata={"service": service, "consumer": consumer, "quota_metric": metric, "quota_limit": limit},
        more=[{"@type": f"{_TYPES}.RetryInfo", "retryDelay": f"{min(max(wait_s, 0.001), _LONGEST_S):.3f}s"}],
    )


def envelope(error: GoogleError) -> Json:
    """Return Google's JSON error envelope (https://cloud.google.com/apis/design/errors#http_mapping)."""
    body: Json = {"code": error.http_status, "message": error.message, "status": error.code}
    if error.details:
        body["details"] = error.details
    return {"error": body}
