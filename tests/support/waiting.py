"""Waiting for what a program does in real time: a condition and a deadline, never a fixed pause."""

import threading
from collections.abc import Callable
from typing import TypeVar

from multicloud.run.clock import SystemClock

T = TypeVar("T")

CLOCK = SystemClock()
LOOK_EVERY_S = 0.05


def until(look: Callable[[], T | None], what: str, *, timeout_s: float, tell: Callable[[], object] = str) -> T:
    """Look again and again until it is true; return it. After the deadline AssertionError says what and `tell()`."""
    pause = threading.Event()
    end_s = CLOCK.monotonic() + timeout_s
    while True:
        found = look()
        if found:
            return found
        if CLOCK.monotonic() >= end_s:
            raise AssertionError(f"not within {timeout_s} s: {what}\n{tell()}")
        pause.wait(LOOK_EVERY_S)


def stays(look: Callable[[], object], what: str, *, for_s: float, tell: Callable[[], object] = str) -> None:
    """Look for so long that it is true all the time: for what must *not* happen."""
    pause = threading.Event()
    end_s = CLOCK.monotonic() + for_s
    while CLOCK.monotonic() < end_s:
        assert look(), f"no longer true: {what}\n{tell()}"
        pause.wait(LOOK_EVERY_S)
