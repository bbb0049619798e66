"""Who waits for whom in a scope, and who is next."""

from dataclasses import replace

import pytest

from multicloud.act.scope import Scope, Scopes, scope_of
from multicloud.model.ref import Cloud, ClusterRef, Kind, NodePoolRef, ObjectKey


def pool(name: str) -> ObjectKey:
    return ObjectKey(kind=Kind.POOL, namespace="shop", name=name)


def node_pool(cloud: Cloud, name: str = "web") -> NodePoolRef:
    return NodePoolRef(cluster=ClusterRef(cloud=cloud, location="here", name="shop"), name=name)


A, B, C = pool("a"), pool("b"), pool("c")
ONE: Scope = scope_of(node_pool(Cloud.GCP))


@pytest.mark.parametrize(
    ("cloud", "shared"), [(Cloud.AWS, False), (Cloud.AZURE, False), (Cloud.GCP, True)], ids=["EKS", "AKS", "GKE"]
)
def test_gke_excludes_by_cluster_the_others_by_node_pool(cloud: Cloud, shared: bool) -> None:
    assert (scope_of(node_pool(cloud, "web")) == scope_of(node_pool(cloud, "batch"))) is shared


def test_a_held_scope_is_refused_and_freed_when_its_intent_is_settled() -> None:
    scopes = Scopes()
    assert scopes.take(ONE, A, shortage=False)
    assert not scopes.take(ONE, B, shortage=False)
    assert scopes.hold_exactly(A, frozenset({ONE})) == set(), "still held"
    assert scopes.hold_exactly(A, frozenset()) == {B}, "and B is told"
    assert scopes.take(ONE, B, shortage=False, waited=1)


def test_a_shortage_goes_first_then_who_waited_longest() -> None:
    scopes = Scopes()
    scopes.take(ONE, A, shortage=False)
    scopes.take(ONE, B, shortage=False)
    scopes.take(ONE, C, shortage=True)
    scopes.hold_exactly(A, frozenset())
    turns = scopes.turns(B)
    scopes.stop_waiting(B)
    assert not scopes.take(ONE, B, shortage=False, waited=turns[ONE]), "C is short of units"
    turns = scopes.turns(C)
    scopes.stop_waiting(C)
    assert scopes.take(ONE, C, shortage=True, waited=turns[ONE])


def test_asking_again_keeps_the_place_in_the_queue() -> None:
    scopes = Scopes()
    scopes.take(ONE, A, shortage=False)
    scopes.take(ONE, B, shortage=False)
    scopes.take(ONE, C, shortage=False)
    for _ in range(3):
        turns = scopes.turns(B)
        scopes.stop_waiting(B)
        scopes.take(ONE, B, shortage=False, waited=turns[ONE])
    scopes.hold_exactly(A, frozenset())
    assert not scopes.take(ONE, C, shortage=False, waited=scopes.turns(C)[ONE])


def test_who_no_longer_asks_lets_the_next_one_pass() -> None:
    scopes = Scopes()
    scopes.take(ONE, A, shortage=False)
    scopes.take(ONE, B, shortage=True)
    scopes.take(ONE, C, shortage=False)
    scopes.hold_exactly(A, frozenset())
    assert scopes.stop_waiting(B) == {C}
    turns = scopes.turns(C)
    scopes.stop_waiting(C)
    assert scopes.take(ONE, C, shortage=False, waited=turns[ONE])


def test_who_no_longer_asks_lets_the_next_one_pass_wherever_it_waited() -> None:
    scopes = Scopes()
    two = scope_of(replace(node_pool(Cloud.GCP), cluster=ClusterRef(cloud=Cloud.GCP, location="here", name="bank")))
    holder = pool("holder")
    for scope, behind in ((ONE, B), (two, C)):
        scopes.take(scope, holder, shortage=False)
        scopes.take(scope, A, shortage=False)
        scopes.take(scope, behind, shortage=False)
    scopes.hold_exactly(holder, frozenset())
    assert scopes.stop_waiting(A) == {B, C}


def test_after_a_restart_the_scopes_of_unsettled_intents_are_held_again() -> None:
    scopes = Scopes()
    assert scopes.hold_exactly(A, frozenset({ONE})) == set()
    assert scopes.hold_exactly(B, frozenset({ONE})) == set(), "two at once, as after a fall-back of the scope"
    assert not scopes.take(ONE, C, shortage=True)
    assert scopes.hold_exactly(B, frozenset()) == set(), "the first one holds it"
    assert scopes.hold_exactly(A, frozenset()) == {C}


def test_a_scope_that_nobody_waits_for_wakes_nobody() -> None:
    scopes = Scopes()
    scopes.take(ONE, A, shortage=False)
    assert scopes.hold_exactly(A, frozenset()) == set()


def test_who_stops_waiting_for_a_held_scope_wakes_nobody() -> None:
    scopes = Scopes()
    scopes.take(ONE, A, shortage=False)
    scopes.take(ONE, B, shortage=False)
    scopes.take(ONE, C, shortage=False)
    assert scopes.stop_waiting(B) == set(), "A holds it still"
    assert scopes.turns(B) == {}


def test_who_waits_for_nothing_wakes_nobody() -> None:
    scopes = Scopes()
    scopes.take(ONE, A, shortage=False)
    scopes.take(ONE, B, shortage=False)
    scopes.hold_exactly(A, frozenset())
    assert scopes.stop_waiting(C) == set()
    assert set(scopes.turns(B)) == {ONE}


def test_who_never_waited_goes_behind_everybody_who_did() -> None:
    scopes = Scopes()
    scopes.take(ONE, A, shortage=False)
    scopes.take(ONE, B, shortage=False)
    scopes.hold_exactly(A, frozenset())
    assert not scopes.take(ONE, C, shortage=False), "B waits already"
    assert scopes.turns(B)[ONE] < scopes.turns(C)[ONE]


def test_turns_are_given_in_the_order_of_asking() -> None:
    scopes = Scopes()
    scopes.take(ONE, A, shortage=False)
    for waiter in (C, B):
        scopes.take(ONE, waiter, shortage=False)
    scopes.hold_exactly(A, frozenset())
    turns = scopes.turns(B)
    scopes.stop_waiting(B)
    assert not scopes.take(ONE, B, shortage=False, waited=turns[ONE]), "C asked first, whatever the names"


def test_who_takes_the_scope_waits_for_it_no_more() -> None:
    scopes = Scopes()
    scopes.take(ONE, A, shortage=False)
    scopes.take(ONE, B, shortage=False)
    scopes.take(ONE, C, shortage=False)
    scopes.hold_exactly(A, frozenset())
    turns = scopes.turns(B)
    assert scopes.take(ONE, B, shortage=False, waited=turns[ONE])
    assert scopes.turns(B) == {}
    assert set(scopes.turns(C)) == {ONE}, "C waits on"
    assert scopes.hold_exactly(B, frozenset()) == {C}
