"""Which identity an account's lane has, and when its Secret is read again: with the real clouds' doors on the lab."""

import asyncio
import sys
from dataclasses import dataclass, replace

import pytest
from prometheus_client import CollectorRegistry

from multicloud.clouds.registry import SECRET_S, UNUSED_S, CloudLanes
from multicloud.model.account import AccountObject
from multicloud.model.error import NotSent, Refused, Unavailable, refused
from multicloud.model.port import Fence
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import Cloud, ObjectKey
from multicloud.model.size import Detail, OperationState, Resize
from multicloud.settings import Identities, Settings
from multicloud_lab.thread import LabThread
from support.clock import VirtualClock
from support.clouds import (
    GROUNDS,
    Ground,
    MemorySecrets,
    account_of,
    endpoints,
    secret_of,
    wrong_secret_of,
)
from support.lab import lab

__all__ = ["lab"]

AWS = GROUNDS[0]


class OpenFence:
    """The fence of a leader, unless `why` says otherwise."""

    def __init__(self) -> None:
        self.why: Reason | None = None
        self.budgets: list[float] = []
        self.removals: list[bool] = []

    def check(self, budget_s: float, *, removes: bool) -> None:
        self.budgets.append(budget_s)
        self.removals.append(removes)
        if self.why is not None:
            raise NotSent(self.why)


class Stage:
    def __init__(self, running: LabThread, *ambient: str) -> None:
        self.document = running.document
        self.secrets = MemorySecrets()
        self.clock = VirtualClock()
        self.fence = OpenFence()
        self.lanes = CloudLanes(
            secrets=self.secrets,
            settings=Settings(
                clouds=endpoints(running.document), identities=Identities(ambient_namespaces=tuple(ambient))
            ),
            fence=_as_port(self.fence),
            clock=self.clock,
            registry=CollectorRegistry(),
        )
        for cloud in Cloud:
            self.secrets.held["shop", f"{cloud}-keys"] = secret_of(cloud, running.document)

    def account(self, cloud: Cloud = Cloud.AWS, *, namespace: str = "shop") -> AccountObject:
        return account_of(cloud, self.document, namespace=namespace)


def _as_port(fence: OpenFence) -> Fence:
    return fence


@pytest.fixture
def stage(lab: LabThread) -> Stage:
    return Stage(lab)


async def refusal(stage: Stage, account: AccountObject) -> Reason:
    with pytest.raises(Refused) as caught:
        await stage.lanes.lane(account)
    return caught.value.reason


@pytest.mark.parametrize("ground", GROUNDS, ids=lambda ground: str(ground.cloud))
async def test_the_whole_way_to_each_cloud(lab: LabThread, stage: Stage, ground: Ground) -> None:
    lane = await stage.lanes.lane(stage.account(ground.cloud))
    assert (await lane.whoami()).name == ground.principal
    told = (await lane.list([ground.web.cluster], detail=Detail.FULL))[ground.web.cluster]
    assert not isinstance(told, Exception)
    web = next(pool for pool in told if pool.ref == ground.web)
    stage.fence.why = Reason(code=Code.STOPPED, text="the stop switch forbids every cloud write")
    with pytest.raises(NotSent):
        await lane.resize(Resize(pool=web, to=9), token="resize-1")
    assert ground.writes(lab) == []
    stage.fence.why = None
    asked = await lane.resize(Resize(pool=web, to=9), token="resize-1")
    lab.advance(1800)
    assert (await lane.poll(asked)).state is OperationState.DONE
    assert [entry["to"] for entry in ground.writes(lab)] == [9]
    told = (await lane.list([ground.web.cluster], detail=Detail.FULL))[ground.web.cluster]
    assert not isinstance(told, Exception)
    web = next(pool for pool in told if pool.ref == ground.web)
    await lane.resize(Resize(pool=web, to=6), token="resize-2")
    assert stage.fence.budgets == [5, 5, 5]
    assert stage.fence.removals == [False, False, True]
    assert stage.lanes.in_flight == 0


async def test_a_lane_is_used_again_and_its_secret_read_again_in_time(stage: Stage) -> None:
    first = await stage.lanes.lane(stage.account())
    stage.clock.advance(SECRET_S - 1)
    assert await stage.lanes.lane(stage.account()) is first
    assert stage.secrets.reads == 1
    stage.clock.advance(1)
    assert await stage.lanes.lane(stage.account()) is first
    assert stage.secrets.reads == 2


async def test_asked_for_at_once_it_is_opened_once(stage: Stage) -> None:
    lanes = await asyncio.gather(*(stage.lanes.lane(stage.account()) for _ in range(10)))
    assert all(lane is lanes[0] for lane in lanes)
    assert stage.secrets.reads == 1


async def test_a_changed_secret_is_used_within_a_minute(stage: Stage) -> None:
    renewed: list[ObjectKey] = []
    stage.lanes.when_renewed(renewed.append)
    first = await stage.lanes.lane(stage.account())
    stage.secrets.held["shop", "aws-keys"] = {"accessKeyId": b"AKIANEXT", "secretAccessKey": b"next"}
    assert await stage.lanes.lane(stage.account()) is first
    assert renewed == []
    stage.clock.advance(SECRET_S)
    second = await stage.lanes.lane(stage.account())
    assert second is not first
    assert renewed == [stage.account().key], "others drop what they hold of the identity before"
    assert (await second.whoami()).name == "arn:aws:iam::111122223333:user/AKIANEXT"
    assert (await first.whoami()).name == AWS.principal, "who holds the old lane may finish with it"


@pytest.mark.parametrize("ground", GROUNDS, ids=lambda ground: str(ground.cloud))
async def test_a_refused_secret_is_read_again_at_once(lab: LabThread, stage: Stage, ground: Ground) -> None:
    name = ("shop", f"{ground.cloud}-keys")
    stage.secrets.held[name] = wrong_secret_of(ground.cloud, lab.document)
    lane = await stage.lanes.lane(stage.account(ground.cloud))
    with pytest.raises(Refused) as caught:
        await lane.whoami()
    assert caught.value.reason.code is Code.AUTH_FAILED
    stage.secrets.held[name] = secret_of(ground.cloud, lab.document)
    mended = await stage.lanes.lane(stage.account(ground.cloud))
    assert (await mended.whoami()).name == ground.principal


async def test_two_accounts_never_share_a_lane_even_with_one_secret(stage: Stage) -> None:
    other = replace(stage.account(), uid="another")
    assert await stage.lanes.lane(stage.account()) is not await stage.lanes.lane(other)


async def test_a_changed_account_gets_another_lane_at_once(stage: Stage) -> None:
    first = await stage.lanes.lane(stage.account())
    account = stage.account()
    assert account.spec is not None
    stage.secrets.held["shop", "more-keys"] = {"accessKeyId": b"AKIANEXT", "secretAccessKey": b"next"}
    moved = await stage.lanes.lane(replace(account, spec=replace(account.spec, secret="more-keys")))
    assert moved is not first


async def test_a_deleted_secret_closes_the_lane(stage: Stage) -> None:
    await stage.lanes.lane(stage.account())
    stage.secrets.failure = refused(Code.SECRET_NOT_FOUND, "Secret aws-keys does not exist")
    stage.clock.advance(SECRET_S)
    assert (await refusal(stage, stage.account())).code is Code.SECRET_NOT_FOUND
    assert (await refusal(stage, stage.account())).code is Code.SECRET_NOT_FOUND


async def test_while_the_api_server_is_away_the_clouds_need_not_be(stage: Stage) -> None:
    first = await stage.lanes.lane(stage.account())
    stage.secrets.failure = Unavailable(Reason(code=Code.UNAVAILABLE, text="the API server did not answer"))
    stage.clock.advance(SECRET_S)
    assert await stage.lanes.lane(stage.account()) is first
    with pytest.raises(Unavailable):
        await stage.lanes.lane(stage.account(Cloud.AZURE))


@pytest.mark.parametrize(
    ("cloud", "secret", "code"),
    [
        (Cloud.AWS, {"password": b"x"}, Code.SECRET_KEY_MISSING),
        (Cloud.AZURE, {"clientSecret": b""}, Code.SECRET_INVALID),
        (Cloud.GCP, {"key.json": b"{"}, Code.SECRET_INVALID),
    ],
)
async def test_a_secret_that_a_person_must_mend(
    stage: Stage, cloud: Cloud, secret: dict[str, bytes], code: Code
) -> None:
    stage.secrets.held["shop", f"{cloud}-keys"] = secret
    assert (await refusal(stage, stage.account(cloud))).code is code


async def test_the_operators_own_identity_is_the_administrators_to_give(
    lab: LabThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"AWS_ACCESS_KEY_ID": "AKIAOPERATOR", "AWS_SECRET_ACCESS_KEY": "own"}.items():
        monkeypatch.setenv(name, value)
    stage = Stage(lab, "platform")
    ambient = _without_secret(stage.account(namespace="platform"))
    lane = await stage.lanes.lane(ambient)
    assert (await lane.whoami()).name == "arn:aws:iam::111122223333:user/AKIAOPERATOR"
    reason = await refusal(stage, _without_secret(stage.account()))
    assert reason.code is Code.AMBIENT_IDENTITY_NOT_ALLOWED
    assert stage.secrets.reads == 0


def _without_secret(account: AccountObject) -> AccountObject:
    assert account.spec is not None
    return replace(account, spec=replace(account.spec, secret=None))


async def test_a_cloud_whose_sdk_is_not_installed_says_so(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "multicloud.clouds.gke.door", raising=False)
    monkeypatch.delattr("multicloud.clouds.gke.door", raising=False)
    for name in [name for name in sys.modules if name.startswith("multicloud.clouds.gke.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "google.cloud.container_v1", None)
    reason = await refusal(stage, stage.account(Cloud.GCP))
    assert reason.code is Code.SDK_NOT_INSTALLED
    assert "google.cloud.container_v1" in reason.text
    assert (await (await stage.lanes.lane(stage.account())).whoami()).name == AWS.principal


async def test_an_account_that_was_not_understood_has_no_lane(stage: Stage) -> None:
    problem = Reason(code=Code.INVALID_SPEC, text="spec.provider: unknown")
    assert await refusal(stage, replace(stage.account(), spec=None, problem=problem)) == problem


async def test_a_lane_that_nobody_asks_for_is_forgotten(stage: Stage) -> None:
    await stage.lanes.lane(stage.account())
    stage.clock.advance(UNUSED_S + 1)
    await stage.lanes.lane(stage.account(Cloud.AZURE))
    await stage.lanes.lane(stage.account())
    assert stage.secrets.reads == 3


async def test_closed_lanes_are_opened_anew(stage: Stage) -> None:
    first = await stage.lanes.lane(stage.account())
    stage.lanes.close()
    assert await stage.lanes.lane(stage.account()) is not first


@dataclass(frozen=True, slots=True, kw_only=True)
class Moon:
    """A provider block that no door is for."""

    cloud: Cloud = Cloud.AWS
    owner: str = ""
    target: str | None = None


async def test_a_provider_that_no_door_is_for_is_refused(stage: Stage) -> None:
    account = stage.account()
    assert account.spec is not None
    strange = replace(account, spec=replace(account.spec, provider=Moon()))
    assert (await refusal(stage, strange)).code is Code.INVALID_SPEC
