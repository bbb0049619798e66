"""Where Azure's documents are silent or disagree: one switch each, with the default that the lab takes.

Set by a seed (`azure.switches`, in camelCase) or by whoever makes the engine; docs list them from here.
"""

from dataclasses import dataclass
from typing import Literal

StockoutCode = Literal[
    "AllocationFailed",
    "ZonalAllocationFailed",
    "OverconstrainedAllocationRequest",
    "OverconstrainedZonalAllocationRequest",
    "SkuNotAvailable",
    "AKSCapacityError",
]
"""The codes with which Azure says that it has no machines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """The open rules of AKS.

    - `get_shows`: while an operation runs, GET answers the wished count (`target`, as after the recorded
      scale) or the machines there are (`actual`, as in the recorded abort). The seed's `getShows` sets it too.
    - `omitted_maps`: what becomes of nodeLabels, tags and nodeTaints that a PUT leaves out (`clear`: PUT
      replaces; `keep`).
    - `autoscaler_range`: count must lie within minCount..maxCount.
    - `min_count_zero`: whose minCount may be 0: that of `User` pools, of `all` pools, of `none`.
    - `immutable_code`: the code for a change of vmSize, osType, type and what else stays as it was created.
    - `unknown_cluster_code`: the 404 of agent pools and machines whose cluster is not there.
    - `max_pools`: agent pools that a cluster may have.
    - `pool_limit_code`: the code for one more.
    - `delete_machines_action`: what deleting machines asks for, behind `managedClusters/agentPools/`.
    - `cordoned_go_first`: fewer nodes are had by taking those first that their cluster has cordoned, as people see it.
    - `page_size`: items a list page holds, None for one page.
    - `throttle`: refuse with 429 when a bucket is empty; the headers count either way.
    - `arm_throttle_code`: the code of Resource Manager's own 429.
    - `failed_count`: the count after an operation failed for want of machines: the `wish`, or the `machines`.
    - `stockout_code`: the code of such a failure; None: ZonalAllocationFailed for a pool with zones, else
      AllocationFailed.
    - `quota_refused_at_once`: a PUT beyond the vCPU quota is refused with 400; otherwise its operation fails.
    - `operation_retention_s`: how long an ended operation can be read at least, in virtual seconds.
    """

    get_shows: Literal["target", "actual"] = "target"
    omitted_maps: Literal["clear", "keep"] = "clear"
    autoscaler_range: bool = True
    min_count_zero: Literal["User", "all", "none"] = "User"
    immutable_code: Literal["PropertyChangeNotAllowed", "InvalidParameter", "BadRequest"] = "PropertyChangeNotAllowed"
    unknown_cluster_code: Literal["ResourceNotFound", "ParentResourceNotFound"] = "ResourceNotFound"
    max_pools: int = 100
    pool_limit_code: Literal["MaxAgentPoolCountReached", "OperationNotAllowed"] = "MaxAgentPoolCountReached"
    delete_machines_action: Literal["deleteMachines/action", "write"] = "deleteMachines/action"
    cordoned_go_first: bool = True
    page_size: int | None = None
    throttle: bool = True
    arm_throttle_code: Literal["TooManyRequests", "SubscriptionRequestsThrottled"] = "TooManyRequests"
    failed_count: Literal["wish", "machines"] = "wish"
    stockout_code: StockoutCode | None = None
    quota_refused_at_once: bool = True
    operation_retention_s: float = 24 * 3600.0
