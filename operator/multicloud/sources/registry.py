"""Which source answers which question. A new source is a file beside this one, and a line here."""

from dataclasses import dataclass

from multicloud.model.metric import Asker, Sample
from multicloud.model.policy import ExternalSeries, PendingPods, PrometheusQuery, ResourceUse, Source
from multicloud.sources.external import External
from multicloud.sources.nodes import Nodes
from multicloud.sources.pendingpods import PendingPodsSource
from multicloud.sources.prometheus import Prometheus


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Implements the port MetricSource for every kind of question."""

    prometheus: Prometheus
    nodes: Nodes
    external: External
    pending_pods: PendingPodsSource

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
                return await self.pending_pods.read(asker)
