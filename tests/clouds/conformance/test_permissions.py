"""What an identity needs, and how we find out: the policy of each cloud against the lab's permissions."""

import json
from collections.abc import Iterator, Mapping, Sequence

import pytest

from multicloud.clouds.registry import policy_of
from multicloud.model.error import CloudError
from multicloud.model.permission import Permission
from multicloud.model.port import CloudDoor
from multicloud.model.ref import Cloud, NodePoolRef
from multicloud.model.size import Detail, OperationState, Resize
from multicloud_lab.thread import LabThread
from support.azuredoor import Fence
from support.clouds import GROUNDS, Ground

LONG_S = 1800
"""Virtual seconds after which every operation of the lab is over and every node is ready or gone."""

REFUSALS = {"AccessDeniedException", "AccessDenied", "AuthorizationFailed", "PERMISSION_DENIED"}
"""The journal's words for a call that was not permitted, in each cloud's words."""

EACH = [(ground, need.name) for ground in GROUNDS for need in policy_of(ground.cloud).needs]
IDS = [f"{ground.cloud}-{name}" for ground, name in EACH]


def probe(door: CloudDoor, pool: NodePoolRef) -> Sequence[Permission]:
    assert door.probe is not None
    return door.probe.probe(pool)


def missing(found: Sequence[Permission]) -> list[str]:
    return [each.need.name for each in found if each.granted is False]


def refused(lab: LabThread) -> list[Mapping[str, object]]:
    return [entry for entry in lab.journal() if entry["result"] in REFUSALS]


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[LabThread]:
    """One lab for all that only asks: permissions are given anew by each test."""
    with LabThread() as running:
        yield running


def test_with_the_policy_everything_is_granted(shared_lab: LabThread, ground: Ground, fence: Fence) -> None:
    ground.give_policy(shared_lab)
    found = probe(ground.door(shared_lab, fence), ground.web)
    assert [(each.need, each.granted, each.why) for each in found] == [
        (need, True, "") for need in policy_of(ground.cloud).needs
    ]


@pytest.mark.parametrize(("ground", "name"), EACH, ids=IDS)
def test_without_one_permission_exactly_that_one_is_missing(
    shared_lab: LabThread, ground: Ground, name: str, fence: Fence
) -> None:
    ground.give_policy(shared_lab, without=name)
    found = probe(ground.door(shared_lab, fence), ground.web)
    assert missing(found) == [name]
    (told,) = [each for each in found if each.need.name == name]
    assert told.why


def test_probing_changes_nothing_and_never_asks_the_fence(lab: LabThread, ground: Ground, fence: Fence) -> None:
    door = ground.door(lab, fence)
    before = ground.read(door)
    fence.closed = True
    probe(door, ground.web)
    assert ground.read(door) == before
    assert fence.asked == 0
    assert not any(entry["effective"] for entry in lab.journal())
    assert all(entry["pool"] != ground.web.name for entry in ground.writes(lab))


def test_after_a_probe_the_fence_stands_before_writes_as_ever(lab: LabThread, ground: Ground, fence: Fence) -> None:
    door = ground.door(lab, fence)
    probe(door, ground.web)
    door.node_pools.resize(Resize(pool=ground.read(door), to=6), token="resize-1")
    assert fence.asked == 1


def test_a_pool_that_is_not_there_is_no_lack_of_permission(lab: LabThread, ground: Ground, fence: Fence) -> None:
    found = probe(ground.door(lab, fence), ground.elsewhere(pool="nosuch"))
    assert missing(found) == []


def story(lab: LabThread, ground: Ground, fence: Fence) -> None:
    """Everything that the operator does with a node pool through its door, and at last what `multicloud check` asks."""
    door = ground.door(lab, fence)
    before = ground.read(door)
    to = before.requested + 2
    asked = door.node_pools.resize(Resize(pool=before, to=to), token=f"resize-{to}")
    door.node_pools.poll(asked)
    ground.read(door)
    lab.advance(LONG_S)
    assert door.node_pools.poll(asked).state is OperationState.DONE
    assert ground.read(door, detail=Detail.SIZES).ready == to
    assert door.access is not None
    door.access.credential(ground.web.cluster, None)
    assert missing(probe(door, ground.web)) == []


def test_the_policy_is_enough_for_the_whole_story(shared_lab: LabThread, ground: Ground, fence: Fence) -> None:
    ground.give_policy(shared_lab)
    before = len(refused(shared_lab))
    story(shared_lab, ground, fence)
    assert refused(shared_lab)[before:] == []


@pytest.mark.parametrize(("ground", "name"), EACH, ids=IDS)
def test_without_one_permission_something_in_the_story_is_refused(
    shared_lab: LabThread, ground: Ground, name: str, fence: Fence
) -> None:
    ground.give_policy(shared_lab, without=name)
    before = len(refused(shared_lab))
    with pytest.raises((CloudError, AssertionError)):
        story(shared_lab, ground, fence)
    assert refused(shared_lab)[before:] != []
    shared_lab.advance(LONG_S)  # to rest, for the next


def test_a_role_renders_every_permission_and_the_clusters_it_is_for(ground: Ground) -> None:
    policy = policy_of(ground.cloud)
    told = json.dumps(policy.role([ground.web], ground.principal))
    for need in policy.needs:
        assert f'"{need.name}"' in told
    match ground.cloud:
        case Cloud.AWS:
            assert "arn:aws:eks:us-east-1:111122223333:nodegroup/shop-prod/*" in told
        case Cloud.AZURE:
            assert f"/subscriptions/{ground.web.cluster.owner}" in told
        case Cloud.GCP:
            assert "includedPermissions" in told
