"""Oasis's rules: one resize at a time on a pool, for as long as an operation takes; a token asked again is answered again."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

from multicloud_lab.core.calls import Call
from multicloud_lab.core.journal import HAND, Entry
from multicloud_lab.core.lab import Lab, MachineGroup, Moved, PoolView, RefusedError
from multicloud_lab.core.nodes import Node, NodeSet

CLOUD = "oasis"
USER = "lab-user"
TOKEN = "oasis-lab-token"
ACCOUNT = "oasis-1"
REGION = "south"
MACHINE = "palm-4"
OPERATION_S = 150.0
FLEET = {("prod", "web"): 4, ("prod", "batch"): 2, ("batch", "web"): 4}


@dataclass(slots=True, kw_only=True)
class Pool:
    """A pool's machines, and the second until which an operation runs on it."""

    id: str
    nodes: NodeSet
    until: float = 0.0


class OasisEngine:
    """The state and its rules."""

    def __init__(self, lab: Lab) -> None:
        """Build the fleet."""
        self.lab = lab
        self._pools: dict[tuple[str, str], Pool] = {}
        self._operations: dict[str, float] = {}
        self._tokens: dict[str, str] = {}
        self.reset()

    def reset(self) -> None:
        """Build the fleet anew."""
        self._pools = {place: self._made(place, size) for place, size in FLEET.items()}
        self._operations.clear()
        self._tokens.clear()

    def listed(self, cluster: str) -> list[dict[str, object]]:
        """Return a cluster's pools as the API tells them. Raises RefusedError."""
        found = [(name, pool) for (where, name), pool in self._pools.items() if where == cluster]
        if not found:
            raise RefusedError("not_found", f"there is no cluster {cluster}")
        return [self._told(name, pool) for name, pool in found]

    def resize(self, call: Call, size: int, token: str) -> str:
        """Begin a resize, journal it; returns the operation's id. Raises RefusedError."""
        if token in self._tokens:
            self.lab.record(call)
            return self._tokens[token]
        pool = self._pools.get((str(call.cluster), str(call.pool)))
        if pool is None:
            raise RefusedError("not_found", f"there is no pool {call.pool} in cluster {call.cluster}")
        if self._busy(pool):
            raise RefusedError("busy", "another operation runs on the pool")
        if size < 0:
            raise RefusedError("invalid", "a size is 0 or above")
        self.lab.record(call, effective=True, from_=pool.nodes.target, to=size)
        pool.nodes.set_target(size)
        pool.until = self.lab.clock.now() + OPERATION_S
        operation = self._draw()
        self._operations[operation] = pool.until
        if token:
            self._tokens[token] = operation
        return operation

    def operation(self, name: str) -> str:
        """Return an operation's state. Raises RefusedError."""
        if name not in self._operations:
            raise RefusedError("not_found", f"there is no operation {name}")
        return "running" if self.lab.clock.now() < self._operations[name] else "done"

    def pools(self) -> Iterable[PoolView]:
        """As Engine says."""
        for (cluster, name), pool in self._pools.items():
            yield PoolView(
                cloud=CLOUD,
                cluster=cluster,
                node_pool=name,
                requested=pool.nodes.target,
                nodes=pool.nodes.existing,
                ready=pool.nodes.ready,
                status=self._state(pool),
            )

    def machines(self) -> Iterable[MachineGroup]:
        """As Engine says."""
        return [
            MachineGroup(
                cloud=CLOUD,
                account=ACCOUNT,
                region=REGION,
                location=REGION,
                cluster=cluster,
                node_pool=name,
                instance_type=MACHINE,
                spot=False,
                nodes=pool.nodes,
                provider_id=_provider_id,
                node_name=_node_name,
            )
            for (cluster, name), pool in self._pools.items()
        ]

    def violations(self) -> Iterable[str]:
        """As Engine says."""
        return [f"oasis: {operation} ends in the past" for operation, end in self._operations.items() if end <= 0]

    def replay(self, entry: Entry) -> bool:
        """As Engine says."""
        if entry.operation != "ResizePool":
            return False
        self._pools[str(entry.cluster), str(entry.pool)].nodes.set_target(int(str(entry.to)))
        return True

    def resize_by_hand(self, cluster: str, node_pool: str, to: int) -> None:
        """As Engine says."""
        self.resize(Call(cloud=CLOUD, operation="ResizePool", principal=HAND, cluster=cluster, pool=node_pool), to, "")

    def autoscale(self, cluster: str, node_pool: str, to: int) -> Moved:
        """Oasis has no autoscaler."""
        self._has_no(f"autoscaler on {cluster}/{node_pool} (to {to})")

    def upgrade_by_hand(self, cluster: str, node_pool: str, seconds: float) -> None:
        """Oasis has no upgrades."""
        self._has_no(f"upgrade of {cluster}/{node_pool} ({seconds} s)")

    def abort_by_hand(self, cluster: str, node_pool: str) -> None:
        """Oasis has no aborts."""
        self._has_no(f"abort on {cluster}/{node_pool}")

    def delete_by_hand(self, cluster: str, node_pool: str | None) -> None:
        """As Engine says."""
        for place in [place for place in self._pools if place[0] == cluster and node_pool in {None, place[1]}]:
            self._pools.pop(place).nodes.close()

    def recreate_by_hand(self, cluster: str, node_pool: str | None) -> None:
        """As Engine says."""
        for place, size in FLEET.items():
            if place[0] == cluster and node_pool in {None, place[1]}:
                self._pools[place] = self._made(place, size)

    def _told(self, name: str, pool: Pool) -> dict[str, object]:
        nodes = pool.nodes
        sizes = {"want": nodes.target, "have": nodes.existing, "ready": nodes.ready}
        return {"name": name, "id": pool.id, "state": self._state(pool), **sizes}

    def _busy(self, pool: Pool) -> bool:
        return self.lab.clock.now() < pool.until

    def _state(self, pool: Pool) -> str:
        return "resizing" if self._busy(pool) else "idle"

    def _made(self, place: tuple[str, str], size: int) -> Pool:
        lab, timings = self.lab, self.lab.seed.timings
        prefix = f"{'-'.join(place)}-"
        supply = lab.supply(CLOUD, ACCOUNT, REGION, *place, MACHINE)
        boot_s = timings.boot_of(MACHINE).draw
        nodes = NodeSet(lab.clock, prefix, [REGION], boot_s, timings.drain_s, lab.rng, supply=supply)
        nodes.fill(size)
        return Pool(id=self._draw(), nodes=nodes)

    def _draw(self) -> str:
        return f"{self.lab.rng.getrandbits(64):016x}"

    @staticmethod
    def _has_no(what: str) -> NoReturn:
        raise RefusedError("invalid", f"there is no {what} in Oasis")


def _provider_id(node: Node) -> str:
    return f"oasis:///{node.name}"


def _node_name(node: Node) -> str:
    return node.name
