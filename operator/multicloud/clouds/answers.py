"""What a whole read came to: shared by the doors, so that the lane's breaker and identity check see what matters."""

from collections.abc import Sequence
from typing import Final

from multicloud.model.error import CloudError, Refused, Throttled, Unavailable
from multicloud.model.port import ClusterPools
from multicloud.model.reason import Code
from multicloud.model.ref import ClusterRef
from multicloud.model.size import NodePool

_ABOUT_A_CLUSTER: Final = frozenset({Code.NOT_FOUND, Code.DENIED})


def told_or_raised(found: dict[ClusterRef, Sequence[NodePool] | CloudError]) -> ClusterPools:
    """Return what was found; raises what kept every cluster from being read, unless it is about the clusters."""
    errors = [value for value in found.values() if isinstance(value, CloudError)]
    if errors and len(errors) == len(found):
        first = errors[0]
        if isinstance(first, Unavailable | Throttled) or (
            isinstance(first, Refused) and first.reason.code not in _ABOUT_A_CLUSTER
        ):
            raise first
    return found
