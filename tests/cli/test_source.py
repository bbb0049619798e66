"""The load of the demo as the operator reads it, told by a Prometheus and by its stand-in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from multicloud.cli.demo import source as module
from multicloud.cli.demo.failure import DemoError
from multicloud.cli.demo.source import SERIES, STAND_IN, Source
from multicloud.model.error import NoSample
from multicloud.model.metric import Asker
from multicloud.model.policy import Measured, PrometheusQuery
from multicloud.model.reason import Code
from multicloud.model.ref import Kind, ObjectKey
from multicloud.run.clock import SystemClock
from multicloud.settings import Prometheus as Place
from multicloud.sources.prometheus import Prometheus
from support.controlplane import put_program
from support.prometheus_programs import program

SHOP = Asker(namespace="shop", pool=ObjectKey(kind=Kind.POOL, namespace="shop", name="web"))
QUERY = PrometheusQuery(source="main", query=f"sum({SERIES})")


@pytest.fixture(params=["Prometheus", STAND_IN])
async def source(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Source]:
    prometheus = program("prometheus") if request.param == "Prometheus" else None
    async with Source(1200, prometheus=prometheus, directory=tmp_path, clock=SystemClock()) as source:
        assert source.name == request.param
        yield source


async def read(source: Source) -> int | Code:
    """As the operator does: the load, or why there is none."""
    asked = Prometheus({"main": Place(url=source.url, namespaces=("shop",))}, SystemClock())
    try:
        found = (await asked.read(SHOP, QUERY)).found
    except NoSample as error:
        return error.reason.code
    assert isinstance(found, Measured)
    return found.milli // 1000


async def test_the_operator_reads_the_load_of_now_and_nothing_while_nobody_tells_it(source: Source) -> None:
    await source.until_told()
    assert await read(source) == 1200
    source.load = 2400
    await source.until_told()
    assert await read(source) == 2400
    await source.kill()
    source.load = 600
    assert await read(source) is Code.UNAVAILABLE
    await source.revive()
    assert await read(source) == 600


async def test_one_that_does_not_tell_is_told_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOLD_WITHIN_S", 1.0)
    broken = put_program(tmp_path / "bin", "prometheus", "echo the disk is full; exit 2")
    async with Source(1200, prometheus=broken, directory=tmp_path, clock=SystemClock()) as source:
        with pytest.raises(DemoError, match="the disk is full"):
            await source.until_told()
