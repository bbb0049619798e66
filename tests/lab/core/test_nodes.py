"""The life of nodes: growing, shrinking, cancelling, draining, spread over zones."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multicloud_lab.core.clock import VirtualClock
from multicloud_lab.core.nodes import NodeSet, NodeState

BOOT_S, DRAIN_S = 100.0, 30.0
ZONES = ("a", "b", "c")


def nodes_of(clock: VirtualClock, start: int = 0) -> NodeSet:
    nodes = NodeSet(clock, "node-", ZONES, lambda _: BOOT_S, DRAIN_S, Random(1))  # noqa: S311  (repeatable on purpose)
    nodes.fill(start)
    return nodes


def states(nodes: NodeSet) -> dict[str, int]:
    found = [str(node.state) for node in nodes.nodes]
    return {state: found.count(state) for state in set(found)}


def test_a_new_node_is_requested_then_boots_then_is_ready() -> None:
    clock = VirtualClock()
    nodes = nodes_of(clock)
    nodes.set_target(2)
    assert states(nodes) == {"requested": 2}
    clock.advance(10)
    assert states(nodes) == {"booting": 2}
    clock.advance(89)
    assert (nodes.ready, nodes.settled) == (0, False)
    clock.advance(1)
    assert (nodes.ready, nodes.settled) == (2, True)
    assert nodes.nodes[0].since - nodes.nodes[0].created == BOOT_S


def test_a_ready_node_drains_before_it_is_gone() -> None:
    clock = VirtualClock()
    nodes = nodes_of(clock, 3)
    nodes.set_target(1)
    assert states(nodes) == {"ready": 1, "draining": 2}
    assert nodes.existing == 3
    clock.advance(DRAIN_S)
    assert (nodes.existing, nodes.settled) == (1, True)


def test_shrinking_cancels_what_is_not_ready_before_it_drains_anything() -> None:
    clock = VirtualClock()
    nodes = nodes_of(clock, 3)
    nodes.set_target(6)
    clock.advance(50)
    nodes.set_target(4)
    assert states(nodes) == {"ready": 3, "booting": 1}
    nodes.set_target(2)
    assert states(nodes) == {"ready": 2, "draining": 1}
    clock.advance(BOOT_S)
    assert states(nodes) == {"ready": 2}


def test_growing_does_not_call_draining_nodes_back() -> None:
    clock = VirtualClock()
    nodes = nodes_of(clock, 2)
    nodes.set_target(1)
    nodes.set_target(2)
    assert states(nodes) == {"ready": 1, "draining": 1, "requested": 1}


def test_the_named_node_can_be_drained() -> None:
    clock = VirtualClock()
    nodes = nodes_of(clock, 3)
    victim = nodes.nodes[1]
    nodes.drain(victim.name)
    assert (victim.state, nodes.target) == (NodeState.DRAINING, 2)
    with pytest.raises(KeyError):
        nodes.drain(victim.name)


def test_every_change_is_told() -> None:
    clock = VirtualClock()
    nodes, told = nodes_of(clock, 1), list[dict[str, int]]()
    nodes.on_change = lambda: told.append(states(nodes))
    nodes.set_target(2)
    clock.advance(BOOT_S)
    nodes.set_target(1)
    clock.advance(DRAIN_S)
    nodes.set_target(1)
    assert told == [
        {"ready": 1, "requested": 1},
        {"ready": 1, "booting": 1},
        {"ready": 2},
        {"ready": 1, "draining": 1},
        {"ready": 1},
    ]


def test_a_negative_target_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        nodes_of(VirtualClock()).set_target(-1)


@given(st.lists(st.tuples(st.integers(0, 12), st.floats(0, 200)), max_size=12))
def test_whatever_is_asked_the_set_settles_balanced_at_the_last_target(steps: list[tuple[int, float]]) -> None:
    clock = VirtualClock()
    nodes = nodes_of(clock, 4)
    for target, seconds in steps:
        nodes.set_target(target)
        alive = [node for node in nodes.nodes if node.state is not NodeState.DRAINING]
        assert len(alive) == target
        clock.advance(seconds)
    clock.advance(BOOT_S + DRAIN_S)
    assert nodes.settled
    assert nodes.target == (steps[-1][0] if steps else 4)
    names = [node.name for node in nodes.nodes]
    assert len(set(names)) == len(names)
