"""Nodes with a life: requested → booting → ready → draining → gone, in virtual time.

An engine tells a `NodeSet` how many nodes it should have; the set moves there as machines do.
One set is one group of machines that scales as one: an Auto Scaling group, an AKS pool, or one
zone's managed instance group of a GKE pool.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from multicloud_lab.core.clock import Timer, VirtualClock

REQUESTED_SHARE = 0.1
"""The share of a node's boot time in which the machine does not exist yet."""


class NodeState(StrEnum):
    """Where a node is in its life; a node that is gone is no longer in the set."""

    REQUESTED = "requested"
    BOOTING = "booting"
    READY = "ready"
    DRAINING = "draining"


@dataclass(slots=True, kw_only=True, eq=False)
class Node:
    """One machine. `since` is when it entered its state, `created` when it was asked for (virtual epoch s)."""

    name: str
    zone: str
    created: float
    since: float
    state: NodeState = NodeState.REQUESTED
    timer: Timer | None = None


def hex_suffix(rng: Random, serial: int) -> str:  # noqa: ARG001  (the serial is for vendors that number their machines)
    """Return eight hexadecimal digits."""
    return f"{rng.getrandbits(32):08x}"


class NodeSet:
    """The nodes of one group, balanced over its zones, moving towards `target`."""

    def __init__(  # noqa: PLR0913  (a group of machines is described by these, all needed)
        self,
        clock: VirtualClock,
        name_prefix: str,
        zones: Sequence[str],
        boot_s: Callable[[Random], float],
        drain_s: float,
        rng: Random,
        *,
        suffix: Callable[[Random, int], str] = hex_suffix,
    ) -> None:
        """Start without nodes. A name is `name_prefix` + `suffix(rng, serial)`, serial from 0.

        `boot_s` draws a node's virtual seconds from request to ready; `drain_s` from draining to gone.
        """
        self._clock = clock
        self._prefix = name_prefix
        self._zones = list(zones)
        self._boot_s = boot_s
        self._drain_s = drain_s
        self._rng = rng
        self._suffix = suffix
        self._serial = 0
        self._nodes: list[Node] = []
        self.target = 0
        self.on_change: Callable[[], None] = _nothing

    @property
    def nodes(self) -> Sequence[Node]:
        """All nodes, oldest first, draining ones included. Not to be changed by the reader."""
        return self._nodes

    @property
    def existing(self) -> int:
        """The number of nodes, draining ones included."""
        return len(self._nodes)

    @property
    def ready(self) -> int:
        """The number of ready nodes."""
        return sum(node.state is NodeState.READY for node in self._nodes)

    @property
    def settled(self) -> bool:
        """Whether exactly `target` nodes exist and all are ready."""
        return self.existing == self.target == self.ready

    def fill(self, count: int) -> None:
        """Set the target and have that many ready nodes at once: how a seed starts."""
        self.target = count
        while len(self._nodes) < count:
            self._nodes.append(self._new(NodeState.READY))

    def set_target(self, count: int) -> None:
        """Ask for `count` nodes: more boot; fewer cancels unready ones, then drains ready ones, newest first."""
        if count < 0:
            message = f"a group of nodes cannot have {count} nodes"
            raise ValueError(message)
        self.target = count
        alive = [node for node in self._nodes if node.state is not NodeState.DRAINING]
        for _ in range(count - len(alive)):
            self._request()
        for _ in range(len(alive) - count):
            self._shrink_by_one()
        if len(alive) != count:
            self.on_change()

    def drain(self, name: str) -> None:
        """Drain the named node and lower the target by one. Raises KeyError for an unknown or draining one."""
        for node in self._nodes:
            if node.name == name and node.state is not NodeState.DRAINING:
                self.target -= 1
                self._let_go(node)
                self.on_change()
                return
        raise KeyError(name)

    def _new(self, state: NodeState) -> Node:
        name = self._prefix + self._suffix(self._rng, self._serial)
        self._serial += 1
        now_s = self._clock.now()
        alive = _alive_per_zone(self._zones, self._nodes)
        zone = min(self._zones, key=lambda each: alive[each])
        return Node(name=name, zone=zone, created=now_s, since=now_s, state=state)

    def _request(self) -> None:
        node = self._new(NodeState.REQUESTED)
        boot_s = self._boot_s(self._rng)

        def ready() -> None:
            self._enter(node, NodeState.READY)

        def booting() -> None:
            self._enter(node, NodeState.BOOTING)
            node.timer = self._clock.after(boot_s * (1 - REQUESTED_SHARE), ready)

        node.timer = self._clock.after(boot_s * REQUESTED_SHARE, booting)
        self._nodes.append(node)

    def _shrink_by_one(self) -> None:
        alive = [node for node in self._nodes if node.state is not NodeState.DRAINING]
        crowd = _alive_per_zone(self._zones, alive)
        index = max(
            range(len(alive)),
            key=lambda i: (alive[i].state is not NodeState.READY, crowd[alive[i].zone], i),
        )
        self._let_go(alive[index])

    def _let_go(self, node: Node) -> None:
        if node.timer is not None:
            node.timer.cancel()
        if node.state is not NodeState.READY:
            self._nodes.remove(node)
            return
        node.state, node.since = NodeState.DRAINING, self._clock.now()
        node.timer = self._clock.after(self._drain_s, lambda: self._gone(node))

    def _enter(self, node: Node, state: NodeState) -> None:
        node.state, node.since, node.timer = state, self._clock.now(), None
        self.on_change()

    def _gone(self, node: Node) -> None:
        self._nodes.remove(node)
        self.on_change()


def _nothing() -> None:
    """Be nobody's listener."""


def _alive_per_zone(zones: Iterable[str], nodes: Iterable[Node]) -> dict[str, int]:
    counts = dict.fromkeys(zones, 0)
    for node in nodes:
        if node.state is not NodeState.DRAINING:
            counts[node.zone] += 1
    return counts
