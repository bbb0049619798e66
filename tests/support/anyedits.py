"""Many pools at once in one World, each with any spec on node pools of its own: what became of every wish.

The specs come from `anyobjects`; here they are bound to node pools that exist (most of the time), and times and sizes are
kept small enough for an end to be seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

from multicloud.kinds.parse import InvalidSpec, pool_spec
from multicloud_lab.core.seed import (
    AksCluster,
    AksPool,
    AwsSeed,
    AzureSeed,
    EksCluster,
    EksNodegroup,
    GcpSeed,
    GkeCluster,
    GkePool,
    Seed,
)
from support.anyobjects import Json, kind_named, object_of, specs
from support.world import World

SLOTS = 20
FOUND_NODES = 2
CLUSTERS = ("c0", "c1")
POOL = kind_named("MultiCloudPool")
BLOCK_OF = {"aws": "eks", "azure": "aks", "gcp": "gke"}
MOST: Mapping[str, int] = {
    "replicas": 24,
    "minReplicas": 12,
    "maxReplicas": 24,
    "minNodes": 3,
    "maxNodes": 8,
    "unitsPerNode": 3,
    "scaleDownDelaySeconds": 60,
    "stepPauseSeconds": 30,
    "holdSeconds": 120,
    "provisionTimeoutSeconds": 600,
    "lockTimeoutSeconds": 120,
    "backoffSeconds": 60,
    "maxBackoffSeconds": 120,
    "unreachableAfterSeconds": 300,
    "returnAfterSeconds": 300,
}
"""The most of what decides how long a case takes."""
SAYS_WHY = frozenset(
    {
        "AboveBound",
        "AdoptionPending",
        "ApprovalRequired",
        "AutoscalerOn",
        "CapacityLimited",
        "CostCeilingReached",
        "Drifted",
        "ForeignScaler",
        "OverrideInvalid",
        "Paused",
        "Stalled",
        "UnsafeToShrink",
    }
)
"""Conditions that are True where something keeps a wish from being met."""


def is_taken(spec: Json) -> bool:
    """True when the API server would take the spec; tests/cluster shows that our parser judges alike."""
    try:
        pool_spec(object_of(POOL, "any", spec))
    except InvalidSpec:
        return False
    return True


_TAKEN = specs(POOL, MOST).filter(is_taken)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Two specs of one pool: what it starts with, and what it is edited to."""

    before: Json
    after: Json
    plain: bool


_AT_ONCE: Json = {"maxUnavailablePercent": 100, "maxNodesPerStep": 20, "stepPauseSeconds": 0}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any two specs. `plain` ones depend on nothing but themselves, so that their ends can be compared."""
    plain = draw(st.booleans() | st.just(value=True))
    before, after = (draw(_TAKEN) for _ in range(2))
    return (
        Case(before=_plain(before), after=_plain(after), plain=True)
        if plain
        else Case(before=before, after=after, plain=False)
    )


def _plain(spec: Json) -> Json:
    """The spec without what depends on history, on consent or on the hour; its members can be sized."""
    members = {_cloud(member): _sizable(member) for member in spec["members"]}
    disruption = {name: value for name, value in spec.get("disruption", {}).items() if name != "windows"} | _AT_ONCE
    fixed = {"replicas": spec.get("replicas", 7), "adoption": "Apply", "mode": "Apply", "paused": False}
    allocation = _without_money(spec.get("allocation", {}))
    return {**spec, **fixed, "members": list(members.values()), "disruption": disruption, "allocation": allocation}


def _sizable(member: Json) -> Json:
    left = {name: value for name, value in member.items() if name not in {"capacityType", "providerAutoscaling"}}
    # A drained member never takes back what it gave, a frozen one keeps what it has.
    return {**left, "state": "Active"} if "state" in left else left


def _without_money(allocation: Json) -> Json:
    """The same with what pools keep because of what they once cost left out."""
    kept = {name: value for name, value in allocation.items() if name not in {"maxHourlyCost", "moveWhenSaving"}}
    return {**kept, "strategy": "Weighted"} if kept.get("strategy") == "Cost" else kept


def _cloud(member: Json) -> str:
    return next(cloud for cloud, block in BLOCK_OF.items() if block in member)


def bound_to(spec: Json, slot: int, chance: Random, *, mistakes: bool) -> Json:
    """The spec with members on the slot's node pools; with mistakes one in ten names something that does not exist."""
    members = []
    for member in spec["members"]:
        cloud = _cloud(member)
        others = {
            name: value for name, value in member.items() if name not in {*BLOCK_OF.values(), "kubeconfigSecretRef"}
        }
        mistaken = mistakes and chance.random() < 0.1
        account = "nobody" if mistaken and chance.random() < 0.5 else cloud
        node_pool = "nowhere" if mistaken and account == cloud else f"n{slot}"
        members.append({**others, "accountRef": {"name": account}, BLOCK_OF[cloud]: _block(cloud, slot, node_pool)})
    return {**spec, "members": members}


def _block(cloud: str, slot: int, node_pool: str) -> dict[str, str]:
    cluster = CLUSTERS[slot % len(CLUSTERS)]
    match cloud:
        case "aws":
            return {"cluster": cluster, "region": "us-east-1", "nodeGroup": node_pool}
        case "azure":
            return {"resourceGroup": "shop", "cluster": cluster, "agentPool": node_pool}
        case _:
            return {"location": "europe-west1-b", "cluster": cluster, "nodePool": node_pool}


def seed_of(chance: int) -> Seed:
    """The lab's seed: a node pool of every cloud for each slot."""
    slots = {name: [slot for slot in range(SLOTS) if slot % len(CLUSTERS) == at] for at, name in enumerate(CLUSTERS)}
    zone = "europe-west1-b"
    return Seed(
        random=chance,
        aws=AwsSeed(
            clusters=tuple(
                EksCluster(name=name, nodegroups=tuple(EksNodegroup(name=f"n{s}", desired=FOUND_NODES) for s in mine))
                for name, mine in slots.items()
            )
        ),
        azure=AzureSeed(
            clusters=tuple(
                AksCluster(
                    name=name,
                    pools=(
                        AksPool(name="system", mode="System", count=1),
                        *(AksPool(name=f"n{s}", count=FOUND_NODES) for s in mine),
                    ),
                )
                for name, mine in slots.items()
            )
        ),
        gcp=GcpSeed(
            clusters=tuple(
                GkeCluster(
                    name=name,
                    location=zone,
                    zones=(zone,),
                    pools=tuple(GkePool(name=f"n{s}", node_count=FOUND_NODES) for s in mine),
                )
                for name, mine in slots.items()
            )
        ),
    )


def is_met(world: World, name: str) -> bool:
    """True when a pool has what it wishes: as many units as whole nodes allow, nothing that binds, nothing to report."""
    spec, status = world.spec(name), world.status(name)
    wish, desired, units = spec.get("replicas"), status.get("desiredReplicas"), status.get("replicas")
    clamped = None if wish is None else max(spec["minReplicas"], min(spec["maxReplicas"], wish))
    # A whole node more than wished may be the smallest that reaches it.
    largest = max(member.get("unitsPerNode", 1) for member in spec["members"])
    return desired is not None and clamped in {None, desired} and desired <= (units or 0) < desired + largest


def is_at_rest(world: World, name: str) -> bool:
    """True when every member has the size that it should have, whether or not the bounds let the wish be met."""
    return {member["reason"] for member in world.status(name).get("members", ())} == {"AsWished"}


def is_told(world: World, name: str) -> bool:
    """True when the status says why a wish is not met."""
    status = world.status(name)
    conditions = {each["type"]: each for each in status.get("conditions", ())}
    unhealthy = any(conditions[kind]["status"] != "True" for kind in ("Ready", "MembersHealthy") if kind in conditions)
    bound = any(kind in SAYS_WHY and each["status"] == "True" for kind, each in conditions.items())
    return bool(status.get("limitedBy")) or unhealthy or bound


def sizes(world: World, name: str) -> Mapping[str, int | None]:
    """The sizes of a pool's members, as its status shows them."""
    return {member["name"]: member["requestedNodes"] for member in world.status(name)["members"]}


def edits(case_from: Mapping[str, Any], case_to: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    """The fields that differ, one edit each; None takes a field away."""
    names = [name for name in {**case_from, **case_to} if case_from.get(name) != case_to.get(name)]
    return [{name: case_to.get(name)} for name in names]
