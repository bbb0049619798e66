"""A real Prometheus, and something for it to scrape: started, killed, frozen, and started again where it was.

It is run by the guard that the control plane's programs have, so that it never outlives the tests. What is sick in ways
that a Prometheus is not has a stand-in: `support.prometheus`.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import requests

from multicloud_lab.controlplane import guard
from support.ports import free_port, listens
from support.prometheus_programs import program
from support.waiting import until

SCRAPED_EVERY = "200ms"
WITHIN_S = 60.0
"""Longest wait for anything it does, on a busy machine."""


class Exporter:
    """Serves `series` (each with its labels, and its value as printed) to be scraped. Use it with `with`."""

    def __init__(self, series: Mapping[str, object]) -> None:
        """Listen on a free port of loopback."""
        self.series = dict(series)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # the name is http.server's
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.end_headers()
                self.wfile.write("".join(f"{name} {value}\n" for name, value in outer.series.items()).encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.place = f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, name="exporter", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Listen no longer."""
        self._server.shutdown()
        self._server.server_close()


@dataclass(slots=True, kw_only=True)
class PrometheusServer:
    """Scrapes one place five times a second; its data stays in `directory`, so that a second start goes on with them.

    `web` is its web configuration (TLS, users). `credentials` are what it wants then, `ca_file` is whom to trust.
    """

    directory: Path
    scrapes: str
    web: Mapping[str, Any] = field(default_factory=dict)
    credentials: tuple[str, str] | None = None
    ca_file: Path | None = None
    port: int = field(default_factory=free_port)
    _guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"{'https' if 'tls_server_config' in self.web else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and return when it is ready and has scraped."""
        job = {"job_name": "shop", "static_configs": [{"targets": [self.scrapes]}]}
        every = {"scrape_interval": SCRAPED_EVERY, "scrape_timeout": SCRAPED_EVERY}
        config, web, log = (self.directory / name for name in ("prometheus.json", "web.json", "prometheus.log"))
        config.write_text(json.dumps({"global": every, "scrape_configs": [job]}))  # JSON is YAML
        web.write_text(json.dumps(self.web))
        argv = [
            str(program("prometheus")),
            f"--config.file={config}",
            f"--web.config.file={web}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            f"--storage.tsdb.path={self.directory / 'series'}",
        ]
        orders = guard.Orders(commands=[guard.Command(argv=argv, log=str(log))], remove=None)
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(guard.__file__), json.dumps(orders)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.until_told('up{job="shop"}', "1")

    def kill(self) -> None:
        """SIGKILL: it does not finish anything."""
        if self._guard is not None:
            self._signal(signal.SIGKILL)
            self._guard.communicate()
            self._guard = None
            until(lambda: not listens(self.port), "the killed one has let go of its port", timeout_s=WITHIN_S)

    def freeze(self) -> None:
        """SIGSTOP: who asks is heard by the machine, and gets no answer."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def until_told(self, query: str, *values: str) -> None:
        """Wait until this query gives exactly these values."""
        until(
            lambda: self._told(query) == sorted(values), f"{query} gives {values}", timeout_s=WITHIN_S, tell=self.tail
        )

    def tail(self) -> str:
        """The end of its log."""
        log = self.directory / "prometheus.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-20:]) if log.exists() else "(no log)"

    def _told(self, query: str) -> Sequence[str] | None:
        with requests.Session() as session:
            session.trust_env = False  # no proxy of the machine between us
            try:
                answer = session.get(
                    f"{self.url}/api/v1/query",
                    params={"query": query},
                    auth=self.credentials,
                    verify=str(self.ca_file) if self.ca_file else True,
                    timeout=5,
                )
            except requests.RequestException:
                return None
        return sorted(each["value"][1] for each in answer.json()["data"]["result"]) if answer.ok else None

    def _signal(self, number: int) -> None:
        assert self._guard is not None, "it has not been started"
        os.killpg(self._guard.pid, number)  # the guard leads the group that Prometheus is in
