"""Twenty pools among hands that meddle, judged at every step: `make test` watches one day, `make test-long` thirty.

Nineteen hours of a day are busy, five are calm: after four of those, when the last failure is forgiven, everything has
what it wishes and nothing is written.
"""

from collections.abc import Callable, Iterator
from random import Random

import pytest
import structlog

from multicloud_lab.core.invariants import check
from multicloud_lab.thread import LabThread
from support.interference.crowd import KINDS, name_of, seed_of
from support.interference.meddling import Meddlers
from support.interference.scene import Scene

pytestmark = pytest.mark.slow

BUSY_HOURS = 19
ACTS_A_DAY = 70
DAYS_SAMPLED, DAYS = 1, 30


@pytest.fixture(autouse=True)
def only_errors() -> Iterator[None]:
    """A day's log is longer than anybody reads."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("error"))
    yield
    structlog.reset_defaults()


async def busy(scene: Scene, meddlers: Meddlers, chance: Random) -> None:
    """Acts at random moments."""
    end_s = scene.clock.monotonic() + BUSY_HOURS * 3600
    while (left_s := end_s - scene.clock.monotonic()) > 0:
        await scene.run_for(seconds=min(left_s, chance.expovariate(ACTS_A_DAY / (BUSY_HOURS * 3600))))
        meddlers.mend()
        await meddlers.act()
        assert scene.judge.breaches == []


async def calm(scene: Scene, meddlers: Meddlers) -> None:
    """Everything mends; at the end the operator is silent and every pool has what it must have."""
    meddlers.mend(everything=True)
    for number in range(len(KINDS)):
        scene.edit(name_of(number), annotations={})
    await scene.run_for(hours=4)
    before = scene.noise
    await scene.run_for(hours=1)
    assert scene.judge.breaches == []
    assert scene.noise == before, "an equal state is silent"
    assert scene.wanting() == []


async def test_no_cloud_is_asked_for_what_nobody_may_ask_for(
    seed: int, proved: Callable[[str, int], None], *, full: bool
) -> None:
    chance = Random(seed)  # noqa: S311 - repeatable on purpose
    days = DAYS if full else DAYS_SAMPLED
    with LabThread(seed_of(seed)) as lab:
        async with Scene(lab) as scene:
            scene.given_pools()
            meddlers = Meddlers(scene=scene, chance=chance)
            for _ in range(days):
                await busy(scene, meddlers, chance)
                await calm(scene, meddlers)
                assert lab.run(check) == []
                lab.run(lambda lab: lab.journal.clear())
            assert scene.judge.asks > 50 * days, "nothing was judged"
            proved("interference: virtual days", days)
            proved("interference: steps judged", scene.steps)
            proved("interference: acts of hands", meddlers.acts)
            proved("interference: resizes judged", scene.judge.asks)
            proved("interference: nodes removed", scene.judge.removed)
