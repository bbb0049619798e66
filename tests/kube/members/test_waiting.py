"""From pods without a node, and nodes of a pool, to what a packing needs: in whatever order they are told."""

from typing import Any

import pytest

from multicloud.kube.members.counts import Counts
from multicloud.kube.members.waiting import MOST_PODS, MOST_SHAPES, Waiting
from multicloud.model.member import Resources
from multicloud.model.pods import Crowd, NodeShape, PodGroup, PodShape, Requirement, Room, Rooms, Taint, Toleration
from multicloud.model.ref import Cloud

GI = 1024**3
POOL = "eks.amazonaws.com/nodegroup"


def pod(name: str = "p", *, labels: dict[str, str] | None = None, reason: str = "Unschedulable", **spec: Any) -> Any:
    containers = [{"resources": {"requests": {"cpu": "1", "memory": "2Gi"}}}]
    return {
        "metadata": {"namespace": "jobs", "name": name, "labels": labels or {}, "ownerReferences": []},
        "spec": {"containers": containers, **spec},
        "status": {"conditions": [{"type": "PodScheduled", "status": "False", "reason": reason}]},
    }


def shape(body: Any) -> PodShape:
    waiting = Waiting()
    waiting.put(body)
    (group,) = waiting.groups
    return group.shape


def node(name: str, *, ready: bool = True, cpu: str = "4", pool: str = "web", taints: Any = (), **labels: str) -> Any:
    return {
        "metadata": {"name": name, "labels": {POOL: pool, "kubernetes.io/hostname": name, **labels}},
        "spec": {"taints": list(taints)},
        "status": {
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "allocatable": {"cpu": cpu, "memory": "8Gi", "pods": "10"},
        },
    }


def on(name: str, cpu: str, owner: str = "ReplicaSet", pod_name: str = "r") -> Any:
    return {
        "metadata": {"name": pod_name, "ownerReferences": [{"kind": owner, "controller": True}]},
        "spec": {"nodeName": name, "containers": [{"resources": {"requests": {"cpu": cpu}}}]},
    }


PLAIN = PodShape(asks=Resources(cpu_m=1000, memory=2 * GI, pods=1))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"status": {}}, id="nobody has tried it yet"),
        pytest.param(pod(reason="SchedulingGated"), id="it is gated"),
        pytest.param({"status": {**pod()["status"], "nominatedNodeName": "a"}}, id="others make room for it"),
        pytest.param({"metadata": {**pod()["metadata"], "deletionTimestamp": "now"}}, id="it is deleted"),
        pytest.param(
            {"metadata": {**pod()["metadata"], "ownerReferences": [{"kind": "DaemonSet", "controller": True}]}},
            id="it belongs to a node",
        ),
    ],
)
def test_only_pods_that_a_scheduler_found_no_node_for_count(change: dict[str, Any]) -> None:
    waiting = Waiting()
    waiting.put(pod())
    assert [each.pods for each in waiting.groups] == [1]
    waiting.put({**pod(), **change})
    assert not waiting.groups


def test_equal_pods_are_one_group_and_each_leaves_once() -> None:
    waiting = Waiting()
    for name in ("a", "b", "a"):
        waiting.put(pod(name))
    waiting.put(pod("c", nodeSelector={"size": "large"}))
    assert [group.pods for group in waiting.groups] == [2, 1]
    for _ in range(2):
        waiting.drop(pod("a"))
    waiting.drop(pod("stranger"))
    assert [group.pods for group in waiting.groups] == [1, 1]


def test_a_flood_is_kept_to_so_many_pods_and_kinds_and_told() -> None:
    waiting = Waiting()
    for number in range(MOST_PODS + 5):
        waiting.put(pod(str(number)))
    assert (sum(group.pods for group in waiting.groups), waiting.more) == (MOST_PODS, True)
    for number in range(MOST_PODS):
        waiting.drop(pod(str(number)))
    assert (waiting.groups, waiting.more) == ((), False)
    for number in range(MOST_SHAPES + 5):
        waiting.put(pod(str(number), nodeSelector={"kind": str(number)}))
    assert (len(waiting.groups), waiting.more) == (MOST_SHAPES, True)


HOST = "kubernetes.io/hostname"
APART = {"topologyKey": HOST, "labelSelector": {"matchLabels": {"app": "web"}}}


def anti(*terms: Any) -> dict[str, Any]:
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": list(terms)}}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        pytest.param(pod(), {}, id="plain"),
        pytest.param(
            pod(nodeSelector={"b": "2", "a": "1"}),
            {
                "selects": (
                    Requirement(key="a", operator="In", values=("1",)),
                    Requirement(key="b", operator="In", values=("2",)),
                )
            },
            id="node selector",
        ),
        pytest.param(
            pod(
                affinity={
                    "nodeAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": {
                            "nodeSelectorTerms": [
                                {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a", "b"]}]},
                                {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]},
                            ]
                        },
                        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1}],
                    }
                }
            ),
            {"terms": ((Requirement(key="zone", operator="In", values=("a", "b")),),)},
            id="required node affinity; a node by its name is none that comes",
        ),
        pytest.param(
            pod(
                tolerations=[
                    {"operator": "Exists"},
                    {"key": "a", "operator": "Equal", "value": "1", "effect": "NoSchedule"},
                    {"key": "b"},
                    {"key": "c", "operator": "Gt", "value": "5"},
                ]
            ),
            {
                "tolerates": (
                    Toleration(),
                    Toleration(key="a", value="1", effect="NoSchedule"),
                    Toleration(key="b", value=""),
                    Toleration(key="?", value="?"),
                )
            },
            id="tolerations",
        ),
        pytest.param(
            pod(labels={"app": "web"}, affinity=anti(APART)), {"apart": ("jobs/[('app', 'web')]",)}, id="one a node"
        ),
        pytest.param(pod(labels={"app": "api"}, affinity=anti(APART)), {}, id="away from others"),
        pytest.param(
            pod(labels={"app": "web"}, affinity=anti({**APART, "topologyKey": "zone"})), {}, id="one a zone: not seen"
        ),
        pytest.param(
            pod(
                labels={"app": "web"},
                affinity=anti(
                    {
                        "topologyKey": HOST,
                        "labelSelector": {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]},
                    }
                ),
            ),
            {},
            id="away from all but itself",
        ),
    ],
)
def test_what_a_pod_wants(body: Any, fields: dict[str, Any]) -> None:
    wanted = {"asks": PLAIN.asks, **fields}
    assert shape(body) == PodShape(**wanted)


def test_a_port_of_the_node_is_one_a_node() -> None:
    body = pod(containers=[{"ports": [{"hostPort": 80}, {"containerPort": 8080}]}])
    assert shape(body).apart == ("port 80/TCP",)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(pod(containers=[{"resources": {"requests": {"nvidia.com/gpu": "1"}}}]), id="an accelerator"),
        pytest.param(pod(initContainers=[{"resources": {"requests": {"hugepages-2Mi": "1"}}}]), id="while it starts"),
        pytest.param(pod(resourceClaims=[{"name": "gpu"}]), id="a claim"),
        pytest.param(pod(nodeSelector={str(number): "x" * 60 for number in range(99)}), id="a very long wish"),
    ],
)
def test_what_is_not_counted_is_told_as_such(body: Any) -> None:
    assert shape(body) == PodShape(asks=Resources(pods=1), strange=True)
    storage = pod(containers=[{"resources": {"requests": {"ephemeral-storage": "1Gi"}}}])
    assert not shape(storage).strange


# Node pools


def crowd(*bodies: Any, pods: tuple[Any, ...] = (), before: Counts | None = None) -> Crowd:
    counts = Counts(Cloud.AWS, "test", before.shapes() if before else None)
    for body in bodies:
        counts.node(body)
    for body in pods:
        counts.pod(body)
    return counts.crowd(["web"])


def shape_of(*bodies: Any, pods: tuple[Any, ...] = ()) -> NodeShape:
    found = crowd(*bodies, pods=pods).pools["web"].shape
    assert found is not None
    return found


def test_the_next_node_is_like_those_that_are_there() -> None:
    found = shape_of(
        node("a", zone="1", team="x"), node("b", cpu="2", zone="2", team="x"), pods=(on("a", "300m", "DaemonSet"),)
    )
    assert found == NodeShape(
        offers=Resources(cpu_m=2000, memory=8 * GI, pods=10),
        own=Resources(cpu_m=300, pods=1),
        labels={POOL: "web", "team": "x"},
        varied=frozenset({"zone", HOST}),
    )


def test_taints_of_a_moment_or_of_one_node_are_not_the_pools() -> None:
    own, mine = {"key": "team", "value": "x", "effect": "NoSchedule"}, {"key": "mine", "effect": "NoExecute"}
    passing = {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}
    soft = {"key": "soft", "effect": "PreferNoSchedule"}
    found = crowd(node("a", taints=[own, passing, soft]), node("b", taints=[own, mine])).pools["web"]
    assert found.shape is not None
    assert found.shape.taints == {Taint(key="team", value="x", effect="NoSchedule")}
    assert len(found.rooms) == 1  # the node with a taint of its own takes nobody


def test_room_is_what_pods_leave_and_what_daemons_of_a_starting_node_will_take() -> None:
    bodies = (node("a"), node("b"), node("c", ready=False), node("d"))
    bodies[3]["spec"]["unschedulable"] = True
    pods = (on("a", "300m", "DaemonSet"), on("a", "1"), on("d", "2"))
    assert crowd(*bodies, pods=pods).pools["web"] == Rooms(
        nodes=4,
        shape=shape_of(*bodies, pods=pods),
        rooms=(
            Room(free=Resources(cpu_m=2700, memory=8 * GI, pods=8), empty=False, ready=True),
            Room(free=Resources(cpu_m=4000, memory=8 * GI, pods=10), empty=True, ready=True),
            Room(free=Resources(cpu_m=3700, memory=8 * GI, pods=9), empty=True, ready=False),
        ),
        loads=(Resources(cpu_m=1000, pods=1), Resources(cpu_m=2000, pods=1)),
    )


def test_what_nodes_were_like_outlives_the_last_of_them_and_a_new_list() -> None:
    counts = Counts(Cloud.AWS, "test")
    counts.node(node("a", team="x"))
    counts.pod(on("a", "300m", "DaemonSet"))
    known = counts.crowd(["web"]).pools["web"].shape
    counts.node_gone(node("a"))
    assert known is not None
    assert counts.crowd(["web"]).pools["web"] == Rooms(nodes=0, shape=known)
    assert crowd(before=counts).pools["web"].shape == known
    assert crowd().pools["web"] == Rooms()


def test_a_pod_that_changes_while_it_waits_is_counted_as_it_is() -> None:
    counts = Counts(Cloud.AWS, "test")
    counts.unscheduled(pod(reason="SchedulingGated"))
    assert counts.crowd([]).groups == ()
    counts.unscheduled_changed(pod())
    assert counts.crowd([]).groups == (PodGroup(shape=PLAIN, pods=1),)
    counts.unscheduled_no_more(pod())
    assert counts.crowd([]).groups == ()
