"""Which nodes take no new pods while a node pool shrinks: closed before a removal is sent, opened when they stay after all.

`send` asks for the first right before the cloud is asked, `reconcile` for the second in passes that send nothing. What was
closed for which removal stands on the nodes themselves, as a mark: a process that finds one knows all that it must.
Best effort: a removal goes out whatever becomes of its cordon.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from multicloud.act.prepare import Dispatch
from multicloud.model.member import Patched, SeenNode
from multicloud.model.plan import MemberView, Snapshot
from multicloud.model.port import Cordons
from multicloud.model.reason import Reason
from multicloud.model.record import MemberRecord, PoolRecord
from multicloud.model.ref import NodePoolRef, ObjectKey

MOST_NODES: Final = 20
"""Nodes of a member that are patched in one pass, at most."""

audit: structlog.stdlib.BoundLogger = structlog.get_logger("audit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Nodes by name: to be closed to new pods, the emptiest first, and to be opened again."""

    close: tuple[str, ...]
    open: tuple[str, ...]


def choose(nodes: Sequence[SeenNode], stay: int) -> Choice:
    """Leave no more nodes open to new pods than are to stay: of those beyond, the emptiest are closed, ties by name.

    What somebody else has closed, or is not ready, takes no new pods either, so for each of these one fewer is closed: a cloud that
    takes other nodes than the emptiest has those opened again. What was closed before stays it, rather than a node that is
    emptier now. While the pods are not seen, nobody is the emptiest, and nothing is closed.
    """
    can_take = [node for node in nodes if node.ready and (node.marked or not node.cordoned)]
    # A marked node that takes pods was opened by somebody.
    ranked = sorted(can_take, key=lambda node: (not (node.marked and node.cordoned), node.filled or 0.0, node.name))
    beyond = ranked[: max(0, len(ranked) - stay)]
    seen = all(node.filled is not None for node in beyond)
    kept = {node.name for node in beyond if node.cordoned}
    return Choice(
        close=tuple(node.name for node in beyond if seen and not node.cordoned),
        open=tuple(node.name for node in can_take if node.marked and node.name not in kept),
    )


class Cordoner:
    """Carries choices out. Does nothing where member clusters are not looked into."""

    def __init__(self, cordons: Cordons | None) -> None:
        """`cordons` is None without eyes in member clusters."""
        self._cordons = cordons

    async def close(self, pool: ObjectKey, dispatch: Dispatch) -> Reason | None:
        """Close as many of the emptiest nodes as are about to go; why not all of them were, None if they were."""
        if self._cordons is None or dispatch.login is None:
            return None
        node_pool = dispatch.change.pool.ref
        seen = self._cordons.nodes(dispatch.login, node_pool.name)
        nodes = choose(seen, dispatch.change.to).close[:MOST_NODES]
        if not nodes:
            return None
        mark = f"{pool.namespace}/{pool.name}/{dispatch.intent.id}"
        patched = await self._cordons.cordon(dispatch.login, node_pool.name, nodes, mark=mark)
        _log("nodes cordoned", pool, dispatch.member, node_pool, patched)
        return patched.why

    async def release(self, snapshot: Snapshot, record: PoolRecord) -> bool:
        """Open the nodes of which more are closed than are to go; False when it must be tried again."""
        if self._cordons is None:
            return True
        marked = [view for view in snapshot.members if _bears_marks(view)]
        return all(await asyncio.gather(*(self._open(self._cordons, snapshot, view, record) for view in marked)))

    async def _open(self, cordons: Cordons, snapshot: Snapshot, view: MemberView, record: PoolRecord) -> bool:
        assert view.login is not None  # its cluster was looked into
        node_pool = view.node_pool
        seen = cordons.nodes(view.login, node_pool.name)
        stay = _staying(view, record.member(view.spec.name), snapshot)
        nodes = choose(seen, len(seen) if stay is None else stay).open[:MOST_NODES]
        if not nodes:
            return True
        patched = await cordons.uncordon(view.login, node_pool.name, nodes)
        _log("nodes uncordoned", snapshot.key, view.spec.name, node_pool, patched)
        return patched.why is None


def _bears_marks(view: MemberView) -> bool:
    """True where marks are ours to take away. Also while writes are paused: a pause must not cost the nodes that stay."""
    counted = view.inside.counted
    return view.refusal is None and view.claimed_by_other is None and counted is not None and counted.marked > 0


def _staying(view: MemberView, record: MemberRecord, snapshot: Snapshot) -> int | None:
    """Nodes that stay while others are on their way out; None: nothing goes, or what should have gone is late."""
    facts, intent, settled, removal = view.sight.proved, record.intent, record.last_resize, record.removal
    if intent is not None:
        return intent.target if intent.deadline > snapshot.now else None
    if facts is None or removal is None or removal.ended_at is not None or settled is None:
        return None
    longest = timedelta(seconds=snapshot.spec.failover.provision_timeout_s)
    return facts.requested if settled.at + longest > snapshot.now else None


def _log(told: str, pool: ObjectKey, member: str, node_pool: NodePoolRef, patched: Patched) -> None:
    if patched.nodes:
        audit.info(
            told,
            pool=str(pool),
            member=member,
            node_pool=str(node_pool),
            nodes=list(patched.nodes),
            outcome=str(patched.why.code) if patched.why else "Accepted",
        )
