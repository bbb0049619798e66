"""kopf in a thread of its own: it watches our kinds and hands every event to the store on the main loop.

In the main loop kopf would take the signals and cancel our tasks. Handlers do nothing but hand over: no work, no
answer, no annotation, no finalizer. If the thread ends, the process must end: a silent watch is worse than none.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import kopf
import structlog

from multicloud.kube.client import Connection
from multicloud.model.ref import GROUP, VERSION, Kind

log: structlog.stdlib.BoundLogger = structlog.get_logger("watch")

Feed = Callable[[str | None, Mapping[str, Any]], None]
"""Takes the watch event's type (None for the initial list) and the object's body, on the main loop."""


class KopfThread:
    """Starts the thread; `ended` resolves on the main loop when it is over, with the error if there was one."""

    def __init__(self, connect: Callable[[], Connection], *, namespaces: Sequence[str], feed: Feed) -> None:
        """`connect` tells how to reach the API server; it is asked again when credentials expire. Raises OSError."""
        self._connect = connect
        self._namespaces = tuple(namespaces)
        self._feed = feed
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._stopping = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kopf", daemon=True)

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; it is a daemon and is not waited for."""
        self._stopping = True
        self._stop.set()

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            asyncio.run(self._watch())
        except BaseException as caught:  # noqa: BLE001 - whatever ended the watch must end the process, with its name
            error = caught
        with suppress(RuntimeError):  # the main loop has closed: the process is ending and nobody needs to be told
            self._loop.call_soon_threadsafe(self._finish, error)

    async def _watch(self) -> None:
        try:
            await kopf.operator(
                registry=self._registry(),
                settings=_settings(),
                standalone=True,
                clusterwide=not self._namespaces,
                namespaces=self._namespaces,
                stop_flag=self._stop,
            )
        finally:
            self._stop.set()  # a thread of kopf's waits for it, and the loop would wait for that thread for ever

    def _finish(self, error: BaseException | None) -> None:
        if self.ended.done():
            return
        if self._stopping:
            self.ended.set_result(None)
            return
        log.error("watch ended", why=repr(error))
        self.ended.set_exception(RuntimeError(f"the watch of the API server ended: {error!r}"))

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()

        def login(**_: Any) -> kopf.ConnectionInfo:
            try:
                connection = self._connect()
            except OSError as error:  # kopf would go on without credentials, in silence
                self._loop.call_soon_threadsafe(self._finish, error)
                raise
            return kopf.ConnectionInfo(
                server=connection.server,
                ca_path=connection.ca_file,
                certificate_path=connection.cert_file,
                private_key_path=connection.key_file,
                token=connection.token,
                insecure=connection.insecure,
            )

        def hand_over(type: str | None, body: kopf.Body, **_: Any) -> None:  # noqa: A002 - kopf names its arguments
            self._loop.call_soon_threadsafe(self._feed, type, dict(body))

        async def on_event(**event: Any) -> None:
            hand_over(**event)

        kopf.on.login(id="login", registry=registry, errors=kopf.ErrorsMode.PERMANENT)(login)
        for kind in Kind:
            kopf.on.event(GROUP, VERSION, kind.plural, id=kind.plural, registry=registry)(on_event)
        return registry


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.watching.connect_timeout = 10
    settings.watching.chunk_size = 500
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 10
    settings.networking.enforce_retry_after = True
    # A worker keeps its slot for idle_timeout after its last event: without a small one, a limit starves objects.
    settings.queueing.worker_limit = 50
    settings.queueing.idle_timeout = 0.1
    settings.process.ultimate_exiting_timeout = 5
    return settings
