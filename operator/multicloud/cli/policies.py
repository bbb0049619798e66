"""What a scaling policy decided, in sentences, as its status tells it. `explain` prints them.

A status holds what was read at its last write. The numbers of this moment are on /metrics.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from multicloud.cli.reading import Body
from multicloud.cli.shown import PolicyRow, condition, number, policy_row

_BOUND: Final = {
    "ScalingLimited": "True",
    "ScalingActive": "False",
    "Fallback": "True",
    "SchedulesConflict": "True",
}
"""Conditions that say what bound the number, by the side on which they do."""
_FREE: Final = "ReadyForNewScale"
"""Reason of AbleToScale while no window binds."""
_PER_UNIT: Final = {"AverageValue": " a unit", "Utilization": " percent"}


def policy_facts(body: Body) -> Mapping[str, Any]:
    """What a table tells of a policy, for programs; null is unknown, or nothing of the kind."""
    row = policy_row(body)
    return {
        "name": row.name,
        "decides": row.works,
        "desiredReplicas": row.desired,
        "recentReplicas": list(row.recent),
        "decidedBy": row.decided_by,
        "reason": row.reason,
        "message": row.message,
    }


def policy_document(body: Body) -> Mapping[str, Any]:
    """What the sentences are made of, for programs."""
    row, status = policy_row(body), body.get("status") or {}
    decided = status if row.works else {}
    limits = _limits(body) if row.works else []
    return {
        **policy_facts(body),
        "minReplicas": decided.get("minReplicas"),
        "maxReplicas": decided.get("maxReplicas"),
        "activeSchedules": decided.get("activeSchedules") or [],
        "nextStart": decided.get("nextStart"),
        "nextEnd": decided.get("nextEnd"),
        "limits": [{field: one.get(field) for field in ("type", "reason", "message")} for one in limits],
        "metrics": decided.get("metrics") or [],
    }


def policy_sentences(body: Body) -> Iterator[str]:
    """Which metric decided and why, what every metric asked for, and what bound them."""
    row = policy_row(body)
    if not row.works:
        yield f"ScalingPolicy {row.name} decides nothing: {row.message} ({row.reason})."
        return
    status = body.get("status") or {}
    yield f"ScalingPolicy {row.name} wishes for {number(row.desired)} units: {row.message} ({row.reason}).{_way(row)}"
    targets = {metric["name"]: metric.get("target") or {} for metric in body["spec"].get("metrics") or ()}
    for metric in status.get("metrics") or ():
        yield f"  {_metric(metric, targets.get(metric['name'], {}), decided=metric['name'] == row.decided_by)}"
    yield from (f"  {line}" for line in (*_bounds(status), *_bound(body, row)))
    if status.get("metrics"):
        yield "  Values are those of the last write of its status; the present ones are on /metrics."


def policy_reasons(body: Body) -> Sequence[str]:
    """Every word for why, of the whole policy and of its metrics."""
    metrics = (body.get("status") or {}).get("metrics") or ()
    limits = [condition(body, kind).get("reason", "") for kind in (*_BOUND, "AbleToScale")]
    return [policy_row(body).reason, *(metric["reason"] for metric in metrics), *limits]


def _way(row: PolicyRow) -> str:
    return f" It went {' → '.join(map(str, row.recent))}." if len(row.recent) > 1 else ""


def _metric(metric: Mapping[str, Any], target: Mapping[str, Any], *, decided: bool) -> str:
    who = f"{metric['name']}, which decided" if decided else metric["name"]
    value, kept_at = metric.get("value"), metric.get("target")
    read = f"{value} was read" if value is not None else "nothing was read"
    aim = f", the target is {kept_at}{_PER_UNIT.get(str(target.get('type')), '')}" if kept_at is not None else ""
    proposed = metric.get("proposedReplicas")
    asks = "it asks for nothing" if proposed is None else f"it asks for {proposed} units"
    instead = ", which is its fallback" if metric.get("fallback") else ""
    failed = f" {metric['failures']} failed readings in a row." if metric.get("failures") else ""
    return f"{who}: {read}{aim}; {asks}{instead}, because {metric.get('message')} ({metric.get('reason')}).{failed}"


def _bounds(status: Mapping[str, Any]) -> Iterator[str]:
    yield f"Bounds in force: {number(status.get('minReplicas'))} to {number(status.get('maxReplicas'))} units."
    active, start, end = status.get("activeSchedules") or (), status.get("nextStart"), status.get("nextEnd")
    if active or start:
        ends = f", the first until {end}" if end else ""
        yield f"Schedules that are on: {', '.join(active) or 'none'}{ends}. The next one begins: {start or 'never'}."


def _bound(body: Body, row: PolicyRow) -> Iterator[str]:
    """Limits, windows, fallback and conflicts, each once: what is the whole policy's reason was told above."""
    told = {row.message}
    for one in _limits(body):
        if one["message"] not in told:
            told.add(one["message"])
            yield f"{one['type']}: {one['message']} ({one['reason']})."


def _limits(body: Body) -> Sequence[Mapping[str, Any]]:
    """The conditions that say what bound the number."""
    found = [condition(body, kind) for kind, side in _BOUND.items() if condition(body, kind).get("status") == side]
    window = condition(body, "AbleToScale")
    return [window, *found] if window.get("reason", _FREE) != _FREE else found
