"""An API server of its own with the operator's objects installed for two tenants, as `kubectl apply -k` does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from multicloud_lab.controlplane import ControlPlane
from support.renderings import overlay

TENANTS = ("shop", "bank")


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    directory: Path = overlay(tmp_path_factory.mktemp("install") / "overlay", *TENANTS)
    with ControlPlane() as plane:
        for tenant in TENANTS:
            plane.kubectl("create", "namespace", tenant).check_returncode()
        answer = plane.kubectl("apply", "-k", str(directory))
        assert answer.returncode == 0, answer.stderr
        plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all").check_returncode()
        yield plane
