"""The status of a ScalingPolicy: its shape for `crd`, and its rendering for `report`. `remembered` reads it back.

Values and proposals are those of the last write. They move at every look at the metrics and are on /metrics; a write is
made when something else changed that a person would read (see `report.policies`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from multicloud.kinds.reported import Conditions, Reported
from multicloud.kinds.status import rendered_condition
from multicloud.model.metric import JudgedPolicy
from multicloud.model.pods import Pending
from multicloud.model.policy import MILLI, Measured, MetricSpec, Proposal, Reading, Used
from multicloud.model.reason import Reason
from multicloud.model.record import PolicyRecord


class ReportedMetric(Reported):
    """One metric as it was at the last write; null is unknown."""

    name: str = Field(description="Name of the metric.")
    value: str | None = Field(
        default=None, description="What was read: a number, used and total, or units. Null: nothing could be read."
    )
    target: str | None = Field(default=None, description="What it is to be kept at. Null: it has no target.")
    proposed_replicas: int | None = Field(default=None, description="Units that it asked for. Null: none.")
    failures: int = Field(default=0, description="Failed readings in a row, counted no further than the fallback asks.")
    fallback: bool = Field(default=False, description="The proposal is the fallback's.")
    reason: str = Field(description="Why it proposed that, or why it could not be read, as one stable word.")
    message: str = Field(description="The reason as a sentence.")


class ReportedMemberFloor(Reported):
    """What one member needs for the pods of its cluster."""

    member: str = Field(description="Name of the member.")
    nodes: int = Field(description="Nodes for what runs and what waits there.")


class ReportedSpan(Reported):
    """Recommendations and changes of a while, for the windows and rates of `behavior`."""

    start: datetime = Field(description="When it begins.")
    end: datetime = Field(description="When it ends.")
    low: int | None = Field(default=None, description="Lowest recommendation; null: there was none.")
    high: int | None = Field(default=None, description="Highest recommendation.")
    added: int = Field(default=0, description="Units added.")
    removed: int = Field(default=0, description="Units removed.")


class ScalingPolicyStatus(Reported):
    """What was decided last, and why. Units are those of the pool."""

    observed_generation: int | None = Field(default=None, description="metadata.generation that this status is about.")
    current_replicas: int | None = Field(default=None, description="Desired units of the pool before the decision.")
    desired_replicas: int | None = Field(default=None, description="Units that the policy wishes for.")
    min_replicas: int | None = Field(default=None, description="Fewest units now: policy, schedules and pool together.")
    max_replicas: int | None = Field(default=None, description="Most units now: policy, schedules and pool together.")
    decided_by: str | None = Field(
        default=None, description="The metric whose proposal was the largest. Null: bounds or a hold decided."
    )
    reason: str | None = Field(default=None, description="Why the number is what it is, as one stable word.")
    message: str | None = Field(default=None, description="The reason as a sentence.")
    last_scale_time: datetime | None = Field(default=None, description="When the wish changed last. Null: not seen.")
    active_schedules: Annotated[tuple[str, ...], Field(json_schema_extra={"x-kubernetes-list-type": "set"})] = Field(
        default=(), description="Schedules that are on now."
    )
    next_change: datetime | None = Field(
        default=None, description="When a schedule begins or ends next. Null: there is none."
    )
    next_start: datetime | None = Field(default=None, description="When one that is off begins. Null: none does.")
    next_end: datetime | None = Field(default=None, description="When one that is on ends. Null: none is on.")
    metrics: Annotated[
        tuple[ReportedMetric, ...],
        Field(json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}),
    ] = Field(default=(), description="The metrics as they were at the last write, in the order of spec.")
    floors: Annotated[
        tuple[ReportedMemberFloor, ...],
        Field(json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["member"]}),
    ] = Field(default=(), description="Nodes that members need for the pods of their clusters, by pendingPods.")
    history: Annotated[tuple[ReportedSpan, ...], Field(json_schema_extra={"x-kubernetes-list-type": "atomic"})] = Field(
        default=(), description="What the windows and rates of behavior remember, oldest first, at most 32."
    )
    conditions: Conditions = Field(
        default=(),
        description="Conditions by type: Ready, Reconciling, Stalled, and AbleToScale, ScalingActive, ScalingLimited as "
        "HorizontalPodAutoscaler has them, Fallback, SchedulesConflict, and PodsUnplaceable with pendingPods.",
    )


_NEVER_NULL = {"currentReplicas", "desiredReplicas", "minReplicas", "maxReplicas", "decidedBy", "reason", "message"}
"""Absent when unknown: a column of text would read `<no value>`."""


def render_policy(record: PolicyRecord, judged: JudgedPolicy | None = None) -> dict[str, Any]:
    """The whole status of a ScalingPolicy, as JSON values. Without a decision only what is remembered stands in it."""
    decision = judged.decision if judged else None
    lasting = judged.lasting if judged else record.history
    status = ScalingPolicyStatus(
        observed_generation=record.observed_generation,
        current_replicas=judged.standing.current if judged else None,
        desired_replicas=record.desired,
        min_replicas=decision.bounds.low if decision else None,
        max_replicas=decision.bounds.high if decision else None,
        decided_by=decision.decided_by if decision else None,
        reason=decision.reason.code if decision else None,
        message=decision.reason.text if decision else None,
        last_scale_time=record.scaled_at,
        active_schedules=decision.bounds.active if decision else (),
        next_change=decision.bounds.next_change if decision else None,
        next_start=decision.bounds.next_start if decision else None,
        next_end=decision.bounds.next_end if decision else None,
        metrics=_metrics(judged) if judged else (),
        floors=tuple(ReportedMemberFloor(member=floor.member, nodes=floor.nodes) for floor in lasting.floors),
        history=tuple(
            ReportedSpan(
                start=span.start, end=span.end, low=span.low, high=span.high, added=span.added, removed=span.removed
            )
            for span in lasting.spans
        ),
        conditions=tuple(map(rendered_condition, record.conditions)),
    )
    rendered = status.model_dump(mode="json", by_alias=True)
    return {field: value for field, value in rendered.items() if value is not None or field not in _NEVER_NULL}


def _metrics(judged: JudgedPolicy) -> tuple[ReportedMetric, ...]:
    read = {reading.metric: reading for reading in judged.readings}
    proposed = {proposal.metric: proposal for proposal in judged.decision.proposals}
    failures = dict(judged.decision.history.failures)
    return tuple(
        _metric(metric, proposed[metric.name], read.get(metric.name), failures)
        for metric in judged.spec.metrics
        if metric.name in proposed
    )


def _metric(
    metric: MetricSpec, proposal: Proposal, reading: Reading | None, failures: Mapping[str, int]
) -> ReportedMetric:
    failed = reading.found if reading is not None and isinstance(reading.found, Reason) else None
    told = failed or proposal.reason
    return ReportedMetric(
        name=metric.name,
        value=None if reading is None else shown_value(reading),
        target=None if metric.target is None else shown_milli(metric.target.milli),
        proposed_replicas=proposal.units,
        failures=failures.get(metric.name, 0),
        fallback=proposal.fallback,
        reason=told.code,
        message=told.text,
    )


def shown_value(reading: Reading) -> str | None:
    """What was read, for people; None for nothing."""
    match reading.found:
        case Measured(milli=milli):
            return shown_milli(milli)
        case Used(used=used, total=total):
            return f"{used}/{total}"
        case Pending(pods=pods):
            return f"{pods} pods"
    return None


def shown_milli(milli: int) -> str:
    """Thousandths as a decimal number."""
    whole, rest = divmod(milli, MILLI)
    return f"{whole}.{rest:03}".rstrip("0").rstrip(".") if rest else str(whole)
