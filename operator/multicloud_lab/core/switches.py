"""From a seed's `switches` to an engine's own `Switches` dataclass, with a sentence for what is wrong."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from multicloud_lab.core.mistakes import closest, worded
from multicloud_lab.core.seed import SeedError, SwitchValue

SwitchesT = TypeVar("SwitchesT")


def read_switches(kind: type[SwitchesT], given: Mapping[str, SwitchValue], where: str) -> SwitchesT:
    """Return `kind` (a dataclass with a default for every field) with what a seed gives, by camelCase name.

    `where` is the path in the seed ("azure.switches"). Raises SeedError.
    """
    names = {to_camel(each.name): each.name for each in fields(kind)}  # type: ignore[arg-type]  # always a dataclass
    unknown = sorted(given.keys() - names.keys())
    if unknown:
        message = f"{where}.{unknown[0]}: is no switch: there are {closest(unknown[0], names)}"
        raise SeedError(message)
    values: dict[str, Any] = {names[name]: value for name, value in given.items()}
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        message = f"{where}.{to_camel(str(first['loc'][0]))}: {worded(first)}"
        raise SeedError(message) from error
