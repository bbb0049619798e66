"""What EKS and Auto Scaling tell, judged: statuses, the three numbers, batches, pages, and what is never guessed."""

from dataclasses import replace
from typing import Any

import pytest
from botocore.session import Session

from multicloud.clouds.eks.door import open_door
from multicloud.clouds.eks.facts import ACTIVITY
from multicloud.model.account import AwsAccount
from multicloud.model.error import CloudError, Refused, Unavailable
from multicloud.model.port import CloudDoor
from multicloud.model.reason import Code
from multicloud.model.size import Activity, CapacityType, Detail
from multicloud.settings import AwsEndpoints, Endpoint
from multicloud_lab.thread import LabThread
from support.awsdoor import CLUSTER, KEYS, WEB, groups_xml, instances, nodegroup, read, refusal, serve, xml
from support.azuredoor import Fence
from support.clouds import GROUNDS
from support.vendor import Answer, Vendor, closed_port

EKS = GROUNDS[0]
SCALING = {"minSize": 1, "maxSize": 50, "desiredSize": 4}


@pytest.mark.parametrize(
    ("status", "activity"),
    [
        ("CREATING", Activity.BUSY),
        ("ACTIVE", Activity.IDLE),
        ("UPDATING", Activity.BUSY),
        ("DELETING", Activity.LEAVING),
        ("CREATE_FAILED", Activity.SICK),
        ("DELETE_FAILED", Activity.LEAVING),
        ("DEGRADED", Activity.SICK),
        ("PAUSED_BY_THE_MOON", Activity.BUSY),
    ],
)
def test_statuses(vendor: Vendor, door: CloudDoor, status: str, activity: Activity) -> None:
    serve(vendor, nodegroup(status=status))
    (found,) = read(door)
    assert found.activity is activity
    assert found.words.startswith(status)
    assert ("not a status known here" in found.words) == (status not in ACTIVITY)


@pytest.mark.parametrize("status", ACTIVITY)
def test_whatever_its_status_a_node_group_counts_with_its_instances(
    vendor: Vendor, door: CloudDoor, status: str
) -> None:
    there = [*instances("InService", "InService", "Pending"), *instances("InService", health="Unhealthy")]
    serve(vendor, nodegroup(status=status), sizes={"eks-web": (6, there)})
    (found,) = read(door)
    assert (found.requested, found.nodes, found.ready) == (6, 4, 2)


CAPACITY = {"ON_DEMAND": CapacityType.ON_DEMAND, "CAPACITY_BLOCK": CapacityType.ON_DEMAND, "SPOT": CapacityType.SPOT}


@pytest.mark.parametrize(("told", "capacity"), [*CAPACITY.items(), ("ON_THE_MOON", None), (None, None)], ids=str)
def test_what_its_machines_are(
    vendor: Vendor, door: CloudDoor, told: str | None, capacity: CapacityType | None
) -> None:
    serve(vendor, nodegroup(capacityType=told))
    assert [pool.capacity_type for pool in read(door)] == [capacity]


def test_every_capacity_type_of_the_vendors_model_is_known() -> None:
    assert set(Session().get_service_model("eks").shape_for("CapacityTypes").enum) == set(CAPACITY)


def test_every_status_of_the_vendors_model_is_in_the_table() -> None:
    shape = Session().get_service_model("eks").shape_for("NodegroupStatus")
    assert set(shape.enum) == set(ACTIVITY)


def test_three_numbers_come_from_the_instances(vendor: Vendor, door: CloudDoor) -> None:
    there = [
        *instances("InService", "InService", "Pending", "Pending:Wait", "Terminating:Wait", "Terminated", "Detaching"),
        *instances("Warmed:Stopped"),
        *instances("InService", health="Unhealthy"),
    ]
    serve(vendor, nodegroup(), sizes={"eks-web": (7, there)})
    (found,) = read(door)
    assert (found.requested, found.nodes, found.ready) == (7, 5, 2)
    assert (found.cloud_min, found.cloud_max) == (1, 50)
    assert found.incarnation == "11112222-3333-4444-5555-666677778888"


def test_several_groups_of_one_node_group_add_up(vendor: Vendor, door: CloudDoor) -> None:
    both = {"autoScalingGroups": [{"name": "a"}, {"name": "b"}]}
    serve(vendor, nodegroup(resources=both), sizes={"a": (2, instances("InService")), "b": (3, instances("InService"))})
    (found,) = read(door)
    assert (found.requested, found.nodes, found.ready) == (5, 2, 2)


def test_a_group_that_auto_scaling_does_not_show_is_unknown_not_zero(vendor: Vendor, door: CloudDoor) -> None:
    serve(vendor, nodegroup(), sizes={})
    with pytest.raises(Unavailable) as caught:
        read(door)
    assert caught.value.reason.code is Code.UNEXPECTED


@pytest.mark.parametrize(
    "gone",
    [
        pytest.param({"status": "CREATING", "resources": {}}, id="not made yet"),
        pytest.param({"status": "DELETING"}, id="being deleted"),
        pytest.param(
            {"status": "DEGRADED", "health": {"issues": [{"code": "AutoScalingGroupNotFound", "message": "gone"}]}},
            id="EKS says it is gone",
        ),
    ],
)
def test_without_its_group_a_node_group_has_no_nodes(vendor: Vendor, door: CloudDoor, gone: dict[str, Any]) -> None:
    serve(vendor, nodegroup(**gone), sizes={})
    (found,) = read(door)
    assert (found.requested, found.nodes, found.ready) == (4, 0, 0)
    assert found.activity is not Activity.IDLE


def test_trouble_is_told_with_what_it_means(vendor: Vendor, door: CloudDoor) -> None:
    message = "Could not launch On-Demand Instances. InsufficientInstanceCapacity - no room"
    issues = {"issues": [{"code": "AsgInstanceLaunchFailures", "message": message}]}
    serve(vendor, nodegroup(status="DEGRADED", health=issues))
    (found,) = read(door)
    assert found.words == f"DEGRADED: Stockout: AsgInstanceLaunchFailures: {message}"


def test_a_launch_that_the_accounts_own_limit_stopped_is_a_quota(vendor: Vendor, door: CloudDoor) -> None:
    message = "Could not launch On-Demand Instances. VcpuLimitExceeded - You have requested more vCPU capacity"
    issues = {"issues": [{"code": "AsgInstanceLaunchFailures", "message": message}]}
    serve(vendor, nodegroup(status="DEGRADED", health=issues))
    (found,) = read(door)
    assert found.words.startswith("DEGRADED: QuotaExceeded: ")


def test_sizes_cost_one_call_for_a_hundred_groups(vendor: Vendor, door: CloudDoor) -> None:
    serve(vendor, *[nodegroup(f"pool-{number}") for number in range(120)])
    assert len(read(door)) == 120
    described, sized = len(vendor.calls("GET")), len(vendor.calls("POST"))
    assert (described, sized) == (121, 2)
    assert len(read(door, detail=Detail.SIZES)) == 120
    assert (len(vendor.calls("GET")), len(vendor.calls("POST"))) == (described, sized + 2)
    assert all(seen.body.count(b"AutoScalingGroupNames.member") <= 100 for seen in vendor.calls("POST"))
    assert all(b"MaxRecords=100" in seen.body for seen in vendor.calls("POST"))


def test_one_node_group_costs_two_calls_in_a_cluster_of_any_size(vendor: Vendor, door: CloudDoor) -> None:
    serve(vendor, nodegroup(), *[nodegroup(f"pool-{number}") for number in range(50)])
    found = door.node_pools.read(WEB)
    assert found is not None
    assert (found.ref, found.requested) == (WEB, 4)
    assert (len(vendor.calls("GET")), len(vendor.calls("POST"))) == (1, 1)


def test_garbage_about_the_one_node_group_is_raised(vendor: Vendor, door: CloudDoor) -> None:
    serve(vendor, nodegroup())
    vendor.answer("GET", "/clusters/shop/node-groups/web", Answer(body={}))
    with pytest.raises(Unavailable) as caught:
        door.node_pools.read(WEB)
    assert caught.value.reason.code is Code.UNEXPECTED


def test_sizes_describe_again_what_moves_and_nothing_beside_it(vendor: Vendor, door: CloudDoor) -> None:
    serve(vendor, nodegroup(status="UPDATING"), *[nodegroup(f"pool-{number}") for number in range(9)])
    assert len(read(door)) == 10
    vendor.answer("GET", "/clusters/shop/node-groups/web", Answer(body={"nodegroup": nodegroup()}))
    described = len(vendor.calls("GET"))
    activities = {pool.ref.name: pool.activity for pool in read(door, detail=Detail.SIZES)}
    assert activities["web"] is Activity.IDLE
    assert len(activities) == 10
    assert len(vendor.calls("GET")) == described + 1
    read(door, detail=Detail.SIZES)
    assert len(vendor.calls("GET")) == described + 1, "at rest nothing is described again"


def test_what_moved_and_is_gone_is_not_there(vendor: Vendor, door: CloudDoor) -> None:
    serve(vendor, nodegroup(status="DELETING"), nodegroup("batch"))
    assert len(read(door)) == 2
    vendor.answer("GET", "/clusters/shop/node-groups/web", refusal("ResourceNotFoundException", 404))
    assert [pool.ref.name for pool in read(door, detail=Detail.SIZES)] == ["batch"]


def test_pages_are_followed(vendor: Vendor, door: CloudDoor) -> None:
    serve(vendor, nodegroup("a"), nodegroup("b"))
    vendor.answer("GET", "/clusters/shop/node-groups?", Answer(body={"nodegroups": ["a"], "nextToken": "more"}))
    vendor.answer("GET", "nextToken=more", Answer(body={"nodegroups": ["b"]}))
    four = (4, instances(*["InService"] * 4))
    vendor.answer("POST", "/", xml(groups_xml({"eks-a": four}, token="t")), xml(groups_xml({"eks-b": four})))
    assert {pool.ref.name for pool in read(door)} == {"a", "b"}


def test_sizes_of_an_unknown_cluster_describe_it_first(vendor: Vendor, door: CloudDoor) -> None:
    serve(vendor, nodegroup())
    assert [pool.requested for pool in read(door, detail=Detail.SIZES)] == [4]


def test_a_moved_size_is_described_again_so_that_an_operation_is_no_drift(lab: LabThread, lab_door: CloudDoor) -> None:
    EKS.read(lab_door)
    EKS.hand(lab, 7)
    lab.advance(30)
    found = EKS.read(lab_door, detail=Detail.SIZES)
    assert (found.requested, found.activity) == (7, Activity.BUSY)
    lab.advance(1800)
    assert EKS.read(lab_door, detail=Detail.SIZES).activity is Activity.IDLE


def test_a_node_group_deleted_between_two_calls_is_not_there(vendor: Vendor, door: CloudDoor) -> None:
    serve(vendor, nodegroup("a"), nodegroup("b"))
    vendor.answer("GET", "/clusters/shop/node-groups/a", refusal("ResourceNotFoundException", 404))
    assert [pool.ref.name for pool in read(door)] == ["b"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(body={"nodegroup": nodegroup(nodegroupArn="arn:what")}), id="no ARN of a node group"),
        pytest.param(Answer(body={"nodegroup": {"status": "ACTIVE"}}), id="half of it missing"),
        pytest.param(Answer(body={}), id="nothing in it"),
        pytest.param(Answer(raw=b"<html>hello</html>"), id="a web page"),
        *(
            pytest.param(
                Answer(body={"nodegroup": nodegroup(scalingConfig={**SCALING, name: number})}), id=f"{name} {number}"
            )
            for name in SCALING
            for number in (None, -1, 10**9, "many")
        ),
    ],
)
def test_garbage_about_one_node_group_is_its_own_trouble(vendor: Vendor, door: CloudDoor, answer: Answer) -> None:
    serve(vendor, nodegroup(), nodegroup("batch"))
    vendor.answer("GET", "/clusters/shop/node-groups/web", answer)
    told = door.node_pools.list([CLUSTER], detail=Detail.FULL)
    error = told[WEB]
    assert isinstance(error, Unavailable)
    assert error.reason.code is Code.UNEXPECTED
    rest = told[CLUSTER]
    assert not isinstance(rest, CloudError)
    assert [pool.ref.name for pool in rest] == ["batch"]
    vendor.answer("GET", "/clusters/shop/node-groups/web", Answer(body={"nodegroup": nodegroup()}))
    assert len(read(door, detail=Detail.SIZES)) == 2, "the next look may be a better one"


@pytest.mark.parametrize("desired", [-1, 10**9])
def test_an_absurd_size_of_one_group_is_its_own_trouble(vendor: Vendor, door: CloudDoor, desired: int) -> None:
    four = (4, instances(*["InService"] * 4))
    serve(vendor, nodegroup(), nodegroup("batch"), sizes={"eks-web": (desired, []), "eks-batch": four})
    told = door.node_pools.list([CLUSTER], detail=Detail.FULL)
    error, rest = told[WEB], told[CLUSTER]
    assert isinstance(error, Unavailable)
    assert not isinstance(rest, CloudError)
    assert [pool.ref.name for pool in rest] == ["batch"]


def test_a_list_that_never_ends_is_given_up(vendor: Vendor, door: CloudDoor) -> None:
    serve(vendor, nodegroup())
    vendor.answer("GET", "/clusters/shop/node-groups?", Answer(body={"nodegroups": ["web"], "nextToken": "again"}))
    with pytest.raises(Unavailable) as caught:
        read(door)
    assert caught.value.reason.code is Code.UNEXPECTED
    assert len(vendor.calls("GET", "/clusters/shop/node-groups?")) == 2


def test_a_list_of_sizes_that_never_ends_is_given_up(vendor: Vendor, door: CloudDoor) -> None:
    serve(vendor, nodegroup())
    vendor.answer("POST", "/", *[xml(groups_xml({}, token=token)) for token in "aba"])
    with pytest.raises(Unavailable) as caught:
        read(door)
    assert caught.value.reason.code is Code.UNEXPECTED
    assert len(vendor.calls("POST")) == 3


def test_a_region_that_cannot_be_reached_is_told_as_such(fence: Fence) -> None:
    nowhere = Endpoint(url=f"http://127.0.0.1:{closed_port()}")
    door = open_door(
        AwsAccount(), KEYS, AwsEndpoints(eks=nowhere, autoscaling=nowhere), before_send=fence, call_timeout_s=5
    )
    with pytest.raises(Unavailable) as caught:
        read(door)
    assert caught.value.reason.code is Code.UNAVAILABLE


def test_one_clusters_trouble_is_not_the_others(vendor: Vendor, door: CloudDoor) -> None:
    serve(vendor, nodegroup())
    other = replace(CLUSTER, name="denied")
    vendor.answer("GET", "/clusters/denied/", refusal("AccessDeniedException", 403))
    told = door.node_pools.list([other, CLUSTER], detail=Detail.FULL)
    error = told[other]
    assert isinstance(error, Refused)
    assert error.reason.code is Code.DENIED
    assert not isinstance(told[CLUSTER], CloudError)


def test_each_region_has_its_own_calls(vendor: Vendor, door: CloudDoor) -> None:
    serve(vendor, nodegroup())
    told = door.node_pools.list([CLUSTER, replace(CLUSTER, location="us-east-2")], detail=Detail.FULL)
    assert len(told) == 2
    scopes = {seen.headers["Authorization"].split("/")[2] for seen in vendor.calls("POST")}
    assert scopes == {"eu-west-1", "us-east-2"}
