"""What others did to a member's size: held, corrected or reported, and what a person said about it.

`settle` calls `with_word` on what is remembered and `with_drift` on facts that no operation explains; `decision` asks for
what a reported deficit leaves out of the plan, and for how long an accepted size stays.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from multicloud.decide.place.sizes import bounds_of
from multicloud.decide.standing import Standing
from multicloud.model.plan import MemberView, Snapshot
from multicloud.model.reason import Code, Reason
from multicloud.model.record import Accepted, MemberRecord
from multicloud.model.size import NodePool
from multicloud.model.spec import Deficit, Detect, Drift, MemberState, Surplus, Word

MOST_CORRECTIONS: Final = 3
CORRECTIONS_WITHIN: Final = timedelta(hours=1)
"""A surplus is corrected so many times within so long, whoever brings it back (product rule); then it stays."""


MOVES_WITHIN: Final = timedelta(minutes=30)
"""Two moves of others within so long are an autoscaler's, where its cloud does not tell of one (product rule)."""


def with_word(record: MemberRecord, drift: Drift, now: datetime) -> MemberRecord:
    """Follow what a person said about the size that status shows, not about what is there meanwhile.

    A word counts for what others did before it was said, so one that stands in Git for ever counts for nothing later.
    """
    accepted = _said(drift.accepted, record.name, now)
    corrected = _said(drift.corrected, record.name, now)
    since = stands_since(record)
    if since is not None:
        if accepted is not None and accepted >= max(since, corrected or since):
            return replace(_agreed(record), accepted=Accepted(units=None, at=accepted))
        if corrected is not None and corrected >= since:
            return replace(_agreed(record), accepted=None)
    elif record.accepted is not None and corrected is not None and corrected > record.accepted.at:
        return replace(record, accepted=None)
    return record


def stands_since(record: MemberRecord) -> datetime | None:
    """Since when the size that others set is as it is; None where nobody has to answer for one."""
    since = record.held_since or record.scaler_since
    return None if since is None else max(since, record.moved_at or since)


def _said(words: Iterable[Word], member: str, now: datetime) -> datetime | None:
    """The newest word about a member; one that lies ahead is not said yet."""
    return max((one.at for one in words if one.member in {member, "*"} and one.at <= now), default=None)


def _agreed(record: MemberRecord) -> MemberRecord:
    return replace(record, agreed=record.requested, held_since=None, scaler_since=None)


def next_word(drift: Drift, now: datetime) -> datetime | None:
    """When a word that lies ahead will count."""
    return min((one.at for one in drift.accepted | drift.corrected if one.at > now), default=None)


def with_move(record: MemberRecord, view: MemberView, facts: NodePool, snapshot: Snapshot) -> MemberRecord:
    """Note when others moved the size. The facts are fresh, and neither we nor an operation moved it."""
    before, now = snapshot.record.member(record.name), snapshot.now
    # Of a resize that somebody thwarted, the sizes on the way were seen before its end was known.
    if before.intent is None and before.requested in {None, facts.requested}:
        return record
    asks = bool(facts.groups) and view.spec.detect_autoscaler is Detect.AUTO
    again = record.moved_at is not None and now - MOVES_WITHIN <= record.moved_at <= now
    return replace(record, moved_at=now, scaler_since=record.scaler_since or (now if asks and again else None))


def foreign_scaler(record: MemberRecord) -> Reason | None:
    """Why a member is left alone whose size others move again and again."""
    return None if record.scaler_since is None else _FOREIGN_SCALER


_FOREIGN_SCALER: Final = Reason(
    code=Code.FOREIGN_SCALER,
    text=f"its size moved twice within {MOVES_WITHIN.seconds // 60} minutes without us and without an update in its cloud: "
    "say who does it with providerAutoscaling.detect On or Off, or answer with multicloud.dev/accept-drift or "
    "multicloud.dev/correct-drift",
)


def with_drift(record: MemberRecord, view: MemberView, facts: NodePool, snapshot: Snapshot) -> MemberRecord:
    """Judge a size that others set. The facts are fresh, and no operation explains them."""
    drift, now = snapshot.spec.drift, snapshot.now
    agreed = facts.requested if record.agreed is None else record.agreed
    beside = replace(record, agreed=agreed, held_since=_since(record, agreed, facts, snapshot))
    if facts.requested == agreed:
        return following(record, facts)
    if facts.requested < agreed:
        # Whoever drains a member wants its nodes to go: nothing is missing there.
        reported = drift.deficit is Deficit.REPORT and view.spec.state is not MemberState.DRAIN
        return _with_floor(beside, facts) if reported else following(record, facts)
    match drift.surplus:
        case Surplus.CORRECT:
            lately = recent_corrections(record, now)
            if len(lately) < MOST_CORRECTIONS:
                return following(replace(record, corrections=(*lately, now)), facts)
        case Surplus.HOLD if beside.held_since is not None:
            if now >= beside.held_since + timedelta(seconds=drift.hold_s):
                return following(record, facts)
    return beside


def _since(record: MemberRecord, agreed: int, facts: NodePool, snapshot: Snapshot) -> datetime:
    """Since when the difference stands; what was a deficit and is a surplus now is another one."""
    before = snapshot.record.member(record.name).requested
    other = before is None or (before > agreed) is not (facts.requested > agreed)
    return snapshot.now if record.held_since is None or other else record.held_since


def recent_corrections(record: MemberRecord, now: datetime) -> tuple[datetime, ...]:
    """The corrections that count towards the most within an hour, the oldest first."""
    return tuple(at for at in record.corrections if now - CORRECTIONS_WITHIN < at <= now)[-MOST_CORRECTIONS:]


def following(record: MemberRecord, facts: NodePool) -> MemberRecord:
    """Take the size as it is: the plan may do with it what it likes."""
    moved = facts.requested != record.agreed
    if record.agreed is None and record.adoption_floor is not None:
        record = replace(record, adoption_floor=facts.requested)  # found in an operation, this is the size that it left
    return _with_floor(
        replace(
            record,
            agreed=facts.requested,
            held_since=None,
            accepted=None if moved else record.accepted,
        ),
        facts,
    )


def _with_floor(record: MemberRecord, facts: NodePool) -> MemberRecord:
    """The adoption floor follows decreases, never increases."""
    floor = record.adoption_floor
    return replace(record, adoption_floor=None if floor is None else min(floor, facts.requested))


def accepted_for(standing: Standing, units: int) -> Standing:
    """Keep an accepted size while so many units are wished, inside the bounds; any other wish is planned anew."""
    record = standing.record
    if record.accepted is None:
        return standing
    bounds, size = bounds_of(standing.view.spec, standing.facts), record.agreed or 0
    asked = units if record.accepted.units is None else record.accepted.units
    keeps = asked == units and bounds.low <= size <= bounds.high
    if standing.view.spec.state is MemberState.DRAIN or not keeps:
        return free(standing)
    return replace(standing, record=replace(record, accepted=replace(record.accepted, units=units)))


def free(standing: Standing) -> Standing:
    """The member without an accepted size."""
    return replace(standing, record=replace(standing.record, accepted=None))


def left_out(standing: Standing, nodes: int, target: int | None) -> int:
    """Nodes that the plan gives a member and that are not asked for, because others took them away."""
    return max(0, nodes - target) if standing.held < 0 and target is not None else 0


def for_minimum(
    standings: Sequence[Standing], nodes: Mapping[str, int], targets: Mapping[str, int | None], missing_units: int
) -> dict[str, int]:
    """Targets that bring back what others took away, as far as so many units are missing to minReplicas."""
    back: dict[str, int] = {}
    for standing in sorted(standings, key=lambda one: one.name):
        target = targets[standing.name]
        out = left_out(standing, nodes[standing.name], target)
        if missing_units > 0 and out and target is not None:
            step = bounds_of(standing.view.spec, standing.facts).step
            wanted = min(out, -(-missing_units // standing.units_per_node))
            back[standing.name] = min(nodes[standing.name], -(-(target + wanted) // step) * step)
            missing_units -= wanted * standing.units_per_node
    return back


def drift_reason(standing: Standing, drift: Drift) -> Reason | None:
    """Why a size that others set stands beside the plan."""
    if standing.held < 0:
        return _DEFICIT_REPORTED
    if standing.held == 0:
        return None
    return _OF_SURPLUS[drift.surplus]


_ANSWER: Final = "answer with multicloud.dev/accept-drift or multicloud.dev/correct-drift"

_DEFICIT_REPORTED: Final = Reason(
    code=Code.DEFICIT_REPORTED,
    text=f"somebody else took nodes away (spec.drift.deficit is Report): asked for nowhere before somebody decides; {_ANSWER}",
)
_OF_SURPLUS: Final[Mapping[Surplus, Reason]] = {
    Surplus.HOLD: Reason(
        code=Code.SURPLUS_HELD, text="somebody else added nodes: they stay on top for spec.drift.holdSeconds"
    ),
    Surplus.REPORT: Reason(
        code=Code.SURPLUS_REPORTED,
        text=f"somebody else added nodes (spec.drift.surplus is Report): they stay on top before somebody decides; {_ANSWER}",
    ),
    Surplus.CORRECT: Reason(
        code=Code.CORRECTIONS_SPENT,
        text=f"somebody else added nodes again after {MOST_CORRECTIONS} corrections within an hour: "
        f"they stay on top until the next one may be made; {_ANSWER}",
    ),
}
