"""Reads clouds in the background: one task per (account, location), shared by every pool that has members there.

`observer` says what to look at (`attend`) and takes what was seen (`sight`, `operation`); `act` says what was written
(`wrote`). A pool is woken only when something that concerns it changed, so that a fleet at rest makes no passes.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from multicloud.model.account import AccountObject
from multicloud.model.error import CloudError
from multicloud.model.port import Clock, ClusterPools, Lane, Lanes, Wake
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import ClusterRef, NodePoolRef, ObjectKey
from multicloud.model.size import Detail, NodePool, Operation, OperationState, Sight

BATCH_SLACK = 0.1
"""Share of the interval by which a cluster may be read early to ride along with another one of its place."""

FRESH_INTERVALS = 3
"""Facts older than this many intervals are Unknown (product rule)."""

LONGEST_WAIT_S = 300.0
"""The longest wish of a cloud not to be asked that is followed, in seconds: one of years would end all looking."""

log: structlog.stdlib.BoundLogger = structlog.get_logger("looker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """Seconds between reads: at rest, between full descriptions, and while something moves (first, slowest)."""

    interval_s: float
    describe_s: float
    busy_min_s: float
    busy_max_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """A node pool that a MultiCloudPool wants looked at.

    `hot`: something moves. `settling`: an intent of ours waits for its end, so every look is news, also one that
    finds nothing changed. `operation`: the one to poll.
    """

    account: ObjectKey
    node_pool: NodePoolRef
    hot: bool
    settling: bool = False
    operation: str | None = None


@dataclass(slots=True)
class _Watched:
    """One cluster of a place: who wants what, and when it is looked at next."""

    wants: dict[tuple[ObjectKey, NodePoolRef], Want] = field(default_factory=dict)
    due_s: float = 0.0
    described_s: float = float("-inf")
    busy_s: float = 0.0

    @property
    def hot(self) -> bool:
        return any(want.hot for want in self.wants.values())


@dataclass(slots=True)
class _Place:
    """One account and location, read by one task."""

    account: ObjectKey
    clusters: dict[ClusterRef, _Watched] = field(default_factory=dict)
    kicked: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


PlaceKey = tuple[ObjectKey, str]


class Lookers:
    """All reading of node pools. Methods are called on the main loop and never wait."""

    def __init__(
        self,
        lanes: Lanes,
        clock: Clock,
        cadence: Cadence,
        *,
        account: Callable[[ObjectKey], AccountObject | None],
        wake: Wake,
    ) -> None:
        """`account` finds the account object as it is now, `wake` asks for a pass over a pool."""
        self._lanes = lanes
        self._clock = clock
        self._cadence = cadence
        self._account = account
        self._wake = wake
        self._places: dict[PlaceKey, _Place] = {}
        self._sights: dict[tuple[ObjectKey, NodePoolRef], Sight] = {}
        self._wrote_s: dict[tuple[ObjectKey, NodePoolRef], float] = {}
        self._operations: dict[tuple[ObjectKey, NodePoolRef], Operation] = {}
        self._polls_s: dict[tuple[ObjectKey, NodePoolRef], float] = {}
        self._wanted: dict[ObjectKey, frozenset[tuple[ObjectKey, NodePoolRef]]] = {}
        self._observed: dict[ObjectKey | None, int] | None = None

    def attend(self, pool: ObjectKey, wants: Sequence[Want]) -> None:
        """Replace what a MultiCloudPool wants looked at; an empty sequence forgets the pool."""
        now_s = self._clock.monotonic()
        wanted = {(want.account, want.node_pool) for want in wants}
        for account, node_pool in self._wanted.pop(pool, frozenset()) - wanted:
            self._unwant(pool, account, node_pool)
        if wanted:
            self._wanted[pool] = frozenset(wanted)
        for want in wants:
            self._want(pool, want, now_s)

    def sight(self, account: ObjectKey, node_pool: NodePoolRef) -> Sight:
        """What is known of a node pool."""
        return self._sights.get((account, node_pool), Sight())

    def fresh(self, account: ObjectKey, node_pool: NodePoolRef) -> bool:
        """True when the facts are young enough to shrink on and newer than our own last write."""
        sight = self.sight(account, node_pool)
        if sight.proved is None:
            return False
        young = self._clock.monotonic() - sight.began_s <= FRESH_INTERVALS * self._cadence.interval_s
        return young and sight.began_s > self._wrote_s.get((account, node_pool), float("-inf"))

    def operation(self, account: ObjectKey, node_pool: NodePoolRef) -> Operation | None:
        """The newest poll of the operation that was asked for."""
        return self._operations.get((account, node_pool))

    def observed_nodes(self, account: ObjectKey | None) -> int:
        """Nodes requested over all proved node pools (of one account), each counted once: what the brake is a share of."""
        if self._observed is None:
            self._observed = self._count()
        return self._observed.get(account, 0)

    def wrote(self, account: ObjectKey, node_pool: NodePoolRef, *, poll_after_s: float | None = None) -> None:
        """A write was answered (or its answer was lost) just now: older reads prove nothing, look soon."""
        now_s = self._clock.monotonic()
        self._wrote_s[account, node_pool] = now_s
        self._operations.pop((account, node_pool), None)
        self._poll_after((account, node_pool), poll_after_s)
        self._look_at(account, node_pool, now_s + self._cadence.busy_min_s)

    def look_now(self, account: ObjectKey, node_pool: NodePoolRef) -> None:
        """What we know was just contradicted by the cloud: read again at once, in full."""
        self._look_at(account, node_pool, self._clock.monotonic())

    def account_changed(self, account: ObjectKey) -> None:
        """Its spec or secret may work now: try at once."""
        for place in self._places.values():
            if place.account == account:
                for watched in place.clusters.values():
                    watched.due_s = self._clock.monotonic()
                place.kicked.set()

    def close(self) -> None:
        """Stop all reading."""
        for place_key in list(self._places):
            self._close(place_key)

    def _want(self, pool: ObjectKey, want: Want, now_s: float) -> None:
        place_key = (want.account, want.node_pool.cluster.location)
        place = self._places.get(place_key)
        if place is None:
            place = self._places[place_key] = _Place(account=want.account)
            place.task = asyncio.create_task(self._look(place), name=f"look {want.account.name} {place_key[1]}")
        cluster = want.node_pool.cluster
        watched = place.clusters.setdefault(cluster, _Watched(due_s=now_s))
        before = watched.wants.get((pool, want.node_pool))
        watched.wants[pool, want.node_pool] = want
        if before is None and not self.sight(want.account, want.node_pool).looked:
            watched.due_s = now_s
            watched.described_s = float("-inf")
        elif want.hot and (before is None or not before.hot):
            watched.busy_s = self._cadence.busy_min_s
            watched.due_s = min(watched.due_s, now_s + watched.busy_s)
        place.kicked.set()

    def _look_at(self, account: ObjectKey, node_pool: NodePoolRef, due_s: float) -> None:
        place = self._places.get((account, node_pool.cluster.location))
        if place is None or node_pool.cluster not in place.clusters:
            return
        watched = place.clusters[node_pool.cluster]
        watched.busy_s = self._cadence.busy_min_s
        watched.due_s = min(watched.due_s, due_s)
        watched.described_s = float("-inf")
        place.kicked.set()

    def _unwant(self, pool: ObjectKey, account: ObjectKey, node_pool: NodePoolRef) -> None:
        place_key = (account, node_pool.cluster.location)
        place = self._places[place_key]
        watched = place.clusters[node_pool.cluster]
        del watched.wants[pool, node_pool]
        if all(other != node_pool for _, other in watched.wants):
            self._observed = None
            for kept in (self._sights, self._wrote_s, self._operations, self._polls_s):
                kept.pop((account, node_pool), None)
        if not watched.wants:
            del place.clusters[node_pool.cluster]
        if not place.clusters:
            self._close(place_key)

    def _count(self) -> dict[ObjectKey | None, int]:
        fleet: dict[NodePoolRef, int] = {}
        counted: dict[ObjectKey | None, int] = {}
        for (account, node_pool), sight in self._sights.items():
            if sight.proved is not None:
                fleet[node_pool] = sight.proved.requested
                counted[account] = counted.get(account, 0) + sight.proved.requested
        counted[None] = sum(fleet.values())
        return counted

    def _close(self, place_key: PlaceKey) -> None:
        place = self._places.pop(place_key)
        if place.task is not None:
            place.task.cancel()

    async def _look(self, place: _Place) -> None:
        while True:
            place.kicked.clear()
            now_s = self._clock.monotonic()
            if any(watched.due_s <= now_s for watched in place.clusters.values()):
                await self._read(place, now_s)
            elif place.clusters:
                await self._until(place, min(watched.due_s for watched in place.clusters.values()))
            else:
                await place.kicked.wait()

    async def _until(self, place: _Place, due_s: float) -> None:
        async def due() -> None:
            await self._clock.sleep_until(due_s)

        waits = [asyncio.create_task(due()), asyncio.create_task(_waited(place.kicked))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _read(self, place: _Place, now_s: float) -> None:
        slack_s = BATCH_SLACK * self._cadence.interval_s
        batch = {
            cluster: watched
            for cluster, watched in place.clusters.items()
            if watched.due_s <= now_s or (not watched.hot and watched.due_s <= now_s + slack_s)
        }
        full = [c for c, w in batch.items() if w.hot or now_s - w.described_s >= self._cadence.describe_s]
        sizes = [cluster for cluster in batch if cluster not in full]
        account = self._account(place.account)
        retry_after_s = 0.0
        try:
            if account is None:
                return
            lane = await self._lanes.lane(account)
            for clusters, detail in ((full, Detail.FULL), (sizes, Detail.SIZES)):
                if clusters:
                    began_s = self._clock.monotonic()
                    self._take(place, clusters, detail, await lane.list(clusters, detail=detail), began_s)
            await self._poll(place, lane, full)
        except CloudError as error:
            retry_after_s = error.retry_after_s or 0.0
            for cluster, watched in batch.items():
                self._trouble(place, cluster, watched, error.reason)
        finally:
            self._reschedule(batch, retry_after_s)

    def _reschedule(self, batch: Mapping[ClusterRef, _Watched], retry_after_s: float) -> None:
        now_s = self._clock.monotonic()
        for watched in batch.values():
            if watched.hot:
                watched.busy_s = min(max(watched.busy_s * 1.5, self._cadence.busy_min_s), self._cadence.busy_max_s)
                wait_s = watched.busy_s
            else:
                watched.busy_s = 0.0
                wait_s = self._cadence.interval_s
            watched.due_s = now_s + max(wait_s, min(retry_after_s, LONGEST_WAIT_S))

    def _take(
        self, place: _Place, clusters: Sequence[ClusterRef], detail: Detail, got: ClusterPools, began_s: float
    ) -> None:
        for cluster in clusters:
            watched = place.clusters.get(cluster)
            if watched is None:
                continue
            answer = got.get(cluster, ())
            if isinstance(answer, CloudError):
                self._trouble(place, cluster, watched, answer.reason)
                continue
            if detail is Detail.FULL:
                watched.described_s = began_s
            found = {node_pool.ref: node_pool for node_pool in answer}
            for node_pool in {node_pool for _, node_pool in watched.wants}:
                alone = got.get(node_pool)
                if isinstance(alone, CloudError):
                    self._trouble_of(place, watched, node_pool, alone.reason)
                else:
                    self._see(place, watched, node_pool, found.get(node_pool), detail, began_s)

    def _see(
        self,
        place: _Place,
        watched: _Watched,
        node_pool: NodePoolRef,
        found: NodePool | None,
        detail: Detail,
        began_s: float,
    ) -> None:
        before = self.sight(place.account, node_pool)
        was_fresh = self.fresh(place.account, node_pool)
        if found is not None:
            good_reads = min(before.good_reads + 1, 2)
            now = self._clock.now()
            sight = Sight(proved=found, read_at=now, began_s=began_s, good_reads=good_reads, looked=True)
        elif detail is Detail.SIZES:
            watched.described_s = float("-inf")  # the cheap read cannot prove absence: describe at the next look
            return
        else:
            text = f"node pool {node_pool.name} does not exist in cluster {node_pool.cluster.name}"
            sight = Sight(looked=True, trouble=Reason(code=Code.NODE_POOL_NOT_FOUND, text=text))
        self._sights[place.account, node_pool] = sight
        self._observed = None
        settling = any(want.settling for (_, other), want in watched.wants.items() if other == node_pool)
        if settling or not was_fresh or _telling(before) != _telling(sight):
            self._wake_owners(watched, node_pool)

    def _trouble(self, place: _Place, cluster: ClusterRef, watched: _Watched, reason: Reason) -> None:
        log.warning("cloud not read", account=str(place.account), cluster=str(cluster), reason=str(reason.code))
        for node_pool in {node_pool for _, node_pool in watched.wants}:
            self._trouble_of(place, watched, node_pool, reason)

    def _trouble_of(self, place: _Place, watched: _Watched, node_pool: NodePoolRef, reason: Reason) -> None:
        before = self.sight(place.account, node_pool)
        self._sights[place.account, node_pool] = replace(before, trouble=reason, good_reads=0, looked=True)
        # Also when the trouble is an old one: time alone may have made the facts too old.
        self._wake_owners(watched, node_pool)

    def _wake_owners(self, watched: _Watched, node_pool: NodePoolRef) -> None:
        for pool, other in watched.wants:
            if other == node_pool:
                self._wake(pool, 0.0)

    async def _poll(self, place: _Place, lane: Lane, clusters: Sequence[ClusterRef]) -> None:
        for cluster in clusters:
            watched = place.clusters.get(cluster)
            for want in list(watched.wants.values()) if watched else ():
                if watched and want.operation is not None:
                    await self._poll_one(watched, lane, want, want.operation)

    async def _poll_one(self, watched: _Watched, lane: Lane, want: Want, operation_id: str) -> None:
        """Ask for an operation, not before the cloud wishes to be asked again."""
        key = (want.account, want.node_pool)
        known = self._operations.get(key)
        known = known if known is not None and known.id == operation_id else None
        if (known is not None and known.state in _ENDED) or self._clock.monotonic() < self._polls_s.get(key, 0.0):
            return
        asked = Operation(id=operation_id, pool=want.node_pool, state=OperationState.RUNNING)
        try:
            told = await lane.poll(asked)
        except CloudError as error:
            log.warning("operation not polled", operation=operation_id, reason=str(error.reason.code))
            self._poll_after(key, error.retry_after_s)
            return
        self._operations[key] = told
        self._poll_after(key, told.retry_after_s)
        if known is None or known.state is not told.state:
            self._wake_owners(watched, want.node_pool)

    def _poll_after(self, key: tuple[ObjectKey, NodePoolRef], wish_s: float | None) -> None:
        self._polls_s[key] = self._clock.monotonic() + min(wish_s or 0.0, LONGEST_WAIT_S)


_ENDED = frozenset({OperationState.DONE, OperationState.FAILED, OperationState.CANCELED, OperationState.LOST})


def _telling(sight: Sight) -> object:
    """What of a sight can change a decision or a status; the etag moves without either."""
    proved = replace(sight.proved, version="") if sight.proved else None
    return proved, sight.trouble.code if sight.trouble else None, sight.good_reads, sight.looked


async def _waited(event: asyncio.Event) -> None:
    await event.wait()
