"""Listening on loopback: how every HTTP wire and the admin port get their port and let it go."""

import ssl
from dataclasses import dataclass

from aiohttp import web

SHUTDOWN_S = 1.0
"""How long an answer under way may take when its server stops, in real seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A listening server; `url` is its root without a slash at the end."""

    url: str
    port: int
    runner: web.AppRunner

    async def stop(self) -> None:
        """Stop listening and close every connection."""
        await self.runner.cleanup()


async def listen(app: web.Application, tls: ssl.SSLContext | None = None) -> Listener:
    """Serve `app` on 127.0.0.1 at a free port, with TLS if a context is given."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    port = int(runner.addresses[0][1])
    scheme = "http" if tls is None else "https"
    return Listener(url=f"{scheme}://127.0.0.1:{port}", port=port, runner=runner)


def hang_up(request: web.Request) -> web.Response:
    """Close the client's connection without an answer; return what the handler must return then."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
