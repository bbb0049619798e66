"""Two replicas: one leads and writes. A leader frozen past its lease lets nothing out when it wakes up."""

from collections.abc import Callable
from typing import Any

import pytest

from support.api_gate import member_of, status_of
from support.samples import CLOUDS, FOUND, member, pool
from support.stage import Resize, Stage, Stopped
from support.waiting import stays

LEASE = "multicloud-operator"
NEVER_LOOKS = {"intervalSeconds": 600, "describeSeconds": 3600, "busyMinSeconds": 600, "busyMaxSeconds": 600}
"""So that a read of the frozen one is the one that its sender makes right before it writes."""

FREEZES_S = 20.0
WAKES_S = 15.0
QUIET_S = 2.0

DESCRIBE = {"aws": "DescribeNodegroup", "azure": "AgentPools_Get", "gcp": "ListNodePools"}
"""The read right before the write."""


def test_exactly_one_of_two_writes(stage: Stage) -> None:
    stage.api.create_all([pool(cloud, member(cloud), replicas=9) for cloud in CLOUDS])
    both = [stage.operator("one"), stage.operator("two")]
    for each in both:
        each.start()
    for cloud in CLOUDS:
        stage.until_nodes(cloud, 9)
    for each in both:
        each.until_ready()
    (leader,) = [each for each in both if each.leads]
    (follower,) = [each for each in both if each is not leader]
    assert stage.api.lease(LEASE)["holderIdentity"] == leader.name
    assert [stage.resizes(cloud) for cloud in CLOUDS] == [[Resize(FOUND, 9)]] * 3
    assert leader.metric("multicloud_scaling_actions_total", result="Accepted") == 3
    assert follower.metric("multicloud_scaling_actions_total") == 0
    assert follower.metric("multicloud_status_writes_total") == 0

    assert leader.end() == 0
    assert stage.api.lease(LEASE)["holderIdentity"] != leader.name
    follower.until_leading()
    for cloud in CLOUDS:
        stage.api.scale(cloud, 5)
    for cloud in CLOUDS:
        stage.until_nodes(cloud, 5)
        assert stage.resizes(cloud) == [Resize(FOUND, 9), Resize(9, 5)]


def _intends(status: dict[str, Any]) -> bool:
    seen = member_of(status)
    return seen.get("intent") is not None and seen.get("operation") is None


def _persisted(stage: Stage, cloud: str) -> Stopped:
    """The intent is in the status; the answer that lets it out is on its way."""
    return stage.gate.hold(status_of(cloud, _intends), when="after")


def _read_again(stage: Stage, cloud: str) -> Stopped:
    """The sender asked the cloud once more; the answer that lets the write out is on its way."""
    return stage.hold_call(DESCRIBE[cloud], when="after")


@pytest.mark.parametrize("catch", [_persisted, _read_again], ids=["intent persisted", "on the lane, right before"])
def test_a_frozen_leader_lets_nothing_out(stage: Stage, catch: Callable[[Stage, str], Stopped]) -> None:
    stage.api.create_all([pool(cloud, member(cloud)) for cloud in CLOUDS])
    # Calls that never time out: nothing but the fence keeps the old one back.
    old = stage.operator("old", observe=NEVER_LOOKS, callTimeoutSeconds=120)
    old.start()
    for cloud in CLOUDS:
        stage.until_found(cloud)
    new = stage.operator("new")
    new.start()
    new.until_ready()

    caught = [catch(stage, cloud) for cloud in CLOUDS]
    for cloud in CLOUDS:
        stage.api.scale(cloud, 9)
    for each in caught:
        each.wait(FREEZES_S, stage.tell)
    assert not stage.cloud_writes()
    old.freeze()
    for each in caught:
        each.release()
    new.until_leading()
    for cloud in CLOUDS:
        stage.until_nodes(cloud, 9)
    assert [stage.resizes(cloud) for cloud in CLOUDS] == [[Resize(FOUND, 9)]] * 3
    before = len(stage.cloud_writes())

    old.thaw()
    assert old.wait(WAKES_S) != 0
    stays(lambda: len(stage.cloud_writes()) == before, "no call of the old one", for_s=QUIET_S, tell=stage.tell)
    assert stage.api.lease(LEASE)["holderIdentity"] == "new"
    assert new.leads
