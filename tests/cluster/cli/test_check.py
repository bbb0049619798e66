"""`multicloud check` on the real API server: with every right, with too few, and from the objects as it stores them."""

import json
from pathlib import Path

import pytest
import yaml

from multicloud_lab.controlplane import ControlPlane
from multicloud_lab.thread import LabThread
from support.commandline import multicloud_says
from support.lab import lab
from support.operator_process import settings_for
from support.world import account_bodies, pool_body, secrets_for

__all__ = ["lab"]

READER = {
    "rules": [{"apiGroups": ["multicloud.dev"], "resources": ["cloudaccounts", "multicloudpools"], "verbs": ["list"]}]
}


@pytest.fixture
def tenant(our_kinds: ControlPlane, lab: LabThread, namespace: str) -> str:
    """A namespace with accounts of the three clouds, their Secrets, and a pool over them."""
    credentials = lab.document["credentials"]
    bodies = [*account_bodies(credentials), pool_body()]
    for (_, name), content in secrets_for(credentials).items():
        told = {key: value.decode() for key, value in content.items()}
        bodies.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": told})
    for body in bodies:
        body["metadata"]["namespace"] = namespace
        our_kinds.kubectl("apply", "--filename=-", input=json.dumps(body)).check_returncode()
    return namespace


@pytest.fixture
def settings(lab: LabThread, tmp_path: Path) -> Path:
    file = tmp_path / "settings.yaml"
    clouds = settings_for(lab.document, kubeconfig=tmp_path / "none", namespace="none")["clouds"]
    file.write_text(yaml.safe_dump({"clouds": clouds}))
    return file


def test_every_account_of_a_namespace_is_checked(our_kinds: ControlPlane, tenant: str, settings: Path) -> None:
    said = multicloud_says("check", f"--kubeconfig={our_kinds.kubeconfig}", f"--settings={settings}", "-n", tenant)
    assert (said.returncode, said.stderr) == (0, "")
    for shown in ("user/lab", "lab@shop-prod-1", "web/aws", "web/azure", "web/gcp"):
        assert shown in said.stdout


def test_who_may_not_read_secrets_is_told_how_the_operator_sees_it(
    our_kinds: ControlPlane, tenant: str, settings: Path
) -> None:
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", **READER}
    binding = {
        "apiVersion": role["apiVersion"],
        "kind": "RoleBinding",
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "reader"}],
    }
    for body in (role, binding):
        whole = {**body, "metadata": {"name": "reader", "namespace": tenant}}
        our_kinds.kubectl("apply", "--filename=-", input=json.dumps(whole)).check_returncode()
    reader = our_kinds.kubeconfig_for("reader", ("system:authenticated",))
    said = multicloud_says("check", f"--kubeconfig={reader}", f"--settings={settings}", "-n", tenant)
    assert said.returncode == 1
    assert said.stdout.count("SecretNotReadable") == 3
    assert "kubectl exec" in said.stderr
