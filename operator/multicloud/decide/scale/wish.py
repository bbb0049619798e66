"""How many units are wished for: the decider, the clamps and the delay before a lower wish counts.

Takes the spec, what was remembered and the units just found; gives a Wish to `place`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from multicloud.decide.scale.override import override_problem, seen_override
from multicloud.model.override import SeenOverride
from multicloud.model.plan import Snapshot
from multicloud.model.reason import Code, Reason
from multicloud.model.record import DecidedBy, PastWish, PoolRecord
from multicloud.model.ref import Kind
from multicloud.model.spec import PoolSpec

_HOLD = "Hold"
_OVERRIDE = "Override"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """`requested` before clamps, `desired` after them, in units; who decided; what bound; when time changes it."""

    requested: int
    desired: int
    decided_by: DecidedBy
    past_wishes: tuple[PastWish, ...]
    override: SeenOverride | None
    limited_by: Reason | None
    wake_at: datetime | None


def wish(snapshot: Snapshot, found_units: int) -> Wish:
    """Decide how much. `found_units` came with node pools taken over in this pass, for the first time."""
    spec, record = snapshot.spec, snapshot.record
    override = seen_override(snapshot)
    requested, decided_by = _decided(snapshot, found_units, override)
    # What is held never falls by itself, also when the minimum that once raised it does.
    kept = (record.desired or 0) if decided_by.kind == _HOLD else 0
    clamped = _clamp(spec, max(requested, kept))
    past = _past_wishes(snapshot, clamped, decided_by)
    desired = max([clamped, *(min(spec.max_replicas, one.units) for one in past)])
    expiries = [one.left_at + timedelta(seconds=spec.disruption.scale_down_delay_s) for one in past]
    if override is not None and override.active(snapshot.now):
        expiries.append(override.override.until)
    if record.decided_by is not None and (record.requested, _who(record.decided_by)) == (requested, _who(decided_by)):
        decided_by = record.decided_by
    return Wish(
        requested=requested,
        desired=desired,
        decided_by=decided_by,
        past_wishes=past,
        override=override,
        limited_by=_delay(spec, past) if desired > clamped else _limit(spec, requested),
        wake_at=min(expiries, default=None),
    )


def _decided(snapshot: Snapshot, found_units: int, override: SeenOverride | None) -> tuple[int, DecidedBy]:
    """Who decides, the strongest first: an override, a scaling policy, spec.replicas, nobody (hold)."""
    problem = override_problem(snapshot, override)
    if problem is not None:
        return _held(snapshot, found_units, problem.code)
    spec, policy = snapshot.spec, snapshot.policy
    if policy is not None and policy.units is not None:
        by = DecidedBy(kind=Kind.POLICY, name=policy.name, reason=Code.SCALING_POLICY, since=snapshot.now)
        units = policy.units
    elif policy is None and spec.replicas is not None:
        units, by = spec.replicas, _by(Kind.POOL, Code.SPEC_REPLICAS, snapshot)
    else:
        units, by = _held(snapshot, found_units, Code.HOLD)
    if override is None or not override.active(snapshot.now):
        return units, by
    bound = override.override.bound(units)
    if bound != units or override.override.is_number or by.kind == _HOLD:
        by = _by(_OVERRIDE, Code.OVERRIDE, snapshot)
    return bound, by


def _held(snapshot: Snapshot, found_units: int, reason: Code) -> tuple[int, DecidedBy]:
    record = snapshot.record
    held_before = record.decided_by is not None and record.decided_by.kind == _HOLD
    # Not the desired number while holding: minReplicas may have raised it, and found units would come on top of that.
    base = record.requested if held_before else record.desired
    return (base or 0) + found_units, _by(_HOLD, reason, snapshot)


def _by(kind: str, reason: Code, snapshot: Snapshot) -> DecidedBy:
    return DecidedBy(kind=kind, name=snapshot.key.name, reason=reason, since=snapshot.now)


def _who(by: DecidedBy) -> tuple[str, str, str]:
    return (by.kind, by.name, by.reason)


def _clamp(spec: PoolSpec, units: int) -> int:
    return max(spec.min_replicas, min(spec.max_replicas, units))


def _past_wishes(snapshot: Snapshot, clamped: int, by: DecidedBy) -> tuple[PastWish, ...]:
    """Higher wishes that still bind, newest first: a staircase, each higher than all left after it.

    The bounds of today apply to them too: lowering maxReplicas acts at once.
    """
    spec, record = snapshot.spec, snapshot.record
    known = sorted([*record.past_wishes, *_left_now(snapshot, clamped, by)], key=lambda one: one.left_at, reverse=True)
    oldest = snapshot.now - timedelta(seconds=spec.disruption.scale_down_delay_s)
    stairs: list[PastWish] = []
    highest = clamped
    for one in known:
        if one.left_at > oldest and min(one.units, spec.max_replicas) > highest:
            highest = min(one.units, spec.max_replicas)
            stairs.append(one)
    return tuple(stairs)


def _left_now(snapshot: Snapshot, clamped: int, by: DecidedBy) -> list[PastWish]:
    record = snapshot.record
    if record.requested is None:
        return []
    left = [_clamp(snapshot.spec, record.requested)]
    if _unexplained(record, left[0], snapshot.spec.max_replicas):
        left.append(min(record.desired or 0, snapshot.spec.max_replicas))
    changed = record.decided_by is not None and record.decided_by.kind != by.kind
    return [PastWish(units=units, left_at=snapshot.now, decider_changed=changed) for units in left if units > clamped]


def _unexplained(record: PoolRecord, wished: int, maximum: int) -> bool:
    """True when the desired number stood above every wish we know of: a lowered minReplicas held it up."""
    known = max([wished, *(min(one.units, maximum) for one in record.past_wishes)])
    return record.desired is not None and min(record.desired, maximum) > known


def _delay(spec: PoolSpec, past: Sequence[PastWish]) -> Reason:
    """Why the highest of the wishes that were left still binds."""
    after = f"spec.disruption.scaleDownDelaySeconds ({spec.disruption.scale_down_delay_s} s)"
    if past[-1].decider_changed:
        text = f"somebody else decides the number now: their lower wish counts after {after}"
        return Reason(code=Code.DECIDER_CHANGED, text=text)
    return Reason(code=Code.SCALE_DOWN_DELAY, text=f"a lower wish counts after {after}")


def _limit(spec: PoolSpec, requested: int) -> Reason | None:
    if requested > spec.max_replicas:
        return Reason(code=Code.MAX_REPLICAS, text=f"spec.maxReplicas is {spec.max_replicas}")
    if requested < spec.min_replicas:
        return Reason(code=Code.MIN_REPLICAS, text=f"spec.minReplicas is {spec.min_replicas}")
    return None
