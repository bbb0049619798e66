"""Puts decisions of scaling policies into words: status, conditions, events, and the live numbers on /metrics.

Metrics move at every look; a status that followed them would never be at rest. So what is decided, what began to fail and
what began to bind is written at once; what only ceased, and the words for why, at most every SOFT_S; values and proposals
are written along with the others and live on /metrics in between.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from multicloud.kinds.policystatus import render_policy
from multicloud.model.metric import JudgedPolicy
from multicloud.model.pods import Floor
from multicloud.model.policy import PendingPods, PolicyDecision
from multicloud.model.port import Clock
from multicloud.model.reason import Code, Reason
from multicloud.model.record import PolicyRecord
from multicloud.model.ref import ObjectKey
from multicloud.model.spec import PolicyObject
from multicloud.report.conditions import Verdict, carried
from multicloud.report.events import Recorder
from multicloud.report.status import StatusDesk

SOFT_S: Final = 300.0
"""How often, in seconds, a status is written at most for what no decision depends on."""

_ALL_PLACED: Final = Reason(code=Code.PODS_PLACED, text="every pod that waits has a member that takes it, or will")

_STALLED: Final = frozenset({Code.ANOTHER_POLICY, Code.INVALID_SPEC})
"""Why a policy decides nothing, where only a person can change that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What a policy's status last told, and when."""

    alarms: frozenset[tuple[str, str]]
    floors: tuple[Floor, ...]
    hard: tuple[object, ...]
    soft: tuple[object, ...]
    at_s: float


class PolicyReporter:
    """Says what became of a policy's pass."""

    def __init__(self, desk: StatusDesk, recorder: Recorder, clock: Clock) -> None:
        """Write status through `desk`, events through `recorder`."""
        self._desk = desk
        self._recorder = recorder
        self._clock = clock
        self._shown: dict[str, _Shown] = {}
        self._judged: dict[str, tuple[ObjectKey, JudgedPolicy]] = {}

    @property
    def judged(self) -> Iterable[tuple[ObjectKey, JudgedPolicy]]:
        """The newest decisions, for /metrics."""
        return self._judged.values()

    async def decided(self, policy: PolicyObject, judged: JudgedPolicy) -> bool:
        """Keep a decision, and show it where it says something new; False when it could not be written."""
        self._judged[policy.uid] = (policy.key, judged)
        decision, before, now = judged.decision, policy.record, self._clock.now()
        rescaled = before.desired is not None and decision.desired != before.desired
        record = replace(
            before,
            observed_generation=policy.generation,
            desired=decision.desired,
            most=decision.bounds.high,
            scaled_at=now if rescaled else before.scaled_at,
            history=decision.history,
            edited_by=None,
        )
        shown = _to_show(policy, judged, self._clock.monotonic())
        if self._desk.stands(policy) and not self._is_news(policy.uid, shown):
            self._desk.keep(policy, record)
            return True
        verdicts = [*_verdicts(decision), *_pods(judged)]
        conditions = carried(before.conditions, verdicts, policy.generation, now)
        record = replace(record, conditions=conditions)
        if not await self._write(policy, render_policy(record, judged), record):
            return False
        self._shown[policy.uid] = shown
        if rescaled:
            text = f"from {before.desired} to {decision.desired} units: {decision.reason.text}"
            await self._recorder.tell(policy, Reason(code=Code.SUCCESSFUL_RESCALE, text=text), action="Rescale")
        return True

    async def idle(self, policy: PolicyObject, why: Reason) -> bool:
        """Say why a policy decides nothing. What it once decided is forgotten, but for a spec that is not understood."""
        self._shown.pop(policy.uid, None)
        self._judged.pop(policy.uid, None)
        kept = policy.record if why.code is Code.INVALID_SPEC else PolicyRecord()
        stalled = why.code in _STALLED
        verdicts = [
            Verdict(type="Ready", status=False, reason=why),
            Verdict(type="Reconciling", status=not stalled, reason=why),
            Verdict(type="Stalled", status=stalled, reason=why),
            Verdict(type="AbleToScale", status=False, reason=why),
            Verdict(type="ScalingActive", status=False, reason=why),
        ]
        conditions = carried(policy.record.conditions, verdicts, policy.generation, self._clock.now())
        record = replace(kept, observed_generation=policy.generation, conditions=conditions, edited_by=None)
        return await self._write(policy, render_policy(record), record)

    def forget(self, uid: str) -> None:
        """The policy is gone."""
        self._shown.pop(uid, None)
        self._judged.pop(uid, None)

    def _is_news(self, uid: str, now: _Shown) -> bool:
        before = self._shown.get(uid)
        if before is None or now.hard != before.hard or now.alarms - before.alarms or _rises(now.floors, before.floors):
            return True
        told, known = ((one.alarms, one.floors, one.soft) for one in (now, before))
        return told != known and now.at_s - before.at_s >= SOFT_S

    async def _write(self, policy: PolicyObject, status: dict[str, Any], record: PolicyRecord) -> bool:
        written = await self._desk.persist(policy, status, record)
        if written:
            await self._recorder.transitions(policy, policy.record.conditions, record.conditions)
            await self._tell_edited(policy)
        return written

    async def _tell_edited(self, policy: PolicyObject) -> None:
        stranger = policy.record.edited_by
        if stranger is None:
            return
        text = f"{stranger} wrote a part of this status: nothing in it is believed, the policy decides anew"
        await self._recorder.tell(policy, Reason(code=Code.STATUS_EDITED, text=text), action="Read", warning=True)


def _rises(floors: Sequence[Floor], before: Sequence[Floor]) -> bool:
    """True when a member's floor is higher than before."""
    known = {floor.member: floor.nodes for floor in before}
    return any(floor.nodes > known.get(floor.member, 0) for floor in floors)


def _to_show(policy: PolicyObject, judged: JudgedPolicy, now_s: float) -> _Shown:
    decision = judged.decision
    failing = {(each.metric, str(each.found.code)) for each in judged.readings if isinstance(each.found, Reason)}
    standing_in = {(each.metric, "fallback") for each in decision.proposals if each.fallback}
    bound = {("", str(decision.limited.code))} - {("", str(Code.DESIRED_WITHIN_RANGE))}
    left = {("", str(each.code)) for each in decision.left if each.code is not Code.PODS_FIT}
    bounds = decision.bounds
    return _Shown(
        alarms=frozenset(failing | standing_in | bound | left),
        floors=decision.history.floors,
        hard=(policy.generation, decision.desired, bounds.low, bounds.high, bounds.active, bounds.next_change),
        soft=(
            decision.reason,
            decision.decided_by,
            decision.stabilized,
            judged.lasting.spans,
            bounds.next_start,
            bounds.next_end,
        ),
        at_s=now_s,
    )


def _pods(judged: JudgedPolicy) -> Sequence[Verdict]:
    """Whether pods that wait get no node here: said where the policy counts pods, unknown while they cannot be read."""
    metric = next((one.name for one in judged.spec.metrics if isinstance(one.source, PendingPods)), None)
    reading = next((one for one in judged.readings if one.metric == metric), None)
    if metric is None or reading is None:
        return []
    if isinstance(reading.found, Reason):
        return [Verdict(type="PodsUnplaceable", status=None, reason=reading.found)]
    left = judged.decision.left
    if not left:
        return [Verdict(type="PodsUnplaceable", status=False, reason=_ALL_PLACED)]
    text = "; ".join(each.text for each in left)
    return [Verdict(type="PodsUnplaceable", status=True, reason=Reason(code=left[0].code, text=text))]


def _verdicts(decision: PolicyDecision) -> Sequence[Verdict]:
    works = Reason(code=Code.POLICY_WORKS, text="the policy decides the number of its pool")
    none = Reason(code=Code.AS_WISHED, text="no fallback stands in for a metric")
    standing_in = [proposal for proposal in decision.proposals if proposal.fallback]
    conflict, agree = (
        decision.bounds.conflict,
        Reason(code=Code.AS_WISHED, text="the bounds in force have a common value"),
    )
    return [
        Verdict(type="Ready", status=True, reason=works),
        Verdict(type="Reconciling", status=False, reason=works),
        Verdict(type="Stalled", status=False, reason=works),
        Verdict(type="AbleToScale", status=True, reason=decision.stabilized),
        Verdict(type="ScalingActive", status=decision.scaling.code is Code.VALID_METRIC_FOUND, reason=decision.scaling),
        Verdict(
            type="ScalingLimited",
            status=decision.limited.code is not Code.DESIRED_WITHIN_RANGE,
            reason=decision.limited,
        ),
        Verdict(type="Fallback", status=bool(standing_in), reason=standing_in[0].reason if standing_in else none),
        Verdict(type="SchedulesConflict", status=conflict is not None, reason=conflict or agree),
    ]
