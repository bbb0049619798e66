"""What scaling policies last judged, for Prometheus: the live numbers that a status at rest does not follow."""

from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from multicloud.model.metric import JudgedPolicy
from multicloud.model.pods import Pending
from multicloud.model.policy import MILLI, Measured, Reading, Used
from multicloud.model.reason import Reason
from multicloud.model.ref import ObjectKey

_POLICY: Final = ["namespace", "policy"]
_METRIC: Final = [*_POLICY, "metric"]


class PolicyCollector(Collector):
    """Renders the newest decision of each policy."""

    def __init__(self, judged: Callable[[], Iterable[tuple[ObjectKey, JudgedPolicy]]]) -> None:
        """Ask `judged` at each scrape."""
        self._judged = judged

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: families depend on no object."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Every family, from what is known now."""
        units = GaugeMetricFamily("multicloud_policy_units", "Units of a policy by state.", labels=[*_POLICY, "state"])
        limited = GaugeMetricFamily(
            "multicloud_policy_limited", "1 for the limit that binds the wish now.", labels=[*_POLICY, "reason"]
        )
        value = GaugeMetricFamily(
            "multicloud_policy_metric_value",
            "What was read; for resource in percent, for pendingPods pods.",
            labels=_METRIC,
        )
        target = GaugeMetricFamily("multicloud_policy_metric_target", "What it is to be kept at.", labels=_METRIC)
        proposed = GaugeMetricFamily(
            "multicloud_policy_metric_proposed_units",
            "Units that the metric, or its fallback, asks for.",
            labels=_METRIC,
        )
        decides = GaugeMetricFamily(
            "multicloud_policy_metric_decides", "1 for the metric whose proposal won.", labels=_METRIC
        )
        age = GaugeMetricFamily(
            "multicloud_policy_metric_age_seconds", "Age of the sample when it was judged.", labels=_METRIC
        )
        failing = GaugeMetricFamily(
            "multicloud_policy_metric_failing",
            "1 for the reason why a metric cannot be read.",
            labels=[*_METRIC, "reason"],
        )
        fallback = GaugeMetricFamily(
            "multicloud_policy_metric_fallback", "1 while the fallback stands in for a metric.", labels=_METRIC
        )
        for key, judged in self._judged():
            where, decision = [key.namespace, key.name], judged.decision
            states = {
                "desired": decision.desired,
                "current": judged.standing.current,
                "min": decision.bounds.low,
                "max": decision.bounds.high,
            }
            for state, count in states.items():
                units.add_metric([*where, state], count)
            limited.add_metric([*where, str(decision.limited.code)], 1)
            for metric in judged.spec.metrics:
                if metric.target is not None:
                    target.add_metric([*where, metric.name], metric.target.milli / MILLI)
            for reading in judged.readings:
                if isinstance(reading.found, Reason):
                    failing.add_metric([*where, reading.metric, str(reading.found.code)], 1)
                elif (number := _number(reading)) is not None:
                    value.add_metric([*where, reading.metric], number)
                if reading.age_s is not None:
                    age.add_metric([*where, reading.metric], reading.age_s)
            for proposal in decision.proposals:
                fallback.add_metric([*where, proposal.metric], proposal.fallback)
                decides.add_metric([*where, proposal.metric], proposal.metric == decision.decided_by)
                if proposal.units is not None:
                    proposed.add_metric([*where, proposal.metric], proposal.units)
        yield from (units, limited, value, target, proposed, decides, age, failing, fallback, *self._pods())

    def _pods(self) -> Iterable[Metric]:
        """What pods that wait ask for, and why some get nothing."""
        floors = GaugeMetricFamily(
            "multicloud_policy_floor_nodes",
            "Nodes that a member needs for the pods of its cluster.",
            labels=[*_POLICY, "member"],
        )
        left = GaugeMetricFamily(
            "multicloud_policy_pods_unplaceable",
            "1 for each reason why pods that wait get no node.",
            labels=[*_POLICY, "reason"],
        )
        for key, judged in self._judged():
            for floor in judged.decision.history.floors:
                floors.add_metric([key.namespace, key.name, floor.member], floor.nodes)
            for reason in judged.decision.left:
                left.add_metric([key.namespace, key.name, str(reason.code)], 1)
        return floors, left


def _number(reading: Reading) -> float | None:
    match reading.found:
        case Measured(milli=milli):
            return milli / MILLI
        case Used(used=used, total=total) if total > 0:
            return 100 * used / total
        case Pending(pods=pods):
            return pods
    return None
