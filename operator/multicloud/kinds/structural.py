"""Turns a pydantic model into a structural schema of the API server. Called by `crd`.

Pydantic speaks JSON Schema with `$ref`, `anyOf` and null; the API server wants every type written out, knows neither
of these, and says `nullable` for null (kubernetes.io, CustomResourceDefinition v1, structural schemas).
"""

from collections.abc import Mapping
from typing import Any

from multicloud.kinds.shape import Part

Json = dict[str, Any]

_KEPT = (
    "description",
    "type",
    "format",
    "enum",
    "default",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "maxProperties",
    "required",
    "properties",
    "additionalProperties",
    "items",
    "nullable",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-validations",
)
_DROPPED = {"title"}


def structural(model: type[Part], *, nullable: bool) -> Json:
    """The schema of a model. `nullable`: an absent value is written as null (status), else it is left out (spec).

    Raises ValueError for what a structural schema cannot say, so that a new field cannot lose a rule silently.
    """
    whole = model.model_json_schema(by_alias=True)
    return _Translation(whole.pop("$defs", {}), nullable=nullable).node(whole)


class _Translation:
    """One translation: the definitions that `$ref` points to, and what null becomes."""

    def __init__(self, definitions: Mapping[str, Json], *, nullable: bool) -> None:
        self._definitions = definitions
        self._nullable = nullable

    def node(self, schema: Json) -> Json:
        flat = self._flat(schema)
        unknown = set(flat) - set(_KEPT) - _DROPPED
        if unknown:
            raise ValueError(f"a structural schema has no {', '.join(sorted(unknown))}")
        made = {key: flat[key] for key in _KEPT if key in flat}
        if "items" in made:
            made["items"] = self.node(made["items"])
        if "additionalProperties" in made:
            made["additionalProperties"] = self.node(made["additionalProperties"])
        if "properties" in made:
            made["properties"] = {name: self._property(name, inner) for name, inner in made["properties"].items()}
        if self._nullable:
            made.pop("default", None)  # the operator writes every field of a status
        elif made.get("default") == []:
            del made["default"]  # an absent list is an empty one
        elif made.get("type") == "object" and "default" in made:
            made["default"] = {}  # its fields have defaults of their own
        return made

    def _flat(self, schema: Json) -> Json:
        """Follow `$ref` and take null out of `anyOf`; what stands beside them goes before what they bring."""
        flat = dict(schema)
        if "$ref" in flat:
            target = self._definitions[flat.pop("$ref").rpartition("/")[2]]
            flat = self._flat({**target, **flat})
        if "anyOf" in flat:
            branches = flat.pop("anyOf")
            kept = [branch for branch in branches if branch != {"type": "null"}]
            if len(kept) != 1 or len(branches) != 2:
                raise ValueError(f"not one type and null: {branches}")
            flat = self._flat({**kept[0], **flat})
            if flat.get("default", ...) is None:
                del flat["default"]
            if self._nullable:
                flat["nullable"] = True
        return flat

    def _property(self, name: str, schema: Json) -> Json:
        made = self.node(schema)
        if not made.get("description"):
            raise ValueError(f"{name} has no description")
        return made
