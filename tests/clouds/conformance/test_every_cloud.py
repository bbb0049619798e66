"""What every cloud's door must do, through the vendor's SDK against the lab. The same sentences for all of them."""

from dataclasses import replace

import pytest

from multicloud.model.error import CloudError, Conflict, NotSent, OutcomeUnknown, Refused
from multicloud.model.reason import Code, Reason
from multicloud.model.size import Activity, Detail, OperationState, Resize
from multicloud_lab.thread import LabThread
from support.azuredoor import Fence
from support.clouds import Ground

LONG_S = 1800
"""Virtual seconds after which every operation of the lab is over and every node is ready or gone."""


@pytest.mark.parametrize("detail", Detail)
def test_a_list_tells_every_pool_of_every_cluster(lab: LabThread, ground: Ground, fence: Fence, detail: Detail) -> None:
    told = ground.door(lab, fence).node_pools.list([ground.web.cluster, ground.other], detail=detail)
    assert set(told) == {ground.web.cluster, ground.other}
    pools = told[ground.web.cluster]
    assert not isinstance(pools, CloudError)
    assert {pool.ref.name for pool in pools} == ground.names
    web = next(pool for pool in pools if pool.ref == ground.web)
    assert (web.requested, web.nodes, web.ready, web.activity) == (4, 4, 4, Activity.IDLE)
    assert (web.claim, web.step, web.autoscaling) == (ground.claim, 1, False)
    assert web.incarnation
    assert fence.asked == 0


def test_both_details_tell_the_same_of_a_fleet_at_rest(lab: LabThread, ground: Ground, fence: Fence) -> None:
    door = ground.door(lab, fence)
    assert ground.read(door, detail=Detail.FULL) == ground.read(door, detail=Detail.SIZES)


def test_one_node_pool_is_read_as_its_list_tells_it(lab: LabThread, ground: Ground, fence: Fence) -> None:
    door = ground.door(lab, fence)
    assert door.node_pools.read(ground.web) == ground.read(door)
    ground.hand(lab, 7)
    lab.advance(20)
    moved = door.node_pools.read(ground.web)
    assert moved is not None
    assert (moved.requested, moved.activity) == (7, Activity.BUSY)
    assert door.node_pools.read(ground.elsewhere(pool="nowhere")) is None


@pytest.mark.parametrize("to", [9, 1])
def test_a_resize_is_accepted_runs_and_is_done(lab: LabThread, ground: Ground, fence: Fence, to: int) -> None:
    door = ground.door(lab, fence)
    before = ground.read(door)
    asked = door.node_pools.resize(Resize(pool=before, to=to), token="resize-1")
    assert (asked.state, asked.pool) == (OperationState.RUNNING, ground.web)
    assert door.node_pools.poll(asked).state is OperationState.RUNNING
    assert ground.read(door).activity is Activity.BUSY
    lab.advance(LONG_S)
    assert door.node_pools.poll(asked).state is OperationState.DONE
    after = ground.read(door)
    assert (after.requested, after.nodes, after.ready, after.activity) == (to, to, to, Activity.IDLE)
    assert (after.claim, after.incarnation) == (before.claim, before.incarnation)
    assert ([entry["to"] for entry in ground.writes(lab)], fence.asked) == ([to], 1)


def test_an_operation_is_found_again_by_its_id_alone(lab: LabThread, ground: Ground, fence: Fence) -> None:
    door = ground.door(lab, fence)
    asked = door.node_pools.resize(Resize(pool=ground.read(door), to=6), token="resize-1")
    remembered = replace(asked, state=OperationState.REQUESTED, words="")
    lab.advance(LONG_S)
    assert ground.door(lab, fence).node_pools.poll(remembered).state is OperationState.DONE


def test_nodes_on_their_way_are_wished_but_not_ready(lab: LabThread, ground: Ground, fence: Fence) -> None:
    door = ground.door(lab, fence)
    door.node_pools.resize(Resize(pool=ground.read(door), to=8), token="resize-1")
    lab.advance(20)
    moving = ground.read(door)
    assert (moving.requested, moving.ready) == (8, 4)


def test_a_busy_pool_refuses_as_a_conflict(lab: LabThread, ground: Ground, fence: Fence) -> None:
    door = ground.door(lab, fence)
    door.node_pools.resize(Resize(pool=ground.read(door), to=6), token="resize-1")
    with pytest.raises(Conflict) as caught:
        door.node_pools.resize(Resize(pool=ground.read(door), to=8), token="resize-2")
    assert caught.value.reason.code is Code.CONFLICT
    assert [entry["effective"] for entry in ground.writes(lab)] == [True, False]


def test_a_hand_shows_as_an_operation_then_as_a_size(lab: LabThread, ground: Ground, fence: Fence) -> None:
    door = ground.door(lab, fence)
    ground.read(door)
    ground.hand(lab, 7)
    lab.advance(30)
    assert ground.read(door).activity is Activity.BUSY
    lab.advance(LONG_S)
    found = ground.read(door, detail=Detail.SIZES)
    assert (found.requested, found.nodes, found.activity) == (7, 7, Activity.IDLE)


def test_an_unknown_cluster_is_its_own_trouble(lab: LabThread, ground: Ground, fence: Fence) -> None:
    gone = ground.elsewhere(cluster="no-such").cluster
    told = ground.door(lab, fence).node_pools.list([gone, ground.web.cluster], detail=Detail.FULL)
    error = told[gone]
    assert isinstance(error, Refused)
    assert error.reason.code is Code.NOT_FOUND
    assert not isinstance(told[ground.web.cluster], CloudError)


def test_a_resize_of_an_unknown_pool_is_refused(lab: LabThread, ground: Ground, fence: Fence) -> None:
    door = ground.door(lab, fence)
    stranger = replace(ground.read(door), ref=ground.elsewhere(pool="nosuch"))
    with pytest.raises(Refused) as caught:
        door.node_pools.resize(Resize(pool=stranger, to=5), token="resize-1")
    assert caught.value.reason.code is Code.NOT_FOUND
    assert not any(entry["effective"] for entry in ground.writes(lab))


def test_a_forgotten_operation_is_lost_not_an_error(lab: LabThread, ground: Ground, fence: Fence) -> None:
    door = ground.door(lab, fence)
    asked = door.node_pools.resize(Resize(pool=ground.read(door), to=6), token="resize-1")
    stranger = replace(asked, id=asked.id[:-12] + "0123456789ab")
    assert door.node_pools.poll(stranger).state is OperationState.LOST


def test_a_secret_that_the_cloud_does_not_accept(lab: LabThread, ground: Ground, fence: Fence) -> None:
    wrong = ground.wrong_secret(lab)
    door = ground.door(lab, fence, wrong)
    with pytest.raises(Refused) as told:
        door.identity.whoami()
    assert told.value.reason.code is Code.AUTH_FAILED
    with pytest.raises(Refused) as read:
        ground.read(door)
    assert read.value.reason.code is Code.AUTH_FAILED
    for value in wrong.values():
        assert value.decode() not in f"{told.value}{read.value}"


def test_a_secret_without_its_keys_names_them(lab: LabThread, ground: Ground, fence: Fence) -> None:
    with pytest.raises(Refused) as caught:
        ground.door(lab, fence, {"password": b"x"})
    assert caught.value.reason.code is Code.SECRET_KEY_MISSING
    assert any(word in caught.value.reason.text for word in ("accessKeyId", "clientSecret", "key.json"))


def test_the_cloud_says_who_we_are(lab: LabThread, ground: Ground, fence: Fence) -> None:
    assert ground.door(lab, fence).identity.whoami().name == ground.principal


def test_a_closed_fence_keeps_every_byte_of_a_write_here(lab: LabThread, ground: Ground, fence: Fence) -> None:
    door = ground.door(lab, fence)
    before = ground.read(door)
    fence.closed = True
    with pytest.raises(NotSent) as caught:
        door.node_pools.resize(Resize(pool=before, to=9), token="resize-1")
    assert type(caught.value) is NotSent
    assert caught.value.reason == Reason(code=Code.STOPPED, text="the stop switch is on")
    assert ground.writes(lab) == []
    assert ground.read(door) == before


@pytest.mark.parametrize(("when", "effective"), [("before", 0), ("after", 1)])
def test_a_lost_answer_leaves_the_outcome_open_and_is_sent_once(
    lab: LabThread, ground: Ground, fence: Fence, when: str, effective: int
) -> None:
    door = ground.door(lab, fence)
    before = ground.read(door)
    lab.release(lab.hold(ground.write, when="before" if when == "before" else "after"), "drop")
    with pytest.raises(OutcomeUnknown):
        door.node_pools.resize(Resize(pool=before, to=9), token="resize-1")
    assert len(ground.writes(lab)) == 1
    assert sum(bool(entry["effective"]) for entry in ground.writes(lab)) == effective
    lab.advance(LONG_S)
    assert ground.read(door).requested == (9 if effective else 4)


def test_a_repeated_or_stale_write_does_what_the_clouds_guard_allows(
    lab: LabThread, ground: Ground, fence: Fence
) -> None:
    door = ground.door(lab, fence)
    before = ground.read(door)
    first = door.node_pools.resize(Resize(pool=before, to=9), token="resize-1")
    lab.advance(LONG_S)
    ground.hand(lab, 5)
    lab.advance(LONG_S)
    match ground.guard:
        case "token":
            assert door.node_pools.resize(Resize(pool=before, to=9), token="resize-1").id == first.id
        case "version":
            with pytest.raises(Conflict):
                door.node_pools.resize(Resize(pool=before, to=9), token="resize-1")
        case _:
            return  # nothing in this cloud guards: `act` looks again right before each write
    assert sum(bool(entry["effective"]) for entry in ground.writes(lab)) == 1
    assert ground.read(door).requested == 5


def test_every_wish_is_a_resize_also_the_same_one_again(lab: LabThread, ground: Ground, fence: Fence) -> None:
    door = ground.door(lab, fence)
    for number, size in enumerate((10, 20, 10, 20)):
        door.node_pools.resize(Resize(pool=ground.read(door), to=size), token=f"resize-{number}")
        lab.advance(LONG_S)
    assert [entry["to"] for entry in ground.writes(lab) if entry["effective"]] == [10, 20, 10, 20]
