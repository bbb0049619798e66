import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from multicloud.kube.client import KubeClient
from multicloud.kube.stop import KubeStop
from multicloud.model.plan import Stop
from multicloud.watch.elector import LeaseFence
from multicloud.watch.stop import follow_stop
from multicloud_lab.controlplane import ControlPlane
from support.clock import VirtualClock
from support.line import kubeconfig_over, line_to

EVERY_S = 2


class Woken:
    """Counts how often a pass over every pool was asked for."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def fence(clock: VirtualClock) -> LeaseFence:
    return LeaseFence(clock)


@pytest.fixture
def woken() -> Woken:
    return Woken()


@asynccontextmanager
async def following(switch: KubeStop, fence: LeaseFence, clock: VirtualClock, woken: Woken) -> AsyncIterator[None]:
    task = asyncio.create_task(follow_stop(switch, fence, clock, every_s=EVERY_S, wake=woken))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def look(clock: VirtualClock) -> None:
    await clock.until_asleep()
    clock.advance(EVERY_S)
    await clock.until_asleep()


async def test_the_fence_follows_the_switch_and_a_move_wakes_every_pool(
    kube: KubeClient, plain_namespace: str, fence: LeaseFence, clock: VirtualClock, woken: Woken
) -> None:
    switch = KubeStop(kube, namespace=plain_namespace)
    async with following(switch, fence, clock, woken):
        await look(clock)
        assert (fence.stop, woken.times) == (Stop.NONE, 1)
        await look(clock)
        assert woken.times == 1
        await switch.stop(shrink_only=True)
        await look(clock)
        assert (fence.stop, woken.times) == (Stop.SHRINK_ONLY, 2)
        await switch.stop(shrink_only=False)
        await look(clock)
        assert (fence.stop, woken.times) == (Stop.ALL, 3)
        await switch.start()
        await look(clock)
        assert (fence.stop, woken.times) == (Stop.NONE, 4)
    assert clock.monotonic() == 5 * EVERY_S


async def test_a_switch_that_cannot_be_read_keeps_its_last_word(
    control_plane: ControlPlane,
    plain_namespace: str,
    fence: LeaseFence,
    clock: VirtualClock,
    woken: Woken,
    tmp_path: Path,
) -> None:
    async with line_to(control_plane) as line:
        kubeconfig = kubeconfig_over(line, control_plane.kubeconfig, tmp_path)
        async with await KubeClient.connect(kubeconfig, None) as kube:
            switch = KubeStop(kube, namespace=plain_namespace)
            async with following(switch, fence, clock, woken):
                await look(clock)
                assert woken.times == 1
                await switch.stop(shrink_only=True)
                await look(clock)
                line.cut()
                await look(clock)
                await look(clock)
                assert (fence.stop, woken.times) == (Stop.SHRINK_ONLY, 2)
                line.mend()
                await switch.start()
                await look(clock)
                assert (fence.stop, woken.times) == (Stop.NONE, 3)
