"""Sessions and tokens that end, and secrets that are rotated, while an account is in use: the real SDKs on the lab."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from multicloud.model.error import CloudError, Refused, Unavailable
from multicloud.model.reason import Code
from multicloud.model.ref import ClusterRef
from multicloud.model.size import Detail
from multicloud_lab.core.faultkinds import AuthExpire
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.core.rotation import rotate_access_key, rotate_client_secret, rotate_service_account_key
from multicloud_lab.core.seed import Seed
from multicloud_lab.thread import LabThread
from support.accounts import AccountWorld
from support.clouds import GROUNDS
from support.signing_in import CLIENT, LAB_EMAIL, NAME, NAMESPACE, WAYS, Machine, irsa, jwt, seed

BY_ID = {way.id: way for way in WAYS}
CLUSTERS: Mapping[str, ClusterRef] = {str(ground.cloud): ground.web.cluster for ground in GROUNDS}


@pytest.fixture
def signing_lab() -> Iterator[LabThread]:
    """A lab of its own for each test: secrets that were rotated stay so."""
    with LabThread(seed()) as lab:
        yield lab


async def look(world: AccountWorld, cloud: str) -> None:
    """Read the account's cluster; raises what it could not be read for."""
    told = (await (await world.lane()).list([CLUSTERS[cloud]], detail=Detail.FULL))[CLUSTERS[cloud]]
    if isinstance(told, CloudError):
        raise told


def called(machine: Machine, operation: str) -> Sequence[Mapping[str, Any]]:
    return [entry for entry in machine.lab.journal() if entry["operation"] == operation]


def new_access_key(machine: Machine) -> dict[str, bytes]:
    known = machine.lab.document["credentials"]["aws"]["accessKeyId"]
    fresh = machine.lab.run(lambda lab: rotate_access_key(lab, "lab"))
    return {"accessKeyId": known.encode(), "secretAccessKey": fresh.encode()}


def new_client_secret(machine: Machine) -> dict[str, bytes]:
    return {"clientSecret": machine.lab.run(lambda lab: rotate_client_secret(lab, CLIENT)).encode()}


def new_key(machine: Machine) -> dict[str, bytes]:
    fresh = machine.lab.run(lambda lab: rotate_service_account_key(lab, LAB_EMAIL))
    return {"key.json": json.dumps(fresh.document(machine.lab.document["google"]["token"])).encode()}


Rotation = tuple[str, Callable[[Machine], dict[str, bytes]], int]

ROTATIONS: Mapping[str, Rotation] = {
    "aws": ("aws-keys", new_access_key, 0),
    "aws-role": ("aws-keys-then-role", new_access_key, 1),
    "azure": ("azure-client-secret", new_client_secret, 1),
    "gcp": ("gcp-key", new_key, 1),
    "gcp-impersonation": ("gcp-key-then-impersonation", new_key, 2),
}
"""A way, who rotates its secret, and how many sessions and tokens made with the old one must end to feel it."""


@pytest.mark.parametrize("row", ROTATIONS.values(), ids=ROTATIONS.keys())
async def test_a_rotated_secret_is_used_at_the_first_refusal(machine: Machine, row: Rotation) -> None:
    way, rotate, outlive = BY_ID[row[0]], row[1], row[2]
    async with AccountWorld(machine, way) as world:
        await world.settled()
        await look(world, way.cloud)
        fresh = rotate(machine)
        if outlive:
            machine.lab.place(Fault(action=AuthExpire(), match=Match(cloud=way.cloud), times=outlive))
        refusals = []
        for _ in range(3):
            with pytest.raises(CloudError) as caught:
                await look(world, way.cloud)
            refusals.append(caught.value.reason.code)
            if caught.value.reason.code is Code.AUTH_FAILED:
                break
        assert refusals[-1] is Code.AUTH_FAILED
        world.world.cluster.secrets[NAMESPACE, f"{NAME}-keys"] = fresh
        await look(world, way.cloud)


async def test_the_account_mends_itself_within_a_minute_of_its_secret(machine: Machine) -> None:
    way = BY_ID["aws-keys"]
    assert way.secret is not None
    right = way.secret(machine)
    async with AccountWorld(machine, replace(way, secret=lambda _: {**right, "secretAccessKey": b"wrong"})) as world:
        assert world.conditions(await world.settled())["Stalled"] == ("True", "AuthenticationFailed")
        world.world.cluster.secrets[NAMESPACE, f"{NAME}-keys"] = right
        await world.world.run_for(seconds=60)
        assert world.conditions(world.status())["Ready"] == ("True", "IdentityProved")


RENEWED: Mapping[str, str] = {
    "aws-keys-then-role": "AssumeRole",
    "aws-irsa": "AssumeRoleWithWebIdentity",
    "aws-irsa-then-role": "AssumeRole",
    "aws-pod-identity": "AssumeRoleForPodIdentity",
    "azure-client-secret": "Entra_Token",
    "azure-workload-identity": "Entra_Token",
    "azure-managed-identity": "ManagedIdentity_Token",
    "gcp-key": "token",
    "gcp-key-then-impersonation": "generateAccessToken",
    "gcp-metadata": "metadata.token",
    "gcp-federation": "sts.token",
}
"""What the next call asks for, by way, once the cloud has said that the session or token has ended."""

READS: Mapping[str, str] = {"aws": "DescribeNodegroup", "azure": "AgentPools_List", "gcp": "ListNodePools"}


@pytest.mark.parametrize("way_id", RENEWED)
async def test_a_session_that_ended_early_costs_one_call(machine: Machine, way_id: str) -> None:
    way, opening = BY_ID[way_id], RENEWED[way_id]
    async with AccountWorld(machine, way) as world:
        await world.settled()
        before = len(called(machine, opening))
        machine.lab.place(Fault(action=AuthExpire(), match=Match(operation=READS[way.cloud]), times=1))
        with pytest.raises(Unavailable) as caught:
            await look(world, way.cloud)
        assert caught.value.reason.code is Code.TOKEN_EXPIRED
        await look(world, way.cloud)
        assert len(called(machine, opening)) == before + 1
        assert world.conditions(world.status())["Stalled"][0] == "False"


async def test_keys_of_a_session_that_ended_are_a_persons_to_renew(machine: Machine) -> None:
    way = BY_ID["aws-session-keys"]
    async with AccountWorld(machine, way) as world:
        await world.settled()
        machine.lab.place(Fault(action=AuthExpire(), match=Match(operation="DescribeNodegroup"), times=1))
        with pytest.raises(Refused) as caught:
            await look(world, way.cloud)
        assert caught.value.reason.code is Code.AUTH_FAILED


@pytest.mark.parametrize("way_id", ["aws-keys-then-role", "aws-irsa", "aws-pod-identity"])
async def test_a_session_is_renewed_before_it_ends(
    way_id: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, strays: list[str]
) -> None:
    """botocore renews from fifteen minutes before the end: sessions of ten minutes are renewed at every call."""
    plain = seed()
    short: Seed = plain.model_copy(update={"aws": plain.aws.model_copy(update={"switches": {"roleSessionS": 600}})})
    with LabThread(short) as lab:
        machine = Machine(lab, monkeypatch, tmp_path)
        machine.clear()
        async with AccountWorld(machine, BY_ID[way_id]) as world:
            await world.settled()
            before = len(called(machine, RENEWED[way_id]))
            await look(world, "aws")
            assert len(called(machine, RENEWED[way_id])) > before
            assert {entry["result"] for entry in lab.journal()} == {"200"}
    assert strays == []


async def test_a_federated_token_that_was_replaced_is_read_again_after_a_refusal(machine: Machine) -> None:
    way = BY_ID["azure-workload-identity"]

    def stale(inner: Machine) -> None:
        assert way.given is not None
        way.given(inner)
        inner.file("azure-token", jwt("api://AzureADTokenExchange", exp=1))

    async with AccountWorld(machine, replace(way, given=stale)) as world:
        assert world.conditions(await world.settled())["Ready"] == ("False", "ClockSkewed")
        machine.file("azure-token", jwt("api://AzureADTokenExchange"))
        await world.world.run_for(seconds=60)
        assert world.conditions(world.status())["Ready"] == ("True", "IdentityProved")


async def test_a_web_identity_that_ended_is_not_tried_for_ever(machine: Machine) -> None:
    way = BY_ID["aws-irsa"]

    def stale(inner: Machine) -> None:
        irsa(inner)
        inner.file("aws-token", jwt("sts.amazonaws.com", exp=1))

    async with AccountWorld(machine, replace(way, given=stale)) as world:
        assert world.conditions(await world.settled())["Stalled"] == ("True", "AuthenticationFailed")
        machine.file("aws-token", jwt("sts.amazonaws.com"))
        await world.world.run_for(seconds=60)
        assert world.conditions(world.status())["Ready"] == ("True", "IdentityProved")


async def test_a_changed_role_is_another_identity_at_once(machine: Machine) -> None:
    way = BY_ID["aws-keys-then-role"]
    async with AccountWorld(machine, way) as world:
        await world.settled()
        other = "arn:aws:iam::111122223333:role/batch"
        credentials = {"credentials": {"secretRef": {"name": f"{NAME}-keys"}}}
        world.apply(NAME, {"provider": "aws", "aws": {"roleArn": other}, **credentials})
        status = await world.settled()
        assert "assumed-role/batch/" in status["identity"]
        machine.lab.run(lambda lab: lab.permissions.deny("lab", "sts:AssumeRole"))
        world.apply(NAME, {"provider": "aws", "aws": {"roleArn": f"{other}2"}, **credentials})
        status = await world.settled()
        assert world.conditions(status)["Stalled"] == ("True", "PermissionDenied")
        assert "identity" not in status, "who we were is not who we are"
