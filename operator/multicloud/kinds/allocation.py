"""The block `allocation` of a MultiCloudPool, and prices: how units are shared among members, and what it may cost.

Money is a decimal string in manifests: a YAML number would be read as floating point.
"""

from decimal import Decimal
from typing import Annotated, Final

from pydantic import Field

from multicloud.kinds.shape import Part, Units, WholeNumber, rule
from multicloud.model.spec import Loss, MoveWhenSaving, Strategy, Survive

Currency = Annotated[str, Field(max_length=3, pattern=r"^[A-Z]{3}$")]
"""The ISO 4217 code of a currency."""

HourlyPrice = Annotated[
    str,
    Field(
        max_length=11,
        # "0", or 0.0001 to 1000 with at most six digits after the point.
        pattern=r"^(0|0\.([1-9][0-9]{0,5}|0[1-9][0-9]{0,4}|00[1-9][0-9]{0,3}|000[1-9][0-9]{0,2})"
        r"|[1-9][0-9]{0,2}(\.[0-9]{1,6})?|1000(\.0{1,6})?)$",
    ),
]
"""What one node costs in an hour, as a decimal string."""

Amount = Annotated[str, Field(max_length=14, pattern=r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,4})?$")]
"""An amount of money as a decimal string, at most four digits after the point."""

Percent = Annotated[WholeNumber, Field(ge=0, le=100)]
"""A share in percent."""

_COST_NEEDS_PRICES = "allocation.strategy Cost needs hourlyPrice on every member: an unknown price is never free"
_CEILING_NEEDS_PRICES = "allocation.maxHourlyCost needs hourlyPrice on every member: an unknown price is never free"

PRICE_RULES: Final = (
    rule(
        "!has(self.allocation.strategy) || self.allocation.strategy != 'Cost' || "
        "self.members.all(member, has(member.hourlyPrice))",
        _COST_NEEDS_PRICES,
        field=".allocation.strategy",
    ),
    rule(
        "!has(self.allocation.maxHourlyCost) || self.members.all(member, has(member.hourlyPrice))",
        _CEILING_NEEDS_PRICES,
        field=".allocation.maxHourlyCost",
    ),
)
"""CEL rules of the whole spec."""


class SurviveRule(Part):
    """What must stand when something is lost."""

    loss: Loss = Field(
        description="What is lost: every member of one Cloud, of one Region, or one Member. Azure clusters do not name "
        "their region here, so all of Azure counts as one."
    )
    keep_percent: Annotated[WholeNumber, Field(ge=1, le=100)] = Field(
        description="Percent of the desired units that stand elsewhere, rounded up."
    )


class SpotShare(Part):
    """How much may stand on machines that the cloud may take back."""

    max_percent: Percent = Field(
        default=100, description="Most units on Spot members, in percent of the desired units, rounded down."
    )
    min_on_demand_replicas: Units = Field(
        default=0, description="Fewest units on OnDemand members, as far as so many are desired."
    )


class Saving(Part):
    """When nodes move for a lower cost alone, with strategy Cost."""

    percent: Percent = Field(
        default=10, description="Least saving that nodes move for, in percent of the pool's present hourly cost."
    )
    for_seconds: Annotated[WholeNumber, Field(ge=0, le=604_800)] = Field(
        default=1800, description="Seconds that the saving must have stood."
    )


class Allocation(Part):
    """How units are shared among members."""

    strategy: Strategy = Field(
        default=Strategy.WEIGHTED,
        description="Weighted: by weight. Priority: the highest priority first, equal priorities by weight. Cost: the "
        "cheapest; needs hourlyPrice on every member.",
    )
    survive: Annotated[
        tuple[SurviveRule, ...],
        Field(
            max_length=len(Loss),
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["loss"]},
        ),
    ] = Field(
        default=(),
        description="What stands when something is lost. More units than desired are placed for it, up to maxReplicas.",
    )
    spot: SpotShare = Field(default=SpotShare(), description="How much may stand on Spot members.")
    max_hourly_cost: Amount | None = Field(
        default=None,
        description="What all nodes may cost in an hour, in spec.currency. It stops growth above minReplicas and never "
        "removes a node. Needs hourlyPrice on every member. Absent: anything.",
    )
    move_when_saving: Saving = Field(
        default=Saving(), description="When nodes move for a lower cost alone, with strategy Cost."
    )

    def problem(self, *, unpriced: bool) -> str | None:
        """What is wrong with it beside members of which some have no price."""
        losses = [one.loss for one in self.survive]
        doubled = sorted({loss for loss in losses if losses.count(loss) > 1})
        if doubled:
            return f"allocation.survive: doubled loss: {', '.join(doubled)}"
        if unpriced and self.strategy is Strategy.COST:
            return _COST_NEEDS_PRICES
        if unpriced and self.max_hourly_cost is not None:
            return _CEILING_NEEDS_PRICES
        return None

    def survivals(self) -> tuple[Survive, ...]:
        """The rules of `survive` in the words of `model`."""
        return tuple(Survive(loss=one.loss, keep_percent=one.keep_percent) for one in self.survive)

    def ceiling(self) -> Decimal | None:
        """`maxHourlyCost` as a number."""
        return None if self.max_hourly_cost is None else Decimal(self.max_hourly_cost)

    def saving(self) -> MoveWhenSaving:
        """`moveWhenSaving` in the words of `model`."""
        return MoveWhenSaving(percent=self.move_when_saving.percent, for_s=self.move_when_saving.for_seconds)
