"""How an AWS login is made: where STS is asked, what sessions are called, what a new session mends."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from multicloud.clouds.eks.clients import make_config
from multicloud.clouds.eks.door import open_door
from multicloud.clouds.eks.login import Keys, Login, Role, session_name
from multicloud.model.account import AwsAccount
from multicloud.model.error import CloudError
from multicloud.settings import AwsEndpoints
from support.awsdoor import KEYS
from support.azuredoor import Fence

ROLE = "arn:{partition}:iam::111122223333:role/pools"
STATIC = Keys(access_key_id="AKIA", secret="hidden-one", token="hidden-two")


@pytest.mark.parametrize(
    ("caller", "name"),
    [
        ("prod/shop/aws", "prod@shop@aws"),
        ("a.b_c-d/shop/aws.eu", "a.b_c-d@shop@aws.eu"),
        (f"prod/{'n' * 40}/aws", f"prod@{'n' * 40}@aws"),
        (f"prod/{'n' * 63}/aws", f"prod@{'n' * 50}@21063a0d"),
        (f"prod/{'n' * 63}/gcp", f"prod@{'n' * 50}@2ed9ddc2"),
    ],
)
def test_a_session_is_called_after_whom_it_is_for(caller: str, name: str) -> None:
    assert session_name(caller) == name
    assert len(name) <= 64


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        (None, None, "sts.us-east-1.amazonaws.com"),
        (None, "eu-west-1", "sts.eu-west-1.amazonaws.com"),
        (None, "cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
        ("aws", "eu-west-1", "sts.eu-west-1.amazonaws.com"),
        ("aws-cn", None, "sts.cn-north-1.amazonaws.com.cn"),
        ("aws-cn", "eu-west-1", "sts.cn-north-1.amazonaws.com.cn"),
        ("aws-us-gov", "us-gov-east-1", "sts.us-gov-east-1.amazonaws.com"),
        ("aws-us-gov", "nowhere-1", "sts.us-gov-west-1.amazonaws.com"),
        ("aws-eusc", None, "sts.eusc-de-east-1.amazonaws.eu"),
    ],
)
def test_sts_is_asked_in_the_roles_partition_and_nobody_else(
    partition: str | None, region: str | None, host: str, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[str] = set()

    def refuse(name: Any, *_: Any, **__: Any) -> Any:
        asked.add(name.decode() if isinstance(name, bytes) else str(name))
        raise OSError("a test may not leave the machine")

    monkeypatch.setattr("socket.getaddrinfo", refuse)
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    if region is not None:
        monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    role = None if partition is None else ROLE.format(partition=partition)
    door = open_door(AwsAccount(role_arn=role), KEYS, AwsEndpoints(), before_send=fence, call_timeout_s=5)
    with pytest.raises(CloudError):
        door.identity.whoami()
    assert asked == {host}


def refusal(operation: str) -> ClientError:
    return ClientError({"Error": {"Code": "ExpiredToken", "Message": ""}}, operation)


@pytest.mark.parametrize(
    ("keys", "role", "operation", "renews"),
    [
        (STATIC, False, "DescribeNodegroup", False),
        (STATIC, True, "DescribeNodegroup", True),
        (STATIC, True, "AssumeRole", False),
        (None, False, "DescribeNodegroup", True),
        (None, True, "DescribeNodegroup", True),
        (None, True, "AssumeRole", True),
        (None, True, "AssumeRoleWithWebIdentity", False),
    ],
)
def test_a_new_session_mends_what_was_a_sessions(keys: Keys | None, role: bool, operation: str, renews: bool) -> None:
    assumed = Role(arn=ROLE.format(partition="aws"), external_id="a/b/c") if role else None
    login = Login(keys, assumed, None, make_config(read_timeout_s=5), name="a")
    assert login.renews(refusal(operation)) is renews


def test_keys_are_not_shown() -> None:
    assert "hidden" not in repr(STATIC)
