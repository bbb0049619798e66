import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from multicloud.kube.client import KubeClient
from multicloud.kube.objects import KubeObjects
from multicloud.model.ref import Kind, ObjectKey
from multicloud.model.spec import StoredObject
from multicloud.watch.barrier import FIRST_SWEEP_S, sweep, sync
from multicloud.watch.store import Store
from multicloud_lab.controlplane import ControlPlane
from support.clock import VirtualClock
from support.line import Line, kubeconfig_over, line_to
from support.manifests import account, pool

RETRY_S = 5
SWEEP_S = 600


class Heard:
    """A listener that writes down what it was told, and lets a test wait for it."""

    def __init__(self) -> None:
        self.first: list[str] = []
        self.gone: list[str] = []

    def changed(self, key: ObjectKey, *, first: bool) -> None:
        if first:
            self.first.append(key.name)

    def removed(self, gone: StoredObject) -> None:
        self.gone.append(gone.key.name)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def store(heard: Heard) -> Store:
    made = Store()
    made.listen(heard)
    return made


@pytest.fixture
def objects(kube: KubeClient, our_kinds: ControlPlane, namespace: str) -> KubeObjects:
    return KubeObjects(kube, namespaces=[namespace])


@pytest.fixture
async def line(control_plane: ControlPlane) -> AsyncIterator[Line]:
    async with line_to(control_plane) as line:
        yield line


@pytest.fixture
async def far(
    control_plane: ControlPlane, our_kinds: ControlPlane, namespace: str, line: Line, tmp_path: Path
) -> AsyncIterator[KubeObjects]:
    kubeconfig = kubeconfig_over(line, control_plane.kubeconfig, tmp_path)
    async with await KubeClient.connect(kubeconfig, None) as kube:
        yield KubeObjects(kube, namespaces=[namespace])


def path(namespace: str, kind: Kind) -> str:
    return f"/apis/multicloud.dev/v1alpha1/namespaces/{namespace}/{kind.plural}"


async def make(kube: KubeClient, namespace: str, pools: Iterable[str]) -> None:
    await asyncio.gather(*(kube.call("POST", path(namespace, Kind.POOL), body=pool(name, namespace)) for name in pools))


async def test_everything_is_in_the_store_when_it_returns(
    kube: KubeClient, namespace: str, store: Store, objects: KubeObjects, clock: VirtualClock, heard: Heard
) -> None:
    await make(kube, namespace, ("web", "api"))
    named = account() | {"metadata": {"name": "aws"}}
    await kube.call("POST", path(namespace, Kind.ACCOUNT), body=named)
    await sync(store, objects, clock, retry_s=RETRY_S)
    assert store.synced
    assert [found.key.name for found in store.pools()] == ["api", "web"]
    assert [found.key.name for found in store.accounts()] == ["aws"]
    assert sorted(heard.first) == ["api", "aws", "web"]


async def test_a_list_that_fails_is_tried_again_and_nothing_is_synced_before(
    store: Store, far: KubeObjects, line: Line, clock: VirtualClock
) -> None:
    line.cut()
    syncing = asyncio.create_task(sync(store, far, clock, retry_s=RETRY_S))
    for _ in range(3):
        await clock.until_asleep()
        assert not store.synced
        clock.advance(RETRY_S)
    await clock.until_asleep()
    line.mend()
    clock.advance(RETRY_S)
    async with asyncio.timeout(20):
        await syncing
    assert store.synced


async def test_the_sweep_finds_what_the_watch_missed(
    kube: KubeClient, namespace: str, store: Store, objects: KubeObjects, clock: VirtualClock, heard: Heard
) -> None:
    await make(kube, namespace, ("web", "api"))
    await sync(store, objects, clock, retry_s=RETRY_S)
    sweeping = asyncio.create_task(sweep(store, objects, clock, every_s=SWEEP_S))
    await clock.until_asleep()
    assert clock.next_wake() == FIRST_SWEEP_S
    await kube.call("DELETE", f"{path(namespace, Kind.POOL)}/web")
    await make(kube, namespace, ["new"])
    clock.advance(FIRST_SWEEP_S)
    await clock.until_asleep()
    assert clock.next_wake() == FIRST_SWEEP_S + SWEEP_S
    assert [found.key.name for found in store.pools()] == ["api", "new"]
    assert heard.gone == ["web"]
    await kube.call("DELETE", f"{path(namespace, Kind.POOL)}/api")
    clock.advance(SWEEP_S)
    await clock.until_asleep()
    assert heard.gone == ["web", "api"]
    sweeping.cancel()
    with suppress(asyncio.CancelledError):
        await sweeping


async def test_a_sweep_that_fails_removes_nothing_and_comes_again(
    kube: KubeClient, namespace: str, store: Store, far: KubeObjects, line: Line, clock: VirtualClock, heard: Heard
) -> None:
    await make(kube, namespace, ["web"])
    await sync(store, far, clock, retry_s=RETRY_S)
    sweeping = asyncio.create_task(sweep(store, far, clock, every_s=SWEEP_S))
    await clock.until_asleep()
    line.cut()
    clock.advance(FIRST_SWEEP_S)
    await clock.until_asleep()
    assert heard.gone == []
    line.mend()
    await kube.call("DELETE", f"{path(namespace, Kind.POOL)}/web")
    clock.advance(SWEEP_S)
    await clock.until_asleep()
    assert heard.gone == ["web"]
    sweeping.cancel()
    with suppress(asyncio.CancelledError):
        await sweeping
