"""What clusters, node pools and operations look like through google-cloud-container."""

from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.container_v1.types import Cluster, NodePool, NodePoolAutoscaling

from multicloud_lab.core.seed import GcpSeed, GkeAutoscaling, GkeCluster, GkePool, Seed
from multicloud_lab.gke import GkeEngine
from multicloud_lab.gke.messages import pool_message
from multicloud_lab.gke.names import Name
from multicloud_lab.thread import LabThread

PROJECT = "projects/shop-prod-1"
REGIONAL = f"{PROJECT}/locations/europe-west1/clusters/shop-prod"
ZONAL = f"{PROJECT}/locations/europe-west1-b/clusters/shop-batch"
ZONES = ["europe-west1-b", "europe-west1-c", "europe-west1-d"]
LINK = "https://container.googleapis.com/v1"


@pytest.mark.parametrize(
    ("location", "clusters"),
    [
        pytest.param("-", ["shop-prod", "shop-batch"], id="wildcard"),
        pytest.param("europe-west1", ["shop-prod"], id="a region holds only regional clusters"),
        pytest.param("europe-west1-b", ["shop-batch"], id="a zone holds its own"),
        pytest.param("us-central1", [], id="a location without clusters"),
    ],
)
def test_clusters_are_listed_by_location(gke: Any, location: str, clusters: list[str]) -> None:
    answer = gke.list_clusters(parent=f"{PROJECT}/locations/{location}")
    assert [cluster.name for cluster in answer.clusters] == clusters


def test_a_regional_cluster_says_its_zones_and_pools(gke: Any) -> None:
    cluster = gke.get_cluster(name=REGIONAL)
    assert cluster.status is Cluster.Status.RUNNING
    assert cluster.location == "europe-west1"
    assert list(cluster.locations) == ZONES
    assert cluster.self_link == f"{LINK}/{REGIONAL}"
    assert [pool.name for pool in cluster.node_pools] == ["web", "batch"]
    assert cluster.current_node_count == 6
    assert cluster.etag


def test_a_zonal_cluster_links_to_itself_under_its_zone(gke: Any) -> None:
    assert gke.get_cluster(name=ZONAL).self_link == f"{LINK}/{PROJECT}/zones/europe-west1-b/clusters/shop-batch"


def test_a_node_pool_counts_per_zone_and_names_a_group_for_each(gke: Any) -> None:
    pool = gke.get_node_pool(name=f"{REGIONAL}/nodePools/web")
    assert pool == gke.list_node_pools(parent=REGIONAL).node_pools[0]
    assert pool.status is NodePool.Status.RUNNING
    assert pool.initial_node_count == 1
    assert list(pool.locations) == ZONES
    assert pool.self_link == f"{LINK}/{REGIONAL}/nodePools/web"
    assert pool.config.machine_type == "e2-standard-4"
    assert not pool.autoscaling.enabled
    for zone, url in zip(ZONES, pool.instance_group_urls, strict=True):
        prefix = (
            f"https://www.googleapis.com/compute/v1/{PROJECT}/zones/{zone}/instanceGroupManagers/gke-shop-prod-web-"
        )
        assert url.startswith(prefix)
        assert url.endswith("-grp")
    assert len(set(pool.instance_group_urls)) == 3


def test_the_first_api_names_targets_by_fields(gke: Any) -> None:
    pool = gke.get_node_pool(
        project_id="shop-prod-1", zone="europe-west1-b", cluster_id="shop-batch", node_pool_id="web"
    )
    assert pool.initial_node_count == 4


@pytest.mark.parametrize(
    ("call", "name", "message"),
    [
        pytest.param(
            "get_cluster",
            f"{PROJECT}/locations/europe-west1/clusters/shop-batch",
            "Not found: projects/shop-prod-1/locations/europe-west1/clusters/shop-batch.",
            id="a zonal cluster is not in the region",
        ),
        pytest.param(
            "get_cluster",
            f"{PROJECT}/locations/europe-west1-c/clusters/nobody",
            "Not found: projects/shop-prod-1/zones/europe-west1-c/clusters/nobody.",
            id="unknown cluster",
        ),
        pytest.param(
            "get_node_pool",
            f"{REGIONAL}/nodePools/nobody",
            "Not found: projects/shop-prod-1/locations/europe-west1/clusters/shop-prod/nodePools/nobody.",
            id="unknown node pool",
        ),
        pytest.param(
            "get_operation",
            f"{PROJECT}/locations/europe-west1/operations/operation-1",
            "Not found: projects/shop-prod-1/locations/europe-west1/operations/operation-1.",
            id="unknown operation",
        ),
    ],
)
def test_what_is_not_there_is_not_found(gke: Any, call: str, name: str, message: str) -> None:
    with pytest.raises(exceptions.NotFound) as caught:
        getattr(gke, call)(name=name)
    assert caught.value.message == message


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("shop-prod", id="no path"),
        pytest.param(f"{PROJECT}/locations/europe-west1", id="too short"),
        pytest.param(f"{PROJECT}/locations/Europe/clusters/shop-prod", id="no location"),
        pytest.param(f"{PROJECT}/locations/-/clusters/shop-prod", id="wildcard in a get"),
    ],
)
def test_a_name_that_cannot_be_one_is_invalid(gke: Any, name: str) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        gke.get_cluster(name=name)


def test_another_project_is_denied_with_the_permission(gke: Any) -> None:
    with pytest.raises(exceptions.PermissionDenied) as caught:
        gke.list_clusters(parent="projects/somebody-else/locations/-")
    assert caught.value.reason == "IAM_PERMISSION_DENIED"
    assert caught.value.metadata["permission"] == "container.clusters.list"


def test_a_method_that_the_lab_lacks_is_unimplemented(lab: LabThread, gke: Any) -> None:
    with pytest.raises(exceptions.MethodNotImplemented):
        gke.delete_cluster(name=REGIONAL)
    last = lab.journal()[-1]
    assert (last["operation"], last["result"]) == ("DeleteCluster", "UNIMPLEMENTED")


def test_reads_are_journalled_without_effect(lab: LabThread, gke: Any) -> None:
    gke.get_node_pool(name=f"{REGIONAL}/nodePools/web")
    last = lab.journal()[-1]
    assert (last["cloud"], last["operation"], last["cluster"], last["pool"]) == (
        "gcp",
        "GetNodePool",
        "shop-prod",
        "web",
    )
    assert (last["principal"], last["effective"], last["result"]) == (
        "lab@shop-prod-1.iam.gserviceaccount.com",
        False,
        "200",
    )


def test_a_seed_gives_a_pool_its_autoscaler_zones_and_labels() -> None:
    autoscaled = GkePool(
        name="web",
        node_count=2,
        zones=("europe-west1-b", "europe-west1-c"),
        autoscaling=GkeAutoscaling(min_node_count=1, max_node_count=5),
        spot=True,
        labels={"team": "shop"},
    )
    seed = Seed(gcp=GcpSeed(clusters=(GkeCluster(name="other", project="shop-two", pools=(autoscaled,)),)))
    with LabThread(seed) as lab:

        def read() -> NodePool:
            engine = lab.lab.engines["gcp"]
            assert isinstance(engine, GkeEngine)
            cluster = engine.cluster(Name(project="shop-two", location="europe-west1", cluster="other"))
            return pool_message(cluster.pools["web"], cluster)

        pool = lab.run(lambda _lab: read())
        (view,) = (each for each in lab.run(lambda each: each.fleet) if each.cloud == "gcp")
    assert pool.autoscaling == NodePoolAutoscaling(enabled=True, min_node_count=1, max_node_count=5)
    assert list(pool.locations) == ["europe-west1-b", "europe-west1-c"]
    assert pool.config.spot
    assert pool.config.labels == {"team": "shop"}
    assert (view.requested, view.nodes, view.ready, view.status) == (4, 4, 4, "RUNNING")
