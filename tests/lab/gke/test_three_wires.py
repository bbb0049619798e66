"""The same script over gRPC, the SDK's REST transport and plain REST: the same answers, the same journal."""

from collections.abc import Callable
from typing import Any

import pytest

from multicloud_lab.core.capacity import Limit
from multicloud_lab.core.faultkinds import (
    Answer,
    Deny,
    OperationFail,
    OperationForgotten,
    OperationStuck,
    Partial,
    Preempt,
    StaleRead,
    Throttle,
)
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.core.hands import Hands
from multicloud_lab.thread import LabThread
from support.gkewires import WIRES, Refused, Wire, token_of

LOCATIONS = "projects/shop-prod-1/locations"
REGIONAL = f"{LOCATIONS}/europe-west1/clusters/shop-prod"
ZONAL = f"{LOCATIONS}/europe-west1-b/clusters/shop-batch"
WEB = f"{REGIONAL}/nodePools/web"
ZONAL_WEB = f"{ZONAL}/nodePools/web"
LONG_S = 400.0
PRINCIPAL = "lab@shop-prod-1.iam.gserviceaccount.com"


def refused(wire: Wire, operation: str, **request: object) -> tuple[str, str, str]:
    with pytest.raises(Refused) as caught:
        wire(operation, **request)
    return (caught.value.code, caught.value.message, caught.value.reason)


def track(lab: LabThread, wire: Wire, operation: dict[str, Any], location: str = "europe-west1") -> dict[str, Any]:
    lab.advance(LONG_S)
    return wire("GetOperation", name=f"{LOCATIONS}/{location}/operations/{operation['name']}")


def fault(lab: LabThread, action: Any, **match: Any) -> None:
    lab.run(lambda inner: inner.faults.place(Fault(action=action, match=Match(**match), times=1)))


def hands(lab: LabThread, act: Callable[[Hands], object]) -> None:
    lab.run(lambda inner: act(Hands(inner)))


def a_resize(lab: LabThread, wire: Wire) -> object:
    operation = wire("SetNodePoolSize", name=WEB, nodeCount=3)
    pending = (operation["status"], operation["operationType"], wire("GetNodePool", name=WEB)["status"])
    done = track(lab, wire, operation)
    return [pending, done["status"], wire("GetNodePool", name=WEB)["initialNodeCount"], done]


def to_zero_and_back(lab: LabThread, wire: Wire) -> object:
    seen = []
    for count in (0, 2):
        track(lab, wire, wire("SetNodePoolSize", name=WEB, nodeCount=count))
        seen.append(wire("GetNodePool", name=WEB).get("initialNodeCount", 0))
    return seen


def conflicts(lab: LabThread, wire: Wire) -> object:
    wire("SetNodePoolSize", name=WEB, nodeCount=3)
    return [
        refused(wire, "SetNodePoolSize", name=WEB, nodeCount=5),
        refused(wire, "DeleteNodePool", name=f"{REGIONAL}/nodePools/batch"),
        refused(wire, "CreateNodePool", parent=REGIONAL, nodePool={"name": "more", "initialNodeCount": 1}),
    ]


def refusals(lab: LabThread, wire: Wire) -> object:
    return [
        refused(wire, "SetNodePoolSize", name=WEB, nodeCount=1001),
        refused(wire, "SetNodePoolSize", name=WEB, nodeCount=-1),
        refused(wire, "SetNodePoolSize", name=f"{REGIONAL}/nodePools/nobody", nodeCount=1),
        refused(wire, "GetCluster", name="projects/nobody/locations/europe-west1/clusters/c"),
        refused(wire, "SetNodePoolAutoscaling", name=WEB, autoscaling={"maxNodeCount": 3, "totalMaxNodeCount": 9}),
        refused(wire, "CreateNodePool", parent=REGIONAL, nodePool={"name": "Bad Name"}),
        refused(wire, "CreateNodePool", parent=REGIONAL, nodePool={"name": "web"}),
        refused(wire, "CreateNodePool", parent=REGIONAL, nodePool={"name": "new", "locations": ["us-east1-b"]}),
        refused(wire, "UpdateNodePool", name=WEB),
        refused(wire, "CancelOperation", name=f"{LOCATIONS}/europe-west1/operations/operation-1"),
        refused(wire, "DeleteCluster", name=REGIONAL),
    ]


def autoscaling_of_a_pool(lab: LabThread, wire: Wire) -> object:
    block = {"enabled": True, "minNodeCount": 1, "maxNodeCount": 5}
    track(lab, wire, wire("SetNodePoolAutoscaling", name=WEB, autoscaling=block))
    seen = [wire("GetNodePool", name=WEB)["autoscaling"]]
    hands(lab, lambda each: each.autoscale("gcp", "shop-prod", "web", 8))
    seen.append(wire("GetNodePool", name=WEB)["initialNodeCount"])
    track(lab, wire, wire("SetNodePoolAutoscaling", name=WEB, autoscaling={"enabled": False}))
    return [*seen, wire("GetNodePool", name=WEB).get("autoscaling")]


def a_pool_comes_and_goes(lab: LabThread, wire: Wire) -> object:
    settings = {
        "name": "extra",
        "initialNodeCount": 2,
        "config": {
            "machineType": "n2-standard-8",
            "diskSizeGb": 200,
            "taints": [{"key": "a", "effect": "NO_SCHEDULE"}],
        },
        "autoscaling": {"enabled": True, "totalMaxNodeCount": 12},
    }
    created = wire("CreateNodePool", parent=REGIONAL, nodePool=settings)
    extra = f"{REGIONAL}/nodePools/extra"
    first = wire("GetNodePool", name=extra)
    made = track(lab, wire, created)
    second = wire("GetNodePool", name=extra)
    gone = track(lab, wire, wire("DeleteNodePool", name=extra))
    return [created["operationType"], first, made["status"], second, gone, refused(wire, "GetNodePool", name=extra)]


def an_update_with_an_etag(lab: LabThread, wire: Wire) -> object:
    etag = wire("GetNodePool", name=WEB)["etag"]
    stale = refused(wire, "UpdateNodePool", name=WEB, etag="00000000", labels={"labels": {"a": "b"}})
    track(lab, wire, wire("UpdateNodePool", name=WEB, etag=etag, labels={"labels": {"team": "shop"}}))
    again = refused(wire, "UpdateNodePool", name=WEB, etag=etag, labels={"labels": {}})
    return [stale, again, wire("GetNodePool", name=WEB)["config"]]


def a_cancelled_resize(lab: LabThread, wire: Wire) -> object:
    operation = wire("SetNodePoolSize", name=WEB, nodeCount=9)
    lab.advance(10)
    name = f"{LOCATIONS}/europe-west1/operations/{operation['name']}"
    wire("CancelOperation", name=name)
    aborting = wire("GetOperation", name=name)["status"]
    done = track(lab, wire, operation)
    pool = wire("GetNodePool", name=WEB)
    late = refused(wire, "CancelOperation", name=name)
    return [aborting, done["status"], done["error"], pool["initialNodeCount"], pool["status"], late]


def lists(lab: LabThread, wire: Wire) -> object:
    wire("SetNodePoolSize", name=ZONAL_WEB, nodeCount=6)
    return [
        wire("ListClusters", parent=f"{LOCATIONS}/-"),
        wire("ListNodePools", parent=ZONAL),
        wire("ListOperations", parent=f"{LOCATIONS}/-"),
        wire("GetServerConfig", name=f"{LOCATIONS}/europe-west1"),
    ]


def permission_taken(lab: LabThread, wire: Wire) -> object:
    lab.run(lambda inner: inner.permissions.deny(PRINCIPAL, "container.clusters.update"))
    denied = refused(wire, "SetNodePoolSize", name=WEB, nodeCount=3)
    lab.run(lambda inner: inner.permissions.restore(PRINCIPAL))
    return [denied, wire("SetNodePoolSize", name=WEB, nodeCount=3)["status"]]


def answers_of_faults(lab: LabThread, wire: Wire) -> object:
    seen = []
    for action in (
        Throttle(),
        Deny(),
        Answer(status=503, code="UNAVAILABLE", message="try again"),
        Answer(status=429, code="RATE_LIMIT_EXCEEDED", message="slowly"),
        Answer(status=409, code="ABORTED", message="raced"),
    ):
        fault(lab, action, operation="SetNodePoolSize")
        seen.append(refused(wire, "SetNodePoolSize", name=WEB, nodeCount=3))
    return [seen, wire("GetNodePool", name=WEB)["initialNodeCount"]]


def operations_that_fail(lab: LabThread, wire: Wire) -> object:
    seen: list[object] = []
    for action in (OperationFail(code="INTERNAL", message="broken"), Preempt(), Partial(nodes=2)):
        fault(lab, action, operation="SetNodePoolSize")
        done = track(lab, wire, wire("SetNodePoolSize", name=ZONAL_WEB, nodeCount=9), "europe-west1-b")
        pool = wire("GetNodePool", name=ZONAL_WEB)
        seen.append((done["status"], done["error"], pool["status"], pool["initialNodeCount"]))
    track(lab, wire, wire("SetNodePoolSize", name=ZONAL_WEB, nodeCount=9), "europe-west1-b")
    return [seen, wire("GetNodePool", name=ZONAL_WEB)["status"]]


def operations_that_vanish(lab: LabThread, wire: Wire) -> object:
    fault(lab, OperationForgotten())
    forgotten = wire("SetNodePoolSize", name=ZONAL_WEB, nodeCount=9)
    name = f"{LOCATIONS}/europe-west1-b/operations/{forgotten['name']}"
    unknown = refused(wire, "GetOperation", name=name)
    lab.advance(LONG_S)
    fault(lab, OperationStuck())
    stuck = wire("SetNodePoolSize", name=ZONAL_WEB, nodeCount=3)
    lab.advance(10 * LONG_S)
    held = wire("GetOperation", name=f"{LOCATIONS}/europe-west1-b/operations/{stuck['name']}")["status"]
    return [unknown, held, refused(wire, "SetNodePoolSize", name=ZONAL_WEB, nodeCount=4)]


def a_stockout_of_one_zone(lab: LabThread, wire: Wire) -> object:
    lab.run(lambda inner: inner.capacity.set_free("gcp", "europe-west1-c", None, 0))
    done = track(lab, wire, wire("SetNodePoolSize", name=WEB, nodeCount=3))
    short = wire("GetNodePool", name=WEB)
    lab.run(lambda inner: inner.capacity.set_free("gcp", "europe-west1-c", None, None))
    lab.advance(LONG_S)
    return [done["error"], short["status"], short["conditions"], wire("GetNodePool", name=WEB)["status"]]


def a_quota(lab: LabThread, wire: Wire) -> object:
    def limit(inner: Any) -> None:
        inner.quotas.set_limit("gcp", "shop-prod-1", "europe-west1", Limit(vcpus=72))

    lab.run(limit)
    return refused(wire, "SetNodePoolSize", name=WEB, nodeCount=9)


def an_upgrade_by_hand(lab: LabThread, wire: Wire) -> object:
    hands(lab, lambda each: each.upgrade("gcp", "shop-prod", "web", 3600))
    lab.advance(1800)
    busy = refused(wire, "SetNodePoolSize", name=f"{REGIONAL}/nodePools/batch", nodeCount=2)
    lab.advance(1800)
    return [busy, wire("SetNodePoolSize", name=WEB, nodeCount=2)["status"]]


def stale_reads(lab: LabThread, wire: Wire) -> object:
    lab.run(lambda inner: inner.faults.place(Fault(action=StaleRead(seconds=60))))
    seen = [wire("GetNodePool", name=WEB)["initialNodeCount"]]
    wire("SetNodePoolSize", name=WEB, nodeCount=5)
    seen.append(wire("GetNodePool", name=WEB)["initialNodeCount"])
    lab.advance(61)
    return [*seen, wire("GetNodePool", name=WEB)["initialNodeCount"]]


SCRIPTS = [
    a_resize,
    to_zero_and_back,
    conflicts,
    refusals,
    autoscaling_of_a_pool,
    a_pool_comes_and_goes,
    an_update_with_an_etag,
    a_cancelled_resize,
    lists,
    permission_taken,
    answers_of_faults,
    operations_that_fail,
    operations_that_vanish,
    a_stockout_of_one_zone,
    a_quota,
    an_upgrade_by_hand,
    stale_reads,
]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_three_wires_give_one_journal(lab: LabThread, script: Callable[[LabThread, Wire], object]) -> None:
    token = token_of(lab)
    answers: dict[str, object] = {}
    journals: dict[str, list[dict[str, object]]] = {}
    for name, connect in WIRES.items():
        lab.run(lambda inner: inner.reset())
        with connect(lab, token) as wire:
            answers[name] = script(lab, wire)
        journals[name] = lab.journal()
    assert len(journals["grpc"]) > 1 or script is a_quota
    assert journals["sdk-rest"] == journals["grpc"]
    assert journals["plain-rest"] == journals["grpc"]
    assert answers["sdk-rest"] == answers["grpc"]
    assert answers["plain-rest"] == answers["grpc"]
