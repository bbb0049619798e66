"""Every way to sign in, from the account as written to what the cloud's journal names: the real SDKs on the lab.

And what none of them may do: reach a host that no administrator named, or anything before the administrator's leave.
"""

import socket
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from multicloud.model.port import Lane
from multicloud.model.ref import ClusterRef
from multicloud.model.size import Detail
from multicloud_lab.thread import LabThread
from support.accounts import AccountWorld
from support.clouds import GROUNDS
from support.signing_in import NAMESPACE, SESSION, WAYS, Machine, Way

CLUSTERS: Mapping[str, ClusterRef] = {str(ground.cloud): ground.web.cluster for ground in GROUNDS}

every_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.id)
every_ambient_way = pytest.mark.parametrize("way", [way for way in WAYS if way.secret is None], ids=lambda way: way.id)


def journal_since(lab: LabThread, number: int) -> Sequence[Mapping[str, Any]]:
    return lab.journal()[number:]


@every_way
async def test_status_shows_who_we_are_and_the_cloud_sees_the_same(machine: Machine, way: Way) -> None:
    async with AccountWorld(machine, way) as world:
        status = await world.settled()
        assert world.conditions(status) == {
            "Ready": ("True", "IdentityProved"),
            "Reconciling": ("False", "IdentityProved"),
            "Stalled": ("False", "IdentityProved"),
            "Paused": ("False", "NotPaused"),
        }
        assert status["identity"] == way.identity
        assert status.get("externalId") == way.external_id
        before = len(machine.lab.journal())
        told = await (await world.lane()).list([CLUSTERS[way.cloud]], detail=Detail.FULL)
        assert not isinstance(told[CLUSTERS[way.cloud]], Exception)
        reads = [entry for entry in journal_since(machine.lab, before) if entry["cloud"] == way.cloud]
        assert {entry["principal"] for entry in reads} == {way.principal}
        assert {entry["result"] for entry in reads} == {"200"}


@pytest.mark.parametrize("way", [way for way in WAYS if way.external_id], ids=lambda way: way.id)
async def test_a_role_is_assumed_with_the_external_id_and_a_name_that_can_be_traced(machine: Machine, way: Way) -> None:
    async with AccountWorld(machine, way) as world:
        await world.settled()
    entries: Sequence[Mapping[str, Any]] = machine.lab.journal()
    told = [entry["arguments"] for entry in entries if "ExternalId" in entry["arguments"]]
    assert [(each["ExternalId"], each["RoleSessionName"], each["RoleArn"]) for each in told] == [
        (way.external_id, SESSION, way.block["roleArn"])
    ]


@every_ambient_way
async def test_nothing_is_sent_where_the_namespace_may_not(machine: Machine, way: Way) -> None:
    async with AccountWorld(machine, way, ambient_namespaces=["elsewhere"]) as world:
        status = await world.settled()
    assert world.conditions(status)["Stalled"] == ("True", "AmbientIdentityNotAllowed")
    assert machine.lab.journal() == []


@every_ambient_way
async def test_nothing_is_sent_where_the_target_is_not_listed(machine: Machine, way: Way) -> None:
    others = ("arn:aws:iam::111122223333:role/other", "00000000-0000-0000-0000-0000000000dd@*", "other@*")
    async with AccountWorld(machine, way, allow={NAMESPACE: others, "elsewhere": ("*",)}) as world:
        status = await world.settled()
    assert world.conditions(status)["Stalled"] == ("True", "IdentityNotAllowed")
    assert status.get("externalId") == way.external_id, "the role's owner needs it before anything works"
    assert machine.lab.journal() == []


async def test_lanes_of_two_accounts_share_nothing(machine: Machine) -> None:
    keys, role = WAYS[0], WAYS[2]
    async with AccountWorld(machine, keys) as world:
        await world.settled()
        world.add("second", role)
        await world.settled("second")
        lanes: list[Lane] = [await world.lane(), await world.lane("second")]
        for lane, principal in ((lanes[0], "lab"), (lanes[1], "pools"), (lanes[0], "lab"), (lanes[1], "pools")):
            before = len(machine.lab.journal())
            await lane.list([CLUSTERS["aws"]], detail=Detail.FULL)
            assert {entry["principal"] for entry in journal_since(machine.lab, before)} == {principal}


def test_a_call_elsewhere_would_be_seen(strays: list[str]) -> None:
    for name in ("192.0.2.1", "evil.example", "169.254.169.254"):
        with pytest.raises(OSError, match="may not talk"):
            socket.create_connection((name, 80), timeout=1)
    assert strays == ["192.0.2.1", "evil.example", "169.254.169.254"]
    strays.clear()
