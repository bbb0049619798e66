"""How one cluster's task meets what an API server may say: ended, refused, expired and broken watches."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from multicloud.kube.members.watching import FRESH_S, UNSCHEDULED, Watching
from multicloud.model.member import ClusterCredential, Counted, Inside
from multicloud.model.reason import Code
from support.clock import VirtualClock
from support.inside import eventually, login

ONE = Counted(nodes=1, ready=1)
TWO = Counted(nodes=2, ready=2)


def node(name: str, version: int = 1) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "resourceVersion": str(version), "labels": {"eks.amazonaws.com/nodegroup": "web"}},
        "status": {"conditions": [{"type": "Ready", "status": "True"}], "allocatable": {"cpu": "4", "pods": "110"}},
    }


def event(kind: str, body: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": body}).encode() + b"\n"


@dataclass(slots=True)
class Server:
    """One node, no pods. Watches of nodes answer by `script`, of pods without a node by `waiting`, one entry a request, then hang."""

    script: list[Callable[[web.Request], Awaitable[web.StreamResponse]]] = field(default_factory=list)
    waiting: list[Callable[[web.Request], Awaitable[web.StreamResponse]]] = field(default_factory=list)
    lists: int = 0
    versions: list[str] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    url: str = ""
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.paths.add(request.path)
        is_nodes = request.path.endswith("/nodes")
        if "watch" not in request.query:
            self.lists += is_nodes
            items = [node("one")] if is_nodes else []
            return web.json_response({"metadata": {"resourceVersion": "10"}, "items": items})
        if self.waiting and request.query.get("fieldSelector") == UNSCHEDULED["fieldSelector"]:
            return await self.waiting.pop(0)(request)
        if not is_nodes or not self.script:
            await self.closing.wait()
            return web.Response()
        self.versions.append(request.query["resourceVersion"])
        return await self.script.pop(0)(request)


def telling(*events: bytes) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A watch that brings these events and ends."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for each in events:
            await response.write(each)
        return response

    return answer


def refusing(status: int) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({"kind": "Status", "message": "no"}, status=status)

    return answer


def leading_to(url: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(url)

    return answer


@dataclass(slots=True)
class Scene:
    server: Server
    clock: VirtualClock
    watching: Watching
    credentials: list[ClusterCredential | None]

    async def until(self, holds: Callable[[Inside], object]) -> None:
        await eventually(lambda: holds(self.watching.inside("web")), lambda: self.watching.inside("web"))

    def backs_off(self) -> bool:
        """Whether somebody sleeps for a second or less: the task after its first failure."""
        wake_s = self.clock.next_wake()
        return wake_s is not None and wake_s <= self.clock.monotonic() + 1

    async def pass_backoff(self) -> None:
        """The task waits after a failure, for a second; it passes."""
        await eventually(self.backs_off)
        self.clock.advance(1.5)


@asynccontextmanager
async def scene(*script: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[Scene]:
    server = Server(list(script))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    asked: list[ClusterCredential | None] = []

    async def credential(known: ClusterCredential | None) -> ClusterCredential:
        asked.append(known)
        return ClusterCredential(url=server.url, ca_pem="", token=f"token-{len(asked)}")

    clock = VirtualClock()
    watching = Watching(login(), credential, clock, lambda: None, installation="here")
    try:
        yield Scene(server, clock, watching, asked)
    finally:
        watching.close()
        server.closing.set()
        await runner.cleanup()


async def test_events_are_followed_without_listing_again() -> None:
    async with scene(telling(event("ADDED", node("two", 11)), event("BOOKMARK", node("x", 17)))) as on:
        await on.until(lambda inside: inside.counted == TWO)
        assert (on.server.lists, on.server.versions) == (1, ["10"])


async def test_an_expired_version_lists_anew() -> None:
    gone = {"kind": "Status", "code": 410, "message": "too old resource version"}
    async with scene(telling(event("ADDED", node("two", 11)), event("ERROR", gone))) as on:
        await on.until(lambda inside: inside.counted == TWO)
        await on.pass_backoff()
        await on.until(lambda inside: inside.counted == ONE)
        assert on.server.lists == 2


async def test_a_token_that_ended_early_is_replaced_at_once() -> None:
    clocks: list[VirtualClock] = []

    async def late(request: web.Request) -> web.StreamResponse:
        clocks[0].advance(300)
        return await refusing(401)(request)

    async with scene(late) as on:
        clocks.append(on.clock)
        await eventually(lambda: on.server.lists == 2)
        assert on.clock.monotonic() == 300  # no wait in between
        assert on.credentials == [None, None]
        await on.until(lambda inside: inside == Inside(counted=ONE))


async def test_tokens_that_are_refused_again_and_again_are_not_tried_in_a_loop() -> None:
    async with scene(refusing(401), refusing(401), refusing(401)) as on:
        await on.until(lambda inside: inside.trouble)
        await on.clock.until_asleep()
        trouble = on.watching.inside("web").trouble
        assert trouble is not None
        assert (trouble.code, on.server.lists) == (Code.AUTH_FAILED, 1)


@pytest.mark.parametrize(
    "broken",
    [
        telling(b"<html>\n"),
        telling(event("ADDED", {"kind": "Node"})),
        telling(event("ADDED", {"metadata": {"name": "x"}, "status": {"allocatable": {"cpu": "many"}}})),
        telling(),
        refusing(500),
        leading_to("/latest/meta-data"),
    ],
    ids=["html", "no node", "no quantity", "ended at once", "500", "redirect"],
)
async def test_a_watch_that_breaks_keeps_what_is_young_and_tries_again(
    broken: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> None:
    async with scene(broken, broken, broken) as on:
        await on.until(lambda inside: inside.counted == ONE)
        await on.pass_backoff()
        await on.until(lambda _: on.server.lists == 2)
        assert not any("meta-data" in path for path in on.server.paths)  # nobody leads us elsewhere
        assert on.watching.inside("web").counted == ONE


async def test_a_cluster_that_is_gone_is_forgotten_when_its_word_is_too_old() -> None:
    async with scene(refusing(500)) as on:
        await on.until(lambda inside: inside.counted == ONE)
        await eventually(on.backs_off)
        on.server.url = "http://127.0.0.1:1"
        on.clock.advance(FRESH_S + 1)
        await on.until(lambda inside: inside.trouble)
        inside = on.watching.inside("web")
        assert inside.counted is None
        assert inside.trouble is not None
        assert inside.trouble.code is Code.UNAVAILABLE


def pod(reason: str) -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "reason": reason}
    return {
        "metadata": {"namespace": "jobs", "name": "p", "resourceVersion": "11"},
        "spec": {"containers": [{"resources": {"requests": {"cpu": "1"}}}]},
        "status": {"conditions": [condition]},
    }


async def test_a_pod_counts_once_its_scheduler_has_tried_it_and_no_longer_than_it_waits() -> None:
    tried, placed = asyncio.Event(), asyncio.Event()

    async def waiting(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(event("ADDED", pod("SchedulingGated")))
        await tried.wait()
        await response.write(event("MODIFIED", pod("Unschedulable")))
        await placed.wait()
        await response.write(event("DELETED", pod("Unschedulable")))
        await asyncio.Event().wait()
        return response

    async with scene() as told:
        told.server.waiting.append(waiting)

        def pods() -> tuple[int, ...] | None:
            crowd = told.watching.crowd(["web"])
            return None if crowd is None else tuple(group.pods for group in crowd.groups)

        await told.until(lambda inside: inside.counted and inside.counted.unscheduled == 1)
        assert pods() == ()
        tried.set()
        await eventually(lambda: pods() == (1,), pods)
        placed.set()
        await eventually(lambda: pods() == (), pods)
        told.clock.advance(FRESH_S + 1)
        assert pods() is None
