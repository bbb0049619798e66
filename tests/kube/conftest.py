from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from multicloud.kube.client import KubeClient
from multicloud_lab.controlplane import ControlPlane
from support.answering import Serve, serving


@pytest.fixture
async def stranger(control_plane: ControlPlane) -> AsyncIterator[KubeClient]:
    """A connection of somebody to whom RBAC gives nothing."""
    async with await KubeClient.connect(control_plane.kubeconfig_for("stranger"), None) as connected:
        yield connected


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts a server that answers as told, for answers that no healthy API server gives; returns a client of it."""
    async with AsyncExitStack() as stack:
        yield serving(stack)


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("first\n")
    return path
