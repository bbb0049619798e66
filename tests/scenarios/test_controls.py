"""What people hold in their hands: overrides, pauses, the quiet time of an edit, and the brake that holds without them."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from multicloud.settings import Guard
from multicloud_lab.thread import LabThread
from support.world import World, Write, members

OVERRIDE = "multicloud.dev/override"


@pytest.fixture
def lab() -> Iterator[LabThread]:
    with LabThread() as running:
        yield running


def note(world: World, *, hours: float, **bounds: Any) -> dict[str, str]:
    until = world.clock.now() + timedelta(hours=hours)
    return {OVERRIDE: json.dumps({**bounds, "until": until.isoformat(), "reason": "INC-42"})}


def aws_pool(**spec: Any) -> dict[str, Any]:
    disruption = {"maxNodesPerStep": 100, "scaleDownDelaySeconds": 300}
    return {"adoption": "Apply", "members": members("aws"), "disruption": disruption, **spec}


def writes(world: World) -> list[int]:
    return [write.to for write in world.cloud_writes]


def decider(world: World) -> tuple[str, str]:
    by = world.status()["desiredBy"]
    return by["kind"], by["reason"]


# Override


async def test_an_override_grows_at_once_and_ends_by_itself_through_the_delay(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(**aws_pool(replicas=10))
        await world.run_until(lambda: world.status().get("replicas") == 10)
        world.edit(annotations=note(world, hours=2, minReplicas=25))
        await world.run_until(lambda: writes(world) == [10, 25], minutes=1)
        assert decider(world) == ("Override", "Override")
        assert world.condition("OverrideInvalid") == ("False", "OverrideActive")
        await world.run_for(hours=1)
        await world.crash()
        world.start()
        await world.run_for(minutes=50)
        assert (writes(world), world.status()["replicas"]) == ([10, 25], 25)

        await world.run_until(lambda: decider(world) == ("MultiCloudPool", "SpecReplicas"))
        assert (world.status()["desiredReplicas"], world.status()["limitedBy"]) == (25, "DeciderChanged")
        assert world.condition("OverrideInvalid") == ("False", "OverrideExpired")
        await world.run_for(seconds=290)
        assert writes(world) == [10, 25]
        await world.run_until(lambda: world.status()["replicas"] == 10)
        assert writes(world) == [10, 25, 10]
        await world.run_for(hours=1)
        assert writes(world) == [10, 25, 10]


async def test_an_override_expires_also_while_nobody_runs(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(**aws_pool(replicas=10))
        world.edit(annotations=note(world, hours=1, replicas=20))
        await world.run_until(lambda: world.status().get("replicas") == 20)
        await world.crash()
        world.clock.advance(2 * 3600)
        lab.advance(2 * 3600)
        world.start()
        await world.run_until(lambda: world.status()["replicas"] == 10)
        assert world.condition("OverrideInvalid") == ("False", "OverrideExpired")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param("minReplicas: 90", "OverrideNotUnderstood", id="no JSON"),
        pytest.param(
            '{"minReplicas": 90, "force": true, "until": "2026-12-01T08:00:00Z"}', "OverrideNotUnderstood", id="key"
        ),
        pytest.param('{"replicas": 0, "until": "2001-01-01T00:00:00Z"}', "OverrideInPast", id="past"),
        pytest.param('{"replicas": 0, "until": "2099-01-01T00:00:00Z"}', "OverrideTooLong", id="beyond seven days"),
    ],
)
async def test_a_mistaken_override_is_said_and_changes_no_size_until_it_is_mended(
    lab: LabThread, value: str, reason: str
) -> None:
    async with World(lab) as world:
        world.pool(**aws_pool(replicas=10))
        await world.run_until(lambda: world.status().get("replicas") == 10)
        world.edit(annotations={OVERRIDE: value})
        await world.run_until(lambda: world.condition("OverrideInvalid") == ("True", reason), minutes=1)
        for wished in (30, 7):
            world.edit(replicas=wished)
            await world.run_for(hours=1)
        assert (writes(world), decider(world), world.status()["desiredReplicas"]) == ([10], ("Hold", reason), 10)
        assert [event.warning for event in world.cluster.events if str(event.reason.code) == reason] == [True]
        world.edit(annotations={})
        await world.run_until(lambda: world.status()["replicas"] == 7)
        assert world.condition("OverrideInvalid") == ("False", "NoOverride")


# Pause


async def test_a_paused_account_is_not_written_to_and_says_so_everywhere(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(replicas=12)
        await world.run_until(lambda: world.status().get("replicas") == 12)
        world.annotate_account("aws", {"multicloud.dev/paused": "true"})
        await world.run_until(lambda: world.condition("Paused") == ("True", "AccountPaused"), minutes=1)
        await world.run_until(lambda: world.account_condition("aws", "Paused") == ("True", "AccountPaused"), minutes=1)
        world.edit(replicas=30)
        await world.run_until(lambda: world.status()["replicas"] == 30)
        assert {(write.cloud, write.to) for write in world.cloud_writes} == {("azure", 13), ("gcp", 13)}
        assert world.member("aws")["reason"] == "AccountPaused"

        world.annotate_account("aws", {})
        await world.run_until(lambda: world.member("aws")["readyNodes"] == 10)
        assert world.condition("Paused") == ("False", "NotPaused")
        await world.run_until(lambda: world.account_condition("aws", "Paused") == ("False", "NotPaused"), minutes=1)


async def test_paused_removals_let_the_pool_grow(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(**aws_pool(replicas=10, disruption={"scaleDownDelaySeconds": 0}))
        await world.run_until(lambda: world.status().get("replicas") == 10)
        world.edit(annotations={"multicloud.dev/paused-scale-in": "true"}, replicas=6)
        await world.run_for(hours=1)
        assert (writes(world), world.status()["limitedBy"]) == ([10], "ScaleInPaused")
        assert world.condition("Paused") == ("True", "ScaleInPaused")
        world.edit(replicas=14)
        await world.run_until(lambda: world.status()["replicas"] == 14)
        world.edit(annotations={}, replicas=6)
        await world.run_until(lambda: world.status()["replicas"] == 6)
        assert writes(world) == [10, 14, 6]


async def test_adopting_a_stranger_changes_no_size_and_is_said(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(replicas=6)
        world.edit(annotations={"multicloud.dev/adopt": "amazon, azure"})
        await world.run_until(lambda: world.status().get("replicas") == 8)
        assert world.condition("AdoptionPending") == ("True", "AdoptUnknownMember")
        await world.run_for(hours=1)
        assert world.cloud_writes == [Write("azure", "shop-prod", "web", 0)]


# The quiet time of an edit


async def test_an_edit_is_acted_on_after_a_second_of_quiet(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(**aws_pool(replicas=10))
        await world.run_until(lambda: world.status().get("replicas") == 10)
        world.edit(replicas=11)
        await world.run_for(seconds=0.8)
        world.edit(replicas=12)
        await world.run_for(seconds=0.8)
        assert world.status()["desiredReplicas"] == 10
        await world.run_for(seconds=0.3)
        assert world.status()["desiredReplicas"] == 12
        await world.run_until(lambda: world.status()["replicas"] == 12)
        assert writes(world) == [10, 12]


async def test_edits_that_never_rest_are_acted_on_after_five_seconds(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(**aws_pool(replicas=10))
        await world.run_until(lambda: world.status().get("replicas") == 10)
        seen: dict[int, int] = {}
        for edit in range(1, 10):
            world.edit(replicas=10 + edit)
            await world.run_for(seconds=0.8)
            seen[edit] = world.status()["desiredReplicas"]
        # Seven edits within five seconds: the seventh, at 4.8 s, is acted on at 5 s.
        assert [seen[edit] for edit in range(1, 7)] == [10] * 6
        assert seen[7] == 17


async def test_half_an_edit_is_not_acted_on_whoever_wakes_the_pool(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(**aws_pool(replicas=10))
        await world.run_until(lambda: world.status().get("replicas") == 10)
        world.edit(replicas=30)
        world.operator.wake_pools()
        await world.run_for(seconds=0.5)
        assert world.status()["desiredReplicas"] == 10
        world.edit(replicas=10)
        await world.run_for(minutes=5)
        assert writes(world) == [10]


# The brake


def removed_within(world: World, window_s: float, *clouds: str) -> int:
    """The most nodes that were asked to go in any window of the journal."""
    moves = [
        (datetime.fromisoformat(str(entry["time"])), int(str(entry["from"])) - int(str(entry["to"])))
        for entry in world.lab.journal()
        if entry["effective"] and entry["cloud"] in clouds and entry["principal"] != "hand" and entry["to"] is not None
    ]
    return max(
        sum(nodes for at, nodes in moves if nodes > 0 and 0 <= (at - began).total_seconds() < window_s)
        for began, _ in moves
    )


def waiting(world: World, direction: str) -> float:
    value = world.operator.registry.get_sample_value("multicloud_brake_waiting_pools", {"direction": direction})
    assert value is not None
    return value


async def test_the_brake_binds_over_pools_that_race_and_lets_go_by_itself(lab: LabThread) -> None:
    guard = Guard(max_removed_percent=0, max_removed_nodes=8, max_added_percent=0, max_added_nodes=30)
    clouds = ("aws", "azure", "gcp")
    async with World(lab, guard=guard) as world:
        for cloud in clouds:
            world.pool(cloud, **aws_pool(members=members(cloud), replicas=20, disruption={"scaleDownDelaySeconds": 0}))
        await world.run_until(lambda: len(world.cloud_writes) >= 2, minutes=5)
        assert waiting(world, "up") >= 1
        # 48 nodes are missing and 30 may come in ten minutes: the rest follows when the window lets go.
        took_s = await world.run_until(lambda: all(world.status(cloud).get("replicas") == 20 for cloud in clouds))
        assert took_s > 600
        assert (waiting(world, "up"), waiting(world, "down")) == (0, 0)

        for cloud in clouds:
            world.edit(cloud, replicas=10)
        await world.run_for(minutes=5)
        assert waiting(world, "down") == 3
        assert {world.status(cloud)["limitedBy"] for cloud in clouds} == {"FleetBrake"}
        await world.run_until(lambda: all(world.status(cloud)["replicas"] == 10 for cloud in clouds), minutes=120)
        assert removed_within(world, 600, *clouds) == 8
        assert waiting(world, "down") == 0


async def test_a_pool_that_goes_away_waits_for_no_brake(lab: LabThread) -> None:
    async with World(lab, guard=Guard(max_removed_percent=0, max_removed_nodes=1)) as world:
        world.pool(**aws_pool(replicas=10))
        await world.run_until(lambda: world.status().get("replicas") == 10)
        world.edit(replicas=6)
        await world.run_until(lambda: waiting(world, "down") == 1)
        world.delete()
        await world.run_for(seconds=10)
        assert waiting(world, "down") == 0
