"""Version updates: instances replaced under a surge while the node group is locked; what cannot be cancelled."""

from typing import Any

import pytest

from multicloud_lab.core.faultkinds import OperationFail
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.core.seed import AwsSeed, EksCluster, EksNodegroup, Seed
from multicloud_lab.thread import LabThread

WEB = {"clusterName": "shop-prod", "nodegroupName": "web"}


def group(eks: Any, autoscaling: Any) -> Any:
    name = eks.describe_nodegroup(**WEB)["nodegroup"]["resources"]["autoScalingGroups"][0]["name"]
    return autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]


def instances(shown: Any) -> set[str]:
    return {each["InstanceId"] for each in shown["Instances"]}


def until_done(lab: LabThread, eks: Any, update_id: str) -> str:
    for _ in range(40):
        lab.advance(60)
        status = eks.describe_update(name="shop-prod", nodegroupName="web", updateId=update_id)["update"]["status"]
        if status != "InProgress":
            return str(status)
    return "InProgress"


def test_a_version_update_replaces_every_instance_under_a_surge(lab: LabThread, eks: Any, autoscaling: Any) -> None:
    before = instances(group(eks, autoscaling))
    update = eks.update_nodegroup_version(**WEB)["update"]
    assert (update["type"], update["status"]) == ("VersionUpdate", "InProgress")
    lab.advance(1)
    surging = group(eks, autoscaling)
    # Three zones: a surge of twice as many.
    assert (surging["DesiredCapacity"], surging["MaxSize"]) == (10, 206)
    with pytest.raises(eks.exceptions.ResourceInUseException, match=update["id"]):
        eks.update_nodegroup_config(**WEB, scalingConfig={"desiredSize": 5})
    assert until_done(lab, eks, update["id"]) == "Successful"
    lab.advance(300)
    after = group(eks, autoscaling)
    assert (after["DesiredCapacity"], after["MaxSize"], len(after["Instances"])) == (4, 200, 4)
    assert not instances(after) & before
    assert eks.describe_nodegroup(**WEB)["nodegroup"]["scalingConfig"]["desiredSize"] == 4
    assert lab.run(lambda running: running.journal.effective_resizes()) == []
    assert list(lab.run(lambda running: running.engines["aws"].violations())) == []


def test_a_version_must_be_one_that_the_cluster_allows(eks: Any) -> None:
    for version in ("1.37", "1.35", "2.0", "new"):
        with pytest.raises(eks.exceptions.InvalidParameterException):
            eks.update_nodegroup_version(**WEB, version=version)
    assert eks.describe_nodegroup(**WEB)["nodegroup"]["status"] == "ACTIVE"


def test_a_newer_version_shows_at_the_end(lab: LabThread, eks: Any) -> None:
    role = "arn:aws:iam::111122223333:role/nodes"
    old = {"clusterName": "shop-prod", "nodegroupName": "old"}
    eks.create_nodegroup(**old, subnets=["subnet-1"], nodeRole=role, version="1.35")
    lab.advance(600)
    update = eks.update_nodegroup_version(**old, version="1.36")["update"]
    assert {param["type"]: param["value"] for param in update["params"]}["Version"] == "1.36"
    assert eks.describe_nodegroup(**old)["nodegroup"]["version"] == "1.35"
    lab.advance(2000)
    assert eks.describe_nodegroup(**old)["nodegroup"]["version"] == "1.36"


def test_a_launch_template_shows_at_the_end(lab: LabThread, eks: Any) -> None:
    template = {"name": "nodes", "version": "7"}
    update = eks.update_nodegroup_version(**WEB, launchTemplate=template)["update"]
    assert {"type": "LaunchTemplateVersion", "value": "7"} in update["params"]
    lab.advance(2000)
    assert eks.describe_nodegroup(**WEB)["nodegroup"]["launchTemplate"] == template


def test_a_failed_version_update_takes_its_surge_back(lab: LabThread, eks: Any, autoscaling: Any) -> None:
    lab.place(Fault(action=OperationFail(code="PodEvictionFailure"), match=Match(operation="UpdateNodegroupVersion")))
    update = eks.update_nodegroup_version(**WEB)["update"]
    assert until_done(lab, eks, update["id"]) == "Failed"
    shown = eks.describe_update(name="shop-prod", nodegroupName="web", updateId=update["id"])["update"]
    assert shown["errors"][0]["errorCode"] == "PodEvictionFailure"
    assert group(eks, autoscaling)["DesiredCapacity"] == 4


def test_a_resize_cannot_be_cancelled(lab: LabThread, eks: Any) -> None:
    update = eks.update_nodegroup_config(**WEB, scalingConfig={"desiredSize": 6})["update"]
    with pytest.raises(eks.exceptions.InvalidRequestException, match="cannot be cancelled"):
        eks.cancel_update(name="shop-prod", updateId=update["id"])
    lab.advance(130)
    with pytest.raises(eks.exceptions.InvalidStateException):
        eks.cancel_update(name="shop-prod", updateId=update["id"])
    with pytest.raises(eks.exceptions.ResourceNotFoundException):
        eks.cancel_update(name="shop-prod", updateId="nope")
    assert eks.describe_nodegroup(**WEB)["nodegroup"]["scalingConfig"]["desiredSize"] == 6


def test_an_upgrade_by_hand_holds_the_lock_for_as_long_as_said(lab: LabThread, eks: Any) -> None:
    lab.hands(lambda hands: hands.upgrade("aws", "shop-prod", "web", 3600))
    lab.advance(3500)
    with pytest.raises(eks.exceptions.ResourceInUseException):
        eks.update_nodegroup_config(**WEB, scalingConfig={"desiredSize": 6})
    lab.advance(101)
    eks.update_nodegroup_config(**WEB, scalingConfig={"desiredSize": 6})


def test_the_other_hands_act_on_what_is_there(lab: LabThread, eks: Any, autoscaling: Any) -> None:
    before = eks.describe_nodegroup(**WEB)["nodegroup"]
    lab.hands(lambda hands: hands.autoscale("aws", "shop-prod", "web", 5))
    assert group(eks, autoscaling)["DesiredCapacity"] == 5
    victim = min(instances(group(eks, autoscaling)))
    lab.hands(lambda hands: hands.kill_node("aws", victim))
    lab.advance(400)
    assert len(group(eks, autoscaling)["Instances"]) == 5
    assert victim not in instances(group(eks, autoscaling))
    lab.hands(lambda hands: hands.recreate("aws", "shop-prod", "web"))
    again = eks.describe_nodegroup(**WEB)["nodegroup"]
    assert again["nodegroupArn"] != before["nodegroupArn"]
    assert (again["status"], again["scalingConfig"]["desiredSize"]) == ("ACTIVE", 4)
    lab.hands(lambda hands: hands.delete("aws", "shop-prod"))
    with pytest.raises(eks.exceptions.ResourceNotFoundException):
        eks.describe_cluster(name="shop-prod")
    lab.hands(lambda hands: hands.recreate("aws", "shop-prod"))
    assert eks.list_nodegroups(clusterName="shop-prod")["nodegroups"] == ["batch", "web"]
    assert list(lab.run(lambda running: running.engines["aws"].violations())) == []


def test_spot_instances_are_reclaimed_with_notice_and_come_again() -> None:
    pools = (EksNodegroup(name="spot", capacity_type="SPOT"), EksNodegroup(name="web"))
    seed = Seed(aws=AwsSeed(clusters=(EksCluster(name="one", nodegroups=pools),)))
    with LabThread(seed) as lab:
        taken = lab.hands(lambda hands: hands.reclaim_spot("aws", zone="us-east-1a"))
        assert len(taken) == 2

        def nodes() -> tuple[int, int]:
            pool = lab.run(lambda running: next(each for each in running.fleet if each.node_pool == "spot"))
            return pool.nodes, pool.ready

        assert nodes() == (6, 2)
        lab.advance(500)
        assert nodes() == (4, 4)
