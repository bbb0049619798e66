"""Faults: which calls they hit, when and how often; what the gate does of them; stale reads and the machines' supply."""

import asyncio

import pytest

from multicloud_lab.core.calls import Call
from multicloud_lab.core.clock import VirtualClock
from multicloud_lab.core.faultkinds import (
    Action,
    Answer,
    ClockSkew,
    Deny,
    Garbage,
    Hang,
    Latency,
    LostResponse,
    OperationFail,
    OperationStuck,
    Reset,
    SlowNodes,
    StaleRead,
    Stockout,
    Throttle,
)
from multicloud_lab.core.faults import Fault, FaultedError, Faults, Match
from multicloud_lab.core.gate import CallDroppedError, Gate

RESIZE = Call(cloud="aws", operation="UpdateNodegroupConfig", principal="lab", cluster="shop-prod", pool="web")
READ = Call(cloud="aws", operation="DescribeNodegroup", principal="lab", cluster="shop-prod", pool="web")


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def faults(clock: VirtualClock) -> Faults:
    return Faults(clock, 1)


@pytest.fixture
def gate(clock: VirtualClock, faults: Faults) -> Gate:
    return Gate(clock, faults)


async def hit(gate: Gate, call: Call = RESIZE) -> Action | str | None:
    """What became of a call: the action it has to be answered with, "dropped" (and when), or None."""
    try:
        await gate.before(call)
    except CallDroppedError:
        return "dropped before"
    except FaultedError as faulted:
        return faulted.action
    try:
        await gate.after(call)
    except CallDroppedError:
        return "dropped after"
    except FaultedError as faulted:
        return faulted.action
    return None


@pytest.mark.parametrize(
    ("match", "does"),
    [
        (Match(), True),
        (Match(operation="UpdateNodegroupConfig", cloud="aws", cluster="shop-prod", pool="web", principal="lab"), True),
        (Match(operation="DescribeNodegroup"), False),
        (Match(cloud="gcp"), False),
        (Match(cluster="shop-batch"), False),
        (Match(pool="batch"), False),
        (Match(principal="other"), False),
    ],
)
async def test_a_fault_hits_what_it_matches(gate: Gate, faults: Faults, match: Match, does: bool) -> None:
    faults.place(Fault(action=Deny(), match=match))
    assert await hit(gate) == (Deny() if does else None)


async def test_nth_hits_one_call_and_times_so_many(gate: Gate, faults: Faults) -> None:
    faults.place(Fault(action=Deny(), match=Match(operation=RESIZE.operation, nth=2)))
    assert [await hit(gate) for _ in range(3)] == [None, Deny(), None]
    faults.lift_all()
    faults.place(Fault(action=Deny(), times=2))
    assert [await hit(gate) for _ in range(3)] == [Deny(), Deny(), None]


async def test_a_window_is_counted_in_virtual_time_from_the_placing(
    gate: Gate, faults: Faults, clock: VirtualClock
) -> None:
    clock.advance(100)
    faults.place(Fault(action=Deny(), window=(10, 20)))
    seen = []
    for _ in range(4):
        seen.append(await hit(gate))
        clock.advance(8)
    assert seen == [None, None, Deny(), None]


async def test_chance_is_the_seeds(clock: VirtualClock) -> None:
    async def series(seed: int) -> list[bool]:
        faults = Faults(clock, seed)
        gate = Gate(clock, faults)
        faults.place(Fault(action=Deny(), probability=0.5))
        return [await hit(gate) is not None for _ in range(200)]

    first = await series(1)
    assert first == await series(1) != await series(2)
    assert 60 < sum(first) < 140


@pytest.mark.parametrize(
    ("fault", "became"),
    [
        pytest.param(Fault(action=Reset(), when="after"), "dropped before", id="a reset is before the commit"),
        pytest.param(Fault(action=LostResponse()), "dropped after", id="a lost response after it"),
        pytest.param(Fault(action=Answer(status=503)), Answer(status=503), id="an answer"),
        pytest.param(Fault(action=Garbage(), when="after"), Garbage(), id="garbage after the commit"),
        pytest.param(Fault(action=Latency(ms=1)), None, id="latency passes on"),
        pytest.param(Fault(action=OperationFail()), None, id="an operation's end is not the gate's"),
        pytest.param(Fault(action=StaleRead(seconds=5)), None, id="nor is staleness"),
    ],
)
async def test_the_gate_acts(gate: Gate, faults: Faults, fault: Fault, became: object) -> None:
    faults.place(fault)
    assert await hit(gate) == became


async def test_a_throttle_lets_its_burst_pass_and_refills_in_virtual_time(
    gate: Gate, faults: Faults, clock: VirtualClock
) -> None:
    faults.place(Fault(action=Throttle(burst=2, per_s=0.5)))
    await gate.before(RESIZE)
    await gate.before(RESIZE)
    with pytest.raises(FaultedError) as told:
        await gate.before(RESIZE)
    assert told.value.retry_after_s == 2
    clock.advance(2)
    await gate.before(RESIZE)


async def test_a_hanging_call_goes_when_the_lab_is_cleared(gate: Gate, faults: Faults) -> None:
    faults.place(Fault(action=Hang()))
    call = asyncio.create_task(hit(gate))
    done, _ = await asyncio.wait([call], timeout=0.02)
    assert not done
    await gate.drop_all()
    assert await call == "dropped before"


async def test_the_most_calls_under_way_are_counted(gate: Gate, faults: Faults) -> None:
    faults.place(Fault(action=Hang(), times=3))
    calls = [asyncio.create_task(hit(gate)) for _ in range(3)]
    await asyncio.wait(calls, timeout=0.02)
    await gate.drop_all()
    await asyncio.gather(*calls)
    await hit(gate)
    assert gate.most_in_flight == {"aws": 3}


def test_an_engine_asks_only_for_operations(faults: Faults) -> None:
    faults.place(Fault(action=Deny()))
    faults.place(Fault(action=OperationStuck(), match=Match(nth=2)))
    assert [faults.on_operation(RESIZE) for _ in range(3)] == [(), (OperationStuck(),), ()]


def test_a_stale_read_is_as_old_as_it_may_be(faults: Faults, clock: VirtualClock) -> None:
    sizes = iter(range(100))

    def read(call: Call = READ) -> int:
        return faults.stale(call, "web", lambda: next(sizes))

    assert [read(), read()] == [0, 1]
    faults.place(Fault(action=StaleRead(seconds=10), match=Match(operation="DescribeNodegroup")))
    assert read() == 2  # the first after the placing is fresh
    clock.advance(9)
    assert read() == 2
    assert read(RESIZE) == 3
    clock.advance(1)
    assert read() == 4


def test_the_clouds_clock_is_skewed(faults: Faults) -> None:
    faults.place(Fault(action=ClockSkew(seconds=-900), match=Match(cloud="aws")))
    assert (faults.skew_s("aws"), faults.skew_s("gcp")) == (-900, 0)


def test_machines_are_out_and_slow(faults: Faults) -> None:
    launch = Call(cloud="gcp", operation="Launch", principal="cloud", cluster="shop-prod", pool="web")
    faults.place(Fault(action=Stockout(zone="b"), match=Match(cluster="shop-prod")))
    faults.place(Fault(action=SlowNodes(factor=3)))
    assert [faults.is_out(launch, zone, "e2-standard-4") for zone in "ab"] == [False, True]
    assert faults.slowness(launch) == 3


def test_a_fault_is_lifted(faults: Faults) -> None:
    fault_id = faults.place(Fault(action=OperationFail()))
    faults.lift(fault_id)
    assert faults.on_operation(RESIZE) == ()
    with pytest.raises(ValueError, match=fault_id):
        faults.lift(fault_id)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Match(nth=0),
        lambda: Fault(action=Deny(), times=0),
        lambda: Fault(action=Deny(), probability=0),
        lambda: Fault(action=Deny(), window=(5, 5)),
        lambda: Answer(status=99),
        lambda: Throttle(burst=-1),
        lambda: SlowNodes(factor=0),
    ],
)
def test_what_could_never_happen_is_refused(make: object) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=r"must|counted"):
        make()
