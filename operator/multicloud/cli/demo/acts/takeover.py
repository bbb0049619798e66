"""The main story: what runs in three clouds is taken over, grown, met by a hand, and shrunk."""

from collections.abc import Mapping
from typing import Final

from multicloud.cli.demo.story import Act, Stage, Step, at_rest, settled
from multicloud.cli.shown import PoolRow

FOUND: Final = 12
"""Nodes that the three clouds of the lab hold in the sample's node pools."""

WISH: Final = 30
ADDED_BY_HAND: Final = 2
CLOUDS: Final = frozenset({"aws", "azure", "gcp"})


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


def holds(pool: PoolRow, nodes: Mapping[str, int | None], surplus: str, units: int) -> bool:
    """Whether every member has and keeps these nodes, `surplus` being the one member with some on top of the plan."""
    return (
        pool.desired == units
        and {member.name: member.nodes for member in pool.members} == dict(nodes)
        and all(settled(member) and member.held == (member.name == surplus) for member in pool.members)
    )


TAKEOVER: Final = Act(
    name="takeover",
    told="a pool takes over twelve nodes, is scaled to 30 and back, and keeps its head when somebody adds nodes",
    manifests=("accounts.yaml", "pool.yaml"),
    play=takeover,
)
