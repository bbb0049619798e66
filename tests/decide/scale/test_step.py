"""Step: the numbers that come out, the dead band, and that a steady load is never resized back."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from multicloud.decide.scale.policy import decide_policy
from multicloud.decide.scale.step import stepped
from multicloud.model.policy import (
    Algorithm,
    Measured,
    MetricSpec,
    PolicyHistory,
    PolicySpec,
    PoolStanding,
    PrometheusQuery,
    Reading,
    ResourceName,
    ResourceUse,
    Source,
    StepFactors,
    Target,
    TargetType,
    Used,
)
from support.builders import NOW

UNIT = 1000
"""What one unit carries."""
STEP = StepFactors()
AVERAGE = Target(type=TargetType.AVERAGE_VALUE, milli=UNIT)
VALUE = Target(type=TargetType.VALUE, milli=1000)
SHARE = Target(type=TargetType.UTILIZATION, milli=70_000)
TARGETS = {"average": AVERAGE, "value": VALUE, "share": SHARE}


def standing(current: int, ready: int | None = None, low: int = 0, high: int = 1_000_000) -> PoolStanding:
    return PoolStanding(
        current=current, ready=current if ready is None else ready, ready_known=True, low=low, high=high
    )


def reading(target: Target, load: int, ready: int) -> Measured | Used:
    """What a load, in thousandths of what one unit carries, looks like when so many units are ready."""
    match target.type:
        case TargetType.AVERAGE_VALUE:
            return Measured(milli=load)
        case TargetType.VALUE:
            return Measured(milli=-(-load // max(1, ready)))
        case TargetType.UTILIZATION:
            return Used(used=load, total=UNIT * max(1, ready), units=max(1, ready))


@dataclass
class Run:
    """A pool under one load for ever. Nodes come and go `pace` units a step."""

    target: Target
    step: StepFactors
    low: int
    high: int
    pace: int

    def sizes(self, load: int, start: int) -> list[int]:
        source: Source = ResourceUse(name=ResourceName.CPU)
        if self.target.type is not TargetType.UTILIZATION:
            source = PrometheusQuery(source="main", query="load")
        metric = MetricSpec(name="load", source=source, target=self.target)
        spec = PolicySpec(pool="web", algorithm=Algorithm.STEP, metrics=(metric,), step=self.step)
        history, desired, ready, now = PolicyHistory(), start, start, NOW
        found = [desired]
        for _ in range(120):
            change = max(-self.pace, min(self.pace, desired - ready))
            ready += change
            here = standing(desired, ready, self.low, self.high)
            decision = decide_policy(
                spec, [Reading(metric="load", found=reading(self.target, load, ready))], here, history, now
            )
            assert self.low <= decision.desired <= self.high
            history, desired, now = decision.history, decision.desired, now + timedelta(seconds=30)
            if desired != found[-1]:
                found.append(desired)
        return found


@pytest.mark.parametrize(
    ("use", "start", "sizes"),
    [
        pytest.param(850, 100, [100, 150], id="0.85 at 100 ends at 150"),
        pytest.param(980, 400, [400, 500], id="0.98 at 400: clamped to 500"),
        pytest.param(250, 60, [60, 50], id="0.25 at 60: clamped to 50"),
        pytest.param(600, 100, [100], id="0.60 at 100 stays"),
        pytest.param(800, 100, [100], id="exactly the upper end stays"),
        pytest.param(801, 100, [100, 150], id="just above it does not"),
        pytest.param(400, 100, [100], id="exactly the lower end stays"),
        pytest.param(399, 100, [100, 50], id="just below it does not"),
        pytest.param(3000, 100, [100, 150, 225, 338, 500], id="far above: step by step, rounded up"),
        pytest.param(200, 400, [400, 200], id="0.2 at 400: half, then inside the band"),
        pytest.param(0, 400, [400, 200, 100, 50], id="no load: half by half to the minimum"),
    ],
)
@pytest.mark.parametrize("pace", [1000, 10], ids=["at once", "nodes boot and go slowly"])
@pytest.mark.parametrize("target", [AVERAGE, VALUE, SHARE], ids=TARGETS)
def test_the_numbers_that_come_out_of_a_steady_load(
    use: int, start: int, sizes: list[int], pace: int, target: Target
) -> None:
    found = Run(target=target, step=STEP, low=50, high=500, pace=pace).sizes(use * start, start)
    assert (found[0], found[-1]) == (sizes[0], sizes[-1])
    if pace == 1000:
        assert found == sizes
    assert found in (sorted(found), sorted(found, reverse=True))


def test_at_the_maximum_with_more_load_nothing_moves() -> None:
    assert Run(target=AVERAGE, step=STEP, low=50, high=500, pace=1000).sizes(980 * 500, 500) == [500]


@pytest.mark.parametrize(
    ("desired", "ready", "load", "expected"),
    [
        pytest.param(150, 100, 85_000, 150, id="booting: what was asked for is enough"),
        pytest.param(150, 100, 130_000, 150, id="booting: more load, less than was asked for"),
        pytest.param(150, 120, 130_000, 180, id="booting: from what is ready"),
        pytest.param(150, 100, 20_000, 150, id="booting: never down"),
        pytest.param(50, 100, 30_000, 50, id="going: those that stay would be full enough"),
        pytest.param(50, 100, 45_000, 75, id="going: those that stay would be too full"),
        pytest.param(50, 100, 15_000, 25, id="going: those that stay would be idle"),
        pytest.param(0, 0, 500, 1, id="from nothing to one"),
        pytest.param(0, 0, 0, 0, id="nothing for nothing"),
        pytest.param(10, 0, 500, 10, id="nothing ready, ten asked for"),
    ],
)
@pytest.mark.parametrize("target", [AVERAGE, VALUE, SHARE], ids=TARGETS)
def test_the_base_is_what_carries_the_load_and_stays(
    desired: int, ready: int, load: int, expected: int, target: Target
) -> None:
    assert stepped(reading(target, load, ready), target, standing(desired, ready), STEP) == expected


def test_rounding_up_never_turns_a_step_round() -> None:
    """3 × 1.5 is 4.5 and becomes 5: more than the factor, so that the load may be below the band afterwards."""
    tight = StepFactors(above_milli=900, below_milli=600, up_milli=1500, down_milli=667)
    assert stepped(Measured(milli=2880), AVERAGE, standing(3), tight) == 5
    assert stepped(Measured(milli=2880), AVERAGE, standing(5), tight) == 5
    assert stepped(Measured(milli=2600), AVERAGE, standing(5), tight) == 4


@st.composite
def factors(draw: st.DrawFn) -> StepFactors:
    above, up = draw(st.integers(1, 1500)), draw(st.integers(1001, 4000))
    down = draw(st.integers(0, 999))
    most = min(down * above // 1000, above * 1000 // up)
    return StepFactors(above_milli=above, below_milli=draw(st.integers(0, most)), up_milli=up, down_milli=down)


@given(
    step=factors(),
    load=st.integers(0, 300_000),
    start=st.integers(0, 200),
    low=st.integers(0, 50),
    span=st.integers(0, 400),
    pace=st.sampled_from([1, 3, 17, 10_000]),
    target=st.sampled_from([AVERAGE, SHARE]),
)
def test_no_steady_load_is_resized_back(
    step: StepFactors, load: int, start: int, low: int, span: int, pace: int, target: Target
) -> None:
    assume(low <= start <= low + span)
    found = Run(target=target, step=step, low=low, high=low + span, pace=pace).sizes(load, start)
    assert found in (sorted(found), sorted(found, reverse=True))
