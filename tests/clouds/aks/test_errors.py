"""The error table row by row: ARM's answers through Azure's SDK, on a read and on a write."""

from typing import Any

import pytest

from multicloud.model.error import (
    CloudError,
    Conflict,
    NoCapacity,
    OutcomeUnknown,
    Refused,
    Throttled,
    Unavailable,
)
from multicloud.model.port import CloudDoor
from multicloud.model.reason import Code
from multicloud.model.size import Operation, OperationState, Resize
from support.azuredoor import Fence, agent_pool, pool_fact, read
from support.vendor import Answer, Vendor

Row = tuple[int, str, str, type[CloudError], Code]

ROWS: dict[str, Row] = {
    "aks-throttled": (429, "Throttled", "retry again in 17 seconds", Throttled, Code.THROTTLED),
    "too-many": (429, "TooManyRequests", "slow down", Throttled, Code.THROTTLED),
    "any-429": (429, "NeverHeardOf", "slow down", Throttled, Code.THROTTLED),
    "arm-throttled": (429, "SubscriptionRequestsThrottled", "slow down", Throttled, Code.THROTTLED),
    "busy": (409, "OperationNotAllowed", "Another agentpool operation is in progress", Conflict, Code.CONFLICT),
    "etag-race": (409, "EtagMismatch", "Another operation is in progress", Conflict, Code.CONFLICT),
    "preempted": (409, "AKSOperationPreempted", "preempted", Conflict, Code.CONFLICT),
    "preempted-by-delete": (409, "AKSOperationPreemptedByDelete", "preempted", Conflict, Code.CONFLICT),
    "etag-not-expected": (409, "OriginalEtagNotExpect", "preempted by Deleting", Conflict, Code.CONFLICT),
    "stale": (412, "PreconditionFailed", "etag", Conflict, Code.CONFLICT),
    "unknown-409": (409, "SomethingNew", "later", Conflict, Code.CONFLICT),
    "no-resource": (404, "ResourceNotFound", "was not found", Refused, Code.NOT_FOUND),
    "not-found": (404, "NotFound", "was not found", Refused, Code.NOT_FOUND),
    "no-parent": (404, "ParentResourceNotFound", "was not found", Refused, Code.NOT_FOUND),
    "no-group": (404, "ResourceGroupNotFound", "could not be found", Refused, Code.NOT_FOUND),
    "no-subscription": (404, "SubscriptionNotFound", "could not be found", Refused, Code.NOT_FOUND),
    "invalid": (400, "InvalidParameter", "agentPoolProfile.count is invalid", Refused, Code.INVALID),
    "bad-request": (400, "BadRequest", "no", Refused, Code.INVALID),
    "invalid-template": (400, "InvalidTemplateDeployment", "no", Refused, Code.INVALID),
    "unknown-4xx": (422, "Unprocessable", "no", Refused, Code.INVALID),
    "quota": (400, "QuotaExceeded", "cores", NoCapacity, Code.QUOTA),
    "vcpu-quota": (400, "ErrCode_InsufficientVCPUQuota", "left 2", NoCapacity, Code.QUOTA),
    "subnet": (400, "InsufficientSubnetSize", "ips", NoCapacity, Code.QUOTA),
    "subnet-full": (400, "SubnetIsFull", "ips", NoCapacity, Code.QUOTA),
    "most-pools": (400, "MaxAgentPoolCountReached", "100", NoCapacity, Code.QUOTA),
    "quota-as-409": (409, "OperationNotAllowed", "exceeding approved Total Cores quota", NoCapacity, Code.QUOTA),
    "sku": (409, "SkuNotAvailable", "not in westeurope", NoCapacity, Code.STOCKOUT),
    "allocation": (409, "AllocationFailed", "no machines", NoCapacity, Code.STOCKOUT),
    "zonal-allocation": (409, "ZonalAllocationFailed", "no machines", NoCapacity, Code.STOCKOUT),
    "overconstrained": (409, "OverconstrainedAllocationRequest", "no machines", NoCapacity, Code.STOCKOUT),
    "overconstrained-zone": (409, "OverconstrainedZonalAllocationRequest", "none", NoCapacity, Code.STOCKOUT),
    "aks-capacity": (400, "AKSCapacityError", "no machines", NoCapacity, Code.STOCKOUT),
    "aks-heavy-usage": (400, "AksCapacityHeavyUsage", "no machines", NoCapacity, Code.STOCKOUT),
    "bad-token": (401, "InvalidAuthenticationToken", "invalid", Refused, Code.AUTH_FAILED),
    "expired-token": (401, "ExpiredAuthenticationToken", "expired", Unavailable, Code.TOKEN_EXPIRED),
    "any-401": (401, "NeverHeardOf", "no", Refused, Code.AUTH_FAILED),
    "any-403": (403, "NeverHeardOf", "no", Refused, Code.DENIED),
    "denied": (403, "AuthorizationFailed", "no authorization", Refused, Code.DENIED),
    "denied-link": (403, "LinkedAuthorizationFailed", "no authorization", Refused, Code.DENIED),
    "policy": (403, "RequestDisallowedByPolicy", "policy", Refused, Code.DENIED),
    "unregistered": (409, "MissingSubscriptionRegistration", "register", Refused, Code.DENIED),
}
BROKEN: dict[str, int] = {"internal": 500, "bad-gateway": 502, "unavailable": 503, "gateway-timeout": 504, "slow": 408}


def arm_error(status: int, code: str, message: str, **headers: str) -> Answer:
    return Answer(status=status, body={"error": {"code": code, "message": message}}, headers=headers)


def failed_read(door: CloudDoor) -> CloudError:
    with pytest.raises(CloudError) as caught:
        read(door)
    return caught.value


def failed_write(door: CloudDoor, vendor: Vendor, answer: Answer) -> CloudError:
    vendor.answer("GET", "/agentPools/web", Answer(body=agent_pool()))
    vendor.answer("PUT", "/agentPools/web", answer)
    with pytest.raises(CloudError) as caught:
        door.node_pools.resize(Resize(pool=pool_fact(), to=5), token="t")
    return caught.value


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_a_refused_read(row: Row, door: CloudDoor, vendor: Vendor) -> None:
    status, code, message, kind, reason = row
    vendor.answer("GET", "/agentPools", arm_error(status, code, message))
    error = failed_read(door)
    assert (type(error), error.reason.code) == (kind, reason)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_a_refused_write(row: Row, door: CloudDoor, vendor: Vendor) -> None:
    status, code, message, kind, reason = row
    error = failed_write(door, vendor, arm_error(status, code, message))
    assert (type(error), error.reason.code) == (kind, reason)
    assert len(vendor.calls("PUT")) == 1


@pytest.mark.parametrize("status", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_answer_leaves_a_write_open_and_a_read_unavailable(
    status: int, door: CloudDoor, vendor: Vendor
) -> None:
    answer = arm_error(status, "InternalServerError", "oops", **{"Retry-After": "3"})
    vendor.answer("GET", "/agentPools", answer)
    assert type(failed_read(door)) is Unavailable
    assert len(vendor.calls("GET", "/agentPools")) == 1
    error = failed_write(door, vendor, answer)
    assert (type(error), error.retry_after_s) == (OutcomeUnknown, 3)
    assert len(vendor.calls("PUT")) == 1


GARBAGE: dict[str, Answer] = {
    "html-502": Answer(status=502, raw=b"<html>bad gateway</html>", headers={"Content-Type": "text/html"}),
    "truncated": Answer(raw=b'{"value": [{"na'),
    "empty": Answer(raw=b""),
    "a-list": Answer(body=[1, 2]),
    "nothing-in-it": Answer(body={}),
    "null": Answer(body={"value": None, "properties": None}),
    "html-200": Answer(raw=b"<html>hello</html>", headers={"Content-Type": "text/html"}),
    "wrong-type": Answer(raw=b"hello", headers={"Content-Type": "text/plain"}),
    "dropped": Answer(drop=True),
}


@pytest.mark.parametrize("answer", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage(answer: Answer, door: CloudDoor, vendor: Vendor) -> None:
    vendor.answer("GET", "/agentPools", answer)
    assert type(failed_read(door)) is Unavailable
    assert type(failed_write(door, vendor, answer)) is OutcomeUnknown


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"Retry-After": "17"}, "slow down", 17),
        ({"retry-after-ms": "1500"}, "slow down", 1.5),
        ({"Retry-After": "Mon, 23 Nov 2026 10:00:30 GMT", "Date": "Mon, 23 Nov 2026 10:00:00 GMT"}, "slow", 30),
        ({"Retry-After": "soon"}, "slow down", None),
        ({}, "the limit has been exceeded, retry again in 42 seconds", 42),
        ({}, "slow down", None),
    ],
    ids=["seconds", "milliseconds", "date", "nonsense", "in-the-text", "none"],
)
def test_how_long_a_throttled_call_waits(
    headers: dict[str, str], message: str, seconds: float | None, door: CloudDoor, vendor: Vendor
) -> None:
    vendor.answer("GET", "/agentPools", arm_error(429, "Throttled", message, **headers))
    assert failed_read(door).retry_after_s == seconds


def test_a_throttled_reason_holds_no_number_that_changes(door: CloudDoor, vendor: Vendor) -> None:
    texts = set()
    for seconds in (17, 3):
        vendor.answer("GET", "/agentPools", arm_error(429, "Throttled", f"retry again in {seconds} seconds"))
        texts.add(failed_read(door).reason.text)
    assert len(texts) == 1


def test_a_flat_error_body_is_understood(door: CloudDoor, vendor: Vendor) -> None:
    body = {"code": "OperationNotAllowed", "message": "in progress", "details": None, "subcode": ""}
    error = failed_write(door, vendor, Answer(status=409, body=body))
    assert isinstance(error, Conflict)
    assert "OperationNotAllowed" in error.reason.text


def test_silence_is_a_time_out(opened: Any, vendor: Vendor) -> None:
    door = opened(call_timeout_s=0.3)
    vendor.answer("GET", "/agentPools", Answer(hang=True))
    error = failed_read(door)
    assert (type(error), error.reason.code) == (Unavailable, Code.TIMED_OUT)
    error = failed_write(door, vendor, Answer(hang=True))
    assert (type(error), error.reason.code) == (OutcomeUnknown, Code.TIMED_OUT)


def test_nothing_is_registered_by_itself(door: CloudDoor, vendor: Vendor) -> None:
    words = "The subscription is not registered to use namespace 'Microsoft.ContainerService'"
    answer = arm_error(409, "MissingSubscriptionRegistration", words)
    vendor.answer("GET", "/agentPools", answer)
    failed_read(door)
    failed_write(door, vendor, answer)
    assert [seen.path for seen in vendor.calls("POST") if "oauth2" not in seen.path] == []


def test_expired_token_is_replaced_by_the_next_call(door: CloudDoor, vendor: Vendor) -> None:
    expired = arm_error(401, "ExpiredAuthenticationToken", "expired")
    vendor.answer("GET", "/agentPools", expired, Answer(body={"value": [agent_pool()]}))
    assert type(failed_read(door)) is Unavailable
    assert len(read(door)) == 1


OPERATION_ENDS: dict[str, tuple[Answer, OperationState, str]] = {
    "running": (Answer(body={"status": "InProgress"}), OperationState.RUNNING, "InProgress"),
    "new-word": (Answer(body={"status": "Warming"}), OperationState.RUNNING, "Warming"),
    "done": (Answer(body={"status": "Succeeded"}), OperationState.DONE, "Succeeded"),
    "canceled": (Answer(body={"status": "Canceled"}), OperationState.CANCELED, "Canceled"),
    "cancelled": (Answer(body={"status": "cancelled"}), OperationState.CANCELED, "cancelled"),
    "preempted": (
        Answer(body={"status": "Failed", "error": {"code": "OriginalEtagNotExpect", "message": "by Deleting"}}),
        OperationState.FAILED,
        "Failed: OriginalEtagNotExpect: by Deleting",
    ),
    "stockout": (
        Answer(body={"status": "Failed", "error": {"code": "AllocationFailed", "message": "no room"}}),
        OperationState.FAILED,
        "Stockout: Failed: AllocationFailed: no room",
    ),
    "quota": (
        Answer(body={"status": "Failed", "error": {"code": "QuotaExceeded", "message": "cores"}}),
        OperationState.FAILED,
        "QuotaExceeded: Failed: QuotaExceeded: cores",
    ),
    "forgotten": (
        arm_error(404, "NotFound", "no such operation"),
        OperationState.LOST,
        "AKS no longer knows the operation",
    ),
}


@pytest.mark.parametrize("row", OPERATION_ENDS.values(), ids=OPERATION_ENDS.keys())
def test_how_an_operation_is_told(
    row: tuple[Answer, OperationState, str], door: CloudDoor, vendor: Vendor, fence: Fence
) -> None:
    answer, state, words = row
    vendor.answer("GET", "/locations/westeurope/operations/abc-1", answer)
    asked = Operation(id="westeurope/abc-1", pool=pool_fact().ref, state=OperationState.RUNNING)
    told = door.node_pools.poll(asked)
    assert (told.state, told.words, told.id, told.pool) == (state, words, asked.id, asked.pool)
    assert fence.asked == 0


@pytest.mark.parametrize("operation_id", ["", "https://evil.example/x", "westeurope/../../x", "a/b/c", "westeurope"])
def test_an_id_that_is_none_is_lost_and_nothing_is_sent(operation_id: str, door: CloudDoor, vendor: Vendor) -> None:
    told = door.node_pools.poll(Operation(id=operation_id, pool=pool_fact().ref, state=OperationState.RUNNING))
    assert told.state is OperationState.LOST
    assert vendor.seen == []
