"""Programs that the demo starts and that must never outlive it, however it ends.

Each holds the other end of its own standard input: when the demo ends, even by SIGKILL, the pipe closes and the
program ends itself (`--die-with-stdin`).
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from multicloud.cli.demo.failure import DemoError

TAIL_LINES: Final = 40
_LINE_LIMIT: Final = 2**20


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    """The end of a log, indented; a sentence where there is nothing."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:]) or "  (nothing was logged)"


async def find_control_plane() -> Mapping[str, str]:
    """Find the control plane's programs, building them at the first time; paths by name. Raises DemoError.

    Its progress goes straight to standard error, where it may draw a clock. When cancelled it is interrupted as by
    Ctrl-C, keeps what it has built, and leaves nothing running.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-m", "multicloud_lab.controlplane", "build", "--without-helm", "-o", "json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        said, _ = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        await process.wait()
        raise
    if process.returncode != 0:
        raise DemoError("there is no control plane to start; the lines above say why")
    paths: Mapping[str, str] = json.loads(said)
    return paths


def stay_on_loopback() -> None:
    """Keep this process and its children away from the person's proxies: none of them can reach loopback."""
    around = ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1", "localhost"]))
    os.environ.update(NO_PROXY=around, no_proxy=around)


def _environment() -> dict[str, str]:
    """The person's environment without settings of another operator, which would win over the demo's file."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MULTICLOUD_")}


class Program:
    """One child process with its log."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path, file: IO[bytes]) -> None:
        """Use `start`; `name` is what people call it."""
        self.name = name
        self.log = log
        self._process = process
        self._file = file
        self._telling: Callable[[str], None] | None = None
        self._hearing: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, name: str, arguments: Sequence[str], log: Path, *, told: bool = False) -> "Program":
        """Start this Python with `arguments`. With `told`, standard error can be read as it goes."""
        file = log.open("wb")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE if told else file,
            stderr=asyncio.subprocess.PIPE if told else file,
            limit=_LINE_LIMIT,
            env=_environment(),
            # Ctrl-C in a terminal is for the demo, which ends everything in order.
            start_new_session=True,
        )
        return cls(name, process, log, file)

    async def first_line(self, telling: Callable[[str], None]) -> str:
        """Wait for the first line on standard output; until then each line of its log goes to `telling`, too.

        Raises DemoError with the end of its log when it ends before.
        """
        assert self._process.stdout is not None
        self._telling = telling
        self._hearing = asyncio.create_task(self._hear(), name=f"{self.name} log")
        line = await self._process.stdout.readline()
        self._telling = None
        if not line:
            await self._hearing
            await self._process.wait()
            raise self.failure()
        return line.decode()

    async def _hear(self) -> None:
        assert self._process.stderr is not None
        async for raw in self._process.stderr:
            self._file.write(raw)
            self._file.flush()
            if self._telling is not None:
                self._telling(raw.decode(errors="replace").rstrip())

    def check(self) -> None:
        """Raise DemoError with the end of its log if it has ended by itself."""
        if self._process.returncode is not None:
            raise self.failure()

    def failure(self) -> DemoError:
        """What to say when it does not do its part."""
        code = self._process.returncode
        ended = "is still running" if code is None else f"ended with code {code}"
        return DemoError(f"{self.name} {ended}. The end of its log:\n{tail(self.log)}")

    async def end(self, within_s: float) -> None:
        """Close its standard input, wait, kill what is left."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(within_s):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._hearing is not None:
            await self._hearing
        self._file.close()
