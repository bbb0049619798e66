"""The placing problem and its solution as values: equal problems have equal solutions, so they can be remembered."""

from dataclasses import dataclass

from multicloud.decide.place.sizes import Choice
from multicloud.model.spec import Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Choose a size for each choice (sorted by name). `fixed_units` come on top, whatever is chosen."""

    strategy: Strategy
    minimum: int
    desired: int
    maximum: int
    fixed_units: int
    choices: tuple[Choice, ...]

    @property
    def lowest(self) -> int:
        """The fewest units that can be chosen, fixed ones apart."""
        return sum(choice.lowest * choice.units for choice in self.choices)

    @property
    def highest(self) -> int:
        """The most units that can be chosen, fixed ones apart."""
        return sum(choice.highest * choice.units for choice in self.choices)

    def rank(self, units: int) -> tuple[int, int, int, int]:
        """How good a total of chosen units is, smaller first: the first four levels."""
        total = units + self.fixed_units
        return (
            max(0, self.minimum - total),
            max(0, total - self.maximum),
            max(0, self.desired - total),
            max(0, total - self.desired),
        )

    def plain_total(self) -> int | None:
        """The best total where every number of units between lowest and highest can be had, else None."""
        if any(choice.units * choice.step != 1 for choice in self.choices):
            return None
        return max(self.lowest, min(self.highest, self.desired - self.fixed_units))


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Nodes for each choice of the problem, in its order, and the units that they carry."""

    nodes: tuple[int, ...]
    units: int
