"""Rolling replacement: every node of a pool is made anew while an operation runs, one extra node at a time."""

from functools import partial

from multicloud_lab.core.clock import VirtualClock
from multicloud_lab.core.nodes import NodeState
from multicloud_lab.gke.errors import Code
from multicloud_lab.gke.state import Group, Operation, Pool, Problem

DRAIN_NOTICE_S = 30.0
"""How long a node drains before its machine goes (virtual seconds)."""
UNKNOWN_END_S = 600.0
"""In which time an operation that never ends gets through its nodes (virtual seconds)."""
ROLLING_SHARE = 0.9
"""The share of the operation's time in which nodes are replaced; the last ones boot in the rest."""


def roll(clock: VirtualClock, pool: Pool, operation: Operation) -> None:
    """Schedule the replacement of every node within the operation's time, group by group."""
    until_s = clock.now() + UNKNOWN_END_S if operation.ends is None else operation.ends
    total_s = max(until_s - clock.now(), 0.0) * ROLLING_SHARE
    groups = [group for group in pool.groups if group.nodes.target]
    if not groups:
        return
    each_s = total_s / len(groups)
    for index, group in enumerate(groups):
        operation.timers.append(clock.after(index * each_s, partial(_roll_group, clock, group, each_s, operation)))
    operation.timers.append(clock.after(total_s, partial(calm, pool)))


def calm(pool: Pool) -> None:
    """Take every extra node away."""
    for group in pool.groups:
        group.nodes.set_surge(0)


def _roll_group(clock: VirtualClock, group: Group, seconds: float, operation: Operation) -> None:
    nodes = group.nodes
    names = [node.name for node in nodes.nodes if node.state is NodeState.READY or nodes.is_old(node)]
    nodes.set_surge(1)
    for index, name in enumerate(names):
        operation.timers.append(clock.after(seconds * (index + 1) / (len(names) + 1), partial(_replace, group, name)))
    operation.timers.append(clock.after(seconds, partial(group.nodes.set_surge, 0)))


def _replace(group: Group, name: str) -> None:
    for node in list(group.nodes.nodes):
        if node.name != name or node.state is NodeState.DRAINING:
            continue
        # What has no machine of the new type to go to stays: an upgrade never shrinks a pool.
        if not (group.nodes.is_old(node) and group.nodes.not_launched):
            group.nodes.lose(name, DRAIN_NOTICE_S)


def left_behind(pool: Pool) -> Problem | None:
    """Return what a migration says in the end that did not get machines of the new type for all nodes."""
    alive = [(g, node) for g in pool.groups for node in g.nodes.nodes if node.state is not NodeState.DRAINING]
    old = sum(group.nodes.is_old(node) for group, node in alive)
    if not old:
        return None
    message = (
        f"Google Compute Engine: {old} instances of {pool.name.path} could not be replaced by {pool.machine_type}."
    )
    return Problem(code=Code.RESOURCE_EXHAUSTED, message=message, condition="GCE_STOCKOUT")
