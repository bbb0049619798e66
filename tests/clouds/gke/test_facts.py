"""What a node pool's words and its groups' numbers become, and how many calls that takes."""

from typing import Any

import pytest

from multicloud.model.error import CloudError, Refused, Throttled, Unavailable
from multicloud.model.port import CloudDoor
from multicloud.model.reason import Code
from multicloud.model.size import Activity, CapacityType, Detail, ReadySource
from support.azuredoor import Fence
from support.googledoor import (
    CLUSTER,
    OTHER,
    ZONES,
    Fault,
    Google,
    group,
    groups_page,
    node_pool,
    node_pools,
    operation,
    operations,
    pool_fact,
    read,
)
from support.vendor import Answer

B, C = ZONES

STATES: dict[str, tuple[int, Activity]] = {
    "unspecified": (0, Activity.BUSY),
    "provisioning": (1, Activity.BUSY),
    "running": (2, Activity.IDLE),
    "running-with-error": (3, Activity.SICK),
    "reconciling": (4, Activity.BUSY),
    "stopping": (5, Activity.LEAVING),
    "error": (6, Activity.SICK),
    "a-new-one": (42, Activity.BUSY),
}


@pytest.mark.filterwarnings("ignore:Unrecognized Status enum value")
@pytest.mark.parametrize(("status", "activity"), STATES.values(), ids=STATES.keys())
def test_every_status(status: int, activity: Activity, door: CloudDoor, google: Google) -> None:
    google.manager.answer("ListNodePools", node_pools(node_pool(status=status)))
    [pool] = read(door)
    assert pool.activity is activity
    assert ("not a status known here" in pool.words) == (status == 42)


@pytest.mark.parametrize(
    ("running", "activity"),
    [
        (operation("RUNNING"), Activity.BUSY),
        (operation("PENDING"), Activity.BUSY),
        (operation("ABORTING"), Activity.BUSY),
        (operation("DONE"), Activity.IDLE),
        (operation("RUNNING", cluster="shop-batch"), Activity.IDLE),
        (
            operation(
                "RUNNING", target_link="https://x/v1/projects/4711/zones/europe-west1/clusters/shop-prod/nodePools/n"
            ),
            Activity.BUSY,
        ),
        (operation("RUNNING", target_link=""), Activity.IDLE),
    ],
    ids=["running", "pending", "aborting", "done", "other-cluster", "other-pool-of-the-cluster", "no-target"],
)
def test_an_operation_on_the_cluster(running: Any, activity: Activity, door: CloudDoor, google: Google) -> None:
    google.manager.answer("ListOperations", operations(running))
    [pool] = read(door)
    assert pool.activity is activity


@pytest.mark.filterwarnings("ignore:Unrecognized Status enum value")
@pytest.mark.parametrize("status", [status for status, _ in STATES.values()], ids=STATES.keys())
def test_whatever_its_status_a_pool_counts_with_its_groups_never_with_its_first_size(
    status: int, door: CloudDoor, google: Google
) -> None:
    google.manager.answer("ListNodePools", node_pools(node_pool(status=status, initial_node_count=9)))
    there = {zone: [group(zone, target=3, none=1, creating=1, recreating=1)] for zone in ZONES}
    google.rest.answer("GET", "/instanceGroupManagers", groups_page(there))
    [pool] = read(door)
    assert (pool.requested, pool.nodes, pool.ready) == (6, 4, 2)


@pytest.mark.parametrize(
    ("config", "capacity"),
    [
        ({"spot": True}, CapacityType.SPOT),
        ({"preemptible": True}, CapacityType.SPOT),
        ({"machine_type": "e2-standard-4"}, CapacityType.ON_DEMAND),
        (None, None),
    ],
    ids=["spot", "preemptible", "on-demand", "not-told"],
)
def test_what_its_machines_are(
    config: dict[str, object] | None, capacity: CapacityType | None, door: CloudDoor, google: Google
) -> None:
    told = node_pool() if config is None else node_pool(config=config)
    google.manager.answer("ListNodePools", node_pools(told))
    assert read(door)[0].capacity_type is capacity


@pytest.mark.parametrize("field", ["targetSize", "currentActions"])
@pytest.mark.parametrize("number", [None, -1, 10**9, "many", 1.5, True], ids=str)
def test_an_absurd_size_of_one_group_is_its_pools_own_trouble(
    field: str, number: object, door: CloudDoor, google: Google
) -> None:
    google.manager.answer("ListNodePools", node_pools(node_pool(), node_pool("batch")))
    wrong = {**group(B), field: number if field == "targetSize" else {"none": number}}
    groups = {B: [wrong, group(B, "batch")], C: [group(C), group(C, "batch")]}
    google.rest.answer("GET", "/instanceGroupManagers", groups_page(groups))
    told = door.node_pools.list([CLUSTER], detail=Detail.FULL)
    error, rest = told[pool_fact().ref], told[CLUSTER]
    assert isinstance(error, Unavailable)
    assert error.reason.code is Code.UNEXPECTED
    assert not isinstance(rest, CloudError)
    assert [pool.ref.name for pool in rest] == ["batch"]


def test_two_different_pools_of_one_name_are_neither(door: CloudDoor, google: Google) -> None:
    google.manager.answer("ListNodePools", node_pools(node_pool(), node_pool(status="ERROR")))
    with pytest.raises(Unavailable) as caught:
        read(door)
    assert caught.value.reason.code is Code.UNEXPECTED


def test_a_pool_that_leaves_leaves_also_while_an_operation_runs(door: CloudDoor, google: Google) -> None:
    google.manager.answer("ListNodePools", node_pools(node_pool(status="STOPPING")))
    google.manager.answer("ListOperations", operations(operation("RUNNING")))
    assert read(door)[0].activity is Activity.LEAVING


SIZES: dict[str, tuple[list[dict[str, Any]], tuple[int, int, int]]] = {
    "at-rest": ([group(B, target=2), group(C, target=2)], (4, 4, 4)),
    "growing": (
        [group(B, target=5, none=2, creating=3), group(C, target=5, none=2, creatingWithoutRetries=3)],
        (10, 4, 4),
    ),
    "shrinking": ([group(B, target=1, none=1, deleting=1), group(C, target=1, none=1, deleting=1)], (2, 4, 2)),
    "repairing": ([group(B, target=2, none=1, recreating=1), group(C, target=2, verifying=1, none=1)], (4, 4, 2)),
    "zeros-left-out": ([{"name": group(B)["name"]}, {"name": group(C)["name"], "currentActions": {}}], (0, 0, 0)),
    "uneven": ([group(B, target=3), group(C, target=2)], (5, 5, 5)),
}


@pytest.mark.parametrize(("groups", "numbers"), SIZES.values(), ids=SIZES.keys())
def test_three_numbers(
    groups: list[dict[str, Any]], numbers: tuple[int, int, int], door: CloudDoor, google: Google
) -> None:
    google.rest.answer(
        "GET", "/instanceGroupManagers", groups_page(dict(zip(ZONES, ([each] for each in groups), strict=True)))
    )
    [pool] = read(door)
    assert (pool.requested, pool.nodes, pool.ready) == numbers
    assert (pool.step, pool.ready_source) == (2, ReadySource.CLOUD)


def test_the_count_at_creation_is_no_size(door: CloudDoor) -> None:
    [pool] = read(door)
    assert pool.requested == 4  # initialNodeCount says 7 a zone


def test_a_pool_without_groups_yet_is_as_large_as_asked_for_and_empty(door: CloudDoor, google: Google) -> None:
    made = node_pool(status="PROVISIONING", instance_group_urls=[], initial_node_count=3)
    google.manager.answer("ListNodePools", node_pools(made))
    [pool] = read(door)
    assert (pool.requested, pool.nodes, pool.ready, pool.incarnation) == (6, 0, 0, "")


def test_a_group_that_was_not_told_is_unknown_never_zero(door: CloudDoor, google: Google) -> None:
    google.rest.answer("GET", "/instanceGroupManagers", groups_page({B: [group(B)]}))
    with pytest.raises(Unavailable):
        read(door)


def test_pages_of_groups_are_joined(door: CloudDoor, google: Google) -> None:
    google.rest.answer("GET", "pageToken=two", groups_page({C: [group(C)]}))
    google.rest.answer("GET", "maxResults=500", groups_page({B: [group(B)]}, nextPageToken="two"))
    google.rest.answer("GET", "pageToken=two", groups_page({C: [group(C)]}))
    assert read(door)[0].requested == 4


def test_a_page_that_repeats_is_given_up(door: CloudDoor, google: Google) -> None:
    google.rest.answer("GET", "/instanceGroupManagers", groups_page({B: [group(B)]}, nextPageToken="one"))
    with pytest.raises(Unavailable):
        read(door)
    assert len(google.rest.calls("GET")) == 2


def test_pages_that_go_round_are_given_up(door: CloudDoor, google: Google) -> None:
    pages = [groups_page({B: [group(B)]}, nextPageToken=token) for token in "aba"]
    google.rest.answer("GET", "/instanceGroupManagers", *pages)
    with pytest.raises(Unavailable) as caught:
        read(door)
    assert caught.value.reason.code is Code.UNEXPECTED
    assert len(google.rest.calls("GET")) == 3


def test_claim_and_incarnation(door: CloudDoor, google: Google) -> None:
    [one] = read(door)
    assert one.claim == "gcp/shop-prod-1/europe-west1/shop-prod/web"
    urls = [url.replace("-grp", "x-grp") for url in node_pool().instance_group_urls]
    google.manager.answer("ListNodePools", node_pools(node_pool(instance_group_urls=urls)))
    again = {zone: [{**group(zone), "name": group(zone)["name"].replace("-grp", "x-grp")}] for zone in ZONES}
    google.rest.answer("GET", "/instanceGroupManagers", groups_page(again))
    [two] = read(door)
    assert (two.claim == one.claim, two.incarnation == one.incarnation) == (True, False)


def test_autoscaling_is_a_fact(door: CloudDoor, google: Google) -> None:
    google.manager.answer("ListNodePools", node_pools(node_pool(autoscaling={"enabled": True, "max_node_count": 9})))
    assert read(door)[0].autoscaling


def test_why_a_pool_is_sick_is_told(door: CloudDoor, google: Google) -> None:
    sick = node_pool(status="ERROR", conditions=[{"canonical_code": 8, "message": "no machines in b"}])
    google.manager.answer("ListNodePools", node_pools(sick))
    assert read(door)[0].words == "ERROR: RESOURCE_EXHAUSTED: no machines in b"


def test_sizes_at_rest_are_one_call(door: CloudDoor, google: Google) -> None:
    read(door)
    calls = len(google.manager.calls)
    there = {zone: [group(zone, target=2, none=1, recreating=1)] for zone in ZONES}
    google.rest.answer("GET", "/instanceGroupManagers", groups_page(there))
    [pool] = read(door, detail=Detail.SIZES)
    assert (pool.requested, pool.ready, len(google.manager.calls)) == (4, 2, calls)


def test_a_target_that_moved_within_an_operation_is_no_drift(door: CloudDoor, google: Google) -> None:
    read(door)
    google.rest.answer("GET", "/instanceGroupManagers", groups_page({zone: [group(zone, target=3)] for zone in ZONES}))
    google.manager.answer("ListOperations", operations(operation("RUNNING")))
    [pool] = read(door, detail=Detail.SIZES)
    assert (pool.requested, pool.activity) == (6, Activity.BUSY)


def test_a_target_that_moved_at_rest_is_described_once(door: CloudDoor, google: Google) -> None:
    read(door)
    google.rest.answer("GET", "/instanceGroupManagers", groups_page({zone: [group(zone, target=3)] for zone in ZONES}))
    for _ in range(3):
        [pool] = read(door, detail=Detail.SIZES)
        assert (pool.requested, pool.activity) == (6, Activity.IDLE)
    assert len(google.manager.called("ListNodePools")) == 2


def test_the_first_look_describes_even_for_sizes(door: CloudDoor, google: Google) -> None:
    assert read(door, detail=Detail.SIZES)[0].activity is Activity.IDLE
    assert len(google.manager.called("ListNodePools")) == 1


def test_what_was_moving_is_described_again(door: CloudDoor, google: Google) -> None:
    google.manager.answer("ListOperations", operations(operation("RUNNING")))
    assert read(door)[0].activity is Activity.BUSY
    google.manager.answer("ListOperations", operations())
    assert read(door, detail=Detail.SIZES)[0].activity is Activity.IDLE


def test_a_pool_that_vanished_is_gone_not_empty(door: CloudDoor, google: Google) -> None:
    read(door)
    google.rest.answer("GET", "/instanceGroupManagers", groups_page({}))
    google.manager.answer("ListNodePools", node_pools())
    assert list(read(door, detail=Detail.SIZES)) == []


def test_one_clusters_trouble_is_its_own(door: CloudDoor, google: Google) -> None:
    google.manager.answer("ListNodePools", Fault(code="INTERNAL"), cluster="shop-batch")
    told = door.node_pools.list([OTHER, CLUSTER], detail=Detail.FULL)
    assert isinstance(told[OTHER], Unavailable)
    assert not isinstance(told[CLUSTER], CloudError)


def test_trouble_of_all_is_raised(door: CloudDoor, google: Google) -> None:
    google.rest.answer("GET", "/instanceGroupManagers", Answer(status=429, body={}))
    with pytest.raises(Throttled):
        door.node_pools.list([OTHER, CLUSTER], detail=Detail.FULL)


def test_a_failed_login_is_raised(door: CloudDoor, google: Google) -> None:
    google.rest.answer("POST", "/token", Answer(status=400, body={"error": "invalid_grant"}))
    with pytest.raises(Refused):
        door.node_pools.list([OTHER, CLUSTER], detail=Detail.SIZES)


def test_missing_clusters_are_told_one_by_one(door: CloudDoor, google: Google) -> None:
    google.manager.answer("ListNodePools", Fault(code="NOT_FOUND", message="Not found"))
    told = door.node_pools.list([OTHER, CLUSTER], detail=Detail.SIZES)
    assert [type(value) for value in told.values()] == [Refused, Refused]
    assert {value.reason.code for value in told.values() if isinstance(value, CloudError)} == {Code.NOT_FOUND}


def test_a_silent_cluster_ends_the_round_and_is_last_in_the_next(google: Google, fence: Fence) -> None:
    door = google.door(fence, call_timeout_s=0.3)
    google.manager.answer("ListNodePools", Fault(hang=True), cluster="shop-batch")
    with pytest.raises(Unavailable):
        door.node_pools.list([OTHER, CLUSTER], detail=Detail.FULL)
    assert len(google.manager.called("ListNodePools")) == 1
    told = door.node_pools.list([OTHER, CLUSTER], detail=Detail.FULL)
    assert isinstance(told[OTHER], Unavailable)
    assert not isinstance(told[CLUSTER], CloudError)
