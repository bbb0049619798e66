"""A stage for each story: the real API server is shared, everything else is its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from multicloud_lab.controlplane import ControlPlane
from support.stage import Stage, a_stage


@pytest.fixture
def stage(our_kinds: ControlPlane, tmp_path: Path) -> Iterator[Stage]:
    with a_stage(our_kinds, tmp_path) as made:
        made.given_accounts()
        yield made
