"""The page of operations has a section for each reason that a person can see, and none for a stranger."""

import re
from pathlib import Path

import pytest

from multicloud.cli.reference.reasons import ALL_IS_WELL
from multicloud.model.reason import Code
from support.markdown import anchors, headings

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"

OF_THE_OPERATOR = {"The operator does not answer", "Passes fail", "Status is not written"}
"""What no reason can say: there is nobody to say it, or nowhere to write it."""

ASKS_FOR_A_PERSON = sorted(set(Code) - set(ALL_IS_WELL))


def section(title: str) -> str:
    found = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^##|\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None, f"docs/operations.md has no section {title}"
    return found[1]


def test_every_section_is_of_a_reason_once() -> None:
    titles = headings(PAGE, 3)
    assert len(set(titles)) == len(titles)
    assert set(titles) == OF_THE_OPERATOR | set(ASKS_FOR_A_PERSON)


@pytest.mark.parametrize("title", [*ASKS_FOR_A_PERSON, *sorted(OF_THE_OPERATOR)])
def test_a_section_says_what_it_means_what_to_look_at_and_what_to_do(title: str) -> None:
    points = re.findall(r"^- \*\*(.+?):\*\* \S", section(title), re.MULTILINE)
    assert points == ["Means", "Look at", "Do"]


def test_links_inside_the_page_lead_to_its_sections() -> None:
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE.read_text())) <= anchors(PAGE)
