"""Statuses of pools and of their policies as rows for people. `tables` draws them, other commands take words from them; nothing here asks or decides anything."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

UNKNOWN: Final = "?"
"""What a person sees for null: unknown is never zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    """One member of a pool; sizes in nodes, None unknown.

    `floor` is what it was found with, `pods_floor` what pods of its cluster need, None for no floor.
    """

    name: str
    cloud: str
    cluster: str
    node_pool: str
    nodes: int | None
    ready: int | None
    target: int | None
    requested: int | None
    state: str
    reason: str
    message: str
    intent: bool
    held: bool
    claimed: bool
    floor: int | None
    pods_floor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRow:
    """One ScalingPolicy, in units. `works`: it decides the number of its pool; `decided_by` is the metric that won.

    `recent` are the wishes that its status remembers, oldest first, the present one last; each differs from the one before.
    """

    name: str
    works: bool
    desired: int | None
    recent: tuple[int, ...]
    decided_by: str | None
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRow:
    """One pool; `desired` and `ready` in units, `ready_condition` and `paused` True, False or Unknown.

    What it costs an hour, now and at the end of its plan, is text as in the status; None is unknown.
    `on_top` are units beside the desired ones, for pods in the clusters of certain members.
    `policies` are those that want to decide its number, the oldest first.
    """

    namespace: str
    name: str
    desired: int | None
    ready: int | None
    minimum: int | None
    maximum: int | None
    limited_by: str
    ready_condition: str
    reason: str
    message: str
    paused: str
    members: tuple[MemberRow, ...]
    hourly_cost_now: str | None = None
    hourly_cost: str | None = None
    policies: tuple[PolicyRow, ...] = ()
    on_top: int | None = None


def pool_row(body: Mapping[str, Any], policies: Sequence[Mapping[str, Any]] = ()) -> PoolRow:
    """Read a MultiCloudPool and its policies as the API server gives them, also those that no operator has looked at yet."""
    meta, spec, status = _block(body, "metadata"), _block(body, "spec"), _block(body, "status")
    ready, plan = condition(body, "Ready"), _block(status, "plan")
    return PoolRow(
        namespace=str(meta.get("namespace", "")),
        name=str(meta.get("name", "")),
        desired=status.get("desiredReplicas"),
        ready=status.get("replicas"),
        minimum=spec.get("minReplicas"),
        maximum=spec.get("maxReplicas"),
        limited_by=status.get("limitedBy") or "",
        ready_condition=ready.get("status", "Unknown"),
        reason=ready.get("reason", "NotYetObserved"),
        message=ready.get("message", "no operator has reported on this pool yet"),
        paused=condition(body, "Paused").get("status", "Unknown"),
        members=tuple(_members(spec, status)),
        hourly_cost_now=plan.get("hourlyCostNow"),
        hourly_cost=plan.get("hourlyCost"),
        policies=tuple(map(policy_row, policies)),
        on_top=status.get("floorReplicas"),
    )


def policy_row(body: Mapping[str, Any]) -> PolicyRow:
    """Read a ScalingPolicy as the API server gives it, also one that no operator has looked at yet."""
    status, ready = _block(body, "status"), condition(body, "Ready")
    works = ready.get("status") == "True"
    decided = status if works else {}
    return PolicyRow(
        name=str(_block(body, "metadata").get("name", "")),
        works=works,
        desired=decided.get("desiredReplicas"),
        recent=_recent(decided),
        decided_by=decided.get("decidedBy"),
        reason=decided.get("reason") or ready.get("reason", "NotYetObserved"),
        message=decided.get("message") or ready.get("message", "no operator has reported on this policy yet"),
    )


def _recent(status: Mapping[str, Any]) -> tuple[int, ...]:
    """The wishes before the present one, by taking back what was changed, the newest change first."""
    if status.get("desiredReplicas") is None:
        return ()
    wishes = [int(status["desiredReplicas"])]
    for span in reversed(status.get("history") or ()):
        before = wishes[-1] - span.get("added", 0) + span.get("removed", 0)
        if before != wishes[-1]:
            wishes.append(before)
    return tuple(reversed(wishes))


def _members(spec: Mapping[str, Any], status: Mapping[str, Any]) -> Iterator[MemberRow]:
    """Members of the status; those that only the spec knows so far come last."""
    reported: Sequence[Mapping[str, Any]] = status.get("members") or ()
    wished = {member.get("name"): member for member in spec.get("members") or ()}
    names = [*(member.get("name") for member in reported), *wished]
    seen = {member.get("name"): member for member in reported}
    for name in dict.fromkeys(names):
        member = seen.get(name, {})
        cloud, cluster, node_pool = _place(wished.get(name, {}))
        yield MemberRow(
            name=str(name),
            cloud=member.get("cloud") or cloud,
            cluster=member.get("cluster") or cluster,
            node_pool=member.get("nodePool") or node_pool,
            nodes=member.get("nodes"),
            ready=member.get("readyNodes"),
            target=member.get("targetNodes"),
            requested=member.get("requestedNodes"),
            state=member.get("state") or wished.get(name, {}).get("state") or UNKNOWN,
            reason=member.get("reason") or "",
            message=member.get("message") or "",
            intent=member.get("intent") is not None,
            held=member.get("heldSince") is not None,
            claimed=member.get("claim") is not None,
            floor=member.get("adoptionFloor"),
            pods_floor=_block(member, "podsFloor").get("nodes"),
        )


_BLOCKS: Final = {"eks": ("aws", "nodeGroup"), "aks": ("azure", "agentPool"), "gke": ("gcp", "nodePool")}


def _place(member: Mapping[str, Any]) -> tuple[str, str, str]:
    """Cloud, cluster and node pool as the spec spells them."""
    for name, (cloud, node_pool) in _BLOCKS.items():
        block = _block(member, name)
        if block:
            return cloud, str(block.get("cluster", UNKNOWN)), str(block.get(node_pool, UNKNOWN))
    return UNKNOWN, UNKNOWN, UNKNOWN


def where(member: MemberRow) -> str:
    """Cloud, cluster and node pool in one word."""
    return f"{member.cloud} {member.cluster}/{member.node_pool}"


def number(value: int | None) -> str:
    """Write a size; unknown is a question mark."""
    return UNKNOWN if value is None else str(value)


def _block(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = body.get(name)
    return found if isinstance(found, Mapping) else {}


def condition(body: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """A condition of an object, empty where nobody reported it."""
    for found in _block(body, "status").get("conditions") or ():
        if found.get("type") == kind:
            return dict(found)
    return {}
