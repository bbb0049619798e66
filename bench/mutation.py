"""How much of the protection the tests notice: mutmut changes decisions and actions a little, the quick tests judge.

    make mutation [ARGS="act observe --one-in=3"]

Copies the sources and the tests of decisions, actions and observation into `.work/mutation`, lets mutmut run there, and
prints a table by file with every survivor's name and first changed line. A changed sentence is no changed decision: what
differs in words alone is left out of the count, and how many those were is said. `--one-in` tries a part of the mutants,
always the same ones, drawn by their names.
"""

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from zlib import crc32

ROOT: Final = Path(__file__).parents[1]
SCRATCH: Final = ROOT / ".work" / "mutation"
ROOMS: Final = ("decide", "act", "observe")
RUN: Final = (sys.executable, "-m", "mutmut", "run", "--max-children", str(os.cpu_count() or 1))
NO_MUTANT: Final = "none"
"""Mutmut takes names of mutants to run; by one that none has, it makes all of them and runs none."""
SKIPPED: Final = 34
"""What mutmut writes down of a mutant that is not to be run."""
MISSED: Final = frozenset({0, 5, 33, None})
"""What mutmut writes down of a mutant that no test noticed or came by; every other number is a way to be noticed."""
SETTINGS: Final = """
[tool.mutmut]
source_paths = {paths}
pytest_add_cli_args_test_selection = {tests}
also_copy = ["conftest.py", "multicloud", "multicloud_lab", "tests"]
pytest_add_cli_args = ["-p", "no:cacheprovider", "-m", "not long"]
use_git_change_detection = false

[tool.pytest.ini_options]
pythonpath = [".", "tests"]
addopts = ["--import-mode=importlib", "-q"]
asyncio_mode = "auto"
markers = ["long: left out"]
"""

QUICKLY: Final = """
import pytest
from hypothesis import settings


@pytest.hookimpl(trylast=True)
def pytest_configure():
    settings.register_profile("mutants", derandomize=True, deadline=None, max_examples=10)
    settings.load_profile("mutants")
"""
"""A mutant that lives costs every test that comes by it: ten examples of each property."""


@dataclass(slots=True)
class Score:
    """One file's mutants."""

    killed: int = 0
    words_only: int = 0
    survivors: list[str] = field(default_factory=list)

    @property
    def tried(self) -> int:
        """Mutants that count."""
        return self.killed + len(self.survivors)

    def percent(self) -> str:
        """Share of the mutants that some test noticed."""
        return f"{100 * self.killed / self.tried:.1f}" if self.tried else "-"


class _WithoutWords(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.copy_location(ast.Constant(value=""), node) if isinstance(node.value, str) else node


def _bare(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return ast.dump(_WithoutWords().visit(ast.Module(body=function.body, type_ignores=[])))


@dataclass(frozen=True, slots=True)
class Mutated:
    """A file as mutmut wrote it: the functions and their changed twins."""

    functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef]
    lines: dict[str, list[str]]

    @staticmethod
    def read(path: Path) -> "Mutated":
        """Parse it."""
        text = path.read_text()
        found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        lines = text.splitlines()
        return Mutated(
            functions={node.name: node for node in found},
            lines={node.name: lines[node.lineno - 1 : node.end_lineno] for node in found},
        )

    def words_only(self, name: str) -> bool:
        """Whether the mutant differs in sentences alone."""
        return _bare(self.functions[name]) == _bare(self.functions[_original(name)])

    def first_change(self, name: str) -> str:
        """The first line that differs, as the mutant has it."""
        pairs = zip(self.lines[name][1:], [*self.lines[_original(name)][1:], ""], strict=False)
        return next((mine.strip() for mine, theirs in pairs if mine != theirs), "")


def _original(name: str) -> str:
    return f"{name.rpartition('_')[0]}_orig"


def copy(rooms: list[str]) -> None:
    """Sources, tests and settings of mutmut, anew; what an earlier run found out stays where it is."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    for source, name in ((ROOT / "operator" / "multicloud", "multicloud"), (ROOT / "tests", "tests")):
        shutil.rmtree(SCRATCH / name, ignore_errors=True)
        # With new times: mutmut takes a file that is older than what it once made of it for unchanged.
        shutil.copytree(source, SCRATCH / name, ignore=shutil.ignore_patterns("__pycache__"), copy_function=shutil.copy)
    shutil.copytree(ROOT / "operator" / "multicloud_lab", SCRATCH / "multicloud_lab", dirs_exist_ok=True)
    settings = SETTINGS.format(
        paths=json.dumps([f"multicloud/{room}" for room in rooms]),
        tests=json.dumps([f"tests/{room}" for room in ROOMS]),
    )
    (SCRATCH / "pyproject.toml").write_text(settings)
    (SCRATCH / "conftest.py").write_text(QUICKLY)


def try_survivors_again() -> None:
    """Mutmut keeps what it found out of unchanged functions; new tests may notice what the old ones did not.

    Which tests come by a function is found out anew, else those of another room would count as none.
    """
    (SCRATCH / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
    for meta in (SCRATCH / "mutants").rglob("*.py.meta"):
        known = json.loads(meta.read_text())
        verdicts = known["exit_code_by_key"]
        again = MISSED | {SKIPPED}
        known["exit_code_by_key"] = {key: None if verdict in again else verdict for key, verdict in verdicts.items()}
        meta.write_text(json.dumps(known))


def drawn(key: str, one_in: int) -> bool:
    """Whether a mutant is one of those to be tried."""
    return crc32(key.encode()) % one_in == 0


def pass_over(one_in: int) -> None:
    """Mutants that differ in words alone count nothing, and others were not drawn: no test has to run for them."""
    for meta in (SCRATCH / "mutants" / "multicloud").rglob("*.py.meta"):
        known, mutated = json.loads(meta.read_text()), None
        verdicts = known["exit_code_by_key"]
        for key in [key for key, verdict in verdicts.items() if verdict is None]:
            mutated = mutated or Mutated.read(meta.with_suffix(""))
            if not drawn(key, one_in) or mutated.words_only(key.rpartition(".")[2]):
                verdicts[key] = SKIPPED
        meta.write_text(json.dumps(known))


def scores(one_in: int) -> Iterator[tuple[str, Score]]:
    """What mutmut found out, by file."""
    for meta in sorted((SCRATCH / "mutants" / "multicloud").rglob("*.py.meta")):
        path = meta.with_suffix("")
        found = json.loads(meta.read_text())["exit_code_by_key"]
        verdicts = {key: verdict for key, verdict in found.items() if drawn(key, one_in)}
        if not verdicts:
            continue
        mutated, score = Mutated.read(path), Score()
        for key, verdict in verdicts.items():
            name = key.rpartition(".")[2]
            if mutated.words_only(name):
                score.words_only += 1
            elif verdict in MISSED:
                score.survivors.append(f"{name}: {mutated.first_change(name)}")
            else:
                score.killed += 1
        yield str(path.relative_to(SCRATCH / "mutants")), score


def main() -> int:
    """Run mutmut and print what it found."""
    parser = argparse.ArgumentParser(prog="make mutation", description="How much of the protection the tests notice.")
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help=f"of {', '.join(ROOMS)}; none: all of them")
    parser.add_argument("--one-in", type=int, default=1, metavar="N", help="try one of so many mutants")
    asked = parser.parse_args()
    rooms = asked.rooms or list(ROOMS)
    copy(rooms)
    try_survivors_again()
    with (SCRATCH / "log").open("w") as log:
        for command in ((*RUN, NO_MUTANT), RUN):
            subprocess.run(command, cwd=SCRATCH, stdout=log, stderr=log, check=False)
            pass_over(asked.one_in)
    found = dict(scores(asked.one_in))
    if not found:
        print(f"mutmut tried nothing: {SCRATCH / 'log'} says why", file=sys.stderr)
        return 1
    print("| file | mutants | noticed | % | words only |\n|---|---|---|---|---|")
    for name, score in found.items():
        print(f"| {name} | {score.tried} | {score.killed} | {score.percent()} | {score.words_only} |")
    for room in rooms:
        total = Score()
        for name, score in found.items():
            if name.startswith(f"multicloud/{room}/"):
                total.killed += score.killed
                total.words_only += score.words_only
                total.survivors += score.survivors
        print(f"| **{room}** | {total.tried} | {total.killed} | {total.percent()} | {total.words_only} |")
    for name, score in found.items():
        for survivor in score.survivors:
            print(f"{name} {survivor}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
