"""What goes wrong on purpose, in AWS's form: answers, throttling, permissions, garbage, and how updates end."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from multicloud_lab.core.faultkinds import (
    Action,
    Answer,
    AuthExpire,
    Deny,
    DuplicateApply,
    Garbage,
    LostResponse,
    OperationFail,
    OperationForgotten,
    OperationStuck,
    Partial,
    Preempt,
    Reset,
    StaleRead,
    Throttle,
)
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.thread import LabThread

WEB = {"clusterName": "shop-prod", "nodegroupName": "web"}
UPDATED_S = 130


def resize(eks: Any, to: int) -> Any:
    return eks.update_nodegroup_config(**WEB, scalingConfig={"desiredSize": to})["update"]


def wished(lab: LabThread) -> int:
    return lab.run(
        lambda running: next(
            pool.requested
            for pool in running.fleet
            if (pool.cloud, pool.cluster, pool.node_pool) == ("aws", "shop-prod", "web")
        )
    )


def place(lab: LabThread, action: Action, operation: str = "UpdateNodegroupConfig", **given: Any) -> str:
    return lab.place(Fault(action=action, match=Match(cloud="aws", operation=operation), **given))


ANSWERS = [
    pytest.param(Throttle(), 429, "ThrottlingException", id="throttled"),
    pytest.param(AuthExpire(), 403, "ExpiredTokenException", id="expired"),
    pytest.param(Deny(), 403, "AccessDeniedException", id="denied"),
    pytest.param(Answer(status=500), 500, "ServerException", id="server error"),
    pytest.param(Answer(status=409), 409, "ResourceInUseException", id="conflict"),
    pytest.param(Answer(status=400, code="InvalidRequestException"), 400, "InvalidRequestException", id="named"),
]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("action", "status", "code"), ANSWERS)
def test_a_fault_answers_as_aws_does(
    lab: LabThread, eks: Any, action: Action, status: int, code: str, when: Any
) -> None:
    place(lab, action, when=when, times=1)
    with pytest.raises(ClientError) as refused:
        resize(eks, 6)
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert wished(lab) == (6 if when == "after" else 4)
    assert lab.journal()[-1]["result"] == ("200" if when == "after" else code)


@pytest.mark.parametrize(
    ("action", "code", "status"),
    [(Throttle(), "Throttling", 400), (Deny(), "AccessDenied", 403), (AuthExpire(), "ExpiredToken", 403)],
)
def test_the_query_ports_name_it_in_their_own_way(
    lab: LabThread, autoscaling: Any, action: Action, code: str, status: int
) -> None:
    place(lab, action, "DescribeAutoScalingGroups")
    with pytest.raises(ClientError) as refused:
        autoscaling.describe_auto_scaling_groups()
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_an_answer_given_by_the_fault_goes_out_as_it_is(lab: LabThread, connect: Any) -> None:
    given = Answer(status=429, body="<slow/>", headers={"x-amz-retry-after": "100"}, content_type="text/xml")
    place(lab, given)
    with pytest.raises(ClientError) as refused:
        resize(connect("eks", unchecked="the fault says what comes"), 6)
    told = refused.value.response["ResponseMetadata"]
    assert (told["HTTPStatusCode"], told["HTTPHeaders"]["x-amz-retry-after"]) == (429, "100")
    place(lab, Answer(status=429), "DescribeAutoScalingGroups")
    with pytest.raises(ClientError) as refused:
        connect("autoscaling", unchecked="the status is the fault's").describe_auto_scaling_groups()
    assert refused.value.response["Error"]["Code"] == "Throttling"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429


@pytest.mark.parametrize("form", ["html502", "truncated", "wrongType", "empty"])
def test_garbage_is_not_aws(lab: LabThread, connect: Any, form: Any) -> None:
    eks = connect("eks", unchecked="what comes is no answer of AWS")
    place(lab, Garbage(form=form))
    if form == "html502":
        with pytest.raises(ClientError) as refused:
            resize(eks, 6)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 502
    else:  # botocore takes a 200 whose body it cannot read for an empty answer, and raises nothing
        assert "update" not in eks.update_nodegroup_config(**WEB, scalingConfig={"desiredSize": 6})
    assert wished(lab) == 4


@pytest.mark.parametrize(("action", "effective"), [(LostResponse(), [True, False]), (Reset(), ["Dropped", True])])
def test_boto3s_own_retry_makes_one_update_of_a_lost_call(
    lab: LabThread, connect: Any, action: Action, effective: list[Any]
) -> None:
    eks = connect("eks", attempts=3)
    place(lab, action, times=1)
    resize(eks, 6)
    assert wished(lab) == 6
    assert len(lab.run(lambda running: running.journal.effective_resizes())) == 1
    assert len([e for e in lab.journal() if e["operation"] == "UpdateNodegroupConfig"]) == len(effective)


def test_a_stale_read_shows_what_was(lab: LabThread, eks: Any) -> None:
    place(lab, StaleRead(seconds=50), "DescribeNodegroup")
    assert eks.describe_nodegroup(**WEB)["nodegroup"]["status"] == "ACTIVE"
    resize(eks, 6)
    assert eks.describe_nodegroup(**WEB)["nodegroup"]["status"] == "ACTIVE"
    lab.advance(51)
    assert eks.describe_nodegroup(**WEB)["nodegroup"]["status"] == "UPDATING"


def ended(lab: LabThread, eks: Any, action: Action, to: int = 8) -> Any:
    place(lab, action)
    update = resize(eks, to)
    lab.advance(UPDATED_S)
    return eks.describe_update(name="shop-prod", nodegroupName="web", updateId=update["id"])["update"]


def scaling(eks: Any) -> Any:
    return eks.describe_nodegroup(**WEB)["nodegroup"]["scalingConfig"]


def test_a_failed_update_changes_nothing(lab: LabThread, eks: Any) -> None:
    update = ended(lab, eks, OperationFail(code="ClusterUnreachable", message="as told"))
    assert update["status"] == "Failed"
    assert update["errors"] == [{"errorCode": "ClusterUnreachable", "errorMessage": "as told", "resourceIds": []}]
    assert (scaling(eks)["desiredSize"], wished(lab)) == (4, 4)
    assert eks.describe_nodegroup(**WEB)["nodegroup"]["status"] == "ACTIVE"


def test_a_preempted_update_is_cancelled(lab: LabThread, eks: Any) -> None:
    assert ended(lab, eks, Preempt())["status"] == "Cancelled"
    assert (scaling(eks)["desiredSize"], wished(lab)) == (4, 4)


def test_a_partial_update_fails_with_some_of_its_nodes(lab: LabThread, eks: Any) -> None:
    update = ended(lab, eks, Partial(nodes=1))
    assert (update["status"], update["errors"][0]["errorCode"]) == ("Failed", "NodeCreationFailure")
    lab.advance(UPDATED_S)
    assert (scaling(eks)["desiredSize"], wished(lab)) == (5, 5)


def test_a_stuck_update_locks_the_node_group(lab: LabThread, eks: Any) -> None:
    assert ended(lab, eks, OperationStuck())["status"] == "InProgress"
    lab.advance(100_000)
    with pytest.raises(eks.exceptions.ResourceInUseException):
        resize(eks, 5)


def test_a_forgotten_update_is_not_found_but_works(lab: LabThread, eks: Any) -> None:
    place(lab, OperationForgotten())
    update = resize(eks, 8)
    with pytest.raises(eks.exceptions.ResourceNotFoundException):
        eks.describe_update(name="shop-prod", nodegroupName="web", updateId=update["id"])
    assert eks.list_updates(name="shop-prod", nodegroupName="web")["updateIds"] == []
    lab.advance(UPDATED_S)
    assert scaling(eks)["desiredSize"] == 8


def test_a_change_applied_twice_overrides_what_came_between(lab: LabThread, eks: Any) -> None:
    place(lab, DuplicateApply())
    resize(eks, 8)
    lab.advance(10)
    lab.hands(lambda hands: hands.autoscale("aws", "shop-prod", "web", 12))
    assert wished(lab) == 12
    lab.advance(UPDATED_S)
    assert wished(lab) == 8
