"""What an agent pool's words become, and which cluster's trouble is whose."""

from typing import Any

import pytest

from multicloud.model.error import CloudError, Refused, Throttled, Unavailable
from multicloud.model.port import CloudDoor
from multicloud.model.reason import Code
from multicloud.model.size import Activity, CapacityType, Detail, ReadySource
from support.azuredoor import CLUSTER, OTHER, agent_pool, pool_fact, read
from support.vendor import Answer, Vendor, certificates

STATES: dict[str, Activity] = {
    "Succeeded": Activity.IDLE,
    "Failed": Activity.SICK,
    "Canceled": Activity.SICK,
    "Deleting": Activity.LEAVING,
    "Creating": Activity.BUSY,
    "Updating": Activity.BUSY,
    "Scaling": Activity.BUSY,
    "Upgrading": Activity.BUSY,
    "UpgradingNodeImageVersion": Activity.BUSY,
    "Starting": Activity.BUSY,
    "Stopping": Activity.BUSY,
    "Canceling": Activity.BUSY,
    "SomethingNew": Activity.BUSY,
    "": Activity.BUSY,
}


def machines(count: int) -> Answer:
    return Answer(body={"value": [{"name": f"m{serial}", "properties": {}} for serial in range(count)]})


def serve(vendor: Vendor, *, there: int = 4, **changes: Any) -> None:
    vendor.answer("GET", "/agentPools?", Answer(body={"value": [agent_pool(**changes)]}))
    vendor.answer("GET", "/agentPools/web/machines", machines(there))


@pytest.mark.parametrize(("state", "activity"), STATES.items(), ids=STATES.keys())
def test_every_state(state: str, activity: Activity, door: CloudDoor, vendor: Vendor) -> None:
    serve(vendor, provisioningState=state)
    [pool] = read(door)
    assert pool.activity is activity
    assert pool.ready_source is ReadySource.ASSUMED


def test_an_unknown_state_is_said(door: CloudDoor, vendor: Vendor) -> None:
    serve(vendor, provisioningState="SomethingNew")
    [pool] = read(door)
    assert "SomethingNew" in pool.words
    assert "not a status known here" in pool.words


def test_at_rest_one_call_a_cluster(door: CloudDoor, vendor: Vendor) -> None:
    serve(vendor)
    [pool] = read(door)
    assert (pool.requested, pool.nodes, pool.ready) == (4, 4, 4)
    assert len(vendor.calls("GET", "/managedClusters/")) == 1


SIZES: dict[str, tuple[str, int, int, int | None, tuple[int, int, int]]] = {
    # state, count, machines, settled count before, (requested, nodes, ready)
    "growing": ("Scaling", 9, 6, 4, (9, 6, 4)),
    "growing, never seen at rest": ("Scaling", 9, 6, None, (9, 6, 0)),
    "shrinking": ("Scaling", 2, 4, 4, (2, 4, 2)),
    "shrinking, never seen at rest": ("Scaling", 2, 4, None, (2, 4, 2)),
    "surging for an upgrade": ("Upgrading", 4, 5, 4, (4, 5, 4)),
    "being made": ("Creating", 3, 2, None, (3, 2, 0)),
    "failed short of its wish": ("Failed", 9, 6, 4, (9, 6, 6)),
    "canceled above its wish": ("Canceled", 2, 3, 4, (2, 3, 2)),
}


@pytest.mark.parametrize("row", SIZES.values(), ids=SIZES.keys())
def test_three_numbers(
    row: tuple[str, int, int, int | None, tuple[int, int, int]], door: CloudDoor, vendor: Vendor
) -> None:
    state, count, there, before, numbers = row
    if before is not None:
        serve(vendor, count=before)
        read(door)
    serve(vendor, there=there, provisioningState=state, count=count)
    [pool] = read(door)
    assert (pool.requested, pool.nodes, pool.ready) == numbers


@pytest.mark.parametrize("state", [state for state in STATES if state != "Succeeded"])
def test_whatever_its_state_a_pool_counts_with_its_machines_and_what_was_settled(
    state: str, door: CloudDoor, vendor: Vendor
) -> None:
    serve(vendor, count=4)
    read(door)
    serve(vendor, there=5, provisioningState=state, count=9)
    [pool] = read(door)
    proved = 5 if STATES[state] in {Activity.SICK, Activity.LEAVING} else 4
    assert (pool.requested, pool.nodes, pool.ready) == (9, 5, proved)


@pytest.mark.parametrize(
    ("told", "capacity"),
    [
        (None, CapacityType.ON_DEMAND),
        ("Regular", CapacityType.ON_DEMAND),
        ("Spot", CapacityType.SPOT),
        ("Moon", None),
    ],
)
def test_what_its_machines_are(
    told: str | None, capacity: CapacityType | None, door: CloudDoor, vendor: Vendor
) -> None:
    serve(vendor, scaleSetPriority=told)
    assert read(door)[0].capacity_type is capacity


def test_machines_that_may_not_be_listed_are_not_guessed(door: CloudDoor, vendor: Vendor) -> None:
    serve(vendor)
    read(door)
    serve(vendor, provisioningState="Scaling", count=9)
    denied = {"error": {"code": "AuthorizationFailed", "message": "no"}}
    vendor.answer("GET", "/agentPools/web/machines", Answer(status=403, body=denied))
    [pool] = read(door)
    assert (pool.requested, pool.nodes, pool.ready) == (9, 9, 4)


def test_a_stopped_pool_takes_no_size_and_has_nothing_ready(door: CloudDoor, vendor: Vendor) -> None:
    serve(vendor, count=3, powerState={"code": "Stopped"})
    [pool] = read(door)
    assert pool.obstacle is not None
    assert (pool.obstacle.code, pool.ready) == (Code.NODE_POOL_STOPPED, 0)
    assert "stopped" in pool.words


def mixed(*counts: int, **scale: Any) -> dict[str, Any]:
    """What a pool of type VirtualMachines has instead of vmSize and count."""
    manual = [{"size": f"Standard_D{serial}s_v5", "count": count} for serial, count in enumerate(counts, 2)]
    profile = {"scale": {"manual": manual, **scale}}
    return {"type": "VirtualMachines", "count": None, "vmSize": None, "virtualMachinesProfile": profile}


def test_a_pool_of_one_vm_size_has_its_count_in_its_profile(door: CloudDoor, vendor: Vendor) -> None:
    serve(vendor, **mixed(4), virtualMachineNodesStatus=[{"size": "Standard_D2s_v5", "count": 3}])
    [pool] = read(door)
    assert (pool.requested, pool.obstacle, pool.autoscaling) == (4, None, False)


def test_a_pool_of_several_vm_sizes_takes_no_size(door: CloudDoor, vendor: Vendor) -> None:
    serve(vendor, **mixed(4, 2))
    [pool] = read(door)
    assert pool.obstacle is not None
    assert (pool.requested, pool.obstacle.code) == (6, Code.SEVERAL_VM_SIZES)


def test_a_profile_that_scales_by_itself_is_an_autoscaler(door: CloudDoor, vendor: Vendor) -> None:
    serve(vendor, **mixed(4, autoscale=[{"size": "Standard_D2s_v5", "minCount": 1, "maxCount": 9}]))
    assert read(door)[0].autoscaling


def test_why_a_pool_failed_is_told(door: CloudDoor, vendor: Vendor) -> None:
    error = {"code": "AllocationFailed", "message": "no room"}
    serve(vendor, provisioningState="Failed", status={"provisioningError": error})
    [pool] = read(door)
    assert pool.words == "Failed: AllocationFailed: no room"


def test_autoscaler_version_and_claim(door: CloudDoor, vendor: Vendor) -> None:
    serve(vendor, enableAutoScaling=True, minCount=1, maxCount=9)
    [pool] = read(door)
    assert pool.autoscaling
    assert pool.version == agent_pool()["properties"]["eTag"]
    assert pool.claim.endswith(
        "/resourcegroups/shop/providers/microsoft.containerservice/managedclusters/shop-prod/agentpools/web"
    )


def test_a_pool_made_from_another_snapshot_is_another(door: CloudDoor, vendor: Vendor) -> None:
    serve(vendor)
    [one] = read(door)
    serve(vendor, creationData={"sourceResourceId": "/subscriptions/x/snapshots/S"})
    [other] = read(door)
    assert one.claim == other.claim
    assert one.incarnation != other.incarnation


@pytest.mark.parametrize(
    ("status", "count"),
    [([{"size": "a", "count": 2}, {"size": "b", "count": 3}], 5), (None, None)],
    ids=["virtual-machines", "nothing-said"],
)
def test_no_count_is_never_zero(status: object, count: int | None, door: CloudDoor, vendor: Vendor) -> None:
    serve(vendor, count=None, virtualMachineNodesStatus=status)
    if count is None:
        with pytest.raises(Unavailable):
            read(door)
        return
    assert read(door)[0].requested == count


@pytest.mark.parametrize("count", [None, -1, 10**9, "many"], ids=str)
def test_an_absurd_count_is_its_pools_own_trouble(count: object, door: CloudDoor, vendor: Vendor) -> None:
    value = [agent_pool(count=count), agent_pool("batch")]
    vendor.answer("GET", "/agentPools?", Answer(body={"value": value}))
    told = door.node_pools.list([CLUSTER], detail=Detail.FULL)
    error, rest = told[pool_fact().ref], told[CLUSTER]
    assert isinstance(error, Unavailable)
    assert error.reason.code is Code.UNEXPECTED
    assert not isinstance(rest, CloudError)
    assert [pool.ref.name for pool in rest] == ["batch"]


def test_two_different_pools_of_one_name_are_neither(door: CloudDoor, vendor: Vendor) -> None:
    value = [agent_pool(), agent_pool("batch"), agent_pool("batch"), agent_pool(count=9)]
    vendor.answer("GET", "/agentPools?", Answer(body={"value": value}))
    told = door.node_pools.list([CLUSTER], detail=Detail.FULL)
    error, rest = told[pool_fact().ref], told[CLUSTER]
    assert isinstance(error, Unavailable)
    assert not isinstance(rest, CloudError)
    assert [pool.ref.name for pool in rest] == ["batch"], "told twice the same is told"


def test_a_pool_without_a_name_could_be_any(door: CloudDoor, vendor: Vendor) -> None:
    value = [agent_pool(), {**agent_pool(), "name": None}]
    vendor.answer("GET", "/agentPools?", Answer(body={"value": value}))
    with pytest.raises(Unavailable):
        read(door)


def test_machines_that_are_not_told_are_not_zero(door: CloudDoor, vendor: Vendor) -> None:
    serve(vendor, provisioningState="Scaling")
    vendor.answer("GET", "/agentPools/web/machines", Answer(body={}))
    with pytest.raises(Unavailable):
        read(door)


def test_a_list_that_never_ends_is_given_up(door: CloudDoor, vendor: Vendor) -> None:
    urls = [f"{vendor.url}/subscriptions/x/agentPools?page={page}" for page in "ab"]
    pages = [Answer(body={"value": [], "nextLink": url}) for url in urls]
    vendor.answer("GET", "/agentPools?api", pages[0])
    vendor.answer("GET", "/agentPools?page=a", pages[1])
    vendor.answer("GET", "/agentPools?page=b", pages[0])
    with pytest.raises(Unavailable) as caught:
        read(door)
    assert caught.value.reason.code is Code.UNEXPECTED
    assert len(vendor.calls("GET", "/agentPools")) == 3


def test_no_link_leads_a_token_to_another_host(door: CloudDoor, vendor: Vendor) -> None:
    with certificates() as tls, Vendor(tls) as stranger:
        link = f"{stranger.url}/subscriptions/x/agentPools?page=2"
        vendor.answer("GET", "/agentPools?", Answer(body={"value": [agent_pool()], "nextLink": link}))
        with pytest.raises(Unavailable) as caught:
            read(door)
        assert caught.value.reason.code is Code.UNEXPECTED
        assert stranger.seen == []


def test_when_a_pool_was_made_tells_it_from_another_of_its_name(door: CloudDoor, vendor: Vendor) -> None:
    made = set()
    for day in ("2026-01-01", "2026-02-01", "2026-02-01"):
        told = {**agent_pool(), "systemData": {"createdAt": f"{day}T00:00:00Z"}}
        vendor.answer("GET", "/agentPools?", Answer(body={"value": [told]}))
        made.add(read(door)[0].incarnation)
    assert len(made) == 2


def test_pages_are_followed(door: CloudDoor, vendor: Vendor) -> None:
    url = f"{vendor.url}/subscriptions/x/agentPools?page=2"
    vendor.answer("GET", "/agentPools?api", Answer(body={"value": [agent_pool("a")], "nextLink": url}))
    vendor.answer("GET", "/agentPools?page=2", Answer(body={"value": [agent_pool("b")]}))
    assert [pool.ref.name for pool in read(door)] == ["a", "b"]


def error(status: int, code: str) -> Answer:
    return Answer(status=status, body={"error": {"code": code, "message": "no"}})


def test_one_clusters_trouble_is_its_own(door: CloudDoor, vendor: Vendor) -> None:
    serve(vendor)
    vendor.answer("GET", "/managedClusters/shop-batch/", error(503, "InternalServerError"))
    told = door.node_pools.list([OTHER, CLUSTER], detail=Detail.SIZES)
    assert isinstance(told[OTHER], Unavailable)
    assert not isinstance(told[CLUSTER], CloudError)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(error(429, "Throttled"), Throttled), (error(401, "InvalidAuthenticationToken"), Refused)],
    ids=["throttled", "logged-out"],
)
def test_trouble_of_all_is_raised(answer: Answer, kind: type[CloudError], door: CloudDoor, vendor: Vendor) -> None:
    vendor.answer("GET", "/agentPools", answer)
    with pytest.raises(kind):
        door.node_pools.list([OTHER, CLUSTER], detail=Detail.SIZES)


def test_missing_clusters_are_told_one_by_one(door: CloudDoor, vendor: Vendor) -> None:
    vendor.answer("GET", "/agentPools", error(404, "ResourceNotFound"))
    told = door.node_pools.list([OTHER, CLUSTER], detail=Detail.SIZES)
    codes = [value.reason.code for value in told.values() if isinstance(value, CloudError)]
    assert codes == [Code.NOT_FOUND, Code.NOT_FOUND]


def test_a_silent_cluster_ends_the_round_and_is_last_in_the_next(opened: Any, vendor: Vendor) -> None:
    door = opened(call_timeout_s=0.3)
    serve(vendor)
    vendor.answer("GET", "/managedClusters/shop-batch/", Answer(hang=True))
    with pytest.raises(Unavailable):
        door.node_pools.list([OTHER, CLUSTER], detail=Detail.SIZES)
    assert len(vendor.calls("GET", "/managedClusters/shop-prod/")) == 0
    told = door.node_pools.list([OTHER, CLUSTER], detail=Detail.SIZES)
    assert isinstance(told[OTHER], Unavailable)
    assert not isinstance(told[CLUSTER], CloudError)
