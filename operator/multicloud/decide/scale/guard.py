"""The guard behind TargetTracking and Step: what a node pool needs and pods do not.

Nodes take minutes to come. A ratio that is multiplied with the ready ones alone would take away what is just booting; and
where nobody knows what is ready, nothing that is said about it may shrink anything.
"""

from multicloud.model.policy import MetricSpec, PoolStanding, TargetType
from multicloud.model.reason import Code, Reason

HELD_NOT_READY = Reason(
    code=Code.HELD_NOT_READY, text="fewer units are ready than desired: a ratio below its target does not count yet"
)
HELD_READY_UNKNOWN = Reason(
    code=Code.HELD_READY_UNKNOWN, text="nobody knows how many units are ready: nothing shrinks for a metric"
)


def held(units: int, metric: MetricSpec, standing: PoolStanding) -> Reason | None:
    """Why a proposal below the desired number does not count; None for one that does."""
    if units >= standing.current:
        return None
    if not standing.ready_known or standing.ready is None:
        return HELD_READY_UNKNOWN
    is_ratio = metric.target is not None and metric.target.type is not TargetType.AVERAGE_VALUE
    return HELD_NOT_READY if is_ratio and standing.ready < standing.current else None
