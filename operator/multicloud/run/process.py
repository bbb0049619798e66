"""The running operator: signals, HTTP, election, barrier, watch, passes, and an end that leaves nothing half done.

`cli` calls `run`; `compose` wires the stages. Order of a start: connect, answer probes, lead, read the
stop switch, list everything, watch, serve. Order of an end: finish passes, last status write, give the lease back.
"""

import asyncio
import secrets
import signal
import socket
from collections.abc import Mapping
from typing import Any

import structlog
from prometheus_client import GCCollector, PlatformCollector, ProcessCollector

from multicloud.kinds.crd import outdated
from multicloud.kube.client import KubeClient, KubeError
from multicloud.kube.events import KubeEvents
from multicloud.kube.external import KubeExternal
from multicloud.kube.lease import KubeLease
from multicloud.kube.members import MemberEyes, WaysIn
from multicloud.kube.objects import KubeObjects
from multicloud.kube.secrets import KubeSecrets
from multicloud.kube.stop import KubeStop
from multicloud.model.port import ClusterSide
from multicloud.report.metrics import ObjectCollector, Sources
from multicloud.run.clock import SystemClock
from multicloud.run.compose import Edge, Operator, Outlook, compose
from multicloud.settings import Settings
from multicloud.watch.barrier import sweep, sync
from multicloud.watch.elector import Elector, LeaseFence, Terms
from multicloud.watch.http import HttpServer
from multicloud.watch.kopf_thread import KopfThread
from multicloud.watch.stop import follow_stop, read_stop

DRAIN_S = 25.0
"""How long an ending process waits for passes under way; below a pod's grace period of 30 s."""

log: structlog.stdlib.BoundLogger = structlog.get_logger("process")


async def run(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT (0), or until leadership or the watch is lost (1). Raises KubeError at a bad start."""
    async with await KubeClient.connect(settings.kubeconfig, settings.context) as kube:
        return await Process(settings, kube).run()


class _EndError(Exception):
    """The process must not go on; another one will."""


class Process:
    """One replica."""

    def __init__(self, settings: Settings, kube: KubeClient) -> None:
        """Wire everything on the running loop."""
        self._settings = settings
        self._kube = kube
        self._clock = SystemClock()
        self._identity = settings.identity or f"{socket.gethostname()}_{secrets.token_hex(4)}"
        self._fence = LeaseFence(self._clock)
        self._objects = KubeObjects(kube, namespaces=settings.watch_namespaces)
        secrets_of = KubeSecrets(kube)

        def eyes(outlook: Outlook) -> ClusterSide:
            ways_in = WaysIn(outlook.lanes, secrets_of, settings.member_clusters, outlook.account)
            return MemberEyes(ways_in, outlook.cordoning, self._clock, outlook.wake)

        events = KubeEvents(kube, instance=self._identity)
        edge = Edge(writer=self._objects, secrets=secrets_of, events=events, eyes=eyes, external=KubeExternal(kube))
        self._operator: Operator = compose(settings, self._clock, edge, self._fence, lambda: self._fence.stop)
        lease = settings.lease
        self._elector = Elector(
            KubeLease(kube, namespace=settings.namespace, name=lease.name, timeout_s=lease.retry_s * 0.9),
            self._fence,
            self._clock,
            identity=self._identity,
            terms=Terms(
                duration_s=lease.duration_s,
                renew_deadline_s=lease.renew_deadline_s,
                retry_s=lease.retry_s,
                takeover_margin_s=lease.takeover_margin_s,
            ),
        )
        self._missing_kinds: list[str] = ["the API server has not answered yet"]
        self._ending = asyncio.Event()

    async def run(self) -> int:
        """Serve until told to end or until it must not go on."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ending.set)
        self._collect()
        http = HttpServer(self._operator.registry, missing=lambda: self._missing_kinds)
        await http.start(self._settings.http.host, self._settings.http.port)
        ending = asyncio.create_task(self._ending.wait(), name="ending")
        serving = asyncio.create_task(self._serve(), name="serving")
        try:
            await asyncio.wait({ending, serving}, return_when=asyncio.FIRST_COMPLETED)
            if ending.done():
                await self._drain(serving)
                return 0
            try:
                serving.result()
            except* _EndError as ended:
                log.critical("ending", why=str(ended.exceptions[0]))
            return 1
        finally:
            ending.cancel()
            serving.cancel()
            self._operator.close()
            await self._elector.release()
            await http.stop()

    async def _serve(self) -> None:
        """Lead and serve; returns or raises when this process must not go on."""
        operator, clock, settings = self._operator, self._clock, self._settings
        await self._wait_for_kinds()
        await self._elector.lead()
        stop = KubeStop(self._kube, namespace=settings.namespace)
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(self._until_lost(), name="lease")]
            # Before any pass: what is not read yet stops everything, and would be shown as if somebody had stopped it.
            await read_stop(stop, self._fence)
            beside += [
                group.create_task(
                    follow_stop(stop, self._fence, clock, every_s=settings.stop_poll_s, wake=operator.wake_pools),
                    name="stop-switch",
                ),
            ]
            await sync(operator.store, self._objects, clock, retry_s=settings.lease.retry_s)
            watch = KopfThread(self._kube.connection, namespaces=settings.watch_namespaces, feed=self._feed)
            watch.start()
            operator.synced()
            beside += [
                group.create_task(self._until_blind(watch), name="watch"),
                group.create_task(sweep(operator.store, self._objects, clock, every_s=settings.sweep_s), name="sweep"),
            ]
            await operator.serve()
            watch.stop()
            for task in beside:
                task.cancel()

    async def _until_lost(self) -> None:
        await self._elector.keep()
        raise _EndError("leadership lost")

    async def _until_blind(self, watch: KopfThread) -> None:
        await watch.ended
        raise _EndError("the watch ended")

    def _feed(self, event: str | None, body: Mapping[str, Any]) -> None:
        if event == "DELETED":
            self._operator.store.remove(body)
        else:
            self._operator.store.put(body)

    async def _wait_for_kinds(self) -> None:
        while True:
            began_s = self._clock.monotonic()
            try:
                self._missing_kinds = await self._objects.missing_kinds() or outdated(await self._objects.schemas())
            except KubeError as error:
                self._missing_kinds = [f"the API server does not answer: {error}"]
            if not self._missing_kinds:
                return
            log.warning("not ready", missing=self._missing_kinds)
            await self._clock.sleep_until(began_s + self._settings.lease.retry_s)

    async def _drain(self, serving: asyncio.Task[None]) -> None:
        log.info("ending", waits_s=DRAIN_S)
        self._operator.queue.close()
        if self._elector.leading:
            await asyncio.wait({serving}, timeout=DRAIN_S)
        self._fence.close()

    def _collect(self) -> None:
        operator = self._operator
        registry = operator.registry
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        registry.register(
            ObjectCollector(
                Sources(
                    pools=operator.store.pools,
                    accounts=operator.store.accounts,
                    policies=operator.store.policies,
                    leading=lambda: self._elector.leading,
                    stop=lambda: self._fence.stop,
                    headroom=lambda: operator.brake.headroom(None),
                    queue_depth=lambda: operator.queue.depth,
                )
            )
        )
