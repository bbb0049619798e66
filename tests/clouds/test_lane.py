"""A lane around a door that a test scripts: deadlines, hung calls, garbage, breaker, rates, and the fence's last word.

The door stands for an SDK: it blocks, hangs and raises as SDKs do. Hangs end when the test ends.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest
from prometheus_client import CollectorRegistry

from multicloud.clouds.lane import READ_THREADS, WRITE_THREADS, CloudLane, Shared
from multicloud.clouds.metering import LaneMetrics
from multicloud.clouds.pace import FAILURES, JITTER, OPEN_S, PACES, Buckets
from multicloud.clouds.threads import Exit
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
from multicloud.model.port import CloudDoor, ClusterPools
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import Cloud, ClusterRef, Kind, NodePoolRef, ObjectKey
from multicloud.model.size import Detail, NodePool, Operation, OperationState, Principal, ReadySource, Resize
from multicloud.run.clock import SystemClock
from support.clock import VirtualClock

ACCOUNT = ObjectKey(kind=Kind.ACCOUNT, namespace="shop", name="aws-prod")
CLUSTER = ClusterRef(cloud=Cloud.AWS, location="us-east-1", name="shop")
ELSEWHERE = replace(CLUSTER, location="eu-west-1")
WEB = NodePoolRef(cluster=CLUSTER, name="web")
POOL = NodePool(ref=WEB, claim="c", incarnation="i", requested=4, nodes=4, ready=4, ready_source=ReadySource.CLOUD)
RUNNING = Operation(id="u-1", pool=WEB, state=OperationState.RUNNING)
AWAY = Unavailable(Reason(code=Code.UNAVAILABLE, text="away"))


async def until(look: Callable[[], bool]) -> None:
    """Let threads run until something holds. Raises TimeoutError after real seconds."""
    clock = SystemClock()
    async with asyncio.timeout(10):
        while not look():
            await clock.sleep_until(clock.monotonic() + 0.002)


@dataclass
class Fence:
    """Open, unless `closed` (to removals: `keeps_nodes`); counts how often it was asked and with which budget."""

    closed: bool = False
    keeps_nodes: bool = False
    budgets: list[float] = field(default_factory=list)

    def check(self, budget_s: float, *, removes: bool) -> None:
        self.budgets.append(budget_s)
        if self.keeps_nodes and removes:
            raise NotSent(Reason(code=Code.STOPPED_SHRINK, text="removals are stopped"))
        if self.closed:
            raise NotSent(Reason(code=Code.NOT_LEADER, text="the lease is not held"))


@dataclass
class Script:
    """The door: what each call does. `hang` blocks until the test ends."""

    before_send: Callable[[], None]
    end: threading.Event = field(default_factory=threading.Event)
    calls: list[str] = field(default_factory=list)
    reading: Callable[[], None] = lambda: None
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None
    refusals: list[CloudError] = field(default_factory=list)

    def hang(self) -> None:
        self.end.wait(30)

    def whoami(self) -> Principal:
        self.calls.append("whoami")
        return Principal(name="arn:aws:iam::111122223333:user/shop")

    def list(self, clusters: Sequence[ClusterRef], *, detail: Detail) -> ClusterPools:
        self.calls.append(f"list {detail} {' '.join(cluster.name for cluster in clusters)}")
        if any(cluster.name == "hung" for cluster in clusters):
            self.hang()
        self.reading()
        return {cluster: [POOL] for cluster in clusters}

    def read(self, pool: NodePoolRef) -> NodePool | None:
        self.calls.append(f"read {pool.name}")
        self.reading()
        return POOL

    def resize(self, change: Resize, *, token: str) -> Operation:
        self.calls.append(f"resize {change.to} {token}")
        self.before()
        try:
            self.before_send()
        except NotSent as error:
            self.refusals.append(error)
            raise
        self.calls.append("sent")
        self.after()
        return RUNNING

    def poll(self, operation: Operation) -> Operation:
        self.calls.append("poll")
        return replace(operation, state=OperationState.DONE)

    def credential(self, cluster: ClusterRef, known: ClusterCredential | None) -> ClusterCredential:
        self.calls.append(f"credential {cluster.name}" if known is None else f"token {cluster.name}")
        return ClusterCredential(url="https://c", ca_pem="", token="t0ken")


@dataclass
class Stage:
    lane: CloudLane
    door: Script
    clock: VirtualClock
    fence: Fence
    registry: CollectorRegistry

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0

    async def read(self, cluster: ClusterRef = CLUSTER) -> ClusterPools:
        return await self.lane.list([cluster], detail=Detail.SIZES)

    async def resize(self, to: int = 9) -> Operation:
        return await self.lane.resize(Resize(pool=POOL, to=to), token="intent-1")


Make = Callable[..., Stage]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    doors: list[Script] = []

    def build(
        *,
        cloud: Cloud = Cloud.AWS,
        call_timeout_s: float = 10,
        told: Callable[[], None] = lambda: None,
        access: bool = True,
    ) -> Stage:
        fence, clock, registry = Fence(), VirtualClock(), CollectorRegistry()
        script = Script(Exit(fence, budget_s=5))
        doors.append(script)
        lane = CloudLane(
            CloudDoor(name=str(cloud), identity=script, node_pools=script, access=script if access else None),
            account=ACCOUNT,
            cloud=cloud,
            shared=Shared(
                clock=clock, buckets=Buckets(clock), metrics=LaneMetrics(registry), call_timeout_s=call_timeout_s
            ),
            auth_failed=told,
        )
        return Stage(lane, script, clock, fence, registry)

    yield build
    for door in doors:
        door.end.set()


@pytest.fixture
def stage(make: Make) -> Stage:
    return make()


async def test_answers_pass(stage: Stage) -> None:
    assert (await stage.lane.whoami()).name == "arn:aws:iam::111122223333:user/shop"
    assert await stage.read() == {CLUSTER: [POOL]}
    assert await stage.resize() == RUNNING
    assert (await stage.lane.poll(RUNNING)).state is OperationState.DONE
    assert stage.door.calls == ["whoami", "list sizes shop", "resize 9 intent-1", "sent", "poll"]
    assert stage.fence.budgets == [5]
    assert stage.count("multicloud_cloud_requests_total", provider="aws", operation="resize", code_class="ok") == 1
    assert stage.lane.in_flight == 0


async def test_a_way_into_a_cluster_is_a_read_of_its_place(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    given = await stage.lane.credential(CLUSTER, None)
    assert (given.token, stage.door.calls) == ("t0ken", ["credential shop"])
    labels = {"provider": "aws", "operation": "credential", "code_class": "ok"}
    assert stage.count("multicloud_cloud_requests_total", **labels) == 1
    assert stage.fence.budgets == []
    assert "t0ken" not in "".join(capsys.readouterr())


async def test_a_door_without_a_way_into_clusters_says_so(make: Make) -> None:
    lane = make(access=False).lane
    with pytest.raises(Refused) as caught:
        await lane.credential(CLUSTER, None)
    assert caught.value.reason.code is Code.NO_CLUSTER_ACCESS


async def test_nothing_to_read_is_no_call(stage: Stage) -> None:
    assert await stage.lane.list([], detail=Detail.FULL) == {}
    assert stage.door.calls == []


async def test_typed_errors_pass_as_they_are(stage: Stage) -> None:
    error = Conflict(Reason(code=Code.CONFLICT, text="busy"))

    def refuse() -> None:
        raise error

    stage.door.after = refuse
    with pytest.raises(Conflict) as caught:
        await stage.resize()
    assert caught.value is error


async def test_a_closed_fence_keeps_a_write_here(stage: Stage) -> None:
    stage.fence.closed = True
    with pytest.raises(NotSent) as caught:
        await stage.resize()
    assert caught.value.reason.code is Code.NOT_LEADER
    assert "sent" not in stage.door.calls


@pytest.mark.parametrize(
    ("moment", "kind"), [("reading", Unavailable), ("before", Unavailable), ("after", OutcomeUnknown)]
)
@pytest.mark.parametrize("garbage", [KeyError("made-up-secret"), TimeoutError("made-up-secret"), RecursionError()])
async def test_what_an_sdk_raises_on_garbage_is_typed(
    stage: Stage, moment: str, kind: type[CloudError], garbage: Exception
) -> None:
    def break_down() -> None:
        raise garbage

    setattr(stage.door, moment, break_down)
    with pytest.raises(kind) as caught:
        await (stage.read() if moment == "reading" else stage.resize())
    assert caught.value.reason.code is Code.UNEXPECTED
    assert "made-up-secret" not in str(caught.value)


async def test_a_hung_read_ends_at_its_deadline(make: Make) -> None:
    stage = make(call_timeout_s=0.05)
    stage.door.reading = stage.door.hang
    with pytest.raises(Unavailable) as caught:
        await stage.read()
    assert caught.value.reason.code is Code.TIMED_OUT
    assert stage.lane.in_flight == 0


async def test_a_write_that_hangs_before_it_was_sent_never_leaves(make: Make) -> None:
    stage = make(call_timeout_s=0.05)
    stage.door.before = stage.door.hang
    with pytest.raises(NotSent) as caught:
        await stage.resize()
    assert caught.value.reason.code is Code.DEADLINE_PASSED
    stage.door.end.set()
    await until(lambda: bool(stage.door.refusals))
    assert stage.door.refusals[0].reason.code is Code.DEADLINE_PASSED
    assert "sent" not in stage.door.calls


async def test_a_write_that_hangs_after_it_was_sent_is_unknown(make: Make) -> None:
    stage = make(call_timeout_s=0.05)
    stage.door.after = stage.door.hang
    with pytest.raises(OutcomeUnknown) as caught:
        await stage.resize()
    assert caught.value.reason.code is Code.TIMED_OUT


async def test_a_write_that_nobody_waits_for_any_more_never_leaves(stage: Stage) -> None:
    reached = threading.Event()

    def wait() -> None:
        reached.set()
        stage.door.hang()

    stage.door.before = wait
    asking = asyncio.create_task(stage.resize())
    await asyncio.to_thread(reached.wait, 10)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    stage.door.end.set()
    await until(lambda: bool(stage.door.refusals))
    assert "sent" not in stage.door.calls


async def test_hung_reads_never_delay_a_resize(stage: Stage) -> None:
    stage.door.reading = stage.door.hang
    reads = [asyncio.create_task(stage.read()) for _ in range(READ_THREADS + 2)]
    await until(lambda: len(stage.door.calls) == READ_THREADS)
    assert stage.lane.in_flight == READ_THREADS + 2
    assert stage.count("multicloud_executor_queue_depth", pool="read", provider="aws") == 2
    assert await asyncio.wait_for(stage.resize(), 5) == RUNNING
    stage.door.end.set()
    await asyncio.gather(*reads)


async def test_a_call_that_waited_past_its_deadline_is_not_started(make: Make) -> None:
    stage = make(call_timeout_s=0.2)
    stage.door.before = stage.door.hang
    writes = [asyncio.create_task(stage.resize(size)) for size in range(WRITE_THREADS + 1)]
    answers = await asyncio.gather(*writes, return_exceptions=True)
    assert all(isinstance(answer, NotSent) for answer in answers)
    stage.door.end.set()
    await until(lambda: len(stage.door.refusals) == WRITE_THREADS)
    assert f"resize {WRITE_THREADS} intent-1" not in stage.door.calls


async def test_lost_threads_are_counted_and_replaced(make: Make) -> None:
    stage = make(call_timeout_s=0.05)
    stage.door.reading = stage.door.hang
    hung = [asyncio.create_task(stage.read()) for _ in range(READ_THREADS)]
    await asyncio.gather(*hung, return_exceptions=True)

    def abandoned() -> bool:
        return stage.count("multicloud_executor_abandoned_total", pool="read", provider="aws") == READ_THREADS

    await until(abandoned)
    stage.door.reading = lambda: None
    assert await stage.read(ELSEWHERE) == {ELSEWHERE: [POOL]}
    stage.door.end.set()
    await until(lambda: stage.count("multicloud_executor_threads", pool="read", provider="aws") == READ_THREADS)


async def test_one_hung_cluster_is_its_own_trouble(make: Make) -> None:
    stage = make(call_timeout_s=0.2)
    hung = replace(CLUSTER, name="hung")
    told = await stage.lane.list([hung, CLUSTER, ELSEWHERE], detail=Detail.FULL)
    error = told[hung]
    assert isinstance(error, Unavailable)
    assert (told[CLUSTER], told[ELSEWHERE]) == ([POOL], [POOL])


async def test_a_jump_of_virtual_time_is_no_deadline(stage: Stage) -> None:
    stage.door.reading = stage.door.hang
    asking = asyncio.create_task(stage.read())
    await until(lambda: bool(stage.door.calls))
    stage.clock.advance(86400)
    await stage.clock.settle()
    assert not asking.done()
    stage.door.end.set()
    assert await asking == {CLUSTER: [POOL]}


def _raising(error: CloudError) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


async def _reads(stage: Stage, number: int, cluster: ClusterRef = CLUSTER) -> list[Code]:
    codes = []
    for _ in range(number):
        with pytest.raises(CloudError) as caught:
            await stage.read(cluster)
        codes.append(caught.value.reason.code)
    return codes


async def test_a_place_that_does_not_answer_is_left_alone_for_a_while(stage: Stage) -> None:
    stage.door.reading = _raising(AWAY)
    assert await _reads(stage, FAILURES + 1) == [Code.UNAVAILABLE] * FAILURES + [Code.BREAKER_OPEN]
    assert len(stage.door.calls) == FAILURES
    assert stage.count("multicloud_cloud_circuit_open", provider="aws", credential="shop/aws-prod") == 1
    stage.clock.advance(OPEN_S)
    assert await _reads(stage, 2) == [Code.UNAVAILABLE, Code.BREAKER_OPEN]
    stage.clock.advance(OPEN_S)
    stage.door.reading = lambda: None
    assert await stage.read() == {CLUSTER: [POOL]}
    assert stage.count("multicloud_cloud_circuit_open", provider="aws", credential="shop/aws-prod") == 0


async def test_a_breaker_is_of_one_place_and_family(stage: Stage) -> None:
    stage.door.reading = _raising(AWAY)
    await _reads(stage, FAILURES)
    stage.door.reading = lambda: None
    assert await stage.read(ELSEWHERE) == {ELSEWHERE: [POOL]}
    assert await stage.resize() == RUNNING


@pytest.mark.parametrize(
    "error",
    [
        refused(Code.AUTH_FAILED, "who are you"),
        refused(Code.DENIED, "not you"),
        Conflict(Reason(code=Code.CONFLICT, text="busy")),
        NoCapacity(Reason(code=Code.QUOTA, text="no more")),
        Throttled(Reason(code=Code.THROTTLED, text="too many"), retry_after_s=0.0),
        Unavailable(Reason(code=Code.TOKEN_EXPIRED, text="a token has run out")),
    ],
    ids=lambda error: str(error.reason.code),
)
async def test_a_refusal_never_opens_a_breaker(stage: Stage, error: CloudError) -> None:
    stage.door.reading = _raising(error)
    assert await _reads(stage, 3 * FAILURES) == [error.reason.code] * 3 * FAILURES


async def test_an_authentication_failure_is_told(make: Make) -> None:
    told: list[int] = []
    stage = make(told=lambda: told.append(1))
    stage.door.reading = _raising(refused(Code.DENIED, "not you"))
    await _reads(stage, 1)
    assert told == []
    stage.door.reading = _raising(refused(Code.AUTH_FAILED, "who are you"))
    await _reads(stage, 1)
    assert told == [1]


async def test_writes_wait_for_their_turn_in_virtual_time(stage: Stage) -> None:
    burst = int(PACES[Cloud.AWS].write.burst)
    writes = [asyncio.create_task(stage.resize(size)) for size in range(burst + 1)]
    await stage.clock.until_asleep()
    await until(lambda: stage.door.calls.count("sent") == burst)
    assert sum(write.done() for write in writes) <= burst
    stage.clock.advance(1 / PACES[Cloud.AWS].write.per_s)
    await asyncio.gather(*writes)
    assert stage.door.calls.count("sent") == burst + 1


async def test_a_removal_that_waits_for_its_turn_does_not_leave_once_removals_are_stopped(stage: Stage) -> None:
    await asyncio.gather(*(stage.resize() for _ in range(int(PACES[Cloud.AWS].write.burst))))
    waiting = [asyncio.create_task(stage.resize(to)) for to in (POOL.requested - 1, POOL.requested, POOL.requested + 1)]
    await stage.clock.until_asleep()
    assert not any(task.done() for task in waiting)
    stage.fence.keeps_nodes = True
    stage.clock.advance(10)
    removal, same, growth = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(removal, NotSent)
    assert removal.reason.code is Code.STOPPED_SHRINK
    assert same == growth == RUNNING


async def test_a_throttled_pool_of_azure_delays_no_other_pool(make: Make) -> None:
    stage = make(cloud=Cloud.AZURE)
    error = Throttled(Reason(code=Code.THROTTLED, text="too many"), retry_after_s=200)
    stage.door.after = _raising(error)
    with pytest.raises(Throttled):
        await stage.resize()
    stage.door.after = lambda: None
    with pytest.raises(NotSent) as caught:
        await stage.resize()
    assert caught.value.reason.code is Code.THROTTLED
    assert (caught.value.retry_after_s or 0) >= 200
    other = replace(POOL, ref=replace(WEB, name="batch"))
    assert await stage.lane.resize(Resize(pool=other, to=5), token="intent-2") == RUNNING


async def test_the_clouds_wish_for_patience_is_kept(stage: Stage) -> None:
    stage.door.reading = _raising(Throttled(Reason(code=Code.THROTTLED, text="too many"), retry_after_s=20))
    await _reads(stage, 1)
    stage.door.reading = lambda: None
    asking = asyncio.create_task(stage.read())
    await stage.clock.until_asleep()
    stage.clock.advance(19)
    await stage.clock.settle()
    assert len(stage.door.calls) == 1
    stage.clock.advance(1 + 20 * JITTER)
    await asking
    assert stage.count("multicloud_cloud_throttled_total", provider="aws", operation="list-sizes") == 1


async def test_a_read_of_many_clusters_is_cut_into_jobs_of_one_account_and_place(make: Make) -> None:
    stage = make(cloud=Cloud.GCP)
    batch = PACES[Cloud.GCP].full_batch
    here = [ClusterRef(cloud=Cloud.GCP, owner="a", location="l", name=str(number)) for number in range(batch + 1)]
    there = replace(here[0], owner="b")
    assert len(await stage.lane.list([*here, there], detail=Detail.FULL)) == batch + 2
    assert sorted(len(call.split()) - 2 for call in stage.door.calls) == [1, 1, batch]


async def test_who_cannot_be_read_at_all_is_one_error(stage: Stage) -> None:
    stage.door.reading = _raising(refused(Code.AUTH_FAILED, "who are you"))
    with pytest.raises(Refused):
        await stage.lane.list([CLUSTER, ELSEWHERE], detail=Detail.FULL)


async def test_a_closed_lane_finishes_what_it_has_and_ends_its_threads(stage: Stage) -> None:
    stage.door.reading = stage.door.hang
    asking = asyncio.create_task(stage.read())
    await until(lambda: bool(stage.door.calls))
    stage.lane.close()
    assert await stage.resize() == RUNNING
    stage.door.end.set()
    assert await asking == {CLUSTER: [POOL]}

    def threads() -> float:
        return sum(stage.count("multicloud_executor_threads", pool=pool, provider="aws") for pool in ("read", "write"))

    await until(lambda: threads() == 0)


def test_a_mutation_outside_of_a_lane_is_kept_here() -> None:
    with pytest.raises(NotSent):
        Exit(Fence(), budget_s=5)()
