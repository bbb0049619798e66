"""What is admitted: fence, back-off, brake and scope, in one pass and across pools."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from multicloud.act.brake import Brake, Limits
from multicloud.act.prepare import Dispatch, Prepared, Preparer
from multicloud.act.scope import Scopes
from multicloud.decide import decide
from multicloud.model.error import NotSent
from multicloud.model.member import ClusterLogin, Counted, Inside
from multicloud.model.plan import Headroom, Snapshot
from multicloud.model.reason import Code, Reason
from multicloud.model.record import Intent, Removal
from multicloud.model.ref import Cloud, ClusterRef, Kind, NodePoolRef, ObjectKey
from multicloud.model.size import Activity, Resize
from multicloud.model.spec import CloudRange, Failover
from support.builders import NOW, POOL, Member, member, snapshot
from support.clock import VirtualClock
from support.scripted import Heard

LIMITS = Limits(max_removed_percent=0, max_removed_nodes=50, max_added_percent=0, max_added_nodes=50)


@dataclass
class Bench:
    closed: bool = False
    keeps_nodes: bool = False
    heard: Heard = field(default_factory=Heard)

    def __post_init__(self) -> None:
        self.brake = Brake(VirtualClock(), LIMITS, observed_nodes=lambda _: 0)
        self.preparer = Preparer(self, self.brake, Scopes(), self.heard.wake, send_budget_s=5)

    def check(self, budget_s: float, *, removes: bool) -> None:
        assert budget_s == 5
        if self.keeps_nodes and removes:
            raise NotSent(Reason(code=Code.STOPPED_SHRINK, text="removals are stopped"))
        if self.closed:
            raise NotSent(Reason(code=Code.NOT_LEADER, text="not the leader"))

    def prepare(self, seen: Snapshot) -> Prepared:
        return self.preparer.prepare(seen, decide(seen))


def gke(name: str, size: int) -> Member:
    """A member whose cluster runs one operation at a time."""
    one = member(name, size)
    node_pool = NodePoolRef(cluster=ClusterRef(cloud=Cloud.GCP, location="here", name="shop"), name=name)
    return one.viewed(node_pool=node_pool)


def test_every_ask_becomes_an_intent_with_an_id_of_its_own() -> None:
    bench = Bench()
    seen = snapshot(member("a", 4), member("b", 4), replicas=20)
    prepared = bench.prepare(seen)
    ids = {dispatch.intent.id for dispatch in prepared.dispatches}
    assert len(ids) == len(prepared.dispatches) == 2
    for dispatch in prepared.dispatches:
        record = prepared.record.member(dispatch.member)
        assert record.intent == dispatch.intent
        assert (dispatch.intent.origin, dispatch.intent.target) == (4, 10)
        assert dispatch.intent.deadline == NOW + timedelta(seconds=900)


@pytest.mark.parametrize("cloud_range", CloudRange)
def test_only_who_may_widen_the_clouds_range_is_sent_so(cloud_range: CloudRange) -> None:
    one = member("a", 4, cloud_range=cloud_range).seen(cloud_min=1, cloud_max=50)
    [dispatch] = Bench().prepare(snapshot(one, replicas=20)).dispatches
    assert (dispatch.change.to, dispatch.change.widen) == (20, cloud_range is CloudRange.WIDEN)


def test_what_is_sent_is_said_in_full() -> None:
    bench = Bench()
    one = member("a", 4)
    seen = snapshot(one, replicas=10, failover=Failover(provision_timeout_s=700))
    [dispatch] = bench.prepare(seen).dispatches
    assert one.view.sight.proved is not None
    assert dispatch == Dispatch(
        member="a",
        account=ObjectKey(kind=Kind.ACCOUNT, namespace="shop", name="aws-prod"),
        change=Resize(pool=one.view.sight.proved, to=10),
        intent=Intent(
            id=dispatch.intent.id, target=10, origin=4, started_at=NOW, deadline=NOW + timedelta(seconds=700)
        ),
        booking=dispatch.booking,
        failover=Failover(provision_timeout_s=700),
    )
    assert (dispatch.booking.account, dispatch.booking.nodes) == (dispatch.account, 6)


def test_taking_back_what_never_came_removes_nothing_for_the_brake() -> None:
    bench = Bench()
    late = member("a", 10).seen(requested=10, nodes=4, ready=4)
    late = late.remembered(missing_from=NOW - timedelta(seconds=1), attempts=1, backoff_until=NOW)
    [dispatch] = bench.prepare(snapshot(late, replicas=10)).dispatches
    assert (dispatch.change.to, dispatch.booking.nodes) == (4, 0)


def test_a_member_at_rest_holds_up_no_other() -> None:
    prepared = Bench().prepare(snapshot(member("a", 4, max_nodes=4), member("b", 4), replicas=20))
    assert [dispatch.member for dispatch in prepared.dispatches] == ["b"]


def test_one_that_must_wait_holds_up_no_other() -> None:
    bench = Bench()
    grown = bench.prepare(snapshot(gke("a", 4), gke("b", 4), member("c", 4), replicas=24))
    told = {part.name: part for part in grown.plan.members}
    assert [dispatch.member for dispatch in grown.dispatches] == ["a", "c"]
    assert (told["b"].reason.code, told["b"].ask, told["c"].ask) == (Code.SCOPE_BUSY, None, 8)
    assert grown.record.member("b").intent is None
    assert grown.record.member("c").intent == grown.dispatches[1].intent
    assert (grown.waits, grown.plan.braked) == (True, frozenset())
    assert bench.brake.headroom(None).add == 50 - 4 - 4, "what waits is not booked"


def test_a_shortage_goes_before_who_only_wishes_for_more() -> None:
    bench = Bench()
    holder, calm, short = (
        replace(snapshot(gke(name, 4), replicas=8, min_replicas=minimum), key=replace(POOL, name=name))
        for name, minimum in (("holder", 0), ("calm", 4), ("short", 5))
    )
    first = bench.prepare(holder)
    assert len(first.dispatches) == 1
    for waiter in (calm, short):
        assert bench.prepare(waiter).dispatches == ()
    bench.heard.woken.clear()
    bench.preparer.prepare(holder, replace(decide(holder), record=holder.record, members=()))
    assert sorted(key.name for key in bench.heard.woken) == ["calm", "short"]
    assert bench.prepare(calm).dispatches == (), "the other is short of units"
    assert len(bench.prepare(short).dispatches) == 1


def test_who_asked_first_keeps_its_turn_over_its_own_passes() -> None:
    bench = Bench()
    holder, early, late = (
        replace(snapshot(gke(name, 4), replicas=8), key=replace(POOL, name=name)) for name in ("holder", "z", "a")
    )
    bench.prepare(holder)
    for waiter in (early, late, early):
        assert bench.prepare(waiter).dispatches == ()
    bench.preparer.forget(holder.key)
    assert bench.prepare(late).dispatches == ()
    assert len(bench.prepare(early).dispatches) == 1


def test_a_pool_that_is_gone_frees_its_scopes_and_wakes_who_waited() -> None:
    bench = Bench()
    holder, waiter = (
        replace(snapshot(gke(name, 4), replicas=8), key=replace(POOL, name=name)) for name in ("holder", "waiter")
    )
    bench.prepare(holder)
    bench.prepare(waiter)
    bench.heard.woken.clear()
    bench.preparer.forget(holder.key)
    assert bench.heard.woken == [waiter.key]
    assert len(bench.prepare(waiter).dispatches) == 1


def waiting_in_a_row(bench: Bench) -> tuple[Snapshot, Snapshot]:
    """Two pools that wait for a cluster, one behind the other; who held it is gone."""
    holder, first, second = (
        replace(snapshot(gke(name, 4), replicas=8), key=replace(POOL, name=name)) for name in ("holder", "one", "two")
    )
    for each in (holder, first, second):
        bench.prepare(each)
    bench.preparer.forget(holder.key)
    return first, second


def test_a_pool_that_wants_nothing_any_more_lets_those_behind_it_pass() -> None:
    bench = Bench()
    first, second = waiting_in_a_row(bench)
    assert bench.prepare(replace(snapshot(gke("one", 4), replicas=4), key=first.key)).dispatches == ()
    assert len(bench.prepare(second).dispatches) == 1


def test_a_pool_that_is_gone_lets_those_behind_it_pass() -> None:
    bench = Bench()
    first, second = waiting_in_a_row(bench)
    bench.heard.woken.clear()
    bench.preparer.forget(first.key)
    assert bench.heard.woken == [second.key]
    assert len(bench.prepare(second).dispatches) == 1


def test_a_repair_by_the_same_size_is_no_removal() -> None:
    bench = Bench(keeps_nodes=True)
    sick = member("a", 10).seen(activity=Activity.SICK, nodes=10, ready=4)
    sick = sick.remembered(missing_from=NOW - timedelta(seconds=1), attempts=1, backoff_until=NOW)
    [dispatch] = bench.prepare(snapshot(sick, replicas=10, max_replicas=10)).dispatches
    assert dispatch.change.to == 10


def test_an_id_is_never_made_twice() -> None:
    seen = snapshot(member("a", 4), replicas=10)
    ids = {Bench().prepare(seen).dispatches[0].intent.id for _ in range(50)}
    assert len(ids) == 50


def test_a_closed_fence_makes_no_intent() -> None:
    bench = Bench(closed=True)
    prepared = bench.prepare(snapshot(member("a", 4), replicas=10))
    assert prepared.dispatches == ()
    assert prepared.record.member("a").intent is None
    assert prepared.plan.members[0].reason.code is Code.NOT_LEADER
    assert prepared.waits


@pytest.mark.parametrize(("wished", "sent"), [(4, 0), (16, 1)], ids=["removal", "growth"])
def test_a_fence_that_keeps_nodes_stops_removals_only(wished: int, sent: int) -> None:
    prepared = Bench(keeps_nodes=True).prepare(snapshot(member("a", 10), replicas=wished))
    assert len(prepared.dispatches) == sent


def test_the_brake_is_booked_across_pools_and_given_back_when_nothing_is_persisted() -> None:
    bench = Bench()
    prepared = bench.prepare(snapshot(member("a", 4), replicas=40))
    assert bench.brake.headroom(None).add == 50 - 36
    other = replace(snapshot(member("b", 4), replicas=40), key=replace(POOL, name="other"))
    refused = bench.prepare(other)
    assert refused.plan.members[0].reason.code is Code.BRAKE
    assert refused.plan.braked == frozenset("b")
    bench.preparer.drop(prepared)
    assert len(bench.prepare(other).dispatches) == 1


@pytest.mark.parametrize(("room", "sent"), [(0, 0), (10, 1)], ids=["wholly", "in part"])
def test_what_the_brake_held_back_while_deciding_comes_back_by_itself(room: int, sent: int) -> None:
    headroom = Headroom(add=room, remove=room)
    prepared = Bench().prepare(snapshot(member("a", 4), replicas=40, headroom=headroom))
    assert (len(prepared.dispatches), prepared.plan.braked, prepared.waits) == (sent, frozenset("a"), True)
    assert not Bench().prepare(snapshot(member("a", 4), replicas=8)).plan.braked


@pytest.mark.parametrize("settled", [False, True], ids=["unsettled", "settled"])
def test_a_scope_is_free_again_once_its_intent_is_settled(settled: bool) -> None:
    bench = Bench()
    seen = snapshot(member("a", 4), replicas=10)
    first = bench.prepare(seen)
    record = first.record if not settled else seen.record
    plan = decide(seen)
    again = bench.preparer.prepare(seen, replace(plan, record=record))
    assert bool(again.dispatches) is settled


@pytest.mark.parametrize(
    ("one", "removal"),
    [
        pytest.param(member("a", 10), Removal(), id="pods are not seen"),
        pytest.param(
            member("a", 10).viewed(inside=Inside(counted=Counted(nodes=10, ready=10, unscheduled=3))),
            Removal(unscheduled=3),
            id="pods are seen",
        ),
        pytest.param(
            member("a", 10).seen(nodes=4, ready=4).remembered(missing_from=NOW),
            None,
            id="only what never came is taken",
        ),
    ],
)
def test_a_removal_is_remembered_with_its_intent(one: Member, removal: Removal | None) -> None:
    prepared = Bench().prepare(snapshot(one, replicas=4))
    record = prepared.record.member("a")
    assert (record.intent is not None, record.removal) == (True, removal)


def test_growth_forgets_no_removal_that_is_waited_for() -> None:
    resting = member("a", 4).remembered(removal=Removal(ended_at=NOW))
    prepared = Bench().prepare(snapshot(resting, replicas=10, step_pause_s=60))
    assert prepared.record.member("a").removal == Removal(ended_at=NOW)


@pytest.mark.parametrize(
    ("wished", "inside", "enters"),
    [
        (4, Inside(counted=Counted(nodes=10, ready=10)), True),
        (16, Inside(counted=Counted(nodes=10, ready=10)), False),
        (4, Inside(), False),
    ],
    ids=["removal", "growth", "removal of nodes that are not seen"],
)
def test_a_members_cluster_is_entered_for_removals_of_nodes_that_it_shows(
    wished: int, inside: Inside, *, enters: bool
) -> None:
    one = member("a", 10)
    account = ObjectKey(kind=Kind.ACCOUNT, namespace=POOL.namespace, name=one.view.spec.account)
    login = ClusterLogin(account=account, cluster=one.view.node_pool.cluster)
    [dispatch] = Bench().prepare(snapshot(one.viewed(login=login, inside=inside), replicas=wished)).dispatches
    assert dispatch.login == (login if enters else None)
