"""What reads cost, by the lab's journal, and what seeds other than the usual one show."""

from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from multicloud.model.error import CloudError
from multicloud.model.ref import Cloud, ClusterRef
from multicloud.model.size import CapacityType, Detail
from multicloud_lab.core.seed import (
    AksCluster,
    AksPool,
    AwsSeed,
    AzureSeed,
    CallRate,
    EksCluster,
    EksNodegroup,
    GcpSeed,
    GkeCluster,
    GkePool,
    Seed,
)
from multicloud_lab.thread import LabThread
from support.azuredoor import Fence
from support.clouds import GROUNDS, PROJECT, SUBSCRIPTION, open_on_lab, secret_of

POOLS, CLUSTERS = 60, 3

LARGE = Seed(
    aws=AwsSeed(
        pace={"read": CallRate(burst=1000, per_s=100)},
        clusters=tuple(
            EksCluster(
                name=f"shop-{each}",
                nodegroups=tuple(EksNodegroup(name=f"pool-{number}", desired=1) for number in range(POOLS)),
            )
            for each in range(CLUSTERS)
        ),
    ),
    azure=AzureSeed(
        clusters=tuple(
            AksCluster(
                name=f"shop-{each}",
                pools=(
                    AksPool(name="system", mode="System", count=1),
                    *(AksPool(name=f"pool{number}", count=1) for number in range(POOLS - 1)),
                ),
            )
            for each in range(CLUSTERS)
        )
    ),
    gcp=GcpSeed(
        clusters=tuple(
            GkeCluster(
                name=f"shop-{each}",
                pools=tuple(GkePool(name=f"pool-{number}") for number in range(POOLS)),
            )
            for each in range(CLUSTERS)
        )
    ),
)

COSTS: dict[Cloud, tuple[Callable[[int], ClusterRef], dict[str, int], dict[str, int]]] = {
    # where a cluster is, the calls of a FULL read, those of a SIZES read after it
    Cloud.AWS: (
        lambda each: ClusterRef(cloud=Cloud.AWS, location="us-east-1", name=f"shop-{each}"),
        {"ListNodegroups": CLUSTERS, "DescribeNodegroup": CLUSTERS * POOLS, "DescribeAutoScalingGroups": 2},
        {"DescribeAutoScalingGroups": 2},  # 180 groups, a hundred in a call
    ),
    Cloud.AZURE: (
        lambda each: ClusterRef(cloud=Cloud.AZURE, owner=SUBSCRIPTION, group="shop", name=f"shop-{each}"),
        {"AgentPools_List": CLUSTERS},
        {"AgentPools_List": CLUSTERS},
    ),
    Cloud.GCP: (
        lambda each: ClusterRef(cloud=Cloud.GCP, owner=PROJECT, location="europe-west1", name=f"shop-{each}"),
        {"instanceGroupManagers.aggregatedList": 2, "ListOperations": 1, "ListNodePools": CLUSTERS},
        {"instanceGroupManagers.aggregatedList": 2},  # 540 groups of 180 pools, five hundred a page
    ),
}


def last(lab: LabThread) -> int:
    return max((int(str(entry["seq"])) for entry in lab.journal()), default=0)


@pytest.mark.parametrize("cloud", COSTS, ids=str)
def test_what_a_read_costs(cloud: Cloud) -> None:
    where, full, sizes = COSTS[cloud]
    clusters = [where(each) for each in range(CLUSTERS)]
    with LabThread(LARGE) as lab:
        door = open_on_lab(cloud, lab.document, secret_of(cloud, lab.document), Fence())
        for detail, cost in ((Detail.FULL, full), (Detail.SIZES, sizes)):
            since = last(lab)
            told = door.node_pools.list(clusters, detail=detail)
            assert [len(pools) for pools in told.values() if not isinstance(pools, CloudError)] == [POOLS] * CLUSTERS
            found = [
                entry
                for entry in lab.journal(since)
                if entry["cloud"] == str(cloud) and str(entry["operation"]) in {*full, *sizes}
            ]
            assert dict(Counter(str(entry["operation"]) for entry in found)) == cost


def spot_seed() -> Seed:
    """The usual clusters with one spot pool each, of the usual name."""
    return Seed(
        aws=AwsSeed(
            clusters=(EksCluster(name="shop-prod", nodegroups=(EksNodegroup(name="web", capacity_type="SPOT"),)),)
        ),
        azure=AzureSeed(
            clusters=(
                AksCluster(
                    name="shop-prod",
                    pools=(
                        AksPool(name="system", mode="System", count=1),
                        AksPool(name="web", scale_set_priority="Spot"),
                    ),
                ),
            )
        ),
        gcp=GcpSeed(
            clusters=(
                GkeCluster(
                    name="shop-batch",
                    location="europe-west1-b",
                    zones=("europe-west1-b",),
                    pools=(GkePool(name="web", node_count=4, spot=True),),
                ),
            )
        ),
    )


SEEDS: Sequence[tuple[Seed | None, CapacityType]] = ((None, CapacityType.ON_DEMAND), (spot_seed(), CapacityType.SPOT))


@pytest.mark.parametrize(("seed", "capacity"), SEEDS, ids=["on-demand", "spot"])
def test_every_cloud_tells_what_its_machines_are(seed: Seed | None, capacity: CapacityType) -> None:
    with LabThread(seed) as lab:
        assert [ground.read(ground.door(lab, Fence())).capacity_type for ground in GROUNDS] == [capacity] * 3
