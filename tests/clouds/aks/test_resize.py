"""A resize on AKS: what is sent, what keeps it here, and that it is never sent twice."""

from typing import Any

import pytest
from azure.mgmt.containerservice.models import AgentPool

from multicloud.model.error import CloudError, Conflict, NotSent, OutcomeUnknown, Refused, Unavailable
from multicloud.model.port import CloudDoor
from multicloud.model.reason import Code
from multicloud.model.ref import Cloud, ClusterRef
from multicloud.model.size import Activity, Detail, NodePool, OperationState, Resize
from multicloud.settings import AzureEndpoints, Endpoint
from multicloud_lab.thread import LabThread
from support.aks import Pools, client
from support.azuredoor import ACCOUNT, ETAG, Fence, agent_pool, pool_fact, read, serve_entra
from support.vendor import Answer, Vendor, closed_port

LOCATION_URL = "https://elsewhere.example/subscriptions/s/providers/Microsoft.ContainerService/locations/westeurope"


def lab_cluster(lab: LabThread) -> ClusterRef:
    azure = lab.lab.seed.azure
    return ClusterRef(cloud=Cloud.AZURE, owner=azure.subscription_id, group="shop", name="shop-prod")


def pool_of(lab: LabThread, door: CloudDoor, name: str = "web") -> NodePool:
    cluster = lab_cluster(lab)
    told = door.node_pools.list([cluster], detail=Detail.SIZES)[cluster]
    assert not isinstance(told, CloudError)
    return next(pool for pool in told if pool.ref.name == name)


def writes(lab: LabThread) -> list[dict[str, object]]:
    return [entry for entry in lab.journal() if entry["operation"] == "AgentPools_CreateOrUpdate"]


def test_the_story_of_a_resize(lab: LabThread, lab_door: CloudDoor, fence: Fence) -> None:
    before = pool_of(lab, lab_door)
    assert (before.requested, before.nodes, before.ready, before.activity) == (4, 4, 4, Activity.IDLE)
    operation = lab_door.node_pools.resize(Resize(pool=before, to=7), token="t")
    assert operation.state is OperationState.RUNNING
    assert "/" in operation.id
    assert "http" not in operation.id
    moving = pool_of(lab, lab_door)
    assert (moving.requested, moving.ready, moving.activity) == (7, 4, Activity.BUSY)
    assert lab_door.node_pools.poll(operation).state is OperationState.RUNNING
    lab.advance(900)
    assert lab_door.node_pools.poll(operation).state is OperationState.DONE
    after = pool_of(lab, lab_door)
    assert (after.requested, after.nodes, after.ready, after.activity) == (7, 7, 7, Activity.IDLE)
    assert after.claim == before.claim == before.claim.lower()
    assert (fence.asked, len(writes(lab))) == (1, 1)


def test_booting_machines_are_not_ready(lab: LabThread, lab_door: CloudDoor) -> None:
    lab_door.node_pools.resize(Resize(pool=pool_of(lab, lab_door), to=10), token="t")
    lab.advance(15)
    moving = pool_of(lab, lab_door)
    assert moving.nodes >= 4
    assert moving.ready == 4


def test_a_shrinking_pool_is_as_ready_as_what_stays_even_without_memory(
    lab: LabThread, lab_door: CloudDoor, fence: Fence
) -> None:
    lab.run(lambda each: each.engines["azure"].resize_by_hand("shop-prod", "web", 1))
    moving = pool_of(lab, lab_door)
    assert (moving.requested, moving.nodes, moving.ready, moving.activity) == (1, 4, 1, Activity.BUSY)


def test_a_pool_that_moved_is_refused_before_anything_is_sent(
    lab: LabThread, lab_door: CloudDoor, fence: Fence
) -> None:
    seen = pool_of(lab, lab_door)
    lab.run(lambda each: each.engines["azure"].resize_by_hand("shop-prod", "web", 5))
    lab.advance(900)
    with pytest.raises(Conflict):
        lab_door.node_pools.resize(Resize(pool=seen, to=7), token="t")
    assert fence.asked == 0
    assert pool_of(lab, lab_door).requested == 5


def test_a_pool_that_moves_between_read_and_put_is_refused_by_its_etag(
    lab: LabThread, lab_door: CloudDoor, fence: Fence
) -> None:
    seen = pool_of(lab, lab_door)

    def hand_comes_first() -> None:
        lab.run(lambda each: each.engines["azure"].resize_by_hand("shop-prod", "web", 5))
        lab.advance(900)

    fence.then = hand_comes_first
    with pytest.raises(Conflict):
        lab_door.node_pools.resize(Resize(pool=seen, to=7), token="t")
    assert pool_of(lab, lab_door).requested == 5


def test_a_system_pool_stays_one(lab: LabThread, lab_door: CloudDoor) -> None:
    lab_door.node_pools.resize(Resize(pool=pool_of(lab, lab_door, "system"), to=3), token="t")
    lab.advance(900)
    assert pool_of(lab, lab_door, "system").requested == 3


def test_a_resize_that_a_person_stops_is_canceled_and_may_be_asked_for_again(
    lab: LabThread, lab_door: CloudDoor
) -> None:
    asked = lab_door.node_pools.resize(Resize(pool=pool_of(lab, lab_door), to=9), token="t")
    lab.advance(5)
    lab.hands(lambda hands: hands.abort("azure", "shop-prod", "web"))
    lab.advance(900)
    assert lab_door.node_pools.poll(asked).state is OperationState.CANCELED
    stopped = pool_of(lab, lab_door)
    assert (stopped.activity, stopped.words) == (Activity.SICK, "Canceled")
    lab_door.node_pools.resize(Resize(pool=stopped, to=9), token="t")
    lab.advance(900)
    assert pool_of(lab, lab_door).ready == 9


def test_asking_for_the_present_size_is_done_at_once(lab: LabThread, lab_door: CloudDoor) -> None:
    operation = lab_door.node_pools.resize(Resize(pool=pool_of(lab, lab_door), to=4), token="t")
    assert operation.state is OperationState.DONE


def test_to_zero_and_back(lab: LabThread, lab_door: CloudDoor) -> None:
    for size in (0, 2):
        lab_door.node_pools.resize(Resize(pool=pool_of(lab, lab_door), to=size), token="t")
        lab.advance(900)
        found = pool_of(lab, lab_door)
        assert (found.requested, found.nodes, found.ready) == (size, size, size)


def test_a_lost_answer_is_unknown_and_the_write_happened_once(lab: LabThread, lab_door: CloudDoor) -> None:
    seen = pool_of(lab, lab_door)
    hold = lab.hold("AgentPools_CreateOrUpdate", when="after")
    lab.release(hold, "drop")
    with pytest.raises(OutcomeUnknown):
        lab_door.node_pools.resize(Resize(pool=seen, to=6), token="t")
    assert [entry["effective"] for entry in writes(lab)] == [True]
    assert pool_of(lab, lab_door).requested == 6


def test_a_closed_fence_keeps_the_write_here(lab: LabThread, lab_door: CloudDoor, fence: Fence) -> None:
    seen = pool_of(lab, lab_door)
    fence.closed = True
    with pytest.raises(NotSent) as caught:
        lab_door.node_pools.resize(Resize(pool=seen, to=6), token="t")
    assert caught.value.reason.code is Code.STOPPED
    assert writes(lab) == []
    assert pool_of(lab, lab_door).requested == 4


def test_what_is_sent(door: CloudDoor, vendor: Vendor) -> None:
    told = agent_pool(
        mode="System",
        status={"provisioningError": {"code": "Old", "message": "old"}},
        virtualMachineNodesStatus=[{"size": "x", "count": 1}],
    )
    vendor.answer("GET", "/agentPools/web", Answer(body=told))
    header = {"Azure-AsyncOperation": f"{LOCATION_URL}/operations/abc-1?api-version=2016-03-30&t=1", "Retry-After": "9"}
    vendor.answer("PUT", "/agentPools/web", Answer(body=agent_pool(provisioningState="Scaling"), headers=header))
    operation = door.node_pools.resize(Resize(pool=pool_fact(), to=9), token="t")
    assert (operation.id, operation.state, operation.retry_after_s) == ("westeurope/abc-1", OperationState.RUNNING, 9)
    [put] = vendor.calls("PUT")
    assert put.headers["if-match"] == f'"{ETAG}"'
    assert put.json == {
        "properties": {
            "count": 9,
            "mode": "System",
            "type": "VirtualMachineScaleSets",
            "vmSize": "Standard_D4s_v5",
            "orchestratorVersion": "1.36",
            "nodeLabels": {"team": "shop"},
            "nodeTaints": ["spot=yes:NoSchedule"],
            "tags": {"cost": "42"},
            "spotMaxPrice": -1,
            "upgradeSettings": {"maxSurge": "10%"},
        }
    }


_READ_ONLY = {"eTag", "provisioningState", "currentOrchestratorVersion"}
_NOT_REPEATED = {"nodeImageVersion", "powerState", "status", "virtualMachineNodesStatus"}


def full_pool() -> dict[str, Any]:
    """An agent pool with every property that the SDK's model knows, each with a value."""
    model = type(AgentPool({"properties": {"count": 1}}).properties)
    told = {field._rest_name: _value(str(model.__annotations__[name])) for name, field in _fields(model).items()}
    return {**told, **agent_pool()["properties"], "tags": {}, "nodeLabels": {}, "nodeTaints": []}


def _fields(model: Any) -> dict[str, Any]:
    fields: dict[str, Any] = model._attr_to_rest_field
    return fields


def _value(kind: str) -> object:
    for word, value in (("list[", []), ("dict[", {}), ("bool", True), ("int]", 7), ("float", 0.5), ("str", "made-up")):
        if word in kind:
            return value
    return {"someField": {"of": "a block"}}


def test_everything_that_may_be_written_goes_back_and_nothing_that_asks_for_more(
    door: CloudDoor, vendor: Vendor
) -> None:
    told = full_pool()
    assert len(told) > 40
    vendor.answer("GET", "/agentPools/web", Answer(body={**agent_pool(), "properties": told}))
    header = {"Azure-AsyncOperation": f"{LOCATION_URL}/operations/abc-1?api-version=2016-03-30"}
    vendor.answer("PUT", "/agentPools/web", Answer(body=agent_pool(provisioningState="Scaling"), headers=header))
    door.node_pools.resize(Resize(pool=pool_fact(), to=9), token="t")
    [put] = vendor.calls("PUT")
    kept = {name: value for name, value in told.items() if name not in _READ_ONLY | _NOT_REPEATED}
    assert put.json == {"properties": {**kept, "count": 9}}


def test_a_pool_of_one_vm_size_is_resized_in_its_profile(door: CloudDoor, vendor: Vendor) -> None:
    profile = {"scale": {"manual": [{"size": "Standard_D2s_v5", "count": 4}]}}
    told = agent_pool(type="VirtualMachines", count=None, vmSize=None, virtualMachinesProfile=profile)
    vendor.answer("GET", "/agentPools/web", Answer(body=told))
    header = {"Azure-AsyncOperation": f"{LOCATION_URL}/operations/abc-1?api-version=2016-03-30"}
    vendor.answer("PUT", "/agentPools/web", Answer(body={**told, "properties": told["properties"]}, headers=header))
    door.node_pools.resize(Resize(pool=pool_fact(), to=9), token="t")
    [put] = vendor.calls("PUT")
    sent = put.json["properties"]
    assert sent["virtualMachinesProfile"] == {"scale": {"manual": [{"size": "Standard_D2s_v5", "count": 9}]}}
    assert "count" not in sent
    assert sent["nodeLabels"] == {"team": "shop"}


def test_the_cloud_resizes_a_pool_of_one_vm_size(lab: LabThread, lab_door: CloudDoor) -> None:
    cluster = lab_cluster(lab)
    made: dict[str, Any] = {
        "properties": {
            "type": "VirtualMachines",
            "mode": "User",
            "virtualMachinesProfile": {"scale": {"manual": [{"size": "Standard_D4s_v5", "count": 2}]}},
        }
    }
    Pools(client(lab), cluster.name).put(made, "vms")
    lab.advance(900)
    before = pool_of(lab, lab_door, "vms")
    assert (before.requested, before.nodes, before.obstacle) == (2, 2, None)
    asked = lab_door.node_pools.resize(Resize(pool=before, to=5), token="t")
    lab.advance(900)
    assert lab_door.node_pools.poll(asked).state is OperationState.DONE
    after = pool_of(lab, lab_door, "vms")
    assert (after.requested, after.nodes, after.ready, after.activity) == (5, 5, 5, Activity.IDLE)


def test_the_operation_is_asked_for_at_the_configured_endpoint(door: CloudDoor, vendor: Vendor) -> None:
    vendor.answer("GET", "/agentPools/web", Answer(body=agent_pool()))
    header = {"Azure-AsyncOperation": f"{LOCATION_URL}/operations/abc-1?api-version=2016-03-30"}
    vendor.answer("PUT", "/agentPools/web", Answer(body=agent_pool(provisioningState="Scaling"), headers=header))
    vendor.answer("GET", "/operations/abc-1", Answer(body={"status": "InProgress"}, headers={"Retry-After": "12"}))
    operation = door.node_pools.resize(Resize(pool=pool_fact(), to=9), token="t")
    assert door.node_pools.poll(operation).retry_after_s == 12
    [asked] = vendor.calls("GET", "/operations/")
    where = f"/subscriptions/{ACCOUNT.subscription_id}/providers/Microsoft.ContainerService/locations/westeurope"
    assert asked.path == f"{where}/operations/abc-1?api-version=2016-03-30"


def test_an_accepted_write_without_an_operation_is_unknown(door: CloudDoor, vendor: Vendor) -> None:
    vendor.answer("GET", "/agentPools/web", Answer(body=agent_pool()))
    vendor.answer("PUT", "/agentPools/web", Answer(body=agent_pool(provisioningState="Scaling")))
    with pytest.raises(OutcomeUnknown):
        door.node_pools.resize(Resize(pool=pool_fact(), to=9), token="t")


@pytest.mark.parametrize(
    ("changes", "kind"),
    [({"eTag": None}, Unavailable), ({"eTag": "other"}, Conflict), ({"type": "VirtualMachines"}, Refused)],
    ids=["no-etag", "moved", "mixed-sizes"],
)
def test_what_is_not_sent_at_all(
    changes: dict[str, Any], kind: type[CloudError], door: CloudDoor, vendor: Vendor, fence: Fence
) -> None:
    vendor.answer("GET", "/agentPools/web", Answer(body=agent_pool(**changes)))
    with pytest.raises(kind):
        door.node_pools.resize(Resize(pool=pool_fact(), to=9), token="t")
    assert (vendor.calls("PUT"), fence.asked) == ([], 0)


def test_a_login_that_fails_is_no_lost_write(door: CloudDoor, vendor: Vendor, fence: Fence) -> None:
    vendor.answer("POST", "/oauth2/v2.0/token", Answer(drop=True))
    with pytest.raises(Unavailable):
        door.node_pools.resize(Resize(pool=pool_fact(), to=9), token="t")
    assert (vendor.calls("PUT"), fence.asked) == ([], 0)


def test_nobody_listens(vendor: Vendor, fence: Fence) -> None:
    from multicloud.clouds.aks.door import open_door

    serve_entra(vendor)
    here = Endpoint(url=vendor.url, ca_file=vendor.ca_file)
    nowhere = Endpoint(url=f"https://127.0.0.1:{closed_port()}", ca_file=vendor.ca_file)
    door = open_door(
        ACCOUNT,
        {"clientSecret": b"x"},
        AzureEndpoints(arm=nowhere, authority=here),
        before_send=fence,
        call_timeout_s=5,
    )
    with pytest.raises(Unavailable) as caught:
        read(door)
    assert caught.value.reason.code is Code.UNAVAILABLE
