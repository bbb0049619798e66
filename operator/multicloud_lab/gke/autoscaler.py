"""GKE's autoscaler where it acts by itself: it may go back on a resize that somebody called for.

Told by the engine of every resize that came to its end; its moves by hand are in `hands`. A move is journalled
with the principal "autoscaler" and comes again by itself in a replay.
"""

from collections.abc import Callable
from functools import partial

from multicloud_lab.core.calls import Call
from multicloud_lab.core.hands import AUTOSCALER
from multicloud_lab.core.lab import Lab
from multicloud_lab.gke.calls import CLOUD
from multicloud_lab.gke.sizing import move
from multicloud_lab.gke.state import Pool, Undoing
from multicloud_lab.gke.switches import Switches

UNDO_S = 600.0
"""How long after a resize the autoscaler has its way (a node is unneeded for ten minutes before it goes), virtual."""


class Autoscaler:
    """The autoscaler of every cluster."""

    def __init__(self, lab: Lab, switches: Callable[[], Switches]) -> None:
        """Act on the lab's clock. `switches` tells those in force: a reset may bring others."""
        self._lab = lab
        self._switches = switches

    def saw_resize(self, pool: Pool, from_: int) -> None:
        """Take note of a resize from `from_` nodes; of several in a row, the size before the first is gone back to."""
        if self._switches().resize_of_autoscaled != "undone" or not pool.autoscaling.enabled:
            return
        was, to = pool.undoing, from_
        if was is not None and was.timer.pending:
            was.timer.cancel()
            to = was.to
        elif from_ == pool.wished:
            return
        pool.undoing = Undoing(to=to, timer=self._lab.clock.after(UNDO_S, partial(self._go_back, pool, to)))

    def _go_back(self, pool: Pool, to: int) -> None:
        if not pool.groups or not pool.autoscaling.enabled:
            return
        if pool.doing is not None:
            pool.undoing = Undoing(to=to, timer=self._lab.clock.after(UNDO_S, partial(self._go_back, pool, to)))
            return
        low, high = pool.autoscaling.bounds(len(pool.groups))
        from_, to = pool.wished, min(max(to, low), high)
        move(pool, to, sets_initial_count=self._switches().autoscaler_sets_initial_count)
        call = Call(
            cloud=CLOUD,
            operation="Autoscale",
            principal=AUTOSCALER,
            cluster=pool.name.cluster,
            pool=pool.name.pool,
            arguments={"to": to},
        )
        self._lab.record(call, effective=from_ != to, from_=from_, to=to)
