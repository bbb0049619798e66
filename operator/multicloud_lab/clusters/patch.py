"""PATCH of an object: JSON merge patch (RFC 7386), and strategic merge as far as a node's fields need it."""

from collections.abc import Mapping
from typing import Any

from multicloud_lab.clusters.errors import ApiError, Json

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"

_MERGED_BY: Mapping[str, str] = {"taints": "key", "conditions": "type", "addresses": "type"}
"""Lists of a node that strategic merge joins by a key (patchMergeKey of k8s.io/api/core/v1); others are replaced."""


def patched(body: Json, patch: Json, content_type: str) -> Json:
    """Return the object as the patch makes it. Raises ApiError 415 for another kind of patch."""
    if content_type == MERGE:
        return _merged(body, patch, strategic=False)
    if content_type == STRATEGIC:
        return _merged(body, patch, strategic=True)
    raise ApiError(
        415,
        "UnsupportedMediaType",
        f"the body of the request was in an unknown format - accepted media types include: {MERGE}, {STRATEGIC}",
    )


def _merged(old: Json, patch: Json, *, strategic: bool) -> Json:
    if strategic and patch.get("$patch") == "replace":
        return {name: value for name, value in patch.items() if name != "$patch"}
    new = dict(old)
    for name, value in patch.items():
        if strategic and name.startswith("$"):
            continue  # directives about order and retained keys say nothing that a node has
        if value is None:
            new.pop(name, None)
        elif isinstance(value, dict):
            was = new.get(name)
            new[name] = _merged(was if isinstance(was, dict) else {}, value, strategic=strategic)
        elif strategic and isinstance(value, list) and name in _MERGED_BY:
            new[name] = _joined(new.get(name) or [], value, _MERGED_BY[name])
        else:
            new[name] = value
    return new


def _joined(old: list[Any], patch: list[Any], key: str) -> list[Any]:
    if any(item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if "$patch" not in item]
    by_key: dict[object, Any] = {item.get(key): item for item in old}
    for item in patch:
        if item.get("$patch") == "delete":
            by_key.pop(item.get(key), None)
        else:
            by_key[item.get(key)] = {**by_key.get(item.get(key), {}), **item}
    return list(by_key.values())
