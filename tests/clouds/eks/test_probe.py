"""What IAM's answers to a probe prove, in AWS's own words."""

import pytest

from multicloud.clouds.eks.policy import POLICY
from multicloud.clouds.eks.probe import LONGEST_NAME
from multicloud.model.permission import Permission
from multicloud.model.port import CloudDoor
from multicloud.model.ref import NodePoolRef
from support.awsdoor import CLUSTER, WEB, nodegroup, refusal, serve
from support.azuredoor import Fence
from support.vendor import Answer, Vendor

UPDATE = "/update-config"


def found(door: CloudDoor, name: str, pool: NodePoolRef = WEB) -> Permission:
    assert door.probe is not None
    (one,) = [each for each in door.probe.probe(pool) if each.need.name == name]
    return one


@pytest.mark.parametrize(
    ("answer", "granted"),
    [
        (refusal("ResourceNotFoundException", 404, "No node group found for name: web-0"), True),
        (refusal("AccessDeniedException", 403, "User: arn:… is not authorized to perform: eks:Update…"), False),
        (refusal("ThrottlingException", 429), None),
        (refusal("ServerException", 500), None),
        (refusal("InvalidParameterException", 400), None),
        (refusal("UnrecognizedClientException", 403), None),
        (Answer(status=502, raw=b"<html>bad gateway</html>", headers={"Content-Type": "text/html"}), None),
        (Answer(drop=True), None),
    ],
    ids=["not found", "denied", "throttled", "unavailable", "invalid", "no such key", "garbage", "no answer"],
)
def test_what_an_answer_about_nobodys_node_group_proves(
    door: CloudDoor, vendor: Vendor, answer: Answer, granted: bool | None
) -> None:
    serve(vendor, nodegroup())
    vendor.answer("POST", UPDATE, answer)
    told = found(door, "eks:UpdateNodegroupConfig")
    assert told.granted is granted
    assert bool(told.why) == (granted is not True)


def test_a_refusal_says_that_it_may_be_about_the_name_alone(door: CloudDoor, vendor: Vendor) -> None:
    vendor.answer("POST", UPDATE, refusal("AccessDeniedException", 403))
    assert "allow nodegroup/shop/*" in found(door, "eks:UpdateNodegroupConfig").why


@pytest.mark.parametrize("name", ["web", "w" * 63])
def test_the_write_that_is_tried_names_nobody_and_no_size(
    door: CloudDoor, vendor: Vendor, fence: Fence, name: str
) -> None:
    found(door, "eks:UpdateNodegroupConfig", NodePoolRef(cluster=CLUSTER, name=name))
    (tried,) = vendor.calls("POST", UPDATE)
    asked = tried.path.split("/")[4]
    assert len(asked) <= LONGEST_NAME
    assert asked.startswith(name[:10])
    assert asked != name
    assert "scalingConfig" not in tried.json
    assert fence.asked == 0


def test_no_name_is_tried_twice(door: CloudDoor, vendor: Vendor) -> None:
    for _ in range(2):
        found(door, "eks:UpdateNodegroupConfig")
    first, second = vendor.calls("POST", UPDATE)
    assert first.path != second.path


@pytest.mark.parametrize(
    ("principal", "arn"),
    [
        ("arn:aws-cn:sts::111122223333:assumed-role/pools/x", "arn:aws-cn:eks:eu-west-1:111122223333:cluster/shop"),
        ("", "arn:aws:eks:eu-west-1:*:cluster/shop"),
    ],
    ids=["another partition", "not known who we are"],
)
def test_a_role_is_for_our_own_account_and_partition(principal: str, arn: str) -> None:
    assert POLICY.role([WEB], principal)["Statement"][0]["Resource"] == [arn]
