"""Lists, pages and watches over a cluster's store, as requests ask for them.

A page's continue token holds the list's resourceVersion and the last key, so that every page shows one moment.
"""

import base64
import binascii
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from multicloud_lab.clusters.discovery import Resource
from multicloud_lab.clusters.errors import ApiError, Json, bad_request, expired
from multicloud_lab.clusters.selectors import Test, by_fields, by_labels, fits
from multicloud_lab.clusters.store import Change, Key, Store, deleted, key_of
from multicloud_lab.core.clock import wait_real_s

LOOK_S = 0.2
"""How often a watch looks for changes, real seconds."""
BOOKMARK_S = 5.0
"""How long a watch that wants bookmarks is without an event before it gets one, by the clock's `waited_s`."""
WATCH_S = 1800.0
"""How long a watch without timeoutSeconds lasts, by the clock's `waited_s`; an API server takes 30 to 60 minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a list or watch asks for: a kind, a namespace ("" for all), and the tests of its selectors."""

    resource: Resource
    namespace: str
    tests: Sequence[Test]

    def fits(self, body: Json) -> bool:
        """Say whether an object belongs into the answer."""
        return (not self.namespace or key_of(body)[0] == self.namespace) and fits(body, self.tests)


def read_wish(resource: Resource, namespace: str, query: Mapping[str, str]) -> Wish:
    """Return what the query asks for. Raises ApiError 400."""
    tests = [*by_labels(query.get("labelSelector", "")), *by_fields(resource.plural, query.get("fieldSelector", ""))]
    return Wish(resource=resource, namespace=namespace, tests=tests)


def list_page(store: Store, wish: Wish, query: Mapping[str, str]) -> Json:
    """Answer a list, or one page of it. Raises ApiError 400 or 410."""
    limit = whole_number(query, "limit")
    version, after = store.version, None
    if query.get("continue"):
        version, after = _read_continue(query["continue"])
        if version > store.version:
            raise expired()
    elif query.get("resourceVersionMatch") == "Exact":
        version = whole_number(query, "resourceVersion")
    found = [body for body in store.all(wish.resource.plural, version) if wish.fits(body)]
    left = [body for body in found if after is None or key_of(body) > after]
    metadata: Json = {"resourceVersion": str(version)}
    page = left[:limit] if limit else left
    if len(page) < len(left):
        metadata["continue"] = _continue_token(version, key_of(page[-1]))
        if not wish.tests:
            metadata["remainingItemCount"] = len(left) - len(page)
    return {
        "kind": f"{wish.resource.kind}List",
        "apiVersion": wish.resource.api_version,
        "metadata": metadata,
        "items": page,
    }


def watch_start(store: Store, query: Mapping[str, str]) -> int:
    """Return the version after which a watch wants events, 0 for all that is there. Raises ApiError 400, 422, 504."""
    version = whole_number(query, "resourceVersion")
    whole_number(query, "timeoutSeconds")
    if _is_set(query, "sendInitialEvents") and query.get("resourceVersionMatch") != "NotOlderThan":
        raise ApiError(
            422,
            "Invalid",
            "ListOptions.meta.k8s.io is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting "
            "resourceVersionMatch to NotOlderThan",
        )
    if version > store.version:
        message = f"Too large resource version: {version}, current: {store.version}"
        raise ApiError(504, "Timeout", message, details={"causes": [{"reason": "ResourceVersionTooLarge"}]})
    return version


async def watch(
    store: Store,
    wish: Wish,
    query: Mapping[str, str],
    version: int,
    *,
    refresh: Callable[[], bool],
    waited_s: Callable[[], float],
) -> AsyncIterator[Json]:
    """Yield a watch's events until its time is over by `waited_s` or `refresh` says that the cluster is gone.

    A version that is forgotten is told in an ERROR event, as an API server does.
    """
    wants_bookmarks = _is_set(query, "allowWatchBookmarks")
    end_s = waited_s() + (whole_number(query, "timeoutSeconds") or WATCH_S)
    if version == 0 or _is_set(query, "sendInitialEvents"):
        version = store.version
        for first in _initial(store, wish, query):
            yield first
    told_s = waited_s()
    while True:
        is_over = waited_s() >= end_s  # before the last look, so that a jump of the clock hides no event
        if not refresh():
            return
        try:
            changes = store.since(version)
        except ApiError as error:
            yield {"type": "ERROR", "object": error.status()}
            return
        version = store.version
        events = [event for change in changes if (event := _event(wish, change)) is not None]
        for event in events:
            yield event
        if events:
            told_s = waited_s()
        elif wants_bookmarks and waited_s() - told_s >= BOOKMARK_S:
            told_s = waited_s()
            yield _bookmark(wish, version, {})
        if is_over:
            break
        await wait_real_s(LOOK_S)
    if wants_bookmarks:
        yield _bookmark(wish, version, {})


def _initial(store: Store, wish: Wish, query: Mapping[str, str]) -> list[Json]:
    """Return the events of all that is there, at one moment."""
    events: list[Json] = [
        {"type": "ADDED", "object": body} for body in store.all(wish.resource.plural) if wish.fits(body)
    ]
    if _is_set(query, "sendInitialEvents"):
        events.append(_bookmark(wish, store.version, {"k8s.io/initial-events-end": "true"}))
    return events


def whole_number(query: Mapping[str, str], name: str) -> int:
    """Return a parameter that is a whole number, 0 when absent. Raises ApiError 400."""
    text = query.get(name, "")
    if not text:
        return 0
    if not text.isdigit():
        raise bad_request(f"{name}: Invalid value: {text!r}: must be a whole number of 0 or above")
    return int(text)


def _is_set(query: Mapping[str, str], name: str) -> bool:
    return query.get(name) in {"true", "1"}


def _event(wish: Wish, change: Change) -> Json | None:
    """Return the event of a change, as seen through a selector; None when it concerns nothing of it."""
    if change.plural != wish.resource.plural:
        return None
    was = change.before is not None and wish.fits(change.before)
    is_now = change.after is not None and wish.fits(change.after)
    if is_now:
        return {"type": "MODIFIED" if was else "ADDED", "object": change.after}
    return {"type": "DELETED", "object": deleted(change)} if was else None


def _bookmark(wish: Wish, version: int, annotations: Mapping[str, str]) -> Json:
    metadata: Json = {"resourceVersion": str(version), "creationTimestamp": None}
    if annotations:
        metadata["annotations"] = dict(annotations)
    body = {"kind": wish.resource.kind, "apiVersion": wish.resource.api_version, "metadata": metadata}
    return {"type": "BOOKMARK", "object": body}


def _continue_token(version: int, key: Key) -> str:
    raw = json.dumps({"v": version, "after": key}).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _read_continue(token: str) -> tuple[int, Key]:
    try:
        raw = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        namespace, name = raw["after"]
        return int(raw["v"]), (str(namespace), str(name))
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise bad_request("continue key is not valid") from None
