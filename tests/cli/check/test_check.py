"""`multicloud check` as people run it, on the emulated clouds."""

import pytest

from multicloud.clouds.registry import policy_of
from multicloud.model.ref import Cloud
from support.checking import Bench
from support.clouds import GROUNDS, Ground

EACH = [(ground, need.name) for ground in GROUNDS for need in policy_of(ground.cloud).needs]
IDS = [f"{cloud.cloud}-{name}" for cloud, name in EACH]


def allow(bench: Bench, cloud: Ground, *, without: str = "") -> None:
    needs = [need.name for need in policy_of(cloud.cloud).needs if need.name != without]
    bench.lab.run(lambda lab: lab.permissions.allow_only(str(cloud.cloud), cloud.caller, needs))


def test_all_is_well(ground: Bench) -> None:
    ground.given_cloud(*Cloud)
    code, found = ground.found()
    assert found["fine"], found
    assert code == 0
    said = ground.check("-o", "wide")
    print(said.output)


@pytest.mark.parametrize(("cloud", "name"), EACH, ids=IDS)
def test_each_permission_that_is_removed_is_named_and_no_other(ground: Bench, cloud: Ground, name: str) -> None:
    ground.given_cloud(cloud.cloud)
    allow(ground, cloud)
    assert ground.check().exit_code == 0
    allow(ground, cloud, without=name)
    said = ground.check()
    assert said.exit_code == 1
    missing = [line.split()[1] for line in said.stdout.splitlines() if "missing" in line.split()[2:3]]
    assert missing == [name]
    print(said.output)
