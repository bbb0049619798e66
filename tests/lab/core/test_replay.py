"""Invariants that see a broken state, and replays that see another one: the property test's own proof."""

from dataclasses import replace

import pytest

from multicloud_lab.core.calls import Call
from multicloud_lab.core.capacity import Limit
from multicloud_lab.core.clock import VirtualClock
from multicloud_lab.core.faultkinds import SlowNodes
from multicloud_lab.core.faults import Fault
from multicloud_lab.core.hands import Hands
from multicloud_lab.core.invariants import check
from multicloud_lab.core.lab import Lab, MachineGroup
from multicloud_lab.core.nodes import NodeState
from multicloud_lab.core.replay import ReplayError, differences, play
from multicloud_lab.core.seed import Seed
from multicloud_lab.serve import make_lab


@pytest.fixture
def lab() -> Lab:
    return make_lab(Seed(), VirtualClock())


def web(lab: Lab) -> MachineGroup:
    return next(g for g in lab.machines() if (g.cloud, g.cluster, g.node_pool) == ("aws", "shop-prod", "web"))


def busy(lab: Lab) -> None:
    """A resize under slow nodes, a dead node, a limit."""
    lab.clock.advance(10)
    lab.faults.place(Fault(action=SlowNodes(factor=3)))
    Hands(lab).resize("aws", "shop-prod", "web", 7)
    lab.quotas.set_limit("gcp", "shop-prod-1", "europe-west1", Limit(nodes=13))
    lab.clock.advance(150)
    Hands(lab).kill_node("aws", web(lab).nodes.nodes[0].name)
    lab.clock.advance(33)


def test_a_fresh_lab_and_a_busy_one_are_sound(lab: Lab) -> None:
    assert check(lab) == []
    busy(lab)
    assert check(lab) == []


def test_a_journal_replays_to_the_same_state(lab: Lab) -> None:
    busy(lab)
    fresh = make_lab(Seed(), VirtualClock())
    assert differences(lab, fresh) != []
    play(lab.journal.entries(), fresh, lab.clock.now())
    assert differences(lab, fresh) == []


@pytest.mark.parametrize("left_out", range(4))
def test_a_journal_that_lacks_an_entry_does_not(lab: Lab, left_out: int) -> None:
    busy(lab)
    entries = lab.journal.entries()
    assert len(entries) == 4
    fresh = make_lab(Seed(), VirtualClock())
    play([entry for number, entry in enumerate(entries) if number != left_out], fresh, lab.clock.now())
    assert differences(lab, fresh) != []


def test_what_cannot_be_done_again_is_told(lab: Lab) -> None:
    busy(lab)
    wrong = [replace(lab.journal.entries()[0], operation="LiftFault", arguments={"id": "fault-9"})]
    with pytest.raises(ReplayError, match=r"entry 1 \(lab LiftFault by admin\) is refused: there is no fault"):
        play(wrong, make_lab(Seed(), VirtualClock()), lab.clock.now())


def test_another_seed_of_chance_is_another_state(lab: Lab) -> None:
    busy(lab)
    other = make_lab(Seed(random=2), VirtualClock())
    play([each for each in lab.journal.entries() if "Kill" not in each.operation], other, lab.clock.now())
    assert differences(lab, other) != []


def test_broken_states_are_seen(lab: Lab) -> None:
    nodes = web(lab).nodes
    nodes.target = 3
    assert any("4 nodes live, but 3" in sentence for sentence in check(lab))
    nodes.target = 4
    nodes.nodes[0].zone = "nowhere"
    assert any("is in nowhere" in sentence for sentence in check(lab))
    nodes.nodes[0].zone = nodes.zones[0]
    nodes.nodes[0].name = nodes.nodes[1].name
    assert any("2 machines of 111122223333" in sentence for sentence in check(lab))
    nodes.nodes[0].name = "i-another"
    nodes.nodes[0].state = NodeState.BOOTING
    assert any("nothing moves it on" in sentence for sentence in check(lab))
    nodes.nodes[0].state = NodeState.READY
    lab.quotas.count("aws", "111122223333", "us-east-1", "m5.large", 1)
    assert any("are counted, but there are" in sentence for sentence in check(lab))
    lab.quotas.count("aws", "111122223333", "us-east-1", "m5.large", -1)
    assert check(lab) == []
    lab.record(Call(cloud="aws", operation="X", principal="lab"), result="Refused", effective=True)
    assert any("was refused" in sentence for sentence in check(lab))
