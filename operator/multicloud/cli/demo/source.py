"""The load of an act, and who tells it: a Prometheus of this machine, or a stand-in where none is installed.

The load is a number that the act sets. It is served on loopback to be scraped; the operator knows only the URL of
whoever tells it.
"""

import json
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Protocol, Self

import aiohttp
from aiohttp import web

from multicloud.cli.demo.failure import DemoError
from multicloud.cli.demo.programs import Program, tail
from multicloud.model.port import Clock

SERIES: Final = 'http_requests_in_flight{service="shop"}'
"""What the policy of the samples asks for."""

STAND_IN: Final = "stand-in"
"""What tells the load where there is no Prometheus: it has one answer to every query."""

TOLD_WITHIN_S: Final = 30.0
"""A Prometheus waits five seconds before it scrapes for the first time."""

_LOOK_EVERY_S: Final = 0.2
_ENDS_WITHIN_S: Final = 5.0
_WITHIN: Final = aiohttp.ClientTimeout(total=2)

_Answer = Callable[[web.Request], Awaitable[web.Response]]


class _Teller(Protocol):
    """Who answers the query API; it can be started again after its end."""

    log: Path | None

    async def start(self) -> None: ...

    async def end(self) -> None: ...


class Source:
    """A load and who tells it. Use it with `async with`; until `until_told` it may not be told yet."""

    def __init__(self, load: int, *, prometheus: Path | None, directory: Path, clock: Clock) -> None:
        """Tell `load` by the program `prometheus`, which keeps its files in `directory`; None is a stand-in for it."""
        self.load = load
        self.name = STAND_IN if prometheus is None else "Prometheus"
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._clock = clock
        self._scraped = _Listener("/metrics", self._exposed, _free_port())
        self._teller: _Teller = (
            _Listener("/api/v1/query", self._answered, port)
            if prometheus is None
            else _Prometheus(prometheus, directory, port, self._scraped.port)
        )

    async def __aenter__(self) -> Self:
        """Serve the load, and start whoever tells it."""
        await self._scraped.start()
        await self._teller.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End both."""
        await self._teller.end()
        await self._scraped.end()

    async def kill(self) -> None:
        """Nobody tells the load any more, whatever it is; until `revive`."""
        await self._teller.end()

    async def revive(self) -> None:
        """Tell it again; returns when the load of now is told. Raises DemoError."""
        await self._teller.start()
        await self.until_told()

    async def until_told(self) -> None:
        """Return when the load of now is told. Raises DemoError."""
        deadline_s = self._clock.monotonic() + TOLD_WITHIN_S
        while await self._told() != self.load:
            if self._clock.monotonic() > deadline_s:
                log = f" The end of its log:\n{tail(self._teller.log)}" if self._teller.log else ""
                raise DemoError(f"the load's source ({self.name}) did not tell it within {TOLD_WITHIN_S:.0f} s.{log}")
            await self._clock.sleep_until(self._clock.monotonic() + _LOOK_EVERY_S)

    async def _told(self) -> float | None:
        try:
            async with (
                aiohttp.ClientSession(timeout=_WITHIN) as session,
                session.get(f"{self.url}/api/v1/query", params={"query": SERIES}) as answer,
            ):
                (series,) = (await answer.json())["data"]["result"]
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, LookupError):
            return None
        return float(series["value"][1])

    async def _exposed(self, _: web.Request) -> web.Response:
        return web.Response(text=f"{SERIES} {self.load}\n", headers={"Content-Type": "text/plain; version=0.0.4"})

    async def _answered(self, _: web.Request) -> web.Response:
        series = {"metric": {}, "value": [self._clock.now().timestamp(), str(self.load)]}
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": [series]}})


class _Listener:
    """Answers one path on a port of loopback: what is scraped, and as a teller the stand-in."""

    log: Path | None = None

    def __init__(self, path: str, answer: _Answer, port: int) -> None:
        self.port = port
        self._path, self._answer = path, answer
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", self._path, self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def end(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


class _Prometheus:
    """The program, scraping one port of loopback each second. Its data outlive its end, as those of any Prometheus."""

    def __init__(self, program: Path, directory: Path, port: int, scrapes: int) -> None:
        self.log: Path | None = directory / "prometheus.log"
        self._directory = directory
        job = {"job_name": "shop", "static_configs": [{"targets": [f"127.0.0.1:{scrapes}"]}]}
        every = {"scrape_interval": "1s", "scrape_timeout": "1s"}
        self._config = {"global": every, "scrape_configs": [job]}
        argv = [
            str(program),
            f"--config.file={directory / 'prometheus.json'}",
            f"--storage.tsdb.path={directory / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        self._orders = {"commands": [{"argv": argv, "log": str(self.log)}], "remove": None}
        self._running: Program | None = None

    async def start(self) -> None:
        (self._directory / "prometheus.json").write_text(json.dumps(self._config), encoding="utf-8")  # JSON is YAML
        # The guard of the control plane's programs ends with this process, and Prometheus with the guard.
        self._running = await Program.start(
            "Prometheus",
            ["-m", "multicloud_lab.controlplane.guard", json.dumps(self._orders)],
            self._directory / "guard.log",
        )

    async def end(self) -> None:
        if self._running is not None:
            await self._running.end(_ENDS_WITHIN_S)
            self._running = None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
