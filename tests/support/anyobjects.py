"""Any object that the generated schema describes, and any one that breaks it in one place: for property tests.

Made from `crds/` alone, so that a new field is tried as soon as it is generated. The schema's CEL rules are not read:
`mostly_sound` puts right what they ask for most of the time, and the tests ask both judges about the rest.
"""

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from multicloud.model import ref

CRDS = Path(__file__).parents[2] / "crds"
BLOCKS = ("eks", "aks", "gke")
PROVIDERS = ("aws", "azure", "gcp")

KNOWN: Mapping[str, Sequence[str]] = {
    "schedule": ("0 1 * * *", "*/15 8-18 * * 1-5"),
    "timeZone": ("UTC", "Europe/Berlin"),
}
"""Texts of which the schema says less than is true; only the operator knows cron and the names of time zones."""

Json = dict[str, Any]
Texts = Mapping[str, Sequence[str]]
"""Texts to choose among, by the name of their field."""
Steps = tuple[str | int, ...]
"""The way to a field: names and indexes below `spec`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One of our kinds: its name, and the schema of its spec."""

    name: str
    spec: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """Values that are tried instead of all that a field takes: `most` of an integer, `texts` to choose among."""

    most: Mapping[str, int] = field(default_factory=dict)
    texts: Texts = field(default_factory=dict)


ALL = Narrowed()


def kind_named(name: str) -> Kind:
    """The kind as the generated definition has it."""
    definition = yaml.safe_load((CRDS / f"{ref.Kind(name).plural}.{ref.GROUP}.yaml").read_text())
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return Kind(name=name, spec=schema["properties"]["spec"])


def object_of(kind: Kind, name: str, spec: Json, **metadata: str) -> Json:
    """A whole object, without a namespace unless `metadata` has one."""
    meta = {"name": name, **metadata}
    return {"apiVersion": f"{ref.GROUP}/{ref.VERSION}", "kind": kind.name, "metadata": meta, "spec": spec}


def specs(kind: Kind, tried: Narrowed = ALL) -> st.SearchStrategy[Json]:
    """Specs of a kind."""
    return _values(kind.spec, "", tried).map(mostly_sound)


def _values(schema: Json, name: str, tried: Narrowed) -> st.SearchStrategy[Any]:
    chosen = tried.texts.get(name) or schema.get("enum") or KNOWN.get(name)
    if chosen and schema["type"] == "string":
        return st.sampled_from(chosen)
    match schema["type"]:
        case "boolean":
            return st.booleans()
        case "string":
            return _texts(schema)
        case "integer":
            return _numbers(schema, tried.most.get(name, 2**31))
        case "array":
            fewest, at_most = schema.get("minItems", 0), min(schema.get("maxItems", 3), 3)
            items = _values(schema["items"], name, tried)
            once = schema.get("x-kubernetes-list-type") == "set"
            return st.lists(items, min_size=fewest, max_size=max(fewest, at_most), unique=once)
        case "object":
            return _blocks(schema, tried)
    raise ValueError(f"{name}: no values are known of type {schema['type']}")


def _blocks(schema: Json, tried: Narrowed) -> st.SearchStrategy[Json]:
    if "properties" not in schema:
        return st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text(max_size=4), max_size=2)
    made = {name: _values(inner, name, tried) for name, inner in schema["properties"].items()}
    required = schema.get("required", [])
    return st.fixed_dictionaries(
        {name: value for name, value in made.items() if name in required},
        optional={name: value for name, value in made.items() if name not in required},
    )


def _numbers(schema: Json, most: int) -> st.SearchStrategy[int]:
    high = min(schema.get("maximum", 2**31), most)
    low = min(schema.get("minimum", 0), high)
    return st.integers(low, high) | st.sampled_from(sorted({low, high, *_default(schema, low, high)}))


def _default(schema: Json, low: int, high: int) -> list[int]:
    default = schema.get("default")
    return [default] if isinstance(default, int) and low <= default <= high else []


def _texts(schema: Json) -> st.SearchStrategy[str]:
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength", 40)
    if "pattern" not in schema:
        return st.text(st.characters(codec="utf-8"), min_size=shortest, max_size=longest)
    return st.from_regex(_pattern(schema)).filter(lambda text: shortest <= len(text) <= longest)


def _pattern(schema: Json) -> str:
    """A text's pattern in Python: `$` also stands before a last newline, unlike RE2's, and there is no `\\p`."""
    pattern: str = schema["pattern"]
    return pattern.removesuffix("$").replace(r"\p{L}\p{N}", "A-Za-z0-9ÄßЖ日") + r"\Z"


def mostly_sound(spec: Json) -> Json:
    """Put right what rules across fields ask for: one block, bounds in order, names once."""
    for low, high, part in _ordered(spec):
        if low in part and high in part and part[low] > part[high]:
            part[low], part[high] = part[high], part[low]
    for at, member in enumerate(spec.get("members", ())):
        _keep_one(member, [block for block in BLOCKS if block in member], at)
    seen: dict[str, Json] = {member["name"]: member for member in spec.get("members", ())}
    if seen:
        spec["members"] = list(seen.values())
    if "provider" in spec:
        for block in PROVIDERS:
            if block != spec["provider"]:
                spec.pop(block, None)
    return spec


def _ordered(spec: Json) -> Iterator[tuple[str, str, Json]]:
    yield "minReplicas", "maxReplicas", spec
    yield "backoffSeconds", "maxBackoffSeconds", spec.get("failover", {})
    for member in spec.get("members", ()):
        yield "minNodes", "maxNodes", member


def _keep_one(member: Json, blocks: Sequence[str], at: int) -> None:
    """One of the blocks that there are, in turn; none where there is none."""
    for block in blocks:
        if block != blocks[at % len(blocks)]:
            del member[block]


@st.composite
def broken(draw: st.DrawFn, kind: Kind, tried: Narrowed = ALL) -> tuple[Json, str]:
    """A spec with one value that its schema forbids, and the path of it."""
    spec = copy.deepcopy(draw(specs(kind, tried)))
    places = list(_places(kind.spec, spec, ()))
    steps, schema = draw(st.sampled_from(places))
    bad = draw(st.sampled_from(list(_forbidden(schema))))
    _put(spec, steps, bad)
    return spec, path_of(steps)


def path_of(steps: Steps) -> str:
    """The way to a field as the API server and we spell it."""
    return "spec" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def _places(schema: Json, value: Any, steps: Steps) -> Iterator[tuple[Steps, Json]]:
    """Every value of a spec that has a rule of its own."""
    if steps and list(_forbidden(schema)):
        yield steps, schema
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in schema.get("properties", {}):
                yield from _places(schema["properties"][name], inner, (*steps, name))
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _places(schema["items"], inner, (*steps, index))


def _forbidden(schema: Json) -> Iterator[Any]:
    """Values that break a rule of this schema alone."""
    if "enum" in schema:
        yield from ("Never", "", schema["enum"][0].lower() + "x")
        return
    match schema["type"]:
        case "integer":
            yield from ("7", True, 1.5, [1])
            if "minimum" in schema:
                yield schema["minimum"] - 1
            if "maximum" in schema:
                yield schema["maximum"] + 1
        case "boolean":
            yield from ("true", 1, [])
        case "string":
            yield from (7, ["a"], {})
            if "maxLength" in schema:
                yield "a" * (schema["maxLength"] + 1)
            if "pattern" in schema:
                texts = ("a\n", "../x", "a/b", "a%2fb", "ä?b", " ")
                yield from (text for text in texts if not re.search(_pattern(schema), text))
        case "array":
            yield from ("a", 1)
            if schema.get("minItems"):
                yield []
        case "object" if "properties" in schema:
            yield from ("a", 1, [])


def _put(spec: Json, steps: Steps, value: Any) -> None:
    at: Any = spec
    for step in steps[:-1]:
        at = at[step]
    at[steps[-1]] = value
