"""Tenants that forge, spy and spend: what they write into their own objects never reaches beyond what is theirs.

The index of all attacks, with the tests that stand elsewhere, is docs/security.md.
"""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from prometheus_client import generate_latest

from multicloud.settings import Guard
from multicloud_lab.core.faultkinds import Action, Answer, AuthExpire, Deny, Garbage, LostResponse, Reset
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.thread import LabThread
from support.interference.crowd import CLOUDS
from support.lab import lab
from support.world import World, Write, account_bodies, members, pool_key, secrets_for

__all__ = ["lab"]

MARK = "hunter2-of-the-tenant"


# Forged status


def forge(world: World, change: dict[str, Any], name: str = "web") -> None:
    """A tenant who may write status writes it."""
    written_over(world.cluster.objects[pool_key(name)]["status"], change)
    world.apply(world.cluster.objects[pool_key(name)])


def written_over(status: dict[str, Any], change: dict[str, Any]) -> None:
    for member in status["members"]:
        member.update(copy.deepcopy(change.get("member", {})))
    status |= change.get("pool", {})


INTENT = {
    "id": "0" * 32,
    "target": 0,
    "from": 4,
    "startedAt": "2026-11-23T08:00:00Z",
    "deadline": "2026-11-23T09:00:00Z",
}
RESIZED = {
    "id": "1" * 32,
    "from": 90,
    "target": 4,
    "at": "2026-11-23T08:00:00Z",
    "outcome": "Delivered",
    "message": "it was me",
}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"member": {"intent": INTENT}}, id="an intent to remove everything"),
        pytest.param({"member": {"intent": INTENT, "operation": {"id": "made-up"}}}, id="an operation"),
        pytest.param({"member": {"requestedNodes": 40, "nodes": 40, "readyNodes": 40}}, id="sizes"),
        pytest.param({"member": {"lastResize": RESIZED}}, id="a resize"),
        pytest.param({"pool": {"desiredReplicas": 90, "replicas": 90}}, id="a wish"),
        pytest.param({"pool": {"desiredReplicas": 0, "requestedReplicas": 0}}, id="no wish"),
    ],
)
@pytest.mark.parametrize("restarted", [False, True], ids=["running", "restarted"])
async def test_a_forged_status_leads_to_no_call(lab: LabThread, change: dict[str, Any], restarted: bool) -> None:
    async with World(lab) as world:
        world.pool(replicas=12)
        await world.run_for(minutes=5)
        assert world.cloud_writes == []
        if restarted:
            await world.crash()
            written_over(world.cluster.objects[pool_key("web")]["status"], change)
            world.start()
        else:
            forge(world, change)
        await world.run_for(hours=1)
        assert world.cloud_writes == []


async def test_a_forged_agreement_removes_nothing_and_stays_within_bounds(lab: LabThread) -> None:
    """What was agreed on tells a hand's nodes from ours; a lie about it costs nodes for a while, at the most."""
    async with World(lab) as world:
        world.pool(replicas=12, members=members(maxNodes=6))
        await world.run_for(minutes=5)
        await world.crash()
        written_over(world.cluster.objects[pool_key("web")]["status"], {"member": {"agreedNodes": 0}})
        world.start()
        await world.run_for(hours=2)
        assert all(4 <= write.to <= 6 for write in world.cloud_writes)


async def test_a_forged_claim_takes_no_node_pool_from_its_owner(lab: LabThread) -> None:
    async with World(lab) as world:
        for secret, value in secrets_for(lab.document["credentials"], "team-b").items():
            world.cluster.secrets[secret] = value
        for body in account_bodies(lab.document["credentials"], "team-b"):
            world.apply(body)
        world.pool(replicas=4, minReplicas=2, members=members("aws"))
        await world.run_for(minutes=2)
        world.pool("team-b/thief", replicas=30, adoption="Apply", members=members("aws"))
        await world.run_for(minutes=2)
        key = world.member("aws")["claim"]
        forged = {"member": {"claim": {**key, "since": "2001-01-01T00:00:00Z"}}}
        forge(world, forged, "team-b/thief")
        await world.run_for(minutes=30)
        assert world.cloud_writes == []
        reason, said = world.condition("MembersHealthy", "team-b/thief")[1], json.dumps(world.status("team-b/thief"))
        assert reason == "NodePoolClaimed"
        assert "shop/web" not in said, "whose it is is not told outside of the owner's namespace"


# Names in annotations


@pytest.mark.parametrize("value", ["shop/aws", "shop/web", "../shop/web", "shop%2Faws", "*/*"])
async def test_an_annotation_that_names_another_namespace_steers_nothing_there(lab: LabThread, value: str) -> None:
    async with World(lab) as world:
        world.pool(replicas=6, members=members("aws"), minReplicas=2)
        for body in account_bodies(lab.document["credentials"], "team-b"):
            world.apply(body)
        world.pool("team-b/web", replicas=6, members=members("azure"))
        world.edit("team-b/web", annotations={"multicloud.dev/adopt": value, "multicloud.dev/override": value})
        await world.run_for(minutes=30)
        assert world.member("aws")["adoptionFloor"] == 4
        assert [write for write in world.cloud_writes if write.to < 4] == []
        assert world.condition("OverrideInvalid", "team-b/web") == ("True", "OverrideNotUnderstood")
        assert world.condition("OverrideInvalid") == ("False", "NoOverride")


# Secrets


@pytest.fixture
def logged() -> Iterator[list[dict[str, Any]]]:
    before = structlog.get_config()
    structlog.reset_defaults()
    try:
        with structlog.testing.capture_logs() as events:
            yield events  # type: ignore[misc]  # structlog calls its dictionaries mutable mappings
    finally:
        structlog.configure(**before)


TROUBLES: tuple[Action, ...] = (
    Answer(status=500, body=f'{{"error": "{MARK}"}}'),
    Answer(status=400, code="ValidationException"),
    AuthExpire(),
    Deny(),
    Garbage(form="html502"),
    Garbage(form="truncated"),
    Garbage(form="wrongType"),
    LostResponse(),
    Reset(),
)


@pytest.mark.parametrize("field", ["aws secretAccessKey", "azure clientSecret", "gcp key.json"])
async def test_no_secret_is_told_anywhere_whatever_goes_wrong(
    lab: LabThread, logged: list[dict[str, Any]], field: str
) -> None:
    cloud, _, name = field.partition(" ")
    async with World(lab) as world:
        world.pool(replicas=15)
        await world.run_for(minutes=2)
        world.cluster.secrets["shop", f"{cloud}-keys"] = {
            **world.cluster.secrets["shop", f"{cloud}-keys"],
            name: MARK.encode(),
        }
        for trouble in TROUBLES:
            placed = lab.place(Fault(match=Match(cloud=cloud), action=trouble))  # type: ignore[arg-type]  # of the rows
            await world.run_for(minutes=2)
            lab.lift(placed)
        told = [json.dumps(body.get("status")) for body in world.cluster.objects.values()]
        told += [repr(event) for event in world.cluster.events]
        told += [repr(event) for event in logged]
        told.append(generate_latest(world.operator.registry).decode())
        assert any("AuthenticationFailed" in each or "SecretInvalid" in each for each in told), "nothing went wrong"
        assert [each for each in told if MARK in each] == []


# Cost


async def test_one_huge_wish_and_many_objects_buy_no_more_than_the_brake_lets_through(lab: LabThread) -> None:
    guard = Guard(max_added_percent=0, max_added_nodes=30)
    async with World(lab, guard=guard) as world:
        for cloud in CLOUDS:
            huge = members(cloud, maxNodes=10_000)
            world.pool(cloud, replicas=1_000_000, maxReplicas=1_000_000, members=huge)
        await world.run_for(minutes=9)
        added = sum(write.to - 4 for write in _newest(world))
        assert 0 < added <= 30


def _newest(world: World) -> list[Write]:
    """The last write of each node pool."""
    return list({(write.cloud, write.node_pool): write for write in world.cloud_writes}.values())
