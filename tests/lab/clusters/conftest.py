"""A lab, and the Kubernetes client on its EKS cluster shop-prod: four nodes of `web`, two of `batch`."""

from collections.abc import Iterator

import pytest

from multicloud_lab.thread import LabThread
from support.lab import lab
from support.member import Member, api, aws_token

__all__ = ["lab"]


@pytest.fixture
def member(lab: LabThread) -> Iterator[Member]:
    with api(lab, "aws", aws_token(lab)) as made:
        yield made
