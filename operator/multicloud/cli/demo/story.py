"""What happens in the demo, and when each step of it has come true. `play` hands in the stage that steps act on.

A step is an act (of a person with kubectl, or of somebody in a cloud's console) and a condition on the pool's status;
it is over when the condition holds, or has failed when its deadline passes.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from multicloud.cli.shown import MemberRow, PoolRow

FOUND: Final = 12
"""Nodes that the three clouds of the lab hold in the samples' node pools."""

WISH: Final = 30
ADDED_BY_HAND: Final = 2
CLOUDS: Final = frozenset({"aws", "azure", "gcp"})

STEP_WITHIN_S: Final = 90.0


class Stage(Protocol):
    """What a story may do, and what it sees."""

    @property
    def pool(self) -> PoolRow:
        """The pool as last read."""
        ...

    async def apply_samples(self) -> None:
        """Apply the accounts and the pool of `deploy/samples`."""
        ...

    async def scale(self, replicas: int) -> None:
        """Do as `kubectl scale` does."""
        ...

    async def resize_by_hand(self, member: MemberRow, to: int) -> None:
        """Resize a member's node pool past the operator."""
        ...

    async def step(self, step: "Step") -> None:
        """Act, then wait until it has come true. Raises StepFailed after its deadline."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: `name` for machines, `title` for people."""

    name: str
    title: str
    act: Callable[[], Awaitable[None]]
    come_true: Callable[[PoolRow], bool]
    within_s: float = STEP_WITHIN_S


class StepFailed(Exception):
    """A step did not come true before its deadline."""


async def takeover(stage: Stage) -> None:
    """Take over what runs, grow, meet a hand, shrink."""
    await stage.step(
        Step(
            name="take-over",
            title=f"The pool takes over {FOUND} nodes that run in three clouds",
            act=stage.apply_samples,
            come_true=lambda pool: at_rest(pool, FOUND) and {member.cloud for member in pool.members} == CLOUDS,
        )
    )
    await stage.step(
        Step(
            name="scale-up",
            title=f"kubectl scale mcpool/{stage.pool.name} --namespace={stage.pool.namespace} --replicas={WISH}",
            act=lambda: stage.scale(WISH),
            come_true=lambda pool: at_rest(pool, WISH),
        )
    )
    before = {member.name: member.nodes for member in stage.pool.members}
    chosen = stage.pool.members[0]
    more = (chosen.nodes or 0) + ADDED_BY_HAND
    await stage.step(
        Step(
            name="surplus-held",
            title=f"Somebody adds {ADDED_BY_HAND} nodes to {chosen.cluster}/{chosen.node_pool} in {chosen.cloud}; "
            "they are held, not fought",
            act=lambda: stage.resize_by_hand(chosen, more),
            come_true=lambda pool: holds(pool, {**before, chosen.name: more}, chosen.name, WISH),
        )
    )
    await stage.step(
        Step(
            name="scale-down",
            title=f"kubectl scale … --replicas={FOUND}: back in steps, and the surplus when its hold has expired",
            act=lambda: stage.scale(FOUND),
            come_true=lambda pool: at_rest(pool, FOUND),
        )
    )


ACTS: Final[Mapping[str, Callable[[Stage], Awaitable[None]]]] = {"takeover": takeover}


def at_rest(pool: PoolRow, units: int) -> bool:
    """Whether the pool wishes so many units, has exactly them ready, and nothing is under way or held."""
    return (
        pool.desired == units
        and pool.ready == units
        and pool.ready_condition == "True"
        and all(_settled(member) and not member.held for member in pool.members)
    )


def holds(pool: PoolRow, nodes: Mapping[str, int | None], surplus: str, units: int) -> bool:
    """Whether every member has and keeps these nodes, `surplus` being the one member with some on top of the plan."""
    return (
        pool.desired == units
        and {member.name: member.nodes for member in pool.members} == dict(nodes)
        and all(_settled(member) and member.held == (member.name == surplus) for member in pool.members)
    )


def _settled(member: MemberRow) -> bool:
    return (
        member.claimed
        and not member.intent
        and member.nodes is not None
        and member.nodes == member.ready == member.target == member.requested
    )
