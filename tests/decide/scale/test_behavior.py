"""Windows and rates against the HorizontalPodAutoscaler.

The tables of Kubernetes' own test, pkg/controller/podautoscaler/horizontal_test.go, with the names it has there
(TestScalingWithRules, TestConvertDesiredReplicasWithRules, TestNormalizeDesiredReplicas, …WithBehavior). Then our own, by
its rules.
"""

from collections.abc import Sequence

import pytest

from multicloud.decide.scale.behavior import limited, limited_by_default, stabilized, stabilized_by_default
from multicloud.model.policy import Behavior, Bounds, RatePolicy, RateType, ScalingRules, SelectPolicy, Span
from multicloud.model.reason import Code
from support.builders import NOW, seconds

HPA = Behavior()


def rules(units: int, units_s: int, percent: int, percent_s: int, window_s: int) -> ScalingRules:
    """As generateScalingRules there."""
    policies = []
    if units:
        policies.append(RatePolicy(type=RateType.REPLICAS, value=units, period_s=units_s))
    if percent:
        policies.append(RatePolicy(type=RateType.PERCENT, value=percent, period_s=percent_s))
    return ScalingRules(window_s=window_s, policies=tuple(policies))


def up(*numbers: int) -> Behavior:
    return Behavior(up=rules(*numbers), down=HPA.down)


def down(*numbers: int) -> Behavior:
    return Behavior(up=HPA.up, down=rules(*numbers))


def events(added: Sequence[int] = (), removed: Sequence[int] = (), within_s: int = 120) -> list[Span]:
    """As generateEventsUniformDistribution there: each in the middle of its share of the time."""
    spans = []
    for changes, sign in ((added, 1), (removed, -1)):
        share = within_s / max(1, len(changes))
        for place, change in enumerate(changes):
            at = NOW - seconds(int(within_s - share * (place + 1) + share / 2))
            grown, gone = (change, 0) if sign > 0 else (0, change)
            spans.append(Span(start=at, end=at, added=grown, removed=gone))
    return spans


MIN_OF_TWO = (
    RatePolicy(type=RateType.REPLICAS, value=2, period_s=60),
    RatePolicy(type=RateType.PERCENT, value=50, period_s=60),
)
SMALLEST = ScalingRules(window_s=300, policies=MIN_OF_TWO, select=SelectPolicy.MIN)
NEVER = ScalingRules(window_s=0, policies=HPA.up.policies, select=SelectPolicy.DISABLED)
EVENTS = events([1, 5, 9])
GONE = events(removed=[1, 5, 9])
RISES = events([8, 12, 9, 11])
FALLS = events(removed=[8, 12, 9, 11])
UP, DOWN = Code.SCALE_UP_LIMIT, Code.SCALE_DOWN_LIMIT
FEW, MANY, FREE = Code.TOO_FEW_REPLICAS, Code.TOO_MANY_REPLICAS, Code.DESIRED_WITHIN_RANGE


@pytest.mark.parametrize(
    ("current", "wanted", "low", "high", "behavior", "spans", "units", "code"),
    [
        pytest.param(5, 7, 3, 8, HPA, [], 7, FREE, id="within range"),
        pytest.param(3, 1, 2, 8, HPA, [], 2, FEW, id="desired < minReplicas"),
        pytest.param(1, 0, 0, 10, HPA, [], 0, FREE, id="within range when minReplicas is 0"),
        pytest.param(20, 1000, 1, 10, HPA, [], 10, MANY, id="maxReplicas < scaleUpLimit"),
        pytest.param(100, 1000, 100, 150, HPA, [], 150, MANY, id="more than the maximum"),
        pytest.param(3, 1000, 1, 2000, up(0, 0, 1, 60, 0), [], 4, UP, id="scaleUpLimit < maxReplicas"),
        pytest.param(1000, 3, 3, 2000, down(20, 60, 0, 0, 0), [], 980, DOWN, id="scaleDownLimit > minReplicas"),
        pytest.param(10, 50, 1, 1000, HPA, [], 20, UP, id="scaleUp with default behavior"),
        pytest.param(10, 500, 1, 1000, up(100, 60, 100, 60, 0), [], 110, UP, id="scaleUp pods larger than percent"),
        pytest.param(10, 500, 1, 1000, up(2, 60, 100, 60, 0), [], 20, UP, id="scaleUp percent larger than pods"),
        pytest.param(10, 50, 1, 1000, up(100, 60, 0, 0, 0), [], 50, FREE, id="scaleUp large pod policy"),
        pytest.param(10, 50, 1, 1000, up(10000, 60, 0, 0, 0), [], 50, FREE, id="scaleUp larger pod policy"),
        pytest.param(10, 50, 1, 1000, up(30, 60, 0, 0, 0), [], 40, UP, id="scaleUp pod policy limitation"),
        pytest.param(10, 50, 1, 1000, up(0, 0, 200, 60, 0), [], 30, UP, id="scaleUp percent policy limitation"),
        pytest.param(100, 2, 1, 1000, down(20, 60, 1, 60, 300), [], 80, DOWN, id="scaleDown pods larger than percent"),
        pytest.param(100, 2, 1, 1000, down(2, 60, 1, 60, 300), [], 98, DOWN, id="scaleDown pods still larger"),
        pytest.param(10, 0, 1, 1000, down(100, 60, 0, 0, 300), [], 1, FEW, id="scaleDown large pod policy"),
        pytest.param(10, 2, 5, 1000, down(0, 0, 100, 60, 300), [], 5, FEW, id="scaleDown large percent policy"),
        pytest.param(10, 2, 1, 1000, down(5, 60, 0, 0, 300), [], 5, DOWN, id="scaleDown pod policy limitation"),
        pytest.param(10, 5, 1, 1000, down(0, 0, 50, 60, 300), [], 5, FREE, id="scaleDown percent policy limitation"),
        pytest.param(100, 500, 1, 200, up(300, 60, 0, 0, 0), EVENTS, 200, MANY, id="scaleUp large pods and events"),
        pytest.param(
            100, 500, 1, 200, up(0, 0, 10000, 60, 0), EVENTS, 200, MANY, id="scaleUp large percent and events"
        ),
        pytest.param(100, 500, 1, 1000, up(5, 120, 0, 0, 0), EVENTS, 100, UP, id="scaleUp with a lot of recent events"),
        pytest.param(100, 500, 1, 1000, up(150, 120, 0, 0, 0), EVENTS, 235, UP, id="scaleUp pods and previous events"),
        pytest.param(100, 500, 1, 1000, up(0, 0, 200, 120, 0), EVENTS, 255, UP, id="scaleUp percent, previous events"),
        pytest.param(6, 24, 1, 1000, up(0, 0, 300, 300, 0), events([4], [2]), 16, UP, id="scaleUp up and down events"),
        pytest.param(10, 5, 1, 1000, HPA, GONE, 5, FREE, id="scaleDown default policy and previous events"),
        pytest.param(100, 0, 1, 1000, down(115, 120, 0, 0, 300), GONE, 1, FEW, id="scaleDown to 1, previous events"),
        pytest.param(100, 0, 5, 1000, down(130, 120, 0, 0, 300), GONE, 5, FEW, id="scaleDown to 5, previous events"),
        pytest.param(100, 2, 5, 1000, down(0, 0, 100, 120, 300), GONE, 5, FEW, id="scaleDown all, previous events"),
        pytest.param(100, 2, 1, 1000, down(5, 120, 0, 0, 300), GONE, 100, DOWN, id="scaleDown pods, previous events"),
        pytest.param(
            100, 0, 1, 1000, down(0, 0, 50, 120, 300), events(removed=[2, 4, 6]), 56, DOWN, id="scaleDown half, events"
        ),
        pytest.param(10, 1, 1, 1000, down(0, 0, 50, 180, 0), events([2], [4]), 6, DOWN, id="scaleDown, both events"),
        pytest.param(
            100, 0, 1, 1000, down(0, 0, 10, 120, 300), events(removed=[10, 10, 10]), 100, DOWN, id="scaleDown prevented"
        ),
        pytest.param(
            10, 5, 1, 1000, down(0, 0, 1000, 120, 300), events(removed=[10, 10, 10]), 5, FREE, id="scaleDown below zero"
        ),
        pytest.param(100, 200, 1, 1000, up(1000, 60, 0, 0, 0), RISES, 200, FREE, id="outdated events, one policy, up"),
        pytest.param(100, 200, 1, 1000, up(1000, 120, 100, 60, 0), RISES, 200, FREE, id="events of two policies, up"),
        pytest.param(
            100, 5, 1, 1000, down(1000, 60, 0, 0, 300), FALLS, 5, FREE, id="outdated events, one policy, down"
        ),
        pytest.param(100, 5, 1, 1000, down(1000, 120, 100, 60, 300), FALLS, 5, FREE, id="events of two policies, down"),
        # TestCalculateScaleUpLimitWithScalingRules, TestCalculateScaleDownLimitWithBehaviors
        pytest.param(1, 9, 1, 9, Behavior(up=SMALLEST, down=HPA.down), [], 2, UP, id="the smallest change upwards"),
        pytest.param(5, 1, 1, 9, Behavior(up=HPA.up, down=SMALLEST), [], 3, DOWN, id="the smallest change downwards"),
        # by the rules
        pytest.param(5, 9, 1, 9, Behavior(up=NEVER, down=HPA.down), [], 5, UP, id="upwards disabled"),
        pytest.param(5, 1, 1, 9, Behavior(up=HPA.up, down=NEVER), [], 5, DOWN, id="downwards disabled"),
        pytest.param(110, 200, 1, 1000, up(0, 0, 10, 60, 0), [], 121, UP, id="110 and 10 percent are 121, not 122"),
        pytest.param(15, 1, 1, 20, down(0, 0, 10, 60, 0), [], 13, DOWN, id="downwards what remains is cut off"),
        pytest.param(
            5, 9, 1, 20, up(1, 60, 0, 0, 0), events([1], within_s=120), 6, UP, id="exactly a period ago: over"
        ),
    ],
)
def test_rates_and_bounds(
    current: int, wanted: int, low: int, high: int, behavior: Behavior, spans: list[Span], units: int, code: Code
) -> None:
    end = limited(wanted, current, spans, behavior, Bounds(low=low, high=high), NOW)
    assert (end.units, end.reason.code) == (units, code)


@pytest.mark.parametrize(
    ("current", "wanted", "low", "high", "units", "code"),
    [
        pytest.param(5, 7, 3, 8, 7, FREE, id="within range"),
        pytest.param(3, 1, 2, 8, 2, FEW, id="desired < minReplicas"),
        pytest.param(1, 0, 0, 10, 0, FREE, id="zeroed within range"),
        pytest.param(20, 1000, 1, 10, 10, MANY, id="maxReplicas < scaleUpLimit"),
        pytest.param(3, 1000, 1, 2000, 6, UP, id="scaleUpLimit < maxReplicas"),
        pytest.param(0, 1000, 0, 2000, 4, UP, id="four at once from nothing"),
        pytest.param(1, 1000, 0, 2000, 4, UP, id="four at once from one"),
    ],
)
def test_limits_without_a_behavior(current: int, wanted: int, low: int, high: int, units: int, code: Code) -> None:
    end = limited_by_default(wanted, current, Bounds(low=low, high=high))
    assert (end.units, end.reason.code) == (units, code)


def recommended(*pairs: tuple[int, float]) -> list[Span]:
    """Numbers, and how many minutes ago."""
    times = [(units, NOW - seconds(60 * minutes)) for units, minutes in pairs]
    return [Span(start=at, end=at, low=units, high=units) for units, at in times]


@pytest.mark.parametrize(
    ("spans", "wanted", "expected"),
    [
        pytest.param([], 5, 5, id="empty log"),
        pytest.param(recommended((4, 2), (5, 1)), 3, 5, id="stabilize"),
        pytest.param(recommended((1, 2), (2, 1)), 3, 3, id="no stabilize"),
        pytest.param(recommended((10, 10), (9, 9)), 3, 3, id="no stabilize - old recommendations"),
        pytest.param(recommended((10, 10), (4, 1), (5, 2), (9, 9)), 3, 5, id="stabilize - old recommendations"),
        pytest.param(recommended((7, 5)), 3, 7, id="exactly a window ago still counts without a behavior"),
    ],
)
def test_the_window_without_a_behavior(spans: list[Span], wanted: int, expected: int) -> None:
    assert stabilized_by_default(wanted, spans, NOW) == expected


@pytest.mark.parametrize(
    ("spans", "current", "wanted", "up_s", "down_s", "expected"),
    [
        pytest.param([], 100, 5, 0, 0, 5, id="empty recommendations for scaling down"),
        pytest.param(recommended((4, 2), (5, 1)), 100, 3, 0, 180, 5, id="simple scale down stabilization"),
        pytest.param(recommended((4, 2), (5, 1)), 1, 7, 300, 0, 4, id="simple scale up stabilization"),
        pytest.param(recommended((1, 2), (2, 1)), 100, 3, 300, 0, 3, id="no scale down stabilization"),
        pytest.param(recommended((4, 2), (5, 1)), 1, 3, 0, 300, 3, id="no scale up stabilization"),
        pytest.param(recommended((10, 10), (9, 9)), 100, 3, 0, 0, 3, id="no scale down stabilization, old ones"),
        pytest.param(recommended((10, 10), (9, 9)), 1, 100, 0, 0, 100, id="no scale up stabilization, old ones"),
        pytest.param(recommended((10, 10), (4, 1), (5, 2), (9, 9)), 100, 3, 0, 180, 5, id="scale down, some obsolete"),
        pytest.param(recommended((10, 100), (6, 1), (5, 2), (9, 3)), 1, 100, 300, 0, 5, id="scale up, one obsolete"),
        pytest.param(
            recommended((2, 100), (3, 3)), 2, 1, 300, 300, 2, id="no scale up when the recommendation goes down"
        ),
        pytest.param(
            recommended((2, 100), (1, 3)), 2, 3, 300, 300, 2, id="no scale down when the recommendation goes up"
        ),
        # by the rules
        pytest.param(recommended((9, 5)), 9, 3, 0, 300, 3, id="exactly a window ago is over, downwards"),
        pytest.param(recommended((1, 5)), 1, 7, 300, 0, 7, id="exactly a window ago is over, upwards"),
        pytest.param(recommended((4, 1), (12, 2)), 10, 8, 300, 300, 10, id="both windows hold what moved inside"),
        # coarse spans of a process before: what keeps the number up counts while any part of it may
        pytest.param(
            [Span(start=NOW - seconds(400), end=NOW - seconds(200), low=1, high=9)],
            9,
            3,
            300,
            300,
            9,
            id="coarse, down",
        ),
        pytest.param(
            [Span(start=NOW - seconds(400), end=NOW - seconds(200), low=1, high=1)], 1, 7, 300, 0, 7, id="coarse, up"
        ),
        pytest.param([Span(start=NOW, end=NOW, high=9)], 9, 3, 300, 300, 9, id="a seed keeps from falling"),
        pytest.param([Span(start=NOW, end=NOW, high=9)], 9, 12, 300, 300, 12, id="a seed does not keep from rising"),
    ],
)
def test_both_windows(spans: list[Span], current: int, wanted: int, up_s: int, down_s: int, expected: int) -> None:
    behavior = Behavior(
        up=ScalingRules(window_s=up_s, policies=HPA.up.policies),
        down=ScalingRules(window_s=down_s, policies=HPA.down.policies),
    )
    assert stabilized(wanted, current, spans, behavior, NOW) == expected


def test_rates_of_a_coarse_span_are_read_so_that_the_number_is_never_lower() -> None:
    coarse = [Span(start=NOW - seconds(90), end=NOW - seconds(30), added=10, removed=10)]
    limits = Bounds(low=1, high=1000)
    assert limited(500, 100, coarse, up(5, 60, 0, 0, 0), limits, NOW).units == 115
    assert limited(5, 100, coarse, down(5, 60, 0, 0, 0), limits, NOW).units == 100
    assert limited(500, 100, coarse, up(5, 120, 0, 0, 0), limits, NOW).units == 105
