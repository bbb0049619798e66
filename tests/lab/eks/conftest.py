"""Fixtures on the emulated AWS: boto3 clients whose every answer is checked."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from multicloud_lab.thread import LabThread
from support.ekswire import client_of
from support.lab import lab

__all__ = ["lab"]

Connect = Callable[..., Any]


@pytest.fixture
def connect(lab: LabThread) -> Connect:
    """Makes a client of a service."""
    return partial(client_of, lab)


@pytest.fixture
def eks(connect: Connect) -> Any:
    return connect("eks")


@pytest.fixture
def autoscaling(connect: Connect) -> Any:
    return connect("autoscaling")


@pytest.fixture
def sts(connect: Connect) -> Any:
    return connect("sts")
