"""Headings of our pages, as links name them."""

import re
from collections.abc import Sequence
from pathlib import Path


def headings(page: Path, level: int) -> Sequence[str]:
    """The headings of one level, outside of fenced blocks, in order."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return re.findall(rf"^{'#' * level} (.+)$", text, re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What a link to a heading of the page may name after the `#`."""
    every = [heading for level in (1, 2, 3, 4) for heading in headings(page, level)]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in every}
