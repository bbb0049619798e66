import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import kopf
import pytest

from multicloud.kinds.parse import pool_object
from multicloud.kube.client import Connection, KubeClient
from multicloud.kube.objects import KubeObjects
from multicloud.model.ref import Kind
from multicloud.watch.kopf_thread import KopfThread
from multicloud_lab.controlplane import ControlPlane
from support.line import kubeconfig_over, line_to
from support.manifests import account, pool

PATIENCE_S = 30


class Fed:
    """What the thread handed over, and a way to wait for it."""

    def __init__(self) -> None:
        self.events: list[tuple[str | None, Mapping[str, Any]]] = []
        self.threads: set[int] = set()
        self._came = asyncio.Event()

    def __call__(self, type_: str | None, body: Mapping[str, Any]) -> None:
        self.threads.add(threading.get_ident())
        self.events.append((type_, body))
        self._came.set()

    async def until(self, wanted: Callable[[str | None, Mapping[str, Any]], bool]) -> Mapping[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for type_, body in self.events:
                    if wanted(type_, body):
                        return body
                self._came.clear()
                await self._came.wait()


@asynccontextmanager
async def watching(kube: KubeClient, *namespaces: str) -> AsyncIterator[tuple[Fed, KopfThread]]:
    fed = Fed()
    thread = KopfThread(kube.connection, namespaces=namespaces, feed=fed)
    thread.start()
    try:
        yield fed, thread
    finally:
        thread.stop()
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait({thread.ended})


def path(namespace: str, kind: Kind) -> str:
    return f"/apis/multicloud.dev/v1alpha1/namespaces/{namespace}/{kind.plural}"


def named(name: str, *types: str | None) -> Callable[[str | None, Mapping[str, Any]], bool]:
    return lambda type_, body: type_ in types and body["metadata"]["name"] == name


async def test_the_life_of_an_object_is_handed_over_on_the_main_loop(
    kube: KubeClient, our_kinds: ControlPlane, namespace: str
) -> None:
    await kube.call("POST", path(namespace, Kind.POOL), body=pool("early", namespace))
    async with watching(kube, namespace) as (fed, thread):
        early = await fed.until(named("early", None, "ADDED"))
        assert early["kind"] == "MultiCloudPool"
        assert pool_object(early).spec is not None

        late = await kube.call("POST", path(namespace, Kind.POOL), body=pool("late", namespace))
        assert pool_object(await fed.until(named("late", "ADDED"))) == pool_object(late)

        edited = {**late, "spec": {**late["spec"], "replicas": 7}}
        edited = dict(await kube.call("PUT", f"{path(namespace, Kind.POOL)}/late", body=edited))
        assert pool_object(await fed.until(named("late", "MODIFIED"))) == pool_object(edited)

        await kube.call("DELETE", f"{path(namespace, Kind.POOL)}/late")
        gone = await fed.until(named("late", "DELETED"))
        assert gone["metadata"]["uid"] == late["metadata"]["uid"]

        body = account() | {"metadata": {"name": "aws"}}
        await kube.call("POST", path(namespace, Kind.ACCOUNT), body=body)
        assert (await fed.until(named("aws", "ADDED")))["kind"] == "CloudAccount"

        assert fed.threads == {threading.get_ident()}
        assert not thread.ended.done()


async def test_the_watch_leaves_no_mark_on_objects(kube: KubeClient, our_kinds: ControlPlane, namespace: str) -> None:
    made = pool_object(await kube.call("POST", path(namespace, Kind.POOL), body=pool("web", namespace)))
    async with watching(kube, namespace) as (fed, _):
        await fed.until(named("web", None, "ADDED"))
        await kube.call("POST", path(namespace, Kind.POOL), body=pool("other", namespace))
        await fed.until(named("other", "ADDED"))
        (other, web) = await KubeObjects(kube, namespaces=[namespace]).list_objects(Kind.POOL)
        assert pool_object(web).resource_version == made.resource_version
        for each in (other, web):
            assert "finalizers" not in each["metadata"]
            assert "annotations" not in each["metadata"]
    events = await kube.list_pages(f"/api/v1/namespaces/{namespace}/events")
    assert events == []


async def test_other_namespaces_are_not_watched(
    kube: KubeClient, our_kinds: ControlPlane, namespace: str, control_plane: ControlPlane
) -> None:
    await kube.call("POST", "/api/v1/namespaces", body={"metadata": {"name": f"{namespace}-b"}})
    foreign = path(f"{namespace}-b", Kind.POOL)
    await kube.call("POST", foreign, body=pool("foreign", f"{namespace}-b"))
    async with watching(kube, namespace) as (fed, _):
        await kube.call("POST", path(namespace, Kind.POOL), body=pool("ours", namespace))
        await fed.until(named("ours", None, "ADDED"))
        assert {body["metadata"]["namespace"] for _, body in fed.events} == {namespace}
    await kube.call("DELETE", f"{foreign}/foreign")


async def test_many_objects_at_once_are_all_handed_over(
    kube: KubeClient, our_kinds: ControlPlane, namespace: str
) -> None:
    names = {f"pool-{number}" for number in range(120)}  # more than kopf may work on at once
    await asyncio.gather(*(kube.call("POST", path(namespace, Kind.POOL), body=pool(name, namespace)) for name in names))
    async with watching(kube, namespace) as (fed, _):
        for name in names:
            await fed.until(named(name, None, "ADDED"))


async def test_stopping_ends_the_thread_without_an_error(
    kube: KubeClient, our_kinds: ControlPlane, namespace: str
) -> None:
    async with watching(kube, namespace) as (_, thread):
        pass
    assert thread.ended.exception() is None


async def test_a_log_in_that_fails_is_told(our_kinds: ControlPlane, plain_namespace: str) -> None:
    def broken() -> Connection:
        raise OSError("no credentials any more")

    thread = KopfThread(broken, namespaces=[plain_namespace], feed=Fed())
    thread.start()
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(RuntimeError, match="no credentials any more"):
            await thread.ended
    thread.stop()


async def test_a_watch_that_ends_by_itself_is_told(
    kube: KubeClient, our_kinds: ControlPlane, plain_namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole_life = kopf.operator

    async def short_life(**settings: Any) -> None:
        async with asyncio.timeout(1):
            await whole_life(**settings)

    monkeypatch.setattr(kopf, "operator", short_life)
    thread = KopfThread(kube.connection, namespaces=[plain_namespace], feed=Fed())
    thread.start()
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(RuntimeError, match="the watch of the API server ended: TimeoutError"):
            await thread.ended


async def test_a_watch_that_breaks_goes_on(
    control_plane: ControlPlane, our_kinds: ControlPlane, kube: KubeClient, namespace: str, tmp_path: Path
) -> None:
    async with line_to(control_plane) as line:
        kubeconfig = kubeconfig_over(line, control_plane.kubeconfig, tmp_path)
        async with await KubeClient.connect(kubeconfig, None) as far, watching(far, namespace) as (fed, thread):
            await kube.call("POST", path(namespace, Kind.POOL), body=pool("before", namespace))
            await fed.until(named("before", None, "ADDED"))
            line.cut()
            await kube.call("POST", path(namespace, Kind.POOL), body=pool("meanwhile", namespace))
            line.mend()
            await fed.until(named("meanwhile", None, "ADDED"))
            assert not thread.ended.done()
