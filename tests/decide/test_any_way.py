"""What holds on the way of any plan, whatever the rules: after every step, and of everything that prices and names do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from multicloud.decide import decide
from multicloud.model.plan import Plan, Snapshot
from multicloud.model.record import PoolRecord
from multicloud.model.ref import Cloud
from multicloud.model.size import CapacityType
from multicloud.model.spec import Loss, MemberSpec, MemberState, MoveWhenSaving, Strategy, Survive
from support.builders import Member, Pool, priced

CLOUDS = (Cloud.AWS, Cloud.AZURE, Cloud.GCP)


@st.composite
def members(draw: st.DrawFn, name: str) -> Member:
    """A member at rest, of any bounds, node size, price and place."""
    cloud = draw(st.sampled_from(CLOUDS))
    step = draw(st.sampled_from([1, 1, 3])) if cloud is Cloud.GCP else 1
    most = draw(st.integers(0, 5)) * step
    size = draw(st.integers(0, 6)) * step
    one = priced(
        name,
        size,
        draw(st.sampled_from(["0", "0.05", "0.10", "0.10", "0.31", "1.7"])),
        cloud=cloud,
        region=draw(st.sampled_from(["east", "west"])),
        min_nodes=draw(st.sampled_from([0, 0, 0, 1])) * min(step, most),
        max_nodes=most,
        units_per_node=draw(st.sampled_from([1, 1, 2, 4])),
        weight=draw(st.integers(0, 3)),
        priority=draw(st.integers(0, 1)),
        capacity_type=draw(st.sampled_from(CapacityType)),
        state=draw(st.sampled_from([MemberState.ACTIVE] * 6 + [MemberState.DRAIN])),
    )
    return one.seen(step=step)


@st.composite
def pools(draw: st.DrawFn) -> Pool:
    """A pool at rest with a random part of all rules; every saving has stood for long enough."""
    minimum = draw(st.integers(0, 12))
    wished = draw(st.integers(0, 25))
    losses = draw(st.sets(st.sampled_from(Loss)))
    return Pool(
        members=[draw(members(name)) for name in "abcde"[: draw(st.integers(2, 5))]],
        spec={
            "replicas": wished,
            "min_replicas": minimum,
            "max_replicas": minimum + draw(st.integers(0, 25)),
            "strategy": draw(st.sampled_from(Strategy)),
            "survive": tuple(
                Survive(loss=loss, keep_percent=draw(st.sampled_from([20, 50, 100]))) for loss in sorted(losses)
            ),
            "max_spot_percent": draw(st.sampled_from([100, 100, 50, 0])),
            "min_on_demand": draw(st.sampled_from([0, 0, 5])),
            "max_hourly_cost": draw(st.none() | st.sampled_from([Decimal("0.50"), Decimal(3)])),
            "saving": MoveWhenSaving(percent=1, for_s=0),
            "max_nodes_per_step": draw(st.sampled_from([1, 3, 100])),
            "max_unavailable_percent": draw(st.sampled_from([10, 100])),
            "max_surge_percent": draw(st.sampled_from([10, 50, 100])),
        },
        record=PoolRecord(requested=wished, desired=wished),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One step of a plan: nodes by member before it, after it, and those ready all the time between."""

    before: Mapping[str, int]
    after: Mapping[str, int]

    @property
    def between(self) -> Mapping[str, int]:
        """What grows is not ready yet, what goes has gone."""
        return {name: min(size, self.after[name]) for name, size in self.before.items()}


def legs(snapshot: Snapshot, plan: Plan) -> Iterator[Leg]:
    before = _sizes(snapshot)
    for step in plan.steps:
        assert all(change.origin == before[change.member] for change in step)
        after = before | {change.member: change.to for change in step}
        yield Leg(before=before, after=after)
        before = after


def _sizes(snapshot: Snapshot) -> dict[str, int]:
    return {record.name: record.requested or 0 for record in snapshot.record.members}


def _ends(snapshot: Snapshot, plan: Plan) -> dict[str, int]:
    return _sizes(snapshot) | {change.member: change.to for change in plan.changes}


def units(specs: Sequence[MemberSpec], sizes: Mapping[str, int]) -> int:
    return sum(spec.units_per_node * sizes[spec.name] for spec in specs)


def left_of(snapshot: Snapshot, sizes: Mapping[str, int]) -> dict[tuple[str, ...], int]:
    """Units left after the loss of each domain of each rule; drained members are leaving and never count."""
    counted = [spec for spec in snapshot.spec.members if spec.state is not MemberState.DRAIN]
    left: dict[tuple[str, ...], int] = {}
    for rule in snapshot.spec.survive:
        for lost in {_domain(spec, rule.loss) for spec in counted}:
            others = [spec for spec in counted if _domain(spec, rule.loss) != lost]
            left[(rule.loss, *lost)] = units(others, sizes)
    return left


def _domain(spec: MemberSpec, loss: Loss) -> tuple[str, ...]:
    cluster = spec.node_pool.cluster
    if loss is Loss.MEMBER:
        return (spec.name,)
    # A cluster of Azure does not name its region in a pool.
    region = cluster.location if cluster.cloud is not Cloud.AZURE else ""
    return (cluster.cloud,) if loss is Loss.CLOUD else (cluster.cloud, region)


@given(pool=pools())
def test_every_step_keeps_what_is_needed_ready(pool: Pool) -> None:
    snapshot = pool.snapshot()
    plan = decide(snapshot)
    specs, ends = snapshot.spec.members, units(snapshot.spec.members, _ends(snapshot, plan))
    needed = max(snapshot.spec.min_replicas, plan.record.desired or 0)
    for leg in legs(snapshot, plan):
        had, has = units(specs, leg.before), units(specs, leg.between)
        assert has >= min(needed, had, ends)


@given(pool=pools())
def test_every_step_survives_what_the_start_and_the_end_survive(pool: Pool) -> None:
    snapshot = pool.snapshot()
    plan = decide(snapshot)
    percents = {rule.loss.value: rule.keep_percent for rule in snapshot.spec.survive}
    at_the_end = left_of(snapshot, _ends(snapshot, plan))
    for leg in legs(snapshot, plan):
        had, has = left_of(snapshot, leg.before), left_of(snapshot, leg.between)
        for at, left in has.items():
            asked = -(-percents[at[0]] * (plan.record.desired or 0) // 100)
            assert left >= min(asked, had[at], at_the_end[at])


@given(pool=pools())
def test_every_step_stays_inside_the_bounds_or_comes_nearer_to_them(pool: Pool) -> None:
    snapshot = pool.snapshot()
    plan = decide(snapshot)
    spec = snapshot.spec
    most = -(-spec.max_replicas * (100 + spec.disruption.max_surge_percent) // 100)
    ends = units(spec.members, _ends(snapshot, plan))
    for leg in legs(snapshot, plan):
        for member in spec.members:
            before, after = leg.before[member.name], leg.after[member.name]
            least = 0 if member.state is MemberState.DRAIN else member.min_nodes
            assert min(least, before) <= after <= max(member.max_nodes, before)
        had, has = units(spec.members, leg.before), units(spec.members, leg.after)
        grown = sum(
            member.units_per_node * max(0, leg.after[member.name] - leg.before[member.name]) for member in spec.members
        )
        assert not grown or had + grown <= max(most, ends)
        assert has <= max(most, ends, had)


def at_rest(pool: Pool, plan: Plan) -> Pool:
    """The pool once the plan is carried out."""
    ends = _ends(pool.snapshot(), plan)
    after = [
        one.seen(requested=size, nodes=size, ready=size).remembered(agreed=size, requested=size, nodes=size, ready=size)
        for one in pool.members
        for size in [ends[one.view.spec.name]]
    ]
    return replace(pool, members=after, record=replace(plan.record, standing_in=0, saving=None))


@given(pool=pools())
def test_a_plan_applied_and_solved_again_is_empty(pool: Pool) -> None:
    assert decide(at_rest(pool, decide(pool.snapshot())).snapshot()).changes == ()


@given(pool=pools(), order=st.randoms(use_true_random=False), alike=st.booleans())
def test_the_order_of_the_list_changes_nothing(pool: Pool, order: Random, *, alike: bool) -> None:
    """Nor does it among members that differ by their names alone."""
    if alike:
        named = [one.view.spec.name for one in pool.members]
        pool = replace(pool, members=[priced(name, 0, "0.10", max_nodes=9) for name in named])
    turned = sorted(pool.members, key=lambda one: one.view.spec.name, reverse=True)
    order.shuffle(turned)
    one, other = decide(pool.snapshot()), decide(replace(pool, members=turned).snapshot())
    assert (one.changes, one.steps, one.placing) == (other.changes, other.steps, other.placing)


@given(pool=pools(), share=st.sampled_from([0, 1, 2, 5, 9]))
def test_a_saving_below_the_percent_moves_nothing(pool: Pool, share: int) -> None:
    """At rest, then every other price falls to a tenth part of what it was: worth a move at that share of the cost, and not above."""
    pool = replace(pool, spec={**pool.spec, "strategy": Strategy.COST})
    settled = at_rest(pool, decide(pool.snapshot()))
    cheaper = [_at(one, share) if number % 2 else one for number, one in enumerate(settled.members)]
    free = decide(replace(settled, members=cheaper).snapshot())
    now, then = free.placing.hourly_cost_now, free.placing.hourly_cost
    assert now is not None
    assert then is not None
    if free.record.saving is None:
        return
    percent = min(100, int(100 * (now - then) / now) + 1)
    spec = {**pool.spec, "saving": MoveWhenSaving(percent=percent, for_s=0)}
    again = decide(replace(settled, members=cheaper, spec=spec).snapshot())
    if 100 * (now - then) < percent * now:
        assert again.record.saving is None
        assert again.changes == ()


def _at(one: Member, tenths: int) -> Member:
    price = one.view.spec.price
    assert price is not None
    return one.wanted(price=replace(price, amount=price.amount * tenths / 10))
