"""What the operator may do, and that it is no more: as written, and as the real API server judges."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from multicloud_lab.controlplane import ControlPlane
from support.renderings import BASE, SYSTEM, charted, documents, kustomize, of_kind

_ALL_RIGHTS = Path(__file__).with_name("rights.yaml")
_OPERATOR = f"system:serviceaccount:{SYSTEM}:multicloud-operator"


def _rights(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """Every rule by the kind, namespace and name of its role."""
    return {
        f"{kind} {one['metadata'].get('namespace', '')}/{one['metadata']['name']}": one["rules"]
        for kind in ("ClusterRole", "Role")
        for one in of_kind(objects, kind)
    }


def test_the_rights_are_those_that_were_agreed_on() -> None:
    agreed = yaml.safe_load(_ALL_RIGHTS.read_text(encoding="utf-8"))
    assert _rights(charted({"tenantNamespaces": ["shop"]})) == agreed


_METRICS = {"apiGroups": ["external.metrics.k8s.io"], "resources": ["*"], "verbs": ["list"]}
"""In this group a resource is the name of a metric: numbers, which the API's own servers make up."""


@pytest.mark.parametrize("rendering", ["kustomize", "helm"])
def test_no_right_is_a_wildcard_and_none_on_secrets_is_for_the_whole_cluster(
    control_plane: ControlPlane, rendering: str
) -> None:
    objects = documents(kustomize(control_plane, BASE)) if rendering == "kustomize" else charted()
    for role, rules in _rights(objects).items():
        words = [word for rule in rules if rule != _METRICS for values in rule.values() for word in values]
        assert not [word for word in words if "*" in word], role
        assert "secrets" not in words, role


_MAY = [
    ("list", "multicloudpools.multicloud.dev", "--all-namespaces", True),
    ("watch", "cloudaccounts.multicloud.dev", "--all-namespaces", True),
    ("patch", "multicloudpools.multicloud.dev --subresource=status", "--namespace=default", True),
    ("patch", "cloudaccounts.multicloud.dev --subresource=status", "--namespace=default", True),
    ("create", "events.events.k8s.io", "--namespace=default", True),
    ("patch", "multicloudpools.multicloud.dev", "--namespace=default", False),
    ("update", "multicloudpools.multicloud.dev --subresource=scale", "--namespace=default", False),
    ("delete", "cloudaccounts.multicloud.dev", "--namespace=default", False),
    ("get", "secrets", "--namespace=shop", True),
    ("get", "secrets", "--namespace=bank", True),
    ("list", "secrets", "--namespace=shop", False),
    ("watch", "secrets", "--namespace=shop", False),
    ("get", "secrets", "--namespace=default", False),
    ("get", "secrets", f"--namespace={SYSTEM}", False),
    ("create", "leases.coordination.k8s.io", f"--namespace={SYSTEM}", True),
    ("update", "leases.coordination.k8s.io/multicloud-operator", f"--namespace={SYSTEM}", True),
    ("update", "leases.coordination.k8s.io/another", f"--namespace={SYSTEM}", False),
    ("create", "leases.coordination.k8s.io", "--namespace=default", False),
    ("get", "configmaps/multicloud-stop", f"--namespace={SYSTEM}", True),
    ("delete", "configmaps/multicloud-stop", f"--namespace={SYSTEM}", False),
    ("get", "configmaps/another", f"--namespace={SYSTEM}", False),
    ("get", "nodes", "--all-namespaces", False),
]


@pytest.mark.parametrize(
    ("verb", "what", "where", "allowed"), [pytest.param(*row, id=" ".join(map(str, row[:3]))) for row in _MAY]
)
def test_what_the_api_server_lets_the_operator_do(
    installed: ControlPlane, verb: str, what: str, where: str, allowed: bool
) -> None:
    answer = installed.kubectl("auth", "can-i", verb, *what.split(), where, f"--as={_OPERATOR}")
    assert answer.stdout.strip() == ("yes" if allowed else "no"), answer.stderr


def test_the_pod_is_taken_where_pod_security_is_restricted(installed: ControlPlane) -> None:
    namespace = json.loads(installed.kubectl("get", "namespace", SYSTEM, "--output=json").stdout)
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    made = of_kind(charted(), "Deployment")[0]["spec"]["template"]
    pod = {**made, "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "operator", "namespace": SYSTEM}}
    answer = installed.kubectl("create", "--dry-run=server", "--filename=-", input=json.dumps(pod))
    assert answer.returncode == 0, answer.stderr
    del pod["spec"]["containers"][0]["securityContext"]
    refused = installed.kubectl("create", "--dry-run=server", "--filename=-", input=json.dumps(pod))
    assert "violates PodSecurity" in refused.stderr
