"""What stands on the API server before the story begins: our kinds, the samples of `deploy/`, and the lab's keys."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from multicloud.cli.demo.emulated import EmulatedClouds
from multicloud.cli.demo.failure import DemoError
from multicloud.kinds.crd import crds
from multicloud.kube.client import APPLY, KubeClient
from multicloud.kube.objects import KubeObjects
from multicloud.model.port import Clock
from multicloud.model.ref import GROUP, VERSION, Kind, ObjectKey

POOL: Final = ObjectKey(kind=Kind.POOL, namespace="shop", name="web")
"""The pool of the samples that the story is about."""

POLICY: Final = ObjectKey(kind=Kind.POLICY, namespace=POOL.namespace, name=POOL.name)
"""The pool's policy, in acts that have one."""

OPERATOR_NAMESPACE: Final = "multicloud-system"
SAMPLES: Final = Path(__file__).parents[4] / "deploy" / "samples"
"""In the source tree, which `make demo` runs from."""

_MANAGER: Final = "multicloud-demo"
_EDITOR: Final = "multicloud-demo-editor"
"""Whoever applies as `_MANAGER` has to name everything that it wants to keep; an editor names what it changes."""

_KINDS_WITHIN_S: Final = 30.0
_PLURALS: Final = {
    "Namespace": "namespaces",
    "Secret": "secrets",
    "CustomResourceDefinition": "customresourcedefinitions",
    **{str(kind): kind.plural for kind in Kind},
}
_CLUSTER_WIDE: Final = {"Namespace", "CustomResourceDefinition"}

Body = Mapping[str, Any]


def read_samples(directory: Path, manifests: Sequence[str]) -> list[Body]:
    """Every object of these files of the directory; keys for clouds are left out. Raises DemoError."""
    files = [file for name in manifests if (file := directory / name).exists()]
    found = [body for file in files for body in _documents(file) if body.get("kind") in _PLURALS]
    if not any(_key(body) == (str(POOL.kind), POOL.namespace, POOL.name) for body in found):
        raise DemoError(
            f"{directory} holds no MultiCloudPool {POOL.namespace}/{POOL.name} in {' or '.join(manifests)}: run "
            "`make demo` in the source tree, or name the samples' directory with --samples"
        )
    return [body for body in found if body["kind"] != "Secret"]


def _documents(file: Path) -> Iterator[Body]:
    try:
        yield from (body for body in yaml.safe_load_all(file.read_text(encoding="utf-8")) if body)
    except (OSError, yaml.YAMLError) as error:
        raise DemoError(f"{file}: {' '.join(str(error).split())}") from error


def _key(body: Body) -> tuple[str, str, str]:
    meta = body.get("metadata") or {}
    return str(body.get("kind")), str(meta.get("namespace")), str(meta.get("name"))


def cloud_keys(samples: Sequence[Body], clouds: EmulatedClouds) -> list[Body]:
    """The Secrets that the samples' accounts refer to, filled with what the lab accepts."""
    secrets: list[Body] = []
    for body in samples:
        if body["kind"] != str(Kind.ACCOUNT):
            continue
        spec = body["spec"]
        reference = (spec.get("credentials") or {}).get("secretRef")
        if reference is None:
            continue
        found = _spelled(spec["provider"], clouds.credentials(spec["provider"]))
        secrets.append(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": reference["name"], "namespace": body["metadata"]["namespace"]},
                "type": "Opaque",
                "data": {key: base64.b64encode(value.encode()).decode() for key, value in found.items()},
            }
        )
    return secrets


def _spelled(provider: str, credentials: Mapping[str, Any]) -> Mapping[str, str]:
    """Keys of a Secret by provider, as the guide on accounts documents them."""
    if provider == "aws":
        return {name: credentials[name] for name in ("accessKeyId", "secretAccessKey")}
    if provider == "azure":
        return {"clientSecret": credentials["clientSecret"]}
    return {"key.json": json.dumps(dict(credentials))}


def settings_file(clouds: EmulatedClouds, factor: float, prometheus_url: str | None) -> str:
    """The operator's settings as YAML: the lab's endpoints, and every interval divided by the clouds' clock factor.

    Policies of the pool's namespace may ask the source `main` where there is a URL for it.
    """
    main = {"url": prometheus_url, "namespaces": [POOL.namespace], "timeoutSeconds": 2}
    settings = {
        "kubeconfig": clouds.kubeconfig,
        "namespace": OPERATOR_NAMESPACE,
        "settleSeconds": 0.2,
        "settleMaxSeconds": 1,
        "stopPollSeconds": 1,
        "lease": {
            "durationSeconds": 10,
            "renewDeadlineSeconds": 7,
            "retrySeconds": 1,
            "sendBudgetSeconds": 2,
            "takeoverMarginSeconds": 1,
        },
        "http": {"host": "127.0.0.1", "port": 0},
        "observe": {
            "intervalSeconds": max(1.0, 60 / factor),
            "describeSeconds": max(5.0, 900 / factor),
            "busyMinSeconds": max(0.3, 5 / factor),
            "quietSeconds": max(0.5, 600 / factor),
            "busyMaxSeconds": max(0.5, 30 / factor),
        },
        # The story removes more than half of its nodes within a minute, which the default brake is there to prevent.
        "guard": {"maxRemovedNodes": 200, "maxAddedNodes": 200},
        "metrics": {"prometheus": {"main": main} if prometheus_url else {}},
        "clouds": clouds.endpoints(),
    }
    return yaml.safe_dump(settings, sort_keys=False)


async def apply_kinds(kube: KubeClient, clock: Clock) -> None:
    """Apply our definitions and the operator's namespace; wait until the kinds are served. Raises DemoError."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OPERATOR_NAMESPACE}}
    for body in (namespace, *crds()):
        await apply(kube, body)
    objects = KubeObjects(kube, namespaces=())
    deadline_s = clock.monotonic() + _KINDS_WITHIN_S
    while missing := await objects.missing_kinds():
        if clock.monotonic() > deadline_s:
            raise DemoError(f"the API server does not serve our kinds after {_KINDS_WITHIN_S:.0f} s: {missing[0]}")
        await clock.sleep_until(clock.monotonic() + 0.1)


async def apply_samples(kube: KubeClient, samples: Sequence[Body], clouds: EmulatedClouds) -> None:
    """Apply namespaces, keys, accounts, pools, in this order. Raises KubeError."""
    placed = {str(body["metadata"]["namespace"]) for body in samples if "namespace" in body["metadata"]}
    namespaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in sorted(placed)]
    order = {"Namespace": 0, str(Kind.ACCOUNT): 1, str(Kind.POOL): 2}
    for body in (
        *namespaces,
        *cloud_keys(samples, clouds),
        *sorted(samples, key=lambda body: order.get(body["kind"], 1)),
    ):
        await apply(kube, body)


async def apply(kube: KubeClient, body: Body, *, manager: str = _MANAGER) -> None:
    """Server-side apply of one object, or of the part of it that `manager` sets. Raises KubeError."""
    meta = body["metadata"]
    version = str(body["apiVersion"])
    base = f"/apis/{version}" if "/" in version else f"/api/{version}"
    place = "" if body["kind"] in _CLUSTER_WIDE else f"/namespaces/{meta['namespace']}"
    await kube.call(
        "PATCH",
        f"{base}{place}/{_PLURALS[body['kind']]}/{meta['name']}",
        query={"fieldManager": manager, "force": "true"},
        body=body,
        content_type=APPLY,
    )


async def scale(kube: KubeClient, pool: ObjectKey, replicas: int) -> None:
    """Do what `kubectl scale --replicas=N` does. Raises KubeError."""
    await kube.call(
        "PATCH",
        f"/apis/{GROUP}/{VERSION}/namespaces/{pool.namespace}/{pool.kind.plural}/{pool.name}/scale",
        query={"fieldManager": _MANAGER},
        body={"spec": {"replicas": replicas}},
        content_type="application/merge-patch+json",
    )


async def edit_member(kube: KubeClient, pool: ObjectKey, name: str, changes: Mapping[str, object]) -> None:
    """Set fields of one member, as somebody with `kubectl edit` would. Raises KubeError."""
    body = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": str(pool.kind),
        "metadata": {"namespace": pool.namespace, "name": pool.name},
        "spec": {"members": [{"name": name, **changes}]},
    }
    await apply(kube, body, manager=_EDITOR)
