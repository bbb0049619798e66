"""Status of our kinds as the API server stores it. `status` fills these models, `crd` makes the schema from them.

Every field is always written, but for the few that kubectl reads and that are absent while unknown; null means unknown,
never zero. The schema must hold every field that is written: the API server refuses a server-side apply of one it does
not know.
"""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from multicloud.kinds.shape import Part


def _spell(name: str) -> str:
    """Spell a field as in status: `from` is a word of Python, so here it is called `origin`."""
    return "from" if name == "origin" else to_camel(name)


class Reported(Part):
    """A block of a status."""

    model_config = ConfigDict(alias_generator=_spell)


class ReportedCondition(Reported):
    """One condition of an object, after the conventions of Kubernetes."""

    type: Annotated[str, Field(min_length=1, max_length=316)] = Field(description="What the condition is about.")
    status: str = Field(description="True, False or Unknown.")
    reason: str = Field(description="Why, as one stable word.")
    message: str = Field(description="Why, as a sentence.")
    observed_generation: int = Field(description="metadata.generation that the condition is about.")
    last_transition_time: datetime = Field(description="When status last changed.")


Conditions = Annotated[
    tuple[ReportedCondition, ...],
    Field(json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}),
]


class CloudAccountStatus(Reported):
    """What the operator knows of the identity."""

    observed_generation: int | None = Field(default=None, description="metadata.generation that this status is about.")
    identity: str | None = Field(
        default=None,
        description="Who the cloud says we are: an ARN, an application in a tenant, a service account. Absent: unknown.",
    )
    external_id: str | None = Field(
        default=None,
        description="External id that the trust policy of spec.aws.roleArn must ask for. Absent: no role is assumed.",
    )
    conditions: Conditions = Field(default=(), description="Conditions by type: Ready, Reconciling, Stalled, Paused.")


class ReportedDecider(Reported):
    """Who decided the wished number."""

    kind: str = Field(description="Kind of the object that decided, or Hold where nobody did.")
    name: str = Field(description="Name of that object.")
    reason: str = Field(description="Why, as one stable word.")
    since: datetime = Field(description="Since when this wish stands.")


class ReportedOverride(Reported):
    """The annotation multicloud.dev/override as it is understood."""

    min_replicas: int | None = Field(default=None, description="Fewest units; null: no such bound.")
    max_replicas: int | None = Field(
        default=None, description="Most units; null: no such bound. The same as minReplicas: exactly so many."
    )
    until: datetime = Field(description="When it ends by itself.")
    reason: str = Field(default="", description="Why, in the words of whoever set it.")
    since: datetime = Field(description="When it was first seen; until must lie within seven days after it.")


class ReportedClaim(Reported):
    """Proof that the member owns its node pool."""

    key: str = Field(description="The cloud's own identity of the node pool.")
    incarnation: str = Field(description="Changes when the node pool is deleted and made again.")
    since: datetime = Field(description="When the claim was proved first.")


class ReportedIntent(Reported):
    """A resize that was decided and whose end is not known yet. Written before the cloud is called."""

    id: str = Field(description="Random and never used again; the cloud's idempotency token derives from it.")
    target: int = Field(description="Nodes asked for, over all zones.")
    origin: int = Field(description="Nodes that the cloud tried to reach before.")
    started_at: datetime = Field(description="When the intent was written.")
    deadline: datetime = Field(description="When waiting for its end becomes a warning.")


class ReportedOperation(Reported):
    """The cloud's operation of the intent."""

    id: str = Field(description="The cloud's identifier of the operation.")


class ReportedResize(Reported):
    """The newest resize whose end is known."""

    id: str = Field(description="The id of its intent.")
    origin: int = Field(description="Nodes before.")
    target: int = Field(description="Nodes asked for.")
    at: datetime = Field(description="When its end became known.")
    outcome: str = Field(description="How it ended, as one stable word.")
    message: str = Field(description="How it ended, as a sentence.")


class ReportedRemoval(Reported):
    """Nodes that go, or went last: the next step of a removal waits for it."""

    unscheduled_pods: int | None = Field(
        default=None, description="Pods without a node in its cluster before; null: they cannot be seen."
    )
    ended_at: datetime | None = Field(default=None, description="When the nodes were seen to be gone; null: not yet.")


class ReportedFloor(Reported):
    """Nodes that a member is to have for the pods of its cluster."""

    nodes: int = Field(description="Nodes for what runs and what waits there.")
    left_at: datetime | None = Field(
        default=None,
        description="Since when fewer would do, which counts after scaleDownDelaySeconds; null: they would not.",
    )


class ReportedAcceptance(Reported):
    """A size that others set and a person accepted."""

    replicas: int | None = Field(description="The wished units, before any bound, for as long as which it stays.")
    at: datetime = Field(description="When it was accepted, as the annotation says.")


class ReportedMember(Reported):
    """One member as last decided on. Sizes are nodes over all zones; null is unknown."""

    name: str = Field(description="Name of the member.")
    cloud: str | None = Field(default=None, description="aws, azure or gcp.")
    cluster: str | None = Field(default=None, description="Name of the cluster.")
    node_pool: str | None = Field(default=None, description="Name of the node group, agent pool or node pool.")
    state: str | None = Field(default=None, description="Active, Frozen, or Refused where it cannot be managed.")
    requested_nodes: int | None = Field(default=None, description="Nodes that the cloud tries to reach.")
    nodes: int | None = Field(default=None, description="Nodes that exist.")
    ready_nodes: int | None = Field(default=None, description="Nodes that can run pods.")
    ready_source: str | None = Field(
        default=None, description="Who says that they are ready: Kubernetes, Cloud, or Assumed (nobody denied it)."
    )
    target_nodes: int | None = Field(
        default=None, description="Nodes that the plan ends with, those held on top of it included."
    )
    step: int | None = Field(default=None, description="Sizes must be multiples of this (GKE: number of zones).")
    min_nodes: int | None = Field(default=None, description="Fewest nodes, all bounds joined.")
    max_nodes: int | None = Field(default=None, description="Most nodes, all bounds joined.")
    agreed_nodes: int | None = Field(
        default=None,
        description="Size last asked for by us or taken over from others; another size than it is somebody's doing.",
    )
    held_since: datetime | None = Field(
        default=None, description="Since when a size that others set stands beside the plan; null: none does."
    )
    moved_at: datetime | None = Field(default=None, description="When others moved the size last; null: never seen.")
    corrections: Annotated[tuple[datetime, ...], Field(json_schema_extra={"x-kubernetes-list-type": "atomic"})] = Field(
        default=(), description="When surpluses were corrected lately, with drift.surplus Correct."
    )
    accepted: ReportedAcceptance | None = Field(
        default=None, description="That a person accepted the size that others set; null: nobody did."
    )
    scaler_since: datetime | None = Field(
        default=None, description="Since when something else sizes it again and again; null: nothing was seen to."
    )
    adoption_floor: int | None = Field(
        default=None, description="Nodes it was found with and is not shrunk below until adopted; null: no floor."
    )
    backoff_until: datetime | None = Field(
        default=None, description="Earliest time of the next growth after failed ones; null: now."
    )
    attempts: int = Field(default=0, description="Resizes that failed in a row.")
    missing_from: datetime | None = Field(
        default=None, description="When nodes that are not ready count as missing; null: all that were asked for are."
    )
    unseen_since: datetime | None = Field(default=None, description="Since when no look succeeds; null: it is seen.")
    foreign_since: datetime | None = Field(
        default=None, description="When an operation that is not ours was seen first; null: none lately."
    )
    foreign_until: datetime | None = Field(default=None, description="When that operation was seen to have ended.")
    claim: ReportedClaim | None = Field(default=None, description="Proof of ownership; null: not proved yet.")
    intent: ReportedIntent | None = Field(default=None, description="The resize under way; null: none.")
    operation: ReportedOperation | None = Field(
        default=None, description="The cloud's operation of the intent; null: no answer was read."
    )
    last_resize: ReportedResize | None = Field(default=None, description="The newest finished resize; null: none.")
    given_up: ReportedIntent | None = Field(
        default=None, description="The newest resize that seems to have had no effect, but may still show; null: none."
    )
    removal: ReportedRemoval | None = Field(
        default=None, description="The removal that the next one waits for; null: none."
    )
    pods_floor: ReportedFloor | None = Field(
        default=None, description="What a scaling policy asks for the pods of its cluster; null: nothing."
    )
    reason: str | None = Field(default=None, description="Why its size is, moves or waits, as one stable word.")
    message: str | None = Field(default=None, description="The reason as a sentence.")


class ReportedRelease(Reported):
    """A member whose entry was removed within the last 24 hours. Its node pool was left as it is."""

    name: str = Field(description="Name that the member had.")
    node_pool: str = Field(description="The cloud's own identity of its node pool.")
    nodes: int | None = Field(default=None, description="Nodes that the cloud tried to reach then; null: unknown.")
    at: datetime = Field(description="When the entry was seen to be gone.")


class ReportedSaving(Reported):
    """A cheaper placement that nodes would have to move for, worth it by allocation.moveWhenSaving.percent."""

    since: datetime = Field(description="Since when it stands.")
    moving: bool = Field(description="True once it has stood for forSeconds: nodes move, step by step.")
    prices: str = Field(description="Changes with any price: a move goes on at the prices that it began with.")


class ReportedChange(Reported):
    """A member's way to another size."""

    member: str = Field(description="Name of the member.")
    origin: int = Field(description="Nodes that the cloud tried to reach when the plan was made.")
    to: int = Field(description="Nodes at the end.")
    reason: str = Field(description="Why, as one stable word.")


class ReportedStep(Reported):
    """Changes that go together, once the step before is over."""

    changes: tuple[ReportedChange, ...] = Field(default=(), description="Changes of this step.")


class ReportedRelaxed(Reported):
    """Something that gave way."""

    name: str = Field(description="The field of spec.")
    by: int = Field(description="By how many units.")
    would_help: str = Field(description="What would help, as a sentence.")


class ReportedBinding(Reported):
    """A constraint without which the sizes would be others."""

    name: str = Field(description="The field of spec.")
    costs_per_hour: str | None = Field(
        default=None, description="What it costs an hour; negative: it saves. Null: a price is not known."
    )


class ReportedEndedPlan(Reported):
    """A published plan that no longer stands."""

    hash: str = Field(description="Its hash.")
    outcome: str = Field(description="Why it ended, as one stable word.")


class ReportedPlan(Reported):
    """What is to be done, and what it takes to let it happen."""

    id: str | None = Field(default=None, description="When it was published. Null: nothing has to be approved.")
    hash: str | None = Field(
        default=None,
        description="What the annotation multicloud.dev/approve has to say. Null: nothing has to be approved.",
    )
    expires_at: datetime | None = Field(
        default=None, description="When it can no longer be approved nor carried out; another one may follow."
    )
    changes: tuple[ReportedChange, ...] = Field(
        default=(), description="Members that are to have another size, removals first. Empty: nothing to do."
    )
    steps: tuple[ReportedStep, ...] = Field(
        default=(), description="How the changes would follow each other from now on; the first twenty steps at most."
    )
    relaxed: tuple[ReportedRelaxed, ...] = Field(default=(), description="What of the spec gave way to what.")
    binding_constraints: tuple[ReportedBinding, ...] | None = Field(
        default=None,
        description="What decided the sizes of a published plan, and what that costs, by the prices of that moment; of the "
        "first twenty constraints. Null: nothing has to be approved, or not worked out yet; `multicloud explain` tells it.",
    )
    hourly_cost: str | None = Field(
        default=None, description="What the sizes at the end cost an hour. Null: a price or a size is not known."
    )
    hourly_cost_now: str | None = Field(
        default=None, description="What the sizes now asked for cost an hour. Null: a price or a size is not known."
    )
    ended: tuple[ReportedEndedPlan, ...] = Field(
        default=(), description="Plans before it that stood and stand no longer, newest first, eight at most."
    )


class ReportedApproval(Reported):
    """The newest approval. It says what came of it; nothing is done because of what stands here."""

    hash: str = Field(description="The hash that it named.")
    manager: str | None = Field(
        default=None, description="Field manager that set the annotation, as it called itself. Null: unknown."
    )
    at: datetime = Field(description="When it was seen first.")
    outcome: str = Field(description="What came of it, as one stable word.")


class MultiCloudPoolStatus(Reported):
    """What the operator knows, decided and remembers. Units are those of spec."""

    observed_generation: int | None = Field(default=None, description="metadata.generation that this status is about.")
    replicas: int | None = Field(default=None, description="Ready units. Absent: not known yet.")
    selector: str | None = Field(
        default=None, description="Label selector for the scale subresource; it matches no pod."
    )
    requested_replicas: int | None = Field(default=None, description="Wished units, before any bound.")
    desired_replicas: int | None = Field(default=None, description="Wished units, inside the bounds.")
    floor_replicas: int | None = Field(
        default=None,
        description="Units on top of desiredReplicas, for pods in the clusters of certain members. Null: none.",
    )
    standing_in_replicas: int | None = Field(
        default=None, description="Units that grew so that others may go, which they have not yet. Null: none."
    )
    limited_by: str | None = Field(
        default=None, description="The first bound or gate that changed the wish, as one stable word. Absent: none."
    )
    desired_by: ReportedDecider | None = Field(default=None, description="Who decided the wished number.")
    override: ReportedOverride | None = Field(
        default=None, description="The override that was seen, followed or not. Null: none."
    )
    members: Annotated[
        tuple[ReportedMember, ...],
        Field(json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}),
    ] = Field(default=(), description="The members, in the order of spec.")
    released_members: Annotated[
        tuple[ReportedRelease, ...],
        Field(json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}),
    ] = Field(default=(), description="Members removed within 24 hours: nobody sizes them, their nodes run on.")
    saving: ReportedSaving | None = Field(
        default=None, description="A saving that nodes may move for, with strategy Cost. Null: none."
    )
    plan: ReportedPlan = Field(default=ReportedPlan(), description="What is to be done.")
    approval: ReportedApproval | None = Field(default=None, description="The newest approval of a plan. Null: none.")
    conditions: Conditions = Field(default=(), description="Conditions by type; Ready first of all.")
