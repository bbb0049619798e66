"""Lists, pages and watches by the Kubernetes client, while the engine's machines come and go."""

import json
import queue
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import requests
from kubernetes import watch
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import ProtocolError

from multicloud_lab.clusters.machines import offer
from multicloud_lab.clusters.place import LARGE
from multicloud_lab.core.faultkinds import Answer, Deny, Garbage, Throttle
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.core.seed import AwsSeed, EksCluster, EksNodegroup, Seed
from multicloud_lab.thread import LabThread
from support.member import CLOUDS, Member, api, aws_token, place, token

PATIENCE_S = 20.0
LABELS = {
    "aws": ("eks.amazonaws.com/nodegroup",),
    "azure": ("agentpool", "kubernetes.azure.com/agentpool"),
    "gcp": ("cloud.google.com/gke-nodepool",),
}
IDS = {
    "aws": r"aws:///us-east-1[abc]/i-0[0-9a-f]{16}",
    "azure": r"azure:///subscriptions/[0-9a-f-]{36}/resourceGroups/mc_[^/]+/providers/Microsoft.Compute/virtualMachineScaleSets/aks-[a-z]+-\d+-vmss/virtualMachines/\d+",
    "gcp": r"gce://shop-prod-1/europe-west1-[bcd]/gke-shop-prod-[a-z]+-[0-9a-f]{8}-[0-9a-z]{4}",
}


def resize(lab: LabThread, to: int, cloud: str = "aws", pool: str = "web") -> None:
    lab.run(lambda state: state.engines[cloud].resize_by_hand("shop-prod", pool, to))


def is_ready(node: Any) -> bool:
    return any(each.type == "Ready" and each.status == "True" for each in node.status.conditions)


def pool_of(node: Any) -> str:
    return str(node.metadata.labels["eks.amazonaws.com/nodegroup"])


@contextmanager
def watching(call: Callable[..., Any], **options: Any) -> Iterator["queue.Queue[dict[str, Any]]"]:
    """The events of a watch, as they come, from a thread of its own."""
    events: queue.Queue[dict[str, Any]] = queue.Queue()
    stream = watch.Watch()

    def follow() -> None:
        with suppress(ProtocolError):  # the lab may end before the watch
            for event in stream.stream(call, **options):
                events.put(event)

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    yield events
    stream.stop()


def next_event(events: "queue.Queue[dict[str, Any]]", kind: str, fits: Callable[[Any], bool] = bool) -> Any:
    """Wait for an event of a kind on an object that fits."""
    while True:
        event = events.get(timeout=PATIENCE_S)
        if event["type"] == kind and fits(event["object"]):
            return event["object"]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_nodes_look_as_their_vendor_makes_them(lab: LabThread, cloud: str) -> None:
    with api(lab, cloud, token(lab, cloud)) as member:
        nodes = member.list_node().items
    groups = lab.run(lambda state: [g for g in state.machines() if g.cloud == cloud and g.cluster == "shop-prod"])
    assert {node.metadata.name for node in nodes} == {
        group.node_name(node) for group in groups for node in group.nodes.nodes
    }
    pools = {group.node_pool for group in groups}
    for node in nodes:
        labels = node.metadata.labels
        for label in LABELS[cloud]:
            assert labels[label] in pools
        assert labels["node.kubernetes.io/instance-type"] == groups[0].instance_type
        assert labels["topology.kubernetes.io/region"] == groups[0].region
        assert labels["topology.kubernetes.io/zone"].startswith(groups[0].region)
        assert labels["kubernetes.io/hostname"] == node.metadata.name
        assert is_ready(node)
    assert {node.spec.provider_id for node in nodes} == {
        group.provider_id(node) for group in groups for node in group.nodes.nodes
    }


@pytest.mark.parametrize("cloud", CLOUDS)
def test_provider_ids_have_the_vendors_form(lab: LabThread, cloud: str) -> None:
    with api(lab, cloud, token(lab, cloud)) as member:
        for node in member.list_node().items:
            assert re.fullmatch(IDS[cloud], node.spec.provider_id), node.spec.provider_id


def test_a_large_m5_leaves_what_eks_leaves(member: Member) -> None:
    node = member.list_node(limit=1).items[0]
    assert node.status.capacity == {"cpu": "2", "memory": "8192Mi", "pods": "29"}
    # 70m of CPU; 255 MiB and 11 MiB a pod, and 100 MiB for the eviction threshold.
    assert node.status.allocatable == {"cpu": "1930m", "memory": f"{8192 - 255 - 11 * 29 - 100}Mi", "pods": "29"}


@pytest.mark.parametrize(
    ("cloud", "instance_type", "expected"),
    [
        ("aws", "c5.xlarge", (4000, 8192, 3920, 8192 - 255 - 11 * 58 - 100, 58)),
        ("azure", "Standard_D4s_v5", (4000, 16384, 3860, 16384 - 4096 - 100, 250)),
        ("gcp", "e2-standard-4", (4000, 16384, 3920, 16384 - 2662 - 100, 110)),
        ("gcp", "e2-highmem-8", (8000, 65536, 7910, 65536 - 5611 - 100, 110)),
    ],
)
def test_what_a_machine_leaves_to_pods(cloud: str, instance_type: str, expected: tuple[int, ...]) -> None:
    found = offer(cloud, instance_type)
    sizes = (found.cpu_m, found.memory_mib, found.allocatable_cpu_m, found.allocatable_memory_mib, found.pods)
    assert sizes == expected


def test_pages_show_one_moment(lab: LabThread, member: Member) -> None:
    before = [node.metadata.name for node in member.list_node().items]
    page = member.list_node(limit=4)
    assert page.metadata.remaining_item_count == 2
    names = [node.metadata.name for node in page.items]
    resize(lab, 1)
    lab.advance(600)
    assert len(member.list_node().items) == 3
    page = member.list_node(limit=4, _continue=page.metadata._continue)
    assert page.metadata._continue is None
    assert names + [node.metadata.name for node in page.items] == before


def test_a_continue_token_of_another_make_is_refused(member: Member) -> None:
    with pytest.raises(ApiException) as refused:
        member.list_node(limit=1, _continue="nonsense")
    assert refused.value.status == 400


def test_selectors_choose(member: Member) -> None:
    def nodes(**options: str) -> set[str]:
        return {node.metadata.name for node in member.list_node(**options).items}

    pool = "eks.amazonaws.com/nodegroup"
    web, batch = nodes(label_selector=f"{pool}=web"), nodes(label_selector=f"{pool}!=web")
    assert (len(web), len(batch)) == (4, 2)
    assert nodes(label_selector=f"{pool} in (web, batch),{pool} notin (batch)") == web
    assert nodes(label_selector=f"{pool},!nothing") == web | batch
    one = min(web)
    assert nodes(field_selector=f"metadata.name={one}") == {one}
    pods = member.list_pod_for_all_namespaces(field_selector=f"spec.nodeName={one}").items
    assert sorted(pod.metadata.owner_references[0].name for pod in pods) == ["aws-node", "kube-proxy"]
    assert {pod.status.phase for pod in pods} == {"Running"}
    assert member.list_namespaced_pod("default").items == []


@pytest.mark.parametrize(
    "options", [{"field_selector": "status.phase=x"}, {"label_selector": "a b"}, {"field_selector": "nonsense"}]
)
def test_selectors_that_no_server_takes_are_refused(member: Member, options: dict[str, str]) -> None:
    with pytest.raises(ApiException) as refused:
        member.list_node(**options)
    assert refused.value.status == 400


def test_a_watch_sees_a_node_come_become_ready_drain_and_go(lab: LabThread, member: Member) -> None:
    version = member.list_node().metadata.resource_version
    with watching(member.list_node, resource_version=version, timeout_seconds=600) as events:
        resize(lab, 5)
        lab.advance(39)  # a machine exists after a tenth of its time, and is ready after 40 seconds at the earliest
        born = next_event(events, "ADDED", lambda node: pool_of(node) == "web")
        assert not is_ready(born)
        assert {taint.key for taint in born.spec.taints} == {"node.kubernetes.io/not-ready"}
        lab.advance(90)
        name = born.metadata.name
        ready = next_event(events, "MODIFIED", lambda node: node.metadata.name == name)
        assert is_ready(ready)
        assert ready.spec.taints is None
        resize(lab, 4)
        lab.advance(10)
        drained = next_event(events, "MODIFIED", lambda node: bool(node.spec.unschedulable))
        lab.advance(31)
        gone = next_event(events, "DELETED")
        assert gone.metadata.name == drained.metadata.name
        assert int(gone.metadata.resource_version) > int(drained.metadata.resource_version)


def test_a_watch_without_a_version_starts_with_what_is_there(member: Member) -> None:
    with watching(member.list_node, timeout_seconds=60) as events:
        names = {next_event(events, "ADDED").metadata.name for _ in range(6)}
    assert names == {node.metadata.name for node in member.list_node().items}


def test_a_selected_watch_sees_an_object_enter_and_leave(member: Member) -> None:
    listed = member.list_node()
    name = listed.items[0].metadata.name
    options = {"resource_version": listed.metadata.resource_version, "label_selector": "mine=yes"}
    with watching(member.list_node, timeout_seconds=60, **options) as events:
        member.patch_node(name, {"metadata": {"labels": {"mine": "yes"}}})
        assert next_event(events, "ADDED").metadata.name == name
        member.patch_node(name, {"metadata": {"labels": {"mine": None}}})
        assert next_event(events, "DELETED").metadata.name == name


def events_of(lab: LabThread, **query: str) -> list[dict[str, Any]]:
    where = place(lab, "aws")
    answer = requests.get(
        f"{where['url']}/api/v1/nodes",
        params={"watch": "1", "timeoutSeconds": "1", **query},
        headers={"Authorization": f"Bearer {aws_token(lab)}"},
        verify=where["caFile"],
        timeout=30,
    )
    assert answer.status_code == 200
    return [json.loads(line) for line in answer.text.splitlines()]


def test_bookmarks_end_the_initial_events_and_the_watch(lab: LabThread) -> None:
    events = events_of(lab, allowWatchBookmarks="true", sendInitialEvents="true", resourceVersionMatch="NotOlderThan")
    assert [event["type"] for event in events] == ["ADDED"] * 6 + ["BOOKMARK"] * 2
    first, last = events[6]["object"]["metadata"], events[7]["object"]["metadata"]
    assert first["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert "annotations" not in last
    assert int(last["resourceVersion"]) >= int(first["resourceVersion"])


def test_a_watch_lasts_by_a_clock_that_hands_move_and_hides_no_event(lab: LabThread, member: Member) -> None:
    listed = member.list_node().metadata.resource_version
    member.patch_node(member.list_node().items[0].metadata.name, {"metadata": {"labels": {"mine": "yes"}}})
    with ThreadPoolExecutor() as threads:
        watched = threads.submit(events_of, lab, timeoutSeconds="3000", resourceVersion=listed)
        while not wait([watched], timeout=0.1).done:
            lab.advance(3000)
    assert watched.result()[0]["object"]["metadata"]["labels"]["mine"] == "yes"


def test_a_watch_from_before_what_is_remembered_is_told_so(lab: LabThread, member: Member) -> None:
    version = member.list_node().metadata.resource_version
    (nodes, *_) = lab.run(lambda state: [g.nodes for g in state.machines() if g.cluster == "shop-prod"])
    for count in (200, 0) * 6:  # each node that comes or goes is three changes at least; 5000 are remembered
        lab.run(lambda _, count=count: nodes.set_target(count))  # type: ignore[misc]  # a default binds the loop's value
        lab.advance(200)
        member.list_node(limit=1)
    (event,) = events_of(lab, resourceVersion=version)
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


def test_a_watch_from_the_future_is_refused(lab: LabThread, member: Member) -> None:
    with pytest.raises(ApiException) as refused:
        next(iter(watch.Watch().stream(member.list_node, resource_version="99999", timeout_seconds=1)))
    assert refused.value.status == 504


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/api/v1/nodes/nobody", "GET", 404),
        ("/api/v1/secrets", "GET", 404),
        ("/apis/batch/v1/jobs", "GET", 404),
        ("/api/v1/namespaces/default/nodes", "GET", 404),
        ("/api/v1/nodes", "POST", 405),
        ("/api/v1/namespaces/default/pods/web", "DELETE", 405),
        ("/version", "PUT", 405),
    ],
)
def test_what_is_not_served_is_refused_with_a_status(lab: LabThread, path: str, method: str, status: int) -> None:
    where = place(lab, "aws")
    headers = {"Authorization": f"Bearer {aws_token(lab)}"}
    answer = requests.request(method, where["url"] + path, headers=headers, verify=where["caFile"], timeout=10)
    assert (answer.status_code, answer.json()["kind"], answer.json()["code"]) == (status, "Status", status)


def test_a_cluster_that_is_deleted_answers_nobody(lab: LabThread, member: Member) -> None:
    lab.hands(lambda hands: hands.delete("aws", "shop-prod", None))
    with pytest.raises(Exception, match=r"aborted|reset|disconnected|closed"):
        member.list_node()
    lab.hands(lambda hands: hands.recreate("aws", "shop-prod", None))
    lab.advance(150)
    assert len(member.list_node().items) == 6


def test_a_large_fleet_shows_new_nodes_of_a_pool() -> None:
    pools = (EksNodegroup(name="web", desired=1), EksNodegroup(name="batch", desired=1))
    names = ("shop-prod", *(f"other-{index}" for index in range(LARGE // 2)))
    seed = Seed(aws=AwsSeed(clusters=tuple(EksCluster(name=name, nodegroups=pools) for name in names)))
    with LabThread(seed) as lab, api(lab, "aws", aws_token(lab)) as member:
        assert len(member.list_node().items) == 2
        resize(lab, 3)
        lab.advance(150)
        assert len(member.list_node().items) == 4


@pytest.mark.parametrize(
    ("action", "status"),
    [
        (Answer(status=503, code="ServiceUnavailable"), 503),
        (Throttle(), 429),
        (Deny(), 403),
        (Garbage(form="html502"), 502),
    ],
)
def test_faults_answer_in_the_servers_words(lab: LabThread, member: Member, action: Any, status: int) -> None:
    lab.place(Fault(match=Match(cloud="kubernetes", operation="nodes.list"), action=action))
    with pytest.raises(ApiException) as refused:
        member.list_node()
    assert refused.value.status == status
    assert member.list_pod_for_all_namespaces().items
