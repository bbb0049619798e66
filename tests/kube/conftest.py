from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration

from multicloud.kube.client import KubeClient
from multicloud_lab.controlplane import ControlPlane
from support.answering import Answer, Serve


@pytest.fixture
async def stranger(control_plane: ControlPlane) -> AsyncIterator[KubeClient]:
    """A connection of somebody to whom RBAC gives nothing."""
    async with await KubeClient.connect(control_plane.kubeconfig_for("stranger"), None) as connected:
        yield connected


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts a server that answers as told, for answers that no healthy API server gives; returns a client of it."""
    async with AsyncExitStack() as stack:

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

        yield start


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("first\n")
    return path
