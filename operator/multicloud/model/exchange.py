"""One request of a vendor's SDK with its answer, as they were on the wire: told by the doors to who wants to look on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and its answer.

    `service` is the API's short name; `method` and `url` are HTTP's, or `gRPC` and the method's full name at its host.
    Bodies are texts (gRPC's messages as JSON). Everything here may hold secrets: it is kept out of reprs, and who
    writes it down must redact it.
    """

    service: str
    method: str
    url: str = field(repr=False)
    sent: str = field(repr=False)
    status: int | str
    headers: Mapping[str, str] = field(repr=False)
    answer: str = field(repr=False)


Tap = Callable[[Exchange], None]
"""Looks on; called on lane threads after each answer."""
