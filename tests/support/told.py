"""What a door's list told of one cluster, as a test wants it: the pools, or the first trouble raised."""

from collections.abc import Sequence

from multicloud.model.error import CloudError
from multicloud.model.port import ClusterPools
from multicloud.model.ref import ClusterRef, NodePoolRef
from multicloud.model.size import NodePool


def pools_of(told: ClusterPools, cluster: ClusterRef) -> Sequence[NodePool]:
    """The node pools of the cluster; raises the cluster's error, or a node pool's own."""
    answer = told[cluster]
    for error in (answer, *(value for key, value in told.items() if isinstance(key, NodePoolRef))):
        if isinstance(error, CloudError):
            raise error
    assert not isinstance(answer, CloudError)
    return answer
