"""What a policy remembers over a restart: never a lower decision than without it, little, and nothing new at rest."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multicloud.decide.scale.history import MOST_SPANS, begun, remembered, resumed
from multicloud.decide.scale.policy import decide_policy
from multicloud.model.policy import (
    Behavior,
    Fallback,
    FallbackBehavior,
    PolicyHistory,
    PolicySpec,
    RatePolicy,
    RateType,
    ScalingRules,
    Span,
)
from multicloud.model.reason import Reason
from support.builders import NOW, seconds
from support.scaling import DOWN, average, policy, read, standing

SLOW = ScalingRules(window_s=3600, policies=(RatePolicy(type=RateType.REPLICAS, value=20, period_s=1800),))


def grown(
    spec: PolicySpec, loads: list[float | Reason], start: int, every_s: int = 30
) -> tuple[PolicyHistory, int, datetime]:
    """A history, the number, and the moment after it."""
    history, current, now = PolicyHistory(), start, NOW
    for load in loads:
        made = decide_policy(spec, [read("rps", load)], standing(current), history, now)
        history, current, now = made.history, made.desired, now + seconds(every_s)
    return history, current, now


def test_status_keeps_few_spans_of_a_long_history() -> None:
    spec = policy(average(), behavior=Behavior(up=SLOW, down=SLOW))
    loads: list[float | Reason] = [100 + 97 * (count * count % 31) for count in range(300)]
    history, current, now = grown(spec, loads, 100, every_s=15)
    assert len(history.spans) > 200
    kept = remembered(history, spec, standing(current), now)
    assert 5 < len(kept.spans) <= MOST_SPANS
    assert all(span.start.microsecond == span.end.microsecond == 0 for span in kept.spans)


@pytest.mark.parametrize("behavior", [None, Behavior(up=SLOW, down=SLOW)], ids=["by default", "slow"])
def test_at_rest_there_is_nothing_new_to_write(behavior: Behavior | None) -> None:
    spec = policy(average(), behavior=behavior)
    history, current, now = PolicyHistory(), 100, NOW
    written = set()
    for load in [100.0, 99.0, 101.0, 95.0, 105.0] * 60:
        made = decide_policy(spec, [read("rps", load)], standing(current), history, now)
        history, now = made.history, now + seconds(30)
        assert made.desired == 100
        written.add(remembered(history, spec, standing(current), now))
    assert written == {PolicyHistory(desired=100)}


def test_more_than_the_pools_maximum_is_not_written_at_every_peak() -> None:
    spec = policy(average())
    history, current, now = PolicyHistory(), 50, NOW
    written = set()
    for load in range(80, 140):
        made = decide_policy(spec, [read("rps", load)], standing(current, high=50), history, now)
        history, now = made.history, now + seconds(30)
        written.add(remembered(history, spec, standing(current, high=50), now))
    assert written == {PolicyHistory(desired=50)}


def test_a_wish_that_a_limit_holds_back_is_remembered() -> None:
    """500 are wanted and twice as many come at once: after a restart the way there goes on, as it does without one."""
    spec = policy(average())
    made = decide_policy(spec, [read("rps", 500)], standing(100), PolicyHistory(desired=100), NOW)
    kept = remembered(made.history, spec, standing(200), NOW)
    assert [(span.high, span.added) for span in kept.spans] == [(500, 100)]
    later = NOW + seconds(200)
    for history in (made.history, resumed(kept, 200, NOW)):
        assert decide_policy(spec, [read("rps", 10)], standing(200), history, later).desired == 400


def test_a_number_that_the_pool_had_not_heard_of_is_remembered() -> None:
    spec = policy(average())
    made = decide_policy(spec, [read("rps", 190)], standing(100), PolicyHistory(desired=100), NOW)
    kept = remembered(made.history, spec, standing(100), NOW)
    for history in (made.history, resumed(kept, 100, NOW)):
        assert decide_policy(spec, [read("rps", 90)], standing(100), history, NOW + seconds(30)).desired == 190


def test_changes_of_one_bucket_are_added_up() -> None:
    spec = policy(average(), behavior=Behavior(up=SLOW, down=SLOW))
    spans = tuple(
        Span(start=NOW + seconds(count), end=NOW + seconds(count), added=count, removed=2 * count)
        for count in (1, 2, 3)
    )
    kept = remembered(PolicyHistory(spans=spans, desired=10), spec, standing(10), NOW + seconds(5))
    assert kept.spans == (Span(start=NOW + seconds(1), end=NOW + seconds(3), added=6, removed=12),)


def test_the_first_decision_of_all_is_seeded_and_a_resumed_one_only_kept_from_falling() -> None:
    up = ScalingRules(window_s=300, policies=Behavior().up.policies)
    spec = policy(average(), behavior=Behavior(up=up))
    assert decide_policy(spec, [read("rps", 15)], standing(10), PolicyHistory(), NOW).desired == 10
    again = resumed(PolicyHistory(desired=10), 10, NOW)
    assert decide_policy(spec, [read("rps", 15)], standing(10), again, NOW).desired == 15
    assert decide_policy(spec, [read("rps", 5)], standing(10), again, NOW).desired == 10


QUICK = ScalingRules(window_s=300, policies=SLOW.policies)
FELL = Behavior(up=QUICK, down=QUICK)  # 1,800 s back by its rate policy: a bucket is 60 s


def at(start_s: float, end_s: float | None = None, **found: int) -> Span:
    return Span(start=NOW + seconds(start_s), end=NOW + seconds(start_s if end_s is None else end_s), **found)


@pytest.mark.parametrize(
    ("behavior", "spans", "later_s", "kept"),
    [
        pytest.param(None, [at(0.5, high=20)], 5, [at(0, 1, high=20)], id="whole seconds, outwards"),
        pytest.param(None, [at(1, 3, high=20)], 5, [at(1, 3, high=20)], id="whole seconds already"),
        pytest.param(None, [at(1, high=2000)], 5, [at(1, high=1000)], id="no more than the pool may have"),
        pytest.param(None, [at(1, high=11)], 5, [at(1, high=11)], id="one more than the number"),
        pytest.param(None, [at(1, high=10)], 5, [], id="the number itself"),
        pytest.param(None, [at(1, high=10, added=3)], 5, [at(1, added=3)], id="the number itself, and a change"),
        pytest.param(None, [at(1, low=5)], 5, [], id="lows, where no rise is delayed"),
        pytest.param(FELL, [at(1, low=5)], 5, [at(1, low=5)], id="lows, where a rise is delayed"),
        pytest.param(FELL, [at(1, low=10)], 5, [], id="lows that are the number"),
        pytest.param(
            FELL, [at(1, low=7, high=20), at(2, low=5, high=30)], 5, [at(1, 2, low=5, high=30)], id="extremes of two"
        ),
        pytest.param(
            FELL, [at(2, low=5, high=30), at(1, low=7, high=20)], 5, [at(1, 2, low=5, high=30)], id="in any order"
        ),
        pytest.param(FELL, [at(1, low=7), at(2, high=30)], 5, [at(1, 2, low=7, high=30)], id="each of one of two"),
        pytest.param(FELL, [at(1, high=30), at(2, low=7)], 5, [at(1, 2, low=7, high=30)], id="of the other one"),
        pytest.param(FELL, [at(1, added=1), at(2, removed=2)], 5, [at(1, 2, added=1, removed=2)], id="of neither"),
        pytest.param(
            None, [at(9, high=20), at(10, high=30)], 12, [at(9, high=20), at(10, high=30)], id="buckets of 10 s for 300"
        ),
        pytest.param(None, [at(0, high=20), at(9, high=30)], 12, [at(0, 9, high=30)], id="to the end of a bucket"),
        pytest.param(None, [at(0, high=20)], 301, [at(0, high=20)], id="as old as it may be, and the second it lost"),
        pytest.param(None, [at(0, high=20)], 301.1, [], id="older"),
    ],
)
def test_what_status_keeps_of_it(
    behavior: Behavior | None, spans: list[Span], later_s: float, kept: list[Span]
) -> None:
    history = PolicyHistory(spans=tuple(spans), desired=10)
    found = remembered(history, policy(average(), behavior=behavior), standing(10), NOW + seconds(later_s))
    assert found == PolicyHistory(spans=tuple(kept), desired=10)


def test_before_the_first_decision_the_pools_number_is_what_it_tells() -> None:
    history = PolicyHistory(spans=(at(1, high=20), at(11, high=30)))
    assert remembered(history, policy(average()), standing(20), NOW).spans == (at(11, high=30),)


@pytest.mark.parametrize(("current", "desired", "kept"), [(5, None, 5), (5, 8, 8), (8, 5, 8), (0, None, 0)])
def test_a_process_that_starts_goes_on_from_the_larger_number(current: int, desired: int | None, kept: int) -> None:
    spans = (at(-60, high=20),)
    again = resumed(PolicyHistory(spans=spans, desired=desired), current, NOW)
    assert again == PolicyHistory(spans=(*spans, at(0, high=kept)), desired=None)


rules = st.builds(
    ScalingRules,
    window_s=st.sampled_from([0, 60, 300, 900]),
    policies=st.lists(
        st.builds(
            RatePolicy,
            type=st.sampled_from(RateType),
            value=st.integers(1, 100),
            period_s=st.sampled_from([15, 60, 300, 600]),
        ),
        min_size=1,
        max_size=2,
    ).map(tuple),
)
fallbacks = st.sampled_from([Fallback(), Fallback(after_failures=2, behavior=FallbackBehavior.AT_LEAST, replicas=150)])
loads = st.floats(1, 400, allow_nan=False) | st.just(DOWN)


@given(
    behavior=st.none() | st.builds(Behavior, up=rules, down=rules),
    fallback=fallbacks,
    before=st.lists(loads, min_size=1, max_size=50),
    after=st.lists(loads, min_size=1, max_size=12),
    start=st.integers(1, 400),
    every_s=st.sampled_from([15, 30, 75]),
    pause_s=st.sampled_from([0.0, 12.345, 200.0]),
)
def test_after_a_restart_no_decision_is_lower_than_without_it(
    behavior: Behavior | None,
    fallback: Fallback,
    before: list[float | Reason],
    after: list[float | Reason],
    start: int,
    every_s: int,
    pause_s: float,
) -> None:
    """Both are asked about the same pool, which follows the one that was never restarted."""
    spec = policy(average(), behavior=behavior, fallback=fallback)
    whole, current, now = grown(spec, before, start, every_s)
    kept = remembered(whole, spec, standing(current), now - seconds(every_s))
    assert len(kept.spans) <= MOST_SPANS
    now += seconds(pause_s)
    restarted = resumed(kept, current, now)
    for load in after:
        through = decide_policy(spec, [read("rps", load)], standing(current), whole, now)
        again = decide_policy(spec, [read("rps", load)], standing(current), restarted, now)
        assert again.desired >= through.desired
        # What the pool did is what both remember from here on: only one of them decides.
        whole = through.history
        restarted = PolicyHistory(
            spans=(*restarted.spans, *(span for span in through.history.spans if span.end == now)),
            failures=again.history.failures,
            desired=through.desired,
        )
        current, now = through.desired, now + seconds(every_s)


@pytest.mark.parametrize("change", [{"added": 3}, {"removed": 3}], ids=["growth", "shrinking"])
def test_what_was_decided_and_did_not_happen_uses_up_no_rate(change: dict[str, int]) -> None:
    span = Span(start=NOW, end=NOW, low=10, high=10, **change)
    history = PolicyHistory(spans=(span,), desired=13)
    assert begun(history, standing(10), NOW) == (Span(start=NOW, end=NOW, low=10, high=10),)
    assert begun(history, standing(13), NOW) == (span,)


@pytest.mark.parametrize(("window_s", "low"), [(0, None), (1, 5)])
def test_lows_are_remembered_where_a_window_asks_for_them(window_s: int, low: int | None) -> None:
    spec = policy(average(), behavior=Behavior(up=replace(SLOW, window_s=window_s), down=SLOW))
    span = Span(start=NOW, end=NOW, low=5, high=9, added=1)
    kept = remembered(PolicyHistory(spans=(span,), desired=10), spec, standing(10), NOW)
    assert kept.spans == (Span(start=NOW, end=NOW, low=low, added=1),)
