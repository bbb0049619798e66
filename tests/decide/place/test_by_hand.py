"""The example of docs/allocation.md, as it stands there."""

from decimal import Decimal
from typing import Any

import pytest

from multicloud.decide import decide
from multicloud.model.plan import Plan
from multicloud.model.reason import Code
from multicloud.model.ref import Cloud
from multicloud.model.size import CapacityType
from multicloud.model.spec import Loss, Strategy, Survive
from support.builders import priced, snapshot, targets

TEN: dict[str, Any] = {"replicas": 10, "max_replicas": 20, "strategy": Strategy.COST}


def _placed(**rules: Any) -> Plan:
    cheap = priced("cheap", 0, "0.10", cloud=Cloud.AWS, max_nodes=10)
    dear = priced("dear", 0, "0.30", cloud=Cloud.AZURE, max_nodes=10)
    return decide(snapshot(cheap, dear, **TEN | rules))


def _survive(percent: int) -> tuple[Survive, ...]:
    return (Survive(loss=Loss.CLOUD, keep_percent=percent),)


@pytest.mark.parametrize(
    ("rules", "cheap", "dear", "cost", "limited_by", "relaxed"),
    [
        pytest.param({}, 10, 0, "1.00", None, {}, id="cost alone"),
        pytest.param({"survive": _survive(40)}, 6, 4, "1.80", None, {}, id="40 % survive"),
        pytest.param({"survive": _survive(100)}, 10, 10, "4.00", Code.SURVIVE, {}, id="all survive"),
        pytest.param(
            {"survive": _survive(100), "max_replicas": 12},
            6,
            6,
            "2.40",
            Code.SURVIVE_UNREACHABLE,
            {"allocation.survive[Cloud]": 4},
            id="all survive within maxReplicas",
        ),
        pytest.param(
            {"survive": _survive(40), "max_hourly_cost": Decimal("1.50")},
            8,
            2,
            "1.40",
            Code.COST_CEILING,
            {"allocation.survive[Cloud]": 2},
            id="a ceiling above surviving",
        ),
        pytest.param(
            {"survive": _survive(40), "max_hourly_cost": Decimal("0.80")},
            8,
            0,
            "0.80",
            Code.COST_CEILING,
            {"desiredReplicas": 2, "allocation.survive[Cloud]": 4},
            id="a ceiling above growth",
        ),
    ],
)
def test_the_example(
    rules: dict[str, Any], cheap: int, dear: int, cost: str, limited_by: Code | None, relaxed: dict[str, int]
) -> None:
    plan = _placed(**rules)
    assert targets(plan) == {"cheap": cheap, "dear": dear}
    assert f"{plan.placing.hourly_cost:.2f}" == cost
    assert (plan.limited_by.code if plan.limited_by else None) == limited_by
    assert {one.name: one.by for one in plan.placing.relaxed} == relaxed


@pytest.mark.parametrize(
    ("replicas", "sizes", "cost"), [(7, {"firm": 2, "spot": 0}, "0.60"), (8, {"firm": 1, "spot": 1}, "0.40")]
)
def test_more_may_cost_less_where_a_share_meets_whole_nodes(replicas: int, sizes: dict[str, int], cost: str) -> None:
    firm = priced("firm", 0, "0.30", units_per_node=4)
    spot = priced("spot", 0, "0.10", units_per_node=4, capacity_type=CapacityType.SPOT)
    plan = decide(snapshot(firm, spot, **TEN | {"replicas": replicas, "max_spot_percent": 50}))
    assert targets(plan) == sizes
    assert f"{plan.placing.hourly_cost:.2f}" == cost
