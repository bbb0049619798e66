"""Nothing secret is ever said: every row of every error table, through a lane, and then everything that came out is read."""

import json
import logging
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pytest
import structlog
from prometheus_client import CollectorRegistry, generate_latest

from clouds.aks.test_errors import BROKEN as AKS_BROKEN
from clouds.aks.test_errors import GARBAGE as AKS_GARBAGE
from clouds.aks.test_errors import ROWS as AKS_ROWS
from clouds.aks.test_errors import arm_error
from clouds.eks.test_errors import BROKEN as EKS_BROKEN
from clouds.eks.test_errors import GARBAGE as EKS_GARBAGE
from clouds.eks.test_errors import ROWS as EKS_ROWS
from clouds.gke.test_errors import BROKEN as GKE_BROKEN
from clouds.gke.test_errors import COMPUTE as GKE_COMPUTE
from clouds.gke.test_errors import ROWS as GKE_ROWS
from multicloud.clouds.lane import CloudLane, Shared
from multicloud.clouds.metering import LaneMetrics
from multicloud.clouds.pace import Buckets
from multicloud.clouds.threads import Exit
from multicloud.model.error import CloudError
from multicloud.model.port import CloudDoor
from multicloud.model.reason import Code
from multicloud.model.ref import Cloud, Kind, ObjectKey
from multicloud.model.size import Detail, NodePool, Resize
from support import awsdoor, azuredoor, googledoor
from support.azuredoor import agent_pool
from support.clock import VirtualClock
from support.googledoor import ClusterManager, Fault, Google
from support.vendor import Answer, Vendor, certificates

TOKEN = "made-up-session-token"


class OpenFence:
    def check(self, budget_s: float, *, removes: bool) -> None:  # noqa: ARG002 - the signature is the port's
        assert budget_s > 0


EXIT = Exit(OpenFence(), budget_s=5)


def leaked(text: str, secrets: Sequence[str]) -> list[str]:
    return [secret for secret in secrets if secret in text]


def everything(error: BaseException) -> str:
    """All that a log, a crash report or a person's print could make of an error, its hidden causes too."""
    told = ""
    seen: BaseException | None = error
    while seen is not None:
        told += f"{seen!r}\n{seen}\n{''.join(traceback.format_exception(seen))}\n{getattr(seen, '__notes__', '')}\n"
        seen = None if seen.__suppress_context__ else seen.__cause__ or seen.__context__
    return told


@contextmanager
def said(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """What our logs say at their finest, and the SDKs' at the level that the operator lets through."""
    told: list[str] = []
    caplog.set_level(logging.WARNING)
    before = structlog.get_config()  # a command that ran in this process may have set a level
    structlog.reset_defaults()
    try:
        with structlog.testing.capture_logs() as events:
            yield told
    finally:
        structlog.configure(**before)
    told += [json.dumps(event, default=repr) for event in events]
    told.append(caplog.text)


async def tell_everything(cloud: Cloud, door: CloudDoor, pool: NodePool) -> str:
    """Ask who we are, read and resize through a lane of its own; returns all that was raised, shown or counted."""
    clock, registry = VirtualClock(), CollectorRegistry()
    lane = CloudLane(
        door,
        account=ObjectKey(kind=Kind.ACCOUNT, namespace="shop", name="prod"),
        cloud=cloud,
        shared=Shared(clock=clock, buckets=Buckets(clock), metrics=LaneMetrics(registry), call_timeout_s=20),
        auth_failed=lambda: None,
    )
    told = f"{door!r}{lane!r}"
    for call in (
        lane.whoami,
        lambda: lane.list([pool.ref.cluster], detail=Detail.FULL),
        lambda: lane.resize(Resize(pool=pool, to=9), token="t"),
    ):
        try:
            told += repr(await call())
        except CloudError as error:
            told += everything(error)
    lane.close()
    return told + generate_latest(registry).decode()


async def test_aws(caplog: pytest.LogCaptureFixture) -> None:
    secret = {**awsdoor.KEYS, "sessionToken": TOKEN.encode()}
    secrets = [awsdoor.KEYS["secretAccessKey"].decode(), TOKEN]
    # As AWS does for refused signatures: the sentence repeats the signed headers.
    echo = f"The Canonical String for this request should have been 'x-amz-security-token:{TOKEN}'"
    answers: Mapping[str, Answer] = {
        **{
            name: awsdoor.refusal(word, status, echo if code is Code.AUTH_FAILED else "in AWS's words")
            for name, (word, status, _, code) in EKS_ROWS.items()
        },
        **{name: awsdoor.refusal(*row) if row[0] else Answer(status=row[1]) for name, row in EKS_BROKEN.items()},
        **{name: answer for name, (answer, _) in EKS_GARBAGE.items()},
    }
    with said(caplog) as logged, Vendor(None) as vendor:
        door = awsdoor.scripted_door(vendor, EXIT, secret=secret)
        for name, answer in answers.items():
            vendor.answer("GET", "/", answer)
            vendor.answer("POST", "/", answer)
            told = await tell_everything(Cloud.AWS, door, awsdoor.pool_fact())
            assert (name, leaked(told, secrets)) == (name, [])
    assert {seen.headers.get("X-Amz-Security-Token") for seen in vendor.seen} == {TOKEN}
    assert leaked("".join(logged), secrets) == []
    assert len(logged) > 3 * len(answers)


async def test_azure(caplog: pytest.LogCaptureFixture) -> None:
    secrets = [azuredoor.SECRET, "opaque-token"]
    answers: Mapping[str, Answer] = {
        **{name: arm_error(row[0], row[1], row[2]) for name, row in AKS_ROWS.items()},
        **{name: arm_error(status, "InternalServerError", "oops") for name, status in AKS_BROKEN.items()},
        **AKS_GARBAGE,
    }
    with said(caplog) as logged, certificates() as tls, Vendor(tls) as vendor:
        door = azuredoor.scripted_door(vendor, EXIT)
        for name, answer in answers.items():
            vendor.answer("GET", "/agentPools", answer)
            vendor.answer("GET", "/agentPools/web", Answer(body=agent_pool()))
            vendor.answer("PUT", "/agentPools/web", answer)
            told = await tell_everything(Cloud.AZURE, door, azuredoor.pool_fact())
            assert (name, leaked(told, secrets)) == (name, [])
    assert "Bearer opaque-token" in {seen.headers.get("Authorization") for seen in vendor.calls("PUT")}
    assert leaked("".join(logged), secrets) == []
    assert len(logged) > 2 * len(answers)


async def test_google(caplog: pytest.LogCaptureFixture) -> None:
    secrets = [googledoor.private_key().split("\n")[1], "opaque-token"]
    answers: Mapping[str, Fault | Answer] = {
        **{name: row[0] for name, row in GKE_ROWS.items()},
        **{name: Fault(code=name, message="x") for name in GKE_BROKEN},
        **{f"compute {name}": row[0] for name, row in GKE_COMPUTE.items()},
    }
    with said(caplog) as logged, certificates() as tls, ClusterManager(tls) as manager, Vendor(None) as rest:
        google = Google(manager, rest, tls)
        door = google.door(EXIT)
        for name, answer in answers.items():
            if isinstance(answer, Answer):
                rest.answer("GET", "/instanceGroupManagers", answer)
            else:
                manager.answer("ListNodePools", answer)
                manager.answer("SetNodePoolSize", answer)
            told = await tell_everything(Cloud.GCP, door, googledoor.pool_fact())
            assert (name, leaked(told, secrets)) == (name, [])
    assert {call.authorization for call in manager.calls} == {"Bearer opaque-token"}
    assert leaked("".join(logged), secrets) == []
    assert len(logged) > 2 * len(answers)
