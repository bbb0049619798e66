"""What Prometheus reads, and that no series outlives its object."""

from dataclasses import replace

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from multicloud.model.plan import Headroom, Stop
from multicloud.model.record import MemberRecord, PoolRecord
from multicloud.model.spec import PoolObject, PoolSpec
from multicloud.report.metrics import Metrics, ObjectCollector, Sources
from support.builders import POOL, member_spec

SPEC = PoolSpec(replicas=None, min_replicas=2, max_replicas=9, members=(member_spec("a"), member_spec("new")))
RECORD = PoolRecord(
    desired=5, members=(MemberRecord(name="a", requested=4, nodes=4, ready=3), MemberRecord(name="new"))
)
SEEN = PoolObject(key=POOL, uid="u", generation=1, resource_version="1", spec=SPEC, record=RECORD)


def scrape(pools: list[PoolObject]) -> list[str]:
    registry = CollectorRegistry()
    Metrics(registry)
    registry.register(
        ObjectCollector(
            Sources(
                pools=lambda: pools,
                accounts=list,
                leading=lambda: True,
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
        'multicloud_pool_units{namespace="shop",pool="web",state="min"} 2.0',
        'multicloud_pool_nodes{member="a",namespace="shop",pool="web",provider="aws",state="ready"} 3.0',
        "leader_election_master_status 1.0",
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
