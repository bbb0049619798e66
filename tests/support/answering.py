"""Types of a server that answers as a test tells it, for what no healthy API server says."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from multicloud.kube.client import KubeClient

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Answer], Awaitable[KubeClient]]
"""Starts the server and returns a client of it."""


def serving(stack: AsyncExitStack) -> Serve:
    """Start servers on loopback that end with the stack."""

    async def start(answer: Answer) -> KubeClient:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        configuration = Configuration()
        configuration.host = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return await stack.enter_async_context(KubeClient(ApiClient(configuration), timeout_s=5))

    return start
