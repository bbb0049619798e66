"""`multicloud explain`: why a pool is as it is, in sentences. Reads the API server only.

The words in brackets are the reasons of status, events and metrics (docs/reference/reasons.md).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from multicloud.cli.approve import changes_of
from multicloud.cli.asking import ask
from multicloud.cli.options import cluster_options
from multicloud.cli.policies import policy_reasons, policy_sentences
from multicloud.cli.reading import Body, read_decided
from multicloud.cli.shown import MemberRow, PoolRow, condition, number, pool_row, where

_WELL_KNOWN = ("Ready", "Observed", "MembersHealthy")
"""Conditions of which only the other side is worth a sentence."""


@click.command()
@click.argument("pool")
@click.option("-n", "--namespace", metavar="NAMESPACE", help="Namespace of the pool. Default: that of the context.")
@cluster_options
def explain(*, pool: str, namespace: str | None, kubeconfig: Path | None, context: str | None) -> None:
    """Say in words why POOL has its size: who decided and by what, what bound it, where each node is, what would change it."""
    from multicloud.cli.place import namespace_of

    place = namespace or namespace_of(kubeconfig, context)
    ((body, policies),) = ask(kubeconfig, context, lambda kube: read_decided(kube, place, pool))
    click.echo("\n".join(explained(body, policies)))


def explained(body: Body, policies: Sequence[Body] = ()) -> Sequence[str]:
    """The lines about one pool and its policies, as their statuses tell it."""
    row, status = pool_row(body), body.get("status") or {}
    if not status:
        return [f"{row.name}: no operator has looked at this pool yet. `multicloud check` looks for what is missing."]
    return [
        *_how_much(row, status),
        *(line for policy in policies for line in policy_sentences(policy)),
        *_bound(row, body),
        "",
        "Where the nodes are:",
        *(line for member in row.members for line in _member(member)),
        *_placed(body),
        "",
        *_next(row, status),
        "",
        "What would change it:",
        *(f"- {line}" for line in _levers(row, status, body, policies)),
    ]


def _how_much(row: PoolRow, status: Mapping[str, Any]) -> Iterator[str]:
    by = status.get("desiredBy") or {}
    who = _DECIDERS.get(str(by.get("reason")), "{kind} {name}").format(**{"kind": "", "name": "", **by})
    wished = status.get("requestedReplicas")
    yield (
        f"{row.namespace}/{row.name} wants {number(row.desired)} units, and {number(row.ready)} are ready. "
        f"A unit is what the smallest node carries; the pool keeps between {number(row.minimum)} and {number(row.maximum)}."
    )
    if by:
        yield f"Decided by {who}: {number(wished)} units ({by.get('reason')}), since {by.get('since')}."
    else:
        yield "Nobody has decided a number yet."


_DECIDERS = {
    "SpecReplicas": "spec.replicas of the pool",
    "Hold": "nobody, so that what runs is held",
    "Override": "the annotation multicloud.dev/override",
}
"""Who decided, by the reason. Others are told by kind and name."""


def _bound(row: PoolRow, body: Body) -> Iterator[str]:
    limited = condition(body, "CapacityLimited")
    if row.limited_by:
        yield f"What bound it: {limited.get('message') or 'see status.limitedBy'} ({row.limited_by})."
    else:
        yield "Nothing keeps it from that number."
    for kind in _WELL_KNOWN:
        found = condition(body, kind)
        if found.get("status") == "False":
            yield f"{kind} is False: {found.get('message')} ({found.get('reason')})."


def _member(member: MemberRow) -> Iterator[str]:
    target = member.target
    if target is None or member.requested is None:
        way = f"{number(member.requested)} nodes"
    elif target == member.requested:
        way = f"{member.requested} nodes, which it keeps"
    else:
        way = f"{member.requested} nodes, to become {target}"
    ready = "" if member.ready == member.requested else f", {number(member.ready)} ready"
    yield f"  {member.name} ({where(member)}): {way}{ready}."
    if member.message:
        yield f"    Because: {member.message} ({member.reason})."


def _placed(body: Body) -> Iterator[str]:
    from multicloud.cli.bound import Bound

    told = list(Bound.by_status(body).sentences())
    if told:
        yield "The sizes would be others without:"
        yield from (f"  {one}" for one in told)


def _next(row: PoolRow, status: Mapping[str, Any]) -> Iterator[str]:
    plan = status.get("plan") or {}
    steps = plan.get("steps") or ()
    if not plan.get("changes"):
        yield "Nothing is to be changed."
        return
    yield "What is to be changed:"
    yield from (f"  {line}" for line in changes_of(plan))
    if len(steps) > 1:
        yield "Step by step, each when the one before is over, so that enough stays ready all the time:"
        for count, step in enumerate(steps, start=1):
            ways = ", ".join(f"{one['member']} {one['from']} → {one['to']}" for one in step.get("changes") or ())
            yield f"  {count}. {ways}"
    yield from _money(plan)
    if plan.get("hash"):
        yield f"It waits for `multicloud approve {row.name} {plan['hash']}`, until {plan.get('expiresAt')}."


def _money(plan: Mapping[str, Any]) -> Iterator[str]:
    now, then = plan.get("hourlyCostNow"), plan.get("hourlyCost")
    if now is not None and then is not None and now != then:
        yield f"It costs {now} an hour now, and {then} at the end."


def _levers(row: PoolRow, status: Mapping[str, Any], body: Body, policies: Sequence[Body]) -> Sequence[str]:
    """What a person may do, once for each reason that is more than all is well."""
    from multicloud.cli.reference.reasons import advice

    plan = status.get("plan") or {}
    lines = [f"{one['name']} gave way by {one['by']} units: {one['wouldHelp']}." for one in plan.get("relaxed") or ()]
    reasons = [row.limited_by, *(member.reason for member in row.members)]
    reasons += [condition(body, kind).get("reason", "") for kind in ("Ready", "ApprovalRequired", "Paused")]
    reasons += [reason for policy in policies for reason in policy_reasons(policy)]
    lines += [f"{reason}: {said}" for reason in dict.fromkeys(reasons) if (said := advice(reason)) is not None]
    if row.limited_by == "" and not lines:
        lines = ["another wish: spec.replicas, a policy, or `multicloud override` for a while.", *_bounds(row)]
    return lines


def _bounds(row: PoolRow) -> Sequence[str]:
    return [f"spec.minReplicas ({number(row.minimum)}) and spec.maxReplicas ({number(row.maximum)}) bound every wish."]
