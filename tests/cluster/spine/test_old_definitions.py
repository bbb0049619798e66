"""An operator that is newer than the definitions of its kinds waits, says what is missing, and goes on by itself."""

import copy
from collections.abc import Iterator

import pytest
import yaml

from multicloud.kinds.crd import crds
from multicloud_lab.controlplane import ControlPlane
from support.samples import FOUND, member, pool
from support.stage import Stage


def install(plane: ControlPlane, *, without: str | None = None) -> None:
    """Apply our definitions; without one field of a pool's members, as they were before it was thought of."""
    definitions = copy.deepcopy(crds())
    for definition in definitions:
        status = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
        if without is not None and "members" in status["properties"]:
            del status["properties"]["members"]["items"]["properties"][without]
    applied = plane.kubectl(
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=tests",
        "--filename=-",
        input=yaml.safe_dump_all(definitions),
    )
    assert applied.returncode == 0, applied.stderr


@pytest.fixture
def old(our_kinds: ControlPlane) -> Iterator[ControlPlane]:
    install(our_kinds, without="givenUp")
    yield our_kinds
    install(our_kinds)


def test_it_says_which_field_is_missing_and_serves_once_it_is_there(old: ControlPlane, stage: Stage) -> None:
    stage.api.create(pool("aws", member("aws"), replicas=FOUND))
    operator = stage.operator()
    operator.start()
    words = "CustomResourceDefinition multicloudpools.multicloud.dev is older than this operator: no status.members[].givenUp"
    stage.until(lambda: words in (operator.readiness() or ""), "it says what is missing")
    assert operator.runs
    assert not stage.status("aws")
    install(old)
    operator.until_ready()
    stage.until_nodes("aws", FOUND)
