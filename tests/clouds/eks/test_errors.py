"""AWS's refusals row by row, logins that cannot work, and that nothing secret is ever said."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from botocore.session import Session

from multicloud.clouds.eks.door import open_door
from multicloud.clouds.eks.errors import BY_CODE, Told, of_answer
from multicloud.model.error import CloudError, Conflict, NoCapacity, OutcomeUnknown, Refused, Throttled, Unavailable
from multicloud.model.port import CloudDoor
from multicloud.model.reason import Code
from multicloud.model.size import Detail
from multicloud.model.spec import AwsAccount
from multicloud.settings import AwsEndpoints, Endpoint
from support.awsdoor import CLUSTER, KEYS, nodegroup, read, refusal, scripted_door, serve, xml
from support.azuredoor import Fence
from support.vendor import Vendor

ROWS = [
    ("ThrottlingException", 429, Throttled, Code.THROTTLED),
    ("ThrottlingException", 400, Throttled, Code.THROTTLED),
    ("NeverHeardOf", 429, Throttled, Code.THROTTLED),
    ("RequestLimitExceeded", 503, Throttled, Code.THROTTLED),
    ("ResourceInUseException", 409, Conflict, Code.CONFLICT),
    ("InvalidRequestException", 400, Conflict, Code.CONFLICT),
    ("ResourceLimitExceededException", 400, NoCapacity, Code.QUOTA),
    ("InsufficientInstanceCapacity", 400, NoCapacity, Code.STOCKOUT),
    ("UnrecognizedClientException", 403, Refused, Code.AUTH_FAILED),
    ("InvalidSignatureException", 403, Refused, Code.AUTH_FAILED),
    ("ExpiredTokenException", 403, Refused, Code.AUTH_FAILED),
    ("InvalidClientTokenId", 403, Refused, Code.AUTH_FAILED),
    ("AccessDeniedException", 403, Refused, Code.DENIED),
    ("ClientException", 400, Refused, Code.DENIED),
    ("NeverHeardOf", 403, Refused, Code.DENIED),
    ("ResourceNotFoundException", 404, Refused, Code.NOT_FOUND),
    ("InvalidParameterException", 400, Refused, Code.INVALID),
    ("NeverHeardOf", 418, Refused, Code.INVALID),
    ("ResourcePropagationDelayException", 428, Unavailable, Code.UNAVAILABLE),
]


@pytest.mark.parametrize(("name", "status", "kind", "code"), ROWS)
@pytest.mark.parametrize("write", [False, True])
def test_what_a_refusal_means(name: str, status: int, kind: type[CloudError], code: Code, write: bool) -> None:
    error = of_answer(Told(status=status, code=name, message="words"), "resizing", write=write)
    assert type(error) is kind
    assert error.reason.code is code
    assert error.reason.text.startswith(f"resizing: {name}")


@pytest.mark.parametrize(("write", "kind"), [(False, Unavailable), (True, OutcomeUnknown)])
@pytest.mark.parametrize(
    ("name", "status"), [("ServerException", 500), ("503", 503), ("", 504), ("RequestTimeout", 408)]
)
def test_a_server_in_trouble_leaves_a_write_open(write: bool, kind: type[CloudError], name: str, status: int) -> None:
    error = of_answer(Told(status=status, code=name, message="words"), "resizing", write=write)
    assert type(error) is kind


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
