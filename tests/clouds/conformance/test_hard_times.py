"""What every cloud's door makes of trouble: garbage, sick pools, pools made again, places that are none, ended operations."""

from dataclasses import replace

import pytest

from multicloud.model.error import CloudError, Conflict, OutcomeUnknown, Refused, Unavailable
from multicloud.model.ref import Cloud
from multicloud.model.size import Activity, Detail, OperationState, Resize
from multicloud_lab.core.faultkinds import Action, Garbage, OperationFail, OperationForgotten
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.thread import LabThread
from support.azuredoor import Fence
from support.clouds import Ground

LONG_S = 3600


def free(lab: LabThread, ground: Ground, machines: int | None) -> None:
    """Leave so many more machines to be had."""
    lab.run(lambda running: running.capacity.set_free(str(ground.cloud), None, None, machines))


GARBAGE = [Garbage(form="html502"), Garbage(form="truncated"), Garbage(form="wrongType"), Garbage(form="empty")]


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda each: each.form)
def test_garbage_is_no_fact_and_leaves_a_write_open(
    lab: LabThread, ground: Ground, fence: Fence, garbage: Garbage
) -> None:
    door = ground.door(lab, fence)
    before = ground.read(door)
    fault = lab.place(Fault(action=garbage))
    with pytest.raises(Unavailable):
        ground.read(door)
    lab.lift(fault)
    lab.place(Fault(action=garbage, match=Match(operation=ground.write), when="after"))
    with pytest.raises(OutcomeUnknown):
        door.node_pools.resize(Resize(pool=before, to=9), token="resize-1")
    assert [entry["to"] for entry in ground.writes(lab)] == [9]


def test_a_sick_pool_counts_with_its_ready_nodes_and_says_what_is_missing(
    lab: LabThread, ground: Ground, fence: Fence
) -> None:
    door = ground.door(lab, fence)
    free(lab, ground, 2)
    door.node_pools.resize(Resize(pool=ground.read(door), to=9), token="resize-1")
    lab.advance(LONG_S)
    sick = ground.read(door)
    assert (sick.requested, sick.nodes, sick.ready, sick.activity) == (9, 6, 6, Activity.SICK)
    assert any(word in sick.words for word in ("Stockout", "STOCKOUT", "ZonalAllocationFailed"))


def test_a_sick_pool_may_be_asked_the_same_size_again_or_says_that_it_is_busy(
    lab: LabThread, ground: Ground, fence: Fence
) -> None:
    door = ground.door(lab, fence)
    free(lab, ground, 2)
    door.node_pools.resize(Resize(pool=ground.read(door), to=9), token="resize-1")
    lab.advance(LONG_S)
    sick = ground.read(door)
    free(lab, ground, None)
    if ground.refuses_while_sick:
        with pytest.raises(Conflict):
            door.node_pools.resize(Resize(pool=sick, to=9), token="resize-2")
    else:
        asked = door.node_pools.resize(Resize(pool=sick, to=9), token="resize-2")
        lab.advance(LONG_S)
        assert door.node_pools.poll(asked).state is OperationState.DONE
    lab.advance(LONG_S)
    well = ground.read(door)
    assert (well.requested, well.ready, well.activity) == (9, 9, Activity.IDLE)


def test_a_pool_that_was_deleted_is_not_there(lab: LabThread, ground: Ground, fence: Fence) -> None:
    door = ground.door(lab, fence)
    ground.read(door)
    cloud, cluster, name = str(ground.cloud), ground.web.cluster.name, ground.web.name
    lab.hands(lambda hands: hands.delete(cloud, cluster, name))
    told = door.node_pools.list([ground.web.cluster], detail=Detail.FULL)
    pools = told[ground.web.cluster]
    assert not isinstance(pools, CloudError)
    assert {pool.ref.name for pool in pools} == ground.names - {name}
    assert ground.web not in told


def test_a_pool_made_again_under_its_name_is_another_where_the_cloud_tells_it(
    lab: LabThread, ground: Ground, fence: Fence
) -> None:
    door = ground.door(lab, fence)
    before = ground.read(door)
    cloud, cluster, name = str(ground.cloud), ground.web.cluster.name, ground.web.name
    lab.hands(lambda hands: hands.recreate(cloud, cluster, name))
    lab.advance(LONG_S)
    after = ground.read(door)
    assert after.claim == before.claim
    # AKS has no id of its own for a pool: there an absence that was seen tells it, see tests/decide/test_settle.py.
    assert (after.incarnation != before.incarnation) == ground.tells_lives_apart


@pytest.mark.parametrize(
    ("action", "state"),
    [(OperationFail(), OperationState.FAILED), (OperationForgotten(), OperationState.LOST)],
    ids=["failed", "forgotten"],
)
def test_how_an_operation_may_end(
    lab: LabThread, ground: Ground, fence: Fence, action: Action, state: OperationState
) -> None:
    door = ground.door(lab, fence)
    lab.place(Fault(action=action, match=Match(operation=ground.write)))
    asked = door.node_pools.resize(Resize(pool=ground.read(door), to=9), token="resize-1")
    lab.advance(LONG_S)
    told = door.node_pools.poll(asked)
    assert (told.state, told.id, bool(told.words)) == (state, asked.id, True)


def test_a_region_that_does_not_exist_is_its_own_trouble(lab: LabThread, ground: Ground, fence: Fence) -> None:
    if ground.cloud is Cloud.AZURE:
        return  # Azure's API is global: no member names a region
    nowhere = replace(ground.web.cluster, location="xx-nowhere-9")
    told = ground.door(lab, fence).node_pools.list([nowhere, ground.web.cluster], detail=Detail.FULL)
    error = told[nowhere]
    assert isinstance(error, Refused | Unavailable)
    assert not isinstance(told[ground.web.cluster], CloudError)
