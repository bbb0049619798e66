"""A large seed: clusters spread evenly over the three clouds, equal pools in each."""

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

REGIONS = ("us-east-1", "us-east-2", "us-west-1", "us-west-2")
ZONES = ("europe-west1-b", "europe-west2-b", "europe-west3-b", "europe-west4-b")
"""Where clusters are, one after the other; AKS is asked without a place."""

UNHINDERED = CallRate(burst=10**9, per_s=10**6)
"""A rate that no client reaches: the lab's own speed is measured, not its throttling."""

KINDS = {
    "aws": ("read", "write"),
    "azure": ("armRead", "armWrite", "getCluster", "operationStatus", "other", "putPool"),
    "gcp": ("container", "compute"),
}


def fleet_seed(clusters: int, pools: int, nodes: int, places: int = 1) -> Seed:
    """Return a seed of that many clusters, pools in each, nodes in each pool, over so many regions (1 to 4)."""
    aws, azure, gcp = ((clusters + 2 - cloud) // 3 for cloud in range(3))
    names = [f"pool{number}" for number in range(pools)]
    pace = {cloud: dict.fromkeys(kinds, UNHINDERED) for cloud, kinds in KINDS.items()}
    groups = tuple(EksNodegroup(name=name, desired=nodes) for name in names)
    # The first one is the System pool that every AKS cluster has.
    agents = tuple(AksPool(name=name, count=nodes, mode="User" if at else "System") for at, name in enumerate(names))
    node_pools = tuple(GkePool(name=name, node_count=nodes) for name in names)
    return Seed(
        aws=AwsSeed(
            pace=pace["aws"],
            clusters=tuple(EksCluster(name=f"c{i}", region=REGIONS[i % places], nodegroups=groups) for i in range(aws)),
        ),
        azure=AzureSeed(
            pace=pace["azure"], clusters=tuple(AksCluster(name=f"c{i}", pools=agents) for i in range(azure))
        ),
        gcp=GcpSeed(
            pace=pace["gcp"],
            clusters=tuple(
                GkeCluster(name=f"c{i}", location=zone, zones=(zone,), pools=node_pools)
                for i in range(gcp)
                for zone in (ZONES[i % places],)
            ),
        ),
    )
