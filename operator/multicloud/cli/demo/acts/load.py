"""A load rises and falls, and the pool follows it; while nobody tells the load, nothing is taken away."""

from typing import Final

from multicloud.cli.demo.story import Act, Stage, Step, at_rest
from multicloud.model.reason import Code

A_UNIT: Final = 100
"""Requests in flight that the sample's policy wants on each unit."""

LOW: Final = 12
HIGH: Final = 24
"""Units that carry the load when it is low and when it is high. No policy more than doubles a pool at one look."""


async def load(stage: Stage) -> None:
    """Take over, follow the load up, keep what is there while the load is not told, follow it down."""
    source = stage.source
    await stage.step(
        Step(
            name="take-over",
            title=f"The pool takes over {LOW} nodes; a policy keeps {A_UNIT} requests in flight on each",
            act=stage.apply_samples,
            come_true=lambda pool: at_rest(pool, LOW) and stage.metric is not None,
        )
    )

    async def rise() -> None:
        source.load = HIGH * A_UNIT

    await stage.step(
        Step(
            name="load-rises",
            title=f"The load doubles to {HIGH * A_UNIT} requests in flight; nodes come up in three clouds",
            act=rise,
            come_true=lambda pool: at_rest(pool, HIGH),
        )
    )

    async def fall_unseen() -> None:
        await source.kill()
        source.load = LOW * A_UNIT

    await stage.step(
        Step(
            name="source-dies",
            title=f"The source of the load dies, and the load falls to {LOW * A_UNIT}: nobody tells it, and nothing goes",
            act=fall_unseen,
            come_true=lambda pool: stage.metric == Code.UNAVAILABLE and at_rest(pool, HIGH),
        )
    )
    await stage.step(
        Step(
            name="load-falls",
            title=f"The source is back and tells {LOW * A_UNIT}; nodes go in steps",
            act=source.revive,
            come_true=lambda pool: at_rest(pool, LOW),
        )
    )


LOAD: Final = Act(
    name="load",
    told="a load that Prometheus tells rises and falls, the pool follows, and nothing goes while Prometheus is dead",
    manifests=("accounts.yaml", "pool.yaml", "load/policy.yaml"),
    load=LOW * A_UNIT,
    play=load,
)
