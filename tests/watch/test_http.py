from collections.abc import AsyncIterator

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Gauge

from multicloud.watch.http import HttpServer


@pytest.fixture
def missing() -> list[str]:
    return []


@pytest.fixture
async def url(missing: list[str]) -> AsyncIterator[str]:
    registry = CollectorRegistry()
    Gauge("multicloud_thing", "A thing.", registry=registry).set(3)
    server = HttpServer(registry, missing=lambda: missing)
    port = await server.start("127.0.0.1", 0)
    yield f"http://127.0.0.1:{port}"
    await server.stop()


async def get(url: str) -> tuple[int, str, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, answer.content_type, await answer.text()


async def test_a_live_process_is_healthy_whatever_it_lacks(url: str, missing: list[str]) -> None:
    missing.append("the lease")
    assert (await get(f"{url}/healthz"))[0] == 200


async def test_readiness_names_what_is_missing(url: str, missing: list[str]) -> None:
    assert (await get(f"{url}/readyz"))[0] == 200
    missing += ["CRD multicloudpools.multicloud.dev", "the first list"]
    status, _, text = await get(f"{url}/readyz")
    assert (status, text.splitlines()) == (503, missing)


async def test_metrics_are_in_the_format_of_prometheus(url: str) -> None:
    status, content_type, text = await get(f"{url}/metrics")
    assert (status, content_type) == (200, "text/plain")
    assert "multicloud_thing 3.0" in text
