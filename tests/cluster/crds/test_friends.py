"""Those who scale or apply a pool beside us, by the calls that they make, on the real API server.

HPA and KEDA read and replace the scale subresource (client-go's scale client). Argo CD and Flux apply server-side with field
managers of their own, and call an object out of sync when a dry run of the same apply would change it.
"""

import json
from typing import Any

import pytest

from multicloud.kube.client import KubeClient, KubeError
from multicloud_lab.controlplane import ControlPlane
from support.manifests import pool

ARGO = ("argocd-controller",)
FLUX = ("kustomize-controller", "--force-conflicts")
OURS = ("multicloud-operator", "--subresource=status", "--force-conflicts")


def path(namespace: str, name: str = "web") -> str:
    return f"/apis/multicloud.dev/v1alpha1/namespaces/{namespace}/multicloudpools/{name}"


def apply(our_kinds: ControlPlane, namespace: str, body: dict[str, Any], manager: str, *flags: str) -> dict[str, Any]:
    """Server-side apply by a field manager; returns the object."""
    placed = {**body, "metadata": {**body["metadata"], "namespace": namespace}}
    answer = our_kinds.kubectl(
        "apply",
        "--server-side",
        f"--field-manager={manager}",
        "--output=json",
        "--filename=-",
        *flags,
        input=json.dumps(placed),
    )
    assert answer.returncode == 0, answer.stderr
    made: dict[str, Any] = json.loads(answer.stdout)
    return made


def without_times(body: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in body["metadata"].items() if key != "managedFields"}
    return {**body, "metadata": metadata}


@pytest.fixture
def status(our_kinds: ControlPlane) -> dict[str, Any]:
    """What the operator writes of a pool that it has looked at."""
    assert our_kinds.url
    return {"observedGeneration": 1, "replicas": 4, "selector": "multicloud.dev/pool=web", "desiredReplicas": 4}


async def test_hpa_and_keda_cannot_read_an_absent_number_and_replace_a_first_one(
    our_kinds: ControlPlane, namespace: str, kube: KubeClient, status: dict[str, Any]
) -> None:
    made = apply(our_kinds, namespace, pool(), *ARGO)
    apply(our_kinds, namespace, {**_named(made), "status": status}, *OURS)
    with pytest.raises(KubeError, match=r"spec replicas field .* does not exist"):
        await kube.call("GET", f"{path(namespace)}/scale")
    our_kinds.kubectl("scale", "mcpool/web", "--replicas=7", f"--namespace={namespace}").check_returncode()
    first = await kube.call("GET", f"{path(namespace)}/scale")
    assert first["spec"] == {"replicas": 7}
    assert first["status"] == {"replicas": 4, "selector": "multicloud.dev/pool=web"}
    again = await kube.call("PUT", f"{path(namespace)}/scale", body={**first, "spec": {"replicas": 9}})
    assert again["spec"] == {"replicas": 9}
    whole = await kube.call("GET", path(namespace))
    assert (whole["spec"]["replicas"], whole["metadata"]["generation"]) == (9, 3)
    with pytest.raises(KubeError) as stale:
        await kube.call("PUT", f"{path(namespace)}/scale", body={**first, "spec": {"replicas": 3}})
    assert stale.value.conflict


@pytest.mark.parametrize("manager", [ARGO, FLUX], ids=["Argo CD", "Flux"])
async def test_what_git_does_not_name_is_no_difference_and_is_not_taken_back(
    our_kinds: ControlPlane, namespace: str, kube: KubeClient, status: dict[str, Any], manager: tuple[str, ...]
) -> None:
    made = apply(our_kinds, namespace, pool(), *manager)
    apply(our_kinds, namespace, {**_named(made), "status": status}, *OURS)
    our_kinds.kubectl("scale", "mcpool/web", "--replicas=7", f"--namespace={namespace}").check_returncode()
    live = dict(await kube.call("GET", path(namespace)))
    would_be = apply(our_kinds, namespace, pool(), *manager, "--dry-run=server")
    assert without_times(would_be) == without_times(live)
    after = apply(our_kinds, namespace, pool(), *manager)
    assert (after["spec"]["replicas"], after["status"]) == (7, status)
    assert after["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]


@pytest.mark.parametrize("manager", [ARGO, FLUX], ids=["Argo CD", "Flux"])
async def test_a_change_in_git_changes_that_field_alone(
    our_kinds: ControlPlane, namespace: str, kube: KubeClient, manager: tuple[str, ...]
) -> None:
    apply(our_kinds, namespace, pool(), *manager)
    our_kinds.kubectl("scale", "mcpool/web", "--replicas=7", f"--namespace={namespace}").check_returncode()
    after = apply(our_kinds, namespace, pool(maxReplicas=30), *manager)
    assert (after["spec"]["replicas"], after["spec"]["maxReplicas"]) == (7, 30)


def _named(made: dict[str, Any]) -> dict[str, Any]:
    meta = {key: made["metadata"][key] for key in ("name", "uid", "resourceVersion")}
    return {"apiVersion": made["apiVersion"], "kind": made["kind"], "metadata": meta}
