import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from multicloud.kube.client import KubeClient
from multicloud.kube.lease import KubeLease, LeaseView
from multicloud.model.error import NotSent
from multicloud.model.plan import Stop
from multicloud.watch.elector import Elector, LeaseFence, Terms
from multicloud_lab.controlplane import ControlPlane
from support.clock import EPOCH, VirtualClock
from support.line import Line, kubeconfig_over, line_to

TERMS = Terms(duration_s=15, renew_deadline_s=10, retry_s=2, takeover_margin_s=5)
BUDGET_S = 3


class Replica:
    """One replica's elector with its fence and its own clock."""

    def __init__(self, lease: KubeLease, identity: str, clock: VirtualClock) -> None:
        self.clock = clock
        self.fence = LeaseFence(clock)
        self.fence.set_stop(Stop.NONE)
        self.elector = Elector(lease, self.fence, clock, identity=identity, terms=TERMS)

    def may_write(self) -> bool:
        try:
            self.fence.check(BUDGET_S, removes=False)
        except NotSent:
            return False
        return True


@contextmanager
def going(replica: Replica, *, keeping: bool) -> Iterator[asyncio.Task[None]]:
    """`lead()` or `keep()` as a task."""
    task = asyncio.create_task(replica.elector.keep() if keeping else replica.elector.lead())
    try:
        yield task
    finally:
        task.cancel()


async def step(*replicas: Replica) -> None:
    """Let each replica do what it wants now, then go on to when its clock next wakes it."""
    for replica in replicas:
        await replica.clock.until_asleep()
        due_s = replica.clock.next_wake()
        assert due_s is not None
        replica.clock.advance_to(due_s)


async def until_ended(replica: Replica, task: asyncio.Task[None]) -> float:
    """Go from wake-up to wake-up until the task has ended; returns the second when it did."""
    while True:
        asleep = asyncio.create_task(replica.clock.until_asleep())
        await asyncio.wait({asleep, task}, return_when=asyncio.FIRST_COMPLETED)
        asleep.cancel()
        if task.done():
            await task
            return replica.clock.monotonic()
        await step(replica)


async def ended(task: asyncio.Task[None]) -> None:
    await asyncio.wait_for(task, 20)


@pytest.fixture
def lease(kube: KubeClient, plain_namespace: str) -> KubeLease:
    return KubeLease(kube, namespace=plain_namespace, name="multicloud-operator", timeout_s=1.5)


@pytest.fixture
def first(lease: KubeLease) -> Replica:
    return Replica(lease, "first", VirtualClock())


@pytest.fixture
def second(lease: KubeLease) -> Replica:
    return Replica(lease, "second", VirtualClock(EPOCH - timedelta(hours=3)))  # wall clocks prove nothing


@pytest.fixture
async def line(control_plane: ControlPlane) -> AsyncIterator[Line]:
    async with line_to(control_plane) as line:
        yield line


@pytest.fixture
async def far(control_plane: ControlPlane, plain_namespace: str, line: Line, tmp_path: Path) -> AsyncIterator[Replica]:
    """A replica whose requests go over a line that can break."""
    kubeconfig = kubeconfig_over(line, control_plane.kubeconfig, tmp_path)
    async with await KubeClient.connect(kubeconfig, None) as kube:
        lease = KubeLease(kube, namespace=plain_namespace, name="multicloud-operator", timeout_s=1.5)
        yield Replica(lease, "far", VirtualClock())


async def read(lease: KubeLease) -> LeaseView:
    seen = await lease.read()
    assert seen is not None
    return seen


async def test_the_first_replica_creates_the_lease_and_may_write_at_once(first: Replica, lease: KubeLease) -> None:
    assert not first.may_write()
    await first.elector.lead()
    seen = await read(lease)
    assert (seen.holder, seen.duration_s, seen.transitions) == ("first", 15, 0)
    assert seen.renewed == "2026-11-23T08:00:00.000000Z"
    assert first.may_write()


async def test_a_renewal_is_valid_from_before_it_was_sent(first: Replica) -> None:
    await first.elector.lead()
    first.clock.advance(15 - BUDGET_S)
    assert first.may_write()
    first.clock.advance(0.001)
    assert not first.may_write()


async def test_the_holder_renews_and_keeps_the_fence_open(first: Replica, lease: KubeLease) -> None:
    await first.elector.lead()
    with going(first, keeping=True):
        for _ in range(20):
            await step(first)
            assert first.may_write()
        await first.clock.until_asleep()
    assert first.clock.monotonic() == 40
    assert (await read(lease)).renewed == "2026-11-23T08:00:40.000000Z"


async def test_of_two_replicas_that_start_together_one_leads(first: Replica, second: Replica) -> None:
    with going(first, keeping=False) as one, going(second, keeping=False) as other:
        done, _ = await asyncio.wait({one, other}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        loser = second if one in done else first
        await loser.clock.until_asleep()
        assert [one.done(), other.done()].count(True) == 1
    assert [first.may_write(), second.may_write()].count(True) == 1


async def test_a_follower_waits_as_long_as_the_holder_renews(first: Replica, second: Replica) -> None:
    await first.elector.lead()
    with going(first, keeping=True), going(second, keeping=False) as following:
        for _ in range(20):
            await step(first, second)
            assert first.may_write()
            assert not second.may_write()
            assert not following.done()


async def test_after_a_death_the_follower_waits_out_the_lease_and_the_margin(
    first: Replica, second: Replica, lease: KubeLease
) -> None:
    await first.elector.lead()
    with going(second, keeping=False) as following:
        assert await until_ended(second, following) == 16  # the first look after 15 s of silence
    assert (await read(lease)).holder == "second"
    assert (await read(lease)).transitions == 1
    assert not second.may_write()
    second.clock.advance(4.999)
    assert not second.may_write()
    second.clock.advance(0.001)
    assert second.may_write()


async def test_a_longer_lease_of_the_holder_is_respected(second: Replica, lease: KubeLease) -> None:
    await lease.write(holder="slow", duration_s=60, now=EPOCH, acquired=EPOCH, transitions=3, seen=None)
    with going(second, keeping=False) as following:
        assert await until_ended(second, following) == 60
    assert (await read(lease)).transitions == 4


async def test_a_released_lease_is_taken_at_once_without_the_margin(
    first: Replica, second: Replica, lease: KubeLease
) -> None:
    await first.elector.lead()
    with going(second, keeping=False) as following:
        await second.clock.until_asleep()
        await first.elector.release()
        assert not first.may_write()
        assert not first.elector.leading
        assert (await read(lease)).holder == ""
        await step(second)
        await ended(following)
    assert second.clock.monotonic() == 2
    assert second.may_write()
    assert (await read(lease)).transitions == 1


async def test_releasing_without_having_led_changes_nothing(first: Replica, lease: KubeLease) -> None:
    await first.elector.release()
    assert await lease.read() is None


async def test_a_holder_that_finds_another_in_its_place_is_out(first: Replica, lease: KubeLease) -> None:
    await first.elector.lead()
    with going(first, keeping=True) as keeping:
        seen = await read(lease)
        await lease.write(holder="thief", duration_s=15, now=EPOCH, acquired=EPOCH, transitions=9, seen=seen)
        await step(first)
        await ended(keeping)
    assert not first.may_write()
    assert not first.elector.leading
    assert (await read(lease)).holder == "thief"


async def test_a_lease_touched_by_a_person_stays_with_its_holder(first: Replica, lease: KubeLease) -> None:
    await first.elector.lead()
    with going(first, keeping=True) as keeping:
        seen = await read(lease)
        await lease.write(holder="first", duration_s=15, now=EPOCH, acquired=EPOCH, transitions=7, seen=seen)
        for _ in range(10):
            await step(first)
            assert first.may_write()
        assert not keeping.done()
    assert (await read(lease)).transitions == 7


async def test_a_deleted_lease_ends_its_holder_and_makes_the_next_wait_for_it(
    first: Replica, second: Replica, control_plane: ControlPlane, plain_namespace: str
) -> None:
    await first.elector.lead()
    with going(first, keeping=True) as keeping, going(second, keeping=False) as following:
        await second.clock.until_asleep()
        control_plane.kubectl(
            "delete", "lease", "multicloud-operator", f"--namespace={plain_namespace}"
        ).check_returncode()
        await step(second)
        await ended(following)
        assert first.may_write()  # it cannot know yet
        assert not second.may_write()
        await step(first)
        await ended(keeping)
    assert not first.may_write()


async def test_a_holder_that_cannot_renew_gives_up_before_its_lease_ends(far: Replica, line: Line) -> None:
    await far.elector.lead()
    with going(far, keeping=True) as keeping:
        line.cut()
        for _ in range(5):
            await step(far)
        assert not keeping.done()
        assert far.clock.monotonic() == 10
        await step(far)
        await ended(keeping)
    assert far.clock.monotonic() == 12
    assert not far.may_write()


async def test_a_few_failed_renewals_do_not_cost_the_leadership(far: Replica, line: Line) -> None:
    await far.elector.lead()
    with going(far, keeping=True) as keeping:
        for _ in range(5):
            line.cut()
            for _ in range(3):
                await step(far)
            await far.clock.until_asleep()
            line.mend()
            await step(far)
            await far.clock.until_asleep()
            assert far.may_write()
        assert not keeping.done()


async def test_a_renewal_whose_answer_was_lost_counts_only_once_it_is_known(
    far: Replica, line: Line, lease: KubeLease
) -> None:
    await far.elector.lead()
    with going(far, keeping=True) as keeping:
        await far.clock.until_asleep()
        line.lose_answers()
        await step(far)
        await far.clock.until_asleep()
        assert (await read(lease)).renewed == "2026-11-23T08:00:02.000000Z"
        line.mend()
        await step(far)  # conflicts with the write whose answer was lost, and finds itself
        await step(far)
        await far.clock.until_asleep()
        assert not keeping.done()
    assert (await read(lease)).renewed == "2026-11-23T08:00:06.000000Z"


async def test_a_replica_that_cannot_reach_the_server_goes_on_trying(far: Replica, line: Line) -> None:
    line.cut()
    with going(far, keeping=False) as leading:
        for _ in range(3):
            await step(far)
        await far.clock.until_asleep()
        assert not leading.done()
        line.mend()
        await step(far)
        await ended(leading)
    assert far.may_write()


async def test_a_process_frozen_past_its_lease_can_send_nothing(first: Replica, lease: KubeLease) -> None:
    await first.elector.lead()
    with going(first, keeping=True) as keeping:
        await first.clock.until_asleep()
        before = await read(lease)
        first.clock.advance(3600)
        assert not first.may_write()  # before any of its own tasks ran
        await ended(keeping)
    assert not first.may_write()
    assert await read(lease) == before


async def test_a_process_frozen_between_winning_and_keeping_does_not_keep(first: Replica, lease: KubeLease) -> None:
    await first.elector.lead()
    first.clock.advance(3600)
    before = await read(lease)
    with going(first, keeping=True) as keeping:
        await step(first)
        await ended(keeping)
    assert await read(lease) == before


async def test_a_closed_fence_stays_closed_when_its_keeper_ends(first: Replica) -> None:
    await first.elector.lead()
    with going(first, keeping=True) as keeping:
        await step(first)
        await first.clock.until_asleep()
    with suppress(asyncio.CancelledError):
        await keeping
    await first.elector.release()
    assert not first.may_write()
