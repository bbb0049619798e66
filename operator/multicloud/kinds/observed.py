"""Sizes of node pools as a file gives them: a map from `namespace/pool` to members to sizes (docs/plan.md).

`multicloud plan --observed` reads them.
"""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import ConfigDict, Field, RootModel, ValidationError, model_validator

from multicloud.kinds.refusals import Refusal
from multicloud.kinds.shape import Nodes, Part, WholeNumber, told


class ObservedMember(Part):
    """One node pool. Absent `nodes` and `ready`: as many as requested, all at rest.

    Absent `adoptionFloor`: the member is taken over with this size. Given: it is the operator's already; 0 is no floor.
    """

    model_config = ConfigDict(extra="forbid")

    requested: Nodes
    nodes: Nodes | None = None
    ready: Nodes | None = None
    step: Annotated[WholeNumber, Field(ge=1, le=100)] | None = None
    adoption_floor: Nodes | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        nodes = self.requested if self.nodes is None else self.nodes
        if self.ready is not None and self.ready > nodes:
            raise ValueError("ready must not be above nodes")
        return self


class Observed(RootModel[dict[str, dict[str, ObservedMember]]]):
    """The whole file."""


Sizes = Mapping[str, Mapping[str, ObservedMember]]
"""By `namespace/pool`, then by member."""


def observed_sizes(document: object) -> Sizes | list[Refusal]:
    """The sizes of a file's one document, or every mistake in it."""
    try:
        return Observed.model_validate(document).root
    except ValidationError as error:
        return [Refusal(path=path.lstrip("."), words=words) for path, _, words in told(error, "")]
