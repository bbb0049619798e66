"""What others do beside the client: autoscaler, upgrade, pools and clusters made again, stockouts, dying machines."""

from typing import Any

import pytest
from google.api_core import exceptions
from google.auth.transport.requests import AuthorizedSession
from google.cloud.container_v1.types import NodePoolAutoscaling

from multicloud_lab.core.capacity import Limit
from multicloud_lab.core.hands import Hands
from multicloud_lab.core.lab import RefusedError
from multicloud_lab.core.seed import GcpSeed, GkeCluster, GkePool, Seed
from multicloud_lab.thread import LabThread

LOCATIONS = "projects/shop-prod-1/locations"
REGIONAL = f"{LOCATIONS}/europe-west1/clusters/shop-prod"
ZONAL = f"{LOCATIONS}/europe-west1-b/clusters/shop-batch"
WEB = f"{REGIONAL}/nodePools/web"
ZONAL_WEB = f"{ZONAL}/nodePools/web"
LONG_S = 400.0


def act(lab: LabThread, name: str, *arguments: object) -> None:
    lab.run(lambda inner: getattr(Hands(inner), name)("gcp", *arguments))


def targets(lab: LabThread, compute: AuthorizedSession, gke: Any, name: str) -> list[int]:
    root = lab.document["compute"]["url"] + "/compute/v1"
    urls = gke.get_node_pool(name=name).instance_group_urls
    return [compute.get(root + url.removeprefix("https://www.googleapis.com/compute/v1")).json()["targetSize"] for url in urls]  # fmt: skip


def sound(lab: LabThread) -> bool:
    """Whether Google's own invariants hold; the other clouds' engines are not asked."""
    return lab.run(lambda inner: list(inner.engines["gcp"].violations())) == []


def autoscale(gke: Any, lab: LabThread, **block: Any) -> None:
    request = {"name": WEB, "autoscaling": NodePoolAutoscaling(enabled=True, **block)}
    gke.set_node_pool_autoscaling(request=request)
    lab.advance(LONG_S)


def test_the_autoscaler_moves_the_groups_and_not_the_wish(lab: LabThread, gke: Any, compute: AuthorizedSession) -> None:
    autoscale(gke, lab, min_node_count=1, max_node_count=5)
    act(lab, "autoscale", "shop-prod", "web", 8)
    assert targets(lab, compute, gke, WEB) == [3, 3, 2]
    pool = gke.get_node_pool(name=WEB)
    assert (pool.initial_node_count, pool.status.name) == (1, "RUNNING")
    assert [(e["principal"], e["from"], e["to"]) for e in lab.journal() if e["to"]] == [("autoscaler", 3, 8)]
    assert sound(lab)

    gke.set_node_pool_size(request={"name": WEB, "node_count": 2})
    lab.advance(LONG_S)
    assert targets(lab, compute, gke, WEB) == [2, 2, 2]


@pytest.mark.parametrize(
    ("block", "to"),
    [
        pytest.param({"max_node_count": 5}, 16, id="above the zones' maximum"),
        pytest.param({"min_node_count": 1, "max_node_count": 5}, 2, id="below the zones' minimum"),
        pytest.param({"total_max_node_count": 5}, 6, id="above the total"),
    ],
)
def test_the_autoscaler_keeps_to_its_range(lab: LabThread, gke: Any, block: dict[str, int], to: int) -> None:
    autoscale(gke, lab, **block)
    with pytest.raises(RefusedError) as caught:
        act(lab, "autoscale", "shop-prod", "web", to)
    assert caught.value.code == "OUT_OF_RANGE"


def test_without_autoscaling_nothing_moves_by_itself(lab: LabThread) -> None:
    with pytest.raises(RefusedError) as caught:
        act(lab, "autoscale", "shop-prod", "web", 5)
    assert caught.value.code == "FAILED_PRECONDITION"


def test_an_upgrade_replaces_every_node_and_holds_the_cluster_for_an_hour(
    lab: LabThread, gke: Any, compute: AuthorizedSession
) -> None:
    def nodes() -> set[str]:
        return lab.run(
            lambda inner: {
                node.name
                for group in inner.engines["gcp"].machines()
                if (group.cloud, group.cluster, group.node_pool) == ("gcp", "shop-batch", "web")
                for node in group.nodes.nodes
            }
        )

    before = nodes()
    act(lab, "upgrade", "shop-batch", "web", 3600)
    (operation,) = gke.list_operations(parent=f"{LOCATIONS}/-").operations
    assert operation.operation_type.name == "UPGRADE_NODES"
    seen = set()
    for _ in range(11):
        lab.advance(300)
        assert sound(lab)
        seen.add(targets(lab, compute, gke, ZONAL_WEB)[0])
        with pytest.raises(exceptions.FailedPrecondition, match=operation.name):
            gke.set_node_pool_size(request={"name": ZONAL_WEB, "node_count": 6})
    assert seen == {4, 5}
    lab.advance(300)
    done = gke.get_operation(name=f"{LOCATIONS}/europe-west1-b/operations/{operation.name}")
    assert done.status.name == "DONE"
    lab.advance(LONG_S)
    assert len(nodes()) == 4
    assert not before & nodes()
    gke.set_node_pool_size(request={"name": ZONAL_WEB, "node_count": 6})


def test_an_upgrade_can_be_cancelled_and_leaves_no_extra_node(lab: LabThread, gke: Any) -> None:
    act(lab, "upgrade", "shop-batch", "web", 3600)
    lab.advance(600)
    (operation,) = gke.list_operations(parent=f"{LOCATIONS}/-").operations
    gke.cancel_operation(name=f"{LOCATIONS}/europe-west1-b/operations/{operation.name}")
    lab.advance(LONG_S)
    assert sound(lab)
    (view,) = (v for v in lab.run(lambda i: i.fleet) if (v.cloud, v.cluster, v.node_pool) == ("gcp", "shop-batch", "web"))  # fmt: skip
    assert (view.requested, view.nodes, view.ready, view.status) == (4, 4, 4, "RUNNING")


def test_a_pool_made_again_under_its_name_is_another_one(lab: LabThread, gke: Any, compute: AuthorizedSession) -> None:
    before = gke.get_node_pool(name=WEB)
    act(lab, "recreate", "shop-prod", "web")
    after = gke.get_node_pool(name=WEB)
    assert not set(before.instance_group_urls) & set(after.instance_group_urls)
    assert before.etag != after.etag
    assert targets(lab, compute, gke, WEB) == [1, 1, 1]
    assert sound(lab)


def test_a_pool_that_a_client_made_comes_back_with_its_settings(lab: LabThread, gke: Any) -> None:
    extra = {"name": "extra", "initial_node_count": 2, "config": {"machine_type": "n2-standard-8"}}
    gke.create_node_pool(request={"parent": REGIONAL, "node_pool": extra})
    lab.advance(LONG_S)
    act(lab, "delete", "shop-prod", "extra")
    with pytest.raises(exceptions.NotFound):
        gke.get_node_pool(name=f"{REGIONAL}/nodePools/extra")
    act(lab, "recreate", "shop-prod", "extra")
    pool = gke.get_node_pool(name=f"{REGIONAL}/nodePools/extra")
    assert (pool.initial_node_count, pool.config.machine_type, len(pool.instance_group_urls)) == (2, "n2-standard-8", 3)
    lab.advance(LONG_S)
    assert sound(lab)


def test_a_cluster_goes_with_everything_and_comes_back_new(lab: LabThread, gke: Any) -> None:
    before = gke.get_cluster(name=ZONAL)
    operation = gke.set_node_pool_size(request={"name": ZONAL_WEB, "node_count": 6})
    act(lab, "delete", "shop-batch")
    assert [cluster.name for cluster in gke.list_clusters(parent=f"{LOCATIONS}/-").clusters] == ["shop-prod"]
    with pytest.raises(exceptions.NotFound):
        gke.get_node_pool(name=ZONAL_WEB)
    ended = gke.get_operation(name=f"{LOCATIONS}/europe-west1-b/operations/{operation.name}")
    assert (ended.status.name, ended.error.code) == ("DONE", 10)
    act(lab, "recreate", "shop-batch")
    after = gke.get_cluster(name=ZONAL)
    assert before.id != after.id
    assert [pool.name for pool in after.node_pools] == ["web", "batch"]
    assert sound(lab)


@pytest.mark.parametrize(("cluster", "pool"), [("nobody", None), ("nobody", "web"), ("shop-prod", "nobody")])
@pytest.mark.parametrize("hand", ["delete", "recreate"])
def test_what_was_never_there_cannot_be_taken_or_made(
    lab: LabThread, hand: str, cluster: str, pool: str | None
) -> None:
    with pytest.raises(RefusedError) as caught:
        act(lab, hand, cluster, pool)
    assert caught.value.code == "NOT_FOUND"


def test_a_stockout_in_one_zone_gives_a_partial_pool_until_there_are_machines(
    lab: LabThread, gke: Any, compute: AuthorizedSession
) -> None:
    lab.run(lambda inner: inner.capacity.set_free("gcp", "europe-west1-c", None, 1))
    operation = gke.set_node_pool_size(request={"name": WEB, "node_count": 4})
    lab.advance(LONG_S)
    done = gke.get_operation(name=f"{LOCATIONS}/europe-west1/operations/{operation.name}")
    assert (done.status.name, done.error.code) == ("DONE", 8)
    assert "[GCE_STOCKOUT]" in done.error.message
    pool = gke.get_node_pool(name=WEB)
    assert pool.status.name == "RUNNING_WITH_ERROR"
    assert [condition.code.name for condition in pool.conditions] == ["GCE_STOCKOUT"]
    assert targets(lab, compute, gke, WEB) == [4, 4, 4]
    (view,) = (v for v in lab.run(lambda i: i.fleet) if (v.cloud, v.cluster, v.node_pool) == ("gcp", "shop-prod", "web"))  # fmt: skip
    assert (view.requested, view.nodes) == (12, 10)
    assert sound(lab)

    lab.run(lambda inner: inner.capacity.set_free("gcp", "europe-west1-c", None, None))
    lab.advance(LONG_S)
    pool = gke.get_node_pool(name=WEB)
    assert (pool.status.name, list(pool.conditions)) == ("RUNNING", [])


def test_a_quota_can_refuse_at_once_or_fail_the_operation() -> None:
    pool = GkePool(name="web", node_count=2)
    cluster = GkeCluster(name="one", location="europe-west1-b", zones=("europe-west1-b",), pools=(pool,))
    seed = Seed(gcp=GcpSeed(clusters=(cluster,), switches={"quotaRefusedAtOnce": False}))
    with LabThread(seed) as lab:
        lab.run(lambda inner: inner.quotas.set_limit("gcp", "shop-prod-1", "europe-west1", Limit(vcpus=12)))
        act(lab, "resize", "one", "web", 5)
        lab.advance(LONG_S)
        engine: Any = lab.lab.engines["gcp"]
        found = lab.run(lambda _: next(iter(engine.all_pools())))
        assert found.status == "RUNNING_WITH_ERROR"
        assert [problem.condition for problem in found.problems] == ["GCE_QUOTA_EXCEEDED"]


def test_a_machine_that_dies_is_replaced(lab: LabThread, gke: Any) -> None:
    def ready() -> int:
        return sum(v.ready for v in lab.run(lambda i: i.fleet) if (v.cloud, v.cluster, v.node_pool) == ("gcp", "shop-batch", "web"))  # fmt: skip

    def kill(inner: Any) -> None:
        group = next(each for each in inner.engines["gcp"].machines() if each.cluster == "shop-batch")
        group.nodes.lose(group.nodes.nodes[0].name)

    lab.run(kill)
    assert ready() == 3
    lab.advance(LONG_S)
    assert ready() == 4
    assert gke.get_node_pool(name=ZONAL_WEB).status.name == "RUNNING"
