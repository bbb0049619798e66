"""Nodes with a life: requested → booting → ready → draining → gone, in virtual time.

An engine tells a `NodeSet` how many nodes it should have; the set moves there as machines do.
One set is one group of machines that scales as one: an Auto Scaling group, an AKS pool, or one
zone's managed instance group of a GKE pool.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from multicloud_lab.core.capacity import Refusal, Supply
from multicloud_lab.core.clock import Timer, VirtualClock

REQUESTED_SHARE = 0.1
"""The share of a node's boot time in which the machine does not exist yet."""


RETRY_S = 30.0
"""How often a group asks again for machines that it did not get, virtual seconds."""


class NodeState(StrEnum):
    """Where a node is in its life; a node that is gone is no longer in the set."""

    REQUESTED = "requested"
    BOOTING = "booting"
    READY = "ready"
    DRAINING = "draining"


@dataclass(slots=True, kw_only=True, eq=False)
class Node:
    """One machine. `since` is when it entered its state, `created` when it was asked for (virtual epoch s).

    `supply` is where it comes from and goes back to: a group's later machines may be of another type. `cordoned` is
    that its cluster takes no new pods on it, because somebody asked for that.
    """

    name: str
    zone: str
    created: float
    since: float
    state: NodeState = NodeState.REQUESTED
    timer: Timer | None = None
    supply: Supply | None = None
    cordoned: bool = False


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
        supply: Supply | None = None,
    ) -> None:
        """Start without nodes. A name is `name_prefix` + `suffix(rng, serial)`, serial from 0.

        `boot_s` draws a node's virtual seconds from request to ready; `drain_s` from draining to gone.
        Machines come from `supply` (None: without limit, and never slow).
        """
        self._clock = clock
        self._prefix = name_prefix
        self._zones = list(zones)
        self._boot_s = boot_s
        self._drain_s = drain_s
        self._rng = rng
        self._suffix = suffix
        self._supply = supply
        self._serial = 0
        self._nodes: list[Node] = []
        self._retry: Timer | None = None
        self.target = 0
        self.surge = 0
        self.cordoned_go_first = False
        self.refusal: Refusal | None = None
        self.refused_zone: str | None = None
        self.on_change: Callable[[], None] = _nothing

    @property
    def nodes(self) -> Sequence[Node]:
        """All nodes, oldest first, draining ones included. Not to be changed by the reader."""
        return self._nodes

    @property
    def zones(self) -> Sequence[str]:
        """Where the nodes are spread."""
        return self._zones

    @property
    def existing(self) -> int:
        """The number of nodes, draining ones included."""
        return len(self._nodes)

    @property
    def ready(self) -> int:
        """The number of ready nodes."""
        return sum(node.state is NodeState.READY for node in self._nodes)

    @property
    def alive(self) -> int:
        """The number of nodes without the draining ones."""
        return sum(node.state is not NodeState.DRAINING for node in self._nodes)

    @property
    def not_launched(self) -> int:
        """How many wished nodes have no machine, because there was none; `refusal` says why, `refused_zone` where."""
        return max(self.target + self.surge - self.alive, 0)

    @property
    def settled(self) -> bool:
        """Whether exactly `target` nodes exist and all are ready."""
        return self.existing == self.target + self.surge == self.ready

    def fill(self, count: int) -> None:
        """Set the target and have that many ready nodes at once: how a seed starts (no stock is asked)."""
        self.target = count
        missing = max(count - self.existing, 0)
        for _ in range(missing):
            self._nodes.append(self._new(NodeState.READY, self._by_crowd()[0]))
        if self._supply is not None:
            self._supply.seeded(missing)

    def migrate(self, supply: Supply, boot_s: Callable[[Random], float]) -> None:
        """Have machines of another type from now on; those that are there stay until they are lost or drained."""
        self._supply, self._boot_s = supply, boot_s

    def is_old(self, node: Node) -> bool:
        """Say whether the node is from before the last migration."""
        return node.supply is not self._supply

    def set_target(self, count: int) -> None:
        """Ask for `count` nodes: more boot; fewer cancels unready ones, then drains ready ones, newest first.

        With `cordoned_go_first` those that are cordoned go before the other ready ones.
        """
        if count < 0:
            message = f"a group of nodes cannot have {count} nodes"
            raise ValueError(message)
        self.target = count
        self._move()

    def set_surge(self, count: int) -> None:
        """Have `count` nodes above the target, as an upgrade does; 0 ends it."""
        if count < 0:
            message = f"a group of nodes cannot have a surge of {count}"
            raise ValueError(message)
        self.surge = count
        self._move()

    def drain(self, name: str) -> None:
        """Drain the named node and lower the target by one. Raises KeyError for an unknown or draining one."""
        node = self._find(name)
        self.target -= 1
        self._let_go(node)
        self.on_change()

    def lose(self, name: str, notice_s: float = 0.0) -> None:
        """Lose the named machine (it dies, or a spot machine is reclaimed with notice); the target stays, so one boots.

        Raises KeyError for an unknown or draining one.
        """
        node = self._find(name)
        if notice_s > 0:
            self._begin_draining(node, notice_s)
        else:
            self._remove(node)
        self.on_change()
        self._move()

    def give_up(self) -> None:
        """Stop asking for machines that could not be had, until the next target."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def close(self) -> None:
        """End every node at once: the group is deleted."""
        self.give_up()
        self.target = self.surge = 0
        for node in list(self._nodes):
            self._remove(node)

    def _move(self) -> None:
        wished, alive = self.target + self.surge, self.alive
        self.give_up()
        launched = 0
        while launched < wished - alive and self._request():
            launched += 1
        for _ in range(alive - wished):
            self._shrink_by_one()
        if launched or alive > wished:
            self.on_change()
        if self.not_launched:
            self._retry = self._clock.after(RETRY_S, self._move)
        else:
            self.refusal = self.refused_zone = None

    def _find(self, name: str) -> Node:
        for node in self._nodes:
            if node.name == name and node.state is not NodeState.DRAINING:
                return node
        raise KeyError(name)

    def _by_crowd(self) -> list[str]:
        crowd = _alive_per_zone(self._zones, self._nodes)
        return sorted(self._zones, key=lambda zone: crowd[zone])

    def _new(self, state: NodeState, zone: str) -> Node:
        taken = {node.name for node in self._nodes}
        while (name := self._prefix + self._suffix(self._rng, self._serial)) in taken:
            self._serial += 1
        self._serial += 1
        now_s = self._clock.now()
        return Node(name=name, zone=zone, created=now_s, since=now_s, state=state, supply=self._supply)

    def _request(self) -> bool:
        """Launch one machine in the emptiest zone that has one; False when none has."""
        zone = self._zone_with_a_machine()
        if zone is None:
            return False
        node = self._new(NodeState.REQUESTED, zone)
        boot_s = self._boot_s(self._rng) * (1.0 if self._supply is None else self._supply.slowness())

        def ready() -> None:
            self._enter(node, NodeState.READY)

        def booting() -> None:
            self._enter(node, NodeState.BOOTING)
            node.timer = self._clock.after(boot_s * (1 - REQUESTED_SHARE), ready)

        node.timer = self._clock.after(boot_s * REQUESTED_SHARE, booting)
        self._nodes.append(node)
        return True

    def _zone_with_a_machine(self) -> str | None:
        zones = self._by_crowd()
        if self._supply is None:
            return zones[0]
        for zone in zones:
            refusal = self._supply.take(zone)
            if refusal is None:
                return zone
            self.refusal, self.refused_zone = refusal, zone
        return None

    def _shrink_by_one(self) -> None:
        alive = [node for node in self._nodes if node.state is not NodeState.DRAINING]
        crowd = _alive_per_zone(self._zones, alive)
        index = max(
            range(len(alive)),
            key=lambda i: (
                alive[i].state is not NodeState.READY,
                self.cordoned_go_first and alive[i].cordoned,
                crowd[alive[i].zone],
                i,
            ),
        )
        self._let_go(alive[index])

    def _let_go(self, node: Node) -> None:
        if node.state is NodeState.READY:
            self._begin_draining(node, self._drain_s)
        else:
            self._remove(node)

    def _begin_draining(self, node: Node, for_s: float) -> None:
        if node.timer is not None:
            node.timer.cancel()
        node.state, node.since = NodeState.DRAINING, self._clock.now()
        node.timer = self._clock.after(for_s, lambda: self._gone(node))

    def _remove(self, node: Node) -> None:
        if node.timer is not None:
            node.timer.cancel()
        self._nodes.remove(node)
        if node.supply is not None:
            node.supply.give(node.zone)

    def _enter(self, node: Node, state: NodeState) -> None:
        node.state, node.since, node.timer = state, self._clock.now(), None
        self.on_change()

    def _gone(self, node: Node) -> None:
        self._remove(node)
        self.on_change()


def _nothing() -> None:
    """Be nobody's listener."""


def _alive_per_zone(zones: Iterable[str], nodes: Iterable[Node]) -> dict[str, int]:
    counts = dict.fromkeys(zones, 0)
    for node in nodes:
        if node.state is not NodeState.DRAINING:
            counts[node.zone] += 1
    return counts
