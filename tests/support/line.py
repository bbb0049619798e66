"""A TCP line to the API server that a test can cut, or make lose what the server answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from multicloud_lab.controlplane import ControlPlane


class State(Enum):
    """UP carries both ways; DEAF loses what the server answers; CUT breaks connections as they are made."""

    UP = "up"
    DEAF = "deaf"
    CUT = "cut"


class Line:
    """Forwards connections to the API server. TLS goes through untouched."""

    def __init__(self, host: str, port: int) -> None:
        """Forward to that address."""
        self._target = (host, port)
        self._ends: set[asyncio.StreamWriter] = set()
        self._state = State.UP
        self.port = 0

    def cut(self) -> None:
        """Break every connection, also those that will be tried."""
        self._state = State.CUT
        for end in self._ends:
            end.transport.abort()

    def lose_answers(self) -> None:
        """Requests arrive, answers do not."""
        self._state = State.DEAF

    def mend(self) -> None:
        """Carry again; connections that lost an answer break, as they lack a piece of their stream."""
        if self._state is State.DEAF:
            self.cut()
        self._state = State.UP

    async def carry(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        if self._state is State.CUT:
            near_out.transport.abort()
            return
        far_in, far_out = await asyncio.open_connection(*self._target)
        self._ends |= {near_out, far_out}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(near_in, far_out, answers=False))
                both.create_task(self._pump(far_in, near_out, answers=True))
        finally:
            self._ends -= {near_out, far_out}
            near_out.close()
            far_out.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool) -> None:
        with suppress(OSError):
            while chunk := await source.read(65536):
                if not (answers and self._state is State.DEAF):
                    sink.write(chunk)
                    await sink.drain()
        sink.close()


@asynccontextmanager
async def line_to(control_plane: ControlPlane) -> AsyncIterator[Line]:
    """A line to the server, on a free port of loopback."""
    address = urlsplit(control_plane.url)
    assert address.hostname is not None
    assert address.port is not None
    line = Line(address.hostname, address.port)
    server = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    async with server:
        yield line
        line.cut()


def kubeconfig_over(line: Line, kubeconfig: Path, directory: Path) -> Path:
    """A copy of the kubeconfig whose server is at the near end of the line."""
    said = yaml.safe_load(kubeconfig.read_text())
    for cluster in said["clusters"]:
        cluster["cluster"]["server"] = f"https://127.0.0.1:{line.port}"
    path = directory / "over-the-line.kubeconfig"
    path.write_text(yaml.safe_dump(said))
    path.chmod(0o600)
    return path
