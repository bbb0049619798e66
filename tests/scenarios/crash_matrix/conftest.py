"""A lab for all cells of one cloud, and how many of them to play."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from random import Random

import pytest
import structlog

from multicloud_lab.thread import LabThread
from support.crashes import CrashMatrix, Variant

SAMPLED_CELLS = 3
"""Of each variant, chosen by the seed."""


@pytest.fixture(scope="module")
def lab() -> Iterator[LabThread]:
    with LabThread() as running:
        yield running


@pytest.fixture(autouse=True)
def _quiet_logs() -> Iterator[None]:
    """Thousands of runs write hundreds of lines each, which nobody reads."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


@pytest.fixture
def play(
    lab: LabThread, seed: int, full: bool, proved: Callable[[str, int], None]
) -> Callable[[Variant], Awaitable[None]]:
    """Play a variant's cells, all or a sample, and fail with everything that is wrong."""

    async def played(variant: Variant) -> None:
        matrix = CrashMatrix(lab, variant)
        cells = await matrix.cells()
        if not full:
            cells = Random(f"{seed} {variant}").sample(cells, SAMPLED_CELLS)  # noqa: S311 - chooses tests
        endings = [await matrix.play(cell) for cell in cells]
        wrong = [sentence for ending in endings for sentence in ending or ()]
        assert wrong == []
        came = sum(ending is not None for ending in endings)
        assert came >= 0.95 * len(cells), f"of {len(cells)} troubles only {came} came"
        proved("crash matrix, cells", came)

    return played
