"""Pools at the edge: nothing wished, nobody able, one member, nodes too large, prices that are equal or nothing."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from multicloud.decide import decide
from multicloud.model.plan import Plan
from multicloud.model.reason import Code, Reason
from multicloud.model.record import PoolRecord
from multicloud.model.ref import Cloud
from multicloud.model.spec import Loss, MoveWhenSaving, Price, Strategy, Survive, VoluntaryMoves
from support.builders import NOW, Member, asked, priced, snapshot, targets, unknown

BLOCKED = Reason(code=Code.UNAVAILABLE, text="no answer")


def _half(percent: int = 50) -> tuple[Survive, ...]:
    return (Survive(loss=Loss.CLOUD, keep_percent=percent),)


CASES: list[Any] = [
    pytest.param([priced("a", 0, "1"), priced("b", 0, "2")], {"replicas": 0}, {"a": 0, "b": 0}, None, id="demand 0"),
    pytest.param(
        [priced("a", 5, "1", max_nodes=5), priced("b", 4, "2", max_nodes=4)],
        {"replicas": 20},
        {"a": 5, "b": 4},
        Code.MEMBER_MAXIMA,
        id="all at maximum",
    ),
    pytest.param(
        [unknown("a", 5, BLOCKED), unknown("b", 4, BLOCKED)],
        {"replicas": 20, "strategy": Strategy.WEIGHTED},
        {"a": 5, "b": 4},
        Code.MEMBER_MAXIMA,
        id="all unknown",
    ),
    pytest.param([priced("a", 0, "1")], {"replicas": 7}, {"a": 7}, None, id="a single member"),
    pytest.param(
        [priced("a", 0, "1", units_per_node=64)],
        {"replicas": 10},
        {"a": 1},
        Code.WHOLE_NODES,
        id="64-unit nodes for 10",
    ),
    pytest.param(
        [priced("big", 0, "1", units_per_node=64), priced("small", 0, "0.2")],
        {"replicas": 10},
        {"big": 1, "small": 0},
        Code.WHOLE_NODES,
        id="one large node is cheaper than ten small ones",
    ),
    pytest.param(
        [priced("a", 0, "1"), priced("b", 0, "1")], {"replicas": 4}, {"a": 4, "b": 0}, None, id="equal prices"
    ),
    pytest.param(
        [priced("a", 1, "1"), priced("b", 3, "1")], {"replicas": 4}, {"a": 1, "b": 3}, None, id="equal prices stay"
    ),
    pytest.param(
        [priced("a", 0, "0"), priced("b", 0, "0.0001")],
        {"replicas": 4},
        {"a": 4, "b": 0},
        None,
        id="price 0 buys no more",
    ),
    pytest.param(
        [priced("a", 0, "1", max_nodes=7).seen(step=3), priced("b", 0, "2")],
        {"replicas": 7},
        {"a": 6, "b": 1},
        None,
        id="three zones with maxNodes 7",
    ),
    pytest.param(
        [priced("a", 0, "1", max_nodes=9), priced("b", 0, "2", cloud=Cloud.GCP, max_nodes=3)],
        {"replicas": 10, "survive": _half()},
        {"a": 7, "b": 3},
        Code.SURVIVE_UNREACHABLE,
        id="survive that two clouds cannot reach",
    ),
    pytest.param(
        [priced("a", 0, "1")],
        {"replicas": 10, "survive": _half(100)},
        {"a": 10},
        Code.SURVIVE_UNREACHABLE,
        id="one cloud",
    ),
    pytest.param(
        [priced("a", 8, "1").remembered(adoption_floor=8), priced("b", 8, "1").remembered(adoption_floor=8)],
        {"replicas": 5, "max_replicas": 10},
        {"a": 8, "b": 8},
        Code.ADOPTION_FLOOR,
        id="adoption floors above maxReplicas",
    ),
    pytest.param(
        [priced("a", 9, "1", max_nodes=4), priced("b", 0, "2")],
        {"replicas": 6},
        {"a": 4, "b": 2},
        None,
        id="a maximum lowered below what runs",
    ),
]


@pytest.mark.parametrize(("members", "rules", "sizes", "limited_by"), CASES)
def test_at_the_edge(
    members: list[Member], rules: dict[str, Any], sizes: dict[str, int], limited_by: Code | None
) -> None:
    ways = {"strategy": Strategy.COST, "voluntary_moves": VoluntaryMoves.ALWAYS}
    plan = decide(snapshot(*members, **ways | rules))
    assert targets(plan) == sizes
    if limited_by is not None:
        assert plan.limited_by is not None
        assert plan.limited_by.code is limited_by


def test_what_cannot_survive_is_said_with_what_can() -> None:
    members = [priced("a", 0, "1", max_nodes=9), priced("b", 0, "2", cloud=Cloud.GCP, max_nodes=3)]
    (relaxed,) = decide(snapshot(*members, replicas=10, survive=_half())).placing.relaxed
    assert (relaxed.name, relaxed.by) == ("allocation.survive[Cloud]", 2)
    assert "30 %" in relaxed.would_help


@pytest.mark.parametrize("price", [None, Price(amount=Decimal("0.1"), currency="EUR")], ids=["none", "other currency"])
def test_a_price_that_is_not_known_is_never_free(price: Price | None) -> None:
    stranger, known = priced("a", 2, "1").wanted(price=price), priced("b", 2, "5")
    plan = decide(snapshot(stranger, known, replicas=10, strategy=Strategy.COST, voluntary_moves=VoluntaryMoves.ALWAYS))
    assert targets(plan) == {"a": 0, "b": 10}
    assert plan.placing.hourly_cost_now is None


# Moves for a saving


def _cheaper(price: str, record: PoolRecord, *, age_s: int = 0, percent: int = 10) -> Plan:
    members = priced("dear", 10, "1.00"), priced("new", 0, price)
    return decide(
        snapshot(
            *members,
            replicas=10,
            strategy=Strategy.COST,
            saving=MoveWhenSaving(percent=percent, for_s=600),
            voluntary_moves=VoluntaryMoves.ALWAYS,
            record=record,
            now=NOW + timedelta(seconds=age_s),
        )
    )


def test_a_saving_moves_nodes_once_it_has_stood() -> None:
    plan = _cheaper("0.90", PoolRecord())
    assert (targets(plan), plan.wake_at) == ({"dear": 10, "new": 0}, NOW + timedelta(seconds=600))
    plan = _cheaper("0.90", plan.record, age_s=599)
    assert targets(plan) == {"dear": 10, "new": 0}
    plan = _cheaper("0.90", plan.record, age_s=600)
    assert targets(plan) == {"dear": 0, "new": 10}
    assert plan.record.saving is not None
    assert plan.record.saving.moving


def test_a_smaller_one_moves_nothing_however_long() -> None:
    plan = _cheaper("0.91", PoolRecord())
    assert plan.record.saving is None
    assert targets(_cheaper("0.91", plan.record, age_s=10**6)) == {"dear": 10, "new": 0}


def test_one_that_went_in_between_begins_anew() -> None:
    record = _cheaper("0.90", PoolRecord()).record
    record = _cheaper("0.95", record, age_s=300).record
    assert targets(_cheaper("0.90", record, age_s=700)) == {"dear": 10, "new": 0}


def test_a_move_goes_on_until_nothing_is_left_to_save_unless_prices_change() -> None:
    record = _cheaper("0.90", _cheaper("0.90", PoolRecord()).record, age_s=600).record
    assert targets(_cheaper("0.90", record, age_s=700, percent=50)) == {"dear": 0, "new": 10}
    assert targets(_cheaper("0.89", record, age_s=700, percent=50)) == {"dear": 10, "new": 0}


# Surviving on the way


@pytest.mark.parametrize(("ready", "gone"), [(0, {}), (5, {"b": 1}), (6, {"b": 0})])
def test_nothing_goes_that_a_loss_would_miss_before_others_are_ready(ready: int, gone: dict[str, int]) -> None:
    """Enough units are ready in all, but on one cloud too many: the bound of b was lowered, c is to stand in for it."""
    plan = decide(
        snapshot(
            priced("a", 10, "1", max_nodes=10, min_nodes=10),
            priced("b", 6, "1", cloud=Cloud.AZURE, max_nodes=0),
            priced("c", 6, "1", cloud=Cloud.GCP, max_nodes=6).seen(ready=ready),
            replicas=10,
            survive=_half(60),
            max_unavailable_percent=100,
        )
    )
    assert targets(plan) == {"a": 10, "b": 0, "c": 6}
    assert asked(plan) == gone
