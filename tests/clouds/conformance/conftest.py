"""Each cloud in turn, on a fresh lab."""

import pytest

from support.azuredoor import Fence
from support.clouds import GROUNDS, Ground
from support.lab import lab

__all__ = ["lab"]


@pytest.fixture
def fence() -> Fence:
    return Fence()


@pytest.fixture(params=GROUNDS, ids=lambda ground: str(ground.cloud))
def ground(request: pytest.FixtureRequest) -> Ground:
    chosen: Ground = request.param
    return chosen
