"""How a plan would be gone, step by step: the gates are asked again and again, as if every step were delivered.

`decision` calls it with its targets; status and `multicloud plan` show the result. Nothing here decides what is sent:
every pass asks the gates anew, on what is there then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from multicloud.decide.asking import Units
from multicloud.decide.gates import asks
from multicloud.decide.standing import Standing
from multicloud.model.approval import Change
from multicloud.model.plan import Headroom, Snapshot, Stop
from multicloud.model.reason import Reason
from multicloud.model.size import Activity, NodePool

STEPS_SHOWN: Final = 20
"""More steps than this are not looked ahead at."""

_NO_BRAKE: Final = Headroom(add=1_000_000_000, remove=1_000_000_000)


def changes_of(
    standings: Sequence[Standing], targets: Mapping[str, int | None], why: Mapping[str, Reason]
) -> tuple[Change, ...]:
    """Every member that is to have another size than its cloud tries to reach; removals first, then by name."""
    ways = [
        Change(member=one.name, origin=one.record.requested, to=target, reason=why[one.name])
        for one in standings
        if one.record.requested is not None
        and (target := targets[one.name]) is not None
        and target != one.record.requested
    ]
    return removals_first(ways)


def removals_first(ways: Sequence[Change]) -> tuple[Change, ...]:
    """What goes is what a person has to see first."""
    return tuple(sorted(ways, key=lambda way: (way.to > way.origin, way.member)))


def steps_of(
    standings: Sequence[Standing], changes: Sequence[Change], snapshot: Snapshot, units: Units
) -> tuple[tuple[Change, ...], ...]:
    """The first steps towards the changes' ends, the needed units staying ready in each.

    Neither the fleet-wide brake nor what time ends (rests, closed windows) nor what somebody may lift (stop, pause) is
    looked at. They end early where something else keeps the rest from going at all: a member that is not known well
    enough, nodes that are not ready.
    """
    ends = {change.member: change for change in changes}
    world = [_unhindered(standing) for standing in standings]
    steps: list[tuple[Change, ...]] = []
    while ends and len(steps) < STEPS_SHOWN:
        sizes = _sizes(world, ends, snapshot, units)
        step = [
            replace(ends[one.name], origin=one.record.requested or 0, to=sizes[one.name])
            for one in world
            if one.name in ends and sizes.get(one.name, one.record.requested) != one.record.requested
        ]
        after = [_delivered(standing, sizes.get(standing.name)) for standing in world]
        if after == world:
            break
        if step:
            steps.append(removals_first(step))
        world = after
    return tuple(steps)


def _sizes(
    world: Sequence[Standing], ends: Mapping[str, Change], snapshot: Snapshot, units: Units
) -> Mapping[str, int]:
    """What is under way and what the gates let out beside it."""
    free = replace(
        snapshot,
        spec=replace(snapshot.spec, scale_in_paused=False, disruption=replace(snapshot.spec.disruption, windows=())),
        members=tuple(standing.view for standing in world),
        stop=Stop.NONE,
        headroom=_NO_BRAKE,
    )
    targets = {one.name: ends[one.name].to if one.name in ends else one.record.requested for one in world}
    out = {name: size for name, size in asks(world, targets, free, units).sizes.items() if name in ends}
    under_way = {one.name: one.record.intent.target for one in world if one.record.intent is not None}
    return under_way | out


def _unhindered(standing: Standing) -> Standing:
    record = replace(standing.record, removal=None)
    return replace(standing, view=replace(standing.view, headroom=_NO_BRAKE), record=record)


def _delivered(standing: Standing, size: int | None) -> Standing:
    """The member once a step is over: it has what it was asked for, and whatever was on its way has come or gone."""
    facts = standing.fresh_facts
    if facts is None or (size is None and standing.missing):
        return standing
    nodes = facts.requested if size is None else size
    rests = _at_rest(facts, nodes)
    record = replace(
        standing.record,
        requested=nodes,
        nodes=nodes,
        ready=rests.ready,
        agreed=max(0, nodes - standing.held),
        intent=None,
        missing_from=None,
    )
    view = replace(standing.view, sight=replace(standing.view.sight, proved=rests))
    return replace(standing, view=view, record=record, waiting=None, missing=False)


def _at_rest(facts: NodePool, nodes: int) -> NodePool:
    activity = Activity.IDLE if facts.activity is Activity.BUSY else facts.activity
    return replace(facts, requested=nodes, nodes=nodes, ready=nodes, activity=activity)
