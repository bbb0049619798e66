"""Fixtures on the emulated clouds: a fresh lab per test, its clock moved by hand, sound at the end."""

from collections.abc import Iterator

import pytest

from multicloud_lab.thread import LabThread


@pytest.fixture
def lab() -> Iterator[LabThread]:
    with LabThread() as running:
        yield running
        assert running.violations() == []
