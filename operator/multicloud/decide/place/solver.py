"""HiGHS behind linear expressions with whole factors. `program` states a problem through it and reads values back.

HiGHS reckons in floating point. What is taken from it is checked here in whole numbers: sizes count only if every row
holds exactly, and a bound on what can be reached is reckoned again, exactly, from the prices that HiGHS gives to the
rows. It is told to be reproducible: one thread, one seed, a limit in search nodes before one in seconds.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

SECONDS_AT_MOST: Final = 5.0
"""Last resort per level, in seconds; the limit in search nodes comes first, so that results are reproducible."""

_DUAL_SCALE: Final = 1 << 24
"""Row prices are rounded to this fraction of a unit before they are reckoned with: any prices give a true bound."""

_UNSURE: Final = 0.05
"""By how much HiGHS's own bound is mistrusted."""

_NO_BOUND: Final = -(1 << 100)

_LARGE: Final = 1 << 13
"""Rows with larger factors are scaled down for HiGHS, by a power of two, which is exact: its tolerances are absolute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """`constant` + Σ factor × column."""

    constant: int = 0
    factors: Mapping[int, int] = field(default_factory=dict)

    def plus(self, other: "Linear") -> "Linear":
        """The sum of both."""
        return Linear.sum((self, other))

    def times(self, factor: int) -> "Linear":
        """The multiple."""
        factors = {column: factor * own for column, own in self.factors.items()}
        return Linear(constant=self.constant * factor, factors=factors)

    @staticmethod
    def sum(terms: "Iterable[Linear]") -> "Linear":
        """The sum of all."""
        constant = 0
        factors: dict[int, int] = {}
        for term in terms:
            constant += term.constant
            for column, factor in term.factors.items():
                factors[column] = factors.get(column, 0) + factor
        return Linear(constant=constant, factors={column: own for column, own in factors.items() if own})

    def at(self, values: Sequence[int]) -> int:
        """The value where the columns have these."""
        return self.constant + sum(factor * values[column] for column, factor in self.factors.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The value that was reached, and the least that is possible as far as it is proved."""

    value: int
    bound: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """`low` ≤ expression ≤ `high`, constants moved to the sides; `scale` is what HiGHS sees it divided by."""

    factors: Mapping[int, int]
    low: int | None
    high: int | None
    scale: int

    def holds(self, values: Sequence[int]) -> bool:
        value = sum(factor * values[column] for column, factor in self.factors.items())
        return (self.low is None or self.low <= value) and (self.high is None or value <= self.high)


@cache
def _highspy() -> tuple[Any, Any]:
    """The solver's module and its class, without a banner on standard output, where our answers go.

    The class prints the banner while it switches callbacks on, before an option could forbid it; we need none.
    """
    import highspy

    return highspy, type("QuietHighs", (highspy.Highs,), {"enableCallbacks": highspy.Highs.silent})


class Solver:
    """One growing integer program. Values are those of the best sizes found by the newest `minimise`."""

    def __init__(self) -> None:
        """Make an empty program."""
        self._module, quiet = _highspy()
        self._highs: Any = quiet()
        self._low: list[int] = []
        self._high: list[int] = []
        self._lines: list[Sequence[Linear]] = []
        """For each column the expressions of which it is the largest, none for one that is chosen."""
        self._rows: list[_Row] = []
        self._values: list[int] | None = None
        for option, value in (
            ("output_flag", False),
            ("threads", 1),
            ("random_seed", 0),
            ("mip_rel_gap", 0.0),
            ("mip_detect_symmetry", False),
            # Both take longer than what they save in programs of this size.
            ("mip_root_presolve_only", True),
            ("mip_allow_restart", False),
            # Sizes are easily found; what takes time is the proof.
            ("mip_heuristic_effort", 0.0),
            ("mip_heuristic_run_feasibility_jump", False),
        ):
            self._highs.setOptionValue(option, value)

    def integer(self, low: int, high: int) -> Linear:
        """A new whole number from `low` to `high`."""
        column = self._column(low, high, ())
        self._highs.changeColIntegrality(column, self._module.HighsVarType.kInteger)
        return Linear(factors={column: 1})

    def largest(self, lines: Sequence[Linear]) -> Linear:
        """A new number: the largest of the expressions wherever it is minimised or bounded from above."""
        high = max(line.constant + sum(max(self._ends(term)) for term in line.factors.items()) for line in lines)
        low = max(line.constant + sum(min(self._ends(term)) for term in line.factors.items()) for line in lines)
        largest = Linear(factors={self._column(low, high, lines): 1})
        if self._values is not None:
            self._values.append(max(line.at(self._values) for line in lines))
        for line in lines:
            self.row(largest.plus(line.times(-1)), 0, None)
        return largest

    def row(self, expression: Linear, low: int | None, high: int | None) -> None:
        """Demand `low` ≤ expression ≤ `high`; None is no limit on that side."""
        self._add(expression, low, high)
        if self._values is not None and not self._rows[-1].holds(self._values):
            self._values = None

    def minimise(self, aim: Linear, *, nodes_at_most: int) -> Found | None:
        """Search for the least `aim` and keep it from then on. None when nothing was found that keeps every row.

        What was found before stays unless better is found. Afterwards columns are bound to what can still reach the
        value.
        """
        scale = _scale(aim)
        costs = [aim.factors.get(column, 0) / scale for column in range(len(self._low))]
        self._highs.changeColsCost(len(costs), list(range(len(costs))), costs)
        prices = self._relaxed(scale)
        if prices is None:
            return None
        relaxed, slopes = self._bound(aim, prices)
        bound = -(-relaxed // _DUAL_SCALE)
        # Only better sizes are searched for: the search ends sooner, and HiGHS need not be given those at hand.
        kept = self._add(aim, None, None if self._values is None else aim.at(self._values) - 1)
        if self._values is None or aim.at(self._values) > bound:
            bound = max(bound, self._searched(aim, scale, nodes_at_most))
        if self._values is None:
            return None
        value = aim.at(self._values)
        self._change(kept, value - aim.constant)
        self._tighten(slopes, value * _DUAL_SCALE - relaxed)
        return Found(value=value, bound=min(value, bound))

    def take(self, chosen: Mapping[int, int]) -> bool:
        """Take these values of the columns that are chosen, if they keep every row; nothing else is looked for."""
        values = self._completed(chosen)
        if not self._keeps(values):
            return False
        self._values = values
        return True

    def value(self, expression: Linear) -> int:
        """The expression's value at the best sizes found."""
        return 0 if self._values is None else expression.at(self._values)

    @property
    def solved(self) -> bool:
        """True while sizes are known that keep every row."""
        return self._values is not None

    def _relaxed(self, scale: int) -> list[int] | None:
        """The rows' prices when nodes could be cut at will, times _DUAL_SCALE; None where not even that is possible."""
        self._highs.setOptionValue("solve_relaxation", True)
        self._highs.setOptionValue("time_limit", self._highs.getRunTime() + SECONDS_AT_MOST)
        self._highs.run()
        self._highs.setOptionValue("solve_relaxation", False)
        status = self._highs.getModelStatus()
        if status == self._module.HighsModelStatus.kInfeasible:
            return None
        if status != self._module.HighsModelStatus.kOptimal:
            return [0] * len(self._rows)
        duals = self._highs.getSolution().row_dual
        return [round(dual * scale / row.scale * _DUAL_SCALE) for dual, row in zip(duals, self._rows, strict=True)]

    def _bound(self, aim: Linear, prices: Sequence[int]) -> tuple[int, list[int]]:
        """What `aim` cannot go below, and what a step of each column costs then, all times _DUAL_SCALE, exactly."""
        slopes = [0] * len(self._low)
        for column, factor in aim.factors.items():
            slopes[column] = factor * _DUAL_SCALE
        bound = aim.constant * _DUAL_SCALE
        for row, price in zip(self._rows, prices, strict=True):
            side = row.low if price > 0 else row.high
            if price == 0 or side is None:
                continue
            bound += price * side
            for column, factor in row.factors.items():
                slopes[column] -= price * factor
        for slope, low, high in zip(slopes, self._low, self._high, strict=True):
            bound += slope * (low if slope > 0 else high)
        return bound, slopes

    def _searched(self, aim: Linear, scale: int, nodes_at_most: int) -> int:
        """Let HiGHS search, take what it found if it is better, and give the bound that it proved."""
        highs, known = self._highs, self._values
        highs.setOptionValue("mip_abs_gap", 0.9 / scale)
        highs.setOptionValue("mip_max_nodes", nodes_at_most)
        highs.setOptionValue("time_limit", highs.getRunTime() + SECONDS_AT_MOST)
        highs.run()
        if highs.getModelStatus() == self._module.HighsModelStatus.kInfeasible and known is not None:
            return aim.at(known)
        info = highs.getInfo()
        if info.primal_solution_status == self._module.SolutionStatus.kSolutionStatusFeasible:
            self._take(aim, highs.getSolution().col_value)
        if abs(info.mip_dual_bound) >= self._module.kHighsInf:
            return _NO_BOUND
        # Objectives are whole numbers, and HiGHS stops less than one from the best.
        return math.ceil(float(info.mip_dual_bound) * scale + aim.constant - _UNSURE)

    def _take(self, aim: Linear, columns: Sequence[float]) -> None:
        values = self._completed({number: round(value) for number, value in enumerate(columns)})
        if self._keeps(values) and (self._values is None or aim.at(values) < aim.at(self._values)):
            self._values = values

    def _completed(self, chosen: Mapping[int, int]) -> list[int]:
        """The values of all columns: those that are the largest of something follow from the others."""
        values: list[int] = []
        for number, lines in enumerate(self._lines):
            values.append(max(line.at(values) for line in lines) if lines else chosen[number])
        return values

    def _keeps(self, values: Sequence[int]) -> bool:
        inside = all(low <= value <= high for low, value, high in zip(self._low, values, self._high, strict=True))
        return inside and all(row.holds(values) for row in self._rows)

    def _tighten(self, slopes: Sequence[int], slack: int) -> None:
        """Bind each column to where its own cost alone does not use up what the best value leaves to spare."""
        for column, slope in enumerate(slopes):
            low, high = self._low[column], self._high[column]
            if slope > 0:
                high = min(high, low + slack // slope)
            elif slope < 0:
                low = max(low, high - slack // -slope)
            if (low, high) != (self._low[column], self._high[column]) and not self._lines[column]:
                self._low[column], self._high[column] = low, high
                self._highs.changeColBounds(column, float(low), float(high))

    def _add(self, expression: Linear, low: int | None, high: int | None) -> int:
        """Add a row without asking whether the values at hand keep it; give its number."""
        low = None if low is None else low - expression.constant
        high = None if high is None else high - expression.constant
        row = _Row(factors=expression.factors, low=low, high=high, scale=_scale(expression))
        self._rows.append(row)
        factors = [factor / row.scale for factor in row.factors.values()]
        self._highs.addRow(*self._sides(row), len(factors), list(row.factors), factors)
        return len(self._rows) - 1

    def _change(self, number: int, high: int) -> None:
        """Give a row another upper side."""
        row = replace(self._rows[number], high=high)
        self._rows[number] = row
        self._highs.changeRowBounds(number, *self._sides(row))

    def _sides(self, row: _Row) -> tuple[float, float]:
        infinity = self._module.kHighsInf
        return (
            -infinity if row.low is None else row.low / row.scale,
            infinity if row.high is None else row.high / row.scale,
        )

    def _ends(self, term: tuple[int, int]) -> tuple[int, int]:
        column, factor = term
        return factor * self._low[column], factor * self._high[column]

    def _column(self, low: int, high: int, lines: Sequence[Linear]) -> int:
        self._highs.addCol(0.0, float(low), float(high), 0, [], [])
        self._low.append(low)
        self._high.append(high)
        self._lines.append(lines)
        return len(self._low) - 1


def _scale(expression: Linear) -> int:
    """A power of two that brings the largest factor down to what HiGHS's tolerances are made for."""
    largest = max(map(abs, expression.factors.values()), default=0)
    return 1 << max(0, (largest // _LARGE).bit_length())
