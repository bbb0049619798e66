"""Runs as a picture for a meeting: load and ready capacity with the shortage shaded, and beneath what is paid.

The only module that knows matplotlib, and the reason why it is an extra. Equal runs give equal bytes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from multicloud.cli.simulate.summary import Run, Step, ideal_units, summary

_POINTS: Final = 1600
"""No more points than a screen has columns: of what falls into one, the worst moment is drawn."""
_WIDTH_IN: Final = 11.0
_RUN_IN: Final = 3.1
_PAID_IN: Final = 2.2
_DPI: Final = 120
_INK: Final = "#1f2933"
_QUIET: Final = "#7b8794"
_LOAD: Final = "#1f2933"
_SHORT: Final = "#d64545"
_IDEAL: Final = "#9aa5b1"
_COLORS: Final = ("#2a78d6", "#e07b00", "#3f9142", "#8a4fbe", "#008b8b", "#b8860b")
_STYLE: Final[dict[Any, Any]] = {  # matplotlib's own type spells out three hundred keys
    "axes.edgecolor": _IDEAL,
    "axes.labelcolor": _INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 10.0,
    "svg.fonttype": "path",
    "svg.hashsalt": "multicloud",
    "text.color": _INK,
    "xtick.color": _QUIET,
    "ytick.color": _QUIET,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """Seconds as people read them on an axis."""

    unit: str
    seconds: float
    first: float

    @classmethod
    def of(cls, run: Run) -> "_Scale":
        """Minutes, hours or days, whichever gives a handful of ticks."""
        first, last = run.steps[0].seconds, run.steps[-1].seconds
        for unit, length in (("days", 86_400.0), ("hours", 3600.0)):
            if last - first >= 3 * length:
                return cls(unit=unit, seconds=length, first=first)
        return cls(unit="minutes", seconds=60.0, first=first)

    def __call__(self, step: Step) -> float:
        return (step.seconds - self.first) / self.seconds


def draw(runs: Sequence[Run], path: Path) -> None:
    """Draw all runs above each other, what they cost together beneath. The suffix says PNG or SVG."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH_IN, _RUN_IN * len(runs) + _PAID_IN), layout="constrained")
        heights = [_RUN_IN] * len(runs) + [_PAID_IN]
        panels = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        for panel, run, color in zip(panels, runs, _colors(runs), strict=False):
            _draw_run(panel, run, color)
        _draw_paid(panels[-1], runs)
        panels[0].legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, frameon=False, fontsize=9)
        metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
        figure.savefig(path, dpi=_DPI, metadata=metadata, facecolor="white")


def _draw_run(panel: Axes, run: Run, color: str) -> None:
    scale, capacity = _Scale.of(run), run.unit_capacity
    shown = _worst(run.steps, lambda step: step.load - step.ready * capacity)
    moments = [scale(step) for step in shown]
    loads = [step.load for step in shown]
    ready = [step.ready * capacity for step in shown]
    short = [load > carried for load, carried in zip(loads, ready, strict=True)]
    panel.fill_between(moments, ready, step="post", color=color, alpha=0.13, linewidth=0)
    panel.step(moments, ready, where="post", color=color, linewidth=1.6, label="ready capacity")
    panel.plot(moments, loads, color=_LOAD, linewidth=1.0, drawstyle="steps-post", label="load")
    panel.fill_between(
        moments, ready, loads, where=short, step="post", color=_SHORT, alpha=0.65, linewidth=0, label="shortage"
    )
    # A shortage of minutes is narrower than a point of a week's picture, and must be seen all the same.
    worst = [at for at, is_short in enumerate(short) if is_short]
    panel.vlines(
        [moments[at] for at in worst],
        [ready[at] for at in worst],
        [loads[at] for at in worst],
        color=_SHORT,
        linewidth=1.6,
        zorder=3,
    )
    made = summary(run)
    told = (
        f"short {made['underPercent']:.2f} % of the time, {made['lostLoadPercent']:.2f} % of the load · "
        f"{made['resizesPerDay']:.0f} resizes a day"
    )
    panel.set_title(run.policy, loc="left", fontweight="bold", fontsize=11, pad=18)
    panel.text(0, 1.015, told, transform=panel.transAxes, color=_QUIET, fontsize=9, va="bottom")
    panel.set_ylabel("load")
    panel.set_ylim(bottom=0)
    panel.margins(x=0)
    panel.grid(axis="y", color=_IDEAL, alpha=0.25, linewidth=0.6)


def _draw_paid(panel: Axes, runs: Sequence[Run]) -> None:
    """Cost an hour where prices are known; units that are paid otherwise, beside the ideal ones."""
    priced = all(step.hourly_cost is not None for run in runs for step in run.steps)
    for color, run in zip(_colors(runs), runs, strict=True):
        scale = _Scale.of(run)
        shown = _worst(run.steps, lambda step: step.units)
        paid = [(step.hourly_cost or 0.0) if priced else float(step.units) for step in shown]
        made = summary(run)
        total = f"cost {made['cost']:.2f}" if priced else f"{made['unitHours']:.0f} unit-hours"
        more = f", {made['unitHours'] / made['idealUnitHours']:.2f} × ideal" if made["idealUnitHours"] else ""
        panel.step(
            [scale(step) for step in shown],
            paid,
            where="post",
            color=color,
            linewidth=1.3,
            label=f"{run.policy}: {total}{more}",
        )
    if not priced:
        first = runs[0]
        scale = _Scale.of(first)
        shown = _worst(first.steps, lambda step: step.load)
        ideal = [ideal_units(step.load, first.unit_capacity) for step in shown]
        panel.step([scale(step) for step in shown], ideal, where="post", color=_IDEAL, linewidth=1, label="ideal")
    panel.set_ylabel("cost an hour" if priced else "units paid")
    panel.set_xlabel(_Scale.of(runs[0]).unit)
    panel.set_ylim(bottom=0)
    panel.margins(x=0)
    panel.grid(axis="y", color=_IDEAL, alpha=0.25, linewidth=0.6)
    panel.legend(loc="upper left", bbox_to_anchor=(0, 1.02), ncols=min(3, len(runs) + 1), frameon=False, fontsize=9)
    low, high = panel.get_ylim()
    panel.set_ylim(low, high * 1.35)


def _colors(runs: Sequence[Run]) -> Sequence[str]:
    return [_COLORS[place % len(_COLORS)] for place in range(len(runs))]


def _worst(steps: Sequence[Step], badness: Callable[[Step], float]) -> Sequence[Step]:
    """At most so many steps as there are points: of each group the worst."""
    group = -(-len(steps) // _POINTS)
    if group == 1:
        return steps
    return [max(steps[first : first + group], key=badness) for first in range(0, len(steps), group)]
