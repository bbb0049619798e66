"""Judges a pass in Kubernetes' terms: the conditions of a pool and of an account. Pure; `status` writes them.

kstatus reads Reconciling and Stalled (abnormal-true); Argo CD and people read Ready. A routine resize does not drop
Ready; a shortage that lasts longer than failover.provisionTimeoutSeconds does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from multicloud.model.account import AccountObject
from multicloud.model.plan import MemberPlan, Plan, Snapshot, Stop
from multicloud.model.reason import Code, Reason
from multicloud.model.record import Condition
from multicloud.model.spec import PoolObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One condition before it is compared with the earlier one. `status` None is Unknown."""

    type: str
    status: bool | None
    reason: Reason


def pool_conditions(snapshot: Snapshot, plan: Plan, *, stalled: bool) -> tuple[Condition, ...]:
    """Every condition of a pool after a pass. `stalled` is the caller's count of passes in which nobody could act."""
    before = snapshot.record.conditions
    scaling = _scaling(plan)
    short_since = _since(before, "Scaling", scaling, snapshot.now)
    verdicts = [
        _ready(snapshot, plan, short_since),
        _reconciling(plan),
        _stalled(plan, stalled=stalled),
        _observed(snapshot),
        _healthy(plan, snapshot.now),
        scaling,
        _paused(snapshot),
        _override(snapshot, plan),
        _adoption(snapshot, plan),
        _drifted(snapshot, plan),
        _foreign_scaler(plan),
        _limited(plan),
        _costly(snapshot, plan),
        _above(plan),
        _unsafe(plan),
        _unobserved(snapshot),
        _approval(plan),
        _replicas(snapshot),
    ]
    return carried(before, verdicts, snapshot.generation, snapshot.now)


def refused_pool(pool: PoolObject, problem: Reason, now: datetime) -> tuple[Condition, ...]:
    """Conditions of a pool whose spec could not be understood: nothing is done until a person mends it."""
    verdicts = [
        Verdict(type="Ready", status=False, reason=problem),
        Verdict(type="Reconciling", status=False, reason=problem),
        Verdict(type="Stalled", status=True, reason=problem),
    ]
    return carried(pool.record.conditions, verdicts, pool.generation, now)


def account_conditions(
    account: AccountObject, trouble: Reason | None, *, fatal: bool, now: datetime
) -> tuple[Condition, ...]:
    """Conditions of an account. `trouble` is why its identity is not proved; `fatal` if a person must mend it."""
    proved = Reason(code=Code.IDENTITY_PROVED, text="the cloud told who we are")
    reason = trouble or proved
    verdicts = [
        Verdict(type="Ready", status=trouble is None, reason=reason),
        Verdict(type="Reconciling", status=trouble is not None and not fatal, reason=reason),
        Verdict(type="Stalled", status=trouble is not None and fatal, reason=reason),
        Verdict(type="Paused", status=account.paused, reason=_ACCOUNT_PAUSED if account.paused else _NOT_PAUSED),
    ]
    return carried(account.record.conditions, verdicts, account.generation, now)


def carried(
    before: Sequence[Condition], verdicts: Iterable[Verdict], generation: int, now: datetime
) -> tuple[Condition, ...]:
    """Verdicts as conditions; the time of the last transition is kept where the status is the same."""
    return tuple(
        Condition(
            type=verdict.type,
            status=verdict.status,
            reason=str(verdict.reason.code),
            message=verdict.reason.text,
            observed_generation=generation,
            since=_since(before, verdict.type, verdict, now),
        )
        for verdict in verdicts
    )


def find(conditions: Iterable[Condition], kind: str) -> Condition | None:
    """The condition of that type."""
    return next((condition for condition in conditions if condition.type == kind), None)


def _since(before: Iterable[Condition], kind: str, verdict: Verdict, now: datetime) -> datetime:
    known = find(before, kind)
    return known.since if known is not None and known.status is verdict.status else now


def _short(plan: Plan) -> bool:
    """Ready units below the desired ones."""
    desired = plan.record.desired
    return desired is not None and plan.ready is not None and plan.ready < desired + plan.record.on_top


def _ready(snapshot: Snapshot, plan: Plan, short_since: datetime) -> Verdict:
    if plan.ready is None:
        reason = Reason(code=Code.NOT_YET_OBSERVED, text="no member has been seen yet")
        return Verdict(type="Ready", status=None, reason=reason)
    if plan.ready < snapshot.spec.min_replicas:
        reason = Reason(code=Code.NOT_ENOUGH_READY, text="fewer units are ready than spec.minReplicas")
        return Verdict(type="Ready", status=False, reason=reason)
    timeout_s = snapshot.spec.failover.provision_timeout_s
    if _short(plan) and snapshot.now - short_since >= timedelta(seconds=timeout_s):
        text = f"fewer units than desired are ready for more than {timeout_s} s"
        return Verdict(type="Ready", status=False, reason=Reason(code=Code.NOT_ENOUGH_READY, text=text))
    reason = Reason(code=Code.ENOUGH_READY, text="enough units are ready")
    return Verdict(type="Ready", status=True, reason=reason)


def _reconciling(plan: Plan) -> Verdict:
    if plan.settled or plan.blocked is not None or _only_awaits(plan):
        reason = plan.blocked or plan.awaits or Reason(code=Code.SETTLED, text="every member has its size")
        return Verdict(type="Reconciling", status=False, reason=reason)
    return Verdict(type="Reconciling", status=True, reason=_why_moving(plan))


def _only_awaits(plan: Plan) -> bool:
    """True when a person has to approve before anything goes on: nothing is asked for, nothing is under way."""
    moving = any(member.ask is not None or member.record.intent is not None for member in plan.members)
    return plan.awaits is not None and not moving


def _approval(plan: Plan) -> Verdict:
    """Whether a change waits for somebody to approve it, and what became of the newest approval if it does not count."""
    if plan.awaits is not None:
        return Verdict(type="ApprovalRequired", status=True, reason=plan.awaits)
    approval = plan.record.approval
    if plan.record.plan is not None and approval is not None and approval.outcome is Code.APPROVED:
        reason = Reason(code=Code.APPROVED, text="the approved plan is carried out")
    else:
        reason = Reason(code=Code.NOTHING_TO_APPROVE, text="no change waits for an approval")
    return Verdict(type="ApprovalRequired", status=False, reason=reason)


def _why_moving(plan: Plan) -> Reason:
    moving = [member for member in plan.members if member.ask is not None or member.record.intent is not None]
    waiting = [member for member in plan.members if member.target != member.record.requested]
    for member in (*moving, *waiting):
        return Reason(code=member.reason.code, text=f"member {member.name}: {member.reason.text}")
    for member in plan.members:
        if (bad := member.refusal or member.trouble) is not None:
            return Reason(code=bad.code, text=f"member {member.name}: {bad.text}")
    return Reason(code=Code.CONVERGING, text="waiting for nodes to become ready or to go")


def _stalled(plan: Plan, *, stalled: bool) -> Verdict:
    if stalled:
        why = next((m.refusal or m.trouble for m in plan.members if m.refusal or m.trouble), None)
        text = f"no member can act; {plan.members[0].name}: {why.text}" if why else "no member can act"
        return Verdict(type="Stalled", status=True, reason=Reason(code=Code.NO_MEMBER_CAN_ACT, text=text))
    reason = Reason(code=Code.AS_WISHED, text="at least one member can act")
    return Verdict(type="Stalled", status=False, reason=reason)


def _observed(snapshot: Snapshot) -> Verdict:
    views = [view for view in snapshot.members if view.refusal is None]
    if not views or any(not view.sight.looked for view in views):
        text = "not every member has been looked at yet" if views else "no member can be looked at"
        reason = Reason(code=Code.NOT_YET_OBSERVED, text=text)
        return Verdict(type="Observed", status=None, reason=reason)
    # A member that we just wrote to is young, only unproved; what is stale is what could not be read for too long.
    stale = [view for view in views if not view.fresh and view.sight.trouble is not None]
    if stale:
        names = ", ".join(sorted(view.spec.name for view in stale))
        reason = Reason(code=Code.STALE, text=f"facts too old to shrink on: {names}")
        return Verdict(type="Observed", status=False, reason=reason)
    reason = Reason(code=Code.ALL_OBSERVED, text="the facts of every member are young enough to act on")
    return Verdict(type="Observed", status=True, reason=reason)


def _healthy(plan: Plan, now: datetime) -> Verdict:
    told = [(member, _illness(member, now)) for member in plan.members]
    bad = [(member, reason) for member, reason in told if reason is not None]
    for member, reason in bad:
        others = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        text = f"member {member.name}: {reason.text}{others}"
        return Verdict(type="MembersHealthy", status=False, reason=Reason(code=reason.code, text=text))
    reason = Reason(code=Code.ALL_HEALTHY, text="every member can be managed")
    return Verdict(type="MembersHealthy", status=True, reason=reason)


def _illness(member: MemberPlan, now: datetime) -> Reason | None:
    """What is wrong with a member: it cannot be managed, cannot be read, or lacks nodes that were asked for."""
    if member.refusal or member.trouble or not member.record.is_missing(now):
        return member.refusal or member.trouble
    text = "fewer nodes are ready than were asked for, for longer than failover.provisionTimeoutSeconds"
    return Reason(code=Code.NODES_MISSING, text=text)


def _unsafe(plan: Plan) -> Verdict:
    if plan.unsafe is not None:
        return Verdict(type="UnsafeToShrink", status=True, reason=plan.unsafe)
    reason = Reason(code=Code.AS_WISHED, text="enough nodes are ready to remove some")
    return Verdict(type="UnsafeToShrink", status=False, reason=reason)


def _scaling(plan: Plan) -> Verdict:
    if plan.settled:
        return Verdict(type="Scaling", status=False, reason=Reason(code=Code.SETTLED, text="every member has its size"))
    if plan.ready is None:
        reason = Reason(code=Code.NOT_YET_OBSERVED, text="no member has been seen yet")
        return Verdict(type="Scaling", status=None, reason=reason)
    if _short(plan):
        return Verdict(
            type="Scaling", status=True, reason=Reason(code=Code.GROW_FOR_WISH, text="units are missing or booting")
        )
    return Verdict(type="Scaling", status=False, reason=Reason(code=Code.AS_WISHED, text="no unit is missing"))


def _paused(snapshot: Snapshot) -> Verdict:
    if snapshot.stop is not Stop.NONE:
        code = Code.STOPPED if snapshot.stop is Stop.ALL else Code.STOPPED_SHRINK
        text = "the stop switch (ConfigMap multicloud-stop) forbids " + (
            "every cloud write" if snapshot.stop is Stop.ALL else "removals"
        )
        return Verdict(type="Paused", status=True, reason=Reason(code=code, text=text))
    if snapshot.spec.paused:
        reason = Reason(code=Code.PAUSED, text="spec.paused or the annotation multicloud.dev/paused")
        return Verdict(type="Paused", status=True, reason=reason)
    accounts = sorted({view.spec.account for view in snapshot.members if view.paused})
    if accounts:
        text = f"the members of these paused accounts are not written to: {', '.join(accounts)}"
        return Verdict(type="Paused", status=True, reason=Reason(code=Code.ACCOUNT_PAUSED, text=text))
    if snapshot.spec.scale_in_paused:
        text = "the annotation multicloud.dev/paused-scale-in forbids removals"
        return Verdict(type="Paused", status=True, reason=Reason(code=Code.SCALE_IN_PAUSED, text=text))
    return Verdict(type="Paused", status=False, reason=_NOT_PAUSED)


_NOT_PAUSED: Final = Reason(code=Code.NOT_PAUSED, text="cloud writes are allowed")
_ACCOUNT_PAUSED: Final = Reason(
    code=Code.ACCOUNT_PAUSED, text="the annotation multicloud.dev/paused: its members are not written to"
)


def _override(snapshot: Snapshot, plan: Plan) -> Verdict:
    """Whether the annotation multicloud.dev/override is followed, and if not, why; meanwhile the size is held."""
    kind, asked, seen = "OverrideInvalid", snapshot.spec.override, plan.record.override
    problem = asked if isinstance(asked, Reason) else seen.problem if seen is not None else None
    if problem is not None:
        reason = Reason(code=problem.code, text=f"{problem.text}; the size is held until it is mended or removed")
        return Verdict(type=kind, status=True, reason=reason)
    if seen is None:
        return Verdict(type=kind, status=False, reason=Reason(code=Code.NO_OVERRIDE, text="there is no override"))
    words = f": {seen.override.reason}" if seen.override.reason else ""
    until = seen.override.until.isoformat()
    if seen.active(snapshot.now):
        reason = Reason(code=Code.OVERRIDE_ACTIVE, text=f"the override is followed until {until}{words}")
    else:
        reason = Reason(code=Code.OVERRIDE_EXPIRED, text=f"the override ended at {until}{words}")
    return Verdict(type=kind, status=False, reason=reason)


def _adoption(snapshot: Snapshot, plan: Plan) -> Verdict:
    held = sorted(member.name for member in plan.members if member.record.adoption_floor)
    strangers = sorted(snapshot.spec.adopted - {"*"} - {member.name for member in snapshot.spec.members})
    if strangers:
        text = f"the annotation multicloud.dev/adopt names no member of this pool: {_few(strangers)}"
        if held:
            text = f"{text}; kept at least at the size they were found at: {', '.join(held)}"
        reason = Reason(code=Code.ADOPT_UNKNOWN_MEMBER, text=text)
        return Verdict(type="AdoptionPending", status=bool(held), reason=reason)
    if held:
        text = (
            f"kept at least at the size they were found at: {', '.join(held)}; "
            "consent with the annotation multicloud.dev/adopt"
        )
        return Verdict(type="AdoptionPending", status=True, reason=Reason(code=Code.ADOPTION_FLOOR, text=text))
    reason = Reason(code=Code.NOTHING_HELD, text="no member has an adoption floor")
    return Verdict(type="AdoptionPending", status=False, reason=reason)


def _few(names: Sequence[str]) -> str:
    """The first names, cut short: whoever may annotate a pool may write anything there."""
    shown = ", ".join(repr(name[:63]) for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _drifted(snapshot: Snapshot, plan: Plan) -> Verdict:
    """Which sizes that others set stand beside the plan, and what of people's words about them says nothing."""
    drifts: dict[Reason, list[str]] = {}
    for member in sorted(plan.members, key=lambda one: one.name):
        if member.drift is not None:
            drifts.setdefault(member.drift, []).append(member.name)
    told = sorted(drifts, key=lambda reason: _DRIFTS.index(reason.code))
    texts = [f"{', '.join(drifts[reason])}: {reason.text}" for reason in told]
    strangers = snapshot.spec.drift.strangers(member.name for member in snapshot.spec.members)
    if strangers:
        texts.insert(
            0,
            f"the annotations multicloud.dev/accept-drift and correct-drift hold entries that are not "
            f"<member>@<time> of a member of this pool: {_few(strangers)}",
        )
        code = Code.DRIFT_CONSENT_INVALID
    else:
        code = told[0].code if told else Code.NOTHING_HELD
    text = "; ".join(texts) or "no size that others set stands beside the plan"
    return Verdict(type="Drifted", status=bool(told), reason=Reason(code=code, text=text))


_DRIFTS: Final = (Code.DEFICIT_REPORTED, Code.SURPLUS_REPORTED, Code.CORRECTIONS_SPENT, Code.SURPLUS_HELD)
"""Why a size that others set stands, what waits for a person first."""


def _foreign_scaler(plan: Plan) -> Verdict:
    told = {
        member.name: member.refusal
        for member in plan.members
        if member.refusal is not None and member.refusal.code is Code.FOREIGN_SCALER
    }
    for reason in told.values():
        text = f"{', '.join(sorted(told))}: {reason.text}"
        return Verdict(type="ForeignScaler", status=True, reason=Reason(code=reason.code, text=text))
    reason = Reason(code=Code.AS_WISHED, text="nothing else is seen to size a member again and again")
    return Verdict(type="ForeignScaler", status=False, reason=reason)


def _limited(plan: Plan) -> Verdict:
    if plan.limited_by is not None:
        return Verdict(type="CapacityLimited", status=True, reason=plan.limited_by)
    reason = Reason(code=Code.AS_WISHED, text="nothing keeps the pool from its wish")
    return Verdict(type="CapacityLimited", status=False, reason=reason)


def _costly(snapshot: Snapshot, plan: Plan) -> Verdict:
    kind, most = "CostCeilingReached", snapshot.spec.max_hourly_cost
    if plan.placing.at_ceiling:
        text = f"units are missing that would cost more than spec.allocation.maxHourlyCost ({most})"
        return Verdict(type=kind, status=True, reason=Reason(code=Code.COST_CEILING, text=text))
    reason = Reason(code=Code.AS_WISHED, text="no growth waits for spec.allocation.maxHourlyCost")
    return Verdict(type=kind, status=False, reason=reason)


def _above(plan: Plan) -> Verdict:
    names = sorted(
        member.name
        for member in plan.members
        if member.record.requested is not None and member.refusal is None and member.record.requested > member.max_nodes
    )
    if names:
        text = f"more nodes run than maxNodes allows, they leave by ordinary scale-down: {', '.join(names)}"
        return Verdict(type="AboveBound", status=True, reason=Reason(code=Code.ABOVE_BOUND, text=text))
    reason = Reason(code=Code.AS_WISHED, text="no member is above its maxNodes")
    return Verdict(type="AboveBound", status=False, reason=reason)


def _replicas(snapshot: Snapshot) -> Verdict:
    """Whether somebody set a number that nobody follows."""
    kind, policy = "ReplicasIgnored", snapshot.policy
    if policy is not None and snapshot.spec.replicas is not None:
        text = (
            f"ScalingPolicy {policy.name} decides the number, not spec.replicas: remove the field, and for a number of your "
            "own use `multicloud override`"
        )
        return Verdict(type=kind, status=True, reason=Reason(code=Code.REPLICAS_IGNORED, text=text))
    reason = Reason(code=Code.AS_WISHED, text="there is no spec.replicas beside a ScalingPolicy")
    return Verdict(type=kind, status=False, reason=reason)


def _unobserved(snapshot: Snapshot) -> Verdict:
    """Whose pods and nodes the cluster itself does not show: what is known of them is weaker, nothing stops."""
    views = [view for view in snapshot.members if view.refusal is None]
    for view in views:
        if (trouble := view.inside.trouble) is not None:
            names = ", ".join(sorted(each.spec.name for each in views if each.inside.trouble is not None))
            text = f"not seen from inside their clusters: {names}; {view.spec.name}: {trouble.text}"
            return Verdict(type="PodsUnobserved", status=True, reason=Reason(code=trouble.code, text=text))
    if not views or any(view.inside.counted is None for view in views):
        reason = Reason(code=Code.NOT_YET_OBSERVED, text="not every member has been looked into yet")
        return Verdict(type="PodsUnobserved", status=None, reason=reason)
    reason = Reason(code=Code.PODS_SEEN, text="the cluster of every member shows its nodes and pods")
    return Verdict(type="PodsUnobserved", status=False, reason=reason)
