"""labelSelector and fieldSelector of a request, read into a test of an object."""

import re
from collections.abc import Callable, Mapping, Sequence

from multicloud_lab.clusters.errors import Json, bad_request

Test = Callable[[Json], bool]

FIELDS: Mapping[str, tuple[str, ...]] = {
    "nodes": ("metadata.name", "spec.unschedulable"),
    "pods": (
        "metadata.name",
        "metadata.namespace",
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.phase",
        "status.podIP",
    ),
}
"""The fields that each kind can be selected by (pkg/apis/core/v1/conversion.go of Kubernetes); others: the first two."""
_ANY_KIND = ("metadata.name", "metadata.namespace")

_SET = re.compile(r"(?P<key>[^\s!=,()]+)\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)")
_EQUAL = re.compile(r"(?P<key>[^\s!=,()]+)\s*(?P<op>==|=|!=)\s*(?P<value>[^\s!=,()]*)")
_PRESENT = re.compile(r"(?P<absent>!?)\s*(?P<key>[^\s!=,()]+)")
_OUTSIDE_PARENTHESES = re.compile(r",(?![^(]*\))")


def by_labels(selector: str) -> list[Test]:
    """Return the tests of a label selector. Raises ApiError 400."""
    return [_label_test(part.strip(), selector) for part in _OUTSIDE_PARENTHESES.split(selector) if part.strip()]


def by_fields(plural: str, selector: str) -> list[Test]:
    """Return the tests of a field selector for a kind. Raises ApiError 400."""
    return [_field_test(plural, part.strip(), selector) for part in selector.split(",") if part.strip()]


def fits(body: Json, tests: Sequence[Test]) -> bool:
    """Say whether an object passes every test."""
    return all(test(body) for test in tests)


def _label_test(part: str, selector: str) -> Test:
    if found := _SET.fullmatch(part):
        values = {value.strip() for value in found["values"].split(",")}
        return _label_in(found["key"], values, negated=found["op"] == "notin")
    if found := _EQUAL.fullmatch(part):
        return _label_in(found["key"], {found["value"]}, negated=found["op"] == "!=")
    if found := _PRESENT.fullmatch(part):
        key, wished = found["key"], not found["absent"]
        return lambda body: (key in _labels(body)) is wished
    raise bad_request(f"unable to parse requirement: {part!r} in {selector!r}")


def _label_in(key: str, values: set[str], *, negated: bool) -> Test:
    # An object without the label passes the negated forms.
    return lambda body: (_labels(body).get(key) in values) is not negated


def _field_test(plural: str, part: str, selector: str) -> Test:
    found = _EQUAL.fullmatch(part)
    if found is None:
        raise bad_request(f"invalid selector: {part!r}; can't understand {selector!r}")
    path, value, negated = found["key"], found["value"], found["op"] == "!="
    if path not in FIELDS.get(plural, _ANY_KIND):
        raise bad_request(
            f'Unable to find "/v1, Resource={plural}" that match label selector "", field selector "{selector}": '
            f"field label not supported: {path}"
        )
    return lambda body: (_text(body, path) == value) is not negated


def _labels(body: Json) -> Mapping[str, str]:
    labels: Mapping[str, str] = body["metadata"].get("labels", {})
    return labels


def _text(body: Json, path: str) -> str:
    value: object = body
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if path == "spec.unschedulable":
        return "true" if value else "false"
    return "" if value is None else str(value)
