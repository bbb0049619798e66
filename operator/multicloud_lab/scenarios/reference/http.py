"""One HTTP request and its answer as JSON; whatever is not a readable answer is a doubt, never a no."""

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]


class DoubtError(Exception):
    """Nothing is known of what was asked: no answer, a foreign one, or the cloud's own failure (5xx)."""


class WaitError(Exception):
    """The cloud says no for now: `after_s` (virtual seconds) is how long at least, `stale` that a read was too old."""

    def __init__(self, why: str, after_s: float = 0.0, *, stale: bool = False) -> None:
        """Keep why, and how long to wait at least."""
        super().__init__(why)
        self.after_s = after_s
        self.stale = stale


class GoneError(Exception):
    """What was asked for is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status, headers and body of an answer; `text` is the body as it came."""

    status: int
    headers: Mapping[str, str]
    body: Json = field(default_factory=dict)
    text: str = ""


class Http:
    """Sends requests, a connection each. `timeout_s` real seconds; `ca_file` for https."""

    def __init__(self, timeout_s: float, ca_file: str | None = None) -> None:
        """Trust this certificate authority and no other."""
        self._timeout_s = timeout_s
        self._tls = None if ca_file is None else ssl.create_default_context(cafile=ca_file)

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", *, json_answer: bool = True
    ) -> Answer:
        """Return an answer with a status below 500. Raises DoubtError."""
        place = urlsplit(url)
        assert place.hostname is not None
        target = place.path + (f"?{place.query}" if place.query else "")
        if place.scheme == "https":
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                place.hostname, place.port, timeout=self._timeout_s, context=self._tls
            )
        else:
            connection = http.client.HTTPConnection(place.hostname, place.port, timeout=self._timeout_s)
        try:
            connection.request(method, target, body or None, dict(headers))
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            raise DoubtError(f"{method} {target}: {type(error).__name__}") from error
        finally:
            connection.close()
        if response.status >= 500:
            raise DoubtError(f"{method} {target}: {response.status}")
        return Answer(
            status=response.status,
            headers={name.lower(): value for name, value in response.getheaders()},
            body=_object(text, f"{method} {target}") if json_answer else {},
            text=text,
        )


def retry_after_s(answer: Answer) -> float:
    """Return the answer's Retry-After in seconds, 0 without one."""
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isdigit() else 0.0


def _object(text: str, where: str) -> Json:
    try:
        body = json.loads(text)
    except json.JSONDecodeError as error:
        raise DoubtError(f"{where}: the answer is no JSON") from error
    if not isinstance(body, dict):
        raise DoubtError(f"{where}: the answer is no JSON object")
    return body
