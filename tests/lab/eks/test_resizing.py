"""Resizing: what an accepted update does and when, what is refused, tokens, and the journal of it."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from multicloud_lab.core.lab import RefusedError
from multicloud_lab.thread import LabThread

WEB = {"clusterName": "shop-prod", "nodegroupName": "web"}
ACCEPTED_S, UPDATED_S, BOOTED_S = 6, 125, 260


def resize(eks: Any, **sizes: Any) -> Any:
    token = {"clientRequestToken": sizes.pop("token")} if "token" in sizes else {}
    return eks.update_nodegroup_config(**WEB, scalingConfig=sizes, **token)["update"]


def described(eks: Any) -> Any:
    return eks.describe_nodegroup(**WEB)["nodegroup"]


def update_status(eks: Any, update_id: str) -> str:
    answer = eks.describe_update(name="shop-prod", nodegroupName="web", updateId=update_id)
    return str(answer["update"]["status"])


def group(eks: Any, autoscaling: Any) -> Any:
    name = described(eks)["resources"]["autoScalingGroups"][0]["name"]
    return autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]


def states(group: Any) -> dict[str, int]:
    found = [instance["LifecycleState"] for instance in group["Instances"]]
    return {state: found.count(state) for state in sorted(set(found))}


def test_a_resize_walks_from_accepted_to_in_service(lab: LabThread, eks: Any, autoscaling: Any) -> None:
    update = resize(eks, minSize=2, maxSize=20, desiredSize=9)
    assert update["status"] == "InProgress"
    assert update["params"] == [
        {"type": "MinSize", "value": "2"},
        {"type": "MaxSize", "value": "20"},
        {"type": "DesiredSize", "value": "9"},
    ]
    assert described(eks)["status"] == "UPDATING"
    assert group(eks, autoscaling)["DesiredCapacity"] == 4

    lab.advance(ACCEPTED_S)
    moved = group(eks, autoscaling)
    assert (moved["MinSize"], moved["MaxSize"], moved["DesiredCapacity"]) == (2, 20, 9)
    assert states(moved) == {"InService": 4}
    lab.advance(53)
    assert update_status(eks, update["id"]) == "InProgress"

    lab.advance(UPDATED_S - 53)
    assert update_status(eks, update["id"]) == "Successful"
    assert described(eks)["status"] == "ACTIVE"
    assert described(eks)["scalingConfig"] == {"minSize": 2, "maxSize": 20, "desiredSize": 9}

    lab.advance(BOOTED_S)
    assert states(group(eks, autoscaling)) == {"InService": 9}


def test_fewer_nodes_drain_before_they_are_gone(lab: LabThread, eks: Any, autoscaling: Any) -> None:
    resize(eks, desiredSize=1)
    lab.advance(ACCEPTED_S)
    assert states(group(eks, autoscaling)) == {"InService": 1, "Terminating:Wait": 3}
    lab.advance(UPDATED_S)
    assert states(group(eks, autoscaling)) == {"InService": 1}


def test_instances_spread_over_the_zones(lab: LabThread, eks: Any, autoscaling: Any) -> None:
    resize(eks, desiredSize=9)
    lab.advance(UPDATED_S + BOOTED_S)
    zones = [instance["AvailabilityZone"] for instance in group(eks, autoscaling)["Instances"]]
    assert {zone: zones.count(zone) for zone in zones} == {"us-east-1a": 3, "us-east-1b": 3, "us-east-1c": 3}


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        pytest.param({"desiredSize": 201}, "desiredSize can't be greater than maxSize", id="above the present max"),
        pytest.param(
            {"minSize": 5}, "Minimum capacity 5 can't be greater than desired size 4", id="min above the present wish"
        ),
        pytest.param({"maxSize": 3}, "desiredSize can't be greater than maxSize", id="max below the present wish"),
        pytest.param(
            {"minSize": 9, "maxSize": 8, "desiredSize": 8}, "minSize can't be greater than maxSize", id="min above max"
        ),
        pytest.param({"maxSize": 451}, "maxSize can't be greater than 450", id="above the quota"),
    ],
)
def test_a_range_that_does_not_fit_leaves_the_group_unchanged(
    lab: LabThread, eks: Any, autoscaling: Any, sizes: dict[str, int], text: str
) -> None:
    before = described(eks)
    with pytest.raises(eks.exceptions.InvalidParameterException, match=text) as refused:
        resize(eks, **sizes)
    assert refused.value.response["clusterName"] == "shop-prod"
    lab.advance(UPDATED_S)
    assert described(eks) | {"ResponseMetadata": None} == before | {"ResponseMetadata": None}
    assert group(eks, autoscaling)["DesiredCapacity"] == 4
    assert lab.run(lambda running: running.journal.effective_resizes()) == []


def test_min_max_and_desired_move_together_in_one_call(lab: LabThread, eks: Any) -> None:
    resize(eks, minSize=250, maxSize=300, desiredSize=260)
    lab.advance(UPDATED_S)
    assert described(eks)["scalingConfig"] == {"minSize": 250, "maxSize": 300, "desiredSize": 260}


def test_an_update_of_nothing_is_refused(eks: Any) -> None:
    with pytest.raises(eks.exceptions.InvalidParameterException):
        eks.update_nodegroup_config(**WEB)


def test_a_second_resize_waits_for_the_first(lab: LabThread, eks: Any) -> None:
    first = resize(eks, desiredSize=6)
    with pytest.raises(eks.exceptions.ResourceInUseException, match="not in Active State"):
        resize(eks, desiredSize=7)
    other = eks.update_nodegroup_config(
        clusterName="shop-prod", nodegroupName="batch", scalingConfig={"desiredSize": 3}
    )
    assert other["update"]["status"] == "InProgress"
    lab.advance(UPDATED_S)
    second = resize(eks, desiredSize=7)
    listed = eks.list_updates(name="shop-prod", nodegroupName="web")["updateIds"]
    assert sorted(listed) == sorted([first["id"], second["id"]])
    assert eks.list_updates(name="shop-prod")["updateIds"] == []
    sizes = [(e.pool, e.from_, e.to) for e in lab.run(lambda running: running.journal.effective_resizes())]
    assert sizes == [("web", 4, 6), ("batch", 2, 3), ("web", 6, 7)]


def test_a_token_again_answers_with_its_update_and_changes_nothing(lab: LabThread, eks: Any) -> None:
    first = resize(eks, desiredSize=6, token="one")
    assert resize(eks, desiredSize=6, token="one")["id"] == first["id"]
    lab.advance(UPDATED_S)
    resize(eks, desiredSize=8, token="two")
    lab.advance(UPDATED_S)

    replayed = resize(eks, desiredSize=6, token="one")
    assert (replayed["id"], replayed["status"]) == (first["id"], "Successful")
    assert described(eks)["scalingConfig"]["desiredSize"] == 8
    effective = [entry["effective"] for entry in lab.journal() if entry["operation"] == "UpdateNodegroupConfig"]
    assert effective == [True, False, True, False]


def test_a_token_with_another_body_is_refused(eks: Any) -> None:
    resize(eks, desiredSize=6, token="one")
    with pytest.raises(eks.exceptions.InvalidParameterException, match="different parameters"):
        resize(eks, desiredSize=7, token="one")


def test_a_refused_request_does_not_use_up_its_token(lab: LabThread, eks: Any) -> None:
    with pytest.raises(eks.exceptions.InvalidParameterException):
        resize(eks, desiredSize=999, token="one")
    assert resize(eks, desiredSize=9, token="one")["status"] == "InProgress"


def test_a_token_is_forgotten_after_a_day(lab: LabThread, eks: Any) -> None:
    first = resize(eks, desiredSize=6, token="one")
    lab.advance(24 * 3600 + 1)
    assert resize(eks, desiredSize=6, token="one")["id"] != first["id"]


def test_boto3s_own_retry_makes_one_update(lab: LabThread, connect: Any) -> None:
    eks = connect("eks", attempts=3)
    lab.release(lab.hold("UpdateNodegroupConfig", when="after"), "drop")
    resize(eks, desiredSize=6)
    entries = [entry for entry in lab.journal() if entry["operation"] == "UpdateNodegroupConfig"]
    assert [entry["effective"] for entry in entries] == [True, False]
    assert len({str(entry["token"]) for entry in entries}) == 1


def test_labels_and_taints_change_without_touching_the_size(lab: LabThread, eks: Any, autoscaling: Any) -> None:
    taint = {"key": "team", "value": "shop", "effect": "NO_SCHEDULE"}
    update = eks.update_nodegroup_config(
        **WEB, labels={"addOrUpdateLabels": {"tier": "web"}}, taints={"addOrUpdateTaints": [taint]}
    )["update"]
    assert [param["type"] for param in update["params"]] == ["LabelsToAdd", "TaintsToAdd"]
    lab.advance(UPDATED_S)
    assert (described(eks)["labels"], described(eks)["taints"]) == ({"tier": "web"}, [taint])
    eks.update_nodegroup_config(**WEB, labels={"removeLabels": ["tier"]}, taints={"removeTaints": [taint]})
    lab.advance(UPDATED_S)
    assert (described(eks)["labels"], described(eks)["taints"]) == ({}, [])
    assert group(eks, autoscaling)["DesiredCapacity"] == 4
    assert lab.run(lambda running: running.journal.effective_resizes()) == []


def test_the_autoscalers_size_is_in_the_group_at_once_and_in_the_node_group_late(
    lab: LabThread, eks: Any, autoscaling: Any
) -> None:
    name = group(eks, autoscaling)["AutoScalingGroupName"]
    autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=7)
    assert group(eks, autoscaling)["DesiredCapacity"] == 7
    assert described(eks)["scalingConfig"]["desiredSize"] == 4
    lab.advance(61)
    assert described(eks)["scalingConfig"]["desiredSize"] == 7
    with pytest.raises(ClientError, match="above max value 200"):
        autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=201)
    with pytest.raises(ClientError, match="not found"):
        autoscaling.set_desired_capacity(AutoScalingGroupName="nope", DesiredCapacity=1)
    assert group(eks, autoscaling)["DesiredCapacity"] == 7


def test_a_hand_obeys_the_same_rules_and_is_journalled(lab: LabThread, eks: Any) -> None:
    def by_hand(cluster: str, pool: str, to: int) -> None:
        lab.run(lambda running: running.engines["aws"].resize_by_hand(cluster, pool, to))

    by_hand("shop-prod", "web", 6)
    assert described(eks)["status"] == "UPDATING"
    with pytest.raises(eks.exceptions.ResourceInUseException):
        resize(eks, desiredSize=5)
    for cluster, pool, to in [("shop-prod", "web", 7), ("shop-prod", "nope", 1), ("nope", "web", 1)]:
        with pytest.raises(RefusedError):
            by_hand(cluster, pool, to)
    hands = [entry for entry in lab.journal() if entry["principal"] == "hand"]
    assert [(entry["effective"], entry["result"], entry["from"], entry["to"]) for entry in hands] == [
        (True, "200", 4, 6),
        (False, "ResourceInUseException", None, None),
        (False, "ResourceNotFoundException", None, None),
    ]
    lab.advance(UPDATED_S)
    assert described(eks)["scalingConfig"]["desiredSize"] == 6


def test_the_journal_tells_who_asked_what(lab: LabThread, eks: Any) -> None:
    resize(eks, desiredSize=6, token="wish-1")
    with pytest.raises(ClientError):
        resize(eks, desiredSize=7, token="wish-2")
    described(eks)
    entries = lab.journal()
    assert [{k: v for k, v in entry.items() if k != "arguments"} for entry in entries] == [
        {
            "seq": 1,
            "time": "2026-01-01T00:00:00.000Z",
            "cloud": "aws",
            "principal": "lab",
            "operation": "UpdateNodegroupConfig",
            "cluster": "shop-prod",
            "pool": "web",
            "token": "wish-1",
            "effective": True,
            "result": "200",
            "from": 4,
            "to": 6,
        },
        {
            "seq": 2,
            "time": "2026-01-01T00:00:00.000Z",
            "cloud": "aws",
            "principal": "lab",
            "operation": "UpdateNodegroupConfig",
            "cluster": "shop-prod",
            "pool": "web",
            "token": "wish-2",
            "effective": False,
            "result": "ResourceInUseException",
            "from": None,
            "to": None,
        },
        {
            "seq": 3,
            "time": "2026-01-01T00:00:00.000Z",
            "cloud": "aws",
            "principal": "lab",
            "operation": "DescribeNodegroup",
            "cluster": "shop-prod",
            "pool": "web",
            "token": None,
            "effective": False,
            "result": "200",
            "from": None,
            "to": None,
        },
    ]
    assert entries[0]["arguments"] == {
        "clusterName": "shop-prod",
        "nodegroupName": "web",
        "scalingConfig": {"desiredSize": 6},
        "clientRequestToken": "wish-1",
        "account": "111122223333",
        "region": "us-east-1",
    }


def test_the_fleet_shows_the_wish_before_the_nodes(lab: LabThread, eks: Any) -> None:
    def web() -> tuple[int, int, int, str]:
        fleet = lab.run(lambda running: running.fleet)
        found = [pool for pool in fleet if (pool.cloud, pool.cluster, pool.node_pool) == ("aws", "shop-prod", "web")]
        return found[0].requested, found[0].nodes, found[0].ready, found[0].status

    assert web() == (4, 4, 4, "ACTIVE")
    resize(eks, desiredSize=6)
    assert web() == (6, 4, 4, "UPDATING")
    lab.advance(ACCEPTED_S)
    assert web() == (6, 6, 4, "UPDATING")
    lab.advance(UPDATED_S + BOOTED_S)
    assert web() == (6, 6, 6, "ACTIVE")
