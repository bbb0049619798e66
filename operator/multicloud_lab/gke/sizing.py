"""How a pool's groups move: a resize that can be taken back, fewer nodes than asked for, and the end of groups.

Used by the engine's orders and by hands; nothing here decides whether a move is allowed.
"""

from collections.abc import Iterable

from multicloud_lab.gke.state import Operation, Pool, Problem, shortage


class Resize:
    """One resize of all groups of a pool to the same size per zone."""

    def __init__(self, pool: Pool, node_count: int) -> None:
        """Remember how the pool was."""
        self._pool = pool
        self._node_count = node_count
        self._count_before = pool.node_count
        self._wished_before = {group.name: group.wished for group in pool.groups}
        self._targets_before = {group.name: group.nodes.target for group in pool.groups}

    def accept(self) -> bool:
        """Take note of the wish; says whether it changes anything."""
        pool = self._pool
        changed = pool.node_count != self._node_count or any(g.wished != self._node_count for g in pool.groups)
        pool.node_count = self._node_count
        for group in pool.groups:
            group.wished = self._node_count
        return changed

    def start(self, _operation: Operation) -> None:
        """Move the groups, also where somebody moved them since."""
        for group in self._pool.groups:
            group.wished = self._node_count
            group.nodes.set_target(self._node_count)

    def limit(self, nodes: int) -> None:
        """Move the groups, but get only that many new nodes in all."""
        left = nodes
        for group in self._pool.groups:
            more = group.wished - group.nodes.target
            granted = min(more, left) if more > 0 else more
            left -= max(granted, 0)
            group.nodes.set_target(group.nodes.target + granted)

    def undo(self) -> None:
        """Go back to how the pool was."""
        self._pool.node_count = self._count_before
        for group in self._pool.groups:
            group.wished = self._wished_before.get(group.name, group.wished)
            group.nodes.set_target(self._targets_before.get(group.name, group.nodes.target))


def move(pool: Pool, to: int, *, sets_initial_count: bool) -> None:
    """Share `to` nodes out over the zones at once, as an autoscaler does: no operation, no lock."""
    for group, share in zip(pool.groups, spread(to, len(pool.groups)), strict=True):
        group.wished = share
        group.nodes.set_target(share)
    if sets_initial_count:
        pool.node_count = pool.groups[0].wished
        pool.revision += 1


def shortage_of(pool: Pool) -> Problem | None:
    """Return the first zone's shortage, as an operation's error words it."""
    return next((found for group in pool.groups if (found := shortage(group)) is not None), None)


def drain_all(pool: Pool) -> None:
    """Let every node of a pool go."""
    for group in pool.groups:
        group.wished = 0
        group.nodes.set_target(0)


def remove_groups(pool: Pool, groups: Iterable[object] | None = None) -> None:
    """End the groups (all when none are named) with what is left of their nodes."""
    gone = list(pool.groups) if groups is None else list(groups)
    for group in [each for each in pool.groups if each in gone]:
        group.nodes.close()
        pool.groups.remove(group)


def spread(nodes: int, zones: int) -> list[int]:
    """Share nodes out over zones as evenly as they go, the first zones first."""
    return [nodes // zones + (index < nodes % zones) for index in range(zones)]
