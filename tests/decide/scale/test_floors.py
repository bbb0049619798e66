"""From pods to the floors of members: what waits on top of what is there, what runs where nothing waits."""

import pytest

from multicloud.decide.scale.floors import floors_of
from multicloud.decide.scale.policy import decide_policy
from multicloud.model.pods import Candidate, Floor, Pending, PodGroup
from multicloud.model.policy import PolicyDecision, PolicyHistory, PolicySpec
from multicloud.model.reason import Code, Reason
from support.builders import NOW, seconds
from support.pods import asks, candidate, group, room, waiting
from support.scaling import DOWN, average, pending, policy, read, standing

KEPT = (Floor(member="a", nodes=7), Floor(member="b", nodes=5))


@pytest.mark.parametrize(
    ("to", "groups", "nodes"),
    [
        pytest.param(candidate(nodes=10), [], 0, id="nothing runs, nothing waits"),
        pytest.param(candidate(nodes=10, loads=(asks(600),) * 10), [], 2, id="what runs, brought together"),
        pytest.param(candidate(nodes=3, loads=(asks(3000),) * 4), [], 3, id="no more than there are"),
        pytest.param(
            candidate(nodes=10, loads=(asks(600),) * 10), [group(4)], 12, id="what waits, beside all there is"
        ),
        pytest.param(
            candidate(nodes=10, rooms=(room(3800, ready=False),)), [group(3)], 10, id="what waits for those that come"
        ),
        pytest.param(candidate(nodes=10, requested=8), [group(3)], 9, id="beside those that stay"),
        pytest.param(candidate(nodes=2, shape=None), [group(3)], 0, id="nobody knows what comes"),
    ],
)
def test_the_floor_of_a_member(to: Candidate, groups: list[PodGroup], nodes: int) -> None:
    floors, _ = floors_of(Pending(clusters=(waiting(*groups, to=(to,)),)), ())
    assert floors == ((Floor(member="web", nodes=nodes),) if nodes else ())


def test_a_member_that_is_not_seen_keeps_its_floor_and_one_that_is_does_not() -> None:
    seen = waiting(to=(candidate("b", 4, loads=(asks(),)),))
    floors, _ = floors_of(Pending(clusters=(seen,), unseen=("a", "c")), KEPT)
    assert floors == (Floor(member="a", nodes=7), Floor(member="b", nodes=1))


def test_another_pools_members_get_no_floor_here() -> None:
    both = (candidate("", most=1), candidate("web"))
    assert floors_of(Pending(clusters=(waiting(group(4), to=both),)), ())[0] == (Floor(member="web", nodes=1),)


def test_what_is_left_is_told_with_a_few_names_and_no_numbers() -> None:
    full = (candidate("web", 2, most=2),)
    clusters = tuple(waiting(group(3), to=full, name=name) for name in ("d", "b", "a", "c"))
    room_there = waiting(group(1), to=(candidate("x", 1, rooms=(room(3800),)),), name="e", more=True)
    _, left = floors_of(Pending(clusters=(*clusters, room_there)), ())
    assert [(reason.code, reason.text.partition(" pods ")[0]) for reason in left] == [
        (Code.PODS_NOT_COUNTED, "in e"),
        (Code.MEMBERS_FULL, "in a, b, c and others"),
        (Code.PODS_FIT, "in e"),
    ]
    assert not any(letter.isdigit() for reason in left for letter in reason.text)


# In a policy's decision

FOUND = Pending(clusters=(waiting(group(4), to=(candidate("b", 3),)),))


def decided(spec: PolicySpec, found: Pending | Reason, history: PolicyHistory, current: int = 10) -> PolicyDecision:
    readings = [read("pending", found), read("a", 4)]
    return decide_policy(spec, readings, standing(current, low=3), history, NOW)


FLOORED = PolicyHistory(floors=KEPT, desired=10)


def test_floors_come_beside_the_number_not_in_it() -> None:
    made = decided(policy(pending(), average("a")), FOUND, PolicyHistory(desired=10))
    assert (made.desired, made.decided_by) == (4, "a")
    assert made.history.floors == (Floor(member="b", nodes=5),)
    assert (made.proposals[0].units, made.proposals[0].reason.code) == (3, Code.FLOORS_ASKED)


def test_alone_they_leave_the_lowest_number_in_force() -> None:
    spec = policy(pending(), min_replicas=5)
    made = decided(spec, FOUND, PolicyHistory(desired=10))
    assert (made.desired, made.limited.code) == (5, Code.DESIRED_WITHIN_RANGE)


@pytest.mark.parametrize(
    ("spec", "desired"),
    [
        pytest.param(policy(pending()), 10, id="alone: what runs unseen may need them"),
        pytest.param(policy(pending(), average("a")), 4, id="beside another metric, which answers for them"),
    ],
)
def test_while_a_cluster_is_not_seen(spec: PolicySpec, desired: int) -> None:
    found = Pending(clusters=FOUND.clusters, unseen=("a",))
    made = decided(spec, found, FLOORED)
    assert (made.desired, made.history.floors[0]) == (desired, KEPT[0])


def test_a_failed_reading_keeps_every_floor_and_the_number() -> None:
    made = decided(policy(pending(), average("a")), DOWN, FLOORED)
    assert (made.desired, made.history.floors, made.scaling.code) == (10, KEPT, Code.HELD_FOR_METRIC)


def test_who_counts_no_pods_any_more_asks_for_no_floors() -> None:
    assert decided(policy(average("a")), FOUND, FLOORED).history.floors == ()


def test_equal_readings_give_equal_decisions() -> None:
    spec = policy(pending(), average("a"))
    first = decided(spec, FOUND, FLOORED)
    assert decided(spec, FOUND, FLOORED) == first
    later = decide_policy(spec, [read("pending", FOUND), read("a", 4)], standing(10), first.history, NOW + seconds(30))
    assert later.history.floors == first.history.floors
