"""A Prometheus that answers as a test tells it: well, slowly, wrongly or not at all. Speaks HTTP on loopback."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from aiohttp import web

from support.clock import VirtualClock

Now = Callable[[], datetime]
Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


def vector(*values: object, at: float) -> dict[str, Any]:
    """An instant vector with one series a value, each printed as Prometheus prints numbers."""
    series = [{"metric": {"series": str(n)}, "value": [at, str(value)]} for n, value in enumerate(values)]
    return result("vector", series)


def result(kind: str, of: object) -> dict[str, Any]:
    """A successful answer of that kind."""
    return {"status": "success", "data": {"resultType": kind, "result": of}}


@dataclass(slots=True)
class ScriptedPrometheus:
    """`values` are by query; `respond` takes the place of all of them. `asked` keeps every request's form and headers."""

    now: Now = VirtualClock().now
    values: dict[str, object] = field(default_factory=dict)
    respond: Respond | None = None
    asked: list[tuple[dict[str, str], dict[str, str]]] = field(default_factory=list)
    url: str = ""
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> None:
        """Listen, on the port that it had before where one is given."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Die: whoever asks now is refused by the machine."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def revive(self) -> None:
        """Listen again where it did."""
        await self.start(int(self.url.rpartition(":")[2]))

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append((form, dict(request.headers)))
        if self.respond is not None:
            return await self.respond(request)
        if request.path != "/api/v1/query":
            return web.json_response({"status": "error"}, status=404)
        at = self.now().timestamp()
        value = self.values.get(form["query"])
        return web.json_response(vector(at=at) if value is None else vector(value, at=at))


def answers(body: object, *, status: int = 200) -> Respond:
    """Always this body, as JSON unless it is text."""

    async def respond(_: web.Request) -> web.StreamResponse:
        if isinstance(body, str):
            return web.Response(text=body, status=status)
        return web.json_response(body, status=status)

    return respond


def redirects(to: str) -> Respond:
    """Always elsewhere."""

    async def respond(_: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": to})

    return respond


async def hangs(_: web.Request) -> web.StreamResponse:
    """Take the question and never answer."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable")
