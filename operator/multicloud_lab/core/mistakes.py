"""A mistake in a file as one line: the path of the field, and what is allowed there.

pydantic finds the mistakes; its own sentences do not say which fields there are and speak of Python's types.
"""

from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

_WORDS: Mapping[str, str] = {
    "missing": "must be given",
    "invalid_key": "names must be texts",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a map",
}
"""By pydantic's type of the mistake."""


class FilePart(BaseModel):
    """A map of a file that people write: nothing but its fields, in camelCase."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_numbers(cls, value: object, info: ValidationInfo) -> object:
        """Refuse true and false where a number or a word belongs: YAML reads yes, no, on and off as these."""
        field = cls.model_fields[info.field_name or ""]
        if isinstance(value, bool) and not _takes_truth(field.annotation):
            message = "must not be yes, no, on, off, true or false (put a word in quotes)"
            raise ValueError(message)
        return value


def _takes_truth(annotation: Any) -> bool:
    if isinstance(annotation, bool) or annotation in {bool, object, Any}:
        return True
    return any(_takes_truth(inner) for inner in get_args(annotation))


def first_mistake(error: ValidationError, kind: type[BaseModel], where: str = "", whole: str = "the document") -> str:
    """Return the first mistake in what should have been a `kind`; `where` is the path to it, `whole` its name.

    An unknown field comes first: a misspelt one leads to the others.
    """
    found: Sequence[Any] = error.errors(include_url=False)
    first = next((each for each in found if each["type"] == "extra_forbidden"), found[0])
    loc: Sequence[int | str] = first["loc"]
    path = ".".join(part for part in (where, dotted(loc)) if part) or whole
    if first["type"] == "extra_forbidden":
        return f"{path}: is no field: there are {closest(str(loc[-1]), _fields(kind, loc[:-1]))}"
    if first["type"] == "model_type":
        return f"{path}: must be a map with {', '.join(sorted(_fields(kind, loc)))}"
    return f"{path}: {worded(first)}"


def worded(mistake: Mapping[str, Any]) -> str:
    """Return what is allowed, as far as one of pydantic's mistakes says it."""
    text = str(mistake["msg"]).removeprefix("Value error, ")
    for theirs in ("Input should be", "String should", "Tuple should", "List should"):
        text = text.replace(theirs, "must be" if theirs.endswith(" be") else "must")
    return _WORDS.get(str(mistake["type"]), text)


def closest(wrong: str, known: Iterable[str]) -> str:
    """Return the known names, the ones most like the wrong one first."""

    def unlike(name: str) -> tuple[float, str]:
        return -SequenceMatcher(None, wrong.lower(), name.lower()).ratio(), name

    return ", ".join(sorted(known, key=unlike)) or "none"


def dotted(loc: Sequence[int | str]) -> str:
    """Return the path of a field as a person reads it: aws.clusters[0].name; empty for the whole."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _fields(kind: type[BaseModel], loc: Sequence[int | str]) -> set[str]:
    """Return the names of the fields that the part at `loc` has."""
    there: tuple[type[BaseModel], ...] = (kind,)
    for part in loc:
        inner = [
            field.annotation
            for model in there
            for name, field in model.model_fields.items()
            if part in {name, field.alias}
        ]
        # An index, or a name that a map's user chose, leads to no other part.
        there = tuple(model for each in inner for model in _models(each)) if inner else there
    return {field.alias or name for model in there for name, field in model.model_fields.items()}


def _models(annotation: Any) -> tuple[type[BaseModel], ...]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return (annotation,)
    return tuple(model for each in get_args(annotation) for model in _models(each))
