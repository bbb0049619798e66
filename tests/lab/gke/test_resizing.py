"""Resizes through google-cloud-container: what is accepted, what happens in virtual time, what is refused."""

from typing import Any

import pytest
from google.api_core import exceptions
from google.auth.transport.requests import AuthorizedSession
from google.cloud.container_v1.types import Cluster, NodePool, NodePoolAutoscaling, Operation

from multicloud_lab.core.lab import RefusedError
from multicloud_lab.gke.switches import Switches
from multicloud_lab.thread import LabThread

LOCATIONS = "projects/shop-prod-1/locations"
REGIONAL = f"{LOCATIONS}/europe-west1/clusters/shop-prod"
ZONAL = f"{LOCATIONS}/europe-west1-b/clusters/shop-batch"
WEB = f"{REGIONAL}/nodePools/web"
PENDING_AT_MOST_S = 8
OPERATION_AT_MOST_S = 150
BOOT_AND_DRAIN_AT_MOST_S = 160


def resize(gke: Any, name: str, node_count: int) -> Any:
    return gke.set_node_pool_size(request={"name": name, "node_count": node_count})


def operation_of(gke: Any, location: str, operation: Any) -> Any:
    return gke.get_operation(name=f"{LOCATIONS}/{location}/operations/{operation.name}")


def targets(lab: LabThread, compute: AuthorizedSession, pool: Any) -> list[int]:
    """Read the sizes as the operator does: the groups behind instanceGroupUrls."""
    root = lab.document["compute"]["url"] + "/compute/v1"
    urls = [root + url.removeprefix("https://www.googleapis.com/compute/v1") for url in pool.instance_group_urls]
    return [compute.get(url).json()["targetSize"] for url in urls]


def effective(lab: LabThread) -> list[tuple[object, ...]]:
    entries = [entry for entry in lab.journal() if entry["effective"]]
    return [(entry["principal"], entry["pool"], entry["from"], entry["to"]) for entry in entries]


def test_a_resize_is_pending_then_running_then_done(lab: LabThread, gke: Any, compute: AuthorizedSession) -> None:
    before = gke.get_node_pool(name=WEB)

    operation = resize(gke, WEB, 3)
    assert operation.name.startswith("operation-1767225600000-")
    assert operation.operation_type is Operation.Type.SET_NODE_POOL_SIZE
    assert operation.status is Operation.Status.PENDING
    assert operation.target_link == before.self_link
    assert operation.self_link.endswith(f"/locations/europe-west1/operations/{operation.name}")
    accepted = gke.get_node_pool(name=WEB)
    assert accepted.status is NodePool.Status.RECONCILING
    assert gke.get_cluster(name=REGIONAL).status is Cluster.Status.RECONCILING
    assert accepted.initial_node_count == 3
    assert accepted.etag != before.etag
    assert accepted.instance_group_urls == before.instance_group_urls
    assert targets(lab, compute, accepted) == [1, 1, 1]

    lab.advance(PENDING_AT_MOST_S)
    assert operation_of(gke, "europe-west1", operation).status is Operation.Status.RUNNING
    assert targets(lab, compute, accepted) == [3, 3, 3]

    lab.advance(OPERATION_AT_MOST_S)
    done = operation_of(gke, "europe-west1", operation)
    assert done.status is Operation.Status.DONE
    assert not done.error.code
    assert done.end_time > done.start_time
    after = gke.get_node_pool(name=WEB)
    assert after.status is NodePool.Status.RUNNING
    assert after.etag != accepted.etag
    assert gke.get_cluster(name=REGIONAL).status is Cluster.Status.RUNNING
    assert effective(lab) == [("lab@shop-prod-1.iam.gserviceaccount.com", "web", 3, 9)]


def test_nodes_come_and_go_in_their_own_time(lab: LabThread, gke: Any) -> None:
    def nodes() -> tuple[int, int, int]:
        (view,) = (
            each
            for each in lab.run(lambda inner: inner.fleet)
            if (each.cloud, each.cluster, each.node_pool) == ("gcp", "shop-batch", "web")
        )
        return (view.requested, view.nodes, view.ready)

    assert nodes() == (4, 4, 4)
    resize(gke, f"{ZONAL}/nodePools/web", 7)
    assert nodes() == (7, 4, 4)
    lab.advance(PENDING_AT_MOST_S)
    assert nodes() == (7, 7, 4)
    lab.advance(OPERATION_AT_MOST_S + BOOT_AND_DRAIN_AT_MOST_S)
    assert nodes() == (7, 7, 7)
    resize(gke, f"{ZONAL}/nodePools/web", 2)
    lab.advance(PENDING_AT_MOST_S)
    assert nodes() == (2, 7, 2)
    lab.advance(OPERATION_AT_MOST_S + BOOT_AND_DRAIN_AT_MOST_S)
    assert nodes() == (2, 2, 2)


def test_a_pool_goes_to_zero_and_back(lab: LabThread, gke: Any, compute: AuthorizedSession) -> None:
    for count in (0, 2):
        resize(gke, WEB, count)
        lab.advance(OPERATION_AT_MOST_S)
        pool = gke.get_node_pool(name=WEB)
        assert pool.initial_node_count == count
        assert targets(lab, compute, pool) == [count] * 3
    assert [entry[2:] for entry in effective(lab)] == [(3, 0), (0, 6)]


def test_the_present_size_makes_an_operation_without_effect(lab: LabThread, gke: Any) -> None:
    operation = resize(gke, WEB, 1)
    lab.advance(OPERATION_AT_MOST_S)
    assert operation_of(gke, "europe-west1", operation).status is Operation.Status.DONE
    assert effective(lab) == []


@pytest.mark.parametrize("count", [-1, 1001])
def test_a_size_out_of_range_is_invalid_and_changes_nothing(lab: LabThread, gke: Any, count: int) -> None:
    before = gke.get_cluster(name=REGIONAL)
    with pytest.raises(exceptions.InvalidArgument):
        resize(gke, WEB, count)
    assert gke.get_cluster(name=REGIONAL) == before
    assert lab.journal()[-2]["result"] == "INVALID_ARGUMENT"
    assert lab.journal()[-2]["arguments"] == {"name": WEB, "nodeCount": count}


def test_a_thousand_nodes_a_zone_are_allowed(gke: Any) -> None:
    assert resize(gke, WEB, 1000).status is Operation.Status.PENDING


@pytest.mark.parametrize("pool", ["web", "batch"])
@pytest.mark.parametrize("waited_s", [0, 30], ids=["pending", "running"])
def test_one_operation_a_cluster(lab: LabThread, gke: Any, pool: str, waited_s: float) -> None:
    first = resize(gke, WEB, 3)
    lab.advance(waited_s)
    with pytest.raises(exceptions.FailedPrecondition) as caught:
        resize(gke, f"{REGIONAL}/nodePools/{pool}", 5)
    assert caught.value.reason == "CLUSTER_ALREADY_HAS_OPERATION"
    assert caught.value.domain == "container.googleapis.com"
    assert len(caught.value.details) == 1
    assert first.name in caught.value.message
    assert len(effective(lab)) == 1

    lab.advance(OPERATION_AT_MOST_S)
    assert resize(gke, f"{REGIONAL}/nodePools/{pool}", 5).name != first.name


def test_another_cluster_is_free_meanwhile(lab: LabThread, gke: Any) -> None:
    resize(gke, WEB, 3)
    resize(gke, f"{ZONAL}/nodePools/web", 5)
    assert len(effective(lab)) == 2


def test_operations_are_listed_by_location_and_forgotten_later(lab: LabThread, gke: Any) -> None:
    regional = resize(gke, WEB, 3)
    zonal = resize(gke, f"{ZONAL}/nodePools/web", 5)

    def listed(location: str) -> list[str]:
        answer = gke.list_operations(parent=f"{LOCATIONS}/{location}")
        return [operation.name for operation in answer.operations]

    assert listed("-") == [regional.name, zonal.name]
    assert listed("europe-west1") == [regional.name]
    assert listed("europe-west1-b") == [zonal.name]
    with pytest.raises(exceptions.NotFound):
        operation_of(gke, "europe-west1-b", regional)

    lab.advance(OPERATION_AT_MOST_S)
    assert listed("-") == [regional.name, zonal.name]
    lab.advance(Switches().operation_retention_s)
    assert listed("-") == []
    with pytest.raises(exceptions.NotFound):
        operation_of(gke, "europe-west1", regional)


def test_autoscaling_is_replaced_when_its_operation_runs(lab: LabThread, gke: Any) -> None:
    block = NodePoolAutoscaling(enabled=True, min_node_count=1, max_node_count=5)
    gke.set_node_pool_autoscaling(request={"name": WEB, "autoscaling": block})
    assert not gke.get_node_pool(name=WEB).autoscaling.enabled
    with pytest.raises(exceptions.FailedPrecondition):
        resize(gke, WEB, 3)
    lab.advance(OPERATION_AT_MOST_S)
    assert gke.get_node_pool(name=WEB).autoscaling == block
    assert lab.run(lambda inner: inner.journal.effective_resizes()) == []

    gke.set_node_pool_autoscaling(request={"name": WEB, "autoscaling": NodePoolAutoscaling(enabled=False)})
    lab.advance(OPERATION_AT_MOST_S)
    assert not gke.get_node_pool(name=WEB).autoscaling.enabled


@pytest.mark.parametrize(
    "block",
    [
        pytest.param({"enabled": True, "max_node_count": 5, "total_max_node_count": 9}, id="per zone and total"),
        pytest.param({"enabled": True, "min_node_count": 6, "max_node_count": 5}, id="minimum above maximum"),
        pytest.param({"enabled": True, "min_node_count": -1, "max_node_count": 5}, id="negative minimum"),
        pytest.param({"enabled": True}, id="no maximum"),
    ],
)
def test_autoscaling_bounds_must_make_sense(gke: Any, block: dict[str, object]) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        gke.set_node_pool_autoscaling(request={"name": WEB, "autoscaling": block})


def by_hand(lab: LabThread, cluster: str, pool: str, to: int) -> None:
    lab.run(lambda inner: inner.engines["gcp"].resize_by_hand(cluster, pool, to))


def test_a_hand_resizes_by_nodes_of_the_whole_pool(lab: LabThread, gke: Any) -> None:
    by_hand(lab, "shop-prod", "web", 9)
    assert gke.get_node_pool(name=WEB).initial_node_count == 3
    assert effective(lab) == [("hand", "web", 3, 9)]
    with pytest.raises(exceptions.FailedPrecondition):
        resize(gke, WEB, 1)


@pytest.mark.parametrize(
    ("cluster", "pool", "to", "code"),
    [
        pytest.param("shop-prod", "web", 4, "INVALID_ARGUMENT", id="not a multiple of the zones"),
        pytest.param("shop-prod", "nobody", 3, "NOT_FOUND", id="unknown pool"),
        pytest.param("shop-prod", "web", 3003, "INVALID_ARGUMENT", id="too many"),
    ],
)
def test_a_hand_obeys_the_rules(lab: LabThread, cluster: str, pool: str, to: int, code: str) -> None:
    with pytest.raises(RefusedError) as caught:
        by_hand(lab, cluster, pool, to)
    assert caught.value.code == code
    assert [(entry["principal"], entry["result"]) for entry in lab.journal()] == [("hand", code)]


def test_a_hand_waits_for_the_cluster_too(lab: LabThread, gke: Any) -> None:
    resize(gke, WEB, 3)
    with pytest.raises(RefusedError, match="incompatible operation"):
        by_hand(lab, "shop-prod", "batch", 6)


def test_reset_gives_the_seeds_state_and_keeps_logins(lab: LabThread, gke: Any) -> None:
    resize(gke, WEB, 3)
    lab.run(lambda inner: inner.reset())
    assert gke.get_node_pool(name=WEB).initial_node_count == 1
    assert gke.get_cluster(name=REGIONAL).status is Cluster.Status.RUNNING
    assert list(gke.list_operations(parent=f"{LOCATIONS}/-").operations) == []
    assert [entry["operation"] for entry in lab.journal()] == ["GetNodePool", "GetCluster", "ListOperations"]
