"""Ports with scripted answers: a lane whose cloud says what the test tells it to, a status writer, an event sink."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from multicloud.model.account import AccountObject
from multicloud.model.error import CloudError, refused
from multicloud.model.member import ClusterCredential
from multicloud.model.port import ClusterPools, EventNote, Lane, Rejected, Written
from multicloud.model.reason import Code
from multicloud.model.ref import ClusterRef, NodePoolRef, ObjectKey
from multicloud.model.size import Detail, NodePool, Operation, OperationState, Principal, Resize


@dataclass(slots=True)
class ScriptedLane:
    """Answers from `pools`; raises `failure` instead while it is set. Remembers every call."""

    pools: dict[NodePoolRef, NodePool] = field(default_factory=dict)
    failure: CloudError | None = None
    refuses_writes: CloudError | None = None
    states: dict[str, OperationState] = field(default_factory=dict)
    reads: list[tuple[Detail, tuple[str, ...]]] = field(default_factory=list)
    read_again: list[NodePoolRef] = field(default_factory=list)
    resizes: list[tuple[NodePoolRef, int, str]] = field(default_factory=list)
    sent: list[NodePool] = field(default_factory=list)
    polls: list[str] = field(default_factory=list)
    omits_in_sizes: bool = False
    alone: dict[NodePoolRef, CloudError] = field(default_factory=dict)
    clusters: dict[ClusterRef | NodePoolRef, CloudError] = field(default_factory=dict)
    poll_wait_s: float | None = None
    refuses_polls: CloudError | None = None
    credentials: Callable[[ClusterRef], ClusterCredential] | None = None
    asked_for: list[tuple[str, bool]] = field(default_factory=list)

    async def whoami(self) -> Principal:
        return Principal(name="tester")

    async def list(self, clusters: Sequence[ClusterRef], *, detail: Detail) -> ClusterPools:
        self.reads.append((detail, tuple(cluster.name for cluster in clusters)))
        if self.failure is not None:
            raise self.failure
        if detail is Detail.SIZES and self.omits_in_sizes:
            return dict.fromkeys(clusters, ())
        told: dict[ClusterRef | NodePoolRef, Sequence[NodePool] | CloudError] = {
            cluster: [pool for ref, pool in self.pools.items() if ref.cluster == cluster and ref not in self.alone]
            for cluster in clusters
        }
        return {**told, **self.clusters, **{ref: error for ref, error in self.alone.items() if ref.cluster in clusters}}

    async def read(self, pool: NodePoolRef) -> NodePool | None:
        self.read_again.append(pool)
        for error in (self.failure, self.clusters.get(pool.cluster), self.alone.get(pool)):
            if error is not None:
                raise error
        return self.pools.get(pool)

    async def resize(self, change: Resize, *, token: str) -> Operation:
        if self.refuses_writes is not None:
            raise self.refuses_writes
        self.resizes.append((change.pool.ref, change.to, token))
        self.sent.append(change.pool)
        running = OperationState.RUNNING
        return Operation(
            id=f"op-{len(self.resizes)}", pool=change.pool.ref, state=running, retry_after_s=self.poll_wait_s
        )

    async def poll(self, operation: Operation) -> Operation:
        self.polls.append(operation.id)
        if self.refuses_polls is not None:
            raise self.refuses_polls
        state = self.states.get(operation.id, OperationState.RUNNING)
        return Operation(id=operation.id, pool=operation.pool, state=state, retry_after_s=self.poll_wait_s)

    async def credential(self, cluster: ClusterRef, known: ClusterCredential | None) -> ClusterCredential:
        self.asked_for.append((cluster.name, known is not None))
        if self.failure is not None:
            raise self.failure
        if self.credentials is None:
            raise refused(Code.NO_CLUSTER_ACCESS, "no way in")
        return self.credentials(cluster)


@dataclass(slots=True)
class ScriptedLanes:
    """Hands out one lane for every account, or raises `failure`."""

    one: ScriptedLane
    failure: CloudError | None = None

    async def lane(self, account: AccountObject) -> Lane:
        assert account.uid
        if self.failure is not None:
            raise self.failure
        return self.one


@dataclass(slots=True)
class ScriptedWriter:
    """Takes statuses; answers with `rejects` instead while it is set."""

    rejects: Rejected | None = None
    statuses: list[Mapping[str, Any]] = field(default_factory=list)

    async def write_status(
        self, key: ObjectKey, *, uid: str, resource_version: str, status: Mapping[str, Any]
    ) -> Written | Rejected:
        assert key.name
        assert uid
        if self.rejects is not None:
            return self.rejects
        self.statuses.append(status)
        return Written(resource_version=str(int(resource_version) + 1), body={})


@dataclass(slots=True)
class ScriptedSink:
    """Takes events; fails while `broken`."""

    notes: list[EventNote] = field(default_factory=list)
    broken: bool = False

    async def post(self, note: EventNote) -> None:
        if self.broken:
            raise ConnectionError("no answer")
        self.notes.append(note)


@dataclass(slots=True)
class Heard:
    """Remembers what a stage told the others."""

    woken: list[ObjectKey] = field(default_factory=list)
    wrote_to: list[NodePoolRef] = field(default_factory=list)
    looked_at: list[NodePoolRef] = field(default_factory=list)
    poll_wishes_s: list[float | None] = field(default_factory=list)

    def wake(self, key: ObjectKey, after_s: float) -> None:
        assert after_s >= 0
        self.woken.append(key)

    def wrote(self, account: ObjectKey, node_pool: NodePoolRef, *, poll_after_s: float | None = None) -> None:
        assert account.name
        assert poll_after_s is None or poll_after_s >= 0
        self.wrote_to.append(node_pool)
        self.poll_wishes_s.append(poll_after_s)

    def look_now(self, account: ObjectKey, node_pool: NodePoolRef) -> None:
        assert account.name
        self.looked_at.append(node_pool)
