"""Which of Azure's token buckets a call is counted in, and ARM's 429 when one is empty.

Rates are the lab's (`core.pace`): Resource Manager's reads, writes and deletes by region, subscription and
principal, then the AKS resource provider's own. A call that is denied afterwards has been counted.
"""

from collections.abc import Callable, Mapping
from math import ceil, inf

from multicloud_lab.aks.errors import ArmError
from multicloud_lab.aks.switches import Switches
from multicloud_lab.core.pace import Pace

_ARM = {"armRead": "reads", "armWrite": "writes", "armDelete": "deletes"}

_OWN: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "AgentPools_CreateOrUpdate": ("putPool", ("subscription", "group", "cluster", "pool")),
    "ManagedClusters_Get": ("getCluster", ("subscription", "group", "cluster")),
    "ManagedClusters_List": ("listClustersOfSubscription", ("subscription",)),
    "ManagedClusters_ListByResourceGroup": ("listClustersOfGroup", ("subscription", "group")),
    "Operations_GetStatus": ("operationStatus", ("subscription",)),
    "Operations_GetResult": ("operationStatus", ("subscription",)),
}
"""By operation: the bucket's kind, and what of the path it is counted for; all others share one a subscription."""

_HANDLERS = {
    "putPool": "PutAgentPoolHandler.PUT",
    "getCluster": "GetManagedClusterHandler.GET",
    "listClustersOfSubscription": "ListManagedClustersBySubscriptionHandler.GET",
    "listClustersOfGroup": "ListManagedClustersByResourceGroupHandler.GET",
    "operationStatus": "GetOperationStatusHandler.GET",
}


def arm_kind(method: str) -> str:
    """Return the kind of Resource Manager's bucket of an HTTP method."""
    return {"GET": "armRead", "HEAD": "armRead", "DELETE": "armDelete"}.get(method, "armWrite")


class Limits:
    """Counts calls. `switches` says whether an empty bucket refuses, and with which code."""

    def __init__(self, pace: Pace, switches: Callable[[], Switches]) -> None:
        """Count in the lab's buckets."""
        self._pace = pace
        self._switches = switches

    def count(self, method: str, operation: str, names: Mapping[str, str], principal: str) -> dict[str, str]:
        """Count a call and return its x-ms-ratelimit header. Raises ArmError (429) with Retry-After."""
        kind, subscription = arm_kind(method), names.get("subscription", "").lower()
        key = f"{subscription}/{principal}"
        wait_s = self._pace.take("azure", key, kind)
        header = {f"x-ms-ratelimit-remaining-subscription-{_ARM[kind]}": str(self._pace.left("azure", key, kind))}
        if wait_s is not None and self._switches().throttle:
            raise self.refusal(method, names, wait_s, header)
        if operation.startswith("Permissions"):
            return header  # Resource Manager's own, not the resource provider's
        own, parts = _OWN.get(operation, ("other", ("subscription",)))
        wait_s = self._pace.take("azure", "/".join(names.get(part, "") for part in parts).lower(), own)
        if wait_s is not None and self._switches().throttle:
            wait = _whole(wait_s)
            raise ArmError(
                429,
                "Throttled",
                f"The {_HANDLERS.get(own, operation)} request limit has been exceeded, "
                f"please retry again in {wait} seconds.",
                headers={"Retry-After": wait, **header},
            )
        return header

    def refusal(
        self, method: str, names: Mapping[str, str], wait_s: float, header: Mapping[str, str] | None = None
    ) -> ArmError:
        """Return Resource Manager's own 429."""
        wait = _whole(wait_s)
        kind, subscription = _ARM[arm_kind(method)], names.get("subscription", "")
        return ArmError(
            429,
            self._switches().arm_throttle_code,
            f"Number of {kind} for subscription '{subscription}' exceeded. Please try again after '{wait}' seconds "
            "after additional tokens are available. Refer to https://aka.ms/arm-throttling for additional information.",
            headers={"Retry-After": wait, **(header or {})},
        )


def _whole(wait_s: float) -> str:
    """Return whole seconds, at least one, for a Retry-After; an hour for a bucket that is never refilled."""
    return "3600" if wait_s == inf else str(max(ceil(wait_s), 1))
