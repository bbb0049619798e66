"""`multicloud explain`: why a pool is as it is, in sentences, or as a document for programs. Reads the API server only.

The words in brackets are the reasons of status, events and metrics (docs/reference/reasons.md).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from multicloud.cli.approve import changes_of
from multicloud.cli.asking import ask
from multicloud.cli.options import cluster_options, output_option
from multicloud.cli.policies import policy_document, policy_reasons, policy_sentences
from multicloud.cli.printing import print_document
from multicloud.cli.reading import Body, read_decided
from multicloud.cli.shown import MemberRow, PoolRow, condition, number, pool_row, where

_WELL_KNOWN = ("Ready", "Observed", "MembersHealthy")
"""Conditions of which only the other side is worth a sentence."""


@click.command()
@click.argument("pool")
@click.option("-n", "--namespace", metavar="NAMESPACE", help="Namespace of the pool. Default: that of the context.")
@output_option("text", "json", "yaml")
@cluster_options
def explain(*, pool: str, namespace: str | None, output: str, kubeconfig: Path | None, context: str | None) -> None:
    """Say in words why POOL has its size: who decided and by what, what bound it, where each node is, what would change it."""
    from multicloud.cli.place import namespace_of

    place = namespace or namespace_of(kubeconfig, context)
    ((body, policies),) = ask(kubeconfig, context, lambda kube: read_decided(kube, place, pool))
    if output == "text":
        click.echo("\n".join(explained(body, policies)))
    else:
        print_document(document(body, policies), output)


def document(body: Body, policies: Sequence[Body] = ()) -> Mapping[str, Any]:
    """What the sentences are made of; null is unknown, or nothing of the kind."""
    from multicloud.cli.bound import Bound

    row, status = pool_row(body), body.get("status") or {}
    plan = status.get("plan") or {}
    limited = {"reason": row.limited_by, "message": condition(body, "CapacityLimited").get("message")}
    return {
        "namespace": row.namespace,
        "name": row.name,
        "desired": row.desired,
        "ready": row.ready,
        "onTop": row.on_top,
        "decidedBy": status.get("desiredBy"),
        "policies": [policy_document(policy) for policy in policies],
        "limitedBy": limited if row.limited_by else None,
        "members": [_told_member(member) for member in row.members],
        "bindingConstraints": Bound.by_status(body).listed(),
        "saving": status.get("saving"),
        "plan": {
            "changes": plan.get("changes") or [],
            "steps": [step.get("changes") or [] for step in plan.get("steps") or ()],
            "hourlyCostNow": row.hourly_cost_now,
            "hourlyCost": row.hourly_cost,
            "hash": plan.get("hash"),
            "expiresAt": plan.get("expiresAt"),
        },
        "wouldChangeIt": [{"name": name, "advice": said} for name, said in _levers(row, status, body, policies)],
    }


def _told_member(member: MemberRow) -> Mapping[str, Any]:
    return {
        "name": member.name,
        "cloud": member.cloud,
        "cluster": member.cluster,
        "nodePool": member.node_pool,
        "requestedNodes": member.requested,
        "readyNodes": member.ready,
        "targetNodes": member.target,
        "podsFloor": member.pods_floor,
        "reason": member.reason or None,
        "message": member.message or None,
    }


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
        *_next(row, status, str((body.get("spec") or {}).get("currency", ""))),
        *_saving(body),
        "",
        "What would change it:",
        *(f"- {name}: {said}" for name, said in _levers(row, status, body, policies)),
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
        yield f"Decided by {who}: {number(wished)} units ({by.get('reason')}), since {_to_the_second(by.get('since'))}."
    else:
        yield "Nobody has decided a number yet."
    if row.on_top:
        yield f"On top of that stand {row.on_top} units for pods in the clusters of its members (pendingPods)."


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
    if member.pods_floor:
        yield f"    The pods of its cluster need {member.pods_floor} nodes."


def _placed(body: Body) -> Iterator[str]:
    from multicloud.cli.bound import Bound

    told = list(Bound.by_status(body).sentences())
    if told:
        yield "The sizes would be others without:"
        yield from (f"  {one}" for one in told)


def _next(row: PoolRow, status: Mapping[str, Any], currency: str) -> Iterator[str]:
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
    yield from _money(plan, currency)
    if plan.get("hash"):
        yield f"It waits for `multicloud approve {row.name} {plan['hash']}`, until {plan.get('expiresAt')}."


def _money(plan: Mapping[str, Any], currency: str) -> Iterator[str]:
    now, then = plan.get("hourlyCostNow"), plan.get("hourlyCost")
    if now is not None and then is not None and now != then:
        yield f"The nodes cost {now} {currency} an hour now, and {then} at the end."


def _saving(body: Body) -> Iterator[str]:
    """That nodes would move for a saving, as soon as it has stood for long enough."""
    from multicloud.kinds.parse import pool_object

    saving, spec = (body.get("status") or {}).get("saving"), pool_object(body).spec
    if saving is None or saving.get("moving") or spec is None:
        return
    at = datetime.fromisoformat(saving["since"]) + timedelta(seconds=spec.saving.for_s)
    yield (
        f"The same would be cheaper elsewhere since {_to_the_second(saving['since'])}. If that still holds at "
        f"{_to_the_second(at.isoformat())}, nodes move (spec.allocation.moveWhenSaving)."
    )


def _to_the_second(moment: str | None) -> str:
    return "?" if moment is None else datetime.fromisoformat(moment).strftime("%Y-%m-%dT%H:%M:%SZ")


def _levers(row: PoolRow, status: Mapping[str, Any], body: Body, policies: Sequence[Body]) -> Sequence[tuple[str, str]]:
    """What a person may do, by its name, once for each reason that is more than all is well."""
    from multicloud.cli.reference.reasons import advice

    plan = status.get("plan") or {}
    lines = [(one["name"], f"gave way by {one['by']} units: {one['wouldHelp']}.") for one in plan.get("relaxed") or ()]
    reasons = [row.limited_by, *(member.reason for member in row.members)]
    reasons += [condition(body, kind).get("reason", "") for kind in ("Ready", "ApprovalRequired", "Paused")]
    reasons += [reason for policy in policies for reason in policy_reasons(policy)]
    lines += [(reason, said) for reason in dict.fromkeys(reasons) if (said := advice(reason)) is not None]
    if row.limited_by == "" and not lines:
        bounds = f"{number(row.minimum)} and {number(row.maximum)} bound every wish."
        lines = [
            ("another wish", "spec.replicas, a policy, or `multicloud override` for a while."),
            ("spec.minReplicas and spec.maxReplicas", bounds),
        ]
    return lines
