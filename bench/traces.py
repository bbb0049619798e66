"""Loads as services have them, made by a seed: `bench.scaling` plays them, the pictures of docs/scaling.md are of them.

One value a minute, in requests a second; one unit of `bench.scaling` carries `UNIT_CARRIES` of them.
"""

from collections.abc import Callable, Mapping
from math import exp, pi, sin
from random import Random
from typing import Final

MINUTES_A_DAY: Final = 1440
DAYS: Final = 7

Load = Callable[[float, Random], float]


def _day(days: float) -> float:
    """From 0 at four in the morning to 1 at four in the afternoon."""
    return (1 + sin(2 * pi * (days - 10 / 24))) / 2


def diurnal(days: float, chance: Random) -> float:
    """A web service of one time zone."""
    return 200 + 500 * _day(days) + chance.gauss(0, 12)


def flash_crowd(days: float, chance: Random) -> float:
    """The same, and on the third day at noon three times as many within two minutes, gone over three hours."""
    since = days - 2.5
    crowd = 1400 * exp(-since * 24 / 1.2) if since >= 0 else 0.0
    ramp = min(1.0, max(0.0, since * MINUTES_A_DAY / 2))
    return diurnal(days, chance) * 0.7 + crowd * ramp


def weekly(days: float, chance: Random) -> float:
    """An office: five days, quiet nights, hardly anything at the end of the week."""
    busy = 1.0 if int(days) % 7 < 5 else 0.15
    return 60 + 700 * busy * _day(days) ** 2 + chance.gauss(0, 10)


def on_off(days: float, chance: Random) -> float:
    """A batch every four hours, for fifty minutes, at once."""
    return (650 if (days * 24) % 4 < 50 / 60 else 80) + chance.gauss(0, 8)


def noise(days: float, chance: Random) -> float:  # noqa: ARG001 - a load like the others, but of no time at all
    """As much noise as load."""
    return max(20.0, chance.gauss(350, 110))


def slow_leak(days: float, chance: Random) -> float:
    """Work that leaks: a little more every hour, until a restart every other day."""
    return 150 + 220 * (days % 2) + chance.gauss(0, 6)


LOADS: Final[Mapping[str, Load]] = {
    "diurnal": diurnal,
    "flash crowd": flash_crowd,
    "weekly": weekly,
    "on/off": on_off,
    "noise": noise,
    "slow leak": slow_leak,
}


def trace(name: str, *, seed: int, days: float = DAYS) -> list[float]:
    """One of the loads, a value a minute. Equal seeds give equal values."""
    chance = Random(f"{name} {seed}")  # noqa: S311 - a load to play, nothing secret
    load = LOADS[name]
    return [round(max(0.0, load(minute / MINUTES_A_DAY, chance)), 3) for minute in range(round(days * MINUTES_A_DAY))]


def csv_text(values: list[float], *, metric: str = "rps") -> str:
    """As `multicloud simulate` reads it."""
    rows = (f"{60 * minute},{value}" for minute, value in enumerate(values))
    return "\n".join([f"seconds,{metric}", *rows, ""])
