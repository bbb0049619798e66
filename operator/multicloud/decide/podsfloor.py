"""What a member is to have for the pods of its cluster: at once what its scaling policy asks for, less only after a while.

Takes the policy's floors and what was remembered; `place.lifting` keeps the outcome. Whoever asks for less, or does not ask
any more, is believed when that has stood for scaleDownDelaySeconds: also where the policy itself is gone.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from multicloud.decide.standing import Standing
from multicloud.model.plan import Snapshot
from multicloud.model.record import KeptFloor


def with_floor(standing: Standing, snapshot: Snapshot) -> Standing:
    """The standing with the floor that holds now."""
    kept = _kept(standing.record.pods_floor, _asked(standing.name, snapshot), snapshot)
    return replace(standing, record=replace(standing.record, pods_floor=kept))


def falls_at(kept: KeptFloor | None, snapshot: Snapshot) -> datetime | None:
    """When less will do, None for never."""
    if kept is None or kept.left_at is None:
        return None
    return kept.left_at + timedelta(seconds=snapshot.spec.disruption.scale_down_delay_s)


def _asked(name: str, snapshot: Snapshot) -> int:
    floors = snapshot.policy.floors if snapshot.policy is not None else ()
    return next((floor.nodes for floor in floors if floor.member == name), 0)


def _kept(before: KeptFloor | None, asked: int, snapshot: Snapshot) -> KeptFloor | None:
    now = KeptFloor(nodes=asked) if asked else None
    if before is None or asked >= before.nodes:
        return now
    left = before if before.left_at is not None else replace(before, left_at=snapshot.now)
    falls = falls_at(left, snapshot)
    return now if falls is not None and falls <= snapshot.now else left
