"""Stories of the emptiest nodes: closed to new pods before a removal, opened again when they stay after all."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from multicloud.model.member import SeenNode
from multicloud.model.plan import Stop
from multicloud.model.reason import Code, Reason
from multicloud_lab.core.faultkinds import Answer, OperationStuck
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.thread import LabThread
from support.eyes import MemoryEyes
from support.lab import lab
from support.world import World, Write, members

__all__ = ["lab"]

FILLED = {"n0": 0.7, "n1": 0.1, "n2": 0.8, "n3": 0.0, "n4": 0.6, "n5": 0.9, "n6": 0.5, "n7": 0.4, "n8": 0.2, "n9": 0.3}
"""How full each of ten nodes is: n3, n1 and n8 are the emptiest."""
CLOSED = ["close n3", "close n1", "close n8"]
OPENED = ["open n1", "open n3", "open n8"]

DENIED = Reason(
    code=Code.DENIED, text="cluster shop-prod does not let us patch nodes; grant it (docs/cluster-access.md)"
)


def aws(to: int) -> Write:
    return Write("aws", "shop-prod", "web", to)


def node(name: str, **other: Any) -> SeenNode:
    fields: dict[str, Any] = {"ready": True, "cordoned": False, "marked": False, "filled": FILLED[name], **other}
    return SeenNode(name=name, **fields)


TEN = [node(name) for name in FILLED]


def eyes(world: World) -> MemoryEyes:
    assert world.eyes is not None
    return world.eyes


def now(world: World) -> dict[str, SeenNode]:
    return eyes(world).seen["shop-prod", "web"]


def closed(nodes: Iterable[SeenNode]) -> set[str]:
    return {each.name for each in nodes if each.cordoned}


def without(world: World, *gone: str) -> Sequence[SeenNode]:
    return [each for each in now(world).values() if each.name not in gone]


async def given_ten(world: World, nodes: Iterable[SeenNode] = TEN, **spec: Any) -> None:
    """A pool of ten nodes in one cloud, at rest and seen from inside."""
    spec = {"replicas": 10, "minReplicas": 0, "adoption": "Apply", "members": members("aws"), **spec}
    world.pool(**spec)
    await world.run_until(lambda: world.status().get("replicas") == 10)
    await world.run_for(minutes=5)
    world.show_nodes("shop-prod", nodes)
    await world.run_for(minutes=2)
    assert (world.cloud_writes, eyes(world).patched) == ([aws(10)], [])


def told(world: World, code: Code) -> list[tuple[str, bool]]:
    return [(note.reason.text, note.warning) for note in world.cluster.events if note.reason.code is code]


async def test_the_emptiest_nodes_are_closed_before_the_cloud_is_asked_and_go_closed(lab: LabThread) -> None:
    async with World(lab, looks_inside=True) as world:
        await given_ten(world)
        world.edit(replicas=7)
        eyes(world).held = reached = asyncio.get_running_loop().create_future()
        await world.run_until(reached.done)
        assert (eyes(world).patched, world.cloud_writes[1:]) == (CLOSED, [])
        intent = world.member("aws")["intent"]["id"]
        assert eyes(world).marks == [f"shop/web/{intent}"]

        await world.crash()
        world.start()
        await world.run_until(lambda: world.cloud_writes[1:] == [aws(7)])
        # Still of use: what the process before had closed is neither opened in between nor closed twice.
        assert eyes(world).patched == []
        world.show_nodes("shop-prod", without(world, "n1", "n3", "n8"))
        await world.run_for(minutes=30)
        assert (eyes(world).patched, world.cloud_writes[1:]) == ([], [aws(7)])


async def test_where_the_cloud_takes_other_nodes_the_emptiest_are_opened_again(lab: LabThread) -> None:
    async with World(lab, looks_inside=True) as world:
        await given_ten(world)
        world.edit(replicas=7)
        await world.run_until(lambda: world.cloud_writes[1:] == [aws(7)])
        assert closed(now(world).values()) == {"n1", "n3", "n8"}
        # It drains n5 first: one fewer of ours is to go, and the fullest of them is the one that stays.
        world.show_nodes("shop-prod", [*without(world, "n5"), node("n5", cordoned=True)])
        await world.run_for(seconds=3)
        assert eyes(world).patched[3:] == ["open n8"]
        world.show_nodes("shop-prod", without(world, "n5", "n0", "n2"))
        await world.run_for(seconds=3)
        assert eyes(world).patched[3:] == ["open n8", "open n1", "open n3"]
        await world.run_for(minutes=30)
        assert (len(eyes(world).patched), world.cloud_writes[1:]) == (6, [aws(7)])


async def test_a_process_that_died_before_it_asked_leaves_nothing_closed_when_the_wish_has_risen(
    lab: LabThread,
) -> None:
    async with World(lab, looks_inside=True) as world:
        await given_ten(world)
        world.edit(replicas=7)
        eyes(world).held = reached = asyncio.get_running_loop().create_future()
        await world.run_until(reached.done)
        await world.crash()
        world.start()
        world.edit(replicas=10)
        await world.run_until(lambda: eyes(world).patched == OPENED)
        assert (world.cloud_writes[1:], world.member("aws")["intent"]) == ([], None)
        assert closed(now(world).values()) == set()


async def test_a_removal_that_is_refused_opens_what_was_closed_for_it(lab: LabThread) -> None:
    async with World(lab, looks_inside=True) as world:
        await given_ten(world)
        refused = Answer(status=403, code="AccessDeniedException", message="not authorized")
        lab.place(Fault(match=Match(operation="UpdateNodegroupConfig"), action=refused))
        world.edit(replicas=7)
        await world.run_until(lambda: eyes(world).patched == CLOSED)
        took_s = await world.run_until(lambda: eyes(world).patched == CLOSED + OPENED)
        assert took_s < 10
        assert world.cloud_writes[1:] == []


async def test_a_removal_that_the_cloud_does_not_end_is_waited_for_only_so_long(lab: LabThread) -> None:
    async with World(lab, looks_inside=True) as world:
        await given_ten(world, failover={"provisionTimeoutSeconds": 600})
        lab.place(Fault(match=Match(operation="UpdateNodegroupConfig"), action=OperationStuck()))
        world.edit(replicas=7)
        await world.run_until(lambda: eyes(world).patched == CLOSED)
        took_s = await world.run_until(lambda: eyes(world).patched == CLOSED + OPENED)
        assert 590 <= took_s <= 610


async def test_what_still_bears_a_mark_when_the_nodes_have_gone_is_opened(lab: LabThread) -> None:
    async with World(lab, looks_inside=True) as world:
        await given_ten(world)
        world.edit(replicas=7)
        await world.run_until(lambda: world.cloud_writes[1:] == [aws(7)])
        # The cloud has three nodes fewer; its cluster goes on to show all ten.
        await world.run_until(lambda: eyes(world).patched == CLOSED + OPENED, minutes=5)


async def test_without_the_right_the_removal_goes_out_and_an_event_says_so(lab: LabThread) -> None:
    async with World(lab, looks_inside=True) as world:
        await given_ten(world)
        eyes(world).trouble = DENIED
        world.edit(replicas=7)
        await world.run_until(lambda: world.cloud_writes[1:] == [aws(7)])
        text = f"member aws: nodes go that could still get new pods: {DENIED.text}"
        assert told(world, Code.NOT_CORDONED) == [(text, False)]
        assert world.condition("MembersHealthy") == ("True", "AllHealthy")


async def test_what_somebody_else_closed_counts_and_stays_closed(lab: LabThread) -> None:
    theirs = [replace(each, cordoned=each.name in {"n3", "n6"}) for each in TEN]
    async with World(lab, looks_inside=True) as world:
        await given_ten(world, theirs)
        world.edit(replicas=7)
        await world.run_until(lambda: world.cloud_writes[1:] == [aws(7)])
        assert eyes(world).patched == ["close n1"]
        world.edit(replicas=10)
        await world.run_until(lambda: world.cloud_writes[1:] == [aws(7), aws(10)])
        await world.run_for(minutes=10)
        assert eyes(world).patched == ["close n1", "open n1"]
        assert closed(now(world).values()) == {"n3", "n6"}


async def test_nothing_is_closed_where_nothing_may_be_written_nor_opened_by_who_may_not(lab: LabThread) -> None:
    async with World(lab, looks_inside=True) as world:
        await given_ten(world)
        world.edit(mode="Plan", replicas=7)
        await world.run_for(minutes=10)
        world.edit(mode=None, paused=True)
        await world.run_for(minutes=10)
        world.edit(paused=None)
        world.fence.stop = Stop.SHRINK_ONLY
        await world.run_for(minutes=10)
        world.fence.stop = Stop.NONE
        world.fence.leading = False
        await world.run_for(minutes=10)
        assert (eyes(world).patched, world.cloud_writes[1:]) == ([], [])

        # Marks of ours that are left from before: who does not lead leaves them, whoever leads does not.
        world.show_nodes("shop-prod", [replace(each, cordoned=True, marked=True) for each in TEN])
        await world.run_for(minutes=5)
        assert eyes(world).patched == []
        world.edit(paused=True)
        world.fence.leading = True
        await world.run_for(minutes=5)
        assert sorted(eyes(world).patched) == sorted(f"open {name}" for name in FILLED)


async def test_at_rest_and_while_it_grows_no_node_is_touched(lab: LabThread) -> None:
    async with World(lab, looks_inside=True) as world:
        await given_ten(world)
        writes = world.cluster.status_writes
        await world.run_for(hours=2)
        assert (eyes(world).patched, world.cluster.status_writes) == ([], writes)
        world.edit(replicas=14)
        await world.run_until(lambda: world.status()["replicas"] >= 10 and aws(14) in world.cloud_writes)
        await world.run_for(minutes=10)
        assert eyes(world).patched == []
