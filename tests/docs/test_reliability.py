"""The page of promises names each of the fourteen once, with where it is kept and the tests that show it; all of it exists."""

import re
from pathlib import Path

import pytest

from support.markdown import anchors, headings

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "reliability.md"
PROMISES = range(1, 15)


def section(number: int) -> str:
    found = re.search(rf"^### {number}\. .+?\n(.*?)(?=^##|\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None, f"there is no promise {number}"
    return found[1]


def files(text: str) -> list[Path]:
    return [DOCS / link for link in re.findall(r"\]\(((?!https:)[^)#]+)\)", text)]


def test_every_promise_stands_there_once_and_in_order() -> None:
    assert [int(title.split(".")[0]) for title in headings(PAGE, 3)] == list(PROMISES)


@pytest.mark.parametrize("number", PROMISES)
def test_a_promise_names_its_tests(number: int) -> None:
    _, _, tests = section(number).partition("\nTests: ")
    shown = [file.name for file in files(tests)]
    assert any(name.startswith("test_") for name in shown)


def test_every_file_that_is_named_exists() -> None:
    assert [str(file) for file in files(PAGE.read_text()) if not file.exists()] == []


def test_links_inside_the_page_lead_to_its_sections() -> None:
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE.read_text())) <= anchors(PAGE)


def test_the_last_full_run_is_a_table_of_proofs() -> None:
    _, _, table = PAGE.read_text().partition("## Last full run\n")
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("|")]
    assert {len(row) for row in rows} == {4}
    assert len(rows) > 2, "a head, a rule, and what was run"
