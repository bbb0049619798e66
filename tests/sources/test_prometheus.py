"""One number or a stable reason, whatever a Prometheus answers; and nothing that it says is repeated."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from multicloud.model.error import NoSample
from multicloud.model.metric import Asker, Sample
from multicloud.model.policy import Measured, PrometheusQuery
from multicloud.model.reason import Code
from multicloud.model.ref import Kind, ObjectKey
from multicloud.settings import BasicLogin
from multicloud.settings import Prometheus as Place
from multicloud.sources.prometheus import MOST_BYTES, Prometheus
from support.clock import EPOCH, VirtualClock
from support.prometheus import Respond, ScriptedPrometheus, answers, hangs, redirects, result, vector

SECRET = "hunter2-in-a-body"
NOW_S = EPOCH.timestamp()
SHOP = Asker(namespace="shop", pool=ObjectKey(kind=Kind.POOL, namespace="shop", name="web"))


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedPrometheus]:
    async with ScriptedPrometheus(now=VirtualClock().now) as server:
        yield server


def source(server: ScriptedPrometheus, **place: Any) -> Prometheus:
    fields = {"url": server.url, "namespaces": ("shop",), "timeout_s": 5, **place}
    return Prometheus({"main": Place(**fields)}, VirtualClock())


async def ask(prometheus: Prometheus, query: str = "up", *, name: str = "main", asker: Asker = SHOP) -> Sample:
    return await prometheus.read(asker, PrometheusQuery(source=name, query=query))


async def refusal(prometheus: Prometheus, **how: Any) -> NoSample:
    with pytest.raises(NoSample) as caught:
        await ask(prometheus, **how)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value.__context__)
    return caught.value


@pytest.mark.parametrize(
    ("printed", "milli"),
    [
        pytest.param("0", 0, id="zero is a number"),
        pytest.param("123.25", 123250, id="a fraction"),
        pytest.param("1.5e+06", 1_500_000_000, id="Go's exponent"),
        pytest.param("0.30000000000000004", 301, id="rounded up to the thousandth"),
        pytest.param("1e-300", 1, id="nearly nothing is not nothing"),
        pytest.param("999999999999999", 999_999_999_999_999_000, id="the largest load"),
    ],
)
@pytest.mark.parametrize("kind", ["vector", "scalar"])
async def test_one_number_is_read_as_printed(scripted: ScriptedPrometheus, kind: str, printed: str, milli: int) -> None:
    whole = vector(printed, at=NOW_S) if kind == "vector" else result("scalar", [NOW_S, printed])
    scripted.respond = answers(whole)
    assert await ask(source(scripted)) == Sample(found=Measured(milli=milli), at=datetime.fromtimestamp(NOW_S, UTC))


@pytest.mark.parametrize(
    ("respond", "code"),
    [
        pytest.param(answers(vector(at=NOW_S)), Code.METRIC_EMPTY, id="no series"),
        pytest.param(answers(vector(1, 2, at=NOW_S)), Code.METRIC_AMBIGUOUS, id="two series"),
        pytest.param(answers(vector("NaN", at=NOW_S)), Code.METRIC_NOT_A_NUMBER, id="NaN"),
        pytest.param(answers(vector("+Inf", at=NOW_S)), Code.METRIC_NOT_A_NUMBER, id="infinity"),
        pytest.param(answers(vector("-Inf", at=NOW_S)), Code.METRIC_NOT_A_NUMBER, id="minus infinity"),
        pytest.param(answers(vector("-0.5", at=NOW_S)), Code.METRIC_NEGATIVE, id="negative"),
        pytest.param(answers(vector("1e15", at=NOW_S)), Code.METRIC_NOT_A_NUMBER, id="too large"),
        pytest.param(answers(vector("1e9999", at=NOW_S)), Code.METRIC_NOT_A_NUMBER, id="larger than a float"),
        pytest.param(answers(vector("1e99999999", at=NOW_S)), Code.METRIC_NOT_A_NUMBER, id="a bomb of digits"),
        pytest.param(answers(vector("1_000", at=NOW_S)), Code.METRIC_NOT_A_NUMBER, id="Python's number"),
        pytest.param(answers(vector(SECRET, at=NOW_S)), Code.METRIC_NOT_A_NUMBER, id="words"),
        pytest.param(answers(result("string", [NOW_S, "5"])), Code.METRIC_NOT_A_NUMBER, id="a string"),
        pytest.param(answers(result("matrix", [{"values": [[NOW_S, "5"]]}])), Code.METRIC_NOT_A_NUMBER, id="a range"),
        pytest.param(answers(result("vector", [{"histogram": [NOW_S, {}]}])), Code.METRIC_NOT_A_NUMBER, id="histogram"),
        pytest.param(answers(result("vector", [[NOW_S, "5"]])), Code.METRIC_NOT_A_NUMBER, id="another shape"),
        pytest.param(answers(result("scalar", [True, "5"])), Code.METRIC_NOT_A_NUMBER, id="no time"),
        pytest.param(answers(result("vector", {"a": 1})), Code.METRIC_NOT_A_NUMBER, id="an object for a list"),
        pytest.param(answers(vector(5, at=NOW_S - 121)), Code.STALE, id="of the past"),
        pytest.param(answers(vector(5, at=NOW_S + 121)), Code.STALE, id="of the future"),
        pytest.param(answers(vector(5, at=1e300)), Code.UNEXPECTED, id="of no time"),
        pytest.param(answers('{"status":"success","data":{"resultType":"scalar","result":[NaN,"5"]}}'), Code.UNEXPECTED, id="of a NaN time"),
        pytest.param(answers({"status": "error", "error": SECRET}), Code.UNEXPECTED, id="an error called success"),
        pytest.param(answers(SECRET), Code.UNEXPECTED, id="not JSON"),
        pytest.param(answers([]), Code.UNEXPECTED, id="a list"),
        pytest.param(answers("[" * 60_000), Code.UNEXPECTED, id="a nest"),
        pytest.param(answers("x" * (MOST_BYTES + 1)), Code.METRIC_AMBIGUOUS, id="too long"),
        pytest.param(answers(SECRET, status=400), Code.QUERY_REFUSED, id="bad query"),
        pytest.param(answers(SECRET, status=401), Code.AUTH_FAILED, id="unauthorized"),
        pytest.param(answers(SECRET, status=403), Code.DENIED, id="forbidden"),
        pytest.param(answers(SECRET, status=404), Code.UNEXPECTED, id="no such path"),
        pytest.param(answers(SECRET, status=422), Code.QUERY_REFUSED, id="not executable"),
        pytest.param(answers(SECRET, status=429), Code.THROTTLED, id="throttled"),
        pytest.param(answers(SECRET, status=503), Code.UNAVAILABLE, id="unavailable"),
        pytest.param(answers(SECRET, status=204), Code.UNAVAILABLE, id="no content"),
    ],
)  # fmt: skip
async def test_whatever_is_no_number_is_a_reason(scripted: ScriptedPrometheus, respond: Respond, code: Code) -> None:
    scripted.respond = respond
    assert (await refusal(source(scripted))).reason.code is code


async def test_one_that_hangs_is_given_up(scripted: ScriptedPrometheus) -> None:
    scripted.respond = hangs
    assert (await refusal(source(scripted, timeout_s=0.05))).reason.code is Code.TIMED_OUT


async def test_one_that_is_dead_is_unavailable(scripted: ScriptedPrometheus) -> None:
    prometheus = source(scripted)
    await scripted.stop()
    assert (await refusal(prometheus)).reason.code is Code.UNAVAILABLE
    await scripted.revive()
    scripted.values["up"] = 1
    assert (await ask(prometheus)).found == Measured(milli=1000)


async def test_a_redirect_is_not_followed_and_takes_no_credential_along(
    scripted: ScriptedPrometheus, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(SECRET)
    async with ScriptedPrometheus(now=VirtualClock().now) as elsewhere:
        scripted.respond = redirects(f"{elsewhere.url}/api/v1/query")
        told = await refusal(source(scripted, bearer_token_file=tmp_path / "token"))
        assert elsewhere.asked == []
    assert told.reason.code is Code.UNEXPECTED


@pytest.mark.parametrize(
    ("name", "namespaces"),
    [("main", ("other",)), ("main", ()), ("another", ("shop",))],
    ids=["of another namespace", "of nobody", "of no such name"],
)
async def test_a_source_that_is_not_for_this_namespace_is_not_asked(
    scripted: ScriptedPrometheus, name: str, namespaces: tuple[str, ...]
) -> None:
    told = await refusal(source(scripted, namespaces=namespaces), name=name)
    assert (told.reason.code, scripted.asked) == (Code.SOURCE_NOT_ALLOWED, [])
    assert told.reason.text == f"no source {name} is configured for this namespace (setting metrics.prometheus)"


async def test_a_star_lets_every_namespace_ask(scripted: ScriptedPrometheus) -> None:
    scripted.values["up"] = 7
    assert (await ask(source(scripted, namespaces=("*",)))).found == Measured(milli=7000)


async def test_credentials_are_read_anew_and_sent_as_told(scripted: ScriptedPrometheus, tmp_path: Path) -> None:
    scripted.values["up"] = 1
    token, password = tmp_path / "token", tmp_path / "password"
    token.write_text("first\n")
    password.write_text("p:w\n")
    bearer = source(scripted, bearer_token_file=token)
    await ask(bearer)
    token.write_text("second\n")
    await ask(bearer)
    await ask(source(scripted, basic=BasicLogin(username="us", password_file=password)))
    await ask(source(scripted))
    sent = [headers.get("Authorization") for _, headers in scripted.asked]
    assert sent == ["Bearer first", "Bearer second", "Basic dXM6cDp3", None]


async def test_a_secret_that_cannot_be_read_is_said_by_the_settings_name(
    scripted: ScriptedPrometheus, tmp_path: Path
) -> None:
    for place in ({"bearer_token_file": tmp_path / "none"}, {"ca_file": tmp_path / "none"}):
        told = await refusal(source(scripted, **place))
        assert told.reason.code is Code.UNAVAILABLE
        assert str(tmp_path) not in told.reason.text
    assert scripted.asked == []


async def test_the_query_and_its_time_limit_are_sent(scripted: ScriptedPrometheus) -> None:
    scripted.values['sum(rate(requests{path="/ä"}[1m]))'] = 3
    await ask(source(scripted), 'sum(rate(requests{path="/ä"}[1m]))')
    assert scripted.asked[0][0] == {"query": 'sum(rate(requests{path="/ä"}[1m]))', "timeout": "5s"}
