"""Watches whom this process connects to: a test that uses `strays` fails if anything but loopback was tried.

Python's sockets and name look-ups are watched; gRPC's own are not, whose target is the endpoint of the settings.
"""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost", None})


@pytest.fixture
def strays(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Hosts beyond loopback that were asked for; must be empty at the end. Nothing is sent to them."""
    seen: list[str] = []
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def refuse(host: Any) -> None:
        if host not in LOOPBACK:
            seen.append(str(host))
            raise OSError(f"a test may not talk to {host}")

    def watched_connect(self: socket.socket, address: Any) -> None:
        if self.family is not socket.AF_UNIX:
            refuse(address[0])
        connect(self, address)

    def watched_look_up(host: Any, *rest: Any, **more: Any) -> Any:
        refuse(host.decode() if isinstance(host, bytes) else host)
        return look_up(host, *rest, **more)

    monkeypatch.setattr(socket.socket, "connect", watched_connect)
    monkeypatch.setattr(socket, "getaddrinfo", watched_look_up)
    yield seen
    assert seen == []
