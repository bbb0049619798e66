"""Who may do what and how often: permissions, token buckets, roles and their sessions, dates of signatures."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from multicloud_lab.core.clock import wall_time_s
from multicloud_lab.core.faultkinds import ClockSkew, Throttle
from multicloud_lab.core.faults import Fault
from multicloud_lab.core.seed import AwsSeed, CallRate, EksCluster, EksNodegroup, Seed, SwitchValue
from multicloud_lab.thread import LabThread
from support.ekswire import client_of

WEB = {"clusterName": "shop-prod", "nodegroupName": "web"}
ROLE = "arn:aws:iam::222233334444:role/team/scaler"


def code_of(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])


def session(connect: Any, service: str, given: Mapping[str, str], **more: Any) -> Any:
    keys = {"key_id": given["AccessKeyId"], "secret": given["SecretAccessKey"], "token": given["SessionToken"]}
    return connect(service, **{**keys, **more})


def test_a_denied_call_names_who_what_and_on_what(lab: LabThread, eks: Any) -> None:
    lab.run(lambda running: running.permissions.deny("lab", "eks:UpdateNodegroupConfig"))
    arn = eks.describe_nodegroup(**WEB)["nodegroup"]["nodegroupArn"]
    with pytest.raises(ClientError) as refused:
        eks.update_nodegroup_config(**WEB, scalingConfig={"desiredSize": 6})
    assert code_of(refused) == "AccessDeniedException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    message = refused.value.response["Error"]["Message"]
    assert "arn:aws:iam::111122223333:user/lab is not authorized to perform: eks:UpdateNodegroupConfig" in message
    assert arn in message
    assert not any(entry["effective"] for entry in lab.journal() if entry["cloud"] == "aws")
    lab.run(lambda running: running.permissions.restore("lab"))
    eks.update_nodegroup_config(**WEB, scalingConfig={"desiredSize": 6})


def test_a_permission_can_be_for_one_resource(lab: LabThread, eks: Any) -> None:
    batch = {"clusterName": "shop-prod", "nodegroupName": "batch"}
    lab.run(lambda running: running.permissions.deny("lab", "eks:*Nodegroup*", "*:nodegroup/shop-prod/web/*"))
    eks.describe_nodegroup(**batch)
    with pytest.raises(ClientError) as refused:
        eks.describe_nodegroup(**WEB)
    assert code_of(refused) == "AccessDeniedException"


def test_the_query_ports_deny_in_their_own_way(lab: LabThread, autoscaling: Any, sts: Any) -> None:
    lab.run(lambda running: running.permissions.allow_only("aws", "lab", ["eks:*"]))
    with pytest.raises(ClientError) as refused:
        autoscaling.describe_auto_scaling_groups()
    assert code_of(refused) == "AccessDenied"
    with pytest.raises(ClientError) as refused:
        sts.assume_role(RoleArn=ROLE, RoleSessionName="mine")
    assert code_of(refused) == "AccessDenied"
    assert sts.get_caller_identity()["Account"] == "111122223333"


def test_bursts_of_twenty_writes_and_a_hundred_reads_pass(lab: LabThread, eks: Any) -> None:
    arn = eks.describe_cluster(name="shop-prod")["cluster"]["arn"]
    for number in range(20):
        eks.tag_resource(resourceArn=arn, tags={"n": str(number)})
    with pytest.raises(ClientError) as refused:
        eks.tag_resource(resourceArn=arn, tags={"n": "20"})
    assert code_of(refused) == "ThrottlingException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    for _ in range(99):
        eks.list_clusters()
    with pytest.raises(ClientError):
        eks.list_clusters()
    lab.advance(1)
    eks.tag_resource(resourceArn=arn, tags={"n": "20"})
    assert eks.describe_cluster(name="shop-prod")["cluster"]["tags"] == {"n": "20"}


def test_the_buckets_are_those_of_an_account_and_region(connect: Any, eks: Any) -> None:
    for _ in range(100):
        eks.list_clusters()
    with pytest.raises(ClientError):
        eks.list_clusters()
    connect("eks", region="eu-west-1").list_clusters()


def test_a_role_is_assumed_and_acts_under_its_own_name(lab: LabThread, connect: Any, sts: Any) -> None:
    answer = sts.assume_role(RoleArn=ROLE, RoleSessionName="mine", DurationSeconds=900)
    assert answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts::222233334444:assumed-role/scaler/mine"
    left_s = answer["Credentials"]["Expiration"].timestamp() - wall_time_s()
    assert 800 < left_s <= 901
    me = session(connect, "sts", answer["Credentials"]).get_caller_identity()
    assert me["Arn"] == "arn:aws:sts::222233334444:assumed-role/scaler/mine"
    assert (me["Account"], me["UserId"]) == ("222233334444", answer["AssumedRoleUser"]["AssumedRoleId"])
    assert session(connect, "eks", answer["Credentials"]).list_clusters()["clusters"] == []
    assert lab.journal()[-1]["principal"] == "scaler"
    told = json.dumps(lab.journal())
    assert answer["Credentials"]["SecretAccessKey"] not in told
    assert answer["Credentials"]["SessionToken"] not in told


def test_a_sessions_token_and_secret_are_checked(connect: Any, sts: Any) -> None:
    given = sts.assume_role(RoleArn=ROLE, RoleSessionName="mine")["Credentials"]
    for wrong, code in (
        ({"token": "another"}, "UnrecognizedClientException"),
        ({"secret": "another"}, "InvalidSignatureException"),
    ):
        with pytest.raises(ClientError) as refused:
            session(connect, "eks", given, **wrong).list_clusters()
        assert code_of(refused) == code


def test_a_session_that_has_run_out_is_expired_everywhere(lab: LabThread, connect: Any, sts: Any) -> None:
    given = sts.assume_role(RoleArn=ROLE, RoleSessionName="mine", DurationSeconds=900)["Credentials"]
    fault = lab.place(Fault(action=ClockSkew(seconds=1000)))
    for service, ask, code in (
        ("eks", "list_clusters", "ExpiredTokenException"),
        ("autoscaling", "describe_auto_scaling_groups", "ExpiredToken"),
    ):
        with pytest.raises(ClientError) as refused:
            getattr(session(connect, service, given), ask)()
        assert code_of(refused) == code
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    lab.lift(fault)
    session(connect, "eks", given).list_clusters()


@pytest.mark.parametrize("seconds", [400, -400])
def test_a_signature_more_than_five_minutes_off_is_refused(lab: LabThread, eks: Any, seconds: float) -> None:
    fault = lab.place(Fault(action=ClockSkew(seconds=seconds)))
    with pytest.raises(ClientError) as refused:
        eks.list_clusters()
    assert code_of(refused) == "InvalidSignatureException"
    lab.lift(fault)
    lab.place(Fault(action=ClockSkew(seconds=seconds / 2)))
    eks.list_clusters()


def test_an_external_id_is_asked_for_where_the_switch_says_so() -> None:
    with LabThread(Seed(aws=AwsSeed(switches={"roleExternalId": "ours", "roleMaxSessionS": 1800}))) as lab:
        sts = client_of(lab, "sts")
        for external in ({}, {"ExternalId": "theirs"}):
            with pytest.raises(ClientError) as refused:
                sts.assume_role(RoleArn=ROLE, RoleSessionName="mine", DurationSeconds=900, **external)
            assert code_of(refused) == "AccessDenied"
        sts.assume_role(RoleArn=ROLE, RoleSessionName="mine", ExternalId="ours", DurationSeconds=1800)
        with pytest.raises(ClientError, match="MaxSessionDuration"):
            sts.assume_role(RoleArn=ROLE, RoleSessionName="mine", ExternalId="ours", DurationSeconds=1801)


@pytest.mark.parametrize("given", [{"RoleArn": "arn:aws:iam::222233334444:user/scaler"}, {"RoleSessionName": "a b"}])
def test_a_role_that_cannot_be_is_a_validation_error(sts: Any, given: dict[str, str]) -> None:
    with pytest.raises(ClientError) as refused:
        sts.assume_role(**{"RoleArn": ROLE, "RoleSessionName": "mine", **given})
    assert code_of(refused) == "ValidationError"


def jwt(**claims: Any) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'RS256'})}.{part(claims)}.c2lnbmF0dXJl"


def test_a_web_identity_gets_a_session_without_a_key(lab: LabThread, connect: Any, sts: Any) -> None:
    token = jwt(
        sub="system:serviceaccount:multicloud:operator", iss="https://issuer", aud=["sts.amazonaws.com"], exp=4e9
    )
    answer = sts.assume_role_with_web_identity(RoleArn=ROLE, RoleSessionName="mine", WebIdentityToken=token)
    assert answer["SubjectFromWebIdentityToken"] == "system:serviceaccount:multicloud:operator"
    assert (answer["Provider"], answer["Audience"]) == ("https://issuer", "sts.amazonaws.com")
    me = session(connect, "sts", answer["Credentials"]).get_caller_identity()
    assert me["Arn"] == "arn:aws:sts::222233334444:assumed-role/scaler/mine"
    assert token not in json.dumps(lab.journal())


@pytest.mark.parametrize(
    ("token", "code"),
    [
        pytest.param("not.a.token", "InvalidIdentityToken", id="no token"),
        pytest.param(jwt(sub="a", iss="b"), "InvalidIdentityToken", id="without expiry"),
        pytest.param(jwt(sub="a", iss="b", exp=1), "ExpiredTokenException", id="expired"),
    ],
)
def test_a_web_identity_that_does_not_hold_is_refused(sts: Any, token: str, code: str) -> None:
    with pytest.raises(ClientError) as refused:
        sts.assume_role_with_web_identity(RoleArn=ROLE, RoleSessionName="mine", WebIdentityToken=token)
    assert code_of(refused) == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize("code", ["ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"])
@pytest.mark.parametrize("status", [429, 400])
def test_the_code_and_the_status_of_too_many_calls_are_switches(code: str, status: int) -> None:
    switches: dict[str, SwitchValue] = {"throttleCode": code, "throttleStatus": status}
    pace = {"read": CallRate(burst=1, per_s=1)}
    with LabThread(Seed(aws=AwsSeed(switches=switches, pace=pace))) as lab:
        eks, autoscaling = client_of(lab, unchecked="another code than the model's"), client_of(lab, "autoscaling")
        eks.list_clusters()
        with pytest.raises(ClientError) as refused:
            eks.list_clusters()
        assert code_of(refused) == code
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
        autoscaling.describe_auto_scaling_groups()
        with pytest.raises(ClientError) as refused:
            autoscaling.describe_auto_scaling_groups()
        assert code_of(refused) == "Throttling"
        lab.advance(1)
        lab.place(Fault(action=Throttle()))
        with pytest.raises(ClientError) as refused:
            eks.list_clusters()
        assert code_of(refused) == code


@pytest.mark.parametrize(
    ("action", "more", "asked"),
    [
        pytest.param("iam:PassRole", {}, {False, True}, id="role"),
        pytest.param("eks:TagResource", {"tags": {"a": "b"}}, {False, True}, id="tags"),
        pytest.param("eks:TagResource", {}, set(), id="no tags"),
        pytest.param("ec2:DescribeSubnets", {}, {True}, id="subnets"),
        pytest.param("ec2:DescribeLaunchTemplateVersions", {"launchTemplate": {"id": "lt-1"}}, {True}, id="template"),
        pytest.param("ec2:DescribeLaunchTemplateVersions", {}, set(), id="no template"),
    ],
)
@pytest.mark.parametrize("asks_ec2", [False, True])
def test_what_creating_a_node_group_asks_for_besides(
    action: str, more: dict[str, Any], asked: set[bool], asks_ec2: bool
) -> None:
    pools = (EksNodegroup(name="batch"), EksNodegroup(name="web"))
    aws = AwsSeed(clusters=(EksCluster(name="shop-prod", nodegroups=pools),), switches={"createAsksEc2": asks_ec2})
    with LabThread(Seed(aws=aws)) as lab:
        eks = client_of(lab)
        lab.run(lambda running: running.permissions.deny("lab", action))
        role = "arn:aws:iam::111122223333:role/nodes"
        given = {"clusterName": "shop-prod", "nodegroupName": "new", "subnets": ["subnet-1"], "nodeRole": role, **more}
        if asks_ec2 not in asked:
            assert eks.create_nodegroup(**given)["nodegroup"]["status"] == "CREATING"
            return
        with pytest.raises(ClientError, match=f"not authorized to perform: {action} on resource") as refused:
            eks.create_nodegroup(**given)
        assert code_of(refused) == "AccessDeniedException"
        assert eks.list_nodegroups(clusterName="shop-prod")["nodegroups"] == ["batch", "web"]
