"""The kinds of fault, each with what it needs. Plain values: `faults` decides when, gate and engines act.

`kind` is the name in fault files, at the admin port and in the journal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


def _check(ok: bool, message: str) -> None:  # noqa: FBT001  (a condition)
    if not ok:
        raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An error (or anything else) in the vendor's form, or `body` exactly as given."""

    kind: Literal["answer"] = "answer"
    status: int
    code: str | None = None
    message: str = "The lab was told to answer this."
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no HTTP status."""
        _check(200 <= self.status <= 599, f"status is {self.status}, but it must be 200 to 599")


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """A token bucket: `burst` calls pass, then `per_s` a virtual second; the others get the vendor's throttling."""

    kind: Literal["throttle"] = "throttle"
    burst: int = 0
    per_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a bucket that cannot be."""
        _check(self.burst >= 0 and self.per_s >= 0, "burst and perS must be 0 or above")


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """The call waits this many real milliseconds, because a client's time-outs are real."""

    kind: Literal["latency"] = "latency"
    ms: float

    def __post_init__(self) -> None:
        """Refuse a negative wait."""
        _check(self.ms >= 0, f"ms is {self.ms}, but it must be 0 or above")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang:
    """No answer until the client gives up (or the lab is reset)."""

    kind: Literal["hang"] = "hang"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """The connection is closed before the commit."""

    kind: Literal["reset"] = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class LostResponse:
    """The call is committed, then the connection is closed."""

    kind: Literal["lostResponse"] = "lostResponse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    """What no vendor sends: an HTML page with 502, JSON cut off, JSON called text/plain, 200 with nothing."""

    kind: Literal["garbage"] = "garbage"
    form: Literal["html502", "truncated", "wrongType", "empty"] = "html502"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthExpire:
    """The vendor's answer to a credential that has run out."""

    kind: Literal["authExpire"] = "authExpire"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """The vendor's answer to a call without permission."""

    kind: Literal["deny"] = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFail:
    """The accepted operation ends as failed; absent words are the vendor's usual ones."""

    kind: Literal["operationFail"] = "operationFail"
    code: str | None = None
    message: str = "The lab was told to fail this operation."


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationStuck:
    """The accepted operation never ends by itself."""

    kind: Literal["operationStuck"] = "operationStuck"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationForgotten:
    """The accepted operation runs, but reading it finds nothing."""

    kind: Literal["operationForgotten"] = "operationForgotten"


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """Only `nodes` of the new nodes come, then the operation fails."""

    kind: Literal["partial"] = "partial"
    nodes: int = 1

    def __post_init__(self) -> None:
        """Refuse a negative number of nodes."""
        _check(self.nodes >= 0, f"nodes is {self.nodes}, but it must be 0 or above")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stockout:
    """No machine of this type in this zone can be had; absent: any."""

    kind: Literal["stockout"] = "stockout"
    zone: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowNodes:
    """Nodes take `factor` times as long to boot."""

    kind: Literal["slowNodes"] = "slowNodes"
    factor: float = 2.0

    def __post_init__(self) -> None:
        """Refuse a factor that stops or turns time."""
        _check(self.factor > 0, f"factor is {self.factor}, but it must be above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleRead:
    """Reads are answered from up to `seconds` (virtual) ago."""

    kind: Literal["staleRead"] = "staleRead"
    seconds: float

    def __post_init__(self) -> None:
        """Refuse reads from the future."""
        _check(self.seconds > 0, f"seconds is {self.seconds}, but it must be above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateApply:
    """The cloud applies the accepted change twice, as after a retry inside it."""

    kind: Literal["duplicateApply"] = "duplicateApply"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSkew:
    """The cloud's clock is ahead of the true one (negative: behind), for signatures and expiries."""

    kind: Literal["clockSkew"] = "clockSkew"
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Preempt:
    """The accepted operation is ended by another one of the cloud's own."""

    kind: Literal["preempt"] = "preempt"


Action = (
    Answer
    | Throttle
    | Latency
    | Hang
    | Reset
    | LostResponse
    | Garbage
    | AuthExpire
    | Deny
    | OperationFail
    | OperationStuck
    | OperationForgotten
    | Partial
    | Stockout
    | SlowNodes
    | StaleRead
    | DuplicateApply
    | ClockSkew
    | Preempt
)

OPERATION_KINDS = OperationFail | OperationStuck | OperationForgotten | Partial | DuplicateApply | Preempt
"""What an engine does to an operation that it has accepted."""

SUPPLY_KINDS = Stockout | SlowNodes
"""What the supply of machines suffers."""
