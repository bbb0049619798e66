"""Twenty pools on shared clusters, each a little different, and the node pools that nobody names.

Who lives here: pools on one, two and three clouds, by weight and by priority, with large nodes and small steps, on spot
machines, taken over with and without consent; one that is paused, one that only plans, one with a frozen member, two
whose node pools have an autoscaler of their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from multicloud_lab.core.seed import (
    AksCluster,
    AksPool,
    AwsSeed,
    AzureSeed,
    EksCluster,
    EksNodegroup,
    GcpSeed,
    GkeAutoscaling,
    GkeCluster,
    GkePool,
    Seed,
    Span,
    Timings,
)

CloudName = Literal["aws", "azure", "gcp"]
CLOUDS: Sequence[CloudName] = ("aws", "azure", "gcp")
ZONE = "europe-west1-b"
FOUND_NODES = 3
CLOUD_MOST = 24
"""The most nodes that an EKS node group's own range allows."""
STRANGER = "stranger"
"""A node pool of every cluster that no object names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A node pool, as the lab's journal names it."""

    cloud: str
    cluster: str
    node_pool: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What one pool is like: the clouds of its members, what differs in spec and in every member, its cluster."""

    clouds: Sequence[CloudName]
    spec: Mapping[str, Any] = field(default_factory=dict)
    member: Mapping[str, Any] = field(default_factory=dict)
    spot: bool = False
    autoscaled: bool = False

    @property
    def acts(self) -> bool:
        """True when the operator may do something about every member."""
        closed = {"mode", "paused"} & self.spec.keys() or "state" in self.member
        return not closed and not self.autoscaled


_QUICK: Mapping[str, Any] = {
    "maxNodesPerStep": 5,
    "maxUnavailablePercent": 50,
    "stepPauseSeconds": 60,
    "scaleDownDelaySeconds": 0,
}
_STEP: Mapping[str, Any] = {"maxNodesPerStep": 2, "maxUnavailablePercent": 100, "scaleDownDelaySeconds": 60}
_WINDOW: Mapping[str, Any] = {
    **_QUICK,
    "windows": [{"schedule": "30 * * * *", "timeZone": "UTC", "durationSeconds": 1200, "allow": ["ScaleDown"]}],
}
_PRIORITY: Mapping[str, Any] = {"allocation": {"strategy": "Priority"}}
_REPLACE: Mapping[str, Any] = {"failover": {"whenUnreachable": "Replace"}}

KINDS: Sequence[Kind] = (
    Kind(clouds=CLOUDS),
    Kind(clouds=CLOUDS, spec={"adoption": "Apply"}),
    Kind(clouds=CLOUDS, spec={"adoption": "Apply", **_PRIORITY, **_REPLACE}),
    Kind(clouds=CLOUDS, spec={"adoption": "Apply", "disruption": _STEP}, member={"unitsPerNode": 3}),
    Kind(clouds=("aws", "azure"), spec={"adoption": "Apply", "disruption": _WINDOW}),
    Kind(clouds=("azure", "gcp"), spec={"adoption": "Apply", **_REPLACE}),
    Kind(clouds=("aws", "gcp"), spec={"adoption": "Apply", "disruption": _STEP}),
    Kind(clouds=("aws", "azure"), spec=_PRIORITY),
    Kind(clouds=("azure", "gcp"), spec={"disruption": _STEP}),
    Kind(clouds=("aws", "gcp"), spec={"adoption": "Apply"}, spot=True),
    Kind(clouds=("azure", "gcp"), spec={"adoption": "Apply", **_PRIORITY}, spot=True),
    Kind(clouds=("aws", "azure"), spec={"adoption": "Apply"}, member={"unitsPerNode": 2, "weight": 3}),
    Kind(clouds=("aws", "gcp"), spec={"adoption": "Apply", "mode": "Plan"}),
    Kind(clouds=("aws", "azure"), spec={"adoption": "Apply", "paused": True}),
    Kind(clouds=("azure", "gcp"), spec={"adoption": "Apply"}, member={"state": "Frozen"}),
    Kind(clouds=("azure", "gcp"), spec={"adoption": "Apply"}, autoscaled=True),
    Kind(clouds=("aws",), spec={"adoption": "Apply"}, member={"cloudRange": "Widen"}),
    Kind(clouds=("azure",), spec={"adoption": "Apply", "disruption": {}}),
    Kind(clouds=("gcp",), spec={"adoption": "Apply"}),
    Kind(clouds=("aws",)),
)
"""By number: pool-0, pool-1 and so on. Even ones live in the clusters c0, odd ones in c1."""


def name_of(number: int) -> str:
    return f"pool-{number}"


def place_of(number: int, cloud: str) -> Place:
    """Where a pool's member of that cloud is."""
    return Place(cloud=cloud, cluster=f"c{number % 2}", node_pool=f"pool{number}")


def body_of(number: int) -> tuple[str, dict[str, Any]]:
    """Name and spec of a pool, for `World.pool`."""
    kind = KINDS[number]
    spec: dict[str, Any] = {
        "replicas": 4 * len(kind.clouds),
        "minReplicas": 2 * len(kind.clouds),
        "maxReplicas": 10 * len(kind.clouds),
        "disruption": _QUICK,
        "members": [_member(number, order, cloud) for order, cloud in enumerate(kind.clouds)],
    }
    return name_of(number), {**spec, **kind.spec}


def _member(number: int, order: int, cloud: str) -> dict[str, Any]:
    kind, place = KINDS[number], place_of(number, cloud)
    blocks: dict[str, dict[str, Any]] = {
        "aws": {"eks": {"cluster": place.cluster, "region": "us-east-1", "nodeGroup": place.node_pool}},
        "azure": {"aks": {"resourceGroup": "shop", "cluster": place.cluster, "agentPool": place.node_pool}},
        "gcp": {"gke": {"location": _location(place.cluster), "cluster": place.cluster, "nodePool": place.node_pool}},
    }
    return {
        "name": cloud,
        "accountRef": {"name": cloud},
        "minNodes": 0,
        "maxNodes": 16,
        "priority": -order,
        "capacityType": "Spot" if kind.spot else "OnDemand",
        **blocks[cloud],
        **(kind.member if order == 0 or "state" not in kind.member else {}),
    }


def _location(cluster: str) -> str:
    return ZONE if cluster == "c0" else "europe-west1"


def seed_of(chance: int) -> Seed:
    """The lab's seed: two clusters in each cloud, of which Google's second one spreads every pool over three zones."""
    return Seed(
        random=chance,
        timings=Timings(drain_s=30, boot=Span(min=40, max=180)),
        aws=AwsSeed(
            clusters=tuple(EksCluster(name=name, nodegroups=_groups(at)) for at, name in enumerate(("c0", "c1")))
        ),
        azure=AzureSeed(
            clusters=tuple(AksCluster(name=name, pools=_agents(at)) for at, name in enumerate(("c0", "c1")))
        ),
        gcp=GcpSeed(
            clusters=(
                GkeCluster(name="c0", location=ZONE, zones=(ZONE,), pools=_node_pools(0, FOUND_NODES)),
                GkeCluster(name="c1", pools=_node_pools(1, 1)),
            )
        ),
    )


def zones_of(place: Place) -> int:
    """How many zones a node pool has whose sizes are multiples of their number."""
    return 3 if place.cloud == "gcp" and place.cluster == "c1" else 1


def _numbers(cloud: str, cluster: int) -> list[int]:
    return [number for number, kind in enumerate(KINDS) if cloud in kind.clouds and number % 2 == cluster]


def _groups(cluster: int) -> tuple[EksNodegroup, ...]:
    named = tuple(
        EksNodegroup(
            name=f"pool{number}",
            desired=FOUND_NODES,
            max=CLOUD_MOST,
            capacity_type="SPOT" if KINDS[number].spot else "ON_DEMAND",
        )
        for number in _numbers("aws", cluster)
    )
    return (*named, EksNodegroup(name=STRANGER, desired=1, max=CLOUD_MOST))


def _agents(cluster: int) -> tuple[AksPool, ...]:
    named = tuple(
        AksPool(
            name=f"pool{number}",
            count=FOUND_NODES,
            scale_set_priority="Spot" if KINDS[number].spot else "Regular",
            **_range(number),
        )
        for number in _numbers("azure", cluster)
    )
    return (AksPool(name="system", mode="System", count=1), *named, AksPool(name=STRANGER, count=1))


def _range(number: int) -> dict[str, Any]:
    return {"enable_auto_scaling": True, "min_count": 1, "max_count": 8} if KINDS[number].autoscaled else {}


def _node_pools(cluster: int, per_zone: int) -> tuple[GkePool, ...]:
    named = tuple(
        GkePool(
            name=f"pool{number}",
            node_count=per_zone,
            spot=KINDS[number].spot,
            autoscaling=GkeAutoscaling(min_node_count=0, max_node_count=8) if KINDS[number].autoscaled else None,
        )
        for number in _numbers("gcp", cluster)
    )
    return (*named, GkePool(name=STRANGER, node_count=per_zone))
