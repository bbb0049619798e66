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
from multicloud.model.reason import Code
from multicloud.model.ref import Kind
from multicloud.run.clock import SystemClock
from multicloud.run.compose import Edge, Operator, Outlook, compose
from multicloud.settings import Observe
from multicloud_lab.core.faultkinds import AuthExpire, Garbage, Hang
from multicloud_lab.core.faults import Fault, Match
from multicloud_lab.thread import LabThread
from support import member
from support.fence import OpenFence
from support.inside import eventually, run_pods
from support.world import MemoryCluster, account_bodies, pool_body, secrets_for, settings_for
from support.world import members as world_members

WEB = "kubernetes.azure.com/agentpool=web"
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


def nodes(lab: LabThread) -> dict[str, bool]:
    """The nodes of the AKS pool `web` by name, and whether a pod of the workload runs there."""
    with member.api(lab, "azure", member.token(lab, "azure")) as api:
        busy = {pod.spec.node_name for pod in api.list_namespaced_pod("default").items}
        return {each.metadata.name: each.metadata.name in busy for each in api.list_node(label_selector=WEB).items}


def given_empty(lab: LabThread, name: str) -> None:
    """Pods run on every node of the pool but one."""
    label, _, value = WEB.partition("=")
    with member.api(lab, "azure", member.token(lab, "azure")) as api:
        api.patch_node(name, {"spec": {"unschedulable": True}})
        run_pods(lab, 3, cloud="azure", node_selector={label: value})
        assert sum(nodes(lab).values()) == 3
        api.patch_node(name, {"spec": {"unschedulable": None}})


@pytest.mark.parametrize("hangs", [False, True], ids=["answers", "hangs"])
async def test_of_a_node_pool_that_shrinks_aks_takes_the_node_that_was_closed_for_being_empty(*, hangs: bool) -> None:
    with LabThread(factor=60) as lab:
        oldest = next(iter(nodes(lab)))
        given_empty(lab, oldest)
        spec: dict[str, Any] = {"minReplicas": 0, "adoption": "Apply", "members": world_members("azure")}
        cluster = given(lab, replicas=4, **spec)
        async with operator_on(lab, cluster) as operator:
            await eventually(lambda: members(cluster, "readySource") == {"azure": "Kubernetes"})
            assert [name for name, is_busy in nodes(lab).items() if not is_busy] == [oldest]
            if hangs:
                lab.place(Fault(match=Match(cloud="kubernetes", operation="nodes.patch"), action=Hang()))
            operator.store.put(cluster.apply(pool_body(replicas=3, **spec)))
            await eventually(lambda: members(cluster, "readyNodes") == {"azure": 3})
        left = nodes(lab)
        assert len(left) == 3
        assert (oldest in left) is hangs  # left alone, it takes the newest
        assert hangs is any(note.reason.code is Code.NOT_CORDONED for note in cluster.events)
