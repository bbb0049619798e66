"""The programs end with the process that started them, whatever happens to it."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import multicloud_lab

STARTS_ONE = """
import json, sys
from multicloud_lab.controlplane import ControlPlane
with ControlPlane() as plane:
    print(json.dumps([plane.url, str(plane.data_dir)]), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[str]]:
    source = str(Path(multicloud_lab.__file__).parent.parent)
    with subprocess.Popen(
        [sys.executable, "-c", STARTS_ONE],
        env=dict(os.environ, PYTHONPATH=source),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def _ended(connection: socket.socket) -> bool:
    """Wait until the other side of an idle connection is gone."""
    connection.settimeout(20)
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def _gone(path: Path) -> bool:
    pause = threading.Event()
    return any(not path.exists() or pause.wait(0.05) for _attempt in range(400))


def _port(url: str) -> int:
    return int(url.rsplit(":", 1)[1])


@pytest.mark.parametrize("kill", [pytest.param(True, id="killed"), pytest.param(False, id="in good order")])
def test_both_programs_and_their_files_go_with_the_parent(parent: subprocess.Popen[str], kill: bool) -> None:
    assert parent.stdout is not None
    assert parent.stdin is not None
    url, directory = json.loads(parent.stdout.readline())
    store = socket.socket(socket.AF_UNIX)
    store.connect(f"{directory}/etcd.sock")
    server = socket.create_connection(("127.0.0.1", _port(url)))

    with store, server:
        if kill:
            parent.kill()
        else:
            parent.stdin.close()

        assert _ended(server)
        assert _ended(store)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", _port(url)))
    assert _gone(Path(directory))
