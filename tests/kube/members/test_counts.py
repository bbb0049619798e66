"""From nodes and pods to a few numbers: lists and events in any order, requests as the scheduler counts them."""

from typing import Any

import pytest

from multicloud.kube.members.counts import Counts
from multicloud.kube.members.marks import MARK
from multicloud.model.member import Counted, Load, SeenNode
from multicloud.model.ref import Cloud

GI = 1024**3


def node(
    name: str, pool: str = "web", *, ready: bool = True, cpu: str = "4", label: str | None = None
) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {label or "eks.amazonaws.com/nodegroup": pool}},
        "status": {
            "conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": str(ready)}],
            "allocatable": {"cpu": cpu, "memory": "8Gi", "pods": "110"},
        },
    }


def pod(on: str, cpu: str = "1", *, owner: str = "ReplicaSet", **spec: Any) -> dict[str, Any]:
    container = {"resources": {"requests": {"cpu": cpu}}}
    return {
        "metadata": {"name": "p", "ownerReferences": [{"kind": owner, "controller": True}]},
        "spec": {"nodeName": on, "containers": [container], **spec},
    }


def counts(*nodes: dict[str, Any], cloud: Cloud = Cloud.AWS) -> Counts:
    made = Counts(cloud, "here")
    for each in nodes:
        made.node(each)
    return made


@pytest.mark.parametrize(
    ("cloud", "label"),
    [
        (Cloud.AWS, "eks.amazonaws.com/nodegroup"),
        (Cloud.AZURE, "kubernetes.azure.com/agentpool"),
        (Cloud.AZURE, "agentpool"),
        (Cloud.GCP, "cloud.google.com/gke-nodepool"),
    ],
)
def test_each_vendors_label_names_the_pool(cloud: Cloud, label: str) -> None:
    made = counts(node("a", label=label), node("b", "other", label=label), node("c", label="pool"), cloud=cloud)
    assert made.counted("web") == Counted(nodes=1, ready=1)


def test_a_node_that_changes_is_counted_once() -> None:
    made = counts(node("a"), node("a", ready=False), node("b"))
    assert made.counted("web") == Counted(nodes=2, ready=1)
    assert made.node(node("b", "other")) == "other"
    assert (made.counted("web").nodes, made.counted("other").nodes) == (1, 1)


def test_an_unknown_pool_has_no_nodes() -> None:
    assert counts(node("a")).counted("none") == Counted()


@pytest.mark.parametrize(
    ("body", "needed"),
    [
        pytest.param(pod("a", "4001m"), 2, id="over one node"),
        pytest.param(pod("a", "9", owner="DaemonSet"), 0, id="a DaemonSet's"),
        pytest.param(pod("a", "9", owner="Node"), 0, id="a static one"),
        pytest.param(pod("", "9"), 0, id="not scheduled"),
        pytest.param(pod("elsewhere", "9"), 0, id="on a node of no pool"),
        pytest.param(
            pod("a", "1", initContainers=[{"resources": {"requests": {"cpu": "5"}}}]), 2, id="starting up is widest"
        ),
        pytest.param(
            pod("a", "3", initContainers=[{"restartPolicy": "Always", "resources": {"requests": {"cpu": "2"}}}]),
            2,
            id="a sidecar stays",
        ),
        pytest.param(pod("a", "1", overhead={"cpu": "4"}), 2, id="the runtime's overhead"),
        pytest.param(pod("a", "9", resources={"requests": {"cpu": "2"}}), 1, id="the pod's own requests instead"),
        pytest.param(pod("a", "1", containers=[{"resources": {"requests": {"memory": "9Gi"}}}]), 2, id="memory binds"),
        pytest.param(pod("a", containers=[{}]), 1, id="no requests: room for a pod all the same"),
    ],
)
def test_requests_as_the_scheduler_counts_them(body: dict[str, Any], needed: int) -> None:
    made = counts(node("a"), node("b"), node("c"))
    made.pod(body)
    assert made.counted("web").needed == needed
    made.pod_gone(body)
    assert made.counted("web").needed == 0


def test_the_smallest_node_is_what_requests_are_counted_in_and_no_more_than_there_are() -> None:
    made = counts(node("a", cpu="8"), node("b", cpu="2"))
    made.pod(pod("a", "3"))
    assert made.counted("web").needed == 2
    made.pod(pod("a", "5"))
    assert made.counted("web").needed == 2


def test_pods_may_be_told_before_their_node() -> None:
    made = counts()
    assert made.pod(pod("a", "5")) is None
    made.node(node("b"))
    assert made.node(node("a")) == "web"
    assert made.counted("web").needed == 2


def test_a_node_that_goes_takes_its_pods_along_and_their_ends_count_nothing_twice() -> None:
    made = counts(node("a"), node("b"))
    body = pod("a", "5")
    made.pod(body)
    assert made.node_gone(node("a")) == "web"
    assert made.counted("web") == Counted(nodes=1, ready=1)
    made.pod_gone(body)
    made.node(node("a"))
    assert made.counted("web") == Counted(nodes=2, ready=2)


def waiting(**selector: str) -> dict[str, Any]:
    body = pod("", nodeSelector=selector)
    del body["spec"]["nodeName"]
    return body


def test_pods_that_wait_for_a_node_count_where_they_may_get_one() -> None:
    made = counts(node("a"), node("b", "db"))
    anywhere, web = waiting(), waiting(**{"eks.amazonaws.com/nodegroup": "web"})
    assert (made.unscheduled(anywhere), made.unscheduled(web)) == ("", "web")
    assert [made.counted(pool).unscheduled for pool in ("web", "db", "none")] == [2, 1, 1]
    made.unscheduled_no_more(anywhere)
    assert [made.counted(pool).unscheduled for pool in ("web", "db", "none")] == [1, 0, 0]


def test_a_daemon_waits_for_its_own_node() -> None:
    made, daemon = counts(node("a")), pod("", owner="DaemonSet")
    assert (made.unscheduled(daemon), made.counted("web").unscheduled) == (None, 0)


def test_a_load_counts_what_comes_with_each_node_too_and_tells_nodes_that_are_not_ready_apart() -> None:
    made = counts(node("a"), node("b"), node("c", ready=False), node("d", "other"))
    for body in (pod("a", "1"), pod("b", "500m"), pod("b", "250m", owner="DaemonSet"), pod("c", "3"), pod("d", "4")):
        made.pod(body)
    load = made.load("web")
    assert (load.ready, load.asked.cpu_m, load.offered.cpu_m) == (2, 1750, 8000)
    assert (load.unready, load.unready_offered.cpu_m) == (1, 4000)
    made.pod_gone(pod("b", "250m", owner="DaemonSet"))
    assert made.load("web").asked.cpu_m == 1500
    assert made.load("none") == Load()


def test_a_daemon_sets_pod_may_be_told_before_its_node_and_end_after_it() -> None:
    made, body = counts(), pod("a", "1", owner="DaemonSet")
    assert made.pod(body) is None
    made.node(node("a"))
    assert (made.load("web").asked.cpu_m, made.counted("web").needed) == (1000, 0)
    made.node_gone(node("a"))
    made.pod_gone(body)
    made.node(node("a"))
    assert made.load("web").asked.cpu_m == 0


def test_each_node_tells_how_full_it_is_of_what_it_has_least_of_without_what_comes_with_it() -> None:
    made = counts(node("a"), node("b", cpu="2"), node("c", "other"), node("d", ready=False))
    made.pod(pod("a"))
    made.pod(pod("b"))
    made.pod(pod("a", owner="DaemonSet"))
    made.pod(pod("d", "0", containers=[{"resources": {"requests": {"memory": "6Gi"}}}]))
    seen = {each.name: (each.ready, each.filled) for each in made.nodes("web")}
    assert seen == {"a": (True, 0.25), "b": (True, 0.5), "d": (False, 0.75)}
    made.pod_gone(pod("b"))
    assert next(each.filled for each in made.nodes("web") if each.name == "b") == 0


@pytest.mark.parametrize(
    ("value", "marked"), [("here/shop/web/1", True), ("there/shop/web/1", False), ("hereafter/shop/web/1", False)]
)
def test_a_mark_is_ours_by_the_installations_name(value: str, *, marked: bool) -> None:
    closed = node("a")
    closed["metadata"]["annotations"] = {MARK: value}
    made = counts({**closed, "spec": {"unschedulable": True}})
    assert made.counted("web") == Counted(nodes=1, ready=1, cordoned=1, marked=int(marked))
    assert made.nodes("web") == [SeenNode(name="a", ready=True, cordoned=True, marked=marked, filled=0.0)]
    made.node(node("a"))
    assert made.counted("web") == Counted(nodes=1, ready=1)
    made.node(closed)
    made.node_gone(closed)
    assert made.counted("web") == Counted()
