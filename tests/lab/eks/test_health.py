"""When instances cannot be had: DEGRADED with its issue, failed activities, recovery; each open rule under both values."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from multicloud_lab.core.capacity import Limit
from multicloud_lab.core.seed import AwsSeed, EksCluster, EksNodegroup, Seed, SwitchValue
from multicloud_lab.thread import LabThread
from support.ekswire import client_of

WEB = {"clusterName": "shop-prod", "nodegroupName": "web"}
UPDATED_S, RETRIED_S = 130, 300


@contextmanager
def lab_with(**switches: SwitchValue) -> Iterator[LabThread]:
    clusters = (EksCluster(name="shop-prod", nodegroups=(EksNodegroup(name="web"),)),)
    with LabThread(Seed(aws=AwsSeed(clusters=clusters, switches=switches))) as running:
        yield running


def shown(eks: Any) -> Any:
    return eks.describe_nodegroup(**WEB)["nodegroup"]


def resize(eks: Any, to: int) -> Any:
    return eks.update_nodegroup_config(**WEB, scalingConfig={"desiredSize": to})["update"]


def state(eks: Any) -> tuple[str, list[str]]:
    group = shown(eks)
    return group["status"], [issue["code"] for issue in group["health"]["issues"]]


def free(lab: LabThread, machines: int | None) -> None:
    lab.run(lambda running: running.capacity.set_free("aws", None, None, machines))


def activities(eks: Any, autoscaling: Any, **given: Any) -> Any:
    name = shown(eks)["resources"]["autoScalingGroups"][0]["name"]
    return autoscaling.describe_scaling_activities(AutoScalingGroupName=name, **given)


def test_a_stockout_degrades_the_node_group_until_the_nodes_are_there(
    lab: LabThread, eks: Any, autoscaling: Any
) -> None:
    free(lab, 2)
    update = resize(eks, 9)
    lab.advance(UPDATED_S)
    told = eks.describe_update(name="shop-prod", nodegroupName="web", updateId=update["id"])["update"]
    assert told["status"] == "Successful"
    assert state(eks) == ("DEGRADED", ["AsgInstanceLaunchFailures"])
    assert "m5.large capacity" in shown(eks)["health"]["issues"][0]["message"]
    assert shown(eks)["scalingConfig"]["desiredSize"] == 9
    failed = [each for each in activities(eks, autoscaling)["Activities"] if each["StatusCode"] == "Failed"]
    assert "InsufficientInstanceCapacity" in failed[0]["StatusMessage"]
    with pytest.raises(eks.exceptions.ResourceInUseException, match="not in Active State"):
        resize(eks, 5)
    free(lab, None)
    lab.advance(RETRIED_S)
    assert state(eks) == ("ACTIVE", [])
    assert resize(eks, 5)["status"] == "InProgress"


@pytest.mark.parametrize(
    ("limit", "switches", "code"),
    [
        pytest.param(Limit(nodes=6), {}, "InstanceLimitExceeded", id="nodes"),
        pytest.param(Limit(vcpus=13), {}, "InstanceLimitExceeded", id="vCPUs"),
        pytest.param(Limit(), {"subnetAddresses": 2}, "InsufficientFreeAddresses", id="subnets"),
    ],
)
def test_quota_and_subnets_have_issues_of_their_own(limit: Limit, switches: Mapping[str, Any], code: str) -> None:
    with lab_with(**switches) as lab:
        eks, autoscaling = client_of(lab), client_of(lab, "autoscaling")
        lab.run(lambda running: running.quotas.set_limit("aws", "111122223333", "us-east-1", limit))
        resize(eks, 9)
        lab.advance(UPDATED_S + RETRIED_S)
        assert state(eks) == ("DEGRADED", [code])
        groups = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
        assert (groups[0]["DesiredCapacity"], len(groups[0]["Instances"])) == (9, 6)


@pytest.mark.parametrize("code", ["InstanceLimitExceeded", "AsgInstanceLaunchFailures"])
@pytest.mark.parametrize("words", ["VcpuLimitExceeded", "InstanceLimitExceeded"])
def test_the_code_and_the_words_of_a_missing_quota_are_switches(code: str, words: str) -> None:
    with lab_with(quotaIssue=code, quotaWords=words) as lab:
        eks, autoscaling = client_of(lab), client_of(lab, "autoscaling")
        lab.run(lambda running: running.quotas.set_limit("aws", "111122223333", "us-east-1", Limit(vcpus=13)))
        resize(eks, 9)
        lab.advance(UPDATED_S)
        assert state(eks) == ("DEGRADED", [code])
        (issue,) = shown(eks)["health"]["issues"]
        assert f"Could not launch On-Demand Instances. {words} - You have requested more" in issue["message"]
        failed = [each for each in activities(eks, autoscaling)["Activities"] if each["StatusCode"] == "Failed"]
        assert words in failed[0]["StatusMessage"]


@pytest.mark.parametrize("accepts", [False, True])
def test_a_degraded_node_group_takes_an_update_or_not(accepts: bool) -> None:
    with lab_with(degradedAcceptsUpdate=accepts) as lab:
        eks = client_of(lab)
        free(lab, 0)
        resize(eks, 9)
        lab.advance(UPDATED_S)
        if accepts:
            resize(eks, 4)
            lab.advance(UPDATED_S)
            assert state(eks) == ("ACTIVE", [])
            return
        with pytest.raises(eks.exceptions.ResourceInUseException):
            resize(eks, 4)
        assert state(eks) == ("DEGRADED", ["AsgInstanceLaunchFailures"])


@pytest.mark.parametrize("sticky", [False, True])
def test_degraded_ends_with_its_cause_or_stays(sticky: bool) -> None:
    with lab_with(degradedSticky=sticky) as lab:
        eks = client_of(lab)
        free(lab, 0)
        resize(eks, 9)
        lab.advance(UPDATED_S)
        free(lab, None)
        lab.advance(RETRIED_S)
        assert state(eks)[0] == ("DEGRADED" if sticky else "ACTIVE")


@pytest.mark.parametrize("waits", [False, True])
def test_an_update_waits_for_its_nodes_or_not(waits: bool) -> None:
    with lab_with(updateWaitsForNodes=waits) as lab:
        eks = client_of(lab)
        free(lab, 0)
        update = resize(eks, 9)

        def told() -> Any:
            return eks.describe_update(name="shop-prod", nodegroupName="web", updateId=update["id"])["update"]

        lab.advance(UPDATED_S)
        assert told()["status"] == ("InProgress" if waits else "Successful")
        lab.advance(1000)
        assert told()["status"] == ("Failed" if waits else "Successful")
        assert [error["errorCode"] for error in told()["errors"]] == (["NodeCreationFailure"] if waits else [])
        assert state(eks) == ("DEGRADED", ["AsgInstanceLaunchFailures"])


@pytest.mark.parametrize("refused", [False, True])
def test_a_token_with_another_body_is_refused_or_answered_with_the_first(refused: bool) -> None:
    with lab_with(reusedTokenRefused=refused) as lab:
        eks = client_of(lab)
        first = eks.update_nodegroup_config(**WEB, scalingConfig={"desiredSize": 6}, clientRequestToken="one")["update"]

        def again() -> Any:
            return eks.update_nodegroup_config(**WEB, scalingConfig={"desiredSize": 7}, clientRequestToken="one")

        if refused:
            with pytest.raises(eks.exceptions.InvalidParameterException):
                again()
        else:
            assert again()["update"]["id"] == first["id"]
        assert shown(eks)["scalingConfig"]["desiredSize"] == 6


def test_activities_tell_what_instances_did(lab: LabThread, eks: Any, autoscaling: Any) -> None:
    assert activities(eks, autoscaling)["Activities"] == []
    resize(eks, 6)
    lab.advance(10)
    begun = activities(eks, autoscaling)["Activities"]
    assert [each["StatusCode"] for each in begun] == ["InProgress"] * 2
    lab.advance(300)
    done = activities(eks, autoscaling)["Activities"]
    assert [(each["StatusCode"], each["Progress"]) for each in done] == [("Successful", 100)] * 2
    assert all(each["EndTime"] > each["StartTime"] for each in done)
    resize(eks, 5)
    lab.advance(300)
    newest = activities(eks, autoscaling)["Activities"][0]
    assert (newest["StatusCode"], newest["Description"].split(":")[0]) == ("Successful", "Terminating EC2 instance")


def test_activities_are_paged_and_picked_by_id(lab: LabThread, eks: Any, autoscaling: Any) -> None:
    resize(eks, 9)
    lab.advance(300)
    paginator = autoscaling.get_paginator("describe_scaling_activities")
    name = shown(eks)["resources"]["autoScalingGroups"][0]["name"]
    pages = list(paginator.paginate(AutoScalingGroupName=name, PaginationConfig={"PageSize": 2}))
    ids = [activity["ActivityId"] for page in pages for activity in page["Activities"]]
    assert (len(pages), len(ids), len(set(ids))) == (3, 5, 5)
    picked = autoscaling.describe_scaling_activities(ActivityIds=ids[:1])["Activities"]
    assert [each["ActivityId"] for each in picked] == ids[:1]
    with pytest.raises(autoscaling.exceptions.ClientError, match="not found"):
        autoscaling.describe_scaling_activities(AutoScalingGroupName="nope")
