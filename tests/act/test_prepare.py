"""What is admitted: fence, back-off, brake and scope, in one pass and across pools."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from multicloud.act.brake import Brake, Limits
from multicloud.act.prepare import Prepared, Preparer
from multicloud.act.scope import Scopes
from multicloud.decide import decide
from multicloud.model.error import NotSent
from multicloud.model.plan import Headroom, Snapshot
from multicloud.model.reason import Code, Reason
from multicloud.model.spec import CloudRange
from support.builders import NOW, POOL, member, snapshot
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
