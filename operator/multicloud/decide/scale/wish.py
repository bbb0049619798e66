"""How many units are wished for: the decider, the clamps and the delay before a lower wish counts.

Takes the spec, what was remembered and the units just found; gives a Wish to `place`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from multicloud.model.plan import Snapshot
from multicloud.model.reason import Code, Reason
from multicloud.model.record import DecidedBy, PastWish, PoolRecord
from multicloud.model.ref import Kind
from multicloud.model.spec import PoolSpec

_HOLD = "Hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """`requested` before clamps, `desired` after them, in units; who decided; what bound; when time changes it."""

    requested: int
    desired: int
    decided_by: DecidedBy
    past_wishes: tuple[PastWish, ...]
    limited_by: Reason | None
    wake_at: datetime | None


def wish(snapshot: Snapshot, found_units: int) -> Wish:
    """Decide how much. `found_units` came with node pools taken over in this pass, for the first time."""
    spec, record = snapshot.spec, snapshot.record
    requested, decided_by = _decided(snapshot, found_units)
    # What is held never falls by itself, also when the minimum that once raised it does.
    kept = (record.desired or 0) if decided_by.kind == _HOLD else 0
    clamped = _clamp(spec, max(requested, kept))
    past = _past_wishes(snapshot, clamped)
    desired = max([clamped, *(min(spec.max_replicas, one.units) for one in past)])
    expiries = [one.left_at + timedelta(seconds=spec.scale_down_delay_s) for one in past]
    if record.decided_by is not None and (record.requested, _who(record.decided_by)) == (requested, _who(decided_by)):
        decided_by = record.decided_by
    return Wish(
        requested=requested,
        desired=desired,
        decided_by=decided_by,
        past_wishes=past,
        limited_by=_limit(spec, requested, clamped, desired),
        wake_at=min(expiries, default=None),
    )


def _decided(snapshot: Snapshot, found_units: int) -> tuple[int, DecidedBy]:
    spec = snapshot.spec
    if spec.replicas is not None:
        by = DecidedBy(kind=Kind.POOL, name=snapshot.key.name, reason=Code.SPEC_REPLICAS, since=snapshot.now)
        return spec.replicas, by
    record = snapshot.record
    held_before = record.decided_by is not None and record.decided_by.kind == _HOLD
    # Not the desired number while holding: minReplicas may have raised it, and found units would come on top of that.
    base = record.requested if held_before else record.desired
    by = DecidedBy(kind=_HOLD, name=snapshot.key.name, reason=Code.HOLD, since=snapshot.now)
    return (base or 0) + found_units, by


def _who(by: DecidedBy) -> tuple[str, str, str]:
    return (by.kind, by.name, by.reason)


def _clamp(spec: PoolSpec, units: int) -> int:
    return max(spec.min_replicas, min(spec.max_replicas, units))


def _past_wishes(snapshot: Snapshot, clamped: int) -> tuple[PastWish, ...]:
    """Higher wishes that still bind, newest first: a staircase, each higher than all left after it.

    The bounds of today apply to them too: lowering maxReplicas acts at once.
    """
    spec, record = snapshot.spec, snapshot.record
    known = sorted([*record.past_wishes, *_left_now(snapshot, clamped)], key=lambda one: one.left_at, reverse=True)
    oldest = snapshot.now - timedelta(seconds=spec.scale_down_delay_s)
    stairs: list[PastWish] = []
    highest = clamped
    for one in known:
        if one.left_at > oldest and min(one.units, spec.max_replicas) > highest:
            highest = min(one.units, spec.max_replicas)
            stairs.append(one)
    return tuple(stairs)


def _left_now(snapshot: Snapshot, clamped: int) -> list[PastWish]:
    record = snapshot.record
    if record.requested is None:
        return []
    left = [_clamp(snapshot.spec, record.requested)]
    if _unexplained(record, left[0], snapshot.spec.max_replicas):
        left.append(min(record.desired or 0, snapshot.spec.max_replicas))
    return [PastWish(units=units, left_at=snapshot.now) for units in left if units > clamped]


def _unexplained(record: PoolRecord, wished: int, maximum: int) -> bool:
    """True when the desired number stood above every wish we know of: a lowered minReplicas held it up."""
    known = max([wished, *(min(one.units, maximum) for one in record.past_wishes)])
    return record.desired is not None and min(record.desired, maximum) > known


def _limit(spec: PoolSpec, requested: int, clamped: int, desired: int) -> Reason | None:
    if desired > clamped:
        text = f"a lower wish counts after spec.disruption.scaleDownDelaySeconds ({spec.scale_down_delay_s} s)"
        return Reason(code=Code.SCALE_DOWN_DELAY, text=text)
    if requested > spec.max_replicas:
        return Reason(code=Code.MAX_REPLICAS, text=f"spec.maxReplicas is {spec.max_replicas}")
    if requested < spec.min_replicas:
        return Reason(code=Code.MIN_REPLICAS, text=f"spec.minReplicas is {spec.min_replicas}")
    return None
