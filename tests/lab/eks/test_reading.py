"""Reading: clusters, node groups, paging, unknown names, accounts and regions kept apart."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from multicloud_lab.core.seed import AwsPrincipal, AwsSeed, EksCluster, EksNodegroup, Seed
from multicloud_lab.thread import LabThread

MANY = Seed(
    aws=AwsSeed(
        principals=(
            AwsPrincipal(access_key_id="AKIAONE", secret_access_key="lab-secret-access-key"),
            AwsPrincipal(
                name="two", access_key_id="AKIATWO", secret_access_key="lab-secret-access-key", account="444455556666"
            ),
        ),
        clusters=(
            EksCluster(name="big", nodegroups=tuple(EksNodegroup(name=f"pool-{i:03d}") for i in range(230))),
            EksCluster(name="west", region="eu-west-1"),
            EksCluster(name="other", account="444455556666"),
        ),
    )
)


@pytest.fixture
def many(request: pytest.FixtureRequest) -> Any:
    with LabThread(MANY) as running:
        yield running


@pytest.fixture
def lab(many: LabThread, request: pytest.FixtureRequest) -> LabThread:
    return many


def test_pages_of_node_groups_hold_every_name_once(eks: Any) -> None:
    pages = list(eks.get_paginator("list_nodegroups").paginate(clusterName="big", PaginationConfig={"PageSize": 100}))
    assert [len(page["nodegroups"]) for page in pages] == [100, 100, 30]
    assert [name for page in pages for name in page["nodegroups"]] == [f"pool-{i:03d}" for i in range(230)]


def test_without_a_size_a_page_holds_a_hundred(eks: Any) -> None:
    first = eks.list_nodegroups(clusterName="big")
    assert len(first["nodegroups"]) == 100
    assert "nextToken" in first


def test_a_made_up_token_is_refused(eks: Any) -> None:
    with pytest.raises(eks.exceptions.InvalidParameterException):
        eks.list_nodegroups(clusterName="big", nextToken="made-up")


def test_an_account_and_a_region_see_only_their_own(connect: Any) -> None:
    assert connect("eks", key_id="AKIAONE").list_clusters()["clusters"] == ["big"]
    assert connect("eks", key_id="AKIAONE", region="eu-west-1").list_clusters()["clusters"] == ["west"]
    assert connect("eks", key_id="AKIATWO").list_clusters()["clusters"] == ["other"]
    assert connect("eks", key_id="AKIAUNLISTED").list_clusters()["clusters"] == ["big"]


@pytest.mark.parametrize(
    ("method", "arguments", "text"),
    [
        pytest.param("describe_cluster", {"name": "nope"}, "No cluster found for name: nope.", id="cluster"),
        pytest.param("list_nodegroups", {"clusterName": "nope"}, "No cluster found", id="cluster of a list"),
        pytest.param(
            "describe_nodegroup",
            {"clusterName": "big", "nodegroupName": "nope"},
            "No node group found for name: nope.",
            id="node group",
        ),
        pytest.param(
            "update_nodegroup_config",
            {"clusterName": "big", "nodegroupName": "nope", "scalingConfig": {"desiredSize": 1}},
            "No node group found",
            id="node group of an update",
        ),
        pytest.param("describe_update", {"name": "big", "updateId": "nope"}, "No update found", id="update"),
    ],
)
def test_an_unknown_name_is_not_found(eks: Any, method: str, arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(eks.exceptions.ResourceNotFoundException, match=text):
        getattr(eks, method)(**arguments)


def test_caller_identity_names_account_and_user(connect: Any) -> None:
    identity = connect("sts", key_id="AKIATWO").get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == ("444455556666", "arn:aws:iam::444455556666:user/two")
    assert identity["UserId"] == connect("sts", key_id="AKIATWO").get_caller_identity()["UserId"]


def test_groups_come_fifty_at_a_time_and_at_most_a_hundred(connect: Any) -> None:
    autoscaling = connect("autoscaling", key_id="AKIAONE")
    assert len(autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]) == 50
    pages = list(autoscaling.get_paginator("describe_auto_scaling_groups").paginate(PaginationConfig={"PageSize": 100}))
    names = [group["AutoScalingGroupName"] for page in pages for group in page["AutoScalingGroups"]]
    assert [len(page["AutoScalingGroups"]) for page in pages] == [100, 100, 30]
    assert len(set(names)) == 230
    with pytest.raises(ClientError, match="ValidationError"):
        autoscaling.describe_auto_scaling_groups(MaxRecords=101)
    with pytest.raises(ClientError, match="InvalidNextToken"):
        autoscaling.describe_auto_scaling_groups(NextToken="made-up")


def test_groups_by_name_and_by_tag(connect: Any) -> None:
    autoscaling, eks = connect("autoscaling"), connect("eks")
    group = eks.describe_nodegroup(clusterName="big", nodegroupName="pool-007")["nodegroup"]
    name = group["resources"]["autoScalingGroups"][0]["name"]
    found = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name, "no-such-group"])
    assert [each["AutoScalingGroupName"] for each in found["AutoScalingGroups"]] == [name]
    wanted = [{"Name": "tag:eks:nodegroup-name", "Values": ["pool-007"]}]
    found = autoscaling.describe_auto_scaling_groups(Filters=wanted, IncludeInstances=False)
    assert [each["AutoScalingGroupName"] for each in found["AutoScalingGroups"]] == [name]
    assert found["AutoScalingGroups"][0]["Instances"] == []
