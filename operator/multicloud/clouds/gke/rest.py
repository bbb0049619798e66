"""One of Google's APIs over REST: a signed request, its answer as a JSON object, its refusals as typed errors.

`compute` and `projects` call it on lane threads. The vendor's own clients of these two cost over 100 MiB.
"""

from collections.abc import Mapping
from typing import Any

import requests

from multicloud.clouds.gke.errors import CODE_OF_HTTP, VENDOR, Told, of_answer
from multicloud.clouds.gke.login import CONNECT_S, Login
from multicloud.clouds.verdicts import NOT_ANSWERED_IN_TIME, NOT_CONNECTED, NOT_CONNECTED_IN_TIME, of_silence
from multicloud.model.exchange import Exchange, Tap
from multicloud.settings import Endpoint


class Rest:
    """An API at one host."""

    def __init__(
        self,
        name: str,
        public: str,
        login: Login,
        endpoint: Endpoint | None,
        *,
        read_timeout_s: float,
        tap: Tap | None = None,
    ) -> None:
        """Make the connection pool; nothing is sent. `name` is the API's own, `public` the vendor's URL of it."""
        self._name = name
        self._login = login
        self._url = (public if endpoint is None else endpoint.url).rstrip("/")
        self._timeout = (CONNECT_S, read_timeout_s)
        self._tap = tap
        self._session = requests.Session()
        if endpoint is not None and endpoint.ca_file is not None:
            self._session.verify = str(endpoint.ca_file)

    def get(self, path: str, params: Mapping[str, str | int], what: str) -> dict[str, Any]:
        """Read something. Raises CloudError."""
        return self._ask("GET", path, what, params=params)

    def post(self, path: str, body: Mapping[str, Any], what: str) -> dict[str, Any]:
        """Ask something that takes a body and changes nothing. Raises CloudError."""
        return self._ask("POST", path, what, json=body)

    def _ask(self, method: str, path: str, what: str, **content: Any) -> dict[str, Any]:
        bearer = self._login.bearer()

        def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
            # As `auth`, so that no netrc of the machine takes the header's place.
            request.headers["Authorization"] = f"Bearer {bearer}"
            return request

        try:
            response = self._session.request(
                method, self._url + path, auth=sign, timeout=self._timeout, allow_redirects=False, **content
            )
        except requests.ConnectTimeout:
            raise of_silence(NOT_CONNECTED_IN_TIME, what, VENDOR, write=False) from None
        except requests.Timeout:
            raise of_silence(NOT_ANSWERED_IN_TIME, what, VENDOR, write=False) from None
        except requests.RequestException:
            raise of_silence(NOT_CONNECTED, what, VENDOR, write=False) from None
        if self._tap is not None:
            self._tap(_exchange(self._name, response))
        if response.status_code == 401:
            self._login.forget(bearer)
        body = _json(response)
        if response.status_code != 200:
            raise of_answer(_told(response, body), what, write=False)
        return body


def _exchange(name: str, response: requests.Response) -> Exchange:
    sent = response.request.body
    return Exchange(
        service=name.lower().replace(" ", "-"),
        method=str(response.request.method),
        url=response.url,
        sent=sent.decode(errors="replace") if isinstance(sent, bytes) else sent or "",
        status=response.status_code,
        headers=dict(response.headers),
        answer=response.text,
    )


def _json(response: requests.Response) -> dict[str, Any]:
    """The answer's object, empty for anything else."""
    try:
        body = response.json()
    except requests.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _told(response: requests.Response, body: Mapping[str, Any]) -> Told:
    error = body.get("error")
    told: Mapping[str, Any] = error if isinstance(error, dict) else {}
    reasons = [part.get("reason") for part in (*told.get("details", ()), *told.get("errors", ())) if "reason" in part]
    wait = response.headers.get("Retry-After", "")
    code = CODE_OF_HTTP.get(response.status_code, f"HTTP {response.status_code}")
    return Told(
        code=code,
        reason=str(reasons[0]) if reasons else "",
        message=str(told.get("message", "")),
        retry_after_s=float(wait) if wait.isdecimal() else None,
    )
