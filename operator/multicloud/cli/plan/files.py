"""Accounts and pools from files, refused as the API server would refuse them: one line a mistake, with file and field."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click
import yaml

from multicloud.kinds.parse import account_object, pool_object
from multicloud.kinds.refusals import refusals, without_nulls
from multicloud.model.account import AccountObject
from multicloud.model.ref import GROUP, Kind, ObjectKey
from multicloud.model.spec import PoolObject

STDIN: Final = Path("-")
_SUFFIXES: Final = {".yaml", ".yml", ".json"}
_LIST: Final = "List"


class Mistakes(click.ClickException):
    """What is wrong in files, one line each. Ends the command with exit code 1."""

    def __init__(self, lines: Sequence[str]) -> None:
        """At least one line."""
        super().__init__("\n".join(lines))

    def show(self, file: Any = None) -> None:  # noqa: ARG002 - of the base class; errors go to standard error
        """Print the lines alone: a line that names file and field needs no `Error:`."""
        click.echo(self.message, err=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """A pool or an account, and the file that it stands in."""

    file: str
    body: Mapping[str, Any]
    found: PoolObject | AccountObject

    @property
    def place(self) -> str:
        """File, kind and name, as a mistake names them."""
        return f"{self.file}: {self.found.key.kind} {self.found.key.namespace}/{self.found.key.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What stands in the files, by key. `others` counts objects of other kinds, which no plan depends on."""

    pools: Mapping[ObjectKey, Filed] = field(default_factory=dict)
    accounts: Mapping[ObjectKey, Filed] = field(default_factory=dict)
    others: int = 0

    @property
    def currencies(self) -> Sequence[str]:
        """One line for each pool that counts in another currency than the first one does: amounts do not add up."""
        counted = [
            (filed.place, filed.found.spec.currency)
            for _, filed in sorted(self.pools.items())
            if isinstance(filed.found, PoolObject) and filed.found.spec is not None
        ]
        return [
            f"{place}: spec.currency: {currency}, but {counted[0][1]} in {counted[0][0]}: amounts do not add up"
            for place, currency in counted
            if currency != counted[0][1]
        ]


def read_files(paths: Sequence[Path], *, namespace: str) -> Files:
    """Read every document of every file; a directory's YAML and JSON files in the order of their names.

    `namespace` is that of objects that name none. Raises Mistakes.
    """
    pools: dict[ObjectKey, Filed] = {}
    accounts: dict[ObjectKey, Filed] = {}
    others = 0
    wrong: list[str] = []
    for file, body in _bodies(paths):
        kind = _kind(file, body)
        if kind is None:
            others += 1
            continue
        mistakes = refusals(kind, body)
        filed = _filed(kind, file, body, namespace)
        wrong += [f"{filed.place}: {mistake}" for mistake in mistakes]
        into = pools if kind is Kind.POOL else accounts
        if filed.found.key in into:
            wrong.append(f"{filed.place}: metadata.name: stands in {into[filed.found.key].file} already")
        elif not mistakes and filed.found.problem is not None:
            wrong.append(f"{filed.place}: {filed.found.problem.text}")
        into[filed.found.key] = filed
    if wrong:
        raise Mistakes(wrong)
    return Files(pools=pools, accounts=accounts, others=others)


def parsed_yaml(path: Path) -> Iterator[Any]:
    """Every document of a file, `-` being standard input. Raises Mistakes."""
    try:
        text = sys.stdin.read() if path == STDIN else path.read_text(encoding="utf-8")
        yield from yaml.load_all(text, Loader=_PlainLoader)
    except OSError as error:
        raise Mistakes([f"{path}: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise Mistakes([f"{path}: is not text in UTF-8"]) from None
    except yaml.YAMLError as error:
        raise Mistakes([f"{path}: {' '.join(str(error).split())}"]) from None


class _PlainLoader(yaml.SafeLoader):
    """Reads what JSON has; a word that looks like a date stays a word, and a field that stands twice is a mistake."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - of the base class
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str) and key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key} stands twice", key_node.start_mark)
            seen.add(key if isinstance(key, str) else None)
        return super().construct_mapping(node, deep=deep)


_PlainLoader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _bodies(paths: Sequence[Path]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path in paths:
        for file in _files(path):
            for document in parsed_yaml(file):
                for body in _items(document):
                    if not isinstance(body, Mapping):
                        raise Mistakes([f"{file}: holds something that is no Kubernetes object"])
                    yield str(file), body


def _files(path: Path) -> Iterable[Path]:
    if path == STDIN or not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES and file.is_file())


def _items(document: Any) -> Iterator[Any]:
    """The objects of a document: none, one, or those of a List."""
    if isinstance(document, Mapping) and document.get("kind") == _LIST and isinstance(document.get("items"), list):
        for item in document["items"]:
            yield from _items(item)
    elif document is not None:
        yield document


def _kind(file: str, body: Mapping[str, Any]) -> Kind | None:
    """The kind of an account or a pool, in any version of ours; None for what a plan does not depend on."""
    if str(body.get("apiVersion", "")).partition("/")[0] != GROUP:
        return None
    named = body.get("kind")
    if named not in set(Kind):
        known = ", ".join(kind.value for kind in Kind)
        raise Mistakes([f"{file}: kind: {named} is none of {GROUP}, which has {known}"])
    return Kind(named) if named in {Kind.POOL, Kind.ACCOUNT} else None


def _filed(kind: Kind, file: str, body: Mapping[str, Any], namespace: str) -> Filed:
    plain = without_nulls(body)
    metadata = plain.get("metadata")
    placed = {**plain, "metadata": {"namespace": namespace, **(metadata if isinstance(metadata, Mapping) else {})}}
    read = pool_object if kind is Kind.POOL else account_object
    return Filed(file=file, body=placed, found=read(placed))
