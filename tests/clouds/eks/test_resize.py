"""A resize on EKS: what is sent, what keeps it here, that it is never sent twice, and how its update is followed."""

from pathlib import Path

import pytest

from multicloud.clouds.eks.door import open_door
from multicloud.model.account import AwsAccount
from multicloud.model.error import Conflict, NotSent, OutcomeUnknown, Refused, Unavailable
from multicloud.model.port import CloudDoor
from multicloud.model.reason import Code
from multicloud.model.size import Activity, Detail, Operation, OperationState, Resize
from multicloud.settings import AwsEndpoints, Endpoint
from multicloud_lab.core.seed import Seed
from multicloud_lab.thread import LabThread
from support.awsdoor import KEYS, UPDATE, WEB, nodegroup, pool_fact, read, refusal, scripted_door, serve
from support.azuredoor import Fence
from support.clouds import GROUNDS
from support.vendor import Answer, Vendor, closed_port

ACCEPTED = Answer(body={"update": {"id": "u-1", "status": "InProgress", "type": "ConfigUpdate"}})


def test_only_the_wished_size_and_the_token_are_sent(vendor: Vendor, door: CloudDoor, fence: Fence) -> None:
    vendor.answer("POST", UPDATE, ACCEPTED)
    asked = door.node_pools.resize(Resize(pool=pool_fact(), to=9), token="intent-7")
    assert asked == Operation(id="u-1", pool=WEB, state=OperationState.RUNNING, words="InProgress")
    (sent,) = vendor.calls("POST", UPDATE)
    assert sent.json == {"scalingConfig": {"desiredSize": 9}, "clientRequestToken": "intent-7"}
    assert fence.asked == 1


def test_after_a_write_this_node_group_is_described_again_and_no_other(vendor: Vendor, door: CloudDoor) -> None:
    serve(vendor, nodegroup(), nodegroup("batch"))
    vendor.answer("POST", UPDATE, ACCEPTED)
    read(door)
    described = len(vendor.calls("GET"))
    door.node_pools.resize(Resize(pool=pool_fact(), to=9), token="t")
    assert len(read(door, detail=Detail.SIZES)) == 2
    assert [seen.path.rpartition("/")[2] for seen in vendor.calls("GET")[described:]] == ["web"]


@pytest.mark.parametrize(
    ("to", "minimum", "maximum"),
    [(9, 1, 50), (60, 1, 60), (0, 0, 50), (1, 1, 50), (50, 1, 50)],
    ids=["inside", "above", "none", "at-the-minimum", "at-the-maximum"],
)
def test_a_range_that_may_be_widened_is_so_exactly_as_far_as_needed(
    vendor: Vendor, door: CloudDoor, to: int, minimum: int, maximum: int
) -> None:
    vendor.answer("POST", UPDATE, ACCEPTED)
    door.node_pools.resize(Resize(pool=pool_fact(), to=to, widen=True), token="t")
    (sent,) = vendor.calls("POST", UPDATE)
    assert sent.json["scalingConfig"] == {"minSize": minimum, "maxSize": maximum, "desiredSize": to}


def test_a_range_of_nothing_is_widened_to_what_eks_takes(vendor: Vendor, door: CloudDoor) -> None:
    vendor.answer("POST", UPDATE, ACCEPTED)
    door.node_pools.resize(Resize(pool=pool_fact(cloud_min=0, cloud_max=1), to=0, widen=True), token="t")
    (sent,) = vendor.calls("POST", UPDATE)
    assert sent.json["scalingConfig"] == {"minSize": 0, "maxSize": 1, "desiredSize": 0}


def test_a_sick_node_group_takes_a_size_where_the_cloud_lets_it(fence: Fence) -> None:
    seed = Seed(aws=Seed().aws.model_copy(update={"switches": {"degradedAcceptsUpdate": True}}))
    with LabThread(seed) as lab:
        ground = GROUNDS[0]
        door = ground.door(lab, fence)
        lab.run(lambda running: running.capacity.set_free("aws", None, None, 2))
        door.node_pools.resize(Resize(pool=ground.read(door), to=9), token="t-1")
        lab.advance(3600)
        sick = ground.read(door)
        assert (sick.activity, sick.ready) == (Activity.SICK, 6)
        for to in (9, 10):
            asked = door.node_pools.resize(Resize(pool=ground.read(door), to=to), token=f"t-{to}-again")
            lab.advance(1800)
            assert door.node_pools.poll(asked).state is OperationState.DONE


def test_the_cloud_takes_a_widened_range(lab: LabThread, lab_door: CloudDoor) -> None:
    ground = GROUNDS[0]
    found = ground.read(lab_door)
    for to, bounds in ((260, (0, 260)), (3, (0, 260))):
        lab_door.node_pools.resize(Resize(pool=ground.read(lab_door), to=to, widen=True), token=f"t-{to}")
        lab.advance(3600)
        after = ground.read(lab_door)
        assert (after.requested, (after.cloud_min, after.cloud_max)) == (to, bounds)
    assert (found.cloud_min, found.cloud_max) == (0, 200)


@pytest.mark.parametrize("to", [0, 51])
def test_a_size_outside_the_clouds_own_range_never_leaves(
    vendor: Vendor, door: CloudDoor, fence: Fence, to: int
) -> None:
    with pytest.raises(Refused) as caught:
        door.node_pools.resize(Resize(pool=pool_fact(), to=to), token="t")
    assert caught.value.reason.code is Code.INVALID
    assert (vendor.seen, fence.asked) == ([], 0)


def test_the_fence_is_asked_when_the_request_is_ready_to_leave(vendor: Vendor, door: CloudDoor, fence: Fence) -> None:
    vendor.answer("POST", UPDATE, ACCEPTED)
    seen: list[int] = []
    fence.then = lambda: seen.append(len(vendor.seen))
    door.node_pools.resize(Resize(pool=pool_fact(), to=9), token="t")
    assert seen == [0]
    assert len(vendor.seen) == 1


def test_a_closed_fence_is_told_as_it_is(vendor: Vendor, door: CloudDoor, fence: Fence) -> None:
    fence.closed = True
    with pytest.raises(NotSent) as caught:
        door.node_pools.resize(Resize(pool=pool_fact(), to=9), token="t")
    assert caught.value.reason.code is Code.STOPPED
    assert vendor.seen == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(Answer(drop=True), Code.UNAVAILABLE, id="broken connection"),
        pytest.param(Answer(hang=True), Code.TIMED_OUT, id="silence"),
        pytest.param(Answer(status=500, body={"message": "x"}), Code.UNAVAILABLE, id="500"),
        pytest.param(Answer(status=502, raw=b"<html>Bad Gateway</html>"), Code.UNAVAILABLE, id="a web page 502"),
        pytest.param(refusal("ServiceUnavailableException", 503), Code.UNAVAILABLE, id="503"),
        pytest.param(Answer(raw=b"{"), Code.UNEXPECTED, id="half an answer"),
        pytest.param(Answer(body={}), Code.UNEXPECTED, id="no update named"),
    ],
)
def test_a_lost_answer_is_unknown_and_sent_once(vendor: Vendor, fence: Fence, answer: Answer, code: Code) -> None:
    door = scripted_door(vendor, fence, call_timeout_s=0.5)
    vendor.answer("POST", UPDATE, answer)
    with pytest.raises(OutcomeUnknown) as caught:
        door.node_pools.resize(Resize(pool=pool_fact(), to=9), token="t")
    assert caught.value.reason.code is code
    assert len(vendor.calls("POST", UPDATE)) == 1


def test_a_connection_never_made_sent_nothing(fence: Fence) -> None:
    nowhere = Endpoint(url=f"http://127.0.0.1:{closed_port()}")
    door = open_door(AwsAccount(), KEYS, AwsEndpoints(eks=nowhere), before_send=fence, call_timeout_s=5)
    with pytest.raises(Unavailable):
        door.node_pools.resize(Resize(pool=pool_fact(), to=9), token="t")


def test_busy_is_a_conflict_with_the_clouds_words(vendor: Vendor, door: CloudDoor) -> None:
    words = "Nodegroup cannot be updated as it is currently not in Active State"
    vendor.answer("POST", UPDATE, refusal("ResourceInUseException", 409, words))
    with pytest.raises(Conflict) as caught:
        door.node_pools.resize(Resize(pool=pool_fact(), to=9), token="t")
    assert words in caught.value.reason.text


def test_a_write_is_described_before_sizes_are_believed_again(vendor: Vendor, door: CloudDoor) -> None:
    serve(vendor, nodegroup())
    read(door)
    vendor.answer("POST", UPDATE, ACCEPTED)
    door.node_pools.resize(Resize(pool=pool_fact(), to=9), token="t")
    vendor.answer("GET", "/clusters/shop/node-groups/web", Answer(body={"nodegroup": nodegroup(status="UPDATING")}))
    assert [pool.activity for pool in read(door, detail=Detail.SIZES)] == [Activity.BUSY]


def test_a_description_from_beside_a_write_is_not_kept(vendor: Vendor, door: CloudDoor, fence: Fence) -> None:
    serve(vendor, nodegroup())
    vendor.answer("POST", UPDATE, ACCEPTED)

    def look() -> None:
        read(door)

    fence.then = look
    door.node_pools.resize(Resize(pool=pool_fact(), to=9), token="t")
    vendor.answer("GET", "/clusters/shop/node-groups/web", Answer(body={"nodegroup": nodegroup(status="UPDATING")}))
    assert [pool.activity for pool in read(door, detail=Detail.SIZES)] == [Activity.BUSY]


def test_a_login_that_fails_under_a_write_has_sent_nothing_of_it(
    vendor: Vendor, fence: Fence, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("made-up-web-identity")
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/pools")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", vendor.url)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    endpoints = AwsEndpoints(eks=Endpoint(url=vendor.url))
    door = open_door(AwsAccount(), None, endpoints, before_send=fence, call_timeout_s=5)
    vendor.answer("POST", "/", Answer(status=500, raw=b"<html>trouble</html>"))
    with pytest.raises(Unavailable):
        door.node_pools.resize(Resize(pool=pool_fact(), to=9), token="t")
    assert (fence.asked, vendor.calls("POST", UPDATE)) == (0, [])


@pytest.mark.parametrize(
    ("update", "state", "words"),
    [
        ({"status": "InProgress"}, OperationState.RUNNING, "InProgress"),
        ({"status": "Successful"}, OperationState.DONE, "Successful"),
        ({"status": "Cancelled"}, OperationState.CANCELED, "Cancelled"),
        ({"status": "Dreaming"}, OperationState.RUNNING, "Dreaming"),
        (
            {"status": "Failed", "errors": [{"errorCode": "InsufficientFreeAddresses", "errorMessage": "no address"}]},
            OperationState.FAILED,
            "QuotaExceeded: Failed: InsufficientFreeAddresses: no address",
        ),
        (
            {"status": "Failed", "errors": [{"errorCode": "PodEvictionFailure", "errorMessage": "pod stays"}]},
            OperationState.FAILED,
            "Failed: PodEvictionFailure: pod stays",
        ),
    ],
)
def test_how_an_update_goes(
    vendor: Vendor, door: CloudDoor, update: dict[str, object], state: OperationState, words: str
) -> None:
    vendor.answer(
        "GET", "/clusters/shop/updates/u-1?nodegroupName=web", Answer(body={"update": {"id": "u-1", **update}})
    )
    told = door.node_pools.poll(Operation(id="u-1", pool=WEB, state=OperationState.RUNNING))
    assert (told.state, told.words, told.id) == (state, words, "u-1")


def test_a_poll_that_fails_is_no_end(vendor: Vendor, door: CloudDoor) -> None:
    vendor.answer("GET", "/updates/u-1", Answer(status=500, body={}))
    with pytest.raises(Unavailable):
        door.node_pools.poll(Operation(id="u-1", pool=WEB, state=OperationState.RUNNING))


def test_an_id_out_of_a_status_cannot_reach_elsewhere(vendor: Vendor, door: CloudDoor) -> None:
    told = Operation(id="../../../other", pool=WEB, state=OperationState.RUNNING)
    vendor.answer("GET", "/updates/", refusal("ResourceNotFoundException", 404))
    assert door.node_pools.poll(told).state is OperationState.LOST
    assert all("/updates/..%2F..%2F..%2Fother?" in seen.path for seen in vendor.seen)
