"""Pools and accounts as a cluster has them, for a plan with the sizes that the operator reported last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import click

from multicloud.cli.plan.scene import Scene, left_behind, live
from multicloud.kinds.parse import account_object, pool_object
from multicloud.kinds.remembered import pool_record
from multicloud.kube.client import KubeClient
from multicloud.kube.objects import KubeObjects
from multicloud.model.account import AccountObject
from multicloud.model.ref import Kind, ObjectKey
from multicloud.model.spec import PoolObject
from multicloud.run.clock import SystemClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A pool to plan for: the cluster's, or a file's with what the cluster knows of it."""

    key: ObjectKey
    filed: PoolObject | AccountObject | None = None

    @classmethod
    def named(cls, pool: str, namespace: str) -> Self:
        """The cluster's own of that name."""
        return cls(key=ObjectKey(kind=Kind.POOL, namespace=namespace, name=pool))


async def read_scenes(
    kube: KubeClient, wanted: Sequence[Wanted], filed: Mapping[ObjectKey, AccountObject]
) -> Sequence[Scene]:
    """Read what the cluster knows of the pools, and the accounts of their namespaces; `filed` accounts go before those.

    Raises click.ClickException for a pool that is not there or cannot be understood, KubeError.
    """
    scenes: list[Scene] = []
    for one in wanted:
        objects = KubeObjects(kube, namespaces=(one.key.namespace,))
        accounts = {body["metadata"]["name"]: account_object(body) for body in await objects.list_objects(Kind.ACCOUNT)}
        accounts |= {key.name: account for key, account in filed.items() if key.namespace == one.key.namespace}
        body = await objects.read_object(one.key)
        if body is None and one.filed is None:
            raise click.ClickException(
                f"MultiCloudPool {one.key.name} does not exist in namespace {one.key.namespace}; "
                "name a file to plan for one that is not applied yet"
            )
        scenes.append(_scene(body or {}, one, accounts))
    return scenes


def _scene(body: Mapping[str, Any], wanted: Wanted, accounts: Mapping[str, AccountObject]) -> Scene:
    known = pool_object(body)
    pool = known
    if isinstance(wanted.filed, PoolObject):
        record = pool_record(body.get("status"), wanted.filed.spec)
        pool = replace(wanted.filed, record=record, uid=known.uid, generation=known.generation + 1)
    if pool.spec is None:
        why = pool.problem.text if pool.problem is not None else "it cannot be understood"
        raise click.ClickException(f"MultiCloudPool {wanted.key.name}: {why}")
    scene = live(body, pool, known.spec, accounts, SystemClock().now())
    named = {member.name for member in pool.spec.members}
    left = [left_behind(one.name, one.requested) for one in known.record.members if one.name not in named]
    return replace(scene, notes=(*scene.notes, *left))
