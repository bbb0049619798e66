"""Which constraints decide where units go, and what each costs: the difference to the best sizes without it."""

from decimal import Decimal
from typing import Any

import pytest

from multicloud.decide import bindings
from multicloud.model.plan import Snapshot
from multicloud.model.ref import Cloud
from multicloud.model.size import CapacityType
from multicloud.model.spec import Loss, MemberState, Strategy, Survive
from support.builders import Member, member, priced, snapshot, unseen

FROZEN = MemberState.FROZEN


def spot(name: str, size: int, price: str, **spec: Any) -> Member:
    return priced(name, size, price, capacity_type=CapacityType.SPOT, **spec)


def survive(percent: int, loss: Loss = Loss.CLOUD) -> tuple[Survive, ...]:
    return (Survive(loss=loss, keep_percent=percent),)


def ten(*members: Member, **spec: Any) -> Snapshot:
    return snapshot(*members, **{"replicas": 10, "strategy": Strategy.COST} | spec)


def told(pool: Snapshot) -> list[tuple[str, str | None]]:
    return [(one.name, None if one.costs_per_hour is None else str(one.costs_per_hour)) for one in bindings(pool)]


CHEAP, DEAR = priced("cheap", 0, "0.10"), priced("dear", 0, "0.30", cloud=Cloud.AZURE)


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        pytest.param(ten(CHEAP, DEAR), [], id="nothing binds"),
        pytest.param(
            # 6 and 4 instead of 10 and 0.
            ten(CHEAP, DEAR, survive=survive(40)),
            [("allocation.survive[Cloud]", "0.8")],
            id="surviving a cloud",
        ),
        pytest.param(
            # Any two members survive the loss of one: only the cloud binds.
            ten(CHEAP, priced("other", 0, "0.10"), DEAR, survive=(*survive(40), *survive(40, Loss.MEMBER))),
            [("allocation.survive[Cloud]", "0.8")],
            id="the wider of two losses",
        ),
        pytest.param(
            ten(spot("cheap", 0, "0.10"), DEAR, min_on_demand=3),
            [("allocation.spot.minOnDemandReplicas", "0.6")],
            id="on demand at least",
        ),
        pytest.param(
            ten(spot("cheap", 0, "0.10"), DEAR, max_spot_percent=70),
            [("allocation.spot.maxPercent", "0.6")],
            id="spot at most",
        ),
        pytest.param(
            # 5 nodes of $0.10 instead of 10: it saves what it forbids.
            ten(CHEAP, max_hourly_cost=Decimal("0.50")),
            [("allocation.maxHourlyCost", "-0.5")],
            id="what all may cost",
        ),
        pytest.param(
            ten(priced("cheap", 0, "0.10", max_nodes=4), DEAR), [("members[cheap].maxNodes", "1.2")], id="a maximum"
        ),
        pytest.param(
            # 3 zones: 6 of at most 7 nodes. Without the maximum 12 would stand in for the 6 and 4.
            ten(priced("cheap", 0, "0.10", max_nodes=7).seen(step=3), DEAR),
            [("members[cheap].maxNodes", "0.6")],
            id="a maximum that is no multiple of the zones",
        ),
        pytest.param(
            ten(priced("cheap", 0, "0.10").seen(cloud_max=4), DEAR), [], id="the cloud's own maximum is no field"
        ),
        pytest.param(
            ten(CHEAP, priced("dear", 4, "0.30", min_nodes=4)), [("members[dear].minNodes", "0.8")], id="a minimum"
        ),
        pytest.param(
            # 3 zones: 6 nodes for a minimum of 4. Without it all ten are cheap.
            ten(CHEAP, priced("dear", 6, "0.30", min_nodes=4).seen(step=3)),
            [("members[dear].minNodes", "1.2")],
            id="a minimum that is no multiple of the zones",
        ),
        pytest.param(
            ten(CHEAP, priced("dear", 1, "0.30", min_nodes=1)), [("members[dear].minNodes", "0.2")], id="of one node"
        ),
        pytest.param(
            ten(CHEAP, priced("dear", 4, "0.30").remembered(adoption_floor=4)), [("adoption", "0.8")], id="found so"
        ),
        pytest.param(
            ten(CHEAP, priced("dear", 4, "0.30", min_nodes=4).remembered(adoption_floor=4)),
            [("members[dear].minNodes", "0.8")],
            id="found so, and wished so",
        ),
        pytest.param(
            ten(CHEAP, priced("dear", 4, "0.30").seen(cloud_min=4)), [], id="the cloud's own minimum is no field"
        ),
        pytest.param(
            ten(CHEAP, priced("dear", 4, "0.30", state=FROZEN)), [("members[dear].state", "0.8")], id="frozen, and dear"
        ),
        pytest.param(
            ten(priced("cheap", 2, "0.10", state=FROZEN), DEAR),
            [("members[cheap].state", "1.6")],
            id="frozen, and cheap",
        ),
        pytest.param(
            ten(priced("cheap", 2, "0.10", state=FROZEN, max_nodes=5), DEAR),
            [("members[cheap].state", "0.6")],
            id="freed it still has its maximum",
        ),
        pytest.param(
            ten(CHEAP, priced("dear", 4, "0.30", state=FROZEN, min_nodes=3)),
            [("members[dear].state", "0.2")],
            id="freed it still has its minimum",
        ),
        pytest.param(
            # 12 cheap nodes for 10 units: 10 nodes cannot stand in 3 zones.
            ten(priced("cheap", 3, "0.10", state=FROZEN).seen(step=3), priced("dear", 0, "0.90")),
            [("members[cheap].state", "5.4")],
            id="freed it still has its zones",
        ),
        pytest.param(
            ten(priced("cheap", 3, "0.10", state=FROZEN, max_nodes=2).seen(step=3), DEAR),
            [],
            id="freed it would have no size at all",
        ),
        pytest.param(
            ten(
                priced("b", 0, "0.10", max_nodes=4),
                priced("a", 0, "0.10", max_nodes=4),
                priced("c", 0, "0.05", max_nodes=1),
                DEAR,
            ),
            # 10 of "c" instead of 1, 4, 4 and a dear one; or one more of "a" or "b" instead of the dear one.
            [("members[c].maxNodes", "0.65"), ("members[a].maxNodes", "0.2"), ("members[b].maxNodes", "0.2")],
            id="the dearest first, then by name",
        ),
        pytest.param(
            ten(
                member("b", 0, max_nodes=4, priority=9),
                member("a", 0, max_nodes=4, priority=9),
                priced("c", 0, "0.10"),
                strategy=Strategy.PRIORITY,
            ),
            [("members[a].maxNodes", None), ("members[b].maxNodes", None)],
            id="without a price",
        ),
        pytest.param(ten(CHEAP, unseen("dear")), [], id="not everything was looked at"),
    ],
)
def test_what_binds_and_what_it_costs(pool: Snapshot, expected: list[tuple[str, str | None]]) -> None:
    assert told(pool) == expected


def test_at_rest_what_staying_costs_is_told_apart_from_what_surviving_costs() -> None:
    """Placed: 4 and 6 nodes, $2.20. Best: 6 and 4, $1.80. Best without surviving: 10 and 0, $1.00."""
    cheap, dear = priced("cheap", 4, "0.10"), priced("dear", 6, "0.30", cloud=Cloud.AZURE)
    assert told(ten(cheap, dear, survive=survive(40))) == [
        ("allocation.survive[Cloud]", "0.8"),
        ("allocation.moveWhenSaving", "0.4"),
    ]
