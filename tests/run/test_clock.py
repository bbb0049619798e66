"""The clock of the process: the machine's time steps, ours goes on."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from multicloud.run import clock as room
from multicloud.run.clock import SLEW, SystemClock

HOUR = 3600.0


@dataclass
class Machine:
    """The machine's clocks, in place of the module `time`."""

    wall_s: float = 1_800_000_000.0
    boot_s: float = 50.0

    CLOCK_BOOTTIME = 7

    def time(self) -> float:
        return self.wall_s

    def clock_gettime(self, _: int) -> float:
        return self.boot_s

    def passes(self, seconds: float) -> None:
        self.wall_s += seconds
        self.boot_s += seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()
    monkeypatch.setattr(room, "time", made)
    return made


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def test_it_tells_the_machines_time(machine: Machine) -> None:
    clock = SystemClock()
    assert clock.now() == at(machine.wall_s)
    machine.passes(HOUR)
    assert clock.now() == at(machine.wall_s)


@pytest.mark.parametrize("step_s", [HOUR, -HOUR], ids=["forwards", "backwards"])
def test_a_step_ends_no_wait_and_makes_none_longer(machine: Machine, step_s: float) -> None:
    clock = SystemClock()
    began, began_s = clock.now(), clock.monotonic()
    machine.wall_s += step_s
    assert clock.now() == began
    assert clock.monotonic() == began_s
    machine.passes(20)
    assert abs((clock.now() - began).total_seconds() - 20) <= 20 * SLEW
    assert clock.monotonic() - began_s == 20


@pytest.mark.parametrize("step_s", [HOUR, -HOUR], ids=["forwards", "backwards"])
def test_a_step_is_followed_in_the_end_however_often_it_is_asked(machine: Machine, step_s: float) -> None:
    clock = SystemClock()
    machine.wall_s += step_s
    before = clock.now()
    for _ in range(100):
        machine.passes(HOUR / SLEW / 100)
        assert clock.now() > before
        before = clock.now()
    assert abs(before.timestamp() - machine.wall_s) < 1e-3
