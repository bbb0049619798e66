"""Who may approve a plan, judged by the real API server with the shipped admission policy and RBAC."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from subprocess import CompletedProcess
from typing import Any

import pytest

from multicloud_lab.controlplane import ControlPlane
from support.manifests import pool
from support.waiting import until

APPROVE = "multicloud.dev/approve"
NAMESPACE = "shop"


@dataclass(frozen=True, slots=True)
class Gate:
    """The API server, asked as somebody."""

    plane: ControlPlane

    def approve(self, who: str, value: str) -> CompletedProcess[str]:
        """`kubectl annotate` with this approval; a hyphen at the end takes it away."""
        note = value if value == f"{APPROVE}-" else f"{APPROVE}={value}"
        return self.kubectl(who, "annotate", "--overwrite", "mcpool/web", note)

    def kubectl(self, who: str, *arguments: str) -> CompletedProcess[str]:
        return self.plane.kubectl(*arguments, f"--namespace={NAMESPACE}", *([f"--as={who}"] if who else []))


def _role(name: str, *verbs: str) -> list[dict[str, Any]]:
    rule = {"apiGroups": ["multicloud.dev"], "resources": ["multicloudpools"], "verbs": list(verbs)}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name}, "rules": [rule]}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}],
    }
    return [role, binding]


@pytest.fixture(scope="module")
def gate(installed: ControlPlane) -> Iterator[Gate]:
    gate = Gate(installed)
    objects = [pool(), *_role("editor", "get", "patch", "update"), *_role("approver", "get", "patch", "approve")]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [*objects]})
    installed.kubectl("apply", f"--namespace={NAMESPACE}", "--filename=-", input=text).check_returncode()
    until(lambda: gate.approve("editor", "probe").returncode != 0, "the policy is in force", timeout_s=60)
    gate.approve("", f"{APPROVE}-").check_returncode()
    yield gate
    gate.kubectl("", "delete", "mcpool/web").check_returncode()


def test_whoever_may_only_change_a_pool_may_not_approve(gate: Gate) -> None:
    said = gate.approve("editor", "0123456789abcdef")
    assert said.returncode != 0
    assert "approving a plan takes the verb approve on multicloudpools" in said.stderr
    assert (
        gate.kubectl("editor", "patch", "mcpool/web", "--type=merge", '--patch={"spec":{"replicas":7}}').returncode == 0
    )
    assert gate.kubectl("editor", "annotate", "--overwrite", "mcpool/web", "multicloud.dev/paused=true").returncode == 0


def test_the_verb_lets_approve_and_anybody_take_it_back(gate: Gate) -> None:
    assert gate.approve("approver", "0123456789abcdef").returncode == 0
    changed = gate.approve("editor", "fedcba9876543210")
    assert changed.returncode != 0
    assert gate.approve("editor", "0123456789abcdef").returncode == 0, "what is not changed is not asked for"
    assert gate.approve("editor", f"{APPROVE}-").returncode == 0
    got = json.loads(gate.kubectl("", "get", "mcpool/web", "--output=json").stdout)
    assert APPROVE not in got["metadata"].get("annotations", {})
