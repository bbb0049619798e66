"""An account's cloud made awaitable: breaker, rate limit, threads and deadlines around a blocking door.

`registry` makes a lane around each door it opens; `observe` and `act` await it. Every call leaves one log line and its
numbers here, and whatever an SDK raises on garbage becomes a typed error here.
"""

import asyncio
import re
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

import structlog

from multicloud.clouds.metering import LaneMetrics
from multicloud.clouds.pace import CAREFUL, PACES, Breaker, BucketKey, Buckets
from multicloud.clouds.threads import Job, LaneThreads
from multicloud.model.error import (
    CloudError,
    Conflict,
    NoCapacity,
    NotSent,
    OutcomeUnknown,
    Refused,
    Throttled,
    Unavailable,
    refused,
)
from multicloud.model.member import ClusterCredential
from multicloud.model.permission import Permission
from multicloud.model.port import Clock, CloudDoor, ClusterPools
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import Cloud, ClusterRef, NodePoolRef, ObjectKey
from multicloud.model.size import Detail, NodePool, Operation, Principal, Resize

T = TypeVar("T")

READ_THREADS: Final = 4
WRITE_THREADS: Final = 4
"""Threads of one lane, at most: a read that hangs never delays a resize, and four hung ones delay reads only."""

READ_COST: Final = 2.0
"""About how many calls it takes to read one node pool: what describes it, and its size."""

log: structlog.stdlib.BoundLogger = structlog.get_logger("cloud")

_CODE_CLASSES: Sequence[tuple[type[CloudError], str]] = (
    (Throttled, "throttled"),
    (Unavailable, "unavailable"),
    (Conflict, "conflict"),
    (NoCapacity, "no_capacity"),
    (Refused, "refused"),
    (OutcomeUnknown, "unknown"),
    (NotSent, "not_sent"),
)


_AWAY: Final = frozenset({Code.UNAVAILABLE, Code.TIMED_OUT, Code.UNEXPECTED})
"""What counts for a breaker: no answer, none in time, none that is one. An expired token or a stale look is an answer."""


@dataclass(slots=True)
class InFlight:
    """How many calls of all lanes are in a thread, or queued for one."""

    calls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all lanes of a process share. `call_timeout_s` is the deadline of one call, in real seconds."""

    clock: Clock
    buckets: Buckets
    metrics: LaneMetrics
    call_timeout_s: float
    in_flight: InFlight = field(default_factory=InFlight)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One call on its way: what is asked, of which cloud account, where."""

    operation: str
    owner: str
    place: str
    write: bool = False
    removes: bool = False
    pool: str = ""
    cost: float = 1.0

    @property
    def family(self) -> str:
        return "write" if self.write else "read"


@dataclass(slots=True)
class _Places:
    """Breakers by place and family."""

    account: ObjectKey
    cloud: Cloud
    breakers: dict[tuple[str, str], Breaker] = field(default_factory=dict)

    def breaker(self, call: _Call) -> Breaker:
        key = (call.place, call.family)
        if key not in self.breakers:
            where = f" in {call.place}" if call.place else ""
            self.breakers[key] = Breaker(f"{self.cloud}{where} (account {self.account.name}, {call.family}s)")
        return self.breakers[key]

    @property
    def any_open(self) -> bool:
        return any(breaker.open for breaker in self.breakers.values())


class CloudLane:
    """Implements the port Lane. Used on one event loop."""

    def __init__(
        self, door: CloudDoor, *, account: ObjectKey, cloud: Cloud, shared: Shared, auth_failed: Callable[[], None]
    ) -> None:
        """`auth_failed` is told when the cloud does not accept the identity."""
        self._door = door
        self._account = account
        self._cloud = cloud
        self._shared = shared
        self._auth_failed = auth_failed
        self._pace = PACES.get(cloud, CAREFUL)
        self._places = _Places(account, cloud)
        self._owner = ""
        self._in_flight = 0
        self._reads = self._threads("read", READ_THREADS)
        self._writes = self._threads("write", WRITE_THREADS)

    @property
    def in_flight(self) -> int:
        """Calls that are in a thread, or queued for one."""
        return self._in_flight

    async def whoami(self) -> Principal:
        """As the port says."""
        call = _Call(operation="whoami", owner=self._owner, place="")
        principal = await self._call(call, self._door.identity.whoami)
        # Two accounts of ours may be identities in one AWS account, which counts their calls together.
        arn = re.match(r"arn:[^:]*:[^:]*:[^:]*:(\d{12}):", principal.name)
        self._owner = arn[1] if arn else self._owner
        return principal

    async def list(self, clusters: Sequence[ClusterRef], *, detail: Detail) -> ClusterPools:
        """As the port says; large reads are cut into jobs that end within the deadline, side by side."""
        batches = _batches(clusters, self._pace.full_batch if detail is Detail.FULL else self._pace.sizes_batch)
        answers = await asyncio.gather(*(self._list(batch, detail) for batch in batches))
        errors = [answer for answer in answers if isinstance(answer, CloudError)]
        if errors and len(errors) == len(answers):
            raise errors[0]
        found: dict[ClusterRef | NodePoolRef, Sequence[NodePool] | CloudError] = {}
        for batch, answer in zip(batches, answers, strict=True):
            if isinstance(answer, CloudError):
                found.update(dict.fromkeys(batch, answer))
            else:
                found.update(answer)
        return found

    async def read(self, pool: NodePoolRef) -> NodePool | None:
        """As the port says."""
        cluster = pool.cluster
        call = _Call(operation="read", owner=self._owner_of(cluster), place=cluster.location, cost=READ_COST)
        return await self._call(call, lambda: self._door.node_pools.read(pool))

    async def resize(self, change: Resize, *, token: str) -> Operation:
        """As the port says."""
        ref = change.pool.ref
        call = _Call(
            operation="resize",
            owner=self._owner_of(ref.cluster),
            place=ref.cluster.location,
            write=True,
            removes=change.to < change.pool.requested,
            pool=str(ref),
        )
        return await self._call(call, lambda: self._door.node_pools.resize(change, token=token))

    async def poll(self, operation: Operation) -> Operation:
        """As the port says."""
        cluster = operation.pool.cluster
        call = _Call(operation="poll", owner=self._owner_of(cluster), place=cluster.location)
        return await self._call(call, lambda: self._door.node_pools.poll(operation))

    async def credential(self, cluster: ClusterRef, known: ClusterCredential | None) -> ClusterCredential:
        """As the port says."""
        access = self._door.access
        if access is None:
            raise refused(Code.NO_CLUSTER_ACCESS, f"{self._cloud} has no way into its clusters' own Kubernetes APIs")
        call = _Call(operation="credential", owner=self._owner_of(cluster), place=cluster.location)
        return await self._call(call, lambda: access.credential(cluster, known))

    async def probe(self, pool: NodePoolRef) -> Sequence[Permission]:
        """As the port Probe. Raises CloudError when the lane itself did not come to ask."""
        probe, cluster = self._door.probe, pool.cluster
        if probe is None:
            return ()
        call = _Call(operation="probe", owner=self._owner_of(cluster), place=cluster.location, cost=6)
        return await self._call(call, lambda: probe.probe(pool))

    def close(self) -> None:
        """End the threads once their work is done. Who still holds the lane may finish with it."""
        self._reads.close()
        self._writes.close()
        self._shared.metrics.circuit_open.remove(str(self._cloud), self._credential)

    @property
    def _credential(self) -> str:
        return f"{self._account.namespace}/{self._account.name}"

    def _owner_of(self, cluster: ClusterRef) -> str:
        """The cloud's own account that counts the calls; ours until AWS has told which one it is."""
        return cluster.owner or self._owner or self._credential

    async def _list(self, batch: Sequence[ClusterRef], detail: Detail) -> ClusterPools | CloudError:
        call = _Call(
            operation=f"list-{detail}",
            owner=self._owner_of(batch[0]),
            place=batch[0].location,
            cost=len(batch) * self._pace.full_cost if detail is Detail.FULL else 1.0,
        )
        try:
            return await self._call(call, lambda: self._door.node_pools.list(batch, detail=detail))
        except CloudError as error:
            return error

    async def _call(self, call: _Call, action: Callable[[], T]) -> T:
        clock, breaker = self._shared.clock, self._places.breaker(call)
        began_s = clock.monotonic()
        try:
            breaker.admit(began_s)
            await self._turn(call)
            began_s = clock.monotonic()
            result = await self._run(call, action)
        except CloudError as error:
            self._failed(call, breaker, error, clock.monotonic() - began_s)
            raise
        breaker.answered()
        self._tell(call, None, clock.monotonic() - began_s)
        return result

    async def _turn(self, call: _Call) -> None:
        buckets, pace = self._shared.buckets, self._pace
        if call.write and pace.write_one is not None:
            await buckets.take(self._bucket(call, pool=call.pool), pace.write_one)
        await buckets.take(self._bucket(call), pace.write if call.write else pace.read, call.cost)

    def _bucket(self, call: _Call, pool: str = "") -> BucketKey:
        return BucketKey(
            cloud=self._cloud, owner=call.owner or self._credential, place=call.place, family=call.family, pool=pool
        )

    async def _run(self, call: _Call, action: Callable[[], T]) -> T:
        """Run on a thread until the deadline. Raises CloudError, whatever the SDK raised."""
        threads = self._writes if call.write else self._reads
        job = Job(action, removes=call.removes)
        self._in_flight += 1
        self._shared.in_flight.calls += 1
        try:
            threads.submit(job)
            # Real time: virtual time may jump by hours while an SDK call takes its milliseconds.
            done, _ = await asyncio.wait([job.future], timeout=self._shared.call_timeout_s)
        except asyncio.CancelledError:
            self._give_up(call, threads, job)
            raise
        finally:
            self._in_flight -= 1
            self._shared.in_flight.calls -= 1
        if not done:
            raise _late(call, left=self._give_up(call, threads, job))
        try:
            return job.future.result()
        except CloudError:
            raise
        except Exception as error:  # noqa: BLE001 - an SDK raises anything on garbage
            self._broke(call, error)
            raise _unexpected(call, type(error).__name__, left=job.left) from None

    def _give_up(self, call: _Call, threads: LaneThreads, job: Job[T]) -> bool:
        """Nobody waits any more: nothing leaves from now on. True if a mutation may have left before."""
        left = job.give_up()
        job.future.cancel()
        self._watch(call, threads, job)
        return left

    def _broke(self, call: _Call, error: Exception) -> None:
        """Log where, not what: an SDK's sentence may hold anything, secrets too."""
        frame = traceback.extract_tb(error.__traceback__)[-1]
        log.error(
            "cloud call broke",
            account=str(self._account),
            operation=call.operation,
            error=type(error).__name__,
            where=f"{frame.filename}:{frame.lineno}",
        )

    def _watch(self, call: _Call, threads: LaneThreads, job: Job[T]) -> None:
        """Replace the job's thread if it still hangs when its deadline has passed a second time."""

        def look() -> None:
            if threads.lose(job):
                self._shared.metrics.abandoned.labels(call.family, str(self._cloud)).inc()
                log.error("thread given up", account=str(self._account), operation=call.operation)

        asyncio.get_running_loop().call_later(self._shared.call_timeout_s, look)

    def _failed(self, call: _Call, breaker: Breaker, error: CloudError, duration_s: float) -> None:
        metrics = self._shared.metrics
        match error:
            case Unavailable() | OutcomeUnknown() if error.reason.code in _AWAY:
                breaker.failed(self._shared.clock.monotonic())
            case NotSent():
                pass  # says nothing of the cloud
            case _:
                breaker.answered()
        if error.reason.code is Code.THROTTLED:
            metrics.throttled.labels(str(self._cloud), call.operation).inc()
        if isinstance(error, Throttled):
            self._pause(call, error.retry_after_s)
        if error.reason.code is Code.AUTH_FAILED:
            self._auth_failed()
        self._tell(call, error, duration_s)

    def _pause(self, call: _Call, seconds: float | None) -> None:
        """Follow the cloud's wish, as narrowly as it counts: no pool waits for another's limit, it only slows down."""
        buckets, pace = self._shared.buckets, self._pace
        rate = pace.write if call.write else pace.read
        if call.write and pace.write_one is not None:
            buckets.pause(self._bucket(call, pool=call.pool), pace.write_one, seconds)
            buckets.slow(self._bucket(call), rate)
        else:
            buckets.pause(self._bucket(call), rate, seconds)

    def _tell(self, call: _Call, error: CloudError | None, duration_s: float) -> None:
        metrics, cloud = self._shared.metrics, str(self._cloud)
        metrics.requests.labels(cloud, call.operation, _code_class(error)).inc()
        metrics.seconds.labels(cloud, call.operation).observe(duration_s)
        metrics.circuit_open.labels(cloud, self._credential).set(self._places.any_open)
        quiet = error is None and not call.write
        (log.debug if quiet else log.info if error is None else log.warning)(
            "cloud call",
            account=str(self._account),
            cloud=cloud,
            operation=call.operation,
            place=call.place,
            duration_s=round(duration_s, 3),
            outcome="Ok" if error is None else str(error.reason.code),
            why=None if error is None else error.reason.text,
        )

    def _threads(self, pool: str, size: int) -> LaneThreads:
        metrics, labels = self._shared.metrics, (pool, str(self._cloud))
        return LaneThreads(
            f"{self._cloud}-{self._account.name}-{pool}",
            size,
            count=metrics.threads.labels(*labels).inc,
            waiting=metrics.queued.labels(*labels).inc,
        )


def _batches(clusters: Sequence[ClusterRef], size: int) -> list[Sequence[ClusterRef]]:
    """Cut into jobs; each is of one cloud account and place, as the rate limits are."""
    places: dict[tuple[str, str], list[ClusterRef]] = {}
    for cluster in clusters:
        places.setdefault((cluster.owner, cluster.location), []).append(cluster)
    return [found[start : start + size] for found in places.values() for start in range(0, len(found), size)]


def _late(call: _Call, *, left: bool) -> CloudError:
    if not call.write:
        return Unavailable(Reason(code=Code.TIMED_OUT, text=f"{call.operation}: no answer within the call's deadline"))
    if left:
        text = f"{call.operation}: no answer within the call's deadline; it may have been done all the same"
        return OutcomeUnknown(Reason(code=Code.TIMED_OUT, text=text))
    return NotSent(
        Reason(code=Code.DEADLINE_PASSED, text=f"{call.operation}: the call's deadline passed before it was sent")
    )


def _unexpected(call: _Call, name: str, *, left: bool) -> CloudError:
    """Type what no door typed. Only its name: a sentence of an SDK may hold anything."""
    text = f"{call.operation}: the cloud's SDK gave up on an answer ({name})"
    if left:
        return OutcomeUnknown(Reason(code=Code.UNEXPECTED, text=f"{text}; it may have been done all the same"))
    return Unavailable(Reason(code=Code.UNEXPECTED, text=text))


def _code_class(error: CloudError | None) -> str:
    if error is None:
        return "ok"
    return next(name for kind, name in _CODE_CLASSES if isinstance(error, kind))
