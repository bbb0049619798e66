"""kubectl on a member cluster: what it discovers, lists, cordons and drains."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import requests

from multicloud_lab.controlplane import programs
from multicloud_lab.thread import LabThread
from support.lab import lab
from support.member import place, token

__all__ = ["lab"]

Kubectl = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def kubectl(lab: LabThread, tmp_path: Path) -> Kubectl:
    return kubectl_on(lab, tmp_path)


def kubectl_on(lab: LabThread, tmp_path: Path) -> Kubectl:
    program, where = programs().kubectl, place(lab, "azure")

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command: Sequence[str] = [
            str(program),
            "--kubeconfig=/dev/null",
            f"--cache-dir={tmp_path}",
            f"--server={where['url']}",
            f"--certificate-authority={where['caFile']}",
            f"--token={token(lab, 'azure')}",
            *arguments,
        ]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    return run


def names(result: "subprocess.CompletedProcess[str]") -> list[str]:
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


def test_it_discovers_and_lists(kubectl: Kubectl) -> None:
    assert "Server Version: v1.36.1" in kubectl("version").stdout
    kinds = names(kubectl("api-resources", "--output=name"))
    assert {"nodes", "pods", "configmaps", "daemonsets.apps"} <= set(kinds)
    nodes = names(kubectl("get", "nodes", "--output=name", "--selector=agentpool=web"))
    assert len(nodes) == 4
    paged = names(kubectl("get", "nodes", "--output=name", "--chunk-size=2"))
    assert len(paged) == 6
    assert set(nodes) < set(paged)
    agents = names(kubectl("get", "pods", "--namespace=kube-system", "--output=name", "--selector=k8s-app=kube-proxy"))
    assert len(agents) == 6
    assert kubectl("get", "nodes,pods", "--all-namespaces").returncode == 0


def test_it_shows_what_nodes_and_pods_are(lab: LabThread, kubectl: Kubectl) -> None:
    table = kubectl("get", "nodes", "--no-headers").stdout.splitlines()
    assert [line.split()[1] for line in table] == ["Ready"] * 6
    name = table[0].split()[0]
    assert kubectl("cordon", name).returncode == 0
    assert kubectl("get", "node", name, "--no-headers").stdout.split()[1] == "Ready,SchedulingDisabled"
    pods = kubectl("get", "pods", "--namespace=kube-system", "--no-headers").stdout.splitlines()
    assert {tuple(line.split()[1:3]) for line in pods} == {("1/1", "Running")}
    assert "Unschedulable:      true" in kubectl("describe", "node", name).stdout


def test_it_drains_a_node(tmp_path: Path) -> None:
    with LabThread(factor=60) as quick:  # pods end half a second after their eviction
        kubectl = kubectl_on(quick, tmp_path)
        body = {"cloud": "azure", "cluster": "shop-prod", "name": "web", "replicas": 6, "minAvailable": 5}
        requests.post(f"{quick.document['admin']['url']}/pods", json=body, timeout=10).raise_for_status()
        where = "--output=jsonpath={range .items[*]}{.spec.nodeName}{'\\n'}{end}"
        before = names(kubectl("get", "pods", where))
        assert len(set(before)) == 6
        drained = kubectl("drain", before[0], "--ignore-daemonsets", "--timeout=40s")
        assert drained.returncode == 0, drained.stderr
        assert "evicting pod default/web-" in drained.stdout
        after = names(kubectl("get", "pods", where))
        assert len(after) == 6
        assert set(after) == set(before) - {before[0]}
