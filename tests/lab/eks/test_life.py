"""Node groups and clusters come into being and go: statuses on the way, refusals, the vendor's own waiters' states."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from multicloud_lab.core.faultkinds import OperationFail, OperationStuck, Partial, Stockout
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.core.seed import AwsSeed, EksCluster, Seed
from multicloud_lab.thread import LabThread
from support.ekswire import client_of

ROLE = "arn:aws:iam::111122223333:role/nodes"
NEW = {"clusterName": "shop-prod", "nodegroupName": "new"}
LONG_S = 600


def create(eks: Any, **given: Any) -> Any:
    asked = {**NEW, "subnets": ["subnet-1", "subnet-2"], "nodeRole": ROLE, **given}
    return eks.create_nodegroup(**asked)["nodegroup"]


def status(eks: Any, name: str = "new") -> str:
    return str(eks.describe_nodegroup(clusterName="shop-prod", nodegroupName=name)["nodegroup"]["status"])


def test_a_node_group_is_created_with_what_was_asked(lab: LabThread, eks: Any, autoscaling: Any) -> None:
    taint = {"key": "gpu", "value": "yes", "effect": "NO_EXECUTE"}
    made = create(
        eks,
        scalingConfig={"minSize": 1, "maxSize": 9, "desiredSize": 3},
        instanceTypes=["c5.xlarge", "c5a.xlarge"],
        capacityType="SPOT",
        labels={"tier": "new"},
        taints=[taint],
        tags={"team": "shop"},
        updateConfig={"maxUnavailable": 2},
        diskSize=80,
        amiType="AL2023_ARM_64_STANDARD",
    )
    assert made["status"] == "CREATING"
    lab.advance(LONG_S)
    shown = eks.describe_nodegroup(**NEW)["nodegroup"]
    assert shown["status"] == "ACTIVE"
    assert shown["scalingConfig"] == {"minSize": 1, "maxSize": 9, "desiredSize": 3}
    assert shown["instanceTypes"] == ["c5.xlarge", "c5a.xlarge"]
    assert (shown["capacityType"], shown["diskSize"], shown["amiType"]) == ("SPOT", 80, "AL2023_ARM_64_STANDARD")
    assert (shown["labels"], shown["taints"], shown["tags"]) == ({"tier": "new"}, [taint], {"team": "shop"})
    assert shown["updateConfig"] == {"maxUnavailable": 2}
    name = shown["resources"]["autoScalingGroups"][0]["name"]
    group = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]
    assert [each["LifecycleState"] for each in group["Instances"]] == ["InService"] * 3
    assert {each["InstanceType"] for each in group["Instances"]} == {"c5.xlarge"}
    assert "new" in eks.list_nodegroups(clusterName="shop-prod")["nodegroups"]
    assert list(lab.run(lambda running: running.engines["aws"].violations())) == []


def test_what_is_not_said_has_the_vendors_defaults(eks: Any) -> None:
    made = create(eks)
    assert made["scalingConfig"] == {"minSize": 1, "maxSize": 2, "desiredSize": 2}
    assert (made["instanceTypes"], made["capacityType"], made["diskSize"]) == (["t3.medium"], "ON_DEMAND", 20)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        pytest.param({"nodegroupName": "web"}, "ResourceInUseException", id="name taken"),
        pytest.param({"clusterName": "nope"}, "ResourceNotFoundException", id="no such cluster"),
        pytest.param({"nodegroupName": "-x"}, "InvalidParameterException", id="bad name"),
        pytest.param({"subnets": []}, "InvalidParameterException", id="no subnets"),
        pytest.param({"nodeRole": "nodes"}, "InvalidParameterException", id="not a role"),
        pytest.param({"scalingConfig": {"desiredSize": 1}}, "InvalidParameterException", id="sizes missing"),
        pytest.param(
            {"scalingConfig": {"minSize": 3, "maxSize": 5, "desiredSize": 1}}, "InvalidParameterException", id="range"
        ),
        pytest.param({"amiType": "DOS"}, "InvalidParameterException", id="unknown image"),
    ],
)
def test_a_node_group_that_cannot_be_is_refused(lab: LabThread, eks: Any, given: dict[str, Any], code: str) -> None:
    before = eks.list_nodegroups(clusterName="shop-prod")["nodegroups"]
    with pytest.raises(ClientError) as refused:
        create(eks, **given)
    assert refused.value.response["Error"]["Code"] == code
    assert eks.list_nodegroups(clusterName="shop-prod")["nodegroups"] == before
    assert not any(entry["effective"] for entry in lab.journal())


def test_a_creation_with_a_token_again_makes_one_node_group(eks: Any) -> None:
    first = create(eks, clientRequestToken="one")
    assert create(eks, clientRequestToken="one")["nodegroupArn"] == first["nodegroupArn"]
    with pytest.raises(eks.exceptions.InvalidParameterException):
        create(eks, clientRequestToken="one", diskSize=99)


def test_a_node_group_without_nodes_fails_in_the_end(lab: LabThread, eks: Any) -> None:
    fault = lab.place(Fault(action=Stockout()))
    create(eks)
    lab.advance(LONG_S)
    assert status(eks) == "CREATING"
    lab.advance(1600)
    shown = eks.describe_nodegroup(**NEW)["nodegroup"]
    assert shown["status"] == "CREATE_FAILED"
    assert [issue["code"] for issue in shown["health"]["issues"]] == ["AsgInstanceLaunchFailures"]
    lab.lift(fault)
    with pytest.raises(eks.exceptions.ResourceInUseException):
        eks.update_nodegroup_config(**NEW, scalingConfig={"desiredSize": 1})
    eks.delete_nodegroup(**NEW)
    lab.advance(LONG_S)
    with pytest.raises(eks.exceptions.ResourceNotFoundException):
        status(eks)
    assert list(lab.run(lambda running: running.engines["aws"].violations())) == []


@pytest.mark.parametrize("action", [OperationFail(code="AccessDenied"), Partial(nodes=1)])
def test_a_creation_can_be_made_to_fail(lab: LabThread, eks: Any, action: Any) -> None:
    lab.place(Fault(action=action, match=Match(operation="CreateNodegroup")))
    create(eks)
    lab.advance(LONG_S)
    shown = eks.describe_nodegroup(**NEW)["nodegroup"]
    assert shown["status"] == "CREATE_FAILED"
    expected = "AccessDenied" if isinstance(action, OperationFail) else "NodeCreationFailure"
    assert shown["health"]["issues"][0]["code"] == expected


def test_a_deleted_node_group_drains_and_is_gone(lab: LabThread, eks: Any, autoscaling: Any) -> None:
    web = {"clusterName": "shop-prod", "nodegroupName": "web"}
    assert eks.delete_nodegroup(**web)["nodegroup"]["status"] == "DELETING"
    for refused in (
        eks.delete_nodegroup,
        lambda **names: eks.update_nodegroup_config(**names, labels={"removeLabels": ["a"]}),
    ):
        with pytest.raises(eks.exceptions.ResourceInUseException):
            refused(**web)
    groups = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert len(groups) == 4
    lab.advance(LONG_S)
    with pytest.raises(eks.exceptions.ResourceNotFoundException):
        eks.describe_nodegroup(**web)
    assert len(autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]) == 3
    assert eks.list_nodegroups(clusterName="shop-prod")["nodegroups"] == ["batch"]


def test_a_deletion_can_fail_and_be_asked_again(lab: LabThread, eks: Any) -> None:
    web = {"clusterName": "shop-prod", "nodegroupName": "web"}
    lab.place(Fault(action=OperationFail(), match=Match(operation="DeleteNodegroup"), times=1))
    eks.delete_nodegroup(**web)
    lab.advance(LONG_S)
    shown = eks.describe_nodegroup(**web)["nodegroup"]
    assert (shown["status"], shown["health"]["issues"][0]["code"]) == (
        "DELETE_FAILED",
        "Ec2SecurityGroupDeletionFailure",
    )
    eks.delete_nodegroup(**web)
    lab.advance(LONG_S)
    with pytest.raises(eks.exceptions.ResourceNotFoundException):
        eks.describe_nodegroup(**web)


def test_a_deletion_can_be_stuck(lab: LabThread, eks: Any) -> None:
    lab.place(Fault(action=OperationStuck(), match=Match(operation="DeleteNodegroup")))
    eks.delete_nodegroup(clusterName="shop-prod", nodegroupName="web")
    lab.advance(100 * LONG_S)
    assert status(eks, "web") == "DELETING"
    assert list(lab.run(lambda running: running.engines["aws"].violations())) == []


def test_a_page_token_stays_right_when_its_group_is_gone(lab: LabThread, eks: Any) -> None:
    for name in ("n1", "n2", "n3"):
        create(eks, nodegroupName=name)
    lab.advance(LONG_S)
    first = eks.list_nodegroups(clusterName="shop-prod", maxResults=2)
    assert first["nodegroups"] == ["batch", "n1"]
    eks.delete_nodegroup(clusterName="shop-prod", nodegroupName="n1")
    lab.advance(LONG_S)
    rest = eks.list_nodegroups(clusterName="shop-prod", maxResults=9, nextToken=first["nextToken"])
    assert rest["nodegroups"] == ["n2", "n3", "web"]


def test_a_cluster_comes_into_being_and_goes(lab: LabThread, eks: Any) -> None:
    asked = {"name": "fresh", "roleArn": ROLE, "resourcesVpcConfig": {"subnetIds": ["subnet-1", "subnet-2"]}}
    made = eks.create_cluster(**asked, version="1.35", tags={"team": "shop"})["cluster"]
    assert (made["status"], made["version"], made["tags"]) == ("CREATING", "1.35", {"team": "shop"})
    assert "endpoint" not in made
    with pytest.raises(eks.exceptions.InvalidRequestException, match="not in ACTIVE"):
        create(eks, clusterName="fresh")
    with pytest.raises(eks.exceptions.ResourceInUseException):
        eks.create_cluster(**asked)
    lab.advance(800)
    assert eks.describe_cluster(name="fresh")["cluster"]["status"] == "ACTIVE"
    assert eks.list_clusters()["clusters"] == ["fresh", "shop-batch", "shop-prod"]
    create(eks, clusterName="fresh")
    with pytest.raises(eks.exceptions.ResourceInUseException, match="nodegroups attached"):
        eks.delete_cluster(name="fresh")
    lab.advance(LONG_S)
    eks.delete_nodegroup(clusterName="fresh", nodegroupName="new")
    lab.advance(LONG_S)
    assert eks.delete_cluster(name="fresh")["cluster"]["status"] == "DELETING"
    lab.advance(LONG_S)
    with pytest.raises(eks.exceptions.ResourceNotFoundException):
        eks.describe_cluster(name="fresh")


def test_a_protected_cluster_is_not_deleted(lab: LabThread, eks: Any) -> None:
    eks.create_cluster(
        name="kept", roleArn=ROLE, resourcesVpcConfig={"subnetIds": ["subnet-1"]}, deletionProtection=True
    )
    lab.advance(800)
    with pytest.raises(eks.exceptions.InvalidRequestException, match="deletion protection"):
        eks.delete_cluster(name="kept")


def test_quotas_of_clusters_and_node_groups_are_switches() -> None:
    seed = Seed(aws=AwsSeed(clusters=(EksCluster(name="one"),), switches={"maxNodegroups": 1, "maxClusters": 1}))
    with LabThread(seed) as lab:
        eks = client_of(lab)
        make = {"subnets": ["subnet-1"], "nodeRole": ROLE, "clusterName": "one"}
        eks.create_nodegroup(nodegroupName="first", **make)
        with pytest.raises(eks.exceptions.ResourceLimitExceededException):
            eks.create_nodegroup(nodegroupName="second", **make)
        with pytest.raises(eks.exceptions.ResourceLimitExceededException):
            eks.create_cluster(name="two", roleArn=ROLE, resourcesVpcConfig={"subnetIds": ["subnet-1"]})


def test_boto3s_own_waiters_end() -> None:
    with LabThread(factor=600) as lab:
        eks = client_of(lab)
        create(eks)
        quick = {"Delay": 0, "MaxAttempts": 10_000}
        eks.get_waiter("nodegroup_active").wait(**NEW, WaiterConfig=quick)
        assert status(eks) == "ACTIVE"
        eks.delete_nodegroup(**NEW)
        eks.get_waiter("nodegroup_deleted").wait(**NEW, WaiterConfig=quick)
        assert "new" not in eks.list_nodegroups(clusterName="shop-prod")["nodegroups"]
