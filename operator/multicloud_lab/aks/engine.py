"""AKS's rules on state: clusters, agent pools and their long-running operations. No HTTP in here.

State comes from the lab's seed; the wire and the admin port's hands call in; accepted PUTs move the
pool's nodes at once and finish in virtual time, once the machines have followed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from multicloud_lab.aks import errors, rules, views
from multicloud_lab.aks.build import CLOUD, Builder
from multicloud_lab.aks.entra import Entra
from multicloud_lab.aks.hands import Hands
from multicloud_lab.aks.limits import Limits
from multicloud_lab.aks.operations import Operations, Order, keep_machines, move
from multicloud_lab.aks.sizes import with_nodes
from multicloud_lab.aks.state import TERMINAL, AgentPool, Cluster, Operation, Properties, cluster_id, wished_nodes
from multicloud_lab.aks.switches import Switches
from multicloud_lab.core.calls import Call
from multicloud_lab.core.capacity import vcpus
from multicloud_lab.core.clock import Timer
from multicloud_lab.core.journal import Entry
from multicloud_lab.core.lab import Lab, MachineGroup, Moved, PoolView
from multicloud_lab.core.nodes import Node, NodeState
from multicloud_lab.core.switches import read_switches

PUT_POOL = "AgentPools_CreateOrUpdate"
"""The operation's name in the vendor's description, in the journal and for the gate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PutRequest:
    """A PUT on an agent pool; `wished` as from `rules.read_properties`."""

    cluster: Cluster
    name: str
    wished: Properties
    if_match: str | None = None
    if_none_match: str | None = None
    call: Call = field(default_factory=lambda: Call(cloud=CLOUD, operation=PUT_POOL, principal=""))


@dataclass(frozen=True, slots=True, kw_only=True)
class PutResult:
    """What a PUT did: `operation` is None for one that changed nothing. Counts are nodes wished."""

    pool: AgentPool
    operation: Operation | None
    created: bool
    from_: int
    to: int


class AksEngine:
    """All managed clusters of the seed. `switches` may be replaced while the lab runs."""

    def __init__(self, lab: Lab) -> None:
        """Build the seed's state. Raises SeedError for a switch that there is not."""
        self.lab = lab
        self.entra = Entra(lambda: lab.seed.azure.principals, lambda: lab.faults.skew_s(CLOUD))
        self.limits = Limits(lab.pace, lambda: self.switches)
        self.switches = Switches()
        self.clusters: list[Cluster] = []
        self.builder = Builder(lab, lambda: self.switches)
        self.operations = Operations(lab, self.builder, lambda: self.switches)
        self.hands = Hands(self)
        self.reset()

    def reset(self) -> None:
        """Forget all operations and build the seed's clusters anew; switches go back to the seed's. Raises SeedError."""
        seed = self.lab.seed.azure
        given = {"getShows": seed.get_shows, **seed.switches}
        self.switches = read_switches(Switches, given, "azure.switches")
        self.operations.clear()
        self.hands.clear()
        self.clusters = [self.builder.cluster(each) for each in seed.clusters]

    # Reading

    def in_subscription(self, subscription: str) -> list[Cluster]:
        """Return a subscription's clusters. Raises ArmError when there is no such subscription."""
        known = {self.lab.seed.azure.subscription_id, *(place[0] for place in self._groups())}
        if not any(_equal(each, subscription) for each in known):
            raise errors.subscription_not_found(subscription)
        return [cluster for cluster in self.clusters if _equal(cluster.subscription, subscription)]

    def in_group(self, subscription: str, group: str) -> list[Cluster]:
        """Return a resource group's clusters. Raises ArmError."""
        found = self.in_subscription(subscription)
        if not any(_equal(place[0], subscription) and _equal(place[1], group) for place in self._groups()):
            raise errors.group_not_found(group)
        return [cluster for cluster in found if _equal(cluster.group, group)]

    def cluster(self, subscription: str, group: str, name: str, *, inside: str | None = None) -> Cluster:
        """Return one cluster; `inside` is what is to be done (read, write …) to something in it. Raises ArmError."""
        for cluster in self.in_group(subscription, group):
            if _equal(cluster.name, name):
                return cluster
        if inside is not None and self.switches.unknown_cluster_code == "ParentResourceNotFound":
            raise errors.parent_not_found(cluster_id(subscription, group, name), inside)
        raise errors.cluster_not_found(group, name)

    def named(self, name: str) -> Cluster:
        """Return the cluster of this name, for hands that name no resource group. Raises ArmError."""
        for cluster in self.clusters:
            if _equal(cluster.name, name):
                return cluster
        known = ", ".join(cluster.name for cluster in self.clusters) or "none"
        raise errors.not_found("managed cluster", name, f"the lab's seed (known: {known})")

    def pool(self, cluster: Cluster, name: str) -> AgentPool:
        """Return one agent pool. Raises ArmError."""
        pool = cluster.pools.get(name.lower())
        if pool is None:
            raise errors.not_found("agent pool", name, f"cluster '{cluster.name}'")
        return pool

    def operation(self, subscription: str, location: str, operation_id: str) -> Operation:
        """Return a long-running operation. Raises ArmError."""
        self.in_subscription(subscription)
        operation = self.operations.known.get(operation_id.lower())
        if (
            operation is None
            or operation.forgotten
            or not (_equal(operation.subscription, subscription) and _equal(operation.location, location))
        ):
            raise errors.not_found("operation", operation_id, f"location '{location}'")
        return operation

    def pools(self) -> Iterable[PoolView]:
        """Return every agent pool as the admin port shows it."""
        return [views.pool_view(cluster, pool) for cluster in self.clusters for pool in cluster.pools.values()]

    def machines(self) -> Iterable[MachineGroup]:
        """Return every set of machines of every pool."""
        return [group for cluster in self.clusters for group in views.machine_groups(cluster)]

    def violations(self) -> Iterable[str]:
        """Return a sentence for every rule of AKS that the state breaks."""
        return views.violations(self.clusters, self.operations.known.values(), self.switches)

    # Changing

    def put(self, request: PutRequest) -> PutResult:
        """Create or update an agent pool. Raises ArmError and then changes nothing."""
        cluster, pool = request.cluster, request.cluster.pools.get(request.name.lower())
        etag = None if pool is None else pool.etag
        why = rules.check_etag(etag, request.if_match, request.if_none_match)
        if why is not None:
            raise errors.precondition_failed(why)
        if pool is None:
            return self._create(request)
        spec = rules.merged(pool, request.wished, self.switches)
        others = [other for other in cluster.pools.values() if other is not pool]
        rules.check_still_system(pool, spec, others)
        rules.check(spec, others, self.switches)
        self.check_free(cluster, pool)
        before = pool.count
        change = rules.change_of(pool.spec, spec)
        if change is None and pool.state == "Succeeded":
            return PutResult(pool=pool, operation=None, created=False, from_=before, to=before)
        self._check_quota(cluster, spec, {size: each.alive for size, each in pool.sets.items()})
        if change == "Stopping":
            pool.before_stop = {name: pool.spec[name] for name in rules.SCALING if name in pool.spec}
        pool.spec = spec
        self.builder.add_sets(cluster, pool)
        # The same PUT again after Failed or Canceled is how a pool is mended: it runs, though nothing is new.
        order = self._order(pool, change or "Updating", request.call)
        operation = self.operations.begin(cluster, pool, order)
        return PutResult(pool=pool, operation=operation, created=False, from_=before, to=pool.count)

    def delete(self, cluster: Cluster, name: str, if_match: str | None, call: Call) -> tuple[Operation | None, int]:
        """Start to delete an agent pool; returns the operation (None: no such pool) and its nodes. Raises ArmError."""
        pool = cluster.pools.get(name.lower())
        why = rules.check_etag(None if pool is None else pool.etag, if_match, None)
        if why is not None:
            raise errors.precondition_failed(why)
        if pool is None:
            return None, 0
        others = [other for other in cluster.pools.values() if other is not pool]
        if pool.is_system and not any(other.is_system for other in others):
            raise errors.last_system_pool(pool.name)
        self.check_free(cluster, pool)

        def start(_limit: int | None) -> list[Timer]:
            for machines in pool.sets.values():
                machines.set_target(0)
            return []

        def gone() -> None:
            for machines in pool.sets.values():
                machines.close()
            cluster.pools.pop(pool.name, None)
            self.hands.remember(cluster, pool)

        order = Order(state="Deleting", call=call, start=start, done=gone, undo=lambda: move(pool), repeatable=False)
        return self.operations.begin(cluster, pool, order), pool.count

    def delete_machines(self, cluster: Cluster, pool: AgentPool, names: Sequence[str], call: Call) -> PutResult:
        """Start to delete the named machines, and wish for so many fewer. Raises ArmError."""
        chosen = _chosen(pool, names)
        spec = _without(pool, chosen)
        others = [other for other in cluster.pools.values() if other is not pool]
        rules.check(spec, others, self.switches)
        self.check_free(cluster, pool)
        before = pool.count
        pool.spec = spec

        def start(_limit: int | None) -> list[Timer]:
            for size, machines in pool.sets.items():
                there = {node.name for node in machines.nodes if node.state is not NodeState.DRAINING}
                for name in sorted(there & {node.name for node in chosen.get(size, ())}):
                    machines.drain(name)
            return []

        order = replace(self._order(pool, "Scaling", call), start=start)
        operation = self.operations.begin(cluster, pool, order)
        return PutResult(pool=pool, operation=operation, created=False, from_=before, to=pool.count)

    def abort(self, cluster: Cluster, pool: AgentPool) -> Operation | None:
        """Start to cancel the pool's latest operation: Canceling, then Canceled. None: there never was one.

        Raises ArmError when it has ended.
        """
        return self.operations.abort(cluster, pool)

    def abort_cluster(self, cluster: Cluster) -> Operation | None:
        """Start to cancel the cluster's own latest operation; None: there never was one. Raises ArmError as `abort`."""
        return self.operations.abort_on_cluster(cluster)

    def fail(self, pool: AgentPool, code: str, message: str) -> None:
        """End the pool's running operation as Failed with AKS's words."""
        cluster = next(each for each in self.clusters if each.pools.get(pool.name) is pool)
        self.operations.fail(cluster, pool, code, message)

    def check_free(self, cluster: Cluster, pool: AgentPool | None) -> None:
        """Refuse a change while an operation of the pool or of the cluster runs. Raises ArmError."""
        if pool is not None and pool.state not in TERMINAL:
            raise errors.pool_busy(pool.name, pool.state)
        if cluster.state not in TERMINAL:
            raise errors.cluster_busy(cluster.name, cluster.state)

    def replay(self, entry: Entry) -> bool:
        """Do again what a journalled mutation did; False for a read. Raises ArmError."""
        from multicloud_lab.aks.replaying import replay

        return replay(self, entry)

    # Hands

    def resize_by_hand(self, cluster: str, node_pool: str, to: int) -> None:
        """Scale as a person in the portal: same rules, journalled. Raises ArmError."""
        self.hands.resize(cluster, node_pool, to)

    def autoscale(self, cluster: str, node_pool: str, to: int) -> Moved:
        """Move a pool's count within its range, as the cluster's autoscaler does. Raises ArmError."""
        return self.hands.autoscale(cluster, node_pool, to)

    def upgrade_by_hand(self, cluster: str, node_pool: str, seconds: float) -> None:
        """Start an upgrade with surge that holds the pool's lock for these virtual seconds. Raises ArmError."""
        self.hands.upgrade(cluster, node_pool, seconds)

    def abort_by_hand(self, cluster: str, node_pool: str) -> None:
        """Abort the pool's running operation as a person in the portal. Raises ArmError when none runs."""
        found = self.named(cluster)
        pool = self.pool(found, node_pool)
        if self.abort(found, pool) is None:
            raise errors.nothing_to_abort(f"agent pool {pool.name}", pool.state)

    def update_cluster_by_hand(self, cluster: str, seconds: float) -> None:
        """Start an update of the cluster itself, which keeps all its pools from being changed. Journalled."""
        self.hands.update_cluster(cluster, seconds)

    def delete_by_hand(self, cluster: str, node_pool: str | None) -> None:
        """Take a pool (None: the cluster) away at once, whatever runs on it. Raises ArmError."""
        self.hands.delete(cluster, node_pool)

    def recreate_by_hand(self, cluster: str, node_pool: str | None) -> None:
        """Take a pool (None: the cluster) away and make it again under its name. Raises ArmError."""
        self.hands.recreate(cluster, node_pool)

    # Inside

    def _groups(self) -> list[tuple[str, str]]:
        seed = self.lab.seed.azure
        return [(each.subscription_id or seed.subscription_id, each.resource_group) for each in seed.clusters]

    def _create(self, request: PutRequest) -> PutResult:
        cluster = request.cluster
        spec = rules.created(request.name, request.wished, cluster)
        limit = self.switches.max_pools
        if len(cluster.pools) >= limit:
            raise errors.too_many_pools(cluster.name, limit, self.switches.pool_limit_code)
        rules.check(spec, cluster.pools.values(), self.switches)
        self.check_free(cluster, None)
        self._check_quota(cluster, spec, {})
        pool = self.builder.pool(cluster, request.name, spec)
        operation = self.operations.begin(cluster, pool, self._order(pool, "Creating", request.call))
        return PutResult(pool=pool, operation=operation, created=True, from_=0, to=pool.count)

    def _order(self, pool: AgentPool, state: str, call: Call) -> Order:
        def start(limit: int | None) -> list[Timer]:
            move(pool, limit)
            return []

        def undo() -> None:
            if state == "Stopping":
                pool.spec = {**pool.spec, **pool.before_stop, "powerState": {"code": "Running"}}
                move(pool)
            else:
                keep_machines(pool)

        return Order(state=state, call=call, start=start, undo=undo)

    def _check_quota(self, cluster: Cluster, spec: Properties, alive: Mapping[str, int]) -> None:
        if not self.switches.quota_refused_at_once:
            return
        for size, wished in wished_nodes(spec).items():
            more = wished - alive.get(size, 0)
            if more <= 0:
                continue
            short = self.lab.quotas.short_vcpus(CLOUD, cluster.subscription, cluster.location, size, more)
            if short:
                raise errors.no_quota(short, more * vcpus(size), size, cluster.location)


def _chosen(pool: AgentPool, names: Sequence[str]) -> dict[str, list[Node]]:
    """Return the named machines by VM size. Raises ArmError."""
    wanted = {name.lower() for name in names}
    chosen = {
        size: [node for node in each.nodes if node.name in wanted and node.state is not NodeState.DRAINING]
        for size, each in pool.sets.items()
    }
    missing = sorted(wanted - {node.name for nodes in chosen.values() for node in nodes})
    if missing:
        raise errors.no_machines(missing, pool.name)
    return chosen


def _without(pool: AgentPool, chosen: Mapping[str, Sequence[Node]]) -> Properties:
    """Return the pool's spec without the machines."""
    wished = {size: max(count - len(chosen.get(size, ())), 0) for size, count in pool.wished.items()}
    return with_nodes(pool.spec, wished)


def _equal(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()
