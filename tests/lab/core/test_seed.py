"""The seed: its default, a file's mistakes told in one line, and equal seeds making equal labs."""

from pathlib import Path

import pytest

from multicloud_lab.core.clock import VirtualClock
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.seed import Seed, SeedError, load_seed
from multicloud_lab.eks import EksEngine


def test_the_default_holds_two_clusters_with_two_pools_in_each_cloud() -> None:
    seed = Seed()
    assert [[pool.name for pool in cluster.nodegroups] for cluster in seed.aws.clusters] == [["web", "batch"]] * 2
    assert [[pool.name for pool in cluster.pools] for cluster in seed.azure.clusters] == [["system", "web"]] * 2
    assert [[pool.name for pool in cluster.pools] for cluster in seed.gcp.clusters] == [["web", "batch"]] * 2
    assert [len(cluster.zones) for cluster in seed.gcp.clusters] == [3, 1]
    for clusters in (seed.aws.clusters, seed.azure.clusters, seed.gcp.clusters):
        assert [cluster.name for cluster in clusters] == ["shop-prod", "shop-batch"]


def test_a_file_replaces_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "seed.yaml"
    path.write_text("random: 7\naws: {clusters: [{name: only, nodegroups: [{name: web, desired: 9}]}]}\n")
    seed = load_seed(path)
    assert (seed.random, seed.aws.clusters[0].nodegroups[0].desired) == (7, 9)
    assert len(seed.gcp.clusters) == 2


@pytest.mark.parametrize(
    ("text", "where"),
    [
        pytest.param("aws: {clusters: [{name: a, nodegroups: [{name: x, desired: -1}]}]}", "aws.clusters[0].nodegroups[0].desired", id="below zero"),
        pytest.param("aws: {clusters: [{name: a, nodegroups: [{name: x, desired: 9, max: 3}]}]}", "desired 9 is not within", id="range"),
        pytest.param("gcp: {cluster: []}", "gcp.cluster: is no field: there are clusters, ", id="unknown field"),
        pytest.param("aws: {clusters: [{name: a, nodegroups: [{nama: x}]}]}", "aws.clusters[0].nodegroups[0].nama: is no field: there are name, ", id="unknown field of a pool"),
        pytest.param("timings: {bootByType: {m5.large: {min: 1, most: 2}}}", "timings.bootByType.m5.large.most: is no field: there are ", id="unknown field of a map's part"),
        pytest.param("timing: {}", "timing: is no field: there are timings, ", id="unknown part"),
        pytest.param("aws: {clusters: [web]}", "aws.clusters[0]: must be a map with account, name, nodegroups, region, version", id="not a cluster"),
        pytest.param("aws: {clusters: web}", "aws.clusters: must be a list", id="not a list"),
        pytest.param("aws: {clusters: [{}]}", "aws.clusters[0].name: must be given", id="no name"),
        pytest.param("aws: {capacity: [{zone: a, free: many}]}", "aws.capacity[0].free: must be a valid integer", id="not a number"),
        pytest.param("random: yes", "random: must not be yes, no, on, off", id="yes is no number"),
        pytest.param("aws: {clusters: [{name: on}]}", "aws.clusters[0].name: must not be yes, no, on, off", id="on is no name"),
        pytest.param("random: 1\nrandom: 2", "line 2: random stands twice in a map", id="twice"),
        pytest.param("timings: {boot: {min: 9, max: 1}}", "timings.boot", id="span"),
        pytest.param("aws: {principals: []}", "aws.principals", id="nobody"),
        pytest.param("gcp: {clusters: [{name: a, pools: [{name: x}, {name: x}]}]}", "gcp.clusters[0].pools", id="two pools of one name"),
        pytest.param("azure: {clusters: [{name: a}, {name: A}]}", "azure", id="two clusters of one name"),
        pytest.param("azure: {clusters: [{name: a, pools: [{name: x, mode: System, count: 0}]}]}", "System pool", id="empty system pool"),
        pytest.param("azure: {clusters: [{name: a, pools: [{name: x, enableAutoScaling: true}]}]}", "minCount", id="autoscaling without bounds"),
        pytest.param("azure: {clusters: [{name: a, pools: [{name: x, minCount: 1}]}]}", "enableAutoScaling", id="bounds without autoscaling"),
        pytest.param("gcp: {clusters: [{name: a, zones: []}]}", "gcp.clusters[0].zones", id="no zones"),
        pytest.param("gcp: {clusters: [{name: a, pools: [{name: x, autoscaling: {minNodeCount: 11}}]}]}", "minNodeCount 11", id="autoscaling range"),
        pytest.param("- a list", "the document: must be a map with aws, azure, gcp, random, timings", id="not a mapping"),
        pytest.param("? [a, b]\n: 1\n", "is not YAML", id="a list as a name"),
        pytest.param("1: 2", "must be", id="a number as a name"),
        pytest.param("a: [", "is not YAML", id="not YAML"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_file_and_field(tmp_path: Path, text: str, where: str) -> None:
    path = tmp_path / "seed.yaml"
    path.write_text(text)
    with pytest.raises(SeedError) as told:
        load_seed(path)
    assert str(told.value).startswith(f"{path}: ")
    assert where in str(told.value)
    assert "\n" not in str(told.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match="cannot be read"):
        load_seed(tmp_path / "absent.yaml")


def test_equal_seeds_make_equal_labs_and_a_reset_makes_the_first_one_again() -> None:
    def instances(lab: Lab, engine: EksEngine) -> list[str]:
        lab.clock.advance(1000)
        engine.resize_by_hand("shop-prod", "web", 8)
        lab.clock.advance(1000)
        return [f"{entry.time} {entry.to}" for entry in lab.journal.entries()] + [
            f"{pool.cluster}/{pool.node_pool} {pool.nodes}" for pool in lab.fleet
        ]

    def fresh() -> tuple[Lab, EksEngine]:
        lab = Lab(Seed(), VirtualClock())
        engine = EksEngine(lab)
        lab.engines["aws"] = engine
        return lab, engine

    lab, engine = fresh()
    first = instances(lab, engine)
    assert instances(*fresh()) == first
    lab.reset()
    assert instances(lab, engine) == first
