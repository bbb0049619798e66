"""The lab itself: clock, journal, gate, randomness, and one engine per cloud.

Engines put the clouds' rules on state, without HTTP; wires speak HTTP or gRPC, without rules. A
cloud's package exports its engine class (`EksEngine(lab)`, `AksEngine(lab)`, `GkeEngine(lab)`) and
`async def start(lab, engine, tls) -> Wire`; the server puts the engines in `Lab.engines`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from multicloud_lab.core.calls import Call
from multicloud_lab.core.capacity import Capacity, Limit, Quotas, Supply
from multicloud_lab.core.clock import VirtualClock
from multicloud_lab.core.faultfile import fault_json
from multicloud_lab.core.faults import Fault, Faults
from multicloud_lab.core.gate import Gate
from multicloud_lab.core.journal import LAB, Entry, Journal
from multicloud_lab.core.keys import ServiceAccountKey, make_service_account_key
from multicloud_lab.core.nodes import Node, NodeSet
from multicloud_lab.core.pace import RATES, Pace, Rate
from multicloud_lab.core.permissions import Permissions
from multicloud_lab.core.seed import AwsSeed, AzureSeed, GcpSeed, Seed, SeedError


class RefusedError(Exception):
    """A cloud refuses a call. `code` is the vendor's error code, `message` its sentence.

    Wires may subclass it for what their error bodies carry besides.
    """

    def __init__(self, code: str, message: str) -> None:
        """Keep the vendor's code and sentence."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolView:
    """One node pool as the admin port shows it, in nodes of the whole pool (GKE: over all zones).

    `requested` is the wished size, `nodes` what exists (draining included), `status` the vendor's word.
    """

    cloud: str
    cluster: str
    node_pool: str
    requested: int
    nodes: int
    ready: int
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineGroup:
    """One set of nodes with what surrounds it: a node group's Auto Scaling group, an AKS pool, a GKE pool's zone.

    `taints` are (key, value, effect) with Kubernetes' effects; `labels` what the vendor and the pool put on its
    nodes beside zone and host name; `provider_id` makes a node's spec.providerID, `node_name` its Kubernetes name.
    `name` is what a Cluster Autoscaler calls the group: its Auto Scaling group, its scale set, the URL of its
    managed instance group (absent: the pool's name, as for machines without a scale set).
    """

    cloud: str
    account: str
    region: str
    location: str
    cluster: str
    node_pool: str
    instance_type: str
    spot: bool
    nodes: NodeSet
    provider_id: Callable[[Node], str]
    node_name: Callable[[Node], str]
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[tuple[str, str, str]] = ()
    name: str | None = None

    def type_of(self, node: Node) -> str:
        """Return a node's instance type: during a migration it may still be the one before."""
        return self.instance_type if node.supply is None else node.supply.instance_type


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A pool's wished nodes (of the whole pool) before and after a hand's act."""

    from_: int
    to: int


class Engine(Protocol):
    """What the server, the admin port, hands, invariants and replay ask of every cloud.

    The acts of hands raise RefusedError as the cloud would (unknown names too) and change nothing then. Only
    `resize_by_hand` journals itself, as the vendor's operation with the principal "hand"; `core.hands` journals the
    other ones. Everything that an act draws or decides comes from the lab's clock, `rng` and faults.
    """

    def pools(self) -> Iterable[PoolView]:
        """Every pool of the cloud."""
        ...

    def machines(self) -> Iterable[MachineGroup]:
        """Every group of nodes, those of pools under creation or deletion included."""
        ...

    def violations(self) -> Iterable[str]:
        """A sentence for every rule of this cloud that its state breaks.

        Ranges (min ≤ wished ≤ max where one is set), one running operation where the cloud allows one, statuses
        that have no running operation behind them, operations that should have ended.
        """
        ...

    def replay(self, entry: Entry) -> bool:
        """Do again what a journalled mutation did ("200", not by `core.hands`), without gate, limits and permissions.

        Returns False, and does nothing, for an operation that is a read. Journals nothing. Raises RefusedError when
        it cannot be done: then the journal does not suffice.
        """
        ...

    def resize_by_hand(self, cluster: str, node_pool: str, to: int) -> None:
        """Resize as a person in the console would: same rules, journalled here with principal "hand".

        `to` is in nodes of the whole pool. Raises RefusedError as the cloud would (unknown names too).
        """
        ...

    def autoscale(self, cluster: str, node_pool: str, to: int) -> Moved:
        """Move the size as the cloud's or the cluster's autoscaler does, beside the calls that resize.

        EKS: the Auto Scaling group's desired capacity; AKS and GKE: the count of a pool with autoscaling, within its
        range. `to` is in nodes of the whole pool.
        """
        ...

    def upgrade_by_hand(self, cluster: str, node_pool: str, seconds: float) -> None:
        """Start an upgrade with surge that holds the pool's (GKE: the cluster's) lock for these virtual seconds."""
        ...

    def abort_by_hand(self, cluster: str, node_pool: str) -> None:
        """Abort the operation that runs on a pool, as a person does in the portal. Refused where no such act is."""
        ...

    def delete_by_hand(self, cluster: str, node_pool: str | None) -> None:
        """Take a pool (None: the cluster with all its pools) away at once, whatever runs on it."""
        ...

    def recreate_by_hand(self, cluster: str, node_pool: str | None) -> None:
        """Take a pool (None: the cluster) away and make it again under its name, with new identity, as the seed has it.

        Also makes again what `delete_by_hand` took away. What was never seeded is made with its last settings.
        """
        ...

    def reset(self) -> None:
        """Forget everything (operations, tokens, issued credentials stay valid) and build the seed's state."""
        ...


class Wire(Protocol):
    """A cloud's listening servers."""

    @property
    def endpoints(self) -> Mapping[str, object]:
        """Its keys of the lab's document, e.g. {"eks": {"url": "http://127.0.0.1:1234"}}."""
        ...

    async def stop(self) -> None:
        """Stop listening and close every connection."""
        ...


class Lab:
    """The state that everything shares; touched only on the lab's loop."""

    def __init__(self, seed: Seed | None = None, clock: VirtualClock | None = None) -> None:
        """Build the parts; the engines come afterwards, because they need the lab."""
        self.seed = Seed() if seed is None else seed
        self._first = self.seed
        self.clock = VirtualClock() if clock is None else clock
        self.journal = Journal()
        self.faults = Faults(self.clock, self.seed.random)
        self.gate = Gate(self.clock, self.faults)
        self.rng = Random(self.seed.random)  # noqa: S311  (repeatable on purpose, guards nothing)
        self.noise = Random(self.seed.random)  # noqa: S311  (as above)
        """Chance on which no state depends (request ids): drawing from it in a read does not spoil a replay."""
        self.capacity = Capacity()
        self.quotas = Quotas()
        self.permissions = Permissions(_allowed(self.seed))
        self.pace = Pace(self.clock, _rates(self.seed))
        self.engines: dict[str, Engine] = {}
        self.on_reset: list[Callable[[], None]] = []
        """Called at the end of every reset: parts with a memory of their own forget."""
        self.google_keys: tuple[ServiceAccountKey, ...] = tuple(
            make_service_account_key(self.seed.gcp.project, principal.email) for principal in self.seed.gcp.principals
        )
        self._limit()
        for knobs in (self.faults, self.capacity, self.quotas, self.permissions):
            knobs.told = self._turned

    def supply(self, cloud: str, account: str, region: str, cluster: str, pool: str, instance_type: str) -> Supply:
        """Return where a group of nodes gets its machines: hand it to its NodeSet."""
        return Supply(
            cloud=cloud,
            account=account,
            region=region,
            cluster=cluster,
            pool=pool,
            instance_type=instance_type,
            capacity=self.capacity,
            quotas=self.quotas,
            faults=self.faults,
        )

    def machines(self) -> list[MachineGroup]:
        """Every group of nodes of every cloud."""
        return [group for engine in self.engines.values() for group in engine.machines()]

    @property
    def fleet(self) -> list[PoolView]:
        """Every pool of every cloud."""
        return [pool for engine in self.engines.values() for pool in engine.pools()]

    def record(
        self,
        call: Call,
        *,
        result: str = "200",
        effective: bool = False,
        from_: int | None = None,
        to: int | None = None,
    ) -> Entry:
        """Journal what became of a call; at its commit or its refusal, never twice."""
        return self.journal.append(
            Entry(
                time=self.clock.now(),
                cloud=call.cloud,
                principal=call.principal,
                operation=call.operation,
                cluster=call.cluster,
                pool=call.pool,
                arguments=call.arguments,
                token=call.token,
                effective=effective,
                result=result,
                to=to,
                from_=from_,
            )
        )

    def reset(self) -> None:
        """Go back to the seed: clock, journal, holds (held calls are dropped), faults, limits, randomness, engines."""
        self.gate.clear()
        self.clock.reset()
        self.gate.most_in_flight.clear()
        self.faults.reset(self.seed.random)
        self.capacity.reset()
        self.quotas.reset()
        self.permissions.reset()
        self.pace.reset()
        self.rng.seed(self.seed.random)
        self.noise.seed(self.seed.random)
        self._limit()
        self.journal.clear()
        for engine in self.engines.values():
            engine.reset()
        for forget in self.on_reset:
            forget()

    def _turned(self, operation: str, arguments: Mapping[str, object]) -> None:
        """Journal a turned knob."""
        plain = {name: fault_json(each) if isinstance(each, Fault) else each for name, each in arguments.items()}
        self.record(Call(cloud=LAB, operation=operation, principal="admin", arguments=plain), effective=True)

    def reseed(self, seed: Seed) -> None:
        """Go back to another seed's start. Raises SeedError, changing nothing, for a seed with other principals.

        Clients have logged in with the principals that the lab was started with.
        """
        for where, was, now in (
            ("aws.principals", self._first.aws.principals, seed.aws.principals),
            ("azure.principals", self._first.azure.principals, seed.azure.principals),
            ("gcp.principals", self._first.gcp.principals, seed.gcp.principals),
            ("gcp.project", self._first.gcp.project, seed.gcp.project),
        ):
            if was != now:
                message = f"{where}: must be as the lab was started with, because clients have logged in with it"
                raise SeedError(message)
        before = self.seed
        self._take(seed)
        try:
            self.reset()
        except SeedError:
            self._take(before)
            self.reset()
            raise

    def _take(self, seed: Seed) -> None:
        self.pace.set_rates(_rates(seed))
        self.seed = seed

    def _limit(self) -> None:
        """Set the seed's stocks and quotas."""
        for cloud, seed in _clouds(self.seed).items():
            for stock in seed.capacity:
                self.capacity.set_free(cloud, stock.zone, stock.type, stock.free)
            for quota in seed.quotas:
                limit = Limit(nodes=quota.nodes, vcpus=quota.vcpus)
                self.quotas.set_limit(cloud, quota.account, quota.region, limit)


def _clouds(seed: Seed) -> Mapping[str, AwsSeed | AzureSeed | GcpSeed]:
    return {"aws": seed.aws, "azure": seed.azure, "gcp": seed.gcp}


def _allowed(seed: Seed) -> dict[tuple[str, str], tuple[str, ...]]:
    allowed = {("aws", each.name): each.allowed for each in seed.aws.principals}
    allowed |= {("azure", each.client_id): each.allowed for each in seed.azure.principals}
    return allowed | {("gcp", each.email): each.allowed for each in seed.gcp.principals}


def _rates(seed: Seed) -> dict[tuple[str, str], Rate]:
    rates: dict[tuple[str, str], Rate] = {}
    for cloud, part in _clouds(seed).items():
        for kind, rate in part.pace.items():
            if (cloud, kind) not in RATES:
                known = ", ".join(sorted(each for where, each in RATES if where == cloud))
                message = f"{cloud}.pace.{kind}: is no kind of call: there are {known}"
                raise SeedError(message)
            rates[cloud, kind] = Rate(burst=rate.burst, per_s=rate.per_s)
    return rates
