"""What no snapshot whatever may lead to, and where repeated decisions end."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from multicloud.decide import decide
from multicloud.decide.place.sizes import bounds_of
from multicloud.decide.rests import why_outside
from multicloud.kinds.recorded import RecordedPool, recorded_decision, rendered_decision, without_sentences
from multicloud.model.member import Counted, Inside
from multicloud.model.override import Override
from multicloud.model.plan import Headroom, Plan, Snapshot, Stop
from multicloud.model.reason import Code, Reason
from multicloud.model.record import PastWish, PoolRecord, Removal
from multicloud.model.schedule import Schedule
from multicloud.model.size import Activity, OperationState
from multicloud.model.spec import Action, Failover, MemberState, Mode, Strategy, VoluntaryMoves, WhenUnreachable, Window
from support.builders import (
    NOW,
    PLENTY,
    Member,
    Pool,
    asked,
    found,
    intent,
    member,
    operation,
    seconds,
    snapshot,
    targets,
    unknown,
)

TIMED_OUT = Reason(code=Code.TIMED_OUT, text="no answer within 20 s")

AGES = st.sampled_from([-60, 1, 60, 601, 4000, 20_000])
"""How long ago something was, in seconds; below zero: it is still to come."""

headrooms = st.builds(Headroom, add=st.integers(0, 20), remove=st.integers(0, 20)) | st.just(PLENTY)


@st.composite
def members(draw: st.DrawFn, name: str) -> Member:
    """A member in any state that a pass may meet."""
    size = draw(st.integers(0, 15))
    minimum = draw(st.integers(0, 4))
    one = member(
        name,
        size,
        min_nodes=minimum,
        max_nodes=minimum + draw(st.integers(0, 14)),
        units_per_node=draw(st.sampled_from([1, 1, 1, 2, 3])),
        weight=draw(st.integers(0, 3)),
        priority=draw(st.integers(0, 2)),
        state=draw(st.sampled_from([MemberState.ACTIVE] * 5 + [MemberState.FROZEN, MemberState.DRAIN])),
        account=draw(st.sampled_from(["one", "two"])),
    )
    one = one.seen(
        nodes=draw(st.integers(0, size + 2) | st.just(size)),
        ready=draw(st.integers(0, size) | st.just(size)),
        step=draw(st.sampled_from([1, 1, 1, 3])),
        activity=draw(st.sampled_from([Activity.IDLE] * 5 + list(Activity))),
        autoscaling=draw(st.sampled_from([False] * 7 + [True])),
        cloud_min=draw(st.none() | st.integers(0, 3)),
        cloud_max=draw(st.none() | st.integers(size, 20)),
    ).viewed(headroom=draw(headrooms), paused=draw(st.sampled_from([False] * 7 + [True])))
    counted = st.builds(
        Counted, nodes=st.just(size), ready=st.just(size), needed=st.just(0), unscheduled=st.none() | st.integers(0, 2)
    )
    one = one.viewed(inside=Inside(counted=draw(st.none() | counted)))
    return draw(remembering(one, size))


@st.composite
def remembering(draw: st.DrawFn, one: Member, size: int) -> Member:
    """The member with any memory."""
    name, ago = one.record.name, AGES.map(lambda age_s: NOW - seconds(age_s))
    unseen = one.viewed(fresh=False, sight=replace(one.view.sight, trouble=TIMED_OUT))
    asked_for = intent(size, draw(st.integers(0, 15)), age_s=draw(st.sampled_from([5, 60, 2000])), operation="op-1")
    moving = one.viewed(operation=operation(name, draw(st.sampled_from(OperationState))))
    memories = {
        "at rest": one.remembered(adoption_floor=draw(st.none() | st.integers(0, size))),
        "found": replace(one, record=found(name, size).record),
        "unseen": unseen.remembered(unseen_since=draw(st.none() | ago)),
        "held": one.remembered(agreed=draw(st.integers(0, size)), held_since=draw(ago)),
        "moving": moving.remembered(intent=asked_for),
        "failed": one.remembered(attempts=draw(st.integers(1, 3)), backoff_until=draw(ago)),
        "missing": one.remembered(
            missing_from=draw(ago), attempts=draw(st.integers(0, 3)), backoff_until=draw(st.none() | ago)
        ),
        "resting": one.remembered(
            removal=Removal(unscheduled=draw(st.none() | st.integers(0, 2)), ended_at=draw(st.none() | ago))
        ),
        "foreign": one.remembered(
            agreed=draw(st.integers(0, 15)), foreign_since=draw(ago), foreign_until=draw(st.none() | ago)
        ),
    }
    return memories[draw(st.sampled_from(sorted(memories)))]


overrides = st.builds(
    Override,
    min_replicas=st.none() | st.integers(0, 60),
    max_replicas=st.none() | st.integers(0, 60),
    until=st.sampled_from([NOW + seconds(hours * 3600) for hours in (-1, 1, 200)]),
    reason=st.just(""),
) | st.just(Reason(code=Code.OVERRIDE_NOT_UNDERSTOOD, text="no JSON"))


windows = st.lists(
    st.builds(
        Window,
        schedule=st.builds(
            Schedule,
            cron=st.sampled_from(["0 12 * * *", "0 1 * * *"]),  # NOW is noon
            zone=st.just(ZoneInfo("UTC")),
            duration_s=st.just(3600),
        ),
        allow=st.sets(st.sampled_from(Action), min_size=1).map(frozenset),
    ),
    max_size=2,
).map(tuple)


@st.composite
def pools(draw: st.DrawFn) -> Pool:
    minimum = draw(st.integers(0, 20))
    wished = draw(st.integers(0, 60))
    past = (PastWish(units=wished + 5, left_at=NOW - seconds(10)),)
    return Pool(
        members=[draw(members(name)) for name in "abcd"[: draw(st.integers(1, 4))]],
        spec={
            "replicas": draw(st.none() | st.just(wished)),
            "min_replicas": minimum,
            "max_replicas": minimum + draw(st.integers(0, 40)),
            "strategy": draw(st.sampled_from(Strategy)),
            "max_nodes_per_step": draw(st.integers(1, 10)),
            "max_unavailable_percent": draw(st.sampled_from([1, 10, 50, 100])),
            "step_pause_s": draw(st.sampled_from([0, 300])),
            "windows": draw(windows),
            "max_surge_percent": draw(st.sampled_from([0, 10, 100])),
            "voluntary_moves": draw(st.sampled_from(VoluntaryMoves)),
            "scale_down_delay_s": draw(st.sampled_from([0, 300])),
            "paused": draw(st.sampled_from([False] * 9 + [True])),
            "scale_in_paused": draw(st.sampled_from([False] * 9 + [True])),
            "override": draw(st.none() | overrides),
            "mode": draw(st.sampled_from([Mode.APPLY] * 9 + [Mode.PLAN])),
            "failover": Failover(
                when_unreachable=draw(st.sampled_from(WhenUnreachable)),
                return_to_preferred=draw(st.booleans()),
            ),
        },
        record=PoolRecord(
            requested=wished,
            desired=wished,
            past_wishes=draw(st.sampled_from([(), past])),
            standing_in=draw(st.sampled_from([0, 0, 3, 30])),
        ),
        stop=draw(st.sampled_from([Stop.NONE] * 8 + list(Stop))),
        headroom=draw(headrooms),
    )


def changes(snapshot: Snapshot, plan: Plan) -> dict[str, int]:
    """Nodes gained (positive) or lost (negative), by member."""
    sizes = {view.spec.name: view.sight.proved.requested for view in snapshot.members if view.sight.proved is not None}
    return {name: size - sizes[name] for name, size in asked(plan).items()}


@given(pool=pools())
def test_an_ask_is_legal(pool: Pool) -> None:
    snapshot = pool.snapshot()
    plan = decide(snapshot)
    moved = changes(snapshot, plan)
    for view, part in zip(snapshot.members, plan.members, strict=True):
        facts = view.sight.proved
        if part.ask is None or facts is None:
            continue
        bounds, floor = bounds_of(view.spec, facts), part.record.adoption_floor or 0
        repair = facts.activity is Activity.SICK and part.record.is_missing(NOW)
        assert moved[part.name] != 0 or repair
        assert part.ask % facts.step == 0
        # Inside the bounds, or on the way back to them.
        assert min(bounds.low, facts.requested) <= part.ask <= max(bounds.high, facts.requested)
        assert part.ask >= min(floor, facts.requested)
        assert facts.cloud_min is None or part.ask >= min(facts.cloud_min, facts.requested)
        assert view.fresh
        assert facts.activity is not Activity.BUSY
        assert not facts.autoscaling
        assert part.record.intent is None
        assert view.spec.state is not MemberState.FROZEN
        assert not view.paused


@given(pool=pools())
def test_nothing_is_asked_while_something_forbids_it(pool: Pool) -> None:
    snapshot = pool.snapshot()
    plan = decide(snapshot)
    if pool.stop is Stop.ALL or snapshot.spec.paused or snapshot.spec.mode is Mode.PLAN:
        assert plan.blocked is not None
        assert asked(plan) == {}
    if pool.stop is not Stop.NONE or snapshot.spec.scale_in_paused:
        assert all(change >= 0 for change in changes(snapshot, plan).values())


@given(pool=pools())
def test_a_plan_stays_below_the_brake_and_the_step(pool: Pool) -> None:
    snapshot = pool.snapshot()
    plan = decide(snapshot)
    moved = {
        part.name: part.record.change(view.sight.proved, part.ask, NOW)
        for view, part in zip(snapshot.members, plan.members, strict=True)
        if part.ask is not None and view.sight.proved is not None
    }
    added = sum(change for change in moved.values() if change > 0)
    removed = -sum(change for change in moved.values() if change < 0)
    assert added <= snapshot.headroom.add
    assert removed <= min(snapshot.headroom.remove, snapshot.spec.disruption.max_nodes_per_step)
    for view in snapshot.members:
        assert -view.headroom.remove <= moved.get(view.spec.name, 0) <= view.headroom.add


@given(pool=pools())
def test_a_removal_leaves_enough_proved_ready_units_whatever_nodes_go(pool: Pool) -> None:
    snapshot = pool.snapshot()
    plan = decide(snapshot)
    left = taken = 0
    for view, part in zip(snapshot.members, plan.members, strict=True):
        facts = view.sight.proved
        if not view.fresh or facts is None or facts.activity is Activity.LEAVING:
            continue
        size = facts.requested if part.ask is None else part.ask
        if size < facts.requested:
            # Giving back what never came takes nothing away.
            taken += max(0, facts.nodes - size) if part.record.is_missing(NOW) else facts.requested - size
        worst = facts.ready - max(0, facts.nodes - size)
        left += max(0, min(worst, facts.ready, facts.requested)) * view.spec.units_per_node
    # Where whole nodes cannot give the desired units within maxReplicas, what they can give is needed.
    assert plan.record.desired is not None
    assert not taken or left >= min(plan.record.desired, plan.record.desired - plan.shortage)


def removed_units(snapshot: Snapshot, plan: Plan) -> int:
    """Units that the plan takes away, those that never came left out."""
    return sum(
        -part.record.change(view.sight.proved, part.ask, NOW) * view.spec.units_per_node
        for view, part in zip(snapshot.members, plan.members, strict=True)
        if part.ask is not None and view.sight.proved is not None and part.ask < view.sight.proved.requested
    )


@given(pool=pools())
def test_a_step_takes_a_share_of_the_desired_units_or_one_legal_size(pool: Pool) -> None:
    snapshot = pool.snapshot()
    plan = decide(snapshot)
    least = max(view.sight.proved.step * view.spec.units_per_node for view in snapshot.members if view.sight.proved)
    percent, desired = snapshot.spec.disruption.max_unavailable_percent, plan.record.desired or 0
    assert percent == 100 or removed_units(snapshot, plan) <= max(-(-desired * percent // 100), least)


@given(pool=pools())
def test_nothing_goes_while_a_step_rests_or_no_window_is_open(pool: Pool) -> None:
    snapshot = pool.snapshot()
    plan = decide(snapshot)
    moved = changes(snapshot, plan)
    disruption = snapshot.spec.disruption
    closed = all(why_outside(action, disruption, NOW) is not None for action in Action)
    resting = any(part.record.removal is not None for part in plan.members)
    for view, part in zip(snapshot.members, plan.members, strict=True):
        facts = view.sight.proved
        if moved.get(part.name, 0) >= 0 or part.ask is None or facts is None:
            continue
        assert not resting
        given_back = part.record.is_missing(NOW) and part.ask >= facts.nodes
        assert not closed or given_back or view.spec.state is MemberState.DRAIN


@given(pool=pools())
def test_growth_ends_at_the_surge_or_at_what_is_placed(pool: Pool) -> None:
    snapshot = pool.snapshot()
    plan = decide(snapshot)
    growing = {part.name for part in plan.members if changes(snapshot, plan).get(part.name, 0) > 0}
    repaired = any(view.sight.proved and view.sight.proved.activity is Activity.SICK for view in snapshot.members)
    if not growing or repaired:
        return
    most = -(-snapshot.spec.max_replicas * (100 + snapshot.spec.disruption.max_surge_percent) // 100)
    units = {view.spec.name: view.spec.units_per_node for view in snapshot.members}
    steps = max(
        view.sight.proved.step * view.spec.units_per_node
        for view in snapshot.members
        if view.spec.name in growing and view.sight.proved
    )
    placed = sum((part.target or 0) * units[part.name] for part in plan.members)
    asked_for = sum(
        (part.ask if part.name in growing and part.ask is not None else 0) * units[part.name] for part in plan.members
    )
    assert asked_for <= max(most, placed) + steps


@given(pool=pools())
def test_where_nothing_may_move_nobody_grows_while_another_shrinks_for_it(pool: Pool) -> None:
    pool = replace(
        pool,
        spec=pool.spec | {"voluntary_moves": VoluntaryMoves.NEVER},
        record=replace(pool.record, standing_in=0),
    )
    plan = decide(pool.snapshot())
    assert plan.record.standing_in == 0
    again = replace(pool, members=delivered(pool.members, plan), record=plan.record)
    assert decide(again.snapshot()).record.standing_in == 0


@given(pool=pools(), order=st.randoms())
def test_the_order_of_members_decides_nothing(pool: Pool, order: Random) -> None:
    shuffled = list(pool.members)
    order.shuffle(shuffled)
    one, other = decide(pool.snapshot()), decide(replace(pool, members=shuffled).snapshot())
    assert {part.name: part for part in one.members} == {part.name: part for part in other.members}
    assert one.limited_by == other.limited_by


def within(value: Any) -> Iterator[Reason]:
    """All reasons in a value made of dataclasses and tuples."""
    if isinstance(value, Reason):
        yield value
    elif is_dataclass(value):
        for part in fields(value):
            yield from within(getattr(value, part.name))
    elif isinstance(value, tuple):
        for one in value:
            yield from within(one)


@given(pool=pools())
def test_every_reason_has_a_code_and_a_sentence(pool: Pool) -> None:
    for reason in within(decide(pool.snapshot())):
        assert isinstance(reason.code, Code)
        assert isinstance(reason.text, str)
        assert reason.text


@given(pool=pools())
def test_a_plan_counts_in_whole_numbers(pool: Pool) -> None:
    """A quotient where a product is meant would show as a fraction."""
    plan = decide(pool.snapshot())
    assert {type(plan.ready), type(plan.shortage), type(plan.record.desired)} <= {int, type(None)}
    for part in plan.members:
        assert {type(part.target), type(part.ask), type(part.min_nodes), type(part.max_nodes)} <= {int, type(None)}


def delivered(members: Sequence[Member], plan: Plan) -> list[Member]:
    """The members after the clouds did what they were asked for, all of it, and were looked at again."""
    after = []
    for one, part in zip(members, plan.members, strict=True):
        record, view = part.record, one.view
        if part.ask is not None and record.requested is not None:
            record = replace(record, intent=intent(record.requested, part.ask, operation="op-1"))
        size = record.requested
        if record.intent is not None:
            size = record.intent.target
            view = replace(view, operation=operation(part.name, OperationState.DONE))
        moved = replace(one, record=record, view=replace(view, fresh=True))
        after.append(moved.seen(requested=size, nodes=size, ready=size, activity=Activity.IDLE))
    return after


@given(pool=pools())
def test_repeated_decisions_come_to_rest(pool: Pool) -> None:
    pool = replace(pool, members=[one.viewed(headroom=PLENTY) for one in pool.members], headroom=PLENTY)
    quiet = passes = 0
    while quiet < 3:
        before = pool.members
        plan = decide(pool.snapshot())
        # Holds, delays and pauses end before the next pass.
        now = pool.now + seconds(7200)
        pool = replace(pool, members=delivered(before, plan), record=plan.record, now=now)
        quiet = quiet + 1 if pool.members == before else 0
        passes += 1
        assert passes < 100
    again = decide(pool.snapshot())
    assert asked(again) == {}
    assert all(part.record.intent is None for part in again.members)


def test_up_down_up_is_three_resizes_of_each_member() -> None:
    """10 → 20 → 10 → 20 on two members, each wish delivered before the next."""
    now = [member("a", 5), member("b", 5)]
    pool = Pool(members=now, spec={"replicas": 10})
    sizes = []
    for wished in (10, 20, 10, 20):
        pool = replace(pool, spec={"replicas": wished})
        plan = decide(pool.snapshot())
        sizes.append((asked(plan), targets(plan)))
        pool = replace(pool, members=delivered(pool.members, plan), record=plan.record)
        plan = decide(pool.snapshot())
        assert plan.settled
        pool = replace(pool, members=delivered(pool.members, plan), record=plan.record)
    small, large = {"a": 5, "b": 5}, {"a": 10, "b": 10}
    assert sizes == [({}, small), (large, large), (small, small), (large, large)]


def test_a_wish_that_changes_mid_flight_is_asked_once_the_first_has_ended() -> None:
    on_its_way = member("a", 10).remembered(intent=intent(10, 20, operation="op-1"))
    on_its_way = on_its_way.viewed(operation=operation("a", OperationState.RUNNING))
    plan = decide(snapshot(on_its_way, replicas=10))
    assert (asked(plan), targets(plan)) == ({}, {"a": 10})
    arrived = on_its_way.seen(requested=20, nodes=20, ready=12)
    arrived = arrived.viewed(operation=operation("a", OperationState.DONE))
    assert asked(decide(snapshot(arrived, replicas=10))) == {"a": 18}


def test_equal_snapshots_give_equal_plans() -> None:
    pool = Pool(members=[member("a", 5, units_per_node=3), member("b", 4, units_per_node=5)], spec={"replicas": 77})
    assert decide(pool.snapshot()) == decide(pool.snapshot())


@given(pool=pools())
def test_a_recorded_decision_is_the_same_when_made_again(pool: Pool) -> None:
    snapshot = pool.snapshot()
    read = recorded_decision(rendered_decision(RecordedPool.of(snapshot, decide(snapshot))))
    assert isinstance(read, RecordedPool)
    assert without_sentences(decide(read.snapshot)) == read.plan


def test_an_unknown_member_takes_part_again_once_seen() -> None:
    away = Pool(members=[member("a", 5), unknown("b", 5, TIMED_OUT)], spec={"replicas": 20})
    assert asked(decide(away.snapshot())) == {"a": 15}
    back = replace(away, members=[member("a", 15), member("b", 5)])
    assert targets(decide(back.snapshot())) == {"a": 10, "b": 10}
