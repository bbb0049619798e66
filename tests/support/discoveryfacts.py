"""Makes tests/lab/gke/discovery_facts.yaml: `python -m support.discoveryfacts container.v1.json >FACTS`.

The argument is Google's discovery document (https://container.googleapis.com/$discovery/rest?version=v1). Only facts
are kept: which properties a schema has, of what kind, and what its enums may say, for every schema that a method
of the lab reaches; no word of its descriptions.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]

SERVED = frozenset(
    {
        "clusters.get",
        "clusters.list",
        "locations.getServerConfig",
        "nodePools.create",
        "nodePools.delete",
        "nodePools.get",
        "nodePools.list",
        "nodePools.setAutoscaling",
        "nodePools.setSize",
        "nodePools.update",
        "operations.cancel",
        "operations.get",
        "operations.list",
    }
)
"""The last two parts of the names of the methods that the lab serves."""


def kind_of(schema: Json) -> str | list[str]:
    """Return a schema as the facts write it: a type, another schema, [item], {value}, or an enum's list."""
    if "$ref" in schema:
        return str(schema["$ref"])
    if "enum" in schema:
        return ["enum", *schema["enum"]]
    if schema["type"] == "array":
        inner = kind_of(schema["items"])
        return f"[{inner}]" if isinstance(inner, str) else ["enums", *inner[1:]]
    if schema["type"] == "object":
        values = kind_of(schema["additionalProperties"])
        assert isinstance(values, str)
        return f"{{{values}}}"
    return str(schema["type"])


def named(kind: str | list[str]) -> str:
    """Return the schema or type inside a kind; "" for an enum."""
    return kind.strip("[]{}") if isinstance(kind, str) else ""


def facts(document: Json) -> Json:
    """Return the facts of every schema that a served method reaches."""
    ids = [method for method in _methods(document) if ".".join(method["id"].rsplit(".", 2)[1:]) in SERVED]
    left = {method[part]["$ref"] for method in ids for part in ("request", "response") if part in method}
    found: Json = {}
    while left:
        name = left.pop()
        given = document["schemas"][name].get("properties", {})
        found[name] = {field: kind_of(schema) for field, schema in sorted(given.items())}
        left |= {named(kind) for kind in found[name].values()} & document["schemas"].keys() - found.keys()
    return {"parameters": sorted(document["parameters"]), "schemas": dict(sorted(found.items()))}


def _methods(resource: Json) -> Iterator[Json]:
    yield from resource.get("methods", {}).values()
    for inner in resource.get("resources", {}).values():
        yield from _methods(inner)


def written(document: Json) -> str:
    """Return the file's text: a line a property."""
    found = facts(document)
    lines = [
        f"# Facts of the container/v1 discovery document (revision {document['revision']}), by support.discoveryfacts: the",
        "# properties of every schema that the lab's methods reach, by kind (a type, another schema, [item], {value}, or",
        "# what an enum may say); and the query parameters that every method takes.",
        f"parameters: [{', '.join(json.dumps(each) for each in found['parameters'])}]",
        "schemas:",
    ]
    for name, properties in found["schemas"].items():
        lines.append(f"  {name}:" if properties else f"  {name}: {{}}")
        for field, kind in properties.items():
            text = f"[{', '.join(kind)}]" if isinstance(kind, list) else kind
            lines.append(
                f'    {field}: "{text}"' if text[0] in "[{" and isinstance(kind, str) else f"    {field}: {text}"
            )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(written(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
