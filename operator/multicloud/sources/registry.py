"""Which source answers which question. A new source is a file beside this one, and a line here."""

from dataclasses import dataclass

from multicloud.model.error import NoSample
from multicloud.model.metric import Asker, Sample
from multicloud.model.policy import ExternalSeries, PendingPods, PrometheusQuery, ResourceUse, Source
from multicloud.model.reason import Code, Reason
from multicloud.sources.external import External
from multicloud.sources.nodes import Nodes
from multicloud.sources.prometheus import Prometheus


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Implements the port MetricSource for every kind of question."""

    prometheus: Prometheus
    nodes: Nodes
    external: External

    async def read(self, asker: Asker, source: Source) -> Sample:
        """Ask whoever knows. Raises NoSample."""
        match source:
            case PrometheusQuery():
                return await self.prometheus.read(asker, source)
            case ResourceUse():
                return await self.nodes.read(asker, source)
            case ExternalSeries():
                return await self.external.read(asker, source)
            case PendingPods():
                text = "no source tells how many pods wait for a node of a pool"
                raise NoSample(Reason(code=Code.NO_READING, text=text))
