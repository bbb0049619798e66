"""Pools that ask before they act: a day of ApproveShrink, and a stale plan that nobody carries out."""

from typing import Any

from multicloud_lab.thread import LabThread
from support.lab import lab
from support.world import World, members

__all__ = ["lab"]

APPROVE = "multicloud.dev/approve"


def aws_pool(**spec: Any) -> dict[str, Any]:
    disruption = {"maxNodesPerStep": 100, "scaleDownDelaySeconds": 0}
    return {"adoption": "Apply", "members": members("aws"), "disruption": disruption, **spec}


def writes(world: World) -> list[int]:
    return [write.to for write in world.cloud_writes]


def waiting(world: World) -> tuple[str, str]:
    return world.condition("ApprovalRequired")


def asked_for(world: World) -> int:
    """Events that somebody's approval is waited for."""
    return sum(note.action == "ApprovalRequired" for note in world.cluster.events)


async def test_a_day_of_a_pool_that_asks_before_it_removes(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(**aws_pool(mode="ApproveShrink", replicas=10))
        await world.run_until(lambda: writes(world) == [10], minutes=1)
        await world.run_until(lambda: world.status().get("replicas") == 10)
        assert waiting(world) == ("False", "NothingToApprove")

        world.edit(replicas=6)
        await world.run_until(lambda: waiting(world) == ("True", "ApprovalRequired"), minutes=2)
        first = world.status()["plan"]
        assert [(one["member"], one["from"], one["to"]) for one in first["changes"]] == [("aws", 10, 6)]
        assert asked_for(world) == 1
        written = world.cluster.status_writes
        await world.run_for(minutes=50)
        assert (writes(world), world.cluster.status_writes) == ([10], written), "it waits, and says nothing more"

        await world.run_for(minutes=15)
        second = world.status()["plan"]
        assert second["hash"] != first["hash"]
        assert second["ended"][0] == {"hash": first["hash"], "outcome": "PlanExpired"}
        world.edit(annotations={APPROVE: first["hash"]})
        await world.run_until(lambda: waiting(world) == ("True", "PlanExpired"), minutes=1)
        assert (writes(world), world.status()["approval"]["outcome"]) == ([10], "PlanExpired")

        await world.crash()
        world.start()
        await world.run_for(minutes=1)
        assert world.status()["plan"]["hash"] == second["hash"], "a restart publishes no other plan"
        world.edit(annotations={APPROVE: second["hash"]})
        await world.run_until(lambda: world.status().get("replicas") == 6)
        await world.run_until(lambda: world.status()["approval"]["outcome"] == "PlanExecuted", minutes=5)
        assert writes(world) == [10, 6]

        world.edit(replicas=10)
        await world.run_until(lambda: world.status().get("replicas") == 10)
        assert writes(world) == [10, 6, 10], "growth asks nobody"
        world.edit(replicas=6)
        await world.run_until(lambda: waiting(world) == ("True", "ApprovalUsed"), minutes=2)
        await world.run_for(hours=3)
        assert writes(world) == [10, 6, 10], "an approval works once"


async def test_a_pool_turned_from_plan_to_apply_does_what_is_right_now_not_what_was_planned(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(**aws_pool(mode="Plan", replicas=30))
        await world.run_until(lambda: waiting(world) == ("True", "ApprovalRequired"), minutes=2)
        stale = world.status()["plan"]["hash"]
        assert world.status()["plan"]["changes"][0]["to"] == 30
        await world.run_for(minutes=30)
        assert writes(world) == []

        world.edit(mode="Apply", replicas=8, annotations={APPROVE: stale})
        await world.run_until(lambda: world.status().get("replicas") == 8)
        await world.run_for(hours=2)
        assert writes(world) == [8]
        assert world.status()["approval"]["outcome"] == "PlanChanged"
        assert world.status()["plan"]["hash"] is None


async def test_a_status_that_claims_an_approval_makes_no_call(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(**aws_pool(mode="Plan", replicas=30))
        await world.run_until(lambda: waiting(world) == ("True", "ApprovalRequired"), minutes=2)
        await world.crash()
        (body,) = [body for body in world.cluster.objects.values() if body["kind"] == "MultiCloudPool"]
        at = world.clock.now().isoformat()
        plan = body["status"]["plan"]
        body["status"]["approval"] = {"hash": plan["hash"], "manager": "me", "at": at, "outcome": "Approved"}
        for condition in body["status"]["conditions"]:
            if condition["type"] == "ApprovalRequired":
                condition.update(status="False", reason="Approved")
        world.start()
        await world.run_for(minutes=30)
        assert writes(world) == []
        assert waiting(world) == ("True", "ApprovalRequired")
