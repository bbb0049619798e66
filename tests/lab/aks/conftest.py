"""A lab with a clock moved by hand, and Azure's own SDK on it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azure.core.rest import HttpRequest
from azure.mgmt.containerservice import ContainerServiceClient

from multicloud_lab.thread import LabThread
from support.aks import Pools, client
from support.lab import lab

__all__ = ["lab"]


@pytest.fixture
def azure(lab: LabThread) -> Iterator[ContainerServiceClient]:
    with client(lab) as made:
        yield made


@pytest.fixture
def send(lab: LabThread, azure: ContainerServiceClient) -> Callable[..., Any]:
    """Send a request of our own making through the SDK's pipeline, token included."""

    def sender(method: str, path: str, **options: Any) -> Any:
        url = path if path.startswith("https:") else lab.document["arm"]["url"] + path
        return azure.send_request(HttpRequest(method, url, **options))

    return sender


@pytest.fixture
def pools(azure: ContainerServiceClient) -> Pools:
    return Pools(azure)
