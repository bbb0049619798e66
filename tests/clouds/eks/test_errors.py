"""AWS's refusals row by row, logins that cannot work, and that nothing secret is ever said."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.session import Session

from multicloud.clouds.eks.door import open_door
from multicloud.clouds.eks.errors import BY_CODE, LAUNCH_TROUBLE
from multicloud.model.account import AwsAccount
from multicloud.model.error import CloudError, Conflict, NoCapacity, OutcomeUnknown, Refused, Throttled, Unavailable
from multicloud.model.port import CloudDoor
from multicloud.model.reason import Code
from multicloud.model.size import Detail, Resize
from multicloud.settings import AwsEndpoints, Endpoint
from support.awsdoor import CLUSTER, KEYS, UPDATE, WEB, nodegroup, pool_fact, read, refusal, scripted_door, serve, xml
from support.azuredoor import Fence
from support.vendor import Answer, Vendor

Row = tuple[str, int, type[CloudError], Code]

ROWS: dict[str, Row] = {
    "throttled": ("ThrottlingException", 429, Throttled, Code.THROTTLED),
    "throttled-as-400": ("ThrottlingException", 400, Throttled, Code.THROTTLED),
    "throttled-plain": ("Throttling", 400, Throttled, Code.THROTTLED),
    "throttled-past-tense": ("ThrottledException", 400, Throttled, Code.THROTTLED),
    "request-throttled": ("RequestThrottledException", 400, Throttled, Code.THROTTLED),
    "any-429": ("NeverHeardOf", 429, Throttled, Code.THROTTLED),
    "too-many": ("TooManyRequestsException", 429, Throttled, Code.THROTTLED),
    "request-limit": ("RequestLimitExceeded", 503, Throttled, Code.THROTTLED),
    "slow-down": ("SlowDown", 503, Throttled, Code.THROTTLED),
    "limit-of-calls": ("LimitExceededException", 400, Throttled, Code.THROTTLED),
    "in-use": ("ResourceInUseException", 409, Conflict, Code.CONFLICT),
    "not-now": ("InvalidRequestException", 400, Conflict, Code.CONFLICT),
    "wrong-state": ("InvalidStateException", 400, Conflict, Code.CONFLICT),
    "any-409": ("NeverHeardOf", 409, Conflict, Code.CONFLICT),
    "not-found": ("ResourceNotFoundException", 404, Refused, Code.NOT_FOUND),
    "tags-not-found": ("NotFoundException", 404, Refused, Code.NOT_FOUND),
    "any-404": ("NeverHeardOf", 404, Refused, Code.NOT_FOUND),
    "invalid": ("InvalidParameterException", 400, Refused, Code.INVALID),
    "bad-request": ("BadRequestException", 400, Refused, Code.INVALID),
    "zone-unsupported": ("UnsupportedAvailabilityZoneException", 400, Refused, Code.INVALID),
    "any-4xx": ("NeverHeardOf", 418, Refused, Code.INVALID),
    "limit": ("ResourceLimitExceededException", 400, NoCapacity, Code.QUOTA),
    "instances": ("InstanceLimitExceeded", 400, NoCapacity, Code.QUOTA),
    "vcpus": ("VcpuLimitExceeded", 400, NoCapacity, Code.QUOTA),
    "stockout": ("InsufficientInstanceCapacity", 400, NoCapacity, Code.STOCKOUT),
    "unknown-client": ("UnrecognizedClientException", 403, Refused, Code.AUTH_FAILED),
    "bad-signature": ("InvalidSignatureException", 403, Refused, Code.AUTH_FAILED),
    "unknown-key": ("InvalidClientTokenId", 403, Refused, Code.AUTH_FAILED),
    "expired": ("ExpiredTokenException", 403, Refused, Code.AUTH_FAILED),
    "no-token": ("MissingAuthenticationTokenException", 403, Refused, Code.AUTH_FAILED),
    "any-401": ("NeverHeardOf", 401, Refused, Code.AUTH_FAILED),
    "denied": ("AccessDeniedException", 403, Refused, Code.DENIED),
    "client": ("ClientException", 400, Refused, Code.DENIED),
    "any-403": ("NeverHeardOf", 403, Refused, Code.DENIED),
    "not-propagated": ("ResourcePropagationDelayException", 428, Unavailable, Code.UNAVAILABLE),
}
BROKEN: dict[str, tuple[str, int]] = {
    "server": ("ServerException", 500),
    "unavailable": ("ServiceUnavailableException", 503),
    "gateway": ("", 502),
    "gateway-timeout": ("", 504),
    "slow": ("RequestTimeout", 408),
}
GARBAGE: dict[str, tuple[Answer, Code]] = {
    "html-502": (
        Answer(status=502, raw=b"<html>bad</html>", headers={"Content-Type": "text/html"}),
        Code.UNAVAILABLE,
    ),
    "html-200": (Answer(raw=b"<html>hello</html>", headers={"Content-Type": "text/html"}), Code.UNEXPECTED),
    "truncated": (Answer(raw=b'{"nodegroups": ["we'), Code.UNEXPECTED),
    "empty": (Answer(raw=b""), Code.UNEXPECTED),
    "nothing-in-it": (Answer(body={}), Code.UNEXPECTED),
    "null": (Answer(body={"nodegroups": None, "update": None}), Code.UNEXPECTED),
    "a-list": (Answer(body=[1, 2]), Code.UNEXPECTED),
    "wrong-type": (Answer(raw=b"hello", headers={"Content-Type": "text/plain"}), Code.UNEXPECTED),
    "dropped": (Answer(drop=True), Code.UNAVAILABLE),
}


def failed_read(door: CloudDoor) -> CloudError:
    with pytest.raises(CloudError) as caught:
        read(door)
    return caught.value


def failed_write(door: CloudDoor) -> CloudError:
    with pytest.raises(CloudError) as caught:
        door.node_pools.resize(Resize(pool=pool_fact(), to=9), token="t")
    return caught.value


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_what_a_refusal_means(row: Row, vendor: Vendor, door: CloudDoor) -> None:
    name, status, kind, code = row
    vendor.answer("GET", "/clusters/shop/node-groups", refusal(name, status))
    vendor.answer("POST", UPDATE, refusal(name, status))
    for error in (failed_read(door), failed_write(door)):
        assert (type(error), error.reason.code) == (kind, code)
        assert name in error.reason.text
    assert len(vendor.seen) == 2, "the SDK tries nothing again"


@pytest.mark.parametrize("row", BROKEN.values(), ids=BROKEN.keys())
def test_a_server_in_trouble_leaves_a_write_open(row: tuple[str, int], vendor: Vendor, door: CloudDoor) -> None:
    name, status = row
    answer = refusal(name, status) if name else Answer(status=status, raw=b"")
    vendor.answer("GET", "/clusters/shop/node-groups", answer)
    vendor.answer("POST", UPDATE, answer)
    assert (type(failed_read(door)), type(failed_write(door))) == (Unavailable, OutcomeUnknown)
    assert len(vendor.seen) == 2


@pytest.mark.parametrize("row", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage(row: tuple[Answer, Code], vendor: Vendor, door: CloudDoor) -> None:
    answer, code = row
    vendor.answer("GET", "/clusters/shop/node-groups", answer)
    vendor.answer("POST", UPDATE, answer)
    for error, kind in ((failed_read(door), Unavailable), (failed_write(door), OutcomeUnknown)):
        assert (type(error), error.reason.code) == (kind, code)
    assert len(vendor.seen) == 2


def test_silence_is_a_time_out(vendor: Vendor, fence: Fence) -> None:
    door = scripted_door(vendor, fence, call_timeout_s=0.3)
    vendor.answer("GET", "/clusters/shop/node-groups", Answer(hang=True))
    vendor.answer("POST", UPDATE, Answer(hang=True))
    for error, kind in ((failed_read(door), Unavailable), (failed_write(door), OutcomeUnknown)):
        assert (type(error), error.reason.code) == (kind, Code.TIMED_OUT)


def test_what_the_sdk_itself_refuses_is_invalid_and_not_sent(vendor: Vendor, door: CloudDoor) -> None:
    token: Any = 7
    with pytest.raises(Refused) as caught:
        door.node_pools.resize(Resize(pool=pool_fact(), to=9), token=token)
    assert (caught.value.reason.code, vendor.seen) == (Code.INVALID, [])


def test_a_region_that_is_none_is_invalid_and_nothing_is_sent(vendor: Vendor, door: CloudDoor) -> None:
    nowhere = replace(pool_fact(), ref=replace(WEB, cluster=replace(CLUSTER, location="the moon")))
    with pytest.raises(Refused) as caught:
        door.node_pools.resize(Resize(pool=nowhere, to=9), token="t")
    assert (caught.value.reason.code, vendor.seen) == (Code.INVALID, [])


def test_every_trouble_that_means_a_lack_is_a_word_of_the_vendors() -> None:
    model = Session().get_service_model("eks")
    assert set(LAUNCH_TROUBLE) <= {*model.shape_for("NodegroupIssueCode").enum, *model.shape_for("ErrorCode").enum}


def test_every_error_that_eks_models_is_in_the_table_or_a_servers() -> None:
    model = Session().get_service_model("eks")
    operations = ("UpdateNodegroupConfig", "DescribeNodegroup", "ListNodegroups", "DescribeUpdate")
    modelled = {shape.name for name in operations for shape in model.operation_model(name).error_shapes}
    assert modelled - set(BY_CODE) == {"ServerException", "ServiceUnavailableException"}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"x-amz-retry-after": "1500"}, 1.5), ({"Retry-After": "7"}, 7.0), ({"Retry-After": "soon"}, None), ({}, None)],
)
def test_the_clouds_wish_for_patience_is_kept(
    vendor: Vendor, door: CloudDoor, headers: Mapping[str, str], seconds: float | None
) -> None:
    vendor.answer("GET", "/clusters/shop/node-groups", refusal("ThrottlingException", 429, **headers))
    with pytest.raises(Throttled) as caught:
        read(door)
    assert caught.value.retry_after_s == seconds
    assert len(vendor.seen) == 1


def test_auto_scalings_errors_are_typed_too(vendor: Vendor, door: CloudDoor) -> None:
    serve(vendor, nodegroup())
    body = b"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>"
    vendor.answer("POST", "/", xml(body, 400))
    with pytest.raises(Throttled):
        read(door)


def test_no_word_of_a_refused_signature_is_repeated(vendor: Vendor, fence: Fence) -> None:
    secret = {**KEYS, "sessionToken": b"made-up-session-token"}
    door = scripted_door(vendor, fence, secret=secret)
    words = "The Canonical String for this request should have been 'x-amz-security-token:made-up-session-token'"
    vendor.answer("GET", "/clusters/shop/node-groups", refusal("InvalidSignatureException", 403, words))
    with pytest.raises(Refused) as caught:
        read(door)
    assert "made-up" not in str(caught.value)
    assert vendor.seen[0].headers["X-Amz-Security-Token"] == "made-up-session-token"


def test_what_differs_at_every_call_is_not_said(vendor: Vendor, door: CloudDoor) -> None:
    words = "No cluster found (Service: Eks, Status Code: 404, Request ID: 0f3a-77)"
    vendor.answer("GET", "/clusters/shop/node-groups", refusal("ResourceNotFoundException", 404, words))
    error = door.node_pools.list([CLUSTER], detail=Detail.FULL)[CLUSTER]
    assert isinstance(error, Refused)
    assert "0f3a" not in error.reason.text


@pytest.mark.parametrize(
    ("secret", "code", "key"),
    [
        ({}, Code.SECRET_KEY_MISSING, "accessKeyId"),
        ({"accessKeyId": b"AKIA"}, Code.SECRET_KEY_MISSING, "secretAccessKey"),
        ({**KEYS, "accessKeyId": b"  "}, Code.SECRET_INVALID, "accessKeyId"),
        ({**KEYS, "secretAccessKey": b"\xff\xfe"}, Code.SECRET_INVALID, "secretAccessKey"),
        ({**KEYS, "sessionToken": b"a\nHost: elsewhere"}, Code.SECRET_INVALID, "sessionToken"),
    ],
)
def test_a_secret_that_a_person_must_mend(
    vendor: Vendor, fence: Fence, secret: Mapping[str, bytes], code: Code, key: str
) -> None:
    with pytest.raises(Refused) as caught:
        scripted_door(vendor, fence, secret=secret)
    assert caught.value.reason.code is code
    assert key in caught.value.reason.text


def test_a_line_end_after_a_key_is_forgiven(vendor: Vendor, fence: Fence) -> None:
    door = scripted_door(vendor, fence, secret={name: value + b"\n" for name, value in KEYS.items()})
    arn = "arn:aws:iam::111122223333:user/shop"
    body = (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        f"<Arn>{arn}</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>"
    )
    vendor.answer("POST", "/", xml(body.encode()))
    assert door.identity.whoami().name == arn


@pytest.mark.parametrize(
    "endpoint",
    [
        pytest.param(Endpoint(url="http://eks.example.org"), id="in the clear"),
        pytest.param(Endpoint(url="https://eks.example.org", ca_file=Path("/nowhere/ca.pem")), id="no authority"),
    ],
)
def test_endpoints_that_cannot_be_trusted(fence: Fence, endpoint: Endpoint) -> None:
    with pytest.raises(Refused) as caught:
        open_door(AwsAccount(), KEYS, AwsEndpoints(eks=endpoint), before_send=fence, call_timeout_s=5)
    assert caught.value.reason.code is Code.INVALID


def test_no_ambient_identity_is_an_authentication_failure(
    vendor: Vendor, fence: Fence, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ROLE_ARN", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    endpoint = Endpoint(url=vendor.url)
    door = open_door(
        AwsAccount(),
        None,
        AwsEndpoints(eks=endpoint, autoscaling=endpoint, sts=endpoint),
        before_send=fence,
        call_timeout_s=5,
    )
    with pytest.raises(Refused) as caught:
        door.identity.whoami()
    assert caught.value.reason.code is Code.AUTH_FAILED
    assert vendor.seen == []


def test_the_operators_own_identity_is_taken_from_its_surroundings(
    vendor: Vendor, fence: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOPERATOR00000001")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "operators-own")
    endpoint = Endpoint(url=vendor.url)
    door = open_door(
        AwsAccount(),
        None,
        AwsEndpoints(eks=endpoint, autoscaling=endpoint, sts=endpoint),
        before_send=fence,
        call_timeout_s=5,
    )
    vendor.answer("GET", "/clusters/shop/node-groups", refusal("AccessDeniedException", 403))
    door.node_pools.list([CLUSTER], detail=Detail.FULL)
    assert "AKIAOPERATOR00000001" in vendor.seen[0].headers["Authorization"]
