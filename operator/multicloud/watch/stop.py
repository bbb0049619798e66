"""The stop switch, followed: read every few seconds by name, handed to the fence, shown on every pool.

A poll of one object rather than a watch: it needs `get` on one named ConfigMap and no more, and it cannot go silent.
"""

from collections.abc import Callable

import structlog

from multicloud.kube.client import KubeError
from multicloud.kube.stop import KubeStop
from multicloud.model.port import Clock
from multicloud.watch.elector import LeaseFence

log: structlog.stdlib.BoundLogger = structlog.get_logger("stop")


async def follow_stop(
    switch: KubeStop, fence: LeaseFence, clock: Clock, *, every_s: float, wake: Callable[[], None]
) -> None:
    """Follow the switch until cancelled; `wake` asks for a pass over every pool when it moved."""
    while True:
        due_s = clock.monotonic() + every_s
        if await read_stop(switch, fence):
            wake()
        await clock.sleep_until(due_s)


async def read_stop(switch: KubeStop, fence: LeaseFence) -> bool:
    """Read the switch once; True if it moved.

    A failed read keeps the last word: without the API server the lease, and with it every write, ends by itself.
    """
    try:
        stop = await switch.read()
    except KubeError as error:
        log.warning("stop switch not read", why=str(error))
        return False
    if stop is fence.stop:
        return False
    log.info("stop switch moved", stop=str(stop))
    fence.set_stop(stop)
    return True
