"""The kustomize base and the chart install the same thing: both are applied to real API servers and compared."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from multicloud_lab.controlplane import ControlPlane
from support.renderings import BASE, SYSTEM, TREE, charted, documents, kustomize, overlay, template

Json = dict[str, Any]

_TENANTS = ("shop", "bank")
# Told by the API server, or by the tool that brought the object; not part of what is installed.
_NOT_INSTALLED = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "finalizers")
_OF_THE_TOOL = {
    "app.kubernetes.io/managed-by",
    "helm.sh/chart",
    "helm.sh/resource-policy",
    "kubectl.kubernetes.io/last-applied-configuration",
}
# Only the chart can restart pods when settings change, by this annotation of the pod template.
_RESTARTS = "checksum/settings"


def _installed(plane: ControlPlane, names: list[str]) -> dict[str, Json]:
    """Every named object as the API server holds it, without what differs by place, time and tool."""
    held = documents(plane.kubectl("get", "--output=yaml", "--filename=-", input="\n---\n".join(names)).stdout)
    assert len(held) == 1
    return {_name(one): _bare(one) for one in held[0]["items"]}


def _name(one: Json) -> str:
    meta = one["metadata"]
    return f"{one['kind']} {meta.get('namespace', '')}/{meta['name']}"


def _bare(one: Json) -> Json:
    one.pop("status", None)
    _strip(one["metadata"])
    if one["kind"] == "Deployment":
        _strip(one["spec"]["template"]["metadata"])
    if one["kind"] == "Service":
        for field in ("clusterIP", "clusterIPs"):
            one["spec"].pop(field)
    return one


def _strip(meta: Json) -> None:
    for field in _NOT_INSTALLED:
        meta.pop(field, None)
    for field in ("labels", "annotations"):
        kept = {key: value for key, value in (meta.pop(field, None) or {}).items() if key not in _OF_THE_TOOL}
        kept.pop(_RESTARTS, None)
        if kept:
            meta[field] = kept


def _apply(rendered: str) -> dict[str, Json]:
    """Apply a rendering to an API server of its own and read it back."""
    with ControlPlane() as plane:
        for namespace in (SYSTEM, *_TENANTS):
            plane.kubectl("create", "namespace", namespace).check_returncode()
        answer = plane.kubectl("apply", "--filename=-", input=rendered)
        assert answer.returncode == 0, answer.stderr
        assert "Warning" not in answer.stderr.replace("Warning: resource namespaces/", "")
        names = [
            yaml.safe_dump({**{key: one[key] for key in ("apiVersion", "kind")}, "metadata": one["metadata"]})
            for one in documents(rendered)
        ]
        return _installed(plane, names)


def test_both_renderings_install_the_same_objects(control_plane: ControlPlane, tmp_path: Path) -> None:
    by_kustomize = _apply(kustomize(control_plane, overlay(tmp_path, *_TENANTS)))
    by_helm = _apply(template({"tenantNamespaces": list(_TENANTS)}).stdout)
    # Helm makes the namespace itself (--create-namespace).
    assert by_kustomize.pop(f"Namespace /{SYSTEM}")
    assert by_helm == by_kustomize
    kinds = {name.partition(" ")[0] for name in by_helm}
    assert kinds == {
        "ClusterRole",
        "ClusterRoleBinding",
        "ConfigMap",
        "CustomResourceDefinition",
        "Deployment",
        "PodDisruptionBudget",
        "Role",
        "RoleBinding",
        "Service",
        "ServiceAccount",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }


def test_the_plain_manifest_is_the_rendered_base(control_plane: ControlPlane) -> None:
    shipped = documents((TREE / "deploy" / "install.yaml").read_text(encoding="utf-8"))
    assert shipped == documents(kustomize(control_plane, BASE)), (
        "deploy/install.yaml is not as rendered: kubectl kustomize deploy/base > deploy/install.yaml"
    )


def test_both_renderings_give_the_operator_the_same_settings(control_plane: ControlPlane) -> None:
    texts = [
        next(one["data"]["settings.yaml"] for one in rendered if one["kind"] == "ConfigMap")
        for rendered in (documents(kustomize(control_plane, BASE)), charted())
    ]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("rendering", ["kustomize", "helm"])
def test_the_definitions_of_both_are_the_generated_ones(control_plane: ControlPlane, rendering: str) -> None:
    rendered = documents(kustomize(control_plane, BASE)) if rendering == "kustomize" else charted()
    specs = {one["metadata"]["name"]: one["spec"] for one in rendered if one["kind"] == "CustomResourceDefinition"}
    generated = [
        yaml.safe_load(path.read_text(encoding="utf-8")) for path in (TREE / "crds").glob("*.multicloud.dev.yaml")
    ]
    assert specs == {one["metadata"]["name"]: one["spec"] for one in generated}
