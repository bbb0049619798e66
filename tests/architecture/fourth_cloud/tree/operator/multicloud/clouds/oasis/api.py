"""Oasis's HTTP API as one identity: one session, JSON in and out, every failure a typed error."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import requests
from multicloud.clouds.oasis.errors import of_answer, of_silence

from multicloud.model.reason import Code

CONNECT_S: Final = 3.0
"""How long a connection may take, in seconds."""


class Api:
    """Blocking; used on lane threads."""

    def __init__(self, url: str, token: str, before_send: Callable[[], None], *, read_timeout_s: float) -> None:
        """`before_send` runs right before a mutation's bytes leave and raises NotSent to keep them here."""
        self._url = url.rstrip("/")
        self._token = token
        self._before_send = before_send
        self._timeout_s = (CONNECT_S, read_timeout_s)

    def get(self, path: str, what: str) -> Mapping[str, Any]:
        """Read. Raises CloudError."""
        return self._ask("GET", path, what, None)

    def post(self, path: str, body: Mapping[str, Any], what: str) -> Mapping[str, Any]:
        """Change something, fenced. Raises CloudError."""
        self._before_send()
        return self._ask("POST", path, what, body)

    def _ask(self, method: str, path: str, what: str, body: Mapping[str, Any] | None) -> Mapping[str, Any]:
        write = body is not None
        try:
            answer = requests.request(
                method,
                f"{self._url}{path}",
                json=body,
                headers={"Authorization": f"Bearer {self._token}"},
                timeout=self._timeout_s,
            )
        except requests.Timeout:
            raise of_silence(what, "did not answer in time", Code.TIMED_OUT, write=write) from None
        except requests.RequestException:
            raise of_silence(what, "broke the connection", Code.UNAVAILABLE, write=write) from None
        if not answer.ok:
            raise of_answer(answer, what, write=write)
        try:
            told: Mapping[str, Any] = answer.json()
        except ValueError:
            raise of_silence(what, "gave an answer that is none", Code.UNEXPECTED, write=write) from None
        return told
