"""What an act of the demo is made of. `acts` tells the stories, `play` hands in the stage that they act on.

A step is an act (of a person with kubectl, or of somebody in a cloud's console) and a condition on the pool's status;
it is over when the condition holds, or has failed when its deadline passes.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from multicloud.cli.shown import MemberRow, PoolRow

STEP_WITHIN_S: Final = 90.0


class LoadSource(Protocol):
    """What the act's policy measures, and who tells it."""

    load: int

    async def kill(self) -> None:
        """Nobody tells the load any more."""
        ...

    async def revive(self) -> None:
        """It is told again."""
        ...


class Stage(Protocol):
    """What a story may do, and what it sees."""

    @property
    def pool(self) -> PoolRow:
        """The pool as last read."""
        ...

    @property
    def source(self) -> LoadSource:
        """The load of the act, which must have one."""
        ...

    @property
    def metric(self) -> str | None:
        """What the pool's policy last said of its metric, as one stable word; None before it said anything."""
        ...

    async def apply_samples(self) -> None:
        """Apply the act's manifests, and the keys that the emulated clouds accept."""
        ...

    async def scale(self, replicas: int) -> None:
        """Do as `kubectl scale` does."""
        ...

    async def edit_member(self, name: str, changes: Mapping[str, object]) -> None:
        """Set fields of one member in the pool's spec."""
        ...

    async def resize_by_hand(self, member: MemberRow, to: int) -> None:
        """Resize a member's node pool past the operator."""
        ...

    async def step(self, step: "Step") -> None:
        """Act, then wait until it has come true. Raises StepFailed after its deadline."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: `name` for machines, `title` for people. Without an `act` only the operator acts."""

    name: str
    title: str
    act: Callable[[], Awaitable[None]] | None = None
    come_true: Callable[[PoolRow], bool]
    within_s: float = STEP_WITHIN_S


class StepFailed(Exception):
    """A step did not come true before its deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A whole story: `told` is what happens, in one line for `--help`.

    `manifests` are files in the directory of the samples: the accounts, the pool `shop/web`, and what belongs to them.
    `load` is what the source `main` tells at first; None for an act without one.
    """

    name: str
    told: str
    manifests: Sequence[str]
    load: int | None = None
    play: Callable[[Stage], Awaitable[None]]


def at_rest(pool: PoolRow, units: int) -> bool:
    """Whether the pool wishes so many units, has exactly them ready, and nothing is under way or held."""
    return (
        pool.desired == units
        and pool.ready == units
        and pool.ready_condition == "True"
        and all(settled(member) and not member.held for member in pool.members)
    )


def settled(member: MemberRow) -> bool:
    """Whether a member is taken over, and has exactly the nodes that it is to have, all of them ready."""
    return (
        member.claimed
        and not member.intent
        and member.nodes is not None
        and member.nodes == member.ready == member.target == member.requested
    )
