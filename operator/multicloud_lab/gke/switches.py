"""What GKE's documents leave open: one switch each, with the default that the lab takes.

Set by whoever makes the engine; docs list them from here.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """The open rules of GKE.

    - `zone_paths`: REST answers at the first API's paths (`…/zones/Z/clusters/…`) too, which the discovery
      document still lists; otherwise 404.
    - `quota_refused_at_once`: a resize beyond the regional quota is refused (PERMISSION_DENIED, "Insufficient
      regional quota…"); otherwise its operation ends with GCE_QUOTA_EXCEEDED.
    - `autoscaler_sets_initial_count`: a move of the autoscaler changes initialNodeCount too.
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
    cancel_share: float = 0.5
    cancel_permission: str = "container.operations.update"
    update_needs_version: bool = False
    operation_retention_s: float = 24 * 3600.0
    surge_in_groups: bool = True
