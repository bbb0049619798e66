"""How many units a ScalingPolicy wants: readings → proposals → guard → windows and rates → bounds.

Pure, like all of `decide`. What it returns is one wish among others: `wish` clamps it to the pool and delays it.
"""

from collections.abc import Sequence
from datetime import datetime

from multicloud.model.policy import PolicyDecision, PolicyHistory, PolicySpec, PoolStanding, Reading


def decide_policy(
    spec: PolicySpec, readings: Sequence[Reading], standing: PoolStanding, history: PolicyHistory, now: datetime
) -> PolicyDecision:
    """Decide. `readings` are of this moment, one a metric; `history` is what the decision before this one returned."""
    raise NotImplementedError
