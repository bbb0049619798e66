"""The virtual clock: order of what becomes due, time seen by an action, no way back."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from multicloud_lab.core.clock import VirtualClock, iso

START = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


def test_actions_run_in_order_of_time_then_of_scheduling() -> None:
    clock, ran = VirtualClock(), list[tuple[str, float]]()
    for name, delay_s in [("late", 3), ("first", 1), ("second", 1)]:
        clock.after(delay_s, lambda name=name: ran.append((name, clock.now() - START)))  # type: ignore[misc]  # mypy sees a lambda that takes an argument
    clock.advance(2)
    assert ran == [("first", 1), ("second", 1)]
    assert clock.now() == START + 2
    clock.advance(1)
    assert ran[-1] == ("late", 3)


def test_what_an_action_schedules_runs_in_the_same_move_at_its_own_time() -> None:
    clock, ran = VirtualClock(), list[float]()

    def again() -> None:
        ran.append(clock.now() - START)
        clock.after(10, again)

    clock.after(10, again)
    clock.advance(35)
    assert ran == [10, 20, 30]


def test_a_cancelled_timer_never_runs() -> None:
    clock, ran = VirtualClock(), list[int]()
    timer = clock.after(1, lambda: ran.append(1))
    timer.cancel()
    clock.advance(5)
    assert ran == []


def test_a_factor_follows_real_time_and_no_factor_does_not() -> None:
    fast, still = VirtualClock(factor=1_000_000), VirtualClock()
    moments = []
    for _ in range(3):
        fast.catch_up()
        still.catch_up()
        moments.append(fast.now())
    assert all(earlier < later for earlier, later in pairwise(moments))
    assert still.now() == START


def test_a_reset_forgets_what_was_scheduled() -> None:
    clock, ran = VirtualClock(), list[int]()
    clock.after(1, lambda: ran.append(1))
    clock.advance(0.5)
    clock.reset()
    clock.advance(10)
    assert (ran, clock.now()) == ([], START + 10)


def test_the_clock_never_goes_back() -> None:
    with pytest.raises(ValueError, match="cannot go back"):
        VirtualClock().advance(-1)
    with pytest.raises(ValueError, match="factor"):
        VirtualClock(factor=-1)


def test_times_are_told_in_utc() -> None:
    assert iso(START + 1.5) == "2026-01-01T00:00:01.500Z"
