"""A lab with everything that identities need, and an operator's environment without any identity."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from multicloud_lab.thread import LabThread
from support.hosts import strays
from support.signing_in import Machine, seed

__all__ = ["strays"]


@pytest.fixture(scope="module")
def signing_lab() -> Iterator[LabThread]:
    with LabThread(seed()) as lab:
        yield lab


@pytest.fixture
def machine(
    signing_lab: LabThread, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, strays: list[str]
) -> Iterator[Machine]:
    """No identity but what a test gives; no host but the lab's."""
    assert strays == []
    made = Machine(signing_lab, monkeypatch, tmp_path)
    made.clear()
    yield made
    assert signing_lab.violations() == []
    signing_lab.run(lambda lab: lab.reset())
