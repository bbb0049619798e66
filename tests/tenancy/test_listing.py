"""Every path of the Kubernetes API in our code names a namespace, or says why it does not.

A list without a namespace reads what is other tenants'. A comment right above the path says why: `# All namespaces on purpose: …`.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

OPERATOR = Path(__file__).parents[2] / "operator" / "multicloud"
SOURCES = [file for room in ("kube", "watch", "cli", "run") for file in (OPERATOR / room).rglob("*.py")]
"""The rooms that speak with the Kubernetes API."""
COLLECTIONS = re.compile(r"^/apis?/[^ ]+")
ON_PURPOSE = re.compile(r"# (All namespaces|Cluster-wide) on purpose: .")
NO_OBJECTS = re.compile(r"^(/api/(\{\}|v1)|/apis/[^/]+(/(\{\}|v\w+))?|/api/v1/query)$")
"""Where kinds are told, not objects, the rest of a path being put behind it; and Prometheus's own path."""


def literal(node: ast.AST) -> str | None:
    """A text of the source, with {} for what is filled in."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
    return None


def paths(source: str) -> Iterator[tuple[int, str]]:
    """Every path of the API in a source, with its line."""
    inner = {
        id(part) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.JoinedStr) for part in node.values
    }
    for node in ast.walk(ast.parse(source)):
        text = literal(node)
        if text is not None and isinstance(node, ast.expr) and id(node) not in inner and COLLECTIONS.match(text):
            yield node.lineno, text


def unexplained(source: str) -> list[str]:
    lines = source.splitlines()
    return [
        f"line {number}: {path}"
        for number, path in paths(source)
        if "/namespaces/" not in path and not NO_OBJECTS.match(path) and not ON_PURPOSE.search(lines[number - 2])
    ]


def test_every_path_names_a_namespace_or_says_why_not() -> None:
    found = {str(file): list(paths(file.read_text())) for file in SOURCES}
    assert sum(map(len, found.values())) >= 8
    wrong = {str(file): unexplained(file.read_text()) for file in SOURCES}
    assert {file: lines for file, lines in wrong.items() if lines} == {}


def test_a_list_of_everything_would_be_found() -> None:
    assert unexplained('def read(kube):\n    return kube.list_pages("/api/v1/secrets")\n') == [
        "line 2: /api/v1/secrets"
    ]
    assert unexplained('x = f"/api/v1/namespaces/{name}/secrets"\n') == []
