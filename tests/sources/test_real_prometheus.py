"""Our source against a real Prometheus: what its own answers, refusals and failures become."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from multicloud.model.error import NoSample
from multicloud.model.metric import Asker
from multicloud.model.policy import Measured, PrometheusQuery
from multicloud.model.reason import Code
from multicloud.model.ref import Kind, ObjectKey
from multicloud.run.clock import SystemClock
from multicloud.settings import BasicLogin
from multicloud.settings import Prometheus as Place
from multicloud.sources.prometheus import Prometheus
from multicloud_lab.core.tls import Tls, make_tls
from support.prometheus_server import Exporter, PrometheusServer

SERIES = {
    'load{shop="a"}': 1200,
    'load{shop="b"}': 300.5,
    "alone": 7,
    "broken": "NaN",
    "without_end": "+Inf",
    **{f'wide{{number="{number}",of="{"x" * 100}"}}': 1 for number in range(500)},
}
SHOP = Asker(namespace="shop", pool=ObjectKey(kind=Kind.POOL, namespace="shop", name="web"))
PASSWORD, HASHED = "hunter2-in-a-file", "$2b$04$abcdefghijklmnopqrstuuYNr72g9jjqp5j4DSLQpqUGcWjeVFgJG"


@pytest.fixture(scope="module")
def exporter() -> Iterator[Exporter]:
    with Exporter(SERIES) as exporter:
        yield exporter


@pytest.fixture(scope="module")
def server(exporter: Exporter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    with PrometheusServer(directory=tmp_path_factory.mktemp("prometheus"), scrapes=exporter.place) as server:
        yield server


def source(server: PrometheusServer, **place: Any) -> Prometheus:
    fields = {"url": server.url, "namespaces": ("shop",), **place}
    return Prometheus({"main": Place(**fields)}, SystemClock())


async def ask(prometheus: Prometheus, query: str) -> int | Code:
    """The number in thousandths, or why there is none."""
    try:
        sample = await prometheus.read(SHOP, PrometheusQuery(source="main", query=query))
    except NoSample as error:
        return error.reason.code
    assert isinstance(sample.found, Measured)
    assert abs((SystemClock().now() - sample.at).total_seconds()) < 60
    return sample.found.milli


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("alone", 7000, id="a vector of one series"),
        pytest.param("sum(load)", 1_500_500, id="an aggregate"),
        pytest.param("scalar(alone)", 7000, id="a scalar"),
        pytest.param("42", 42_000, id="a number"),
        pytest.param("1e6", 1_000_000_000, id="a million"),
        pytest.param("1e-7", 1, id="nearly nothing is not nothing"),
        pytest.param("0.1 + 0.2", 301, id="a float's last digit, rounded up"),
        pytest.param("alone > 100 or vector(0)", 0, id="nothing is zero where the query says so"),
        pytest.param("load", Code.METRIC_AMBIGUOUS, id="several series"),
        pytest.param("wide", Code.METRIC_AMBIGUOUS, id="more series than are read"),
        pytest.param("nobody_has_this", Code.METRIC_EMPTY, id="no series"),
        pytest.param("alone > 100", Code.METRIC_EMPTY, id="a comparison that holds for none"),
        pytest.param("scalar(load)", Code.METRIC_NOT_A_NUMBER, id="a scalar of several series is NaN"),
        pytest.param("broken", Code.METRIC_NOT_A_NUMBER, id="NaN"),
        pytest.param("without_end", Code.METRIC_NOT_A_NUMBER, id="infinity"),
        pytest.param("alone / 0", Code.METRIC_NOT_A_NUMBER, id="a division by zero"),
        pytest.param("-alone", Code.METRIC_NEGATIVE, id="negative"),
        pytest.param("1e21", Code.METRIC_NOT_A_NUMBER, id="beyond any load"),
        pytest.param('"seven"', Code.METRIC_NOT_A_NUMBER, id="a string"),
        pytest.param("alone[1m]", Code.METRIC_NOT_A_NUMBER, id="a range"),
        pytest.param("sum(", Code.QUERY_REFUSED, id="no query"),
        pytest.param("load * on () group_left () load", Code.QUERY_REFUSED, id="a query that cannot be carried out"),
    ],
)
async def test_every_answer_is_one_number_or_a_reason(server: PrometheusServer, query: str, found: int | Code) -> None:
    assert await ask(source(server), query) == found


async def test_a_series_that_is_no_longer_served_is_nothing_and_not_its_last_value(
    exporter: Exporter, server: PrometheusServer
) -> None:
    exporter.series["passing"] = 5
    server.until_told("passing", "5")
    assert await ask(source(server), "passing") == 5000
    del exporter.series["passing"]
    server.until_told("passing")
    assert await ask(source(server), "passing") is Code.METRIC_EMPTY


async def test_what_is_scraped_from_nobody_is_nothing(tmp_path: Path) -> None:
    with Exporter({"alone": 7}) as exporter, PrometheusServer(directory=tmp_path, scrapes=exporter.place) as server:
        server.until_told("alone", "7")
        exporter.stop()
        server.until_told("up", "0")
        assert await ask(source(server), "alone") is Code.METRIC_EMPTY


async def test_one_that_is_killed_is_unavailable_and_has_a_number_again_when_it_is_back(
    server: PrometheusServer,
) -> None:
    prometheus = source(server)
    server.kill()
    assert await ask(prometheus, "alone") is Code.UNAVAILABLE
    server.start()
    assert await ask(prometheus, "alone") == 7000


async def test_one_that_is_frozen_is_given_up_and_has_a_number_again_when_it_is_thawed(
    server: PrometheusServer,
) -> None:
    server.freeze()
    try:
        assert await ask(source(server, timeout_s=0.2), "alone") is Code.TIMED_OUT
    finally:
        server.thaw()
    assert await ask(source(server), "alone") == 7000


async def test_another_path_of_it_has_no_query_api(server: PrometheusServer) -> None:
    assert await ask(source(server, url=f"{server.url}/elsewhere"), "alone") is Code.UNEXPECTED


@pytest.fixture(scope="module")
def tls() -> Iterator[Tls]:
    made = make_tls()
    yield made
    made.remove()


@pytest.fixture(scope="module")
def guarded(exporter: Exporter, tls: Tls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    """One with TLS that knows one user."""
    files = {"cert_file": str(tls.cert_file), "key_file": str(tls.key_file)}
    with PrometheusServer(
        directory=tmp_path_factory.mktemp("guarded"),
        scrapes=exporter.place,
        web={"tls_server_config": files, "basic_auth_users": {"operator": HASHED}},
        credentials=("operator", PASSWORD),
        ca_file=tls.ca_file,
    ) as server:
        yield server


async def test_the_user_of_the_setting_is_let_in_over_tls(guarded: PrometheusServer, tls: Tls, tmp_path: Path) -> None:
    file = tmp_path / "password"
    login = BasicLogin(username="operator", password_file=file)
    prometheus = source(guarded, ca_file=tls.ca_file, basic=login)
    file.write_text("wrong\n")
    assert await ask(prometheus, "alone") is Code.AUTH_FAILED
    file.write_text(f"{PASSWORD}\n")
    assert await ask(prometheus, "alone") == 7000
    assert await ask(source(guarded, ca_file=tls.ca_file), "alone") is Code.AUTH_FAILED


async def test_one_whose_certificate_is_of_nobody_that_is_trusted_is_unavailable(guarded: PrometheusServer) -> None:
    assert await ask(source(guarded), "alone") is Code.UNAVAILABLE
