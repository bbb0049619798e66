"""A price falls: six members on three clouds, and what ran on one runs on another afterwards, in steps, nothing missing."""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from multicloud.cli.explain import document
from multicloud_lab.controlplane import ControlPlane
from multicloud_lab.core.seed import (
    AksCluster,
    AksPool,
    AwsSeed,
    AzureSeed,
    EksCluster,
    EksNodegroup,
    GcpSeed,
    GkeCluster,
    GkePool,
    Seed,
)
from support.api_gate import status_of
from support.commandline import multicloud_says
from support.samples import BLOCKS, member, pool
from support.stage import Stage, a_stage

UNITS = 12
MOST_AT_ONCE = 3
"""A quarter of maxReplicas on top while nodes move, and nodes that go in one step."""

HOME, NEW = {"aws-a": 6, "aws-b": 6}, {"azure-a": 6, "azure-b": 6}
PLACES = {
    "aws-a": ("aws", "shop-prod"),
    "aws-b": ("aws", "shop-batch"),
    "azure-a": ("azure", "shop-prod"),
    "azure-b": ("azure", "shop-batch"),
    "gcp-a": ("gcp", "shop-prod"),
    "gcp-b": ("gcp", "shop-batch"),
}
"""Cloud and cluster of each member; all node pools are called web."""

SEED = Seed(
    aws=AwsSeed(
        clusters=tuple(
            EksCluster(name=name, nodegroups=(EksNodegroup(name="web", desired=6),))
            for name in ("shop-prod", "shop-batch")
        )
    ),
    azure=AzureSeed(
        clusters=tuple(
            AksCluster(name=name, pools=(AksPool(name="web", count=0),)) for name in ("shop-prod", "shop-batch")
        )
    ),
    gcp=GcpSeed(
        clusters=tuple(
            GkeCluster(
                name=name,
                location="europe-west1-b",
                zones=("europe-west1-b",),
                pools=(GkePool(name="web", node_count=0),),
            )
            for name in ("shop-prod", "shop-batch")
        )
    ),
)


@pytest.fixture
def stage(our_kinds: ControlPlane, tmp_path: Path) -> Iterator[Stage]:
    with a_stage(our_kinds, tmp_path, seed=SEED) as made:
        made.given_accounts()
        yield made


def six(azure: str) -> list[dict[str, Any]]:
    """Two members in each cloud, of at most six nodes: 0.10 an hour on AWS, 0.20 on Google, so much on Azure."""
    prices = {"aws": "0.10", "azure": azure, "gcp": "0.20"}
    made = []
    for name, (cloud, cluster) in PLACES.items():
        ((block, place),) = BLOCKS[cloud].items()
        placed = {block: {**place, "cluster": cluster}}
        made.append({**member(cloud, name=name, maxNodes=6, hourlyPrice=prices[cloud]), **placed})
    return made


def explained(stage: Stage) -> Mapping[str, Any]:
    """What `multicloud explain` tells a program."""
    said = multicloud_says(
        "explain", "web", "-o", "json", f"--kubeconfig={stage.plane.kubeconfig}", "-n", stage.namespace
    )
    assert said.returncode == 0, said.stderr
    told: Mapping[str, Any] = json.loads(said.stdout)
    return told


def test_six_members_move_to_another_cloud_in_steps_and_explain_tells_it(stage: Stage) -> None:
    allocation = {"strategy": "Cost", "moveWhenSaving": {"percent": 10, "forSeconds": 3600}}
    steps = {"maxNodesPerStep": MOST_AT_ONCE, "maxSurgePercent": 25, "stepPauseSeconds": 1}
    web = pool("web", *six("0.30"), replicas=UNITS, maxReplicas=UNITS, allocation=allocation)
    web["spec"]["disruption"] |= steps
    stage.api.create(web)
    operator = stage.operator()
    operator.start()
    stage.until(lambda: requested(stage) == HOME and stage.condition("web", "Ready")[0] == "True", "all is at rest")

    stage.api.edit("web", spec={"members": six("0.05")})
    stage.until(lambda: stage.status("web").get("saving") is not None, "the saving is seen")
    waiting = explained(stage)
    assert (waiting["saving"]["moving"], waiting["plan"]["changes"]) == (False, [])
    costs = {one["name"]: Decimal(one["costsPerHour"]) for one in waiting["bindingConstraints"]}
    assert costs["allocation.moveWhenSaving"] == Decimal("0.60"), "1.20 an hour could be 0.60"
    assert writes(stage) == [], "the saving has not stood for long enough"

    stage.api.edit("web", spec={"allocation": {"moveWhenSaving": {"forSeconds": 0}}})

    def arrived() -> bool:
        operator.revive()
        return requested(stage) == NEW and stage.status("web")["plan"]["changes"] == []

    stage.until(arrived, "all of it is on Azure", timeout_s=180)
    assert_told(stage)
    assert_made_before_broken(stage)


def assert_told(stage: Stage) -> None:
    """From the first plan to the last, `explain` says what moves, why, in which steps, and what it saves."""
    body = stage.api.pool("web")
    moving = [status for status in reported(stage) if status["plan"]["changes"]]
    told = document({**body, "status": moving[0]})
    assert {one["member"]: (one["from"], one["to"]) for one in told["plan"]["changes"]} == {
        **{name: (nodes, 0) for name, nodes in HOME.items()},
        **{name: (0, nodes) for name, nodes in NEW.items()},
    }
    assert (told["plan"]["hourlyCostNow"], told["plan"]["hourlyCost"]) == ("1.20", "0.60")
    assert len(told["plan"]["steps"]) >= 2 * UNITS // MOST_AT_ONCE, "so many nodes come and go, so many at once"
    reasons = {one["reason"] for status in moving for one in status["plan"]["changes"]}
    assert reasons == {"MoveForSaving"}
    ended = explained(stage)
    assert {one["name"]: one["targetNodes"] for one in ended["members"] if one["targetNodes"]} == NEW
    assert (ended["plan"]["hourlyCostNow"], ended["plan"]["changes"]) == ("0.60", [])


def assert_made_before_broken(stage: Stage) -> None:
    """Every write leaves at least as many nodes as units, a few more at most; ready ones were never fewer than the wish."""
    made = writes(stage)
    sizes = list(accumulate(made, lambda at, write: {**at, write[0]: write[2]}, initial=dict(HOME)))
    totals = [sum(size.values()) for size in sizes]
    assert {name: size for name, size in sizes[-1].items() if size} == NEW
    assert totals[1] > UNITS, "the first write grows"
    assert all(UNITS <= total <= UNITS + MOST_AT_ONCE for total in totals)
    assert all(origin - to <= MOST_AT_ONCE for _, origin, to in made)
    assert sum(to < origin for _, origin, to in made) >= UNITS // MOST_AT_ONCE
    assert min(status["replicas"] for status in reported(stage) if status["members"][0]["claim"]) >= UNITS


def reported(stage: Stage) -> list[dict[str, Any]]:
    """Every status of the pool that the operator wrote."""
    return [seen.body["status"] for seen in stage.gate.requests(status_of("web"))]


def requested(stage: Stage) -> dict[str, int]:
    """The sizes of the members that have any."""
    return {
        one["name"]: one["requestedNodes"] for one in stage.status("web").get("members", ()) if one["requestedNodes"]
    }


def writes(stage: Stage) -> Sequence[tuple[str, int, int]]:
    """The operator's effective resizes in the order of the journal: member, from, to."""
    names = {place: name for name, place in PLACES.items()}
    return [
        (names[call["cloud"], call["cluster"]], call["from"], call["to"])
        for call in stage.cloud_writes()
        if call["effective"] and call["from"] != call["to"]
    ]
