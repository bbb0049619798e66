"""A vendor's API as a script: answers by method and path, over the vendor's own transport, every request kept.

For what the lab does not do: errors in the vendor's exact words, garbage, silence, broken connections.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from multicloud_lab.core.tls import Tls, make_tls


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What to answer: `body` as JSON or `raw` as it is; or `drop` the connection, or `hang` until the end."""

    status: int = 200
    body: object = None
    raw: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False
    hang: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Vendor:
    """An HTTP server on 127.0.0.1. A route matches when its text is in the path; the newest route wins."""

    def __init__(self, tls: Tls | None) -> None:
        self.seen: list[Seen] = []
        self._routes: list[tuple[str, str, list[Answer]]] = []
        self._end = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.server_context().wrap_socket(self._server.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"
        self.ca_file: Path | None = None if tls is None else tls.ca_file
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def answer(self, method: str, path: str, *answers: Answer) -> None:
        """Answer these one after the other; the last one stays."""
        self._routes.insert(0, (method, path, list(answers)))

    def calls(self, method: str, path: str = "") -> list[Seen]:
        return [seen for seen in self.seen if seen.method == method and path in seen.path]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _next(self, seen: Seen) -> Answer:
        self.seen.append(seen)
        for method, path, answers in self._routes:
            if method == seen.method and path in seen.path:
                return answers.pop(0) if len(answers) > 1 else answers[0]
        return Answer(status=404, body={"error": {"code": "NoSuchRoute", "message": f"{seen.method} {seen.path}"}})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            disable_nagle_algorithm = True

            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                answer = vendor._next(
                    Seen(method=self.command, path=self.path, headers=dict(self.headers.items()), body=body)
                )
                if answer.hang:
                    vendor._end.wait(30)
                if answer.hang or answer.drop:
                    self.close_connection = True
                    return
                raw = answer.raw if answer.raw is not None else json.dumps(answer.body).encode()
                self.send_response_only(answer.status)
                for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_PUT = do_POST = handle_any  # noqa: N815 - http.server finds them by these names

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@contextmanager
def certificates() -> Iterator[Tls]:
    """A certificate authority and a server certificate for 127.0.0.1, removed at the end."""
    tls = make_tls()
    try:
        yield tls
    finally:
        tls.remove()


def closed_port() -> int:
    """A port on which nothing listens."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return server.server_port


__all__ = ["Answer", "Seen", "Vendor", "certificates", "closed_port"]
