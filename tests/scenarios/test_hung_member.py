"""The whole spine in real time, looking into the lab's member clusters: those that answer prove, those that hang delay nobody."""

import asyncio
import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from multicloud.kube.members import MemberEyes, WaysIn
from multicloud.model.plan import Stop
from multicloud.model.port import ClusterSide
from multicloud.model.ref import Kind
from multicloud.run.clock import SystemClock
from multicloud.run.compose import Edge, Operator, Outlook, compose
from multicloud.settings import Observe
from multicloud_lab.core.faultkinds import AuthExpire, Garbage, Hang
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.thread import LabThread
from support.fence import OpenFence
from support.inside import eventually
from support.world import MemoryCluster, account_bodies, pool_body, secrets_for, settings_for

FAST = Observe(interval_s=1, describe_s=5, busy_min_s=0.3, busy_max_s=1)


@asynccontextmanager
async def operator_on(lab: LabThread, cluster: MemoryCluster) -> AsyncIterator[Operator]:
    """The operator as it runs in a cluster, only that objects are held in memory."""
    settings = settings_for(lab.document, settle_s=0.0, observe=FAST)
    clock = SystemClock()

    def eyes(outlook: Outlook) -> ClusterSide:
        ways_in = WaysIn(outlook.lanes, cluster, settings.member_clusters, outlook.account)
        return MemberEyes(ways_in, outlook.cordoning, clock, outlook.wake)

    edge = Edge(writer=cluster, secrets=cluster, events=cluster, eyes=eyes)
    operator = compose(settings, clock, edge, OpenFence(), lambda: Stop.NONE)
    for kind in Kind:
        bodies = [copy.deepcopy(body) for key, body in cluster.objects.items() if key.kind is kind]
        operator.store.replace_all(kind, bodies, as_of=0)
    operator.synced()
    serving = asyncio.create_task(operator.serve())
    try:
        yield operator
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError, BaseExceptionGroup):
            await serving
        operator.close()


def given(lab: LabThread, **spec: Any) -> MemoryCluster:
    credentials = lab.document["credentials"]
    cluster = MemoryCluster(secrets=secrets_for(credentials))
    for body in (*account_bodies(credentials), pool_body(**spec)):
        cluster.apply(body)
    return cluster


def members(cluster: MemoryCluster, field: str) -> dict[str, Any]:
    pool = next(body for key, body in cluster.objects.items() if key.kind is Kind.POOL)
    return {member["name"]: member[field] for member in (pool.get("status") or {}).get("members", ())}


async def test_every_cloud_lets_the_operator_into_its_clusters() -> None:
    with LabThread() as lab:
        cluster = given(lab, replicas=12)
        async with operator_on(lab, cluster):
            proved = dict.fromkeys(("aws", "azure", "gcp"), "Kubernetes")
            await eventually(lambda: members(cluster, "readySource") == proved, lambda: members(cluster, "readySource"))
            assert members(cluster, "readyNodes") == dict.fromkeys(("aws", "azure", "gcp"), 4)


@pytest.mark.parametrize("action", [Hang(), Garbage(form="truncated"), AuthExpire()], ids=["hangs", "garbage", "401"])
async def test_a_member_api_that_hangs_or_breaks_delays_no_resize(action: Any) -> None:
    with LabThread(factor=60) as lab:
        lab.place(Fault(match=Match(cloud="kubernetes", cluster="shop-prod"), action=action))
        cluster = given(lab, replicas=15)
        async with operator_on(lab, cluster):
            grown = dict.fromkeys(("aws", "azure", "gcp"), 5)
            await eventually(lambda: members(cluster, "readyNodes") == grown, lambda: members(cluster, "readyNodes"))
            assert members(cluster, "readySource") == {"aws": "Cloud", "azure": "Assumed", "gcp": "Kubernetes"}
