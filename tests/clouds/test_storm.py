"""What a lane does under a storm of throttling, and what it counts: real lanes, virtual time, a door that only refuses."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest
from prometheus_client import CollectorRegistry

from multicloud.clouds.lane import CloudLane, Shared
from multicloud.clouds.metering import LaneMetrics
from multicloud.clouds.pace import PACES, Buckets
from multicloud.clouds.threads import Exit
from multicloud.model.error import CloudError, Throttled
from multicloud.model.port import CloudDoor, ClusterPools
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import Cloud, ClusterRef, Kind, NodePoolRef, ObjectKey
from multicloud.model.size import Detail, NodePool, Operation, Principal, ReadySource, Resize
from support.clock import VirtualClock

STORM_S = 300
CALLERS = 12


@dataclass
class Refusing:
    """A door that sends everything back, with the wish it has, and counts."""

    before_send: Callable[[], None]
    wish_s: float | None
    calls: list[str] = field(default_factory=list)

    def _refuse(self, what: str) -> Throttled:
        self.calls.append(what)
        return Throttled(Reason(code=Code.THROTTLED, text="too many"), retry_after_s=self.wish_s)

    def whoami(self) -> Principal:
        return Principal(name="tester")

    def list(self, clusters: object, *, detail: Detail) -> ClusterPools:
        raise self._refuse(f"list {detail} {clusters}")

    def read(self, pool: object) -> NodePool | None:
        raise self._refuse(f"read {pool}")

    def resize(self, change: Resize, *, token: str) -> Operation:
        assert token
        self.before_send()
        raise self._refuse(f"resize {change.pool.ref}")

    def poll(self, operation: Operation) -> Operation:
        raise self._refuse(f"poll {operation.id}")


class OpenFence:
    def check(self, budget_s: float, *, removes: bool) -> None:  # noqa: ARG002 - the signature is the port's
        assert budget_s > 0


@dataclass
class Stage:
    lane: CloudLane
    door: Refusing
    clock: VirtualClock
    registry: CollectorRegistry

    async def storm(self, call: Callable[[int], "asyncio.Future[object]"]) -> int:
        """Let callers ask again and again; returns how many calls reached the cloud."""

        async def caller(number: int) -> None:
            while True:
                with suppress(CloudError):
                    await call(number)
                await self.clock.sleep_until(self.clock.monotonic() + 1)

        callers = [asyncio.create_task(caller(number)) for number in range(CALLERS)]
        while self.clock.monotonic() < STORM_S:
            await self._quiet()
            wake_s = self.clock.next_wake()
            self.clock.advance_to(STORM_S if wake_s is None else min(max(wake_s, self.clock.monotonic()), STORM_S))
        for each in callers:
            each.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        return len(self.door.calls)

    async def _quiet(self) -> None:
        """Nothing is in a thread, and nobody runs but waits."""
        turns = 0
        while turns < 20:
            turns = 0 if self.lane.in_flight else turns + 1
            await asyncio.sleep(0)  # noqa: TID251 - a turn of the loop, not a wait


def stage(cloud: Cloud, wish_s: float | None) -> Stage:
    clock, registry = VirtualClock(), CollectorRegistry()
    door = Refusing(Exit(OpenFence(), budget_s=5), wish_s)
    lane = CloudLane(
        CloudDoor(name=str(cloud), identity=door, node_pools=door),
        account=ObjectKey(kind=Kind.ACCOUNT, namespace="shop", name="prod"),
        cloud=cloud,
        shared=Shared(clock=clock, buckets=Buckets(clock), metrics=LaneMetrics(registry), call_timeout_s=10),
        auth_failed=lambda: None,
    )
    return Stage(lane, door, clock, registry)


def node_pool(cloud: Cloud, number: int) -> NodePool:
    cluster = ClusterRef(cloud=cloud, owner="o", location="l", name=f"shop-{number}")
    return NodePool(
        ref=NodePoolRef(cluster=cluster, name="web"),
        claim="c",
        incarnation="i",
        requested=4,
        nodes=4,
        ready=4,
        ready_source=ReadySource.CLOUD,
    )


@pytest.mark.parametrize("wish_s", [None, 20.0], ids=["without-retry-after", "with-retry-after"])
@pytest.mark.parametrize("cloud", Cloud, ids=str)
@pytest.mark.parametrize("write", [False, True], ids=["reads", "writes"])
async def test_under_a_storm_fewer_calls_go_out_than_the_bucket_has(
    cloud: Cloud, wish_s: float | None, write: bool
) -> None:
    storm = stage(cloud, wish_s)

    def call(number: int) -> "asyncio.Future[object]":
        pool = node_pool(cloud, number)
        if write:
            return asyncio.ensure_future(storm.lane.resize(Resize(pool=pool, to=9), token="t"))
        return asyncio.ensure_future(storm.lane.list([pool.ref.cluster], detail=Detail.SIZES))

    sent = await storm.storm(call)
    pace = PACES[cloud]
    rate = pace.write if write else pace.read
    assert 2 <= sent < rate.per_s * STORM_S / 4
    operation = "resize" if write else "list-sizes"
    told = storm.registry.get_sample_value(
        "multicloud_cloud_requests_total",
        {"provider": str(cloud), "operation": operation, "code_class": "throttled"},
    )
    assert told == sent
    circuit = {"provider": str(cloud), "credential": "shop/prod"}
    assert storm.registry.get_sample_value("multicloud_cloud_circuit_open", circuit) == 0


async def test_a_storm_in_one_place_leaves_the_others_their_rate() -> None:
    storm = stage(Cloud.AWS, None)
    here = node_pool(Cloud.AWS, 0).ref.cluster
    with pytest.raises(Throttled):
        await storm.lane.list([here], detail=Detail.SIZES)
    elsewhere = replace(here, location="elsewhere")
    for _ in range(int(PACES[Cloud.AWS].read.burst / 4)):
        with pytest.raises(Throttled):
            await asyncio.wait_for(storm.lane.list([elsewhere], detail=Detail.SIZES), 5)
        elsewhere = replace(elsewhere, location=f"{elsewhere.location}x")
    assert len(storm.door.calls) == 1 + int(PACES[Cloud.AWS].read.burst / 4)
