"""A price falls: the plan shows what moving saves, and the nodes move in steps, replacement first."""

from decimal import Decimal
from typing import Final

from multicloud.cli.demo.story import Act, Stage, Step, at_rest
from multicloud.cli.shown import PoolRow

UNITS: Final = 12
CHEAPER: Final = "aks"
PRICE: Final = "0.10"
ELSEWHERE: Final = 3
"""Units that stay outside of the cheaper cloud: the sample's `survive`."""


async def saving(stage: Stage) -> None:
    """Take over at one price everywhere; a price falls; move."""
    await stage.step(
        Step(
            name="take-over",
            title=f"The pool takes over {UNITS} nodes that run in three clouds, at the same price everywhere",
            act=stage.apply_samples,
            come_true=lambda pool: at_rest(pool, UNITS),
        )
    )
    await stage.step(
        Step(
            name="plan-saves",
            title=f"The hourlyPrice of {CHEAPER} falls to {PRICE}; once the saving has stood for a while, the plan is to move",
            act=lambda: stage.edit_member(CHEAPER, {"hourlyPrice": PRICE}),
            come_true=saves,
        )
    )
    await stage.step(
        Step(
            name="moved",
            title=f"{stage.pool.hourly_cost_now} USD an hour become {stage.pool.hourly_cost}: new nodes first, then old "
            f"ones go, step by step; {ELSEWHERE} stay elsewhere to survive the loss of a cloud",
            come_true=lambda pool: at_rest(pool, UNITS) and nodes(pool, CHEAPER) == UNITS - ELSEWHERE,
        )
    )


def saves(pool: PoolRow) -> bool:
    """Whether the pool costs less at the end of its plan than now."""
    if pool.hourly_cost is None or pool.hourly_cost_now is None:
        return False
    return Decimal(pool.hourly_cost) < Decimal(pool.hourly_cost_now)


def nodes(pool: PoolRow, name: str) -> int | None:
    """Nodes of a member; None while they are not known."""
    return next((member.nodes for member in pool.members if member.name == name), None)


SAVING: Final = Act(
    name="saving",
    told="a price falls, the plan shows what moving saves, and nodes move in steps, replacement first",
    manifests=("accounts.yaml", "saving/pool.yaml"),
    play=saving,
)
