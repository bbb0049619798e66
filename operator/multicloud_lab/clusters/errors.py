"""What a Kubernetes API server says when it refuses: a Status object with code, reason and sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
"""A Kubernetes object or a part of one, as JSON has it."""


class ApiError(Exception):
    """A request is refused; `status()` is the body."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Keep the HTTP code, Kubernetes' reason and the sentence."""
        super().__init__(f"{reason}: {message}")
        self.code = code
        self.reason = reason
        self.message = message
        self.details = dict(details or {})
        self.headers = dict(headers or {})

    def status(self) -> Json:
        """Return the Status object."""
        body: Json = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        if self.details:
            body["details"] = self.details
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """An answer byte for byte: what a fault wants to be sent."""

    status: int
    body: str
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def unauthorized() -> ApiError:
    """No credential, or one that does not count here: an API server never says why."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def not_found(plural: str, name: str) -> ApiError:
    """There is no object of this name."""
    return ApiError(404, "NotFound", f'{plural} "{name}" not found', details={"name": name, "kind": plural})


def no_such_path() -> ApiError:
    """Nothing is served at this path."""
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def not_allowed() -> ApiError:
    """Something is served at this path, but not for this method."""
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")


def bad_request(message: str) -> ApiError:
    """The request cannot be read."""
    return ApiError(400, "BadRequest", message)


def expired() -> ApiError:
    """The resourceVersion or continue token is older than what the server remembers."""
    return ApiError(410, "Expired", "The provided resource version or continue parameter is too old; start a new list.")


def too_many(message: str, *, retry_after_s: int, causes: list[Json] | None = None) -> ApiError:
    """Not now; `retry_after_s` is real seconds."""
    details: Json = {"retryAfterSeconds": retry_after_s}
    if causes:
        details = {"causes": causes}
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s else {}
    return ApiError(429, "TooManyRequests", message, details=details, headers=headers)
