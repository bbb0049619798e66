"""The GKE door twice: on the lab, and on scripted endpoints that answer whatever a test wants."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from multicloud.clouds.gke.door import open_door
from multicloud.model.account import GcpAccount
from multicloud.model.port import CloudDoor
from multicloud.settings import Endpoint, GcpEndpoints
from multicloud_lab.thread import LabThread
from support.azuredoor import Fence
from support.googledoor import ClusterManager, Google
from support.lab import lab
from support.vendor import Vendor, certificates

__all__ = ["lab"]


@pytest.fixture
def fence() -> Fence:
    return Fence()


@pytest.fixture
def lab_door(lab: LabThread, fence: Fence) -> CloudDoor:
    document = lab.document
    return open_door(
        GcpAccount(project=lab.lab.seed.gcp.project),
        {"key.json": json.dumps(document["credentials"]["gcp"]).encode()},
        GcpEndpoints(
            container=Endpoint(url=f"https://{document['gke']['grpc']}", ca_file=Path(document["gke"]["caFile"])),
            compute=Endpoint(url=document["compute"]["url"]),
            token=Endpoint(url=document["google"]["token"]),
        ),
        before_send=fence,
        call_timeout_s=25,
    )


@pytest.fixture
def google() -> Iterator[Google]:
    with certificates() as tls, ClusterManager(tls) as manager, Vendor(None) as rest:
        yield Google(manager, rest, tls)


@pytest.fixture
def door(google: Google, fence: Fence) -> CloudDoor:
    return google.door(fence)
