"""The external metrics API, answered by a server that says what a test tells it, in the shape of the API and in others."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from multicloud.kube.external import KubeExternal
from multicloud.model.error import NoSample
from multicloud.model.metric import Asker, Sample
from multicloud.model.policy import ExternalSeries, Measured
from multicloud.model.reason import Code
from multicloud.model.ref import Kind, ObjectKey
from multicloud.sources.external import External
from support.answering import Answer, Serve
from support.clock import EPOCH, VirtualClock

SHOP = Asker(namespace="shop", pool=ObjectKey(kind=Kind.POOL, namespace="shop", name="web"))
DEPTH = ExternalSeries(name="sqs_depth", selector=(("app", "a"), ("queue", "b")))


def item(value: object, *, age_s: float = 10) -> dict[str, Any]:
    at = (EPOCH - timedelta(seconds=age_s)).isoformat().replace("+00:00", "Z")
    return {"metricName": "sqs_depth", "metricLabels": {}, "timestamp": at, "value": value}


def says(body: object, status: int = 200, asked: list[str] | None = None) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        if asked is not None:
            asked.append(f"{request.path} {dict(request.query)}")
        return web.json_response(body, status=status)

    return answer


async def read(serve: Serve, answer: Answer) -> Sample:
    return await External(KubeExternal(await serve(answer)), VirtualClock()).read(SHOP, DEPTH)


async def test_the_series_that_match_are_summed_and_the_oldest_tells_the_age(serve: Serve) -> None:
    asked: list[str] = []
    sample = await read(serve, says({"items": [item("1500m"), item("2", age_s=40), item("1k")]}, asked=asked))
    assert sample == Sample(found=Measured(milli=1_003_500), at=EPOCH - timedelta(seconds=40))
    path = "/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/sqs_depth"
    assert asked == [f"{path} {{'labelSelector': 'app=a,queue=b'}}"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param({"items": []}, 200, Code.METRIC_EMPTY, id="no series"),
        pytest.param({"items": [item("5", age_s=301)]}, 200, Code.STALE, id="old"),
        pytest.param({"items": [item("5"), item("-6")]}, 200, Code.METRIC_NEGATIVE, id="negative"),
        pytest.param({"items": [item("a lot")]}, 200, Code.UNAVAILABLE, id="words"),
        pytest.param({"items": [item(None)]}, 200, Code.UNAVAILABLE, id="no value"),
        pytest.param({"items": [{"value": "5"}]}, 200, Code.UNAVAILABLE, id="no time"),
        pytest.param({"items": ["5"]}, 200, Code.UNAVAILABLE, id="another shape"),
        pytest.param({"items": 5}, 200, Code.UNAVAILABLE, id="no list"),
        pytest.param({"message": "no"}, 404, Code.METRIC_EMPTY, id="no such metric or API"),
        pytest.param({"message": "no"}, 403, Code.DENIED, id="forbidden"),
        pytest.param({"message": "no"}, 503, Code.UNAVAILABLE, id="no adapter answers"),
    ],
)
async def test_whatever_is_no_number_is_a_reason(serve: Serve, body: object, status: int, code: Code) -> None:
    with pytest.raises(NoSample) as caught:
        await read(serve, says(body, status))
    assert caught.value.reason.code is code


async def test_where_there_is_no_cluster_to_ask_it_is_said() -> None:
    with pytest.raises(NoSample) as caught:
        await External(None, VirtualClock()).read(SHOP, DEPTH)
    assert caught.value.reason.code is Code.UNAVAILABLE


async def test_a_time_without_an_offset_is_no_time_of_the_future(serve: Serve) -> None:
    whole = {**item("5"), "timestamp": datetime.fromtimestamp(EPOCH.timestamp(), UTC).isoformat()}
    assert (await read(serve, says({"items": [whole]}))).found == Measured(milli=5000)
