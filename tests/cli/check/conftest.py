from collections.abc import Iterator

import pytest

from multicloud_lab.thread import LabThread
from support.checking import Bench, bench

REFILL_S = 600
"""Virtual seconds in which the clouds' own rate limits forget what one test asked for."""


@pytest.fixture(scope="session")
def shared_lab() -> Iterator[LabThread]:
    """One lab for everything here: a check changes nothing. What a test changes it puts back."""
    with LabThread() as running:
        yield running
        assert running.violations() == []


@pytest.fixture
def ground(shared_lab: LabThread, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(shared_lab, tmp_path_factory.mktemp("check")) as made:
        yield made
        shared_lab.run(lambda lab: lab.permissions.reset())
        shared_lab.run(lambda lab: lab.faults.lift_all())
        shared_lab.advance(REFILL_S)
