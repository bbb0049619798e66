"""A clock that is wrong: found by the Date of the clouds' answers."""

from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest

from multicloud.cli.check.checking import LooksOnly, check
from multicloud.cli.check.entering import greeter
from multicloud.cli.check.shown import rows
from multicloud.cli.check.wire import Wire
from multicloud.clouds.metering import MetricRegistry
from multicloud.clouds.registry import CloudLanes
from multicloud.kinds.parse import pool_object
from multicloud.model.exchange import Exchange, Tap
from multicloud.model.ref import Cloud
from multicloud.run.clock import SystemClock
from multicloud.settings import MemberClusters, Settings
from multicloud_lab.thread import LabThread
from support.clock import EPOCH, VirtualClock
from support.clouds import MemorySecrets, account_of, endpoints, secret_of
from support.world import pool_body


class WrongClock(SystemClock):
    """Ten minutes ahead of the world."""

    def now(self) -> datetime:
        return super().now() + timedelta(minutes=10)


def exchange(**headers: str) -> Exchange:
    return Exchange(
        service="eks",
        method="GET",
        url="https://eks.example:8443/a?b=c",
        sent="",
        status=200,
        headers=headers,
        answer="",
    )


def dated(seconds: float) -> Exchange:
    return exchange(date=format_datetime(EPOCH + timedelta(seconds=seconds), usegmt=True))


def test_the_answer_that_differs_least_counts() -> None:
    wire = Wire(VirtualClock(), keep=False)
    for each in (dated(-31), dated(-2), dated(90)):
        wire(each)
    assert wire.skew_s == -2


@pytest.mark.parametrize("stamp", ["", "yesterday", "2026-11-23"])
def test_a_date_that_is_none_says_nothing(stamp: str) -> None:
    wire = Wire(VirtualClock(), keep=False)
    wire(exchange(Date=stamp))
    assert wire.skew_s is None


def test_endpoints_are_told_without_path_and_query() -> None:
    wire = Wire(VirtualClock(), keep=False)
    wire(dated(0))
    assert wire.endpoints == ("https://eks.example:8443",)


@pytest.mark.parametrize("cloud", Cloud)
async def test_a_clock_that_is_off_is_a_problem_of_every_account(shared_lab: LabThread, cloud: Cloud) -> None:
    account = account_of(cloud, shared_lab.document)
    secrets = MemorySecrets(held={("shop", f"{cloud}-keys"): secret_of(cloud, shared_lab.document)})
    clock = WrongClock()

    def open_lanes(tap: Tap) -> CloudLanes:
        return CloudLanes(
            secrets=secrets,
            settings=Settings(clouds=endpoints(shared_lab.document)),
            fence=LooksOnly(),
            clock=clock,
            registry=MetricRegistry(),
            tap=tap,
        )

    wires = {account.key: Wire(clock, keep=False)}
    greet = greeter(secrets, MemberClusters(look=False))
    report = await check([account], [pool_object(pool_body())], open_lanes, greet, wires)
    assert not report.fine
    (said,) = [row for row in rows(report, wide=False) if row.about == "clock"]
    assert said.state == "wrong"
    assert "-600 s" in said.says or "-599 s" in said.says or "-601 s" in said.says
