"""One pool or several, as the API server has them. `status`, `explain` and `cost` ask it, `check` only for the kinds."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from multicloud.kube.client import KubeClient
    from multicloud.kube.objects import KubeObjects

Body = Mapping[str, Any]


async def expect_kinds(objects: "KubeObjects") -> None:
    """Raise click.ClickException, with the command that helps, where the API server lacks one of our kinds. KubeError."""
    missing = await objects.missing_kinds()
    if missing:
        raise click.ClickException(f"{missing[0]}: `multicloud crds | kubectl apply --server-side -f -`")


async def read_pools(kube: "KubeClient", namespace: str | None, pool: str | None) -> Sequence[Body]:
    """The pool of that name, all of a namespace, or all of the cluster. Raises click.ClickException, KubeError."""
    from multicloud.kube.objects import KubeObjects
    from multicloud.model.ref import Kind, ObjectKey

    objects = KubeObjects(kube, namespaces=() if namespace is None else (namespace,))
    await expect_kinds(objects)
    if namespace is None or pool is None:
        found = await objects.list_objects(Kind.POOL)
        return sorted(found, key=lambda body: (body["metadata"]["namespace"], body["metadata"]["name"]))
    body = await objects.read_object(ObjectKey(kind=Kind.POOL, namespace=namespace, name=pool))
    if body is None:
        raise click.ClickException(
            f"MultiCloudPool {pool} does not exist in namespace {namespace}; "
            "`multicloud status -A` lists those of every namespace"
        )
    return (body,)


async def read_decided(
    kube: "KubeClient", namespace: str | None, pool: str | None
) -> Sequence[tuple[Body, Sequence[Body]]]:
    """Pools as `read_pools` gives them, each with the policies that want to decide for it, the oldest first."""
    from multicloud.kube.objects import KubeObjects
    from multicloud.model.ref import Kind

    pools = await read_pools(kube, namespace, pool)
    objects = KubeObjects(kube, namespaces=() if namespace is None else (namespace,))
    found = sorted(
        await objects.list_objects(Kind.POLICY),
        key=lambda body: (body["metadata"]["creationTimestamp"], body["metadata"]["uid"]),
    )
    by_pool: dict[tuple[str, str], list[Body]] = {}
    for body in found:
        by_pool.setdefault((body["metadata"]["namespace"], body["spec"]["poolRef"]["name"]), []).append(body)
    return [(body, by_pool.get((body["metadata"]["namespace"], body["metadata"]["name"]), [])) for body in pools]
