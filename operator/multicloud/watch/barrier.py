"""The sync barrier and the sweep: full lists of our kinds, before the first decision and every few minutes after.

A watch can lose a deletion without a trace. A list cannot: what it lacks is gone.
"""

import structlog

from multicloud.kube.client import KubeError
from multicloud.kube.objects import KubeObjects
from multicloud.model.port import Clock
from multicloud.model.ref import Kind
from multicloud.watch.store import Store

FIRST_SWEEP_S = 30.0
"""The first sweep comes early: it covers what happened between the barrier's list and the start of the watch."""

log: structlog.stdlib.BoundLogger = structlog.get_logger("barrier")


async def sync(store: Store, objects: KubeObjects, clock: Clock, *, retry_s: float) -> None:
    """Fill the store with everything there is; return only when every kind was read in full."""
    while True:
        began_s = clock.monotonic()
        try:
            await _read_all(store, objects)
        except KubeError as error:
            log.warning("first list failed", why=str(error))
            await clock.sleep_until(began_s + retry_s)
        else:
            store.synced = True
            log.info("synced", pools=len(store.pools()), accounts=len(store.accounts()))
            return


async def sweep(store: Store, objects: KubeObjects, clock: Clock, *, every_s: float) -> None:
    """Compare the store with a full list again and again, until cancelled."""
    wait_s = min(FIRST_SWEEP_S, every_s)
    while True:
        await clock.sleep_until(clock.monotonic() + wait_s)
        wait_s = every_s
        try:
            await _read_all(store, objects)
        except KubeError as error:
            log.warning("sweep failed", why=str(error))


async def _read_all(store: Store, objects: KubeObjects) -> None:
    for kind in Kind:
        as_of = store.newest_version()
        store.replace_all(kind, await objects.list_objects(kind), as_of=as_of)
