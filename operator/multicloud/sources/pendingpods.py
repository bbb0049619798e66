"""The pods that wait for a node in the clusters of a pool's members, as `kube.members` watches them anyway.

Reading them asks nobody. What they need is worked out by `decide`: a source has no opinion.
"""

from collections.abc import Callable

from multicloud.model.error import NoSample
from multicloud.model.metric import Asker, Sample
from multicloud.model.pods import Pending
from multicloud.model.port import Clock
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import ObjectKey


class PendingPodsSource:
    """Answers PendingPods."""

    def __init__(self, pending: Callable[[ObjectKey], Pending], clock: Clock) -> None:
        """`pending` tells what waits for the members of a pool now."""
        self._pending = pending
        self._clock = clock

    async def read(self, asker: Asker) -> Sample:
        """Look now. Raises NoSample where no member's cluster shows its pods."""
        found = self._pending(asker.pool)
        if not found.clusters:
            text = "no member's cluster shows its nodes and pods; see condition PodsUnobserved of the pool"
            raise NoSample(Reason(code=Code.NO_CLUSTER_ACCESS, text=text))
        return Sample(found=found, at=self._clock.now())
