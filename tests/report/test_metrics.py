"""What Prometheus reads, and that no series outlives its object."""

from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from multicloud.model.plan import Headroom, Stop
from multicloud.model.record import Condition, MemberRecord, PoolRecord, Removal
from multicloud.model.spec import PoolObject, PoolSpec
from multicloud.report.metrics import Metrics, ObjectCollector, Sources
from support.builders import NOW, POOL, intent, member_spec

SPEC = PoolSpec(replicas=None, min_replicas=2, max_replicas=9, members=(member_spec("a"), member_spec("new")))
RECORD = PoolRecord(
    desired=5, on_top=4, members=(MemberRecord(name="a", requested=4, nodes=4, ready=3), MemberRecord(name="new"))
)
SEEN = PoolObject(key=POOL, uid="u", generation=1, resource_version="1", spec=SPEC, record=RECORD)


def scrape(pools: list[PoolObject], *, leading: bool = True) -> list[str]:
    registry = CollectorRegistry()
    Metrics(registry)
    registry.register(
        ObjectCollector(
            Sources(
                pools=lambda: pools,
                accounts=list,
                policies=list,
                leading=lambda: leading,
                stop=lambda: Stop.SHRINK_ONLY,
                headroom=lambda: Headroom(add=7, remove=3),
                queue_depth=lambda: 2,
            )
        )
    )
    return generate_latest(registry).decode().splitlines()


def test_the_state_of_pools_lease_brake_and_queue() -> None:
    lines = scrape([SEEN])
    for line in (
        'multicloud_pool_units{namespace="shop",pool="web",state="desired"} 5.0',
        'multicloud_pool_units{namespace="shop",pool="web",state="floors"} 4.0',
        'multicloud_pool_units{namespace="shop",pool="web",state="min"} 2.0',
        'multicloud_pool_nodes{member="a",namespace="shop",pool="web",provider="aws",state="ready"} 3.0',
        'leader_election_master_status{name="multicloud"} 1.0',
        "multicloud_stop_switch 1.0",
        'multicloud_brake_headroom_nodes{direction="down"} 3.0',
        'workqueue_depth{name="multicloud"} 2.0',
    ):
        assert line in lines


def test_unknown_is_absent_never_zero() -> None:
    assert not [line for line in scrape([SEEN]) if 'member="new"' in line and "pool_nodes" in line]
    unseen = replace(SEEN, record=PoolRecord())
    assert not [line for line in scrape([unseen]) if 'state="desired"' in line]


def test_a_deleted_object_leaves_no_series() -> None:
    pools = [SEEN]
    assert any('pool="web"' in line for line in scrape(pools))
    pools.clear()
    assert not any('pool="web"' in line for line in scrape(pools))


def test_a_replica_that_waits_says_nothing_of_a_switch_that_it_does_not_read() -> None:
    assert not [line for line in scrape([], leading=False) if line.startswith("multicloud_stop_switch")]


def test_a_resize_under_way_shows_when_it_should_have_ended() -> None:
    under_way = replace(SEEN, record=PoolRecord(members=(MemberRecord(name="a", intent=intent(4, 9)),)))
    shown = [line for line in scrape([under_way]) if line.startswith("multicloud_member_operation_deadline")]
    assert [float(line.partition("} ")[2]) for line in shown] == [intent(4, 9).deadline.timestamp()]
    assert not [line for line in scrape([SEEN]) if line.startswith("multicloud_member_operation_deadline")]


@pytest.mark.parametrize(
    ("removal", "shown"),
    [
        pytest.param(Removal(unscheduled=2, ended_at=NOW), [NOW.timestamp()], id="pods are waited for"),
        pytest.param(Removal(ended_at=NOW), [], id="only time is"),
        pytest.param(Removal(unscheduled=2), [], id="the nodes are still going"),
        pytest.param(None, [], id="nothing is"),
    ],
)
def test_a_removal_whose_pods_are_waited_for_shows_when_its_nodes_had_gone(
    removal: Removal | None, shown: list[float]
) -> None:
    pool = replace(SEEN, record=PoolRecord(members=(MemberRecord(name="a", removal=removal),)))
    lines = [line for line in scrape([pool]) if line.startswith("multicloud_member_removal_ended")]
    assert [float(line.partition("} ")[2]) for line in lines] == shown


def test_a_condition_shows_its_reason() -> None:
    condition = Condition(
        type="Ready", status=False, reason="NotEnoughReady", message="", observed_generation=1, since=NOW
    )
    lines = scrape([replace(SEEN, record=PoolRecord(conditions=(condition,)))])
    labels = 'kind="MultiCloudPool",name="web",namespace="shop",reason="NotEnoughReady",status="False",type="Ready"'
    assert f"multicloud_status_condition{{{labels}}} 1.0" in lines
