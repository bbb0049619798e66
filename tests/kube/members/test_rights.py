"""deploy/member-clusters on a real API server: it suffices for looking inside or for cordons, and for nothing else."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from multicloud.kube.members.cordoning import Cordoning
from multicloud.kube.members.entering import enter
from multicloud.kube.members.kubeconfig import read_kubeconfig
from multicloud.kube.members.marks import MARK
from multicloud.kube.members.watching import Watching
from multicloud.model.member import ClusterCredential, Counted, Inside, Patched
from multicloud.model.reason import Code
from multicloud_lab.controlplane import ControlPlane
from support.clock import VirtualClock
from support.fence import OpenFence
from support.inside import PATIENCE_S, eventually, login

MANIFESTS = Path(__file__).parents[3] / "deploy" / "member-clusters"
READER, CORDON = MANIFESTS / "reader.yaml", MANIFESTS / "cordon.yaml"
NODE = "member-rights"


def credential_of(path: Path) -> ClusterCredential:
    """A kubeconfig with files, as one with inline data, read as a tenant's."""
    config: Any = yaml.safe_load(path.read_text())
    for part, names in (("cluster", ("certificate-authority",)), ("user", ("client-certificate", "client-key"))):
        block = config[f"{part}s"][0][part]
        for name in names:
            if name in block:
                block[f"{name}-data"] = base64.b64encode(Path(block.pop(name)).read_bytes()).decode()
    return read_kubeconfig({"kubeconfig": yaml.safe_dump(config).encode()}, ("127.0.0.1",))


@pytest.fixture
def cluster(control_plane: ControlPlane) -> ControlPlane:
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NODE, "labels": {"eks.amazonaws.com/nodegroup": "web"}},
    }
    control_plane.kubectl("apply", "--filename=-", input=yaml.safe_dump(node)).check_returncode()
    control_plane.kubectl("apply", f"--filename={READER}").check_returncode()
    return control_plane


def watching(credential: ClusterCredential) -> Watching:
    async def known(_: ClusterCredential | None) -> ClusterCredential:
        return credential

    watch = Watching(login(), known, VirtualClock(), lambda: None, installation="here")
    watch.wants_autoscaler = True
    return watch


async def test_a_reader_sees_nodes_pods_and_the_autoscalers_status(cluster: ControlPlane) -> None:
    watch = watching(credential_of(cluster.kubeconfig_for("operator", ["multicloud-readers"])))
    try:
        await eventually(lambda: watch.inside("web").counted, lambda: watch.inside("web"))
        assert watch.inside("web") == Inside(counted=Counted(nodes=1))
        patch = '{"spec":{"unschedulable":true}}'
        cluster.kubectl("patch", "node", NODE, f"--patch={patch}").check_returncode()
        await eventually(lambda: watch.inside("web").counted == Counted(nodes=1, cordoned=1))
        assert watch.inside("web").trouble is None
    finally:
        watch.close()


async def test_who_is_not_bound_is_told_what_is_missing(cluster: ControlPlane) -> None:
    watch = watching(credential_of(cluster.kubeconfig_for("stranger-inside")))
    try:
        await eventually(lambda: watch.inside("web").trouble)
        trouble = watch.inside("web").trouble
        assert trouble is not None
        assert (trouble.code, "list nodes" in trouble.text) == (Code.DENIED, True)
    finally:
        watch.close()


@pytest.mark.parametrize(
    "question",
    [
        "list secrets",
        "get secrets",
        "patch nodes",
        "delete pods",
        "create pods/eviction",
        "list configmaps",
        "get pods",
    ],
)
def test_a_reader_may_do_nothing_else(cluster: ControlPlane, question: str) -> None:
    reader = cluster.kubeconfig_for("operator", ["multicloud-readers"])
    said = cluster.kubectl("auth", "can-i", *question.split(), "--all-namespaces", kubeconfig=reader)
    assert said.stdout.strip() == "no"


@pytest.fixture
def lenient(cluster: ControlPlane) -> Iterator[ControlPlane]:
    """The right to cordon is given, too, until the test is over."""
    cluster.kubectl("apply", f"--filename={CORDON}").check_returncode()
    yield cluster
    cluster.kubectl("delete", f"--filename={CORDON}").check_returncode()


async def test_with_the_right_to_cordon_a_node_is_closed_and_opened_and_nothing_else_of_it_changes(
    lenient: ControlPlane,
) -> None:
    way_in = credential_of(lenient.kubeconfig_for("operator", ["multicloud-readers"]))
    cordoning = Cordoning(OpenFence(), send_budget_s=5, within_s=PATIENCE_S, installation="here")
    cluster = login().cluster
    lenient.kubectl("uncordon", NODE).check_returncode()
    opened = _node(lenient)
    assert await cordoning.cordon(way_in, cluster, "web", [NODE], mark="shop/web/1") == Patched(nodes=(NODE,))
    closed = _node(lenient)
    assert (closed["spec"]["unschedulable"], closed["metadata"]["annotations"][MARK]) == (True, "here/shop/web/1")
    assert await cordoning.uncordon(way_in, cluster, "web", [NODE]) == Patched(nodes=(NODE,))
    again = _node(lenient)
    for node in (opened, again):
        node["metadata"].pop("resourceVersion")
        node["metadata"].pop("managedFields", None)
    assert again == opened


@pytest.mark.parametrize(
    "question", ["update nodes", "delete nodes", "create pods/eviction", "patch pods", "list secrets"]
)
def test_the_right_to_cordon_gives_nothing_else(lenient: ControlPlane, question: str) -> None:
    reader = lenient.kubeconfig_for("operator", ["multicloud-readers"])
    said = lenient.kubectl("auth", "can-i", *question.split(), "--all-namespaces", kubeconfig=reader)
    assert said.stdout.strip() == "no"


def _node(cluster: ControlPlane) -> dict[str, Any]:
    node: dict[str, Any] = json.loads(cluster.kubectl("get", "node", NODE, "--output=json").stdout)
    return node


def entries(directory: Path) -> list[Path]:
    return list(directory.iterdir())


async def test_a_clients_key_leaves_no_file_behind(
    cluster: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    async with enter(credential_of(cluster.kubeconfig_for("operator", ["multicloud-readers"]))) as kube:
        assert entries(tmp_path) == []
        assert (await kube.call("GET", "/api/v1/nodes", query={"limit": "1"}))["kind"] == "NodeList"
