"""The external metrics API: whatever an adapter (KEDA's, a cloud's) publishes, summed over the series that match.

Asked in the policy's own namespace: what a namespace may see is the adapter's and RBAC's to say.
"""

from datetime import timedelta
from typing import Final

from multicloud.kube.client import KubeError
from multicloud.kube.external import KubeExternal
from multicloud.model.error import NoSample
from multicloud.model.metric import Asker, Sample
from multicloud.model.policy import ExternalSeries, Measured
from multicloud.model.port import Clock
from multicloud.model.reason import Code, Reason

STALE: Final = timedelta(minutes=5)
"""A value that was true longer ago is refused; adapters publish at least each minute."""


class External:
    """Answers ExternalSeries."""

    def __init__(self, metrics: KubeExternal | None, clock: Clock) -> None:
        """Without `metrics` there is no cluster to ask."""
        self._metrics = metrics
        self._clock = clock

    async def read(self, asker: Asker, source: ExternalSeries) -> Sample:
        """Ask now. Raises NoSample."""
        if self._metrics is None:
            raise NoSample(Reason(code=Code.UNAVAILABLE, text="there is no external metrics API to ask"))
        try:
            values = await self._metrics.values(asker.namespace, source.name, dict(source.selector))
        except KubeError as error:
            raise NoSample(_why(source.name, error)) from None
        if not values:
            text = f"the external metrics API has no series of {source.name} with these labels"
            raise NoSample(Reason(code=Code.METRIC_EMPTY, text=text))
        oldest, milli = min(each.at for each in values), sum(each.milli for each in values)
        if abs(self._clock.now() - oldest) > STALE:
            text = f"a value of {source.name} is about a moment further away than {STALE.seconds} s"
            raise NoSample(Reason(code=Code.STALE, text=text))
        if milli < 0:
            text = f"the sum of {source.name} is negative, which is no load"
            raise NoSample(Reason(code=Code.METRIC_NEGATIVE, text=text))
        return Sample(found=Measured(milli=milli), at=oldest)


def _why(name: str, error: KubeError) -> Reason:
    if error.gone:
        text = f"the cluster has no external metrics API, or that has no metric {name}"
        return Reason(code=Code.METRIC_EMPTY, text=text)
    if error.denied:
        text = "the operator may not read external metrics (API group external.metrics.k8s.io)"
        return Reason(code=Code.DENIED, text=text)
    return Reason(code=Code.UNAVAILABLE, text=f"the external metrics API does not tell {name}")
