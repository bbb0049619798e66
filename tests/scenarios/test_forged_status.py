"""A status that was edited by hand while nobody ran, to claim this and that: it changes no size, calls nobody, and is said."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from multicloud.model.reason import Code
from multicloud.model.ref import Kind
from multicloud_lab.thread import LabThread
from support.lab import lab
from support.world import World

__all__ = ["lab"]

Forge = Callable[[dict[str, Any], datetime], None]

BY_HAND = [
    {"manager": "multicloud-operator", "operation": "Apply", "subresource": "status"},
    {"manager": "kubectl-edit", "operation": "Update", "subresource": "status"},
]
OURS = BY_HAND[:1]


def at(moment: datetime, **ago: float) -> str:
    return (moment - timedelta(**ago)).isoformat()


def member(status: dict[str, Any], **fields: Any) -> None:
    """Every member of the status with these fields."""
    for each in status["members"]:
        each.update(fields)


def intent(now: datetime, *, minutes_ago: float, target: int) -> dict[str, Any]:
    begun = at(now, minutes=minutes_ago)
    return {"id": "f" * 32, "target": target, "from": 4, "startedAt": begun, "deadline": begun}


FORGERIES: dict[str, Forge] = {
    "an intent to grow": lambda status, now: member(status, intent=intent(now, minutes_ago=0, target=40)),
    "an old intent to shrink": lambda status, now: member(status, intent=intent(now, minutes_ago=90, target=0)),
    "an intent of tomorrow": lambda status, now: member(status, intent=intent(now, minutes_ago=-1440, target=0)),
    "an operation": lambda status, now: member(
        status, intent=intent(now, minutes_ago=90, target=0), operation={"id": "../../x"}
    ),
    "an intent that was given up": lambda status, now: member(status, givenUp=intent(now, minutes_ago=9, target=4)),
    "sizes that are not": lambda status, _now: member(status, requestedNodes=40, nodes=40, readyNodes=40),
    "no nodes": lambda status, _now: member(status, requestedNodes=0, nodes=0, readyNodes=0),
    "an agreed size": lambda status, now: member(status, agreedNodes=1, heldSince=at(now, days=2)),
    "a larger agreed size": lambda status, now: member(status, agreedNodes=9, heldSince=at(now, days=2)),
    "an accepted size": lambda status, now: member(
        status, agreedNodes=9, accepted={"replicas": 12, "at": at(now, days=1)}
    ),
    "a floor that is gone": lambda status, _now: member(status, adoptionFloor=None),
    "a floor that is high": lambda status, _now: member(status, adoptionFloor=30),
    "a claim on another node pool": lambda status, _now: member(
        status, claim={"key": "aws/1/us-east-1/shop-prod/web", "incarnation": "x", "since": "2000-01-01T00:00:00Z"}
    ),
    "a wished number": lambda status, _now: status.update(requestedReplicas=90, desiredReplicas=90),
    "a decider": lambda status, _now: status["desiredBy"].update(kind="Hold", reason="Hold"),
    "a past approval": lambda status, now: status.update(
        approval={"hash": "0" * 16, "manager": "me", "at": at(now, minutes=1), "outcome": "Approved"}
    ),
    "failures": lambda status, now: member(status, attempts=9, backoffUntil=at(now, days=-9)),
    "missing nodes": lambda status, now: member(status, missingFrom=at(now, days=1)),
    "an autoscaler": lambda status, now: member(status, scalerSince=at(now, days=1)),
    "nothing at all": lambda status, _now: status.clear(),
}


@pytest.mark.parametrize(
    ("forged", "wish"),
    [
        *(pytest.param(forged, {"replicas": 3}, id=forged) for forged in FORGERIES),
        *(
            pytest.param(forged, {}, id=f"{forged}, and nobody chose a number")
            for forged in ("a wished number", "a decider", "nothing at all")
        ),
    ],
)
async def test_a_forged_status_moves_nothing(lab: LabThread, forged: str, wish: dict[str, Any]) -> None:
    async with World(lab) as world:
        world.pool(minReplicas=1, **wish)
        await world.run_for(minutes=5)
        assert world.cloud_writes == []
        await world.crash()
        body = next(body for key, body in world.cluster.objects.items() if key.kind is Kind.POOL)
        FORGERIES[forged](body["status"], world.clock.now())
        body["metadata"]["managedFields"] = BY_HAND
        world.start()
        await world.run_for(minutes=40)
        assert world.cloud_writes == []
        assert [each["adoptionFloor"] for each in world.status()["members"]] == [4, 4, 4]
        told = [note for note in world.cluster.events if note.reason.code is Code.STATUS_EDITED]
        assert [note.warning for note in told] == [True]
        assert "kubectl-edit" in told[0].reason.text


async def test_fields_that_were_cut_out_leave_no_trace_and_move_nothing_either(lab: LabThread) -> None:
    async with World(lab) as world:
        world.pool(minReplicas=1, replicas=3)
        await world.run_for(minutes=5)
        await world.crash()
        body = next(body for key, body in world.cluster.objects.items() if key.kind is Kind.POOL)
        for each in body["status"]["members"]:
            del each["adoptionFloor"]
        body["metadata"]["managedFields"] = OURS
        world.start()
        await world.run_for(minutes=40)
        assert world.cloud_writes == []
        assert [each["adoptionFloor"] for each in world.status()["members"]] == [4, 4, 4]
