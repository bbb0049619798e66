"""The task of one member cluster: enter, list, watch, and again with back-off. Fills Counts, tells when they changed.

It hears of nothing but its own cluster, so a cluster that hangs, throttles or answers garbage delays nobody. What it knows
is dropped when nothing was heard for FRESH_S: what is too old counts as not known.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

import structlog

from multicloud.kube.client import KubeClient, KubeError
from multicloud.kube.members import autoscaler
from multicloud.kube.members.autoscaler import AutoscalerStatus
from multicloud.kube.members.counts import Counts
from multicloud.kube.members.entering import enter, why_not
from multicloud.model.error import CloudError, Refused
from multicloud.model.member import ClusterCredential, ClusterLogin, Inside, Load, SeenNode
from multicloud.model.pods import Crowd
from multicloud.model.port import Clock
from multicloud.model.reason import Reason

SILENCE_S: Final = 150.0
"""A watch that brings not even a bookmark for so long hangs: API servers send one about every minute."""
FRESH_S: Final = 180.0
"""What was heard last counts for so long."""
WATCH_S: Final = 300
"""How long one watch request lasts; the next one goes on where it ended, with a newer token if need be."""
RELIST_S: Final = 3600.0
"""How often everything is listed anew: requests that change in place are seen then."""
AUTOSCALER_S: Final = 60.0
"""How often the status of a Cluster Autoscaler is read."""
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 600.0
"""Back-off between attempts to enter, doubling; a refusal, which only a person mends, starts at a minute."""
REFUSED_WAIT_S: Final = 60.0

LASTING_S: Final = 60.0
"""A stay that lasted so long was a good one: back-off starts anew."""
SHORTEST_S: Final = 1.0
"""A watch that ends sooner is none."""

# Cluster-wide on purpose: nodes have no namespace.
NODES: Final = "/api/v1/nodes"
# All namespaces on purpose: what is scheduled on a node comes from every one of them.
PODS: Final = "/api/v1/pods"
SCHEDULED: Final = {"fieldSelector": "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed"}
UNSCHEDULED: Final = {"fieldSelector": "spec.nodeName=,status.phase=Pending"}
_PAGE: Final = {"limit": "250"}

Handle = Callable[[Mapping[str, Any]], str | None]
Enter = Callable[[ClusterCredential | None], Awaitable[ClusterCredential]]

log: structlog.stdlib.BoundLogger = structlog.get_logger("members")


@dataclass(slots=True)
class _Known:
    """What is known of the cluster. `heard_s` is when it said anything last, by the monotonic clock."""

    counts: Counts
    heard_s: float
    autoscaled: frozenset[str] = frozenset()
    troubles: dict[str, Reason] = field(default_factory=dict)


class Watching:
    """One cluster, watched until closed."""

    def __init__(
        self, login: ClusterLogin, credential: Enter, clock: Clock, told: Callable[[], None], *, installation: str
    ) -> None:
        """`credential` gives a way in, renewed if one is known; `told` is called when anything may have changed.

        `installation` is whose marks on nodes are ours.

        Must be made on the loop that it runs on.
        """
        self.login = login
        self.wants_autoscaler = False
        self._credential = credential
        self._clock = clock
        self._told = told
        self._installation = installation
        self._visit: _Visit | None = None
        self._known: _Known | None = None
        self._counts: Counts | None = None
        """The newest, however old: what nodes are like is worth knowing when the last of them has gone."""
        self._trouble: Reason | None = None
        self._task = asyncio.create_task(self._follow(), name=f"watch {login.cluster.name}")

    def inside(self, node_pool: str) -> Inside:
        """What is known of a node pool now."""
        known = self._known
        if known is None or self._clock.monotonic() - known.heard_s > FRESH_S:
            return Inside(trouble=self._trouble)
        counted = known.counts.counted(node_pool)
        return Inside(
            counted=replace(counted, needed=None, unscheduled=None) if "pods" in known.troubles else counted,
            autoscaled=known.autoscaled,
            trouble=next(iter(known.troubles.values()), None),
        )

    def load(self, node_pool: str) -> Load | None:
        """What its nodes offer and its pods request now; None where that is not known."""
        known = self._known
        if known is None or "pods" in known.troubles or self._clock.monotonic() - known.heard_s > FRESH_S:
            return None
        return known.counts.load(node_pool)

    def nodes(self, node_pool: str) -> Sequence[SeenNode]:
        """Its nodes now, as the port Cordons says."""
        known = self._known
        if known is None or self._clock.monotonic() - known.heard_s > FRESH_S:
            return ()
        nodes = known.counts.nodes(node_pool)
        return [replace(node, filled=None) for node in nodes] if "pods" in known.troubles else nodes

    @property
    def way_in(self) -> ClusterCredential | None:
        """What lets us in now; None while we are not inside."""
        return self._visit.credential if self._visit else None

    def crowd(self, node_pools: Iterable[str]) -> Crowd | None:
        """The pods that wait now, and what these node pools have for them; None where that is not known."""
        known = self._known
        if known is None or "pods" in known.troubles or self._clock.monotonic() - known.heard_s > FRESH_S:
            return None
        return known.counts.crowd(node_pools)

    def close(self) -> None:
        """Stop."""
        self._task.cancel()

    async def _follow(self) -> None:
        wait_s = 0.0
        credential: ClusterCredential | None = None
        while True:
            began_s = self._clock.monotonic()
            try:
                credential = await self._credential(credential)
                async with enter(credential) as kube:
                    await self._look_trusting(kube, credential)
                wait_s = 0.0
            except (CloudError, KubeError) as error:
                credential = None
                lasted = self._clock.monotonic() - began_s > LASTING_S
                if lasted and isinstance(error, KubeError) and error.status == 401:
                    wait_s = 0.0  # a token that was good has ended early: a new one is tried at once
                else:
                    wait_s = self._failed(error, 0.0 if lasted else wait_s)
            if wait_s > 0:
                await self._pause(wait_s)

    def _failed(self, error: CloudError | KubeError, waited_s: float) -> float:
        """Say it; returns how long to wait."""
        refused = isinstance(error, Refused) or (isinstance(error, KubeError) and error.denied)
        self._trouble = error.reason if isinstance(error, CloudError) else why_not(error, self.login.cluster)
        log.warning("member cluster not seen", cluster=str(self.login.cluster), reason=str(self._trouble.code))
        if refused or self._known is None or self._clock.monotonic() - self._known.heard_s > FRESH_S:
            self._known = None
        self._told()
        least_s = REFUSED_WAIT_S if refused else FIRST_WAIT_S
        asked_s = (error.retry_after_s or 0.0) if isinstance(error, CloudError) else 0.0
        return max(asked_s, min(LONGEST_WAIT_S, max(least_s, 2 * waited_s)))

    async def _pause(self, wait_s: float) -> None:
        """Wait; what grows too old meanwhile is dropped in time."""
        end_s = self._clock.monotonic() + wait_s
        known = self._known
        if known is not None and known.heard_s + FRESH_S < end_s:
            await self._clock.sleep_until(known.heard_s + FRESH_S)
            self._known = None
            self._told()
        await self._clock.sleep_until(end_s)

    async def _look_trusting(self, kube: KubeClient, credential: ClusterCredential) -> None:
        """Look, as if answers had the shape that the API promises; one that has not is an error of that server's."""
        try:
            await self._look(kube, credential)
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError):
            # A cluster may be anybody's. Let out, this would end its task, and it would be seen no more.
            raise KubeError(0, "an answer that holds no such objects") from None

    async def _look(self, kube: KubeClient, credential: ClusterCredential) -> None:
        """List, then watch until it is time to list anew. Raises KubeError, CloudError."""
        began_s = self._clock.monotonic()
        before = self._known
        shapes = self._counts.shapes() if self._counts else None
        counts = self._counts = Counts(self.login.cluster.cloud, self._installation, shapes)
        troubles: dict[str, Reason] = {}
        nodes_version = await self._list(kube, NODES, {}, counts.node)
        try:
            pods_version = await self._list(kube, PODS, SCHEDULED, counts.pod)
            waiting_version = await self._list(kube, PODS, UNSCHEDULED, counts.unscheduled)
        except KubeError as error:
            if not error.denied:
                raise
            # Nodes alone are worth seeing; only what the pods need stays unknown.
            pods_version = waiting_version = ""
            troubles["pods"] = why_not(error, self.login.cluster)
        self._known = _Known(
            counts=counts,
            heard_s=self._clock.monotonic(),
            autoscaled=before.autoscaled if before else frozenset(),
            troubles=troubles,
        )
        self._trouble = None
        self._told()
        lasts_s = LONGEST_WAIT_S if troubles else RELIST_S
        visit = self._visit = _Visit(kube=kube, credential=credential, known=self._known, end_s=began_s + lasts_s)
        try:
            async with asyncio.TaskGroup() as group:
                nodes = {"ADDED": counts.node, "MODIFIED": counts.node, "DELETED": counts.node_gone}
                group.create_task(self._watch(visit, NODES, {}, nodes_version, nodes))
                if pods_version:
                    pods = {"ADDED": counts.pod, "DELETED": counts.pod_gone}
                    group.create_task(self._watch(visit, PODS, SCHEDULED, pods_version, pods))
                    waiting = {
                        "ADDED": counts.unscheduled,
                        "MODIFIED": counts.unscheduled_changed,
                        "DELETED": counts.unscheduled_no_more,
                    }
                    group.create_task(self._watch(visit, PODS, UNSCHEDULED, waiting_version, waiting))
                group.create_task(self._ask_autoscaler(visit))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        finally:
            self._visit = None

    async def _list(self, kube: KubeClient, path: str, query: Mapping[str, str], handle: Handle) -> str:
        version = ""
        async with aclosing(kube.pages(path, {**query, **_PAGE})) as pages:
            async for page in pages:
                version = str((page.get("metadata") or {}).get("resourceVersion") or "")
                for body in page.get("items") or ():
                    handle(body)
        if not version:
            raise KubeError(0, f"an answer that is no list from {kube.server}")
        return version

    async def _watch(
        self, visit: "_Visit", path: str, query: Mapping[str, str], version: str, handles: Mapping[str, Handle]
    ) -> None:
        is_nodes = path == NODES
        while (began_s := self._clock.monotonic()) < visit.end_s:
            await self._renew(visit)
            wished = {**query, "resourceVersion": version, "timeoutSeconds": str(self._watch_s)}
            async with aclosing(visit.kube.watch(path, wished, silence_s=SILENCE_S)) as events:
                async for event in events:
                    kind, body = str(event.get("type")), event.get("object") or {}
                    version = str((body.get("metadata") or {}).get("resourceVersion") or version)
                    visit.known.heard_s = self._clock.monotonic() if is_nodes else visit.known.heard_s
                    if (handle := handles.get(kind)) is not None:
                        self._changed(handle(body))
            if self._clock.monotonic() - began_s < SHORTEST_S:
                raise KubeError(0, f"{visit.kube.server} ends its watches at once")

    @property
    def _watch_s(self) -> int:
        # A tenant's Secret that changed is used within a minute.
        return 60 if self.login.kubeconfig else WATCH_S

    async def _renew(self, visit: "_Visit") -> None:
        """Have a token that outlives the next request; ends the visit where another way in is told."""
        ends = visit.credential.expires_at
        margin = timedelta(seconds=WATCH_S + 60)
        if not self.login.kubeconfig and (ends is None or ends - self._clock.now() > margin):
            return
        newer = await self._credential(visit.credential)
        if replace(newer, token="", expires_at=None) != replace(visit.credential, token="", expires_at=None):
            raise KubeError(0, "the way into the cluster has changed")
        visit.kube.carry(newer.token)
        visit.credential = newer

    async def _ask_autoscaler(self, visit: "_Visit") -> None:
        status = AutoscalerStatus()
        while True:
            if self.wants_autoscaler:
                await self._read_autoscaler(visit, status)
            due_s = min(self._clock.monotonic() + AUTOSCALER_S, visit.end_s)
            await self._clock.sleep_until(due_s)
            if due_s >= visit.end_s:
                return

    async def _read_autoscaler(self, visit: "_Visit", status: AutoscalerStatus) -> None:
        found: Mapping[str, Any] | None = None
        visit.known.troubles.pop("autoscaler", None)
        try:
            found = await visit.kube.call("GET", autoscaler.PATH)
        except KubeError as error:
            if error.status == 403:
                visit.known.troubles["autoscaler"] = why_not(error, self.login.cluster)
            elif not error.gone:
                raise
        visit.known.autoscaled = status.groups(found, self._clock.now())
        self._told()

    def _changed(self, node_pool: str | None) -> None:
        if node_pool is not None:
            self._told()


@dataclass(slots=True, kw_only=True)
class _Visit:
    """One stay in a cluster: from a list to the next."""

    kube: KubeClient
    credential: ClusterCredential
    known: _Known
    end_s: float
