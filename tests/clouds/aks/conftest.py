"""The AKS door twice: on the lab, and on a scripted ARM that answers whatever a test wants."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from multicloud.clouds.aks.door import open_door
from multicloud.model.account import AzureAccount
from multicloud.model.port import CloudDoor
from multicloud.settings import AzureEndpoints, Endpoint
from multicloud_lab.thread import LabThread
from support.azuredoor import ACCOUNT, Fence, scripted_door
from support.lab import lab
from support.vendor import Vendor, certificates

__all__ = ["lab"]


@pytest.fixture
def fence() -> Fence:
    return Fence()


@pytest.fixture
def lab_door(lab: LabThread, fence: Fence) -> CloudDoor:
    arm, known = lab.document["arm"], lab.document["credentials"]["azure"]
    ca_file = Path(arm["caFile"])
    return open_door(
        AzureAccount(
            tenant_id=known["tenantId"],
            client_id=known["clientId"],
            subscription_id=lab.lab.seed.azure.subscription_id,
        ),
        {"clientSecret": known["clientSecret"].encode()},
        AzureEndpoints(
            arm=Endpoint(url=arm["url"], ca_file=ca_file), authority=Endpoint(url=arm["authority"], ca_file=ca_file)
        ),
        before_send=fence,
        call_timeout_s=25,
    )


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with certificates() as tls, Vendor(tls) as running:
        yield running


@pytest.fixture
def opened(vendor: Vendor, fence: Fence) -> Callable[..., CloudDoor]:
    def make(**options: Any) -> CloudDoor:
        return scripted_door(vendor, fence, **{"account": ACCOUNT, **options})

    return make


@pytest.fixture
def door(opened: Callable[..., CloudDoor]) -> CloudDoor:
    return opened()
