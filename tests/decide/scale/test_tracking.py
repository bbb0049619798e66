"""TargetTracking against the HorizontalPodAutoscaler: what one metric proposes.

The tables of Kubernetes' own test, pkg/controller/podautoscaler/replica_calculator_test.go, with the names it has there: a
pod that requests one CPU is a unit that offers 1000. Then what that test leaves out, and where doubles round up and we do not.
"""

import pytest

from multicloud.decide.scale.tracking import Tolerance, tracked
from multicloud.model.policy import Measured, PoolStanding, Target, TargetType, Used

TENTH = Tolerance(up_milli=100, down_milli=100)


def standing(current: int, ready: int | None = None) -> PoolStanding:
    return PoolStanding(
        current=current, ready=current if ready is None else ready, ready_known=True, low=0, high=1_000_000
    )


def by_use(current: int, used: Used, percent: int, tolerance: Tolerance = TENTH) -> int:
    target = Target(type=TargetType.UTILIZATION, milli=percent * 1000)
    return tracked(used, target, standing(current), tolerance)


def of(used: int, units: int, *, missing: int = 0, unready: int = 0) -> Used:
    """Units that offer 1000 each."""
    return Used(
        used=used,
        total=1000 * units,
        units=units,
        missing_total=1000 * missing,
        missing_units=missing,
        unready_total=1000 * unready,
        unready_units=unready,
    )


@pytest.mark.parametrize(
    ("current", "used", "percent", "expected"),
    [
        pytest.param(3, of(1500, 3), 30, 5, id="ScaleUp"),
        pytest.param(3, of(1200, 2, unready=1), 30, 4, id="ScaleUpUnreadyLessScale"),
        pytest.param(3, of(400, 1, unready=2), 30, 3, id="ScaleUpUnreadyNoScale"),
        pytest.param(2, of(1200, 2), 30, 4, id="ScaleUpIgnoresFailedPods"),
        pytest.param(5, of(1400, 5), 50, 3, id="ScaleDown"),
        pytest.param(5, of(900, 3, unready=2), 50, 2, id="ScaleDownIncludeUnreadyPods"),
        pytest.param(5, of(100, 1, unready=4), 50, 1, id="ScaleDownExcludeUnscheduledPods"),
        pytest.param(3, of(3060, 3), 100, 3, id="Tolerance"),
        pytest.param(4, of(23500, 4), 100, 24, id="SuperfluousMetrics"),
        pytest.param(4, of(495, 2, missing=2), 100, 3, id="MissingMetrics"),
        pytest.param(2, of(1000, 1, missing=1), 100, 2, id="MissingMetricsNoChangeEq"),
        pytest.param(2, of(1900, 1, missing=1), 100, 2, id="MissingMetricsNoChangeGt"),
        pytest.param(2, of(600, 1, missing=1), 100, 2, id="MissingMetricsNoChangeLt"),
        pytest.param(3, of(450, 1, missing=1, unready=1), 50, 3, id="MissingMetricsUnreadyChange"),
        pytest.param(3, of(2000, 1, missing=1, unready=1), 50, 4, id="MissingMetricsUnreadyScaleUp"),
        pytest.param(4, of(200, 2, missing=1, unready=1), 50, 3, id="MissingMetricsUnreadyScaleDown"),
        pytest.param(2, of(200, 2, missing=1), 50, 2, id="DuringRollingUpdateWithMaxSurge"),
        pytest.param(
            4,
            Used(
                used=200, total=3000, units=2, missing_total=2000, missing_units=1, unready_total=1000, unready_units=1
            ),
            300,
            2,
            id="MissingMetricsScaleDownTargetOver100",
        ),
        pytest.param(5, of(1400, 5), 50, 3, id="ScaleDownIgnoresFailedPods"),
        pytest.param(2, of(1200, 2), 30, 4, id="ScaleUpIgnoresDeletionPods"),
        pytest.param(10, Used(used=1500, total=3000, units=10), 56, 9, id="ComputedToleranceAlgImplementation, beyond"),
        pytest.param(
            10, Used(used=1500, total=3000, units=10), 55, 10, id="ComputedToleranceAlgImplementation, within"
        ),
    ],
)
def test_utilization_as_kubernetes_tests_it(current: int, used: Used, percent: int, expected: int) -> None:
    assert by_use(current, used, percent) == expected


@pytest.mark.parametrize(
    ("used", "down", "up", "expected"),
    [
        pytest.param(3060, 100, 100, 3, id="within default tolerance"),
        pytest.param(3030, 0, 0, 4, id="outside 0% tolerance"),
        pytest.param(5700, 100, 2000, 3, id="within 200% scale-up tolerance"),
        pytest.param(3270, 2000, 80, 4, id="outside 8% scale-up tolerance (superfluous scale-down tolerance)"),
        pytest.param(1950, 360, 100, 3, id="within 36% scale-down tolerance"),
        pytest.param(1950, 340, 100, 2, id="outside 34% scale-down tolerance"),
    ],
)
def test_the_tolerance_of_utilization_as_kubernetes_tests_it(used: int, down: int, up: int, expected: int) -> None:
    assert by_use(3, of(used, 3), 100, Tolerance(up_milli=up, down_milli=down)) == expected


@pytest.mark.parametrize(
    ("kind", "current", "milli", "target", "expected"),
    [
        pytest.param(TargetType.VALUE, 3, 20666, 20000, 4, id="ToleranceCMObject"),
        pytest.param(TargetType.VALUE, 3, 8900, 8800, 4, id="ToleranceCMExternal"),
        pytest.param(TargetType.AVERAGE_VALUE, 4, 20208, 5000, 5, id="TolerancePerPodCMObject"),
        pytest.param(TargetType.AVERAGE_VALUE, 3, 8600, 2800, 4, id="TolerancePerPodCMExternal"),
    ],
)
def test_values_outside_a_tolerance_of_one_percent_as_kubernetes_tests_them(
    kind: TargetType, current: int, milli: int, target: int, expected: int
) -> None:
    one_percent = Tolerance(up_milli=10, down_milli=100)
    found = tracked(Measured(milli=milli), Target(type=kind, milli=target), standing(current), one_percent)
    assert found == expected
    assert tracked(Measured(milli=milli), Target(type=kind, milli=target), standing(current), TENTH) == current


@pytest.mark.parametrize(
    ("kind", "current", "ready", "milli", "target", "expected"),
    [
        pytest.param(TargetType.VALUE, 3, 3, 20000, 15000, 4, id="ScaleUpCMObject"),
        pytest.param(TargetType.VALUE, 3, 1, 50000, 10000, 5, id="ScaleUpCMObjectIgnoresUnreadyPods"),
        pytest.param(TargetType.VALUE, 1, 1, 8600, 4400, 2, id="ScaleUpCMExternal"),
        pytest.param(TargetType.VALUE, 3, 1, 8600, 4400, 2, id="ScaleUpCMExternalIgnoresUnreadyPods"),
        pytest.param(TargetType.VALUE, 5, 5, 12000, 20000, 3, id="ScaleDownCMObject"),
        pytest.param(TargetType.VALUE, 5, 5, 8600, 14334, 3, id="ScaleDownCMExternal"),
        pytest.param(TargetType.VALUE, 3, 3, 20666, 20000, 3, id="ToleranceCMObject"),
        pytest.param(TargetType.VALUE, 3, 3, 8600, 8888, 3, id="ToleranceCMExternal"),
        pytest.param(TargetType.AVERAGE_VALUE, 3, 3, 20000, 5000, 4, id="ScaleUpCMPerPodObject"),
        pytest.param(TargetType.AVERAGE_VALUE, 3, 3, 8600, 2150, 4, id="ScaleUpPerPodCMExternal"),
        pytest.param(TargetType.AVERAGE_VALUE, 5, 5, 6000, 2000, 3, id="ScaleDownPerPodCMObject"),
        pytest.param(TargetType.AVERAGE_VALUE, 5, 5, 8600, 2867, 3, id="ScaleDownPerPodCMExternal"),
        pytest.param(TargetType.AVERAGE_VALUE, 4, 4, 20166, 5000, 4, id="TolerancePerPodCMObject"),
        pytest.param(TargetType.AVERAGE_VALUE, 3, 3, 8600, 2900, 3, id="TolerancePerPodCMExternal"),
        pytest.param(TargetType.AVERAGE_VALUE, 0, 0, 20000, 5000, 4, id="statusReplicas zero does not overflow usage"),
        pytest.param(TargetType.AVERAGE_VALUE, 0, 0, 0, 5000, 0, id="statusReplicas zero and metric zero"),
        pytest.param(
            TargetType.AVERAGE_VALUE, 1, 1, 2**63 - 1, 2**63 - 1, 1, id="a huge target leaves replicas unchanged"
        ),
        pytest.param(TargetType.VALUE, 3, 3, 2**63 - 1, 2**63 - 1, 3, id="usage overflow caps, a huge target"),
        # There such a number ends at the largest of its type; here it is as large as it is, and the bounds are the end.
        pytest.param(
            TargetType.VALUE, 3, 3, 2**63 - 1, 1, 3 * (2**63 - 1), id="a very large metric, a target of nearly 0"
        ),
        pytest.param(TargetType.AVERAGE_VALUE, 1, 1, 2**63 - 1, 1, 2**63 - 1, id="a very large average"),
        # By the rules, without a test of its own there: nothing runs.
        pytest.param(TargetType.VALUE, 0, 0, 2600, 1000, 3, id="from nothing by the ratio alone"),
        pytest.param(TargetType.VALUE, 0, 0, 1050, 1000, 2, id="from nothing without a tolerance"),
        pytest.param(TargetType.VALUE, 0, 0, 0, 1000, 0, id="nothing of nothing"),
        pytest.param(TargetType.VALUE, 4, 1, 2000, 1000, 2, id="the multiplier is what is ready"),
        pytest.param(TargetType.AVERAGE_VALUE, 0, 0, 2600, 1000, 3, id="an average over nothing: as many as it takes"),
        pytest.param(TargetType.AVERAGE_VALUE, 0, 0, 0, 1000, 0, id="an average of nothing over nothing"),
        pytest.param(TargetType.AVERAGE_VALUE, 4, 1, 12000, 2000, 6, id="an average does not ask what is ready"),
        pytest.param(TargetType.AVERAGE_VALUE, 4, 4, -5000, 2000, 0, id="less than nothing is nothing"),
    ],
)
def test_values_as_kubernetes_tests_them(
    kind: TargetType, current: int, ready: int, milli: int, target: int, expected: int
) -> None:
    found = tracked(Measured(milli=milli), Target(type=kind, milli=target), standing(current, ready), TENTH)
    assert found == expected


@pytest.mark.parametrize(
    ("value", "up", "down", "expected"),
    [
        pytest.param(1100, 100, 100, 10, id="the upper end belongs to it"),
        pytest.param(1101, 100, 100, 12, id="beyond the upper end"),
        pytest.param(900, 100, 100, 10, id="the lower end belongs to it"),
        pytest.param(899, 100, 100, 9, id="beyond the lower end"),
        pytest.param(1001, 0, 0, 11, id="no tolerance upwards"),
        pytest.param(899, 0, 0, 9, id="no tolerance downwards"),
        pytest.param(1200, 200, 0, 10, id="more tolerance upwards"),
        pytest.param(999, 200, 0, 10, id="none downwards: rounded up to what there is"),
        pytest.param(700, 0, 300, 10, id="more tolerance downwards"),
    ],
)
@pytest.mark.parametrize("kind", [TargetType.VALUE, TargetType.AVERAGE_VALUE])
def test_each_direction_has_its_tolerance(kind: TargetType, value: int, up: int, down: int, expected: int) -> None:
    milli = value if kind is TargetType.VALUE else value * 10
    target = Target(type=kind, milli=1000)
    assert tracked(Measured(milli=milli), target, standing(10), Tolerance(up_milli=up, down_milli=down)) == expected


@pytest.mark.parametrize(
    ("current", "used", "percent", "expected"),
    [
        pytest.param(10, of(7999, 10), 79, 10, id="79.99 % is 79 %"),
        pytest.param(10, of(500, 4, missing=6), 200, 7, id="missing units are as full as the target above 100 %"),
        pytest.param(10, of(5000, 5, missing=5), 80, 10, id="missing units are idle when growing"),
        pytest.param(6, of(1650, 3, missing=3), 50, 6, id="idle ones would turn it round"),
        pytest.param(4, of(4000, 2, unready=2), 50, 8, id="unready units are idle when growing"),
        pytest.param(6, of(300, 3, unready=3), 50, 1, id="unready units are left out when shrinking"),
    ],
)
def test_what_could_not_be_looked_at_is_against_a_change(current: int, used: Used, percent: int, expected: int) -> None:
    assert by_use(current, used, percent) == expected


def test_rounding_up_is_of_what_is_meant() -> None:
    """In doubles 110 × 1.1 is 121.00000000000001, and rounded up 122."""
    target = Target(type=TargetType.VALUE, milli=1000)
    assert tracked(Measured(milli=1100), target, standing(110), Tolerance(up_milli=50, down_milli=50)) == 121
