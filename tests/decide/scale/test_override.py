"""A person's numbers for a while: followed, over, or a mistake; and that a change of who decides shrinks nothing by itself."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from multicloud.decide import decide
from multicloud.model.override import Override, SeenOverride
from multicloud.model.plan import Plan
from multicloud.model.reason import Code, Reason
from multicloud.model.record import PoolRecord
from support.builders import NOW, asked, found, member, of, seconds, snapshot, unseen

MISTAKE = Reason(code=Code.OVERRIDE_NOT_UNDERSTOOD, text="annotation multicloud.dev/override: no JSON")


def override(low: int | None = None, high: int | None = None, *, hours: float = 2) -> Override:
    return Override(min_replicas=low, max_replicas=high, until=NOW + timedelta(hours=hours), reason="INC-42")


class Pool:
    """One pool with one member of 30 nodes, pass after pass; what a pass remembers the next one has."""

    def __init__(self, size: int = 30, **spec: Any) -> None:
        self.size = size
        self.spec = {"max_replicas": 200, "scale_down_delay_s": 300} | spec
        self.record = PoolRecord()

    def passes(self, at: datetime = NOW, **spec: Any) -> Plan:
        plan = decide(snapshot(member("a", self.size), record=self.record, now=at, **self.spec | spec))
        self.record = plan.record
        return plan


def decider(plan: Plan) -> tuple[str, str]:
    by = plan.record.decided_by
    assert by is not None
    return by.kind, by.reason


def code(plan: Plan) -> Code | None:
    return plan.limited_by.code if plan.limited_by else None


SPEC = ("MultiCloudPool", "SpecReplicas")
OURS = ("Override", "Override")


@pytest.mark.parametrize(
    ("wished", "noted", "units", "by"),
    [
        pytest.param(30, override(40), 40, OURS, id="raised to at least"),
        pytest.param(50, override(40), 50, SPEC, id="more than at least is left alone"),
        pytest.param(30, override(None, 20), 20, OURS, id="cut to at most"),
        pytest.param(10, override(None, 20), 10, SPEC, id="less than at most is left alone"),
        pytest.param(30, override(40, 40), 40, OURS, id="a number"),
        pytest.param(40, override(40, 40), 40, OURS, id="a number decides also where it agrees"),
        pytest.param(30, override(20, 40), 30, SPEC, id="inside a range"),
        pytest.param(None, override(20, 40), 20, OURS, id="where nobody chose, it decides"),
    ],
)
def test_an_override_stands_above_the_spec(
    wished: int | None, noted: Override, units: int, by: tuple[str, str]
) -> None:
    plan = Pool(scale_down_delay_s=0).passes(replicas=wished, override=noted)
    assert (plan.record.requested, decider(plan)) == (units, by)
    assert plan.record.desired == units


@pytest.mark.parametrize(
    ("noted", "desired", "limited"),
    [
        pytest.param(override(500), 200, Code.MAX_REPLICAS, id="above the pool's maximum"),
        pytest.param(override(None, 1), 10, Code.MIN_REPLICAS, id="below the pool's minimum"),
    ],
)
def test_the_pools_own_bounds_are_outermost(noted: Override, desired: int, limited: Code) -> None:
    plan = Pool(scale_down_delay_s=0, min_replicas=10).passes(replicas=30, override=noted)
    assert (plan.record.desired, code(plan)) == (desired, limited)


def test_it_grows_at_once_and_shrinks_through_the_delay() -> None:
    pool = Pool()
    pool.passes(replicas=30)
    assert asked(pool.passes(replicas=30, override=override(40))) == {"a": 40}
    fallen = Pool()
    fallen.passes(replicas=30)
    plan = fallen.passes(NOW + seconds(10), replicas=30, override=override(None, 20))
    assert (plan.record.desired, code(plan), asked(plan)) == (30, Code.DECIDER_CHANGED, {})
    plan = fallen.passes(NOW + seconds(310), replicas=30, override=override(None, 20))
    assert (plan.record.desired, asked(plan)) == (20, {"a": 20})


def test_its_end_wakes_the_pass_and_gives_the_number_back_after_the_delay() -> None:
    pool = Pool(size=40)
    pool.passes(replicas=30)
    noted = override(40)
    assert pool.passes(replicas=30, override=noted).wake_at == noted.until
    assert pool.passes(noted.until - seconds(1), replicas=30, override=noted).record.desired == 40
    ended = pool.passes(noted.until, replicas=30, override=noted)
    assert (decider(ended), ended.record.requested, ended.record.desired) == (SPEC, 30, 40)
    assert (code(ended), asked(ended), ended.wake_at) == (Code.DECIDER_CHANGED, {}, noted.until + seconds(300))
    plan = pool.passes(noted.until + seconds(300), replicas=30, override=noted)
    assert (plan.record.desired, asked(plan), code(plan)) == (30, {"a": 30}, None)
    assert pool.passes(noted.until + timedelta(days=30), replicas=30, override=noted).wake_at is None


def test_taken_away_before_its_end_it_is_a_change_of_decider_too() -> None:
    pool = Pool(size=40)
    pool.passes(replicas=30, override=override(40))
    plan = pool.passes(NOW + seconds(60), replicas=30)
    assert (plan.record.desired, code(plan), plan.record.override) == (40, Code.DECIDER_CHANGED, None)


def test_the_same_decider_that_wishes_for_less_is_only_delayed() -> None:
    pool = Pool(size=40)
    pool.passes(replicas=30, override=override(40))
    plan = pool.passes(NOW + seconds(60), replicas=30, override=override(35))
    assert (decider(plan), plan.record.desired, code(plan)) == (OURS, 40, Code.SCALE_DOWN_DELAY)


def test_where_nobody_chose_what_it_brought_is_held() -> None:
    pool = Pool(size=40)
    pool.record = PoolRecord(requested=30, desired=30)
    noted = override(40)
    assert pool.passes(override=noted).record.desired == 40
    assert decider(pool.passes(NOW + seconds(60), override=noted)) == OURS
    ended = pool.passes(noted.until + timedelta(hours=1), override=noted)
    assert (decider(ended), ended.record.desired, asked(ended)) == (("Hold", "Hold"), 40, {})


# Mistakes hold the size


@pytest.mark.parametrize(
    ("noted", "reason"),
    [
        pytest.param(MISTAKE, Code.OVERRIDE_NOT_UNDERSTOOD, id="not understood"),
        pytest.param(override(90, hours=-0.001), Code.OVERRIDE_IN_PAST, id="over before it was seen"),
        pytest.param(override(90, hours=0), Code.OVERRIDE_IN_PAST, id="over when it was seen"),
        pytest.param(override(90, hours=7 * 24 + 0.001), Code.OVERRIDE_TOO_LONG, id="longer than seven days"),
    ],
)
@pytest.mark.parametrize("wished", [10, 90, None], ids=["less is wished", "more is wished", "nobody wishes"])
def test_a_mistaken_override_holds_the_size(noted: Override | Reason, reason: Code, wished: int | None) -> None:
    pool = Pool(scale_down_delay_s=0)
    pool.passes(replicas=30)
    for hours in (0, 1, 24 * 8):
        plan = pool.passes(NOW + timedelta(hours=hours), replicas=wished, override=noted)
        assert (decider(plan), plan.record.desired, asked(plan)) == (("Hold", reason), 30, {})


def test_seven_days_to_the_second_are_allowed() -> None:
    plan = Pool().passes(replicas=30, override=override(40, hours=7 * 24))
    assert decider(plan) == OURS


def test_a_new_pool_with_a_mistaken_override_holds_what_it_found() -> None:
    plan = decide(snapshot(found("a", 4), replicas=90, override=MISTAKE, min_replicas=2))
    assert (plan.record.desired, asked(plan)) == (4, {})


def test_one_that_reaches_too_far_does_not_begin_by_itself_days_later() -> None:
    pool = Pool()
    pool.passes(replicas=30)
    noted = override(90, hours=8 * 24)
    pool.passes(replicas=30, override=noted)
    plan = pool.passes(NOW + timedelta(days=3), replicas=30, override=noted)
    assert (decider(plan), asked(plan)) == (("Hold", Code.OVERRIDE_TOO_LONG), {})


def test_a_mended_override_is_judged_anew() -> None:
    pool = Pool()
    pool.passes(replicas=30)
    pool.passes(replicas=30, override=override(90, hours=8 * 24))
    plan = pool.passes(NOW + timedelta(days=3), replicas=30, override=override(90, hours=9 * 24))
    assert (decider(plan), asked(plan)) == (OURS, {"a": 90})


def test_a_mistake_that_is_taken_away_shrinks_nothing_at_once() -> None:
    pool = Pool()
    pool.passes(replicas=30)
    pool.passes(replicas=10, override=MISTAKE)
    plan = pool.passes(NOW + seconds(60), replicas=10)
    assert (plan.record.desired, code(plan)) == (30, Code.DECIDER_CHANGED)


def test_it_is_seen_before_every_member_was_looked_at() -> None:
    noted = override(40)
    plan = decide(snapshot(unseen("a"), replicas=30, override=noted))
    assert plan.record.override == SeenOverride(override=noted, since=NOW)


# Pauses of an account and of removals


def test_members_of_a_paused_account_keep_their_size_and_the_others_carry_the_rest() -> None:
    paused = member("a", 10).viewed(paused=True)
    plan = decide(snapshot(paused, member("b", 10), replicas=30))
    assert asked(plan) == {"b": 20}
    assert (of(plan, "a").target, of(plan, "a").reason.code) == (10, Code.ACCOUNT_PAUSED)
    assert asked(decide(snapshot(paused, member("b", 10), replicas=0))) == {"b": 0}


def test_paused_removals_let_growth_through() -> None:
    members = (member("a", 10), member("b", 0, max_nodes=9))
    plan = decide(snapshot(*members, replicas=12, scale_in_paused=True))
    assert asked(plan) == {"b": 6}
    plan = decide(snapshot(member("a", 10), replicas=4, scale_in_paused=True))
    assert (asked(plan), of(plan, "a").reason.code, code(plan)) == ({}, Code.SCALE_IN_PAUSED, Code.SCALE_IN_PAUSED)
