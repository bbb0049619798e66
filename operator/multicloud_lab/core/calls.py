"""What one request is to the parts that do not know its vendor: gate, faults, journal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

When = Literal["before", "after"]
"""A moment of a call: before or after its commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, named as the vendor names the operation; `token` is the client's idempotency token.

    The arguments of a mutation must suffice to do it again: `replay` does.
    """

    cloud: str
    operation: str
    principal: str
    cluster: str | None = None
    pool: str | None = None
    token: str | None = None
    arguments: Mapping[str, object] = field(default_factory=dict)
