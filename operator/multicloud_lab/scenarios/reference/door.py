"""What the reconciler asks of a cloud, and what it gets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolName:
    """A pool of a cloud."""

    cluster: str
    node_pool: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """How many nodes a pool is to have; on EKS its range, if one is wished."""

    to: int
    min: int | None = None
    max: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A pool as the cloud shows it: wished and ready nodes; `failed`: its last change did not come to its end.

    `raw` is what the door wants to see again when it writes; `bounds` a range, where the cloud has one.
    """

    size: int
    ready: int
    busy: bool = False
    failed: bool = False
    bounds: tuple[int, int] | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


class Door(Protocol):
    """One cloud."""

    def look(self, pool: PoolName) -> Seen:
        """Return the pool. Raises DoubtError, WaitError, GoneError."""
        ...

    def survey(self, pools: Sequence[PoolName]) -> Mapping[PoolName, Seen]:
        """Return those of many pools that are there, in as few calls as the cloud allows; nothing to write on.

        Raises DoubtError, WaitError, GoneError.
        """
        ...

    def resize(self, pool: PoolName, wished: Wished, token: str, seen: Seen) -> None:
        """Ask for a size; returning is "accepted". Raises DoubtError (it may be done), WaitError, GoneError."""
        ...
