"""Compute Engine over REST, only as far as sizes need it: all managed instance groups of a project, page by page.

`pools` joins the groups with the node pools that name them. google-cloud-compute is not used: it costs 160 MiB.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from multicloud.clouds.answers import GARBAGE, Pages, garbled, nodes_told
from multicloud.clouds.gke.errors import CODE_OF_HTTP, VENDOR, Told, of_answer
from multicloud.clouds.gke.login import CONNECT_S, Login
from multicloud.clouds.verdicts import NOT_ANSWERED_IN_TIME, NOT_CONNECTED, NOT_CONNECTED_IN_TIME, of_silence
from multicloud.settings import Endpoint

PUBLIC_COMPUTE = "https://compute.googleapis.com"
PAGE = 500
"""Groups a page, the API's maximum."""

GroupKey = tuple[str, str]
"""Zone and name of an instance group, unique in its project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One zone's group: `target` is what it tries to reach, `existing` the instances there are, `ready` those at rest."""

    target: int
    existing: int
    ready: int


Groups = Mapping[GroupKey, Group]


class Compute:
    """The one call on Compute."""

    def __init__(self, login: Login, endpoint: Endpoint | None, *, read_timeout_s: float) -> None:
        """Make the connection pool; nothing is sent."""
        self._login = login
        self._url = (PUBLIC_COMPUTE if endpoint is None else endpoint.url).rstrip("/")
        self._timeout = (CONNECT_S, read_timeout_s)
        self._session = requests.Session()
        if endpoint is not None and endpoint.ca_file is not None:
            self._session.verify = str(endpoint.ca_file)

    def groups(self, project: str) -> Groups:
        """Read every managed instance group of a project. Raises CloudError; never a part of them."""
        what = f"reading the instance groups of project {project}"
        found: dict[GroupKey, Group] = {}
        token, pages = "", Pages(what, VENDOR)
        while True:
            page = self._page(project, token, what)
            try:
                found |= _groups(page)
                following = str(page.get("nextPageToken") or "")
            except GARBAGE:
                raise garbled(what, VENDOR) from None
            if not following:
                return found
            token = pages.follow(following)

    def _page(self, project: str, token: str, what: str) -> dict[str, Any]:
        bearer = self._login.bearer()

        def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
            # As `auth`, so that no netrc of the machine takes the header's place.
            request.headers["Authorization"] = f"Bearer {bearer}"
            return request

        url = f"{self._url}/compute/v1/projects/{quote(project, safe='')}/aggregated/instanceGroupManagers"
        params: dict[str, str | int] = {"maxResults": PAGE, **({"pageToken": token} if token else {})}
        try:
            response = self._session.get(url, params=params, auth=sign, timeout=self._timeout, allow_redirects=False)
        except requests.ConnectTimeout:
            raise of_silence(NOT_CONNECTED_IN_TIME, what, VENDOR, write=False) from None
        except requests.Timeout:
            raise of_silence(NOT_ANSWERED_IN_TIME, what, VENDOR, write=False) from None
        except requests.RequestException:
            raise of_silence(NOT_CONNECTED, what, VENDOR, write=False) from None
        if response.status_code == 401:
            self._login.forget(bearer)
        body = _json(response)
        if response.status_code != 200:
            raise of_answer(_told(response, body), what, write=False)
        if not {"items", "kind"} & body.keys():
            raise garbled(what, VENDOR)
        return body


def _json(response: requests.Response) -> dict[str, Any]:
    """The answer's object, empty for anything else."""
    try:
        body = response.json()
    except requests.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _groups(page: Mapping[str, Any]) -> dict[GroupKey, Group]:
    """Groups by zone and name; one that is told wrongly is left out, as one that is not told."""
    found: dict[GroupKey, Group] = {}
    for scope, content in page.get("items", {}).items():
        for group in content.get("instanceGroupManagers", ()):
            with suppress(*GARBAGE):
                found[scope.removeprefix("zones/"), str(group["name"])] = _group(group)
    return found


def _group(raw: Mapping[str, Any]) -> Group:
    """Read one group. A zero may be absent: int fields at their default are left out of Google's JSON."""
    actions: Mapping[str, Any] = raw.get("currentActions", {})
    counts = {action: nodes_told(count) for action, count in actions.items()}
    creating = counts.get("creating", 0) + counts.get("creatingWithoutRetries", 0)
    return Group(
        target=nodes_told(raw.get("targetSize", 0)),
        existing=sum(counts.values()) - creating,
        ready=counts.get("none", 0),
    )


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
