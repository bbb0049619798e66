"""Any two specs of one pool, with annotations: what it starts with, and what it is edited to.

The specs come from `anyobjects`; here they are bound to node pools that exist (most of the time), and times and sizes are
kept small enough for an end to be seen. `anyends` tells what became of them.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

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
    Span,
    Timings,
)
from support.anyaccounts import SPARE
from support.anynotes import MEMBERS, notes
from support.anyobjects import Json, Kind, Narrowed, Texts, kind_named, object_of, specs
from support.world import NAMESPACE

SLOTS = 50
"""Pools in one World."""
FOUND_NODES = 2
CLUSTERS = ("c0", "c1", "c2", "c3", "c4")
POOL = kind_named("MultiCloudPool")
BLOCK_OF = {"aws": "eks", "azure": "aks", "gcp": "gke"}
_MOST: Mapping[str, int] = {
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
_TEXTS: Texts = {
    "name": MEMBERS,
    "currency": ("USD", "EUR"),
    "hourlyPrice": ("0", "0.0416", "0.096", "1.5"),
    "maxHourlyCost": ("0", "1.2", "120.00"),
    # Where a member is comes from `bound_to`.
    "cluster": ("c0",),
    "region": ("us-east-1",),
    "nodeGroup": ("web",),
    "resourceGroup": ("shop",),
    "agentPool": ("web",),
    "subscriptionId": ("00000000-0000-0000-0000-000000000001",),
    "location": ("europe-west1-b",),
    "nodePool": ("web",),
    "project": ("shop-prod-1",),
}
"""Texts that say something to the lab, or whose letters `tests/cluster/crds` tries."""
_TIMINGS = Timings(
    boot=Span(min=5, max=30),
    drain_s=5,
    eks_update=Span(min=10, max=20),
    aks_operation=Span(min=5, max=15),
    gke_operation=Span(min=5, max=15),
)
"""Quick, for a cluster of Azure's or Google's changes one node pool at a time."""


def body_of(kind: Kind, name: str, draft: Json) -> Json:
    """The object of a draft: a spec with annotations beside it. An annotation has a slash in its name."""
    spec = {field: copy.deepcopy(value) for field, value in draft.items() if "/" not in field}
    body = object_of(kind, name, spec, namespace=NAMESPACE)
    body["metadata"]["annotations"] = {field: value for field, value in draft.items() if "/" in field}
    return body


def is_taken(draft: Json) -> bool:
    """True when the API server would take the pool; tests/cluster shows that our parser judges alike."""
    try:
        pool_spec(body_of(POOL, "any", draft))
    except InvalidSpec:
        return False
    return True


_TAKEN = specs(POOL, Narrowed(most=_MOST, texts=_TEXTS)).filter(is_taken)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Two drafts of one pool: what it starts with, and what it is edited to."""

    before: Json
    after: Json
    plain: bool


_AT_ONCE: Json = {"maxUnavailablePercent": 100, "maxNodesPerStep": 20, "stepPauseSeconds": 0}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any two drafts. `plain` ones depend on nothing but themselves, so that their ends can be compared."""
    plain = draw(st.booleans() | st.just(value=True))
    before, after = ({**draw(_TAKEN), **draw(notes(plain=plain))} for _ in range(2))
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
    """The spec with members on the slot's node pools; with mistakes one in ten names something that does not exist.

    With mistakes every other member also belongs to an account that is edited meanwhile.
    """
    members = []
    for member in spec["members"]:
        cloud = _cloud(member)
        others = {
            name: value for name, value in member.items() if name not in {*BLOCK_OF.values(), "kubeconfigSecretRef"}
        }
        mistaken = mistakes and chance.random() < 0.1
        account = cloud if not mistakes or chance.random() < 0.5 else f"{cloud}-{chance.randrange(SPARE)}"
        if mistaken and chance.random() < 0.5:
            account = "nobody"
        node_pool = "nowhere" if mistaken and account != "nobody" else f"n{slot}"
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
        timings=_TIMINGS,
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


def edits(case_from: Json, case_to: Json) -> Sequence[Json]:
    """The fields and annotations that differ, one edit each; None takes one away."""
    names = [name for name in {**case_from, **case_to} if case_from.get(name) != case_to.get(name)]
    return [{name: case_to.get(name)} for name in names]
