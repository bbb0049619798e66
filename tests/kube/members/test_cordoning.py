"""Nodes closed and opened through the real client on the lab's member clusters: ours, no others', and once."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from multicloud.kube.client import MERGE
from multicloud.kube.members.entering import enter
from multicloud.kube.members.marks import MARK
from multicloud.model.member import ClusterLogin, Patched
from multicloud.model.plan import Stop
from multicloud.model.reason import Code
from multicloud_lab.core.faultkinds import Answer, Deny, Garbage, Hang, LostResponse
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.thread import LabThread
from support.inside import INSTALLATION, Onlooker, credential, login, onlooker, run_pods
from support.lab import lab

__all__ = ["lab"]

CLUSTERS = [("aws", "shop-prod"), ("azure", "shop-prod"), ("gcp", "shop-batch")]
MARKED = "shop/web/0123"


@pytest.fixture
async def sees(lab: LabThread) -> AsyncIterator[Onlooker]:
    async with onlooker(lab) as ready:
        yield ready


async def names(sees: Onlooker, where: ClusterLogin | None = None) -> list[str]:
    """The nodes of the node pool, once the operator sees them."""
    where = where or login()
    sees.attend(where)
    await sees.until(where, lambda inside: inside.counted)
    return [node.name for node in sees.eyes.nodes(where, "web")]


def fault(lab: LabThread, operation: str, action: object, **match: object) -> None:
    lab.place(Fault(match=Match(operation=operation, cloud="kubernetes", **match), action=action))  # type: ignore[arg-type] # fields by name


def patches(lab: LabThread) -> list[dict[str, Any]]:
    """Every patch of a node that a cluster took, as it was sent."""
    taken: list[Any] = [entry for entry in lab.journal() if entry["operation"] == "nodes.patch"]
    return [json.loads(entry["arguments"]["patch"]) for entry in taken if entry["result"] == "200"]


async def asked(lab: LabThread, name: str, patch: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the cluster holds of a node, after somebody else's patch of it if there is one."""
    async with enter(credential(lab, "aws")) as kube:
        if patch is not None:
            await kube.call("PATCH", f"/api/v1/nodes/{name}", body=patch, content_type=MERGE)
        return dict(await kube.call("GET", f"/api/v1/nodes/{name}"))


@pytest.mark.parametrize(("cloud", "cluster"), CLUSTERS)
async def test_a_node_is_closed_with_our_mark_and_opened_without(
    lab: LabThread, sees: Onlooker, cloud: str, cluster: str
) -> None:
    where = login(cloud, cluster)
    first, second, *_ = await names(sees, where)
    assert await sees.eyes.cordon(where, "web", [second, first], mark=MARKED) == Patched(nodes=(second, first))
    await sees.until(where, lambda inside: inside.counted and inside.counted.marked == 2)
    shown = {node.name: (node.cordoned, node.marked) for node in sees.eyes.nodes(where, "web")}
    assert [shown[name] for name in (first, second)] == [(True, True)] * 2
    assert [patch["metadata"]["annotations"] for patch in patches(lab)] == [{MARK: f"{INSTALLATION}/{MARKED}"}] * 2

    # Once more changes nothing, and does not even ask for it.
    assert await sees.eyes.cordon(where, "web", [first, second], mark="shop/web/4567") == Patched()
    assert await sees.eyes.uncordon(where, "web", [first, second]) == Patched(nodes=(first, second))
    assert await sees.eyes.uncordon(where, "web", [first, second]) == Patched()
    await sees.until(where, lambda inside: inside.counted and inside.counted.cordoned == 0)
    assert len(patches(lab)) == 4


async def test_pods_go_elsewhere(lab: LabThread, sees: Onlooker) -> None:
    every = await names(sees)
    await sees.eyes.cordon(login(), "web", every[1:], mark=MARKED)
    run_pods(lab, 4)
    await sees.until(login(), lambda inside: inside.counted and inside.counted.needed)
    filled = {node.name: node.filled for node in sees.eyes.nodes(login(), "web")}
    assert [name for name in every if filled[name]] == every[:1]


async def test_what_somebody_else_closed_stays_theirs(lab: LabThread, sees: Onlooker) -> None:
    name, other, *_ = await names(sees)
    await asked(lab, name, {"spec": {"unschedulable": True}})
    theirs = {"metadata": {"annotations": {MARK: f"another/{MARKED}"}}, "spec": {"unschedulable": True}}
    await asked(lab, other, theirs)
    before = len(patches(lab))
    assert await sees.eyes.cordon(login(), "web", [name, other], mark=MARKED) == Patched()
    assert await sees.eyes.uncordon(login(), "web", [name, other]) == Patched()
    assert len(patches(lab)) == before
    assert MARK not in (await asked(lab, name))["metadata"]["annotations"]


async def test_a_hand_between_look_and_patch_wins(lab: LabThread, sees: Onlooker) -> None:
    name, *_ = await names(sees)
    hold = lab.hold("nodes.patch")
    cordoning = asyncio.create_task(sees.eyes.cordon(login(), "web", [name], mark=MARKED))
    await asyncio.wrap_future(lab.when_reached(hold))
    await asked(lab, name, {"spec": {"unschedulable": True}})
    lab.release(hold)
    assert await cordoning == Patched()
    node = await asked(lab, name)
    assert (node["spec"]["unschedulable"], MARK in node["metadata"]["annotations"]) == (True, False)


@pytest.mark.parametrize("stop", [Stop.ALL, Stop.SHRINK_ONLY])
async def test_the_fence_is_asked_before_a_patch_leaves(lab: LabThread, sees: Onlooker, stop: Stop) -> None:
    first, second, *_ = await names(sees)
    await sees.eyes.cordon(login(), "web", [first], mark=MARKED)
    sees.fence.stop = stop
    closed = await sees.eyes.cordon(login(), "web", [second], mark=MARKED)
    opened = await sees.eyes.uncordon(login(), "web", [first])
    assert (closed.nodes, opened.nodes) == ((), () if stop is Stop.ALL else (first,))
    assert closed.why is not None
    assert closed.why.code is (Code.STOPPED if stop is Stop.ALL else Code.STOPPED_SHRINK)


async def test_without_the_right_the_first_refusal_ends_the_row(lab: LabThread, sees: Onlooker) -> None:
    every = await names(sees)
    fault(lab, "nodes.patch", Deny())
    patched = await sees.eyes.cordon(login(), "web", every, mark=MARKED)
    assert patched.nodes == ()
    assert patched.why is not None
    assert patched.why.code is Code.DENIED
    assert patched.why.text == "cluster shop-prod does not let us patch nodes; grant it (docs/cluster-access.md)"
    assert sum(entry["operation"] == "nodes.patch" for entry in lab.journal()) == 1


@pytest.mark.parametrize(
    ("operation", "action", "code"),
    [
        ("nodes.patch", Answer(status=500), Code.UNAVAILABLE),
        ("nodes.patch", LostResponse(), Code.UNAVAILABLE),
        ("nodes.get", Garbage(form="html502"), Code.UNAVAILABLE),
        ("nodes.get", Answer(status=200, body='{"kind": "Node"}'), Code.UNAVAILABLE),
    ],
)
async def test_what_was_done_before_something_failed_is_told(
    lab: LabThread, sees: Onlooker, operation: str, action: object, code: Code
) -> None:
    first, second, third, *_ = await names(sees)
    fault(lab, operation, action, nth=2)
    patched = await sees.eyes.cordon(login(), "web", [first, second, third], mark=MARKED)
    assert patched.nodes == (first,)
    assert patched.why is not None
    assert patched.why.code is code


async def test_a_cluster_that_hangs_holds_nobody_up_for_long(lab: LabThread) -> None:
    async with onlooker(lab, cordon_s=0.3) as sees:
        first, *_ = await names(sees)
        fault(lab, "nodes.patch", Hang())
        patched = await sees.eyes.cordon(login(), "web", [first], mark=MARKED)
        assert (patched.nodes, patched.why and patched.why.code) == ((), Code.TIMED_OUT)


async def test_a_node_that_went_or_is_another_pools_is_left_out(lab: LabThread, sees: Onlooker) -> None:
    first, *_ = await names(sees)
    assert await sees.eyes.cordon(login(), "web", ["gone", first], mark=MARKED) == Patched(nodes=(first,))
    assert await sees.eyes.uncordon(login(), "batch", [first]) == Patched()


async def test_who_is_not_inside_changes_nothing(sees: Onlooker) -> None:
    patched = await sees.eyes.cordon(login(), "web", ["any"], mark=MARKED)
    assert (patched.nodes, patched.why and patched.why.code) == ((), Code.UNAVAILABLE)
    assert sees.eyes.nodes(login(), "web") == ()
