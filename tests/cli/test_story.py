from dataclasses import replace

import pytest

from multicloud.cli.demo.acts.takeover import holds
from multicloud.cli.demo.story import at_rest
from multicloud.cli.shown import MemberRow, PoolRow


def row(name: str, nodes: int | None = 4, **changed: object) -> MemberRow:
    whole = MemberRow(
        name=name,
        cloud="aws",
        cluster="shop",
        node_pool=name,
        nodes=nodes,
        ready=nodes,
        target=nodes,
        requested=nodes,
        state="Active",
        reason="AsWished",
        message="",
        intent=False,
        held=False,
        claimed=True,
        floor=None,
    )
    return replace(whole, **changed)  # type: ignore[arg-type]  # names and values of the table below


def pool(*members: MemberRow, desired: int = 8, ready: int = 8, ready_condition: str = "True") -> PoolRow:
    return PoolRow(
        namespace="shop",
        name="web",
        desired=desired,
        ready=ready,
        minimum=1,
        maximum=60,
        limited_by="",
        ready_condition=ready_condition,
        reason="",
        message="",
        paused="False",
        members=members,
    )


def test_a_pool_is_at_rest_when_everything_is_as_wished() -> None:
    assert at_rest(pool(row("a"), row("b")), 8)


@pytest.mark.parametrize(
    "seen",
    [
        pool(row("a"), row("b"), desired=9),
        pool(row("a"), row("b"), ready=7),
        pool(row("a"), row("b"), ready_condition="Unknown"),
        pool(row("a"), row("b", intent=True)),
        pool(row("a"), row("b", held=True)),
        pool(row("a"), row("b", ready=3)),
        pool(row("a"), row("b", 5, ready=4, target=4, requested=4)),
        pool(row("a"), row("b", target=5)),
        pool(row("a"), row("b", requested=5)),
        pool(row("a"), row("b", claimed=False)),
        pool(row("a"), row("b", None)),
    ],
    ids=[
        "another wish",
        "not all ready",
        "Ready unknown",
        "a resize under way",
        "a surplus held",
        "a node not ready",
        "a node too many",
        "another target",
        "another size asked for",
        "not claimed",
        "nothing known",
    ],
)
def test_a_pool_is_not_at_rest_otherwise(seen: PoolRow) -> None:
    assert not at_rest(seen, 8)


def test_a_surplus_is_held_when_its_member_keeps_it_on_top_and_nobody_else_moved() -> None:
    seen = pool(row("a", 6, held=True), row("b"), ready=10)
    assert holds(seen, {"a": 6, "b": 4}, "a", 8)


@pytest.mark.parametrize(
    "seen",
    [
        pool(row("a", 6), row("b"), ready=10),
        pool(row("a", 6, held=True, target=4), row("b"), ready=10),
        pool(row("a", 6, held=True), row("b", 2)),
        pool(row("a", 6, held=True), row("b", target=2), ready=10),
        pool(row("a", 6, held=True), row("b"), desired=10),
    ],
    ids=["not held", "target without the surplus", "fought by shrinking another", "about to fight", "taken as a wish"],
)
def test_a_surplus_is_not_held_otherwise(seen: PoolRow) -> None:
    assert not holds(seen, {"a": 6, "b": 4}, "a", 8)
