"""A resize on GKE: what is sent, what keeps it here, and that it is never sent twice."""

import json
from contextlib import suppress

import pytest

from multicloud.clouds.gke.door import open_door
from multicloud.model.error import CloudError, Conflict, NotSent, OutcomeUnknown, Refused, Unavailable
from multicloud.model.port import CloudDoor
from multicloud.model.reason import Code
from multicloud.model.ref import Cloud, ClusterRef
from multicloud.model.size import Activity, Detail, NodePool, OperationState, Resize
from multicloud.settings import Endpoint
from multicloud_lab.thread import LabThread
from support.azuredoor import Fence
from support.googledoor import (
    ACCOUNT,
    Fault,
    Google,
    key_json,
    node_pool,
    node_pools,
    operation,
    operations,
    pool_fact,
    private_key,
    read,
)
from support.vendor import Answer, closed_port

REGIONAL = ClusterRef(cloud=Cloud.GCP, owner="shop-prod-1", location="europe-west1", name="shop-prod")
ZONAL = ClusterRef(cloud=Cloud.GCP, owner="shop-prod-1", location="europe-west1-b", name="shop-batch")


def pool_of(door: CloudDoor, cluster: ClusterRef = REGIONAL, *, detail: Detail = Detail.SIZES) -> NodePool:
    told = door.node_pools.list([cluster], detail=detail)[cluster]
    assert not isinstance(told, CloudError)
    return next(pool for pool in told if pool.ref.name == "web")


def writes(lab: LabThread) -> list[dict[str, object]]:
    return [entry for entry in lab.journal() if entry["operation"] == "SetNodePoolSize"]


def test_the_story_of_a_resize(lab: LabThread, lab_door: CloudDoor, fence: Fence) -> None:
    before = pool_of(lab_door)
    assert (before.requested, before.nodes, before.ready, before.step) == (3, 3, 3, 3)
    asked = lab_door.node_pools.resize(Resize(pool=before, to=9), token="t")
    assert asked.state is OperationState.RUNNING
    assert asked.id.startswith("projects/shop-prod-1/locations/europe-west1/operations/operation-")
    assert pool_of(lab_door).activity is Activity.BUSY
    lab.advance(20)
    moving = pool_of(lab_door)
    assert (moving.requested, moving.ready, moving.activity) == (9, 3, Activity.BUSY)
    assert lab_door.node_pools.poll(asked).state is OperationState.RUNNING
    lab.advance(900)
    assert lab_door.node_pools.poll(asked).state is OperationState.DONE
    after = pool_of(lab_door)
    assert (after.requested, after.nodes, after.ready, after.activity) == (9, 9, 9, Activity.IDLE)
    assert (after.claim, after.incarnation) == (before.claim, before.incarnation)
    assert (fence.asked, [entry["to"] for entry in writes(lab)]) == (1, [9])


def test_a_zonal_cluster_takes_any_size_and_zero_is_one(lab: LabThread, lab_door: CloudDoor) -> None:
    for size in (0, 5):
        lab_door.node_pools.resize(Resize(pool=pool_of(lab_door, ZONAL), to=size), token="t")
        lab.advance(900)
        found = pool_of(lab_door, ZONAL)
        assert (found.requested, found.nodes, found.ready, found.step) == (size, size, size, 1)


def test_nodes_that_leave_still_exist(lab: LabThread, lab_door: CloudDoor) -> None:
    lab_door.node_pools.resize(Resize(pool=pool_of(lab_door, ZONAL), to=1), token="t")
    lab.advance(10)
    leaving = pool_of(lab_door, ZONAL)
    assert (leaving.requested, leaving.nodes, leaving.ready) == (1, 4, 1)


def test_an_uneven_size_is_refused_here(lab: LabThread, lab_door: CloudDoor, fence: Fence) -> None:
    with pytest.raises(Refused) as caught:
        lab_door.node_pools.resize(Resize(pool=pool_of(lab_door), to=4), token="t")
    assert caught.value.reason.code is Code.INVALID
    assert (writes(lab), fence.asked) == ([], 0)


def test_an_operation_on_the_cluster_is_a_conflict(lab: LabThread, lab_door: CloudDoor) -> None:
    seen = pool_of(lab_door)
    lab.run(lambda each: each.engines["gcp"].resize_by_hand("shop-prod", "batch", 6))
    with pytest.raises(Conflict):
        lab_door.node_pools.resize(Resize(pool=seen, to=6), token="t")
    busy = pool_of(lab_door, detail=Detail.FULL)
    assert busy.activity is Activity.BUSY
    assert "SET_NODE_POOL_SIZE" in busy.words


def test_a_lost_answer_is_unknown_and_the_write_happened_once(lab: LabThread, lab_door: CloudDoor) -> None:
    seen = pool_of(lab_door)
    lab.release(lab.hold("SetNodePoolSize", when="after"), "drop")
    with pytest.raises(OutcomeUnknown):
        lab_door.node_pools.resize(Resize(pool=seen, to=6), token="t")
    assert [entry["effective"] for entry in writes(lab)] == [True]
    lab.advance(900)
    assert pool_of(lab_door).requested == 6


def test_a_closed_fence_keeps_the_write_here(lab: LabThread, lab_door: CloudDoor, fence: Fence) -> None:
    seen = pool_of(lab_door)
    fence.closed = True
    with pytest.raises(NotSent) as caught:
        lab_door.node_pools.resize(Resize(pool=seen, to=6), token="t")
    assert caught.value.reason.code is Code.STOPPED
    assert writes(lab) == []


def test_what_is_sent(door: CloudDoor, google: Google, fence: Fence) -> None:
    google.manager.answer("SetNodePoolSize", operation("PENDING"))
    asked = door.node_pools.resize(Resize(pool=pool_fact(step=2), to=10), token="t")
    [call] = google.manager.called("SetNodePoolSize")
    assert call.request.name == "projects/shop-prod-1/locations/europe-west1/clusters/shop-prod/nodePools/web"
    assert call.request.node_count == 5
    assert call.authorization == "Bearer opaque-token"
    assert asked.id == "projects/shop-prod-1/locations/europe-west1/operations/operation-1-abc"


def test_the_fence_is_asked_after_the_login(door: CloudDoor, google: Google, fence: Fence) -> None:
    google.manager.answer("SetNodePoolSize", operation("PENDING"))
    logged_in: list[int] = []
    fence.then = lambda: logged_in.append(len(google.rest.calls("POST", "/token")))
    door.node_pools.resize(Resize(pool=pool_fact(), to=6), token="t")
    assert logged_in == [1]


def test_a_login_that_fails_is_no_lost_write(door: CloudDoor, google: Google, fence: Fence) -> None:
    google.rest.answer("POST", "/token", Answer(drop=True))
    with pytest.raises(Unavailable):
        door.node_pools.resize(Resize(pool=pool_fact(), to=6), token="t")
    assert (google.manager.calls, fence.asked) == ([], 0)


def test_an_operation_that_ended_at_once(door: CloudDoor, google: Google) -> None:
    google.manager.answer("SetNodePoolSize", operation("DONE", error={"code": 8, "message": "GCE_STOCKOUT"}))
    asked = door.node_pools.resize(Resize(pool=pool_fact(), to=6), token="t")
    assert asked.state is OperationState.FAILED
    assert asked.words.startswith("Stockout: ")


def test_nobody_listens(google: Google, fence: Fence) -> None:
    nowhere = Endpoint(url=f"https://127.0.0.1:{closed_port()}")
    endpoints = google.endpoints.model_copy(update={"container": nowhere})
    secret = {"key.json": json.dumps(key_json(google.token_uri)).encode()}
    door = open_door(ACCOUNT, secret, endpoints, before_send=fence, call_timeout_s=0.3)
    with pytest.raises(Unavailable):
        read(door)
    with pytest.raises(Unavailable):
        door.node_pools.resize(Resize(pool=pool_fact(), to=6), token="t")
    assert fence.asked == 0
    assert private_key()[:20] not in repr(door)


@pytest.mark.parametrize("answer", [operation("RUNNING"), Fault(code="UNAVAILABLE")], ids=["taken", "lost"])
def test_a_write_forgets_what_was_described_while_it_ran(
    answer: object, door: CloudDoor, google: Google, fence: Fence
) -> None:
    fence.then = lambda: read(door)
    google.manager.answer("SetNodePoolSize", answer)
    with suppress(OutcomeUnknown):
        door.node_pools.resize(Resize(pool=pool_fact(), to=6), token="t")
    google.manager.answer("ListOperations", operations(operation()))
    [pool] = read(door, detail=Detail.SIZES)
    assert pool.activity is Activity.BUSY


def test_a_look_that_a_write_overtakes_is_not_trusted(door: CloudDoor, google: Google) -> None:
    google.manager.answer("SetNodePoolSize", operation("RUNNING"))

    def a_write_comes_first() -> object:
        door.node_pools.resize(Resize(pool=pool_fact(), to=6), token="t")
        return node_pools(node_pool())

    google.manager.answer("ListNodePools", a_write_comes_first, node_pools(node_pool()))
    with pytest.raises(Unavailable) as caught:
        read(door)
    assert caught.value.reason.code is Code.STALE
    google.manager.answer("ListOperations", operations(operation()))
    assert read(door, detail=Detail.SIZES)[0].activity is Activity.BUSY
