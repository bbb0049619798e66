"""A ScalingPolicy's decision: several metrics, the guard, what stands in for a dead metric, bounds, and by which reason."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multicloud.decide.scale.policy import decide_policy
from multicloud.model.policy import (
    Algorithm,
    Behavior,
    Fallback,
    FallbackBehavior,
    Measured,
    MetricSpec,
    Needed,
    PolicyDecision,
    PolicyHistory,
    PolicySpec,
    PoolStanding,
    RatePolicy,
    RateType,
    Reading,
    ScalingRules,
    ScheduledBounds,
    SelectPolicy,
    Used,
)
from multicloud.model.reason import Code, Reason
from multicloud.model.schedule import Schedule
from support.builders import NOW, seconds
from support.scaling import DOWN, average, pending, policy, ratio, read, share, standing

FREE = Behavior(
    up=ScalingRules(window_s=0, policies=(RatePolicy(type=RateType.PERCENT, value=100_000, period_s=15),)),
    down=ScalingRules(window_s=0, policies=(RatePolicy(type=RateType.PERCENT, value=100, period_s=15),)),
)
"""Neither windows nor rates."""


FIRST = PolicyHistory()
"""That of the very first decision."""


def decide(
    spec: PolicySpec,
    readings: list[Reading],
    here: PoolStanding,
    history: PolicyHistory = FIRST,
    now: datetime = NOW,
) -> PolicyDecision:
    return decide_policy(spec, readings, here, history, now)


# Several metrics


@pytest.mark.parametrize(
    ("readings", "desired", "metric", "code"),
    [
        pytest.param([read("a", 12), read("b", 15)], 15, "b", Code.ABOVE_TARGET, id="the largest wins"),
        pytest.param([read("a", 15), read("b", 15)], 15, "a", Code.ABOVE_TARGET, id="the first of equal ones"),
        pytest.param([read("a", 2), read("b", 8)], 8, "b", Code.BELOW_TARGET, id="the largest wins downwards, too"),
        pytest.param([read("a", 2), read("b", 10.5)], 10, "b", Code.WITHIN_TOLERANCE, id="one is near enough"),
        pytest.param([read("a", DOWN), read("b", 15)], 15, "b", Code.ABOVE_TARGET, id="one failed, the other grows"),
        pytest.param([read("a", DOWN), read("b", 8)], 10, None, Code.HELD_FOR_METRIC, id="one failed: nothing shrinks"),
        pytest.param(
            [read("a", DOWN), read("b", 10)], 10, "b", Code.WITHIN_TOLERANCE, id="one failed, the other stays"
        ),
        pytest.param([read("a", DOWN), read("b", DOWN)], 10, None, Code.HELD_FOR_METRIC, id="both failed"),
        pytest.param([read("b", 8)], 10, None, Code.HELD_FOR_METRIC, id="one was not read at all"),
        pytest.param([], 10, None, Code.HELD_FOR_METRIC, id="none was read"),
        pytest.param(
            [read("a", Used(used=1, total=2, units=1)), read("b", 8)], 10, None, Code.HELD_FOR_METRIC, id="odd"
        ),
    ],
)
def test_several_metrics(readings: list[Reading], desired: int, metric: str | None, code: Code) -> None:
    found = decide(policy(average("a"), average("b"), behavior=FREE), readings, standing(10))
    assert (found.desired, found.decided_by, found.reason.code) == (desired, metric, code)
    assert (found.scaling.code is Code.VALID_METRIC_FOUND) is (code is not Code.HELD_FOR_METRIC)


def test_what_failed_says_why() -> None:
    found = decide(policy(average("a"), share("cpu")), [read("a", DOWN)], standing(10))
    assert [(one.units, one.reason.code) for one in found.proposals] == [
        (None, Code.UNAVAILABLE),
        (None, Code.NO_READING),
    ]


@pytest.mark.parametrize("used", [Used(used=5, total=0, units=4), Used(used=5, total=10, units=0)])
def test_a_share_of_nothing_is_no_reading(used: Used) -> None:
    found = decide(policy(share()), [read("cpu", used)], standing(10))
    assert (found.desired, found.proposals[0].reason.code) == (10, Code.NO_READING)


def test_pods_that_wait_propose_units_themselves() -> None:
    spec = policy(average("a"), pending(), behavior=FREE)
    assert decide(spec, [read("a", 4), read("pending", Needed(units=13))], standing(10)).desired == 13
    assert decide(spec, [read("a", 4), read("pending", Needed(units=6))], standing(10)).desired == 6


# The guard


@pytest.mark.parametrize(
    ("metric", "found", "here", "desired", "raw", "code"),
    [
        pytest.param(
            ratio(), 0.5, standing(10, 6), 10, 3, Code.HELD_NOT_READY, id="a ratio below target while nodes boot"
        ),
        pytest.param(ratio(), 1.5, standing(10, 6), 10, 9, Code.HELD_NOT_READY, id="above target, but times few"),
        pytest.param(ratio(), 2, standing(10, 6), 12, 12, Code.ABOVE_TARGET, id="above target, times few, still more"),
        pytest.param(ratio(), 0.5, standing(10, 10), 5, 5, Code.BELOW_TARGET, id="all are ready: it counts"),
        pytest.param(ratio(), 0.5, standing(10, 14), 7, 7, Code.BELOW_TARGET, id="more are ready: it counts"),
        pytest.param(average("busy"), 5, standing(10, 6), 5, 5, Code.BELOW_TARGET, id="an average does not care"),
        pytest.param(
            share("busy"),
            Used(used=30, total=100, units=6),
            standing(10, 6),
            10,
            3,
            Code.HELD_NOT_READY,
            id="a share of what is ready",
        ),
        pytest.param(
            average("busy"), 5, standing(10, 10, known=False), 10, 5, Code.HELD_READY_UNKNOWN, id="unknown: no shrink"
        ),
        pytest.param(
            ratio(),
            1.5,
            standing(10, 8, known=False),
            12,
            12,
            Code.ABOVE_TARGET,
            id="unknown: grows by the last proved",
        ),
    ],
)
def test_the_guard(
    metric: MetricSpec,
    found: float | Measured | Used,
    here: PoolStanding,
    desired: int,
    raw: int,
    code: Code,
) -> None:
    made = decide(policy(metric, behavior=FREE), [read("busy", found)], here)
    assert (made.desired, made.proposals[0].raw, made.reason.code) == (desired, raw, code)


def test_ready_that_was_never_proved_is_taken_for_what_is_desired() -> None:
    never = PoolStanding(current=10, ready=None, ready_known=False, low=1, high=1000)
    assert decide(policy(ratio(), behavior=FREE), [read("busy", 1.5)], never).desired == 15
    assert decide(policy(ratio(), behavior=FREE), [read("busy", 0.5)], never).desired == 10


def test_nothing_with_a_minimum_goes_to_the_minimum() -> None:
    found = decide(policy(average(), min_replicas=3), [read("rps", DOWN)], standing(0))
    assert (found.desired, found.reason.code) == (3, Code.TOO_FEW_REPLICAS)


# Bounds come before metrics


@pytest.mark.parametrize(
    ("current", "found", "desired", "code"),
    [
        pytest.param(60, 10.0, 50, Code.TOO_MANY_REPLICAS, id="above the maximum, whatever is wanted"),
        pytest.param(60, DOWN, 50, Code.TOO_MANY_REPLICAS, id="above the maximum, metrics dead"),
        pytest.param(2, 40.0, 5, Code.TOO_FEW_REPLICAS, id="below the minimum, whatever is wanted"),
        pytest.param(2, DOWN, 5, Code.TOO_FEW_REPLICAS, id="below the minimum, metrics dead"),
    ],
)
def test_a_number_outside_the_bounds_goes_there(current: int, found: float, desired: int, code: Code) -> None:
    made = decide(policy(average(), min_replicas=5, max_replicas=50), [read("rps", found)], standing(current))
    assert (made.desired, made.reason.code, made.limited.code, made.decided_by) == (desired, code, code, None)


def scheduled(low: int) -> ScheduledBounds:
    when = Schedule(cron="0 0 * * *", zone=ZoneInfo("UTC"), duration_s=86_400)
    return ScheduledBounds(name="all-day", when=when, min_replicas=low)


def test_a_schedule_raises_the_number_at_once_and_metrics_may_ask_for_more() -> None:
    spec = policy(average(), schedules=(scheduled(40),), behavior=FREE)
    first = decide(spec, [read("rps", 10)], standing(10))
    assert (first.desired, first.reason.code, first.bounds.active) == (40, Code.TOO_FEW_REPLICAS, ("all-day",))
    second = decide(spec, [read("rps", 60)], standing(40), first.history, NOW + seconds(30))
    assert second.desired == 60


def test_a_policy_of_schedules_alone_keeps_the_lowest_number_in_force() -> None:
    spec = policy(schedules=(scheduled(40),), min_replicas=5)
    high = decide(spec, [], standing(100), PolicyHistory(desired=100))
    assert (high.desired, high.reason.code, high.decided_by) == (40, Code.SCHEDULED, None)


# Reasons


def hpa(up_s: int = 0, down_s: int = 300, per_minute: int = 4) -> Behavior:
    rates = (RatePolicy(type=RateType.REPLICAS, value=per_minute, period_s=60),)
    return Behavior(up=ScalingRules(window_s=up_s, policies=rates), down=ScalingRules(window_s=down_s, policies=rates))


@pytest.mark.parametrize(
    ("spec", "found", "desired", "reason", "limited", "window"),
    [
        pytest.param(
            policy(average(), behavior=FREE),
            20,
            20,
            Code.ABOVE_TARGET,
            Code.DESIRED_WITHIN_RANGE,
            Code.READY_FOR_NEW_SCALE,
            id="free",
        ),
        pytest.param(
            policy(average()), 50, 20, Code.SCALE_UP_LIMIT, Code.SCALE_UP_LIMIT, Code.READY_FOR_NEW_SCALE, id="doubled"
        ),
        pytest.param(
            policy(average()),
            5,
            10,
            Code.SCALE_DOWN_STABILIZED,
            Code.DESIRED_WITHIN_RANGE,
            Code.SCALE_DOWN_STABILIZED,
            id="the first decision seeds the window",
        ),
        pytest.param(
            policy(average(), behavior=hpa(up_s=60)),
            20,
            10,
            Code.SCALE_UP_STABILIZED,
            Code.DESIRED_WITHIN_RANGE,
            Code.SCALE_UP_STABILIZED,
            id="upwards, too",
        ),
        pytest.param(
            policy(average(), behavior=hpa()),
            20,
            14,
            Code.SCALE_UP_LIMIT,
            Code.SCALE_UP_LIMIT,
            Code.READY_FOR_NEW_SCALE,
            id="four a minute",
        ),
        pytest.param(
            policy(average(), behavior=hpa(down_s=0)),
            1,
            6,
            Code.SCALE_DOWN_LIMIT,
            Code.SCALE_DOWN_LIMIT,
            Code.READY_FOR_NEW_SCALE,
            id="four a minute downwards",
        ),
        pytest.param(
            policy(average(), max_replicas=12, behavior=hpa()),
            20,
            12,
            Code.TOO_MANY_REPLICAS,
            Code.TOO_MANY_REPLICAS,
            Code.READY_FOR_NEW_SCALE,
            id="the maximum before the rate",
        ),
        pytest.param(
            policy(average(), min_replicas=8, behavior=hpa(down_s=0)),
            1,
            8,
            Code.TOO_FEW_REPLICAS,
            Code.TOO_FEW_REPLICAS,
            Code.READY_FOR_NEW_SCALE,
            id="the minimum before the rate",
        ),
        pytest.param(
            policy(average(), algorithm=Algorithm.STEP),
            9,
            15,
            Code.ABOVE_TARGET,
            Code.DESIRED_WITHIN_RANGE,
            Code.READY_FOR_NEW_SCALE,
            id="a step",
        ),
        pytest.param(
            policy(average(), algorithm=Algorithm.STEP, behavior=hpa()),
            1,
            10,
            Code.SCALE_DOWN_STABILIZED,
            Code.DESIRED_WITHIN_RANGE,
            Code.SCALE_DOWN_STABILIZED,
            id="a step with a behavior",
        ),
    ],
)
def test_the_first_limit_that_binds_is_the_reason(
    spec: PolicySpec, found: float, desired: int, reason: Code, limited: Code, window: Code
) -> None:
    made = decide(spec, [read("rps", found)], standing(10))
    assert (made.desired, made.reason.code, made.limited.code, made.stabilized.code) == (
        desired,
        reason,
        limited,
        window,
    )


# Dead metrics


@pytest.mark.parametrize(
    ("fallback", "numbers"),
    [
        pytest.param(Fallback(after_failures=3), [10, 10, 10, 10], id="Hold"),
        pytest.param(
            Fallback(after_failures=3, behavior=FallbackBehavior.STATIC, replicas=4), [10, 10, 4, 4], id="Static, less"
        ),
        pytest.param(
            Fallback(after_failures=2, behavior=FallbackBehavior.STATIC, replicas=30),
            [10, 30, 30, 30],
            id="Static, more",
        ),
        pytest.param(
            Fallback(after_failures=3, behavior=FallbackBehavior.AT_LEAST, replicas=30), [10, 10, 30, 30], id="AtLeast"
        ),
        pytest.param(
            Fallback(after_failures=1, behavior=FallbackBehavior.AT_LEAST, replicas=3),
            [10, 10, 10, 10],
            id="AtLeast, less",
        ),
    ],
)
def test_what_stands_in_for_a_dead_metric(fallback: Fallback, numbers: list[int]) -> None:
    spec, history, current, found = policy(average(), fallback=fallback, behavior=FREE), PolicyHistory(), 10, []
    for count in range(4):
        made = decide(spec, [read("rps", DOWN)], standing(current), history, NOW + seconds(30 * count))
        history, current = made.history, made.desired
        found.append(current)
        told = made.proposals[0]
        assert told.fallback is (told.reason.code is Code.METRIC_FALLBACK)
        assert made.scaling.code is (Code.METRIC_FALLBACK if told.fallback else Code.HELD_FOR_METRIC)
    assert found == numbers
    assert history.failures == (("rps", fallback.after_failures),)


def test_a_fallback_never_overrides_a_good_metric() -> None:
    spec = policy(
        average("a"),
        average("b"),
        fallback=Fallback(after_failures=1, behavior=FallbackBehavior.STATIC, replicas=4),
        behavior=FREE,
    )
    made = decide(spec, [read("a", DOWN), read("b", 20)], standing(10))
    assert (made.desired, made.decided_by, made.scaling.code) == (20, "b", Code.VALID_METRIC_FOUND)


def test_a_good_reading_ends_the_count() -> None:
    spec = policy(average(), fallback=Fallback(after_failures=2, behavior=FallbackBehavior.STATIC, replicas=4))
    history = PolicyHistory()
    readings: list[float | Reason] = [DOWN, 10, DOWN]
    for count, found in enumerate(readings):
        made = decide(spec, [read("rps", found)], standing(10), history, NOW + seconds(30 * count))
        history = made.history
        assert made.desired == 10
    assert history.failures == (("rps", 1),)


def test_a_metric_that_returns_seeds_the_window_with_the_size_held() -> None:
    spec, history = policy(average()), PolicyHistory()
    readings: list[float | Reason] = [*[DOWN] * 30, *[2.0] * 11]
    now = NOW
    for found in readings:
        now += seconds(30)
        made = decide(spec, [read("rps", found)], standing(10), history, now)
        history = made.history
        assert made.desired == 10, now - NOW
    after = decide(spec, [read("rps", 2)], standing(10), history, now + seconds(30))
    assert after.desired == 2


def test_a_metric_that_returns_does_not_wait_to_grow() -> None:
    spec = policy(average(), behavior=hpa(up_s=60, per_minute=100))
    history = PolicyHistory(failures=(("rps", 2),), desired=10)
    assert decide(spec, [read("rps", 30)], standing(10), history).desired == 30


# Changes that the pool did not follow


def test_a_change_that_the_pool_did_not_follow_does_not_use_up_the_rate() -> None:
    spec = policy(average(), behavior=hpa())
    first = decide(spec, [read("rps", 30)], standing(10))
    assert first.desired == 14
    followed = decide(spec, [read("rps", 30)], standing(14), first.history, NOW + seconds(30))
    ignored = decide(spec, [read("rps", 30)], standing(10), first.history, NOW + seconds(30))
    assert (followed.desired, ignored.desired) == (14, 14)
    assert sum(span.added for span in ignored.history.spans) == 4


# For all inputs

numbers = st.integers(0, 300)
values = st.one_of(st.floats(0, 500, allow_nan=False), st.just(DOWN))
rates = st.builds(
    RatePolicy, type=st.sampled_from(RateType), value=st.integers(1, 120), period_s=st.sampled_from([15, 60, 300])
)
rules = st.builds(
    ScalingRules,
    window_s=st.sampled_from([0, 60, 300]),
    policies=st.lists(rates, min_size=1, max_size=3).map(tuple),
    select=st.sampled_from(SelectPolicy),
    tolerance_milli=st.sampled_from([0, 100, 300]),
)
behaviors = st.none() | st.builds(Behavior, up=rules, down=rules)
fallbacks = st.just(Fallback()) | st.builds(
    Fallback, after_failures=st.integers(1, 3), behavior=st.just(FallbackBehavior.AT_LEAST), replicas=numbers
)


@st.composite
def policies(draw: st.DrawFn) -> PolicySpec:
    low = draw(st.none() | numbers)
    return policy(
        average("a"),
        ratio("b"),
        min_replicas=low,
        max_replicas=None if draw(st.booleans()) else (low or 0) + draw(numbers),
        algorithm=draw(st.sampled_from(Algorithm)),
        behavior=draw(behaviors),
        fallback=draw(fallbacks),
    )


Moment = tuple[float | Reason, float | Reason, int]


def run(spec: PolicySpec, story: list[Moment], start: int) -> list[tuple[PoolStanding, PolicyDecision]]:
    """Decision after decision, half a minute each; the third number of a moment is how many are not ready."""
    history, current, now, found = PolicyHistory(), start, NOW, []
    for a, b, missing in story:
        here = standing(current, max(0, current - missing), low=2, high=400)
        made = decide(spec, [read("a", a), read("b", b)], here, history, now)
        found.append((here, made))
        history, current, now = made.history, made.desired, now + seconds(30)
    return found


stories = st.lists(st.tuples(values, values, st.sampled_from([0, 0, 5, 1000])), min_size=1, max_size=25)


@given(spec=policies(), story=stories, start=st.integers(2, 400))
def test_bounds_are_never_left_and_equal_inputs_give_equal_outputs(
    spec: PolicySpec, story: list[Moment], start: int
) -> None:
    found = run(spec, story, start)
    for _, made in found:
        assert 2 <= made.bounds.low <= made.desired <= made.bounds.high <= 400
    assert run(spec, story, start) == found


@given(spec=policies(), story=stories, start=st.integers(2, 400))
def test_a_failed_metric_never_shrinks_anything(spec: PolicySpec, story: list[Moment], start: int) -> None:
    for here, made in run(spec, story, start):
        if any(one.units is None for one in made.proposals):
            assert made.desired >= min(here.current, made.bounds.high)


@given(spec=policies(), story=stories, start=st.integers(2, 400))
def test_nothing_shrinks_while_readiness_is_unknown(spec: PolicySpec, story: list[Moment], start: int) -> None:
    for here, made in run(spec, story, start):
        blind = PoolStanding(current=here.current, ready=here.ready, ready_known=False, low=2, high=400)
        readings = [read("a", 1), read("b", 0.1)]
        again = decide(spec, readings, blind, made.history, NOW + timedelta(hours=2))
        assert again.desired >= min(here.current, again.bounds.high)


@given(
    rate=st.builds(RatePolicy, type=st.just(RateType.REPLICAS), value=st.integers(1, 40), period_s=st.integers(1, 300)),
    loads=st.lists(st.floats(0, 400, allow_nan=False), min_size=2, max_size=40),
    start=st.integers(2, 400),
    every_s=st.sampled_from([7, 15, 30]),
)
def test_no_period_ends_further_from_where_it_began_than_its_rate_allows(
    rate: RatePolicy, loads: list[float], start: int, every_s: int
) -> None:
    one = ScalingRules(window_s=0, policies=(rate,))
    spec = policy(average(), behavior=Behavior(up=one, down=one))
    history, current, now = PolicyHistory(), start, NOW
    sizes = [(NOW - seconds(1), start)]
    for load in loads:
        made = decide(spec, [read("rps", load)], standing(current, low=2, high=400), history, now)
        history, current = made.history, made.desired
        sizes.append((now, current))
        now += seconds(every_s)
    for place, (moment, after) in enumerate(sizes[1:], start=1):
        began = next(
            units for at, units in reversed(sizes[:place]) if at <= moment - seconds(rate.period_s) or at < NOW
        )
        before = sizes[place - 1][1]
        if after > before:
            assert after <= began + rate.value
        elif after < before:
            assert after >= began - rate.value
