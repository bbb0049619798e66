"""The operator's own doors to the API server, opened with exactly the rights that an installation gives it."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from multicloud.kinds.crd import outdated
from multicloud.kinds.parse import pool_object
from multicloud.kinds.status import render_pool
from multicloud.kube.client import KubeClient
from multicloud.kube.events import KubeEvents
from multicloud.kube.lease import KubeLease
from multicloud.kube.objects import KubeObjects
from multicloud.kube.secrets import KubeSecrets
from multicloud.kube.stop import KubeStop
from multicloud.model.error import Refused
from multicloud.model.plan import Stop
from multicloud.model.port import EventNote, Rejected, Written
from multicloud.model.reason import Code, Reason
from multicloud.model.record import PoolRecord
from multicloud.model.ref import Kind
from multicloud.watch.kopf_thread import KopfThread
from multicloud_lab.controlplane import ControlPlane
from support.manifests import account, policy, pool
from support.renderings import SYSTEM

_NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
_WITHIN_S = 20.0


async def _connect(installed: ControlPlane) -> KubeClient:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{SYSTEM}", "system:authenticated")
    user = f"system:serviceaccount:{SYSTEM}:multicloud-operator"
    return await KubeClient.connect(installed.kubeconfig_for(user, groups), None)


@pytest.fixture
def made(installed: ControlPlane) -> Mapping[str, Any]:
    """A pool, an account and a Secret that people of the namespace `bank` made."""
    secret: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "keys", "namespace": "bank"},
        "stringData": {"a": "b"},
    }
    for body in (pool(), account(), policy(), secret):
        body["metadata"]["namespace"] = "bank"
        installed.kubectl("apply", "--filename=-", input=json.dumps(body)).check_returncode()
    stored = installed.kubectl("get", "mcpool/web", "--namespace=bank", "--output=json")
    read: Mapping[str, Any] = json.loads(stored.stdout)
    return read


async def test_it_lists_reads_and_writes_the_status_of_our_kinds(
    installed: ControlPlane, made: Mapping[str, Any]
) -> None:
    async with await _connect(installed) as kube:
        objects = KubeObjects(kube, namespaces=())
        assert await objects.missing_kinds() == []
        assert outdated(await objects.schemas()) == []
        listed = [await objects.list_objects(kind) for kind in Kind]
        assert all(listed)
        seen = pool_object(made)
        assert await objects.read_object(seen.key) is not None
        status = render_pool(seen, None, PoolRecord(), ())
        written = await objects.write_status(
            seen.key, uid=seen.uid, resource_version=seen.resource_version, status=status
        )
        assert isinstance(written, Written)
        stale = await objects.write_status(
            seen.key, uid=seen.uid, resource_version=seen.resource_version, status={**status, "replicas": 1}
        )
        assert isinstance(stale, Rejected)
        assert stale.stale


async def test_it_takes_and_renews_its_lease(installed: ControlPlane) -> None:
    async with await _connect(installed) as kube:
        lease = KubeLease(kube, namespace=SYSTEM, name="multicloud-operator", timeout_s=5)
        held = None
        for _renewal in range(2):
            held = await lease.write(
                holder="me", duration_s=15, now=_NOW, acquired=_NOW, transitions=0, seen=held or await lease.read()
            )
        read = await lease.read()
        assert read is not None
        assert read.holder == "me"


async def test_it_reads_the_secrets_of_tenants_only(installed: ControlPlane, made: Mapping[str, Any]) -> None:
    async with await _connect(installed) as kube:
        secrets = KubeSecrets(kube)
        assert await secrets.read_secret("bank", "keys") == {"a": b"b"}
        with pytest.raises(Refused) as refused:
            await secrets.read_secret("default", "keys")
        assert refused.value.reason.code is Code.SECRET_NOT_READABLE


async def test_it_sees_the_stop_switch(installed: ControlPlane) -> None:
    async with await _connect(installed) as kube:
        stop = KubeStop(kube, namespace=SYSTEM)
        assert await stop.read() is Stop.NONE
        installed.kubectl("create", "configmap", "multicloud-stop", f"--namespace={SYSTEM}").check_returncode()
        assert await stop.read() is Stop.ALL
        installed.kubectl("delete", "configmap", "multicloud-stop", f"--namespace={SYSTEM}").check_returncode()


async def test_it_posts_events(installed: ControlPlane, made: Mapping[str, Any]) -> None:
    seen = pool_object(made)
    note = EventNote(
        about=seen.key,
        uid=seen.uid,
        reason=Reason(code=Code.GROW_FOR_WISH, text="Grows to the wish."),
        action="Resize",
        warning=False,
        at=_NOW,
    )
    async with await _connect(installed) as kube:
        await KubeEvents(kube, instance="me").post(note)
    told = installed.kubectl("describe", "mcpool/web", "--namespace=bank").stdout
    assert "Grows to the wish." in told


async def test_it_watches_our_kinds(installed: ControlPlane, made: Mapping[str, Any]) -> None:
    met: set[str] = set()
    all_met = asyncio.Event()

    def feed(_type: str | None, body: Mapping[str, Any]) -> None:
        met.add(body["kind"])
        if met == {str(kind) for kind in Kind}:
            all_met.set()

    async with await _connect(installed) as kube:
        thread = KopfThread(kube.connection, namespaces=(), feed=feed)
        thread.start()
        try:
            async with asyncio.timeout(_WITHIN_S):
                await all_met.wait()
        finally:
            thread.stop()
        async with asyncio.timeout(_WITHIN_S):
            await thread.ended
