"""A lab with everything that identities need, and an operator's environment without any identity."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from multicloud_lab.thread import LabThread
from support.hosts import strays
from support.signing_in import Machine, seed

__all__ = ["strays"]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, strays: list[str]) -> Iterator[Machine]:
    """No identity but what a test gives; no host but the lab's."""
    assert strays == []
    with LabThread(seed()) as lab:
        made = Machine(lab, monkeypatch, tmp_path)
        made.clear()
        yield made
        assert lab.violations() == []
