"""The placing problem and its solution as values: equal problems have equal solutions, so they can be remembered.

All numbers are whole: units, nodes, and money in ten-thousandths of the currency per hour.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from multicloud.decide.place.sizes import Choice
from multicloud.model.spec import Loss, Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Survival:
    """Whatever domain of this kind is lost, `units` are to stand elsewhere."""

    loss: Loss
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Choose a size for each choice (sorted by name); the `fixed` ones have one size only and count with it.

    `survivals` are in the order of Loss, the largest loss first. `spread_only`: something is lost already, so that no
    units come on top of the desired ones for the next loss. `on_demand` units are to be of machines that no cloud takes
    back, at most `spot` units of others (None: any number). `ceiling` is what all may cost (None: anything). `stays`:
    nothing moves for a saving alone.
    """

    strategy: Strategy
    minimum: int
    desired: int
    maximum: int
    choices: tuple[Choice, ...]
    fixed: tuple[Choice, ...] = ()
    survivals: tuple[Survival, ...] = ()
    spread_only: bool = False
    on_demand: int = 0
    spot: int | None = None
    ceiling: int | None = None
    stays: bool = False

    @property
    def lowest(self) -> int:
        """The fewest units that can be chosen, fixed ones apart."""
        return sum(choice.lowest * choice.units for choice in self.choices)

    @property
    def highest(self) -> int:
        """The most units that can be chosen, fixed ones apart."""
        return sum(choice.highest * choice.units for choice in self.choices)

    @property
    def fixed_units(self) -> int:
        """Units that count whatever is chosen."""
        return sum(choice.present * choice.units for choice in self.fixed)

    @property
    def present(self) -> tuple[int, ...]:
        """The choices' present sizes, or the nearest that they may have."""
        return tuple(choice.nearest(choice.present) for choice in self.choices)

    def units(self, nodes: Sequence[int]) -> int:
        """What these sizes of the choices carry."""
        return sum(choice.units * size for choice, size in zip(self.choices, nodes, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Nodes for each choice of the problem, in its order, and the units that they carry.

    `gap` is how far they may be from the best, as a share of the first level that was not proved; 0 if all were.
    """

    nodes: tuple[int, ...]
    units: int
    gap: Fraction = Fraction(0)
