"""The external metrics API of the operator's own cluster, one metric of one namespace at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from kubernetes.utils.quantity import parse_quantity

from multicloud.kube.client import KubeClient, KubeError

_API: Final = "/apis/external.metrics.k8s.io/v1beta1"
_MILLI: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalValue:
    """One series: its value in thousandths, rounded up, and when it was true by the adapter's word."""

    milli: int
    at: datetime


class KubeExternal:
    """Reads ExternalMetricValueLists."""

    def __init__(self, kube: KubeClient) -> None:
        """Read through the given connection."""
        self._kube = kube

    async def values(self, namespace: str, name: str, labels: Mapping[str, str]) -> Sequence[ExternalValue]:
        """The series that have all of these labels. Raises KubeError, status 0 for an answer of another shape."""
        query = {"labelSelector": ",".join(f"{label}={value}" for label, value in labels.items())} if labels else {}
        answer = await self._kube.call("GET", f"{_API}/namespaces/{namespace}/{quote(name, safe='')}", query=query)
        try:
            return [
                ExternalValue(
                    milli=int((parse_quantity(item["value"]) * _MILLI).to_integral_value(rounding="ROUND_CEILING")),
                    at=datetime.fromisoformat(item["timestamp"]).astimezone(UTC),
                )
                for item in answer.get("items") or ()
            ]
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError):
            # An adapter may be anybody's.
            raise KubeError(0, "an answer that holds no metric values") from None
