"""What the API server would refuse in a manifest, found without one: unknown fields, types, bounds, CEL rules.

`multicloud plan` asks for files. The paths and the messages of CEL rules are those of the API server; the words of the
rest are pydantic's. Rules about a change of an object (what is immutable) need the object as it is and are left out.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pydantic import ValidationError

from multicloud.kinds.cloudaccount import CloudAccountSpec
from multicloud.kinds.crd import crds
from multicloud.kinds.multicloudpool import MultiCloudPoolSpec
from multicloud.kinds.scalingpolicy import ScalingPolicySpec
from multicloud.kinds.shape import Part, told
from multicloud.model.ref import GROUP, VERSION, Kind

Json = Mapping[str, Any]

_SPECS: Final[Mapping[Kind, type[Part]]] = {
    Kind.ACCOUNT: CloudAccountSpec,
    Kind.POOL: MultiCloudPoolSpec,
    Kind.POLICY: ScalingPolicySpec,
}
_OBJECT_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One mistake: the path of the field and what is wrong with it."""

    path: str
    words: str

    def __str__(self) -> str:
        return f"{self.path}: {self.words}"


def refusals(kind: Kind, body: Json) -> Sequence[Refusal]:
    """Every mistake in an object of the kind, in the order of its fields; empty where the API server would take it.

    Status is not looked at: whoever applies an object writes none.
    """
    schema = _schema(kind)
    manifest = {name: value for name, value in body.items() if name not in {"metadata", "status"}}
    found = [*_version(body), *_metadata(kind, body.get("metadata")), *_strangers(schema, manifest, "")]
    doubled = list(_doubled(schema, manifest, ""))
    if doubled or not isinstance(body.get("spec"), Mapping):
        spec = [] if doubled else [Refusal(path="spec", words="required, and a block of fields")]
        return [*found, *doubled, *spec]
    try:
        _SPECS[kind].model_validate(without_nulls(body["spec"]))
    except ValidationError as error:
        found += _of_model(error, schema["properties"]["spec"])
    return found


def without_nulls(value: Any) -> Any:
    """The value as the API server takes it: a field that is null is one that is absent."""
    if isinstance(value, Mapping):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


@cache
def _schema(kind: Kind) -> Json:
    (whole,) = [each for each in crds() if each["spec"]["names"]["kind"] == kind.value]
    schema: Json = whole["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def _version(body: Json) -> Iterator[Refusal]:
    if body.get("apiVersion") != f"{GROUP}/{VERSION}":
        yield Refusal(path="apiVersion", words=f"must be {GROUP}/{VERSION}")


def _metadata(kind: Kind, metadata: object) -> Iterator[Refusal]:
    if not isinstance(metadata, Mapping):
        yield Refusal(path="metadata", words="required, and a block of fields")
        return
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if not isinstance(name, str) or len(name) > 253 or not _OBJECT_NAME.fullmatch(name):
        yield Refusal(path="metadata.name", words="must be a name of lower case letters, digits, '-' and '.'")
    elif kind is Kind.POOL and len(name) > 63:
        yield Refusal(path="metadata.name", words="metadata.name must be at most 63 characters long")
    if namespace is not None and not (
        isinstance(namespace, str) and len(namespace) <= 63 and _NAMESPACE.fullmatch(namespace)
    ):
        yield Refusal(path="metadata.namespace", words="must be a name of lower case letters, digits and '-'")
    annotations = metadata.get("annotations")
    if annotations is None:
        return
    if not isinstance(annotations, Mapping):
        yield Refusal(path="metadata.annotations", words="must be a block of fields")
        return
    for key, value in annotations.items():
        if value is not None and not isinstance(value, str):
            yield Refusal(path=f"metadata.annotations.{key}", words="must be text: put it in quotes")


def _strangers(schema: Json, value: object, path: str) -> Iterator[Refusal]:
    """Fields that the schema does not know."""
    if isinstance(value, Mapping) and "properties" in schema:
        for name, inner in value.items():
            place = f"{path}.{name}".lstrip(".")
            if name in schema["properties"]:
                yield from _strangers(schema["properties"][name], inner, place)
            else:
                yield Refusal(path=place, words="unknown field")
    elif isinstance(value, list) and "items" in schema:
        for index, inner in enumerate(value):
            yield from _strangers(schema["items"], inner, f"{path}[{index}]")


def _doubled(schema: Json, value: object, path: str) -> Iterator[Refusal]:
    """Entries of a list with the key of an earlier one."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _doubled(schema.get("properties", {}).get(name, {}), inner, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        keys = schema.get("x-kubernetes-list-map-keys", ())
        seen: list[object] = []
        for index, inner in enumerate(value):
            key = [inner.get(name) for name in keys] if isinstance(inner, Mapping) else None
            if keys and key is not None and key in seen:
                yield Refusal(path=f"{path}[{index}]", words=f"duplicate value: {', '.join(map(str, key))}")
            seen.append(key)
            yield from _doubled(schema.get("items", {}), inner, f"{path}[{index}]")


def _of_model(error: ValidationError, schema: Json) -> Iterator[Refusal]:
    for path, loc, words in told(error, "spec"):
        yield Refusal(path=path + _field_of_rule(schema, loc, words), words=words)


def _field_of_rule(schema: Json, loc: Sequence[int | str], words: str) -> str:
    """Where below the block the CEL rule with these words points to."""
    for part in loc:
        schema = schema.get("items", {}) if isinstance(part, int) else schema.get("properties", {}).get(part, {})
    for rule in schema.get("x-kubernetes-validations", ()):
        if rule["message"] == words:
            return str(rule.get("fieldPath", ""))
    return ""
