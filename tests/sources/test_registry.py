"""Which source answers which question, and what is said where none can."""

import pytest

from multicloud.model.error import NoSample
from multicloud.model.metric import Asker, Sample
from multicloud.model.pods import ClusterPods, Pending
from multicloud.model.policy import PendingPods
from multicloud.model.reason import Code
from multicloud.model.ref import Cloud, ClusterRef, Kind, ObjectKey
from multicloud.sources.external import External
from multicloud.sources.nodes import Nodes
from multicloud.sources.pendingpods import PendingPodsSource
from multicloud.sources.prometheus import Prometheus
from multicloud.sources.registry import Sources
from support.clock import VirtualClock

ASKER = Asker(namespace="shop", pool=ObjectKey(kind=Kind.POOL, namespace="shop", name="web"))
CLUSTER = ClusterPods(cluster=ClusterRef(cloud=Cloud.AWS, name="shop"), groups=(), more=False, candidates=())


def sources(found: Pending) -> Sources:
    clock = VirtualClock()
    return Sources(
        prometheus=Prometheus({}, clock),
        nodes=Nodes(lambda _: (), clock),
        external=External(None, clock),
        pending_pods=PendingPodsSource(lambda pool: found if pool == ASKER.pool else Pending(clusters=()), clock),
    )


async def test_pods_that_wait_are_told_as_their_clusters_show_them() -> None:
    found = Pending(clusters=(CLUSTER,), unseen=("gke",))
    assert await sources(found).read(ASKER, PendingPods()) == Sample(found=found, at=VirtualClock().now())


async def test_where_no_cluster_shows_its_pods_nobody_guesses() -> None:
    with pytest.raises(NoSample) as refused:
        await sources(Pending(clusters=(), unseen=("eks", "gke"))).read(ASKER, PendingPods())
    assert refused.value.reason.code is Code.NO_CLUSTER_ACCESS
