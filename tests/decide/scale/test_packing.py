"""Pods that wait are packed on what is there, then on what would have to come; each once, and for a reason if nowhere."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multicloud.decide.scale.packing import how_often, nodes_for, packed, why_not
from multicloud.model.member import Resources
from multicloud.model.pods import Candidate, NodeShape, PodGroup, PodShape, Requirement, Taint, Toleration
from multicloud.model.reason import Code
from support.pods import GI, SHAPE, asks, candidate, group, room, waiting

TAINT = Taint(key="team", value="web", effect="NoSchedule")
TAINTED = replace(SHAPE, taints=frozenset({TAINT}))


def new_nodes(*groups: PodGroup, to: tuple[Candidate, ...]) -> list[int]:
    found = packed(waiting(*groups, to=to))
    return [found.new.get(number, 0) for number in range(len(to))]


@pytest.mark.parametrize(
    ("groups", "to", "nodes"),
    [
        pytest.param([], candidate(), 0, id="nothing waits"),
        pytest.param([group(1)], candidate(), 1, id="one pod"),
        pytest.param([group(3)], candidate(), 1, id="three cores fit on 3.8"),
        pytest.param([group(4)], candidate(), 2, id="DaemonSets take what the fourth would need"),
        pytest.param([group(2, 0, 8 * GI)], candidate(), 2, id="memory"),
        pytest.param([group(9, 1)], candidate(), 2, id="the number of pods"),
        pytest.param([group(3, 0)], candidate(), 1, id="pods that ask for nothing"),
        pytest.param([group(2, 2000), group(2, 1800)], candidate(), 2, id="largest first: 2.0 and 1.8 share a node"),
        pytest.param([group(1)], candidate(nodes=1, rooms=(room(999),)), 1, id="a node without room"),
        pytest.param([group(1)], candidate(nodes=1, rooms=(room(1000),)), 0, id="a node with room"),
        pytest.param([group(2)], candidate(nodes=1, rooms=(room(9000, pods=1),)), 1, id="room for one pod more"),
        pytest.param(
            [group(3)], candidate(nodes=1, rooms=(room(3000, ready=False),)), 0, id="a node that is still starting"
        ),
        pytest.param(
            [group(3)],
            candidate(nodes=1, rooms=(room(3000, ready=False),), hopeful=False),
            1,
            id="a node that never became ready",
        ),
        pytest.param([group(20)], candidate(nodes=2, most=4), 2, id="no further than it may grow"),
        pytest.param([group(20)], candidate(nodes=2, most=1), 0, id="above its bound already"),
        pytest.param([group(20)], candidate(nodes=5, requested=2, most=4), 2, id="nodes on their way out do not count"),
        pytest.param([group(3, apart=("web",))], candidate(), 3, id="one a node"),
        pytest.param([group(2, apart=("web",)), group(4, apart=("api",))], candidate(), 4, id="two kinds share nodes"),
        pytest.param(
            [group(1, apart=("web",))],
            candidate(nodes=1, rooms=(room(3800),)),
            1,
            id="one a node, and who is on that node nobody knows",
        ),
        pytest.param(
            [group(1, apart=("web",))], candidate(nodes=1, rooms=(room(3800, empty=True),)), 0, id="an empty node"
        ),
    ],
)
def test_nodes_that_have_to_come(groups: list[PodGroup], to: Candidate, nodes: int) -> None:
    assert new_nodes(*groups, to=(to,)) == [nodes]


def test_members_are_asked_in_their_order_and_each_pod_goes_to_one() -> None:
    assert new_nodes(group(9), to=(candidate("a", most=2), candidate("b"))) == [2, 1]
    assert new_nodes(group(9), to=(candidate("b"), candidate("a", most=2))) == [3, 0]


def test_what_another_pool_has_room_for_asks_nothing_of_ours() -> None:
    theirs = candidate("", 3, rooms=(room(3800),))
    assert new_nodes(group(3), to=(candidate("web"), theirs)) == [0, 0]


@pytest.mark.parametrize(
    ("shape", "node", "code"),
    [
        pytest.param({}, SHAPE, None, id="anything goes"),
        pytest.param({}, None, Code.SHAPE_UNKNOWN, id="nobody knows the nodes"),
        pytest.param({"strange": True}, None, Code.PODS_NOT_COUNTED, id="not counted"),
        pytest.param({"asks": asks(3801)}, SHAPE, Code.PODS_TOO_LARGE, id="larger than what DaemonSets leave"),
        pytest.param({"asks": asks(3800)}, SHAPE, None, id="as large as a node"),
        pytest.param({}, TAINTED, Code.TAINTS_NOT_TOLERATED, id="tolerates nothing"),
        pytest.param({"tolerates": (Toleration(),)}, TAINTED, None, id="tolerates everything"),
        pytest.param({"tolerates": (Toleration(key="team"),)}, TAINTED, None, id="any value"),
        pytest.param({"tolerates": (Toleration(key="team", value="web"),)}, TAINTED, None, id="this value"),
        pytest.param(
            {"tolerates": (Toleration(key="team", value="api"),)},
            TAINTED,
            Code.TAINTS_NOT_TOLERATED,
            id="another value",
        ),
        pytest.param(
            {"tolerates": (Toleration(key="team", effect="NoExecute"),)},
            TAINTED,
            Code.TAINTS_NOT_TOLERATED,
            id="another effect",
        ),
    ],
)
def test_why_a_node_would_not_do(shape: dict[str, object], node: NodeShape | None, code: Code | None) -> None:
    fields: dict[str, object] = {"asks": asks(), **shape}
    assert why_not(PodShape(**fields), node) is code  # type: ignore[arg-type]  # a table's cells


LABELLED = replace(SHAPE, labels={"pool": "web", "size": "8"}, varied=frozenset({"zone"}))


@pytest.mark.parametrize(
    ("requirement", "holds"),
    [
        pytest.param(Requirement(key="pool", operator="In", values=("web", "api")), True, id="in"),
        pytest.param(Requirement(key="pool", operator="In", values=("api",)), False, id="not in these"),
        pytest.param(Requirement(key="pool", operator="NotIn", values=("api",)), True, id="not in"),
        pytest.param(Requirement(key="other", operator="NotIn", values=("api",)), True, id="not in, absent"),
        pytest.param(Requirement(key="pool", operator="Exists"), True, id="exists"),
        pytest.param(Requirement(key="other", operator="DoesNotExist"), True, id="does not exist"),
        pytest.param(Requirement(key="size", operator="Gt", values=("7",)), True, id="greater"),
        pytest.param(Requirement(key="size", operator="Lt", values=("8",)), False, id="not less"),
        pytest.param(Requirement(key="pool", operator="Gt", values=("7",)), False, id="no number"),
        pytest.param(Requirement(key="pool", operator="Like", values=("w",)), False, id="an operator of tomorrow"),
        pytest.param(Requirement(key="zone", operator="In", values=("a",)), False, id="which zone comes nobody knows"),
        pytest.param(Requirement(key="zone", operator="DoesNotExist"), False, id="nor whether it has one"),
    ],
)
def test_labels_must_hold_on_every_node_of_a_pool(requirement: Requirement, *, holds: bool) -> None:
    expected = None if holds else Code.LABELS_NOT_MATCHED
    assert why_not(PodShape(asks=asks(), selects=(requirement,)), LABELLED) is expected
    impossible = (Requirement(key="other", operator="Exists"),)
    assert why_not(PodShape(asks=asks(), terms=(impossible, (requirement,))), LABELLED) is expected


def test_terms_that_pick_nothing_fit_nowhere() -> None:
    assert why_not(PodShape(asks=asks(), terms=()), SHAPE) is Code.LABELS_NOT_MATCHED
    assert why_not(PodShape(asks=asks(), terms=((),)), SHAPE) is Code.LABELS_NOT_MATCHED


@pytest.mark.parametrize(
    ("to", "code"),
    [
        pytest.param((candidate("a", shape=TAINTED),), Code.TAINTS_NOT_TOLERATED, id="the only reason"),
        pytest.param(
            (candidate("a", shape=TAINTED), candidate("b", shape=None)), Code.TAINTS_NOT_TOLERATED, id="the nearer one"
        ),
        pytest.param((candidate("a", 3, most=3),), Code.MEMBERS_FULL, id="full"),
        pytest.param((), Code.PODS_NOT_COUNTED, id="nobody there"),
    ],
)
def test_what_is_left_says_why(to: tuple[Candidate, ...], code: Code) -> None:
    assert packed(waiting(group(5), to=to)).left == {code: 5}


def test_pods_that_wait_beside_room_are_told_and_buy_nothing() -> None:
    found = packed(waiting(group(5), to=(candidate(nodes=2, rooms=(room(3000), room(2000))),)))
    assert (found.waiting_though, dict(found.new), dict(found.left)) == (5, {}, {})


@pytest.mark.parametrize(
    ("loads", "nodes"),
    [
        pytest.param([], 0, id="nothing runs"),
        pytest.param([600] * 10, 2, id="what runs thinly comes together"),
        pytest.param([2000] * 10, 10, id="what fits nowhere else stays"),
        pytest.param([2000, 1800, 1800, 2000], 2, id="largest first"),
        pytest.param([9000, 100], 2, id="more than a node of this shape"),
    ],
)
def test_nodes_for_what_runs(loads: list[int], nodes: int) -> None:
    assert nodes_for([asks(load) for load in loads], SHAPE) == nodes


GROUPS = st.lists(
    st.builds(
        group,
        st.integers(min_value=1, max_value=12),
        st.integers(min_value=0, max_value=3800),
        st.integers(min_value=0, max_value=15 * GI),
        apart=st.sampled_from([(), (), ("a",), ("b",)]),
    ),
    max_size=8,
)


def bound(groups: list[PodGroup], free: Resources) -> int:
    """No number of nodes below this holds them."""
    cpu_m, memory, pods = (
        sum(one.pods * one.shape.asks.cpu_m for one in groups),
        sum(one.pods * one.shape.asks.memory for one in groups),
        sum(one.pods for one in groups),
    )
    return max(-(-cpu_m // free.cpu_m), -(-memory // free.memory), -(-pods // free.pods))


FREE = Resources(cpu_m=3800, memory=15 * GI, pods=8)


@given(groups=GROUPS)
def test_never_more_nodes_than_pods_nor_fewer_than_their_sum_needs(groups: list[PodGroup]) -> None:
    (nodes,) = new_nodes(*groups, to=(candidate(most=1000),))
    assert bound(groups, FREE) <= nodes <= sum(one.pods for one in groups)


@given(groups=GROUPS, data=st.data())
def test_the_order_of_pods_decides_nothing(groups: list[PodGroup], data: st.DataObject) -> None:
    to = (candidate("a", 2, most=4, rooms=(room(2000), room(1500, empty=True))), candidate("b", most=1000))
    split = [replace(one, pods=1) for one in groups for _ in range(one.pods)]
    other = data.draw(st.permutations(split))
    assert packed(waiting(*groups, to=to)) == packed(waiting(*other, to=to))


def test_equal_pods_that_want_different_things_take_their_turn_by_what_they_want() -> None:
    rare, both = Toleration(key="rare"), Toleration()
    to = (
        candidate("a", most=1, shape=replace(TAINTED, taints=frozenset({replace(TAINT, key="rare")}))),
        candidate("b", most=1, shape=TAINTED),
    )
    groups = (group(1, 3800, tolerates=(rare,)), group(1, 3800, tolerates=(both,)))
    assert packed(waiting(*groups, to=to)) == packed(waiting(*reversed(groups), to=to))


@given(groups=GROUPS, more=GROUPS)
def test_one_pod_more_takes_little_away_at_worst(groups: list[PodGroup], more: list[PodGroup]) -> None:
    """First fit may need fewer nodes for more pods, rarely; never fewer than the sum needs, which only rises."""
    (nodes,) = new_nodes(*groups, *more, to=(candidate(most=1000),))
    assert nodes >= bound(groups, FREE)


@given(groups=GROUPS, most=st.integers(min_value=0, max_value=6))
def test_every_pod_is_somewhere_once(groups: list[PodGroup], most: int) -> None:
    found = packed(waiting(*groups, to=(candidate("a", most=most), candidate("", most=most))))
    assert all(nodes <= most for nodes in found.new.values())
    assert sum(found.left.values()) <= sum(one.pods for one in groups)
    if sum(found.left.values()) == 0:
        assert sum(found.new.values()) >= bound(groups, FREE)


@pytest.mark.parametrize(
    ("asked", "free", "times"),
    [
        pytest.param((500, GI, 1), (2000, 8 * GI, 110), 4, id="processors end first"),
        pytest.param((500, GI, 1), (2000, 3 * GI, 110), 3, id="memory ends first"),
        pytest.param((500, GI, 1), (2000, 8 * GI, 2), 2, id="places for pods end first"),
        pytest.param((500, 0, 1), (2000, 0, 110), 4, id="nothing is left of what nobody asks for"),
        pytest.param((500, 0, 1), (2000, -1, 110), 0, id="memory that is overdrawn"),
        pytest.param((0, GI, 1), (-1, 8 * GI, 110), 0, id="processors that are overdrawn"),
        pytest.param((500, GI, 0), (2000, 8 * GI, -1), 0, id="places that are overdrawn"),
        pytest.param((0, 0, 0), (2000, GI, 1), 1, id="what asks for nothing is there once"),
    ],
)
def test_how_often_a_request_fits(asked: tuple[int, int, int], free: tuple[int, int, int], times: int) -> None:
    request, left = (Resources(cpu_m=cpu, memory=memory, pods=pods) for cpu, memory, pods in (asked, free))
    assert how_often(request, left) == times


def test_pods_that_fit_on_nodes_that_are_ready_are_told_apart() -> None:
    rooms = (room(2000), room(3000, ready=False))
    assert packed(waiting(group(5), to=(candidate(nodes=2, rooms=rooms),))).waiting_though == 2
