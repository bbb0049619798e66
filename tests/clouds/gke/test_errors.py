"""The error table row by row: Google's answers through its SDK over gRPC, and Compute's over REST."""

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
from support.azuredoor import Fence
from support.googledoor import LOCATION, PROJECT, Fault, Google, operation, pool_fact, read
from support.vendor import Answer

Row = tuple[Fault, type[CloudError], Code]

QUOTA_403 = (
    "Insufficient regional quota to satisfy request: resource \"CPUS\": request requires '72.0' and is short '48.0'"
)
STOCKOUT = (
    "Google Compute Engine: Not all instances running in IGM after 14.69s. Expected 1, running 0, transitioning 1. "
    "Current errors: [GCE_STOCKOUT]: Instance 'x' creation failed: The zone does not have enough resources"
)
BUSY = "Operation operation-1 is currently upgrading a node pool. Please wait and try again once it is done."

ROWS: dict[str, Row] = {
    "rate": (
        Fault(code="RESOURCE_EXHAUSTED", reason="RATE_LIMIT_EXCEEDED", message="Quota exceeded for quota metric 'R'"),
        Throttled,
        Code.THROTTLED,
    ),
    "rate-by-text": (
        Fault(code="UNKNOWN", message="Quota exceeded for quota metric 'Read requests' and limit 'x'"),
        Throttled,
        Code.THROTTLED,
    ),
    "rate-without-reason": (Fault(code="RESOURCE_EXHAUSTED", message="slow down"), Throttled, Code.THROTTLED),
    "locked": (
        Fault(
            code="FAILED_PRECONDITION",
            reason="CLUSTER_ALREADY_HAS_OPERATION",
            message="Cluster is running incompatible operation operation-1.",
        ),
        Conflict,
        Code.CONFLICT,
    ),
    "locked-by-text": (Fault(code="FAILED_PRECONDITION", message=BUSY), Conflict, Code.CONFLICT),
    "incompatible-by-text": (
        Fault(code="FAILED_PRECONDITION", message="Cluster is running incompatible operation operation-1."),
        Conflict,
        Code.CONFLICT,
    ),
    "precondition": (Fault(code="FAILED_PRECONDITION", message="not now"), Conflict, Code.CONFLICT),
    "aborted": (Fault(code="ABORTED", message="etag"), Conflict, Code.CONFLICT),
    "exists": (Fault(code="ALREADY_EXISTS", message="x"), Conflict, Code.CONFLICT),
    "missing": (Fault(code="NOT_FOUND", message="Not found: x."), Refused, Code.NOT_FOUND),
    "invalid": (Fault(code="INVALID_ARGUMENT", message="node_count"), Refused, Code.INVALID),
    "out-of-range": (Fault(code="OUT_OF_RANGE", message="node_count"), Refused, Code.INVALID),
    "unimplemented": (Fault(code="UNIMPLEMENTED", message="no"), Refused, Code.INVALID),
    "denied": (
        Fault(code="PERMISSION_DENIED", reason="IAM_PERMISSION_DENIED", message="Required permission(s)"),
        Refused,
        Code.DENIED,
    ),
    "quota-by-reason": (
        Fault(code="RESOURCE_EXHAUSTED", reason="GCE_QUOTA_EXCEEDED", message="CPUS"),
        NoCapacity,
        Code.QUOTA,
    ),
    "quota-as-403": (Fault(code="PERMISSION_DENIED", message=QUOTA_403), NoCapacity, Code.QUOTA),
    "stockout": (Fault(code="RESOURCE_EXHAUSTED", message=STOCKOUT), NoCapacity, Code.STOCKOUT),
    "stockout-by-reason": (
        Fault(code="RESOURCE_EXHAUSTED", reason="GCE_STOCKOUT", message="x"),
        NoCapacity,
        Code.STOCKOUT,
    ),
    "no-capacity": (Fault(code="UNAVAILABLE", message="INSUFFICIENT_CAPACITY: x"), NoCapacity, Code.STOCKOUT),
    "zone-exhausted": (
        Fault(code="RESOURCE_EXHAUSTED", message="ZONE_RESOURCE_POOL_EXHAUSTED: x"),
        NoCapacity,
        Code.STOCKOUT,
    ),
    "logged-out": (
        Fault(code="UNAUTHENTICATED", reason="ACCESS_TOKEN_TYPE_UNSUPPORTED", message="no"),
        Refused,
        Code.AUTH_FAILED,
    ),
    "expired": (
        Fault(code="UNAUTHENTICATED", reason="ACCESS_TOKEN_EXPIRED", message="no"),
        Unavailable,
        Code.TOKEN_EXPIRED,
    ),
}
BROKEN: dict[str, Code] = {
    "UNAVAILABLE": Code.UNAVAILABLE,
    "INTERNAL": Code.UNAVAILABLE,
    "UNKNOWN": Code.UNAVAILABLE,
    "CANCELLED": Code.UNAVAILABLE,
    "DATA_LOSS": Code.UNAVAILABLE,
    "DEADLINE_EXCEEDED": Code.TIMED_OUT,
}


def failed_read(door: CloudDoor) -> CloudError:
    with pytest.raises(CloudError) as caught:
        read(door)
    return caught.value


def failed_write(door: CloudDoor) -> CloudError:
    with pytest.raises(CloudError) as caught:
        door.node_pools.resize(Resize(pool=pool_fact(), to=6), token="t")
    return caught.value


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_a_refusal(row: Row, door: CloudDoor, google: Google) -> None:
    fault, kind, code = row
    google.manager.answer("ListNodePools", fault)
    google.manager.answer("SetNodePoolSize", fault)
    for error in (failed_read(door), failed_write(door)):
        assert (type(error), error.reason.code) == (kind, code)
    assert len(google.manager.called("ListNodePools")) == 1
    assert len(google.manager.called("SetNodePoolSize")) == 1


@pytest.mark.parametrize(("name", "code"), BROKEN.items(), ids=BROKEN.keys())
def test_a_broken_answer_leaves_a_write_open_and_a_read_unavailable(
    name: str, code: Code, door: CloudDoor, google: Google
) -> None:
    google.manager.answer("ListNodePools", Fault(code=name, message="x"))
    google.manager.answer("SetNodePoolSize", Fault(code=name, message="x"))
    for error, kind in ((failed_read(door), Unavailable), (failed_write(door), OutcomeUnknown)):
        assert (type(error), error.reason.code) == (kind, code)
    assert len(google.manager.called("ListNodePools")) == 1
    assert len(google.manager.called("SetNodePoolSize")) == 1


def test_garbage_over_grpc(door: CloudDoor, google: Google) -> None:
    google.manager.answer("ListNodePools", b"\xff\xff\xff")
    google.manager.answer("SetNodePoolSize", b"\xff\xff\xff")
    assert type(failed_read(door)) is Unavailable
    assert type(failed_write(door)) is OutcomeUnknown


def test_a_write_without_an_operation_is_unknown(door: CloudDoor, google: Google) -> None:
    google.manager.answer("SetNodePoolSize", b"")
    assert type(failed_write(door)) is OutcomeUnknown


def test_silence_is_a_time_out(google: Google, fence: Fence) -> None:
    door = google.door(fence, call_timeout_s=0.3)
    google.manager.answer("ListNodePools", Fault(hang=True))
    google.manager.answer("SetNodePoolSize", Fault(hang=True))
    for error, kind in ((failed_read(door), Unavailable), (failed_write(door), OutcomeUnknown)):
        assert (type(error), error.reason.code) == (kind, Code.TIMED_OUT)


@pytest.mark.parametrize("reason", ["ACCESS_TOKEN_EXPIRED", "ACCESS_TOKEN_TYPE_UNSUPPORTED"])
def test_a_refused_token_is_replaced_by_the_next_call(reason: str, door: CloudDoor, google: Google) -> None:
    good = read(door)
    google.rest.answer("POST", "/token", Answer(body={"access_token": "second-token", "expires_in": 3600}))
    google.manager.answer("ListOperations", Fault(code="UNAUTHENTICATED", reason=reason))
    failed_read(door)
    google.manager.answer("ListOperations", b"")
    assert read(door) == good
    assert google.manager.calls[-1].authorization == "Bearer second-token"


def rest_error(status: int, reason: str = "", message: str = "x", **headers: str) -> Answer:
    errors = [{"reason": reason, "message": message}] if reason else []
    body = {"error": {"code": status, "message": message, "errors": errors}}
    return Answer(status=status, body=body, headers=headers)


COMPUTE: dict[str, tuple[Answer, type[CloudError], Code]] = {
    "rate": (rest_error(403, "rateLimitExceeded"), Throttled, Code.THROTTLED),
    "user-rate": (rest_error(403, "userRateLimitExceeded"), Throttled, Code.THROTTLED),
    "daily": (rest_error(403, "quotaExceeded"), Throttled, Code.THROTTLED),
    "rate-429": (rest_error(429), Throttled, Code.THROTTLED),
    "denied": (rest_error(403, "forbidden"), Refused, Code.DENIED),
    "logged-out": (rest_error(401, "authError"), Refused, Code.AUTH_FAILED),
    "expired": (rest_error(401, "ACCESS_TOKEN_EXPIRED"), Unavailable, Code.TOKEN_EXPIRED),
    "timed-out": (rest_error(504), Unavailable, Code.TIMED_OUT),
    "no-project": (rest_error(404, "notFound"), Refused, Code.NOT_FOUND),
    "invalid": (rest_error(400, "invalid"), Refused, Code.INVALID),
    "broken": (rest_error(500), Unavailable, Code.UNAVAILABLE),
    "away": (rest_error(503), Unavailable, Code.UNAVAILABLE),
    "html": (Answer(status=502, raw=b"<html>"), Unavailable, Code.UNAVAILABLE),
    "truncated": (Answer(raw=b'{"items": {'), Unavailable, Code.UNEXPECTED),
    "empty": (Answer(raw=b""), Unavailable, Code.UNEXPECTED),
    "a-list": (Answer(body=[1]), Unavailable, Code.UNEXPECTED),
    "null": (Answer(body={"kind": "x", "items": None}), Unavailable, Code.UNEXPECTED),
    "wrong-type": (Answer(raw=b"hello", headers={"Content-Type": "text/plain"}), Unavailable, Code.UNEXPECTED),
    "odd-items": (Answer(body={"items": {"zones/z": {"instanceGroupManagers": [{}]}}}), Unavailable, Code.UNEXPECTED),
    "dropped": (Answer(drop=True), Unavailable, Code.UNAVAILABLE),
}


@pytest.mark.parametrize("row", COMPUTE.values(), ids=COMPUTE.keys())
def test_computes_answers(row: tuple[Answer, type[CloudError], Code], door: CloudDoor, google: Google) -> None:
    answer, kind, code = row
    google.rest.answer("GET", "/instanceGroupManagers", answer)
    error = failed_read(door)
    assert (type(error), error.reason.code) == (kind, code)
    assert len(google.rest.calls("GET")) == 1


def test_a_redirect_is_not_followed(door: CloudDoor, google: Google) -> None:
    moved = Answer(status=302, headers={"Location": f"{google.rest.url}/elsewhere"})
    google.rest.answer("GET", "/instanceGroupManagers", moved)
    failed_read(door)
    assert google.rest.calls("GET", "/elsewhere") == []


def test_computes_wait_is_kept(door: CloudDoor, google: Google) -> None:
    google.rest.answer("GET", "/instanceGroupManagers", rest_error(429, **{"Retry-After": "21"}))
    assert failed_read(door).retry_after_s == 21


def test_silent_compute_is_a_time_out(google: Google, fence: Fence) -> None:
    door = google.door(fence, call_timeout_s=0.3)
    google.rest.answer("GET", "/instanceGroupManagers", Answer(hang=True))
    assert failed_read(door).reason.code is Code.TIMED_OUT


ENDS: dict[str, tuple[object, OperationState, str]] = {
    "pending": (operation("PENDING"), OperationState.RUNNING, "PENDING"),
    "running": (operation("RUNNING"), OperationState.RUNNING, "RUNNING"),
    "aborting": (operation("ABORTING"), OperationState.RUNNING, "ABORTING"),
    "done": (operation("DONE"), OperationState.DONE, "DONE"),
    "canceled": (
        operation("DONE", error={"code": 1, "message": "canceled"}),
        OperationState.CANCELED,
        "CANCELLED: canceled",
    ),
    "stockout": (
        operation("DONE", error={"code": 8, "message": "[GCE_STOCKOUT]: no machines"}),
        OperationState.FAILED,
        "Stockout: RESOURCE_EXHAUSTED: [GCE_STOCKOUT]: no machines",
    ),
    "quota": (
        operation("DONE", error={"code": 8, "message": "[GCE_QUOTA_EXCEEDED]: CPUS"}),
        OperationState.FAILED,
        "QuotaExceeded: RESOURCE_EXHAUSTED: [GCE_QUOTA_EXCEEDED]: CPUS",
    ),
    "forgotten": (Fault(code="NOT_FOUND", message="x"), OperationState.LOST, "Google no longer knows the operation"),
}
PATH = f"projects/{PROJECT}/locations/{LOCATION}/operations/operation-1-abc"


@pytest.mark.parametrize("row", ENDS.values(), ids=ENDS.keys())
def test_how_an_operation_is_told(
    row: tuple[object, OperationState, str], door: CloudDoor, google: Google, fence: Fence
) -> None:
    answer, state, words = row
    google.manager.answer("GetOperation", answer)
    told = door.node_pools.poll(Operation(id=PATH, pool=pool_fact().ref, state=OperationState.RUNNING))
    assert (told.id, told.state, told.words) == (PATH, state, words)
    assert [call.request.name for call in google.manager.calls] == [PATH]
    assert fence.asked == 0


@pytest.mark.parametrize(
    "operation_id",
    [
        "",
        "operation-1",
        "projects/other/locations/europe-west1/operations/operation-1",
        f"projects/{PROJECT}/locations/us-east1/operations/operation-1",
        f"{PATH}/../x",
    ],
    ids=["empty", "short", "other-project", "other-location", "path"],
)
def test_an_id_that_is_none_is_lost_and_nothing_is_sent(operation_id: str, door: CloudDoor, google: Google) -> None:
    told = door.node_pools.poll(Operation(id=operation_id, pool=pool_fact().ref, state=OperationState.RUNNING))
    assert told.state is OperationState.LOST
    assert (google.manager.calls, google.rest.seen) == ([], [])
