"""What GKE's documents leave open: one switch each, with the default that the lab takes.

Set by whoever makes the engine; docs list them from here.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """The open rules of GKE.

    - `zone_paths`: REST answers at the first API's paths (`…/zones/Z/clusters/…`) too, which the discovery
      document still lists; otherwise 404.
    - `quota_refused_at_once`: a resize beyond the regional quota is refused (PERMISSION_DENIED, "Insufficient
      regional quota…"); otherwise its operation ends with GCE_QUOTA_EXCEEDED.
    - `autoscaler_sets_initial_count`: a move of the autoscaler changes initialNodeCount too.
    - `resize_of_autoscaled`: what becomes of a resize by call of a pool with autoscaling: it stays (`kept`), the
      autoscaler goes back to the size before it ten minutes later (`undone`), or it is refused (`refused`).
    - `lock_names_reason`: a refusal for a running operation carries the reason CLUSTER_ALREADY_HAS_OPERATION;
      otherwise only the older sentence ("Operation … is currently … Please wait and try again once it is done.").
    - `max_nodes`: nodes a cluster may have; 5000 is the quota of a project that has not asked for more.
    - `max_nodes_code`: the code of the refusal beyond it.
    - `cancels_only_upgrades`: nothing but an upgrade of nodes can be cancelled.
    - `cancel_share`: the share of a RUNNING operation's time in which it can still be cancelled (0 to 1).
    - `cancel_permission`: the permission that CancelOperation asks for.
    - `update_needs_version`: UpdateNodePool without nodeVersion and imageType, which its reference calls
      required, is refused.
    - `operation_retention_s`: how long an ended operation can be read, in virtual seconds.
    - `surge_in_groups`: the extra node of an upgrade is counted in its group's targetSize.
    """

    zone_paths: bool = False
    quota_refused_at_once: bool = True
    autoscaler_sets_initial_count: bool = False
    resize_of_autoscaled: Literal["kept", "undone", "refused"] = "kept"
    lock_names_reason: bool = True
    max_nodes: int = 15_000
    max_nodes_code: Literal["INVALID_ARGUMENT", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED"] = "INVALID_ARGUMENT"
    cancels_only_upgrades: bool = False
    cancel_share: float = 0.5
    cancel_permission: str = "container.operations.update"
    update_needs_version: bool = False
    operation_retention_s: float = 24 * 3600.0
    surge_in_groups: bool = True
