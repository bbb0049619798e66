"""What a cloud owes: missing nodes, giving back, repair, back-off, probes and the way back; members that are unseen."""

from datetime import timedelta

import pytest

from multicloud.decide import decide
from multicloud.model.plan import MemberPlan, Plan
from multicloud.model.reason import Code, Reason
from multicloud.model.record import LastResize
from multicloud.model.size import Activity, OperationState, ReadySource
from multicloud.model.spec import Failover, MemberState, Strategy, WhenUnreachable
from support.builders import NOW, Member, asked, intent, member, of, operation, seconds, snapshot, targets, unknown

AWAY = Reason(code=Code.UNAVAILABLE, text="no answer")


def plan_of(*members: Member, **spec: object) -> Plan:
    return decide(snapshot(*members, **spec))


def judged(one: Member, **spec: object) -> MemberPlan:
    return of(plan_of(one, **spec), one.view.spec.name)


def last(origin: int, target: int, *, age_s: float, code: Code = Code.DELIVERED) -> LastResize:
    outcome = Reason(code=code, text="as it went")
    return LastResize(id="1", origin=origin, target=target, at=NOW - seconds(age_s), outcome=outcome)


def short(name: str = "a", *, requested: int = 10, nodes: int = 6, ready: int = 6, late_s: float = 1) -> Member:
    """A member that was asked for more than came, and whose time is over since `late_s` seconds."""
    known = member(name, requested).seen(nodes=nodes, ready=ready)
    return known.remembered(
        missing_from=NOW - seconds(late_s), last_resize=last(4, requested, age_s=900 + late_s), nodes=nodes, ready=ready
    )


def counted(one: Member, *, attempts: int, wait_s: float) -> Member:
    """The same when the failure has been counted, with so many seconds of back-off to go."""
    return one.remembered(attempts=attempts, backoff_until=NOW + seconds(wait_s))


# When nodes count as missing


@pytest.mark.parametrize(
    ("one", "missing_in_s"),
    [
        pytest.param(member("a", 4), None, id="all are ready"),
        pytest.param(member("a", 4).seen(ready=3), 900, id="one has just gone"),
        pytest.param(
            member("a", 4).seen(ready=3).remembered(missing_from=NOW + seconds(40)), 40, id="one went some time ago"
        ),
        pytest.param(member("a", 4).remembered(missing_from=NOW + seconds(40)), None, id="it came back"),
        pytest.param(
            member("a", 4).seen(requested=9).remembered(intent=intent(4, 9, age_s=100)), 800, id="growth on its way"
        ),
        pytest.param(
            member("a", 4).seen(ready=3).remembered(intent=intent(4, 9, age_s=100), missing_from=NOW + seconds(40)),
            800,
            id="new growth gets its whole time",
        ),
        pytest.param(
            short().remembered(intent=intent(10, 11, age_s=5)), -1, id="late stays late, whatever is asked for next"
        ),
        pytest.param(
            member("a", 4).seen(ready=0, ready_source=ReadySource.KUBERNETES), 300, id="the cluster lost all of them"
        ),
        pytest.param(member("a", 4).seen(ready=0), 900, id="all gone, in the cloud's words only"),
        pytest.param(
            member("a", 4)
            .seen(ready=0, ready_source=ReadySource.KUBERNETES)
            .remembered(last_resize=last(0, 4, age_s=60)),
            900,
            id="the first nodes may boot",
        ),
    ],
)
def test_nodes_count_as_missing_after_their_time(one: Member, missing_in_s: float | None) -> None:
    record = judged(one.viewed(operation=operation("a", OperationState.RUNNING)), replicas=10).record
    assert record.missing_from == (None if missing_in_s is None else NOW + seconds(missing_in_s))


def test_a_failed_operation_makes_them_missing_at_once() -> None:
    growing = member("a", 4).seen(requested=9, nodes=6, ready=6, activity=Activity.SICK)
    growing = growing.remembered(intent=intent(4, 9, age_s=60, operation="op-1"))
    growing = growing.viewed(operation=operation("a", OperationState.FAILED, "no machines"))
    plan = plan_of(growing, member("b", 4), replicas=13)
    assert (of(plan, "a").record.missing_from, of(plan, "a").record.attempts) == (NOW, 1)
    assert asked(plan) == {"a": 6, "b": 7}, "given back what never came, and the other one grows for it"


# Others help out; what never came is given back


def test_what_is_missing_is_carried_by_others_and_given_back() -> None:
    plan = plan_of(short(), member("b", 10), replicas=20)
    assert (asked(plan), of(plan, "a").reason.code) == ({"a": 6, "b": 14}, Code.GIVEN_BACK)
    assert (of(plan, "a").record.attempts, of(plan, "a").record.backoff_until) == (1, NOW + seconds(300))


def test_a_failure_is_counted_once() -> None:
    once = counted(short(late_s=100), attempts=1, wait_s=200)
    record = judged(once, replicas=10).record
    assert (record.attempts, record.backoff_until) == (1, NOW + seconds(200))


@pytest.mark.parametrize(
    ("one", "kept"),
    [
        pytest.param(short(), 6, id="what exists"),
        pytest.param(short(nodes=10), 10, id="nodes that exist but do not work stay"),
        pytest.param(short(nodes=8), 8, id="also some of them"),
        pytest.param(short(nodes=0, ready=0), 0, id="nothing came"),
        pytest.param(short().wanted(min_nodes=8), 8, id="not below minNodes"),
        pytest.param(short().seen(cloud_min=7, cloud_max=20), 7, id="not below the cloud's own minimum"),
        pytest.param(short().remembered(adoption_floor=9), 9, id="not below what it was found at"),
        pytest.param(short(requested=9, nodes=4, ready=4).seen(step=3), 6, id="in whole steps"),
        pytest.param(
            short().remembered(last_resize=last(9, 10, age_s=60)), 10, id="a resize of a minute ago may still bring it"
        ),
        pytest.param(
            short().remembered(agreed=8, held_since=NOW - seconds(60)), 10, id="what somebody added is theirs"
        ),
    ],
)
def test_giving_back_never_goes_below_what_exists(one: Member, kept: int) -> None:
    plan = plan_of(one, member("b", 10), replicas=20)
    assert targets(plan)["a"] == kept


def test_a_frozen_member_is_never_asked_to_give_back() -> None:
    plan = plan_of(short().wanted(state=MemberState.FROZEN), member("b", 10), replicas=20)
    assert asked(plan) == {"b": 14}


def test_a_member_with_missing_nodes_may_shrink_for_a_lower_wish() -> None:
    plan = plan_of(short(nodes=10), member("b", 10), replicas=4)
    assert targets(plan) == {"a": 2, "b": 2}


def test_what_is_missing_shows_while_nothing_can_be_done() -> None:
    plan = plan_of(counted(short(nodes=10), attempts=1, wait_s=60), replicas=10)
    assert (asked(plan), of(plan, "a").reason.code) == ({}, Code.NODES_MISSING)


# Repair of a sick node pool


@pytest.mark.parametrize(
    ("attempts", "wait_s", "ask"),
    [
        pytest.param(1, 60, {}, id="backed off"),
        pytest.param(1, -1, {"a": 10}, id="first the same size again"),
        pytest.param(2, -1, {"a": 11}, id="then one node more"),
        pytest.param(3, -1, {"a": 10}, id="then the same again"),
    ],
)
def test_a_sick_pool_is_repaired_at_back_off_intervals(attempts: int, wait_s: float, ask: dict[str, int]) -> None:
    sick = counted(short(nodes=10, late_s=9000), attempts=attempts, wait_s=wait_s).seen(activity=Activity.SICK)
    sick = sick.remembered(backoff_until=NOW + seconds(wait_s))
    plan = plan_of(sick, replicas=10, max_replicas=11)
    assert asked(plan) == ask
    assert of(plan, "a").reason.code is (Code.REPAIRING if ask else Code.BACKED_OFF)


def test_a_repair_never_exceeds_a_bound() -> None:
    sick = counted(short(nodes=10, late_s=9000), attempts=2, wait_s=-1).seen(activity=Activity.SICK)
    assert asked(plan_of(sick, replicas=10, max_replicas=10)) == {"a": 10}
    assert asked(plan_of(sick.wanted(max_nodes=10), replicas=10)) == {"a": 10}


def test_a_repair_that_the_cloud_took_is_one_more_attempt() -> None:
    sick = counted(short(nodes=10, late_s=9000), attempts=1, wait_s=-1).seen(activity=Activity.SICK)
    repairing = sick.remembered(intent=intent(10, 10, age_s=60, operation="op-1"))
    repairing = repairing.viewed(operation=operation("a", OperationState.DONE))
    plan = plan_of(repairing, replicas=10)
    assert (asked(plan), of(plan, "a").record.attempts) == ({}, 2)
    assert of(plan, "a").record.backoff_until == NOW + seconds(600)


# The way back


def failed_once(size: int, *, ago_s: float) -> Member:
    """A preferred member that failed so long ago and gave everything back that did not come."""
    return member("a", size, priority=1).remembered(
        attempts=1, backoff_until=NOW - seconds(ago_s - 300), last_resize=last(size + 4, size, age_s=ago_s - 60)
    )


@pytest.mark.parametrize(
    ("ago_s", "failover", "ask"),
    [
        pytest.param(200, Failover(), {}, id="backed off"),
        pytest.param(400, Failover(), {}, id="not yet time to return"),
        pytest.param(1801, Failover(), {"a": 5}, id="one node first"),
        pytest.param(1801, Failover(return_to_preferred=False), {}, id="never by itself"),
        pytest.param(400, Failover(return_after_s=0), {"a": 5}, id="at once after the back-off"),
        pytest.param(300 + 3 * 3600, Failover(), {"a": 10}, id="forgiven after three hours"),
        pytest.param(300 + 3 * 3600, Failover(return_to_preferred=False), {}, id="and never where it must not return"),
    ],
)
def test_a_preferred_member_gets_its_units_back(ago_s: float, failover: Failover, ask: dict[str, int]) -> None:
    others = member("b", 6)
    spec = {"replicas": 10, "strategy": Strategy.PRIORITY, "failover": failover}
    plan = plan_of(failed_once(4, ago_s=ago_s), others, **spec)
    assert asked(plan) == ask
    if ask == {"a": 5}:
        assert of(plan, "a").reason.code is Code.PROBING


def test_a_member_that_failed_is_tried_earlier_when_the_others_cannot_carry_the_wish() -> None:
    plan = plan_of(failed_once(4, ago_s=400), member("b", 6, max_nodes=6), replicas=12)
    assert (asked(plan), of(plan, "a").reason.code) == ({"a": 5}, Code.PROBING)


def test_a_delivered_probe_opens_the_way_for_the_rest() -> None:
    probed = failed_once(5, ago_s=2000).remembered(last_resize=last(4, 5, age_s=100))
    plan = plan_of(probed, member("b", 5), replicas=10, strategy=Strategy.PRIORITY)
    assert (asked(plan), of(plan, "a").record.attempts) == ({"a": 10}, 0)


def test_giving_back_is_no_delivery() -> None:
    plan = plan_of(failed_once(4, ago_s=2000), member("b", 6), replicas=10)
    assert of(plan, "a").record.attempts == 1


@pytest.mark.parametrize(
    ("code", "ask"),
    [
        pytest.param(Code.STOCKOUT, {}, id="a call that was refused"),
        pytest.param(Code.CONFLICT, {}, id="a conflict"),
        pytest.param(Code.OPERATION_FAILED, {"a": 4}, id="an operation that failed holds growth only"),
    ],
)
def test_a_removal_waits_only_for_a_call_that_was_refused(code: Code, ask: dict[str, int]) -> None:
    one = member("a", 10).remembered(backoff_until=NOW + seconds(10), last_resize=last(9, 9, age_s=1, code=code))
    plan = plan_of(one, replicas=4)
    assert asked(plan) == ask
    assert ask or of(plan, "a").reason.code is Code.BACKED_OFF


# Somebody else's operation


def test_others_do_not_grow_before_the_lock_time_out() -> None:
    busy = member("b", 2).seen(activity=Activity.BUSY)
    plan = plan_of(member("a", 2), busy, replicas=10)
    assert (asked(plan), of(plan, "b").record.foreign_since) == ({"a": 5}, NOW)
    plan = plan_of(member("a", 2), busy.remembered(foreign_since=NOW - seconds(599)), replicas=10)
    assert asked(plan) == {"a": 5}


def ended(size: int, agreed: int, *, ago_s: float) -> Member:
    """A member at whose size an operation of somebody else ended so long ago."""
    return member("a", size).remembered(
        agreed=agreed, foreign_since=NOW - seconds(ago_s + 60), foreign_until=NOW - seconds(ago_s)
    )


@pytest.mark.parametrize(
    ("one", "spec", "ask", "code"),
    [
        pytest.param(ended(7, 5, ago_s=60), {"replicas": 5}, {}, Code.FOREIGN_OPERATION, id="a surge is not judged"),
        pytest.param(ended(7, 5, ago_s=601), {"replicas": 5}, {}, Code.SURPLUS_HELD, id="ten minutes later it is held"),
        pytest.param(ended(3, 5, ago_s=60), {"replicas": 5}, {}, Code.FOREIGN_OPERATION, id="nor is a deficit"),
        pytest.param(ended(3, 5, ago_s=601), {"replicas": 5}, {"a": 5}, Code.GROW_FOR_WISH, id="then it is corrected"),
        pytest.param(
            ended(3, 5, ago_s=60),
            {"replicas": 5, "min_replicas": 4},
            {"a": 5},
            Code.GROW_FOR_SHORTAGE,
            id="at once if less than the minimum is ready",
        ),
        pytest.param(
            ended(3, 5, ago_s=60), {"replicas": 9}, {"a": 9}, Code.GROW_FOR_WISH, id="a new wish does not wait"
        ),
        pytest.param(ended(5, 5, ago_s=60), {"replicas": 3}, {"a": 3}, Code.SHRINK_TO_WISH, id="the size is as agreed"),
    ],
)
def test_the_size_that_it_left_is_judged_ten_minutes_later(
    one: Member, spec: dict[str, int], ask: dict[str, int], code: Code
) -> None:
    plan = plan_of(one, **spec)
    assert (asked(plan), of(plan, "a").reason.code) == (ask, code)


def test_the_end_of_a_foreign_operation_is_remembered_and_then_forgotten() -> None:
    running = member("a", 5).remembered(foreign_since=NOW - seconds(60))
    assert judged(running, replicas=5).record.foreign_until == NOW
    record = judged(ended(5, 5, ago_s=601), replicas=5).record
    assert (record.foreign_since, record.foreign_until) == (None, None)


# Members that nobody sees


@pytest.mark.parametrize(
    ("unseen_s", "when", "ask"),
    [
        pytest.param(601, WhenUnreachable.HOLD, {}, id="held"),
        pytest.param(599, WhenUnreachable.REPLACE, {}, id="not yet"),
        pytest.param(601, WhenUnreachable.REPLACE, {"b": 10}, id="replaced"),
    ],
)
def test_an_unreachable_member_is_held_or_replaced(unseen_s: float, when: WhenUnreachable, ask: dict[str, int]) -> None:
    lost = unknown("a", 5, AWAY).remembered(unseen_since=NOW - seconds(unseen_s))
    plan = plan_of(lost, member("b", 5), replicas=10, failover=Failover(when_unreachable=when))
    assert (asked(plan), targets(plan)["a"]) == (ask, 5)
    assert of(plan, "a").reason.code is (Code.UNREACHABLE if ask else Code.UNAVAILABLE)


def test_since_when_it_is_unseen_is_remembered() -> None:
    assert judged(unknown("a", 5, AWAY), replicas=5).record.unseen_since == NOW
    known = unknown("a", 5, AWAY).remembered(unseen_since=NOW - timedelta(minutes=3))
    assert judged(known, replicas=5).record.unseen_since == NOW - timedelta(minutes=3)
    assert judged(member("a", 5).viewed(fresh=False), replicas=5).record.unseen_since is None


def test_what_comes_back_counts_after_two_good_looks_and_leaves_by_ordinary_scale_down() -> None:
    back = member("a", 5).remembered(unseen_since=NOW - timedelta(hours=1))
    once = back.viewed(
        sight=back.view.sight.__class__(proved=back.view.sight.proved, read_at=NOW, good_reads=1, looked=True)
    )
    spec = {"replicas": 10, "failover": Failover(when_unreachable=WhenUnreachable.REPLACE)}
    plan = plan_of(once, member("b", 10), **spec)
    assert (asked(plan), of(plan, "a").reason.code) == ({}, Code.RETURNING)
    plan = plan_of(back, member("b", 10), **spec)
    assert (asked(plan), of(plan, "a").record.unseen_since) == ({"b": 5}, None)


# Too little is ready


@pytest.mark.parametrize(
    ("nodes", "ready", "unsafe"),
    [
        pytest.param(10, 10, False, id="all ready"),
        pytest.param(10, 6, False, id="four of ten"),
        pytest.param(10, 5, True, id="five of ten"),
        pytest.param(6, 3, False, id="three of six are few"),
        pytest.param(8, 4, True, id="four of eight"),
    ],
)
def test_nothing_goes_while_too_much_is_not_ready(nodes: int, ready: int, unsafe: bool) -> None:
    broken = member("a", nodes).seen(ready=ready)
    plan = plan_of(broken, replicas=1)
    assert (plan.unsafe is not None, asked(plan) == {}) == (unsafe, unsafe)
    if unsafe:
        assert of(plan, "a").reason.code is Code.UNSAFE_TO_SHRINK


def test_one_broken_cluster_is_enough() -> None:
    broken, healthy = member("a", 8).seen(ready=4), member("b", 20)
    other = healthy.view.node_pool.cluster.__class__(cloud=healthy.view.spec.cloud, location="eu-west-1", name="other")
    elsewhere = healthy.viewed(node_pool=healthy.view.node_pool.__class__(cluster=other, name="b"))
    assert plan_of(broken, healthy, replicas=10).unsafe is None, "four of 28 in one cluster"
    assert plan_of(broken, elsewhere, replicas=10).unsafe is not None
