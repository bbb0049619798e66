"""The fleet-wide brake: what passes in ten minutes, fleet-wide and per account, also after a restart."""

from dataclasses import replace
from datetime import timedelta

import pytest

from multicloud.act.brake import WINDOW_S, Brake, Limits
from multicloud.model.plan import Headroom
from multicloud.model.reason import Code, Reason
from multicloud.model.record import LastResize, MemberRecord, PoolRecord
from multicloud.model.ref import Kind, ObjectKey
from multicloud.model.spec import PoolObject, PoolSpec
from support.builders import POOL, intent, member_spec
from support.clock import VirtualClock

AWS = ObjectKey(kind=Kind.ACCOUNT, namespace="shop", name="aws-prod")
GCP = ObjectKey(kind=Kind.ACCOUNT, namespace="shop", name="gcp-prod")
LIMITS = Limits(max_removed_percent=10, max_removed_nodes=20, max_added_percent=100, max_added_nodes=200)


def brake(clock: VirtualClock, *, fleet: int = 0, one: int = 0, limits: Limits = LIMITS) -> Brake:
    return Brake(clock, limits, observed_nodes=lambda account: fleet if account is None else one)


@pytest.mark.parametrize(
    ("fleet", "headroom"),
    [
        pytest.param(0, Headroom(add=200, remove=20), id="an empty fleet has the fixed numbers"),
        pytest.param(150, Headroom(add=200, remove=20), id="a small fleet too"),
        pytest.param(1000, Headroom(add=1000, remove=100), id="a large one has its share"),
    ],
)
def test_headroom_is_the_larger_of_share_and_number(fleet: int, headroom: Headroom) -> None:
    assert brake(VirtualClock(), fleet=fleet).headroom(None) == headroom


def test_bookings_bind_their_account_and_the_fleet_until_they_leave_the_window() -> None:
    clock = VirtualClock()
    guard = brake(clock)
    assert guard.book(AWS, -15) is not None
    assert guard.headroom(AWS).remove == 5
    assert guard.headroom(GCP).remove == 20
    assert guard.headroom(None).remove == 5
    assert guard.book(GCP, -6) is None, "the fleet has only five left"
    clock.advance(WINDOW_S + 1)
    assert guard.book(GCP, -6) is not None


def test_an_account_has_its_own_share_beside_that_of_the_fleet() -> None:
    guard = brake(VirtualClock(), fleet=1000, one=300)
    assert guard.headroom(AWS) == Headroom(add=300, remove=30)
    assert guard.book(AWS, -31) is None, "the fleet could spare 100"
    assert guard.book(AWS, -30) is not None
    assert (guard.headroom(AWS).remove, guard.headroom(None).remove) == (0, 70)


def test_exactly_what_is_left_may_pass_and_one_node_counts() -> None:
    guard = brake(VirtualClock())
    assert guard.book(AWS, 1) is not None
    assert guard.headroom(None) == Headroom(add=199, remove=20)
    assert guard.book(AWS, 200) is None
    assert guard.book(AWS, 199) is not None
    assert guard.headroom(None) == Headroom(add=0, remove=20)
    assert guard.book(AWS, -1) is not None
    assert guard.book(AWS, -20) is None
    assert guard.book(AWS, -19) is not None
    assert guard.headroom(None) == Headroom(add=0, remove=0)
    assert guard.book(AWS, 0) is not None, "what changes nothing always passes"


def test_a_booking_leaves_as_the_window_ends() -> None:
    clock = VirtualClock()
    guard = brake(clock)
    guard.book(AWS, -20)
    clock.advance(WINDOW_S - 1)
    assert guard.headroom(None).remove == 0
    clock.advance(1)
    assert guard.headroom(None).remove == 20


def test_growing_makes_no_room_for_removing() -> None:
    guard = brake(VirtualClock())
    guard.book(AWS, 50)
    assert guard.headroom(None) == Headroom(add=150, remove=20)


def test_what_was_not_sent_is_given_back() -> None:
    guard = brake(VirtualClock())
    booking = guard.book(AWS, -20)
    assert booking is not None
    guard.give_back(booking)
    assert guard.headroom(None).remove == 20


def test_a_restart_remembers_intents_and_last_resizes_of_the_window() -> None:
    clock = VirtualClock()
    last = LastResize(
        id="a",
        origin=30,
        target=20,
        at=clock.now() - timedelta(seconds=100),
        outcome=Reason(code=Code.DELIVERED, text=""),
    )
    old = replace(last, at=clock.now() - timedelta(seconds=WINDOW_S + 1))
    just_left = replace(last, at=clock.now() - timedelta(seconds=WINDOW_S))
    under_way = replace(intent(20, 15), started_at=clock.now() - timedelta(seconds=5))
    pool = PoolObject(
        key=POOL,
        uid="u",
        generation=1,
        resource_version="1",
        spec=PoolSpec(
            replicas=None,
            min_replicas=0,
            max_replicas=9,
            members=tuple(member_spec(name) for name in ("a", "b", "c", "d")),
        ),
        record=PoolRecord(
            members=(
                MemberRecord(name="a", last_resize=last),
                MemberRecord(name="b", last_resize=old),
                MemberRecord(name="c", intent=under_way),
                MemberRecord(name="d", last_resize=just_left),
                MemberRecord(name="gone", last_resize=last),
            )
        ),
    )
    guard = brake(clock)
    guard.seed([pool, replace(pool, spec=None, problem=Reason(code=Code.INVALID_SPEC, text=""))])
    assert guard.headroom(None).remove == 20 - 10 - 5
    assert (guard.headroom(AWS).remove, guard.headroom(GCP).remove) == (5, 20)
    clock.advance(WINDOW_S)
    assert guard.headroom(None).remove == 20
