"""What a plan changes and how it would be gone: make before break, one step after the other."""

from multicloud.decide import decide
from multicloud.model.approval import Change
from multicloud.model.plan import Headroom, Plan, Stop
from multicloud.model.reason import Code, Reason
from multicloud.model.size import Activity
from support.builders import Pool, intent, member, snapshot, unknown

NONE = Headroom(add=0, remove=0)
_UNAVAILABLE = Reason(code=Code.UNAVAILABLE, text="no answer")


def told(changes: tuple[Change, ...]) -> list[tuple[str, int, int]]:
    return [(change.member, change.origin, change.to) for change in changes]


def steps(plan: Plan) -> list[list[tuple[str, int, int]]]:
    return [told(step) for step in plan.steps]


def test_nothing_to_do_is_no_change_and_no_step() -> None:
    plan = decide(snapshot(member("a", 5), member("b", 5), replicas=10))
    assert (plan.changes, plan.steps) == ((), ())


def test_removals_are_named_first_and_gone_last() -> None:
    plan = decide(snapshot(member("a", 0), member("b", 10, weight=0), replicas=10))
    assert told(plan.changes) == [("b", 10, 0), ("a", 0, 10)]
    assert steps(plan) == [[("a", 0, 10)], [("b", 10, 0)]]
    assert {change.reason.code for change in plan.changes} == {Code.MOVE_TO_SHARE}


def test_removals_go_in_steps_of_the_pools_own_size() -> None:
    plan = decide(snapshot(member("a", 5), replicas=0, max_nodes_per_step=2))
    assert steps(plan) == [[("a", 5, 3)], [("a", 3, 1)], [("a", 1, 0)]]


def test_no_more_steps_are_looked_at_than_anybody_reads() -> None:
    plan = decide(snapshot(member("a", 100), replicas=0, max_nodes_per_step=1))
    assert steps(plan)[-1] == [("a", 81, 80)]


def test_what_is_under_way_is_the_first_step() -> None:
    growing = member("a", 4).remembered(intent=intent(4, 10)).seen(activity=Activity.BUSY)
    plan = decide(snapshot(growing, member("b", 6, weight=0), replicas=10))
    assert steps(plan) == [[("a", 4, 10)], [("b", 6, 0)]]


def test_what_is_still_going_is_waited_for() -> None:
    going = member("a", 5).seen(nodes=8)
    plan = decide(snapshot(going, replicas=2))
    assert steps(plan) == [[("a", 5, 2)]]


def test_neither_brake_nor_stop_switch_nor_pause_changes_the_way() -> None:
    pool = Pool(members=[member("a", 5).viewed(headroom=NONE)], spec={"replicas": 2}, headroom=NONE)
    free = decide(pool.snapshot())
    stopped = decide(snapshot(member("a", 5), replicas=2, stop=Stop.ALL))
    paused = decide(snapshot(member("a", 5), replicas=2, scale_in_paused=True))
    assert steps(free) == steps(stopped) == steps(paused) == [[("a", 5, 2)]]


def test_steps_end_where_too_little_is_known() -> None:
    plan = decide(snapshot(unknown("a", 5, _UNAVAILABLE), member("b", 5), replicas=5))
    assert told(plan.changes) == [("b", 5, 0)]
    assert plan.steps == ()
