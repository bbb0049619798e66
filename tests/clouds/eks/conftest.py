"""The EKS door twice: on the lab, and on scripted endpoints that answer whatever a test wants."""

from collections.abc import Iterator

import pytest

from multicloud.model.port import CloudDoor
from multicloud_lab.thread import LabThread
from support.awsdoor import scripted_door
from support.azuredoor import Fence
from support.clouds import GROUNDS
from support.lab import lab
from support.vendor import Vendor

__all__ = ["lab"]


@pytest.fixture
def fence() -> Fence:
    return Fence()


@pytest.fixture
def lab_door(lab: LabThread, fence: Fence) -> CloudDoor:
    return GROUNDS[0].door(lab, fence)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with Vendor(None) as running:
        yield running


@pytest.fixture
def door(vendor: Vendor, fence: Fence) -> CloudDoor:
    return scripted_door(vendor, fence)
