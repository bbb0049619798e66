"""Google's errors as values: one canonical code, a sentence, and the machine-readable ErrorInfo.

The engine and the identity raise them; `rpc` turns them into a gRPC status, `web` into Google's JSON
error envelope, and the journal keeps the code's name.
"""

from collections.abc import Mapping
from enum import Enum

from multicloud_lab.core.lab import RefusedError


class Code(Enum):
    """A google.rpc.Code with its number and the HTTP status that Google maps it to (google/rpc/code.proto)."""

    INVALID_ARGUMENT = (3, 400)
    NOT_FOUND = (5, 404)
    PERMISSION_DENIED = (7, 403)
    FAILED_PRECONDITION = (9, 400)
    UNIMPLEMENTED = (12, 501)
    UNAUTHENTICATED = (16, 401)

    def __init__(self, number: int, http_status: int) -> None:
        """Name the two parts of the value."""
        self.number = number
        self.http_status = http_status


class GoogleError(RefusedError):
    """A refusal as a Google API words it. `reason`, `domain` and `metadata` make its ErrorInfo, if any."""

    def __init__(
        self,
        canonical: Code,
        message: str,
        *,
        reason: str | None = None,
        domain: str = "googleapis.com",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Keep the parts; `code` is the canonical code's name."""
        super().__init__(canonical.name, message)
        self.canonical = canonical
        self.reason = reason
        self.domain = domain
        self.metadata = dict(metadata or {})


def invalid(message: str) -> GoogleError:
    """Return an INVALID_ARGUMENT."""
    return GoogleError(Code.INVALID_ARGUMENT, message)


def not_found(resource: str) -> GoogleError:
    """Return the NOT_FOUND of container.googleapis.com for a resource's path."""
    return GoogleError(Code.NOT_FOUND, f"Not found: {resource}.")
