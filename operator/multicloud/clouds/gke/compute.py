"""Compute Engine over REST, only as far as sizes need it: all managed instance groups of a project, page by page.

`pools` joins the groups with the node pools that name them. google-cloud-compute is not used: it costs 160 MiB.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from multicloud.clouds.answers import GARBAGE, Pages, garbled, nodes_told
from multicloud.clouds.gke.errors import VENDOR
from multicloud.clouds.gke.rest import Rest

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

    def __init__(self, rest: Rest) -> None:
        """Use the API."""
        self._rest = rest

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
        path = f"/compute/v1/projects/{quote(project, safe='')}/aggregated/instanceGroupManagers"
        params: dict[str, str | int] = {"maxResults": PAGE, **({"pageToken": token} if token else {})}
        body = self._rest.get(path, params, what)
        if not {"items", "kind"} & body.keys():
            raise garbled(what, VENDOR)
        return body


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
