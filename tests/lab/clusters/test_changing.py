"""What can be changed in a member cluster: cordons and labels by patch, pods by eviction, all forgotten by a reset."""

import re
from typing import Any

import boto3
import pytest
import requests
import yaml
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from multicloud_lab.core.faultkinds import LostResponse
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.core.lab import MachineGroup
from multicloud_lab.core.replay import differences, play
from multicloud_lab.serve import make_lab
from multicloud_lab.thread import LabThread
from support.member import Member, api, token

MERGE = "application/merge-patch+json"
GOOGLE_ZONES = r"https://www\.googleapis\.com/compute/v1/projects/shop-prod-1/zones"


def admin(lab: LabThread, path: str, **body: Any) -> requests.Response:
    body = {"cloud": "aws", "cluster": "shop-prod", **body}
    return requests.post(f"{lab.document['admin']['url']}{path}", json=body, timeout=10)


def run_pods(lab: LabThread, replicas: int, **body: Any) -> None:
    answer = admin(lab, "/pods", name="web", replicas=replicas, **body)
    assert answer.status_code == 200, answer.text


def is_web(group: MachineGroup) -> bool:
    return (group.cloud, group.cluster, group.node_pool) == ("aws", "shop-prod", "web")


def pods(member: Member) -> list[Any]:
    return list(member.list_namespaced_pod("default").items)


def running(member: Member) -> list[Any]:
    return [pod for pod in pods(member) if pod.status.phase == "Running" and pod.metadata.deletion_timestamp is None]


def evict(member: Member, name: str, **options: Any) -> Any:
    body = client.V1Eviction(metadata=client.V1ObjectMeta(name=name))
    return member.create_namespaced_pod_eviction(name, "default", body, **options)


@pytest.mark.parametrize("content_type", [None, MERGE])
def test_a_node_is_cordoned_and_uncordoned(lab: LabThread, member: Member, content_type: str | None) -> None:
    name = member.list_node().items[0].metadata.name
    node = member.patch_node(name, {"spec": {"unschedulable": True}}, _content_type=content_type)
    assert node.spec.unschedulable
    assert [taint.key for taint in member.read_node(name).spec.taints] == ["node.kubernetes.io/unschedulable"]
    chosen = member.list_node(field_selector="spec.unschedulable=true").items
    assert [each.metadata.name for each in chosen] == [name]
    member.patch_node(name, {"metadata": {"labels": {"a": "b"}}})
    assert member.read_node(name).spec.unschedulable, "another field's patch leaves the cordon"
    member.patch_node(name, {"spec": {"unschedulable": None}}, _content_type=content_type)
    node = member.read_node(name)
    assert (node.spec.unschedulable, node.spec.taints, node.metadata.labels["a"]) == (None, None, "b")


@pytest.mark.parametrize(
    ("cloud", "cluster", "heeds"),
    [("azure", "shop-prod", True), ("aws", "shop-prod", False), ("gcp", "shop-batch", False)],
)
def test_only_aks_takes_cordoned_nodes_first(lab: LabThread, cloud: str, cluster: str, *, heeds: bool) -> None:
    def machines() -> list[str]:
        groups = [g for g in lab.lab.machines() if (g.cloud, g.cluster, g.node_pool) == (cloud, cluster, "web")]
        return [g.node_name(node) for g in groups for node in g.nodes.nodes]

    oldest, *others = lab.run(lambda _: machines())
    with api(lab, cloud, token(lab, cloud), cluster) as kube:
        kube.patch_node(oldest, {"spec": {"unschedulable": True}})
    lab.run(lambda running: running.engines[cloud].resize_by_hand(cluster, "web", len(others)))
    lab.advance(3600)
    left = lab.run(lambda _: machines())
    assert (len(left), oldest in left) == (len(others), not heeds)
    entries = lab.run(lambda running: list(running.journal.entries(0)))
    again = make_lab()
    play(entries, again, lab.run(lambda running: running.clock.now()))
    assert lab.run(lambda running: differences(running, again)) == []


def test_what_a_person_opens_again_is_like_any_other(lab: LabThread) -> None:
    with api(lab, "azure", token(lab, "azure")) as kube:
        web = [each.metadata.name for each in kube.list_node(label_selector="agentpool=web").items]
        for value in (True, None):
            kube.patch_node(web[0], {"spec": {"unschedulable": value}})
        lab.run(lambda running: running.engines["azure"].resize_by_hand("shop-prod", "web", 3))
        lab.advance(3600)
        assert web[0] in [each.metadata.name for each in kube.list_node(label_selector="agentpool=web").items]


def test_a_right_that_was_taken_is_refused_as_rbac_does_and_a_review_says_so(lab: LabThread, member: Member) -> None:
    name = member.list_node().items[0].metadata.name
    question = client.V1SelfSubjectAccessReview(
        spec=client.V1SelfSubjectAccessReviewSpec(
            resource_attributes=client.V1ResourceAttributes(verb="patch", resource="nodes")
        )
    )
    rights: Any = client.AuthorizationV1Api(member.api_client)  # as Member
    assert rights.create_self_subject_access_review(question).status.allowed
    principal = next(str(entry["principal"]) for entry in lab.journal() if entry["operation"] == "nodes.list")
    lab.run(lambda running: running.permissions.deny(principal, "nodes.patch"))
    assert not rights.create_self_subject_access_review(question).status.allowed
    with pytest.raises(ApiException) as refused:
        member.patch_node(name, {"spec": {"unschedulable": True}})
    assert refused.value.status == 403
    assert "cannot patch resource" in str(refused.value.body)
    lab.run(lambda running: running.permissions.restore(principal))
    assert member.patch_node(name, {"spec": {"unschedulable": True}}).spec.unschedulable


def test_taints_are_joined_by_key_or_replaced(member: Member) -> None:
    name = member.list_node().items[0].metadata.name
    for key in ("one", "two"):
        member.patch_node(name, {"spec": {"taints": [{"key": key, "effect": "NoSchedule"}]}})
    assert {taint.key for taint in member.read_node(name).spec.taints} == {"one", "two"}
    member.patch_node(name, {"spec": {"taints": [{"key": "one", "$patch": "delete"}]}})
    assert {taint.key for taint in member.read_node(name).spec.taints} == {"two"}
    three = {"spec": {"taints": [{"key": "three", "effect": "NoSchedule"}]}}
    member.patch_node(name, three, _content_type=MERGE)
    assert {taint.key for taint in member.read_node(name).spec.taints} == {"three"}


@pytest.mark.parametrize(
    ("patch", "content_type", "status"),
    [
        pytest.param({"spec": {"providerID": "other"}}, None, 422, id="immutable"),
        pytest.param({"metadata": {"name": "other"}}, None, 422, id="renamed"),
        pytest.param({"metadata": {"resourceVersion": "1"}}, None, 409, id="old version"),
        pytest.param({}, "application/apply-patch+yaml", 415, id="apply"),
        pytest.param([{"op": "add", "path": "/spec/unschedulable", "value": True}], None, 400, id="JSON patch"),
    ],
)
def test_what_a_patch_may_not_do(member: Member, patch: Any, content_type: str | None, status: int) -> None:
    before = member.list_node().items[0]
    with pytest.raises(ApiException) as refused:
        member.patch_node(before.metadata.name, patch, _content_type=content_type)
    assert refused.value.status == status
    assert member.read_node(before.metadata.name) == before


def test_a_dry_run_changes_nothing(member: Member) -> None:
    before = member.list_node().items[0]
    node = member.patch_node(before.metadata.name, {"spec": {"unschedulable": True}}, dry_run="All")
    assert node.spec.unschedulable
    assert member.read_node(before.metadata.name) == before


def test_replicas_spread_over_the_nodes(lab: LabThread, member: Member) -> None:
    run_pods(lab, 4, nodeSelector={"eks.amazonaws.com/nodegroup": "web"})
    found = running(member)
    assert len({pod.spec.node_name for pod in found}) == 4
    for pod in found:
        labels = member.read_node(pod.spec.node_name).metadata.labels
        assert labels["eks.amazonaws.com/nodegroup"] == "web"
        assert pod.spec.containers[0].resources.requests == {"cpu": "100m", "memory": "128Mi"}


def test_what_has_no_room_is_pending_until_a_node_comes(lab: LabThread, member: Member) -> None:
    run_pods(lab, 7, cpuMillicores=1500)
    waiting = [pod for pod in pods(member) if pod.status.phase == "Pending"]
    assert len(waiting) == 1
    assert waiting[0].spec.node_name is None
    assert waiting[0].status.conditions[0].reason == "Unschedulable"
    lab.run(lambda state: state.engines["aws"].resize_by_hand("shop-prod", "web", 5))
    lab.advance(150)
    assert len(running(member)) == 7


def test_an_evicted_pod_ends_and_another_one_runs_elsewhere(lab: LabThread, member: Member) -> None:
    run_pods(lab, 1)
    (pod,) = running(member)
    member.patch_node(pod.spec.node_name, {"spec": {"unschedulable": True}})
    assert evict(member, pod.metadata.name).kind == "Status"  # the client reads the Status as an Eviction
    (other,) = running(member)
    assert other.spec.node_name != pod.spec.node_name
    ending = member.read_namespaced_pod(pod.metadata.name, "default")
    assert ending.metadata.deletion_timestamp is not None
    lab.advance(31)
    assert [each.metadata.name for each in pods(member)] == [other.metadata.name]


def test_an_evicted_pod_is_pending_when_every_node_is_cordoned(lab: LabThread, member: Member) -> None:
    run_pods(lab, 1)
    (pod,) = running(member)
    for node in member.list_node().items:
        member.patch_node(node.metadata.name, {"spec": {"unschedulable": True}})
    evict(member, pod.metadata.name)
    lab.advance(31)
    assert [each.status.phase for each in pods(member)] == ["Pending"]


def test_a_disruption_budget_holds_evictions_back(lab: LabThread, member: Member) -> None:
    run_pods(lab, 2, minAvailable=2)
    (pod, other) = running(member)
    with pytest.raises(ApiException) as refused:
        evict(member, pod.metadata.name)
    assert refused.value.status == 429
    assert "The disruption budget web needs 2 healthy pods and has 2 currently" in str(refused.value.body)
    assert len(running(member)) == 2
    run_pods(lab, 2, minAvailable=1)
    evict(member, other.metadata.name)


def test_evictions_that_name_nobody_or_another_are_refused(lab: LabThread, member: Member) -> None:
    run_pods(lab, 1)
    (pod,) = running(member)
    with pytest.raises(ApiException) as refused:
        evict(member, "nobody")
    assert refused.value.status == 404
    body = client.V1Eviction(metadata=client.V1ObjectMeta(name="another"))
    with pytest.raises(ApiException) as refused:
        member.create_namespaced_pod_eviction(pod.metadata.name, "default", body)
    assert refused.value.status == 400
    assert evict(member, pod.metadata.name, dry_run="All").kind == "Status"
    assert running(member) == [pod]


def test_pods_leave_a_node_that_its_cloud_drains(lab: LabThread, member: Member) -> None:
    run_pods(lab, 6)
    lab.run(lambda state: state.engines["aws"].resize_by_hand("shop-prod", "web", 0))
    lab.advance(10)
    nodes = {node.metadata.name for node in member.list_node().items if not node.spec.unschedulable}
    assert {pod.spec.node_name for pod in running(member)} == nodes
    assert len(running(member)) == 6
    lab.advance(60)
    left = member.list_pod_for_all_namespaces().items
    assert {pod.spec.node_name for pod in left} == {node.metadata.name for node in member.list_node().items} == nodes


def test_a_lost_answer_has_evicted_all_the_same(lab: LabThread, member: Member) -> None:
    run_pods(lab, 1)
    (pod,) = running(member)
    lab.place(Fault(match=Match(operation="pods.evict"), action=LostResponse()))
    with pytest.raises(Exception, match=r"aborted|reset|disconnected|closed"):
        evict(member, pod.metadata.name)
    assert member.read_namespaced_pod(pod.metadata.name, "default").metadata.deletion_timestamp is not None
    entries = [entry for entry in lab.journal() if entry["operation"] == "pods.evict"]
    assert [entry["effective"] for entry in entries] == [True]


def test_an_autoscaler_writes_its_status_while_it_runs(lab: LabThread, member: Member) -> None:
    def status() -> Any:
        return member.read_namespaced_config_map("cluster-autoscaler-status", "kube-system")

    with pytest.raises(ApiException) as refused:
        status()
    assert refused.value.status == 404
    assert admin(lab, "/autoscaler", nodePools={"web": {"min": 1, "max": 9}}).status_code == 200
    first = yaml.safe_load(status().data["status"])
    assert first["autoscalerStatus"] == "Running"
    (group,) = first["nodeGroups"]
    assert re.fullmatch(r"eks-web-[0-9a-f-]{36}", group["name"])
    health = group["health"]
    assert (health["cloudProviderTarget"], health["minSize"], health["maxSize"]) == (4, 1, 9)
    assert health["nodeCounts"]["registered"] == {"total": 4, "ready": 4, "notStarted": 0}
    lab.advance(11)
    assert yaml.safe_load(status().data["status"])["time"] > first["time"]
    admin(lab, "/autoscaler", nodePools=None)
    with pytest.raises(ApiException):
        status()


@pytest.mark.parametrize(
    ("cloud", "expected"),
    [
        ("aws", r"eks-web-[0-9a-f-]{36}"),
        ("azure", r"aks-web-\d{8}-vmss"),
        ("gcp", rf"{GOOGLE_ZONES}/europe-west1-[bcd]/instanceGroups/gke-shop-prod-web-[0-9a-f]{{8}}-grp"),
    ],
)
def test_an_autoscaler_names_the_groups_as_their_cloud_does(lab: LabThread, cloud: str, expected: str) -> None:
    assert admin(lab, "/autoscaler", cloud=cloud, nodePools={"web": {"min": 1, "max": 9}}).status_code == 200
    with api(lab, cloud, token(lab, cloud)) as member:
        status = member.read_namespaced_config_map("cluster-autoscaler-status", "kube-system").data["status"]
        nodes = [node.spec.provider_id for node in member.list_node().items]
    names = [group["name"] for group in yaml.safe_load(status)["nodeGroups"]]
    assert all(re.fullmatch(expected, name) for name in names), names
    assert len(set(names)) == len(names) == (3 if cloud == "gcp" else 1)
    if cloud == "aws":
        return  # an instance's id does not tell its group: that is asked of EKS below
    machines = [name.rpartition("/")[2].removesuffix("-grp") for name in names]
    assert all(any(machine in node for node in nodes) for machine in machines)


def test_the_group_of_the_autoscaler_is_the_one_that_eks_tells(lab: LabThread, member: Member) -> None:
    admin(lab, "/autoscaler", nodePools={"web": {"min": 1, "max": 9}})
    keys = lab.document["credentials"]["aws"]
    eks = boto3.client(
        "eks",
        region_name="us-east-1",
        endpoint_url=lab.document["eks"]["url"],
        aws_access_key_id=keys["accessKeyId"],
        aws_secret_access_key=keys["secretAccessKey"],
    )
    told = eks.describe_nodegroup(clusterName="shop-prod", nodegroupName="web")["nodegroup"]["resources"]
    status = member.read_namespaced_config_map("cluster-autoscaler-status", "kube-system").data["status"]
    (group,) = yaml.safe_load(status)["nodeGroups"]
    assert told["autoScalingGroups"] == [{"name": group["name"]}]


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/pods", {"cluster": "nobody", "name": "a", "replicas": 1}, "aws has no cluster called 'nobody'"),
        ("/pods", {"name": "a", "replicas": -1}, "replicas"),
        ("/pods", {"name": "A b", "replicas": 1}, "name"),
        ("/autoscaler", {"nodePools": {"web": {"min": 3, "max": 2}}}, "min 3 is above max 2"),
    ],
)
def test_the_admin_port_says_what_is_wrong(lab: LabThread, path: str, body: dict[str, Any], sentence: str) -> None:
    answer = admin(lab, path, **body)
    assert answer.status_code == 400
    assert sentence in answer.json()["error"]


def test_a_reset_forgets_and_watchers_are_told(lab: LabThread, member: Member) -> None:
    run_pods(lab, 2)
    admin(lab, "/autoscaler", nodePools={"web": {"min": 1, "max": 9}})
    listed = member.list_node()
    name = listed.items[0].metadata.name
    member.patch_node(name, {"spec": {"unschedulable": True}})
    lab.hands(lambda hands: hands.kill_node("aws", listed.items[1].spec.provider_id.rsplit("/", 1)[1]))
    requests.post(f"{lab.document['admin']['url']}/reset", timeout=10)
    again = member.list_node()
    assert [node.metadata.name for node in again.items] == [node.metadata.name for node in listed.items]
    assert not any(node.spec.unschedulable for node in again.items)
    assert int(again.metadata.resource_version) > int(listed.metadata.resource_version)
    assert pods(member) == []
    assert member.list_namespaced_config_map("kube-system").items == []


def test_the_journal_replays_without_what_clusters_were_asked(lab: LabThread, member: Member) -> None:
    member.patch_node(member.list_node().items[0].metadata.name, {"spec": {"unschedulable": True}})
    lab.run(lambda state: state.engines["aws"].resize_by_hand("shop-prod", "web", 5))
    lab.advance(30)

    def compare(state: Any) -> list[str]:
        other = make_lab()
        play(state.journal.entries(), other, state.clock.now())
        return differences(state, other)

    assert lab.run(compare) == []
    assert lab.violations() == []
