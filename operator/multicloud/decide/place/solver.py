"""HiGHS behind linear expressions with whole factors. `program` states a problem through it and reads values back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

SECONDS_AT_MOST: Final = 5.0
"""Last resort per level, in seconds; the limit in search nodes comes first, so that results are reproducible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """`constant` + Σ factor × column."""

    constant: int = 0
    factors: Mapping[int, int] = field(default_factory=dict)

    def plus(self, other: "Linear") -> "Linear":
        """The sum of both."""
        factors = dict(self.factors)
        for column, factor in other.factors.items():
            factors[column] = factors.get(column, 0) + factor
        return Linear(constant=self.constant + other.constant, factors=factors)

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
        return Linear(constant=constant, factors=factors)


@cache
def _highspy() -> tuple[Any, Any]:
    """The solver's module and its class, without a banner on standard output, where our answers go.

    The class prints the banner while it switches callbacks on, before an option could forbid it; we need none.
    """
    import highspy

    return highspy, type("QuietHighs", (highspy.Highs,), {"enableCallbacks": highspy.Highs.silent})


class Solver:
    """One growing integer program. Values are those of the newest successful `minimise`."""

    def __init__(self, *, nodes_at_most: int) -> None:
        """`nodes_at_most` bounds the search of each `minimise`."""
        self._module, quiet = _highspy()
        self._highs: Any = quiet()
        self._columns = 0
        self._values: list[int] = []
        self._earlier: list[int] = []
        for option, value in (
            ("output_flag", False),
            ("threads", 1),
            ("random_seed", 0),
            ("mip_rel_gap", 0.0),
            # Objectives take whole values only: less than one apart is the same.
            ("mip_abs_gap", 0.9),
            ("mip_max_nodes", nodes_at_most),
            ("time_limit", SECONDS_AT_MOST),
        ):
            self._highs.setOptionValue(option, value)

    def integer(self, low: int, high: int) -> Linear:
        """A new whole number from `low` to `high`."""
        column = self._column(low, high)
        self._highs.changeColIntegrality(column, self._module.HighsVarType.kInteger)
        return Linear(factors={column: 1})

    def amount(self) -> Linear:
        """A new number from 0 up, whole wherever an optimum makes it so."""
        return Linear(factors={self._column(0, self._module.kHighsInf): 1})

    def row(self, expression: Linear, low: int | None, high: int | None) -> None:
        """Demand `low` ≤ expression ≤ `high`; None is no limit on that side."""
        infinity = self._module.kHighsInf
        used = {column: factor for column, factor in expression.factors.items() if factor}
        self._highs.addRow(
            -infinity if low is None else float(low - expression.constant),
            infinity if high is None else float(high - expression.constant),
            len(used),
            list(used),
            [float(factor) for factor in used.values()],
        )

    def minimise(self, aim: Linear) -> bool:
        """Search for the least `aim`. True when sizes were found, proved best or not."""
        costs = [float(aim.factors.get(column, 0)) for column in range(self._columns)]
        self._highs.changeColsCost(self._columns, list(range(self._columns)), costs)
        self._highs.run()
        if self._highs.getInfo().primal_solution_status != self._module.SolutionStatus.kSolutionStatusFeasible:
            return False
        self._earlier = self._values
        self._values = [round(value) for value in self._highs.getSolution().col_value]
        return True

    def go_back(self) -> None:
        """Take the values of the `minimise` before the newest one."""
        self._values = self._earlier

    def value(self, expression: Linear) -> int:
        """The expression's value in the newest solution."""
        return expression.constant + sum(factor * self._values[column] for column, factor in expression.factors.items())

    def _column(self, low: float, high: float) -> int:
        self._highs.addCol(0.0, float(low), float(high), 0, [], [])
        self._columns += 1
        return self._columns - 1
