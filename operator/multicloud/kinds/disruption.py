"""`spec.disruption` as manifests spell it: how fast nodes may go, and when. Part of MultiCloudPool."""

from typing import Annotated

from pydantic import Field

from multicloud.kinds.schedule import Recurring
from multicloud.kinds.shape import Part, Seconds, WholeNumber
from multicloud.model.spec import Action, Disruption, VoluntaryMoves, Window


class WindowBlock(Recurring):
    """Times at which nodes may be removed."""

    allow: Annotated[
        tuple[Action, ...],
        Field(min_length=1, max_length=len(Action), json_schema_extra={"x-kubernetes-list-type": "set"}),
    ] = Field(
        description="What may be done in it. ScaleDown: remove nodes because fewer are wished for. Move: have others stand in for "
        "nodes, and remove them. What no window of the list allows is not bound to windows."
    )

    def to_model(self) -> Window:
        """Say it in the words of `model`."""
        return Window(schedule=self.to_schedule(), allow=frozenset(self.allow))


class DisruptionBlock(Part):
    """How fast nodes may be removed, and when. Growth is not limited by this."""

    max_unavailable_percent: Annotated[WholeNumber, Field(ge=1, le=100)] = Field(
        default=10,
        description="Most units removed from the whole pool in one step, in percent of the desired ones, rounded up; units "
        "that are not ready are counted among them. One node (GKE: one of each zone) may go in any case. 100: no such limit.",
    )
    max_nodes_per_step: Annotated[WholeNumber, Field(ge=1, le=10_000)] = Field(
        default=20, description="Most nodes removed from the whole pool in one step; the next waits for it to end."
    )
    step_pause_seconds: Seconds = Field(
        default=300,
        description="Seconds between the end of a step and the next, where evicted pods cannot be watched. Where the cluster "
        "shows its pods, the next step waits until no more of them are without a node than before.",
    )
    scale_down_delay_seconds: Seconds = Field(
        default=300, description="Seconds that a lower wish must have stood before nodes are removed for it."
    )
    max_surge_percent: Annotated[WholeNumber, Field(ge=0, le=100)] = Field(
        default=10,
        description="Most units above maxReplicas while units move from one member to another, in percent of maxReplicas, "
        "rounded up. One node (GKE: one of each zone) may come in any case.",
    )
    voluntary_moves: VoluntaryMoves = Field(
        default=VoluntaryMoves.OBSERVED,
        description="Whether a member may lose nodes though no fewer are wished for. Observed: one whose pods the operator can "
        "see. Always, Never. A member that is drained, or above its maxNodes, loses them all the same.",
    )
    windows: Annotated[
        tuple[WindowBlock, ...], Field(max_length=20, json_schema_extra={"x-kubernetes-list-type": "atomic"})
    ] = Field(
        default=(),
        description="Times at which nodes may be removed, apart from those of members that are drained. None: always.",
    )

    def to_model(self) -> Disruption:
        """Say it in the words of `model`."""
        return Disruption(
            max_unavailable_percent=self.max_unavailable_percent,
            max_nodes_per_step=self.max_nodes_per_step,
            step_pause_s=self.step_pause_seconds,
            scale_down_delay_s=self.scale_down_delay_seconds,
            max_surge_percent=self.max_surge_percent,
            voluntary_moves=self.voluntary_moves,
            windows=tuple(window.to_model() for window in self.windows),
        )
