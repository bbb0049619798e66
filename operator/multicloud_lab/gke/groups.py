"""Compute's side of node pools: managed instance groups as JSON, and the pages of the aggregated list.

The form is that of compute/v1 `instanceGroupManagers` (get, aggregatedList). Here alone a pool's
present size can be read: `targetSize` is what the group should have, `currentActions` what its
instances are about.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

from multicloud_lab.core.clock import iso
from multicloud_lab.core.nodes import NodeState
from multicloud_lab.gke.errors import Code, GoogleError
from multicloud_lab.gke.names import COMPUTE_ROOT
from multicloud_lab.gke.state import Group

Json = dict[str, object]

MAX_PAGE = 500
"""The largest and the default `maxResults`."""

_ACTIONS = (
    "abandoning",
    "creating",
    "creatingWithoutRetries",
    "deleting",
    "none",
    "recreating",
    "refreshing",
    "restarting",
    "resuming",
    "starting",
    "stopping",
    "suspending",
    "verifying",
)
_ACTION_OF_STATE = {
    NodeState.REQUESTED: "creating",
    NodeState.BOOTING: "creating",
    NodeState.READY: "none",
    NodeState.DRAINING: "deleting",
}


def group_json(group: Group, *, surge: bool) -> Json:
    """Return one managed instance group; `surge`: an upgrade's extra node counts in its target."""
    parent = f"{COMPUTE_ROOT}/projects/{group.project}/zones/{group.zone}"
    counts = Counter(_ACTION_OF_STATE[node.state] for node in group.nodes.nodes)
    return {
        "kind": "compute#instanceGroupManager",
        "id": str(int(hashlib.sha256(group.name.encode()).hexdigest()[:15], 16)),
        "creationTimestamp": iso(group.created),
        "name": group.name,
        "zone": parent,
        "instanceGroup": f"{parent}/instanceGroups/{group.name}",
        "baseInstanceName": group.base_instance_name,
        "currentActions": {action: counts[action] for action in _ACTIONS},
        "status": {"isStable": group.nodes.settled, "versionTarget": {"isReached": True}},
        "targetSize": group.nodes.target + (group.nodes.surge if surge else 0),
        "selfLink": group.link,
    }


def find_group(groups: Sequence[Group], project: str, zone: str, name: str) -> Group:
    """Return the named group. Raises GoogleError NOT_FOUND."""
    for group in groups:
        if (group.zone, group.name) == (zone, name):
            return group
    message = f"The resource 'projects/{project}/zones/{zone}/instanceGroupManagers/{name}' was not found"
    raise GoogleError(Code.NOT_FOUND, message, reason="notFound", domain="global")


def aggregated_json(groups: Sequence[Group], project: str, query: Mapping[str, str], *, surge: bool) -> Json:
    """Return one page of a project's groups (ordered by zone and name), by zone.

    `query` may hold maxResults and pageToken. A zone without a group on this page says so by a
    warning, as Google does. The token names the last group given, so it survives deletions.
    Raises GoogleError INVALID_ARGUMENT.
    """
    size = _page_size(query.get("maxResults", str(MAX_PAGE)))
    after = _read_page_token(query.get("pageToken", ""))
    left = [group for group in groups if (group.zone, group.name) > after]
    page = left[:size]
    items: dict[str, object] = {}
    for zone in sorted({group.zone for group in groups}):
        found = [group_json(group, surge=surge) for group in page if group.zone == zone]
        items[f"zones/{zone}"] = {"instanceGroupManagers": found} if found else {"warning": _nothing_here(zone)}
    answer: Json = {
        "kind": "compute#instanceGroupManagerAggregatedList",
        "id": f"projects/{project}/aggregated/instanceGroupManagers",
        "items": items,
        "selfLink": f"{COMPUTE_ROOT}/projects/{project}/aggregated/instanceGroupManagers",
    }
    if len(left) > len(page) and page:
        answer["nextPageToken"] = _page_token(page[-1])
    return answer


def _page_size(text: str) -> int:
    """Read maxResults; 0 means the default, as in Google's list methods."""
    if not text.isdecimal() or int(text) > MAX_PAGE:
        message = f"Invalid value for field 'maxResults': '{text}'. It must be between 0 and {MAX_PAGE}."
        raise GoogleError(Code.INVALID_ARGUMENT, message, reason="invalid", domain="global")
    return int(text) or MAX_PAGE


def _page_token(last: Group) -> str:
    return base64.urlsafe_b64encode(f"{last.zone}/{last.name}".encode()).decode()


def _read_page_token(token: str) -> tuple[str, str]:
    if not token:
        return ("", "")
    try:
        zone, slash, name = base64.urlsafe_b64decode(token).decode().partition("/")
    except ValueError:
        zone, slash, name = "", "", ""
    if not slash:
        message = f"Invalid value for field 'pageToken': '{token}'. It must be a nextPageToken of this list."
        raise GoogleError(Code.INVALID_ARGUMENT, message, reason="invalid", domain="global")
    return (zone, name)


def _nothing_here(zone: str) -> Json:
    scope = f"zones/{zone}"
    return {
        "code": "NO_RESULTS_ON_PAGE",
        "message": f"There are no results for scope '{scope}' on this page.",
        "data": [{"key": "scope", "value": scope}],
    }
