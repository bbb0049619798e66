"""Faults as JSON and YAML: what a fault file, the admin port and the journal write them as.

One fault: `{match: {operation, cloud, cluster, pool, principal, nth}, when, times, probability,
window: {fromSeconds, untilSeconds}, action: {kind, …}}`; names of kinds and of their fields are those of
`faultkinds` in camelCase, and an action of only a kind may be written as its name.
"""

from collections.abc import Collection, Mapping
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

from pydantic import BaseModel, Field, ValidationError, create_model
from pydantic.alias_generators import to_camel

from multicloud_lab.core.faultkinds import Action
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.core.mistakes import FilePart, closest, first_mistake
from multicloud_lab.core.seed import SeedError, read_yaml

Json = dict[str, object]


class FaultError(ValueError):
    """A fault cannot be used; the text says which field and what is allowed."""


class MatchBody(FilePart):
    """Which calls."""

    operation: str | None = None
    cloud: Literal["aws", "azure", "gcp", "kubernetes"] | None = None
    cluster: str | None = None
    pool: str | None = None
    principal: str | None = None
    nth: int | None = Field(default=None, ge=1)


class WindowBody(FilePart):
    """When, in virtual seconds since the fault was placed."""

    from_seconds: float = Field(default=0, ge=0)
    until_seconds: float | None = None


class FaultBody(FilePart):
    """One fault."""

    match: MatchBody = MatchBody()
    when: Literal["before", "after"] = "before"
    times: int | None = Field(default=None, ge=1)
    probability: float = Field(default=1, gt=0, le=1)
    window: WindowBody | None = None
    action: str | dict[str, Any]


KINDS: Mapping[str, type[Action]] = {get_args(get_type_hints(kind)["kind"])[0]: kind for kind in get_args(Action)}
"""The kinds of action by name."""


def read_fault(raw: object, where: str = "", known: Mapping[str, Collection[str]] | None = None) -> Fault:
    """Return a fault from its JSON form. Raises FaultError with the path of the field, `where` before it.

    `known` are the operations that there are, by cloud; without it any name is taken.
    """
    try:
        body = FaultBody.model_validate(raw)
    except ValidationError as error:
        raise FaultError(first_mistake(error, FaultBody, where)) from error
    if known is not None:
        _check_operation(body.match, known, f"{where}.match" if where else "match")
    action = _read_action(body.action, f"{where}.action" if where else "action")
    window = None if body.window is None else (body.window.from_seconds, body.window.until_seconds)
    try:
        return Fault(
            action=action,
            match=Match(**body.match.model_dump()),
            when=body.when,
            times=body.times,
            probability=body.probability,
            window=window,
        )
    except ValueError as error:
        raise FaultError(f"{where}: {error}" if where else str(error)) from error


def fault_json(fault: Fault) -> Json:
    """Return a fault's JSON form; `read_fault` reads it back."""
    match = {name: value for name, value in asdict(fault.match).items() if value is not None}
    action = {to_camel(each.name): _plain(getattr(fault.action, each.name)) for each in fields(fault.action)}
    body: Json = {"match": match, "when": fault.when, "times": fault.times, "probability": fault.probability}
    if fault.window is not None:
        body["window"] = {"fromSeconds": fault.window[0], "untilSeconds": fault.window[1]}
    return {**body, "action": action}


def load_faults(path: Path, known: Mapping[str, Collection[str]]) -> list[Fault]:
    """Read a fault file: a list of faults. Raises SeedError with one line that names file and field.

    `known` are the operations that there are, by cloud.
    """
    raw = read_yaml(path)
    if not isinstance(raw, list):
        message = f"{path}: the document: must be a list of faults"
        raise SeedError(message)
    try:
        return [read_fault(each, f"[{index}]", known) for index, each in enumerate(raw)]
    except FaultError as error:
        message = f"{path}: {error}"
        raise SeedError(message) from error


def _check_operation(match: MatchBody, known: Mapping[str, Collection[str]], where: str) -> None:
    if match.operation is None:
        return
    names = {name for cloud, there in known.items() if match.cloud in {None, cloud} for name in there}
    if match.operation not in names:
        whose = "" if match.cloud is None else f" of {match.cloud}"
        message = f"{where}.operation: {match.operation} is no operation{whose}: there are "
        raise FaultError(message + closest(match.operation, names))


def _read_action(raw: str | dict[str, Any], where: str) -> Action:
    given = {"kind": raw} if isinstance(raw, str) else raw
    name = given.get("kind")
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        message = f"{where}.kind: {name!r} is not one of {closest(str(name), KINDS)}"
        raise FaultError(message)
    try:
        body = _model(kind).model_validate(given)
        return kind(**body.model_dump())
    except ValidationError as error:
        raise FaultError(first_mistake(error, _model(kind), where)) from error
    except ValueError as error:
        message = f"{where}: {error}"
        raise FaultError(message) from error


def _model(kind: type[Action]) -> type[BaseModel]:
    """Return the kind's fields as something that reads JSON strictly."""
    hints = get_type_hints(kind)
    columns: dict[str, Any] = {}
    for each in fields(kind):
        if each.default_factory is not MISSING:
            columns[each.name] = (hints[each.name], each.default_factory())
        else:
            columns[each.name] = (hints[each.name], ... if each.default is MISSING else each.default)
    made: type[BaseModel] = create_model(kind.__name__, __base__=FilePart, **columns)
    return made


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else value
