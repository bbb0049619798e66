"""A gate in front of the API server: plain HTTP on loopback, where a test holds, drops, slows and counts requests.

The operator under test gets its `kubeconfig`; upstream the gate speaks as the control plane's administrator. It runs on
a loop in a thread of its own, so that a test can wait for a held request while the operator waits for its answer.
"""

import asyncio
import json
import re
import ssl
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import aiohttp
from aiohttp import web
from yarl import URL

from multicloud_lab.controlplane import ControlPlane
from multicloud_lab.thread import end_tasks
from support.waiting import CLOCK

T = TypeVar("T")
When = Literal["before", "after"]
Action = Literal["continue", "drop"]

CALL_TIMEOUT_S = 30.0
_NOT_FORWARDED = {"host", "connection", "content-length", "transfer-encoding", "keep-alive"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request that reached the gate."""

    method: str
    path: str
    query: str
    body: Any = field(repr=False)
    at_s: float


Matches = Callable[[Seen], bool]


class Held:
    """A hold for one request: `wait` until it has come, then `release` it."""

    def __init__(self, matches: Matches, when: When, loop: asyncio.AbstractEventLoop) -> None:
        self.matches = matches
        self.when = when
        self.seen: Seen | None = None
        self.action: Action = "continue"
        self._loop = loop
        self._reached = threading.Event()
        self._released = asyncio.Event()

    def wait(self, timeout_s: float, tell: Callable[[], object] = str) -> Seen:
        """Return the request once it is held."""
        assert self._reached.wait(timeout_s), f"no request came to be held within {timeout_s} s\n{tell()}"
        assert self.seen is not None
        return self.seen

    def release(self, action: Action = "continue") -> None:
        """Let it go on (before: to the server; after: the answer back) or drop its connection."""
        self.action = action
        self._loop.call_soon_threadsafe(self._released.set)

    async def stop(self, seen: Seen) -> Action:
        self.seen = seen
        self._reached.set()
        await self._released.wait()
        return self.action


class ApiGate:
    """The proxy. A context manager."""

    def __init__(self, plane: ControlPlane, directory: Path) -> None:
        self.seen: list[Seen] = []
        self.kubeconfig = directory / "gate.kubeconfig"
        self._plane = plane
        self._holds: list[Held] = []
        self._delays: list[tuple[Matches, float]] = []
        self._page: int | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="api-gate", daemon=True)
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        port = self._await(self._start())
        self.kubeconfig.write_text(json.dumps(_kubeconfig(f"http://127.0.0.1:{port}")))
        return self

    def __exit__(self, *_: object) -> None:
        self._await(self._stop())
        self._await(end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_TIMEOUT_S)
        self._loop.close()

    def hold(self, matches: Matches, *, when: When = "before") -> Held:
        """Hold the next request that matches, before it goes to the server or before its answer comes back."""
        held = Held(matches, when, self._loop)
        self._loop.call_soon_threadsafe(self._holds.append, held)
        self._await(_turn())
        return held

    def slow(self, matches: Matches, delay_s: float) -> None:
        """Answer requests that match only after so many seconds."""
        self._loop.call_soon_threadsafe(self._delays.append, (matches, delay_s))
        self._await(_turn())

    def page(self, objects: int) -> None:
        """Serve paged lists in pages of so many objects, whatever the client asked for."""
        self._page = objects

    def requests(self, matches: Matches) -> list[Seen]:
        """Those that came so far and match."""
        return [seen for seen in list(self.seen) if matches(seen)]

    async def _start(self) -> int:
        pki = self._plane.data_dir / "pki"
        tls = ssl.create_default_context(cafile=self._plane.ca_file)
        tls.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=tls, limit=0),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
        )
        app = web.Application(client_max_size=64 * 1024**2)
        app.router.add_route("*", "/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return int(self._runner.addresses[0][1])

    async def _stop(self) -> None:
        for held in self._holds:
            held.release("drop")
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        seen = Seen(
            method=request.method,
            path=request.path,
            query=request.query_string,
            body=_decoded(body),
            at_s=CLOCK.monotonic(),
        )
        self.seen.append(seen)
        for matches, delay_s in self._delays:
            if matches(seen):
                await CLOCK.sleep_until(CLOCK.monotonic() + delay_s)
        holds = [held for held in self._holds if held.seen is None and held.matches(seen)]
        if await self._pass(seen, holds, "before") == "drop":
            return _hang_up(request)
        return await self._forward(request, body, seen, holds)

    async def _pass(self, seen: Seen, holds: list[Held], when: When) -> Action:
        for held in holds:
            if held.when == when and held.seen is None and await held.stop(seen) == "drop":
                return "drop"
        return "continue"

    async def _forward(self, request: web.Request, body: bytes, seen: Seen, holds: list[Held]) -> web.StreamResponse:
        assert self._session is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _NOT_FORWARDED}
        url = URL(self._plane.url + self._paged(request.raw_path), encoded=True)
        async with self._session.request(
            request.method, url, data=body or None, headers=headers, skip_auto_headers=("Content-Type", "User-Agent")
        ) as answer:
            if await self._pass(seen, holds, "after") == "drop":
                return _hang_up(request)
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _NOT_FORWARDED}
            response = web.StreamResponse(status=answer.status, headers=kept)
            with suppress(ConnectionResetError):  # a watcher that hung up, or a killed operator
                await response.prepare(request)
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
                await response.write_eof()
            return response

    def _paged(self, path: str) -> str:
        return path if self._page is None else re.sub(r"([?&]limit=)\d+", rf"\g<1>{self._page}", path)

    def _await(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_TIMEOUT_S)


def status_of(pool: str, says: Callable[[dict[str, Any]], bool] = lambda _: True) -> Matches:
    """A status write of that pool whose status `says` so."""
    path = re.compile(rf"/multicloudpools/{re.escape(pool)}/status")

    def matches(seen: Seen) -> bool:
        return seen.method == "PATCH" and path.search(seen.path) is not None and says(seen.body["status"])

    return matches


def member_of(status: dict[str, Any]) -> dict[str, Any]:
    """The only member of a status."""
    (member,) = status["members"]
    found: dict[str, Any] = member
    return found


def lists_of(plural: str) -> Matches:
    """A list of a kind (not a watch)."""

    def matches(seen: Seen) -> bool:
        return seen.method == "GET" and seen.path.endswith(f"/{plural}") and "watch=" not in seen.query

    return matches


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


def _hang_up(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _turn() -> None:
    """Come back when what was scheduled before has run."""


def _kubeconfig(server: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "gate", "cluster": {"server": server}}],
        "users": [{"name": "nobody", "user": {}}],
        "contexts": [{"name": "gate", "context": {"cluster": "gate", "user": "nobody"}}],
        "current-context": "gate",
    }
