"""Prometheus by its query API: one instant query that must give one number (prometheus.io, HTTP API, instant queries).

Which servers there are, with which secrets, and who may ask them is the administrator's setting; a policy knows only a name.
"""

import json
import re
import ssl
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

import aiohttp

from multicloud.model.error import NoSample
from multicloud.model.metric import Asker, Sample
from multicloud.model.policy import MILLI, Measured, PrometheusQuery
from multicloud.model.port import Clock
from multicloud.model.reason import Code, Reason
from multicloud.model.version import USER_AGENT
from multicloud.settings import Prometheus as Place

MOST_BYTES: Final = 65_536
"""Of an answer: one number takes a few hundred."""
MOST: Final = Decimal(10) ** 15
"""Values from here on are no load of anybody's."""

_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")
_NO_NUMBER: Final = frozenset({"NaN", "Inf", "+Inf", "-Inf"})

_REFUSALS: Final[Mapping[int, tuple[Code, str]]] = {
    400: (Code.QUERY_REFUSED, "does not understand the query"),
    401: (Code.AUTH_FAILED, "does not accept the credentials of its setting"),
    403: (Code.DENIED, "does not let the credentials of its setting ask"),
    404: (Code.UNEXPECTED, "has no query API at the URL of its setting"),
    413: (Code.QUERY_REFUSED, "calls the query too long"),
    422: (Code.QUERY_REFUSED, "cannot carry out the query"),
    429: (Code.THROTTLED, "asks for fewer queries"),
}


class Prometheus:
    """Implements the port MetricSource for PrometheusQuerys."""

    def __init__(self, places: Mapping[str, Place], clock: Clock) -> None:
        """`places` are the administrator's, by name."""
        self._places = places
        self._clock = clock
        self._trust: dict[str, ssl.SSLContext] = {}

    async def read(self, asker: Asker, source: PrometheusQuery) -> Sample:
        """Ask now. Raises NoSample."""
        name = source.source
        place = self._places.get(name)
        # One word for both: that another namespace has such a source is not this one's to know.
        if place is None or not {asker.namespace, "*"} & set(place.namespaces):
            text = f"no source {name} is configured for this namespace (setting metrics.prometheus)"
            raise NoSample(Reason(code=Code.SOURCE_NOT_ALLOWED, text=text))
        data = await self._ask(name, place, source.query)
        at, milli = _number(name, data)
        age_s = (self._clock.now() - at).total_seconds()
        if abs(age_s) > place.stale_s:
            text = (
                f"source {name} answered about a moment further away than its setting staleSeconds ({place.stale_s:g})"
            )
            raise NoSample(Reason(code=Code.STALE, text=text))
        return Sample(found=Measured(milli=milli), at=at)

    async def _ask(self, name: str, place: Place, query: str) -> Mapping[str, Any]:
        timeout = aiohttp.ClientTimeout(total=place.timeout_s)
        try:
            headers = _headers(place)
            trust = self._context(name, place)
        except (OSError, ssl.SSLError, ValueError):
            text = f"a file that the setting of source {name} names cannot be read"
            raise NoSample(Reason(code=Code.UNAVAILABLE, text=text)) from None
        form = {"query": query, "timeout": f"{place.timeout_s:g}s"}
        try:
            # A session of its own each time: no connection, cookie or credential outlives the question.
            async with (
                aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(ssl=trust)) as session,
                session.post(
                    f"{place.url.rstrip('/')}/api/v1/query", data=form, headers=headers, allow_redirects=False
                ) as answer,
            ):
                status, body = answer.status, await _bounded(answer)
        except TimeoutError:
            text = f"source {name} did not answer within its setting timeoutSeconds ({place.timeout_s:g})"
            raise NoSample(Reason(code=Code.TIMED_OUT, text=text)) from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise NoSample(Reason(code=Code.UNAVAILABLE, text=f"source {name} cannot be reached")) from None
        return _data(name, status, body)

    def _context(self, name: str, place: Place) -> ssl.SSLContext:
        if name not in self._trust:
            self._trust[name] = ssl.create_default_context(cafile=place.ca_file)
        return self._trust[name]


def _headers(place: Place) -> dict[str, str]:
    """Who we are, from files that may have been renewed since. Raises OSError, ValueError."""
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "identity"}
    if place.bearer_token_file is not None:
        headers["Authorization"] = f"Bearer {place.bearer_token_file.read_text(encoding='utf-8').strip()}"
    elif place.basic is not None:
        password = place.basic.password_file.read_text(encoding="utf-8").strip("\r\n")
        login = b64encode(f"{place.basic.username}:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {login}"
    return headers


async def _bounded(answer: aiohttp.ClientResponse) -> bytes | None:
    """The body, None for one that is too long."""
    body = b""
    async for part, _ in answer.content.iter_chunks():
        body += part
        if len(body) > MOST_BYTES:
            return None
    return body


def _data(name: str, status: int, body: bytes | None) -> Mapping[str, Any]:
    """The answer's `data`. Raises NoSample for anything but success."""
    if status != 200:
        known = _REFUSALS.get(status)
        if known is not None:
            raise NoSample(Reason(code=known[0], text=f"source {name} {known[1]}"))
        if 300 <= status < 400:
            text = f"source {name} redirects elsewhere, which is not followed: its setting must name the place itself"
            raise NoSample(Reason(code=Code.UNEXPECTED, text=text))
        raise NoSample(Reason(code=Code.UNAVAILABLE, text=f"source {name} answers with an error of its own"))
    if body is None:
        text = f"source {name} answered with more than {MOST_BYTES} bytes: the query must give one number"
        raise NoSample(Reason(code=Code.METRIC_AMBIGUOUS, text=text))
    try:
        answer = json.loads(body)
        data = answer["data"]
        if answer["status"] == "success" and isinstance(data["resultType"], str):
            return {"type": data["resultType"], "result": data["result"]}
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    raise NoSample(Reason(code=Code.UNEXPECTED, text=f"source {name} answered with something that is no result"))


def _number(name: str, data: Mapping[str, Any]) -> tuple[datetime, int]:
    """The one number of a result in thousandths, and when it was true. Raises NoSample."""
    result = data["result"]
    if data["type"] == "vector" and isinstance(result, list):
        if not result:
            text = "the query found no series; a rate of nothing is written `… or vector(0)` where it means zero"
            raise NoSample(Reason(code=Code.METRIC_EMPTY, text=text))
        if len(result) > 1:
            text = "the query gives several series: aggregate them to one, as with sum()"
            raise NoSample(Reason(code=Code.METRIC_AMBIGUOUS, text=text))
        result = result[0].get("value") if isinstance(result[0], dict) else None
    elif data["type"] != "scalar":
        raise _not_a_number("the query gives a range, a string or a histogram: it must give one number at one time")
    match result:
        case [int() | float() as at_s, str() as printed] if not isinstance(at_s, bool):
            return _time(name, at_s), _milli(printed)
    raise _not_a_number("the query gives no plain number")


def _time(name: str, at_s: float) -> datetime:
    try:
        return datetime.fromtimestamp(0, UTC) + timedelta(seconds=at_s)
    except (OverflowError, ValueError):
        text = f"source {name} answered about a time that there is not"
        raise NoSample(Reason(code=Code.UNEXPECTED, text=text)) from None


def _milli(printed: str) -> int:
    if printed in _NO_NUMBER:
        raise _not_a_number("the query gives NaN or an infinity, as a division by zero does")
    if not _NUMBER.fullmatch(printed):
        raise _not_a_number("the query gives no plain number")
    value = Decimal(printed)
    if value < 0:
        raise NoSample(Reason(code=Code.METRIC_NEGATIVE, text="the query gives a negative number, which is no load"))
    if value >= MOST:
        raise _not_a_number("the query gives a number beyond 1e15, which is no load")
    return int((value * MILLI).to_integral_value(rounding=ROUND_CEILING))


def _not_a_number(text: str) -> NoSample:
    return NoSample(Reason(code=Code.METRIC_NOT_A_NUMBER, text=text))
