"""AKS's rules on state: clusters, agent pools and their long-running operations. No HTTP in here.

State comes from the lab's seed; the wire and the admin port's hands call in; accepted PUTs move the
pool's nodes at once and finish in virtual time, once the machines have followed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

from multicloud_lab.aks import errors, rules
from multicloud_lab.aks.entra import Entra
from multicloud_lab.aks.limits import Limits
from multicloud_lab.aks.state import TERMINAL, AgentPool, Cluster, Operation, Properties, Status, Switches
from multicloud_lab.core.gate import Call
from multicloud_lab.core.journal import HAND
from multicloud_lab.core.lab import Lab, PoolView
from multicloud_lab.core.nodes import NodeSet, NodeState
from multicloud_lab.core.seed import AksCluster, AksPool

PUT_POOL = "AgentPools_CreateOrUpdate"
"""The operation's name in the vendor's description, in the journal and for the gate."""

SETTLE_LIMIT_S = 600.0
"""How long past its drawn duration an operation waits for its machines before it fails, virtual seconds."""

SETTLE_LOOK_S = 5.0
"""How often a waiting operation looks again, virtual seconds."""

ABORT_S = 9.0
"""How long an abort takes, virtual seconds (about what the recorded one took)."""

NODE_IMAGE = "AKSUbuntu-2404gen2containerd-202612.01.0"
"""The image version that every pool runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PutRequest:
    """A PUT on an agent pool; `wished` as from `rules.read_properties`."""

    cluster: Cluster
    name: str
    wished: Properties
    if_match: str | None = None
    if_none_match: str | None = None


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
        """Build the seed's state."""
        self._lab = lab
        self.entra = Entra(lab.seed.azure.principals)
        self.limits = Limits(lab.clock)
        self.switches = Switches()
        self.clusters: list[Cluster] = []
        self.operations: dict[str, Operation] = {}
        self.reset()

    def reset(self) -> None:
        """Forget all operations and build the seed's clusters anew; switches go back to their defaults."""
        self.switches = Switches()
        self.operations.clear()
        self.limits.clear()
        self.clusters = [self._seeded(seed) for seed in self._lab.seed.azure.clusters]

    # Reading

    def in_subscription(self, subscription: str) -> list[Cluster]:
        """Return a subscription's clusters. Raises ArmError when there is no such subscription."""
        found = [cluster for cluster in self.clusters if _equal(cluster.subscription, subscription)]
        if not found and not _equal(subscription, self._lab.seed.azure.subscription_id):
            raise errors.subscription_not_found(subscription)
        return found

    def in_group(self, subscription: str, group: str) -> list[Cluster]:
        """Return a resource group's clusters. Raises ArmError."""
        found = [cluster for cluster in self.in_subscription(subscription) if _equal(cluster.group, group)]
        if not found:
            raise errors.group_not_found(group)
        return found

    def cluster(self, subscription: str, group: str, name: str) -> Cluster:
        """Return one cluster. Raises ArmError."""
        for cluster in self.in_group(subscription, group):
            if _equal(cluster.name, name):
                return cluster
        raise errors.cluster_not_found(group, name)

    def pool(self, cluster: Cluster, name: str) -> AgentPool:
        """Return one agent pool. Raises ArmError."""
        pool = cluster.pools.get(name.lower())
        if pool is None:
            raise errors.not_found("agent pool", name, f"cluster '{cluster.name}'")
        return pool

    def operation(self, subscription: str, location: str, operation_id: str) -> Operation:
        """Return a long-running operation. Raises ArmError."""
        self.in_subscription(subscription)
        operation = self.operations.get(operation_id.lower())
        if operation is None or not (
            _equal(operation.subscription, subscription) and _equal(operation.location, location)
        ):
            raise errors.not_found("operation", operation_id, f"location '{location}'")
        return operation

    def pools(self) -> Iterable[PoolView]:
        """Yield every agent pool as the admin port shows it."""
        for cluster in self.clusters:
            for pool in cluster.pools.values():
                yield PoolView(
                    cloud="azure",
                    cluster=cluster.name,
                    node_pool=pool.name,
                    requested=pool.count,
                    nodes=pool.nodes.existing,
                    ready=pool.nodes.ready,
                    status=pool.state,
                )

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
        if pool.state not in TERMINAL:
            raise errors.pool_busy(pool.name, pool.state)
        if cluster.state not in TERMINAL:
            raise errors.cluster_busy(cluster.name, cluster.state)
        before = pool.count
        change = rules.change_of(pool.spec, spec)
        if change is None and pool.state == "Succeeded":
            return PutResult(pool=pool, operation=None, created=False, from_=before, to=before)
        if change == "Stopping":
            pool.before_stop = {name: pool.spec[name] for name in rules.SCALING if name in pool.spec}
        pool.spec = spec
        # The same PUT again after Failed or Canceled is how a pool is mended: it runs, though nothing is new.
        operation = self._begin(cluster, pool, change or "Updating")
        return PutResult(pool=pool, operation=operation, created=False, from_=before, to=pool.count)

    def resize_by_hand(self, cluster: str, node_pool: str, to: int) -> None:
        """Scale as a person in the portal: same rules, journalled. Raises ArmError."""
        call = Call(
            cloud="azure",
            operation=PUT_POOL,
            principal=HAND,
            cluster=cluster,
            pool=node_pool,
            arguments={"properties": {"count": to}},
        )
        try:
            found = self._by_name(cluster)
            pool = self.pool(found, node_pool)
            # The portal sends the whole pool back with another count, as every careful client does.
            result = self.put(PutRequest(cluster=found, name=pool.name, wished={**pool.spec, "count": to}))
        except errors.ArmError as refused:
            self._lab.record(call, result=refused.code)
            raise
        effective = result.operation is not None
        self._lab.record(call, effective=effective, from_=result.from_, to=result.to)

    def fail(self, pool: AgentPool, code: str, message: str) -> None:
        """End the pool's running operation as Failed with AKS's words; the wished count stays."""
        error: dict[str, object] = {"code": code, "message": message}
        self._end(pool, "Failed", error)

    def abort(self, cluster: Cluster, pool: AgentPool) -> Operation:
        """Start to cancel the pool's running operation: Canceling, then Canceled. Raises ArmError when none runs."""
        running = pool.operation
        if running is None or pool.state == "Canceling":
            raise errors.nothing_to_abort(pool.name, pool.state)
        aborting = self._new_operation(cluster)
        if running.timer is not None:
            running.timer.cancel()
        was_stopping = pool.state == "Stopping"
        pool.state = "Canceling"
        self._touch(cluster, pool)
        aborting.timer = self._lab.clock.after(ABORT_S, partial(self._canceled, pool, aborting, was_stopping))
        return aborting

    def _canceled(self, pool: AgentPool, aborting: Operation, was_stopping: bool) -> None:  # noqa: FBT001  (handed over by partial)
        if was_stopping:
            pool.spec = {**pool.spec, **pool.before_stop, "powerState": {"code": "Running"}}
        else:
            stays = {NodeState.BOOTING, NodeState.READY}
            pool.spec = {**pool.spec, "count": sum(node.state in stays for node in pool.nodes.nodes)}
        pool.nodes.set_target(pool.count)
        self._end(pool, "Canceled", None)
        aborting.status, aborting.ended = "Succeeded", self._lab.clock.now()

    # Inside

    def _by_name(self, name: str) -> Cluster:
        for cluster in self.clusters:
            if _equal(cluster.name, name):
                return cluster
        known = ", ".join(cluster.name for cluster in self.clusters) or "none"
        raise errors.not_found("managed cluster", name, f"the lab's seed (known: {known})")

    def _create(self, request: PutRequest) -> PutResult:
        cluster = request.cluster
        spec = rules.created(request.name, request.wished, cluster)
        rules.check(spec, cluster.pools.values(), self.switches)
        if cluster.state not in TERMINAL:
            raise errors.cluster_busy(cluster.name, cluster.state)
        pool = self._new_pool(cluster, request.name, spec)
        cluster.pools[pool.name] = pool
        operation = self._begin(cluster, pool, "Creating")
        return PutResult(pool=pool, operation=operation, created=True, from_=0, to=pool.count)

    def _begin(self, cluster: Cluster, pool: AgentPool, state: str) -> Operation:
        clock, rng = self._lab.clock, self._lab.rng
        operation = self._new_operation(cluster)
        pool.state, pool.operation, pool.error = state, operation, None
        self._touch(cluster, pool)
        pool.nodes.set_target(pool.count)
        duration_s = self._lab.seed.timings.aks_operation.draw(rng)
        limit_s = clock.now() + duration_s + SETTLE_LIMIT_S
        operation.timer = clock.after(duration_s, partial(self._look, cluster, pool, limit_s))
        return operation

    def _new_operation(self, cluster: Cluster) -> Operation:
        operation = Operation(
            id=self._guid(),
            subscription=cluster.subscription,
            location=cluster.location,
            started=self._lab.clock.now(),
        )
        self.operations[operation.id] = operation
        return operation

    def _look(self, cluster: Cluster, pool: AgentPool, limit_s: float) -> None:
        assert pool.operation is not None
        if pool.nodes.settled:
            pool.version = str(pool.spec["orchestratorVersion"])
            self._end(pool, "Succeeded", None)
        elif self._lab.clock.now() >= limit_s:
            self.fail(pool, "InternalOperationError", f"{pool.nodes.ready} of {pool.count} nodes became ready.")
        else:
            again = partial(self._look, cluster, pool, limit_s)
            pool.operation.timer = self._lab.clock.after(SETTLE_LOOK_S, again)

    def _end(self, pool: AgentPool, status: Status, error: dict[str, object] | None) -> None:
        operation = pool.operation
        if operation is None:
            raise ValueError(f"agent pool {pool.name} has no running operation to end: its state is {pool.state}")
        if operation.timer is not None:
            operation.timer.cancel()
        operation.status, operation.ended, operation.error = status, self._lab.clock.now(), error
        pool.state, pool.operation, pool.error = status, None, error
        cluster = next(each for each in self.clusters if each.pools.get(pool.name) is pool)
        self._touch(cluster, pool)

    def _touch(self, cluster: Cluster, pool: AgentPool) -> None:
        pool.etag, cluster.etag = self._guid(), self._guid()

    def _guid(self) -> str:
        return str(UUID(int=self._lab.rng.getrandbits(128), version=4))

    def _seeded(self, seed: AksCluster) -> Cluster:
        cluster = Cluster(
            subscription=seed.subscription_id or self._lab.seed.azure.subscription_id,
            group=seed.resource_group,
            name=seed.name,
            location=seed.location,
            version=seed.version,
            etag=self._guid(),
            uid=UUID(self._guid()).hex[:24],
        )
        for pool_seed in seed.pools:
            pool = self._new_pool(cluster, pool_seed.name, _spec(pool_seed, seed.version))
            pool.nodes.fill(pool.count)
            cluster.pools[pool.name] = pool
        return cluster

    def _new_pool(self, cluster: Cluster, name: str, spec: Properties) -> AgentPool:
        timings = self._lab.seed.timings
        scale_set = f"aks-{name}-{int(cluster.uid[:8], 16) % 10**8:08d}-vmss"
        nodes = NodeSet(
            self._lab.clock,
            scale_set,
            spec.get("availabilityZones") or ("0",),
            timings.boot.draw,
            timings.drain_s,
            self._lab.rng,
            suffix=machine_suffix,
        )
        version = str(spec["orchestratorVersion"])
        return AgentPool(name=name, spec=spec, nodes=nodes, etag=self._guid(), version=version, image=NODE_IMAGE)


def machine_suffix(rng: Random, serial: int) -> str:  # noqa: ARG001  (scale sets number their machines, nothing is drawn)
    """Return a scale set machine's number as its six digits to the base 36."""
    digits = ""
    for _ in range(6):
        serial, digit = divmod(serial, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits


def _spec(seed: AksPool, version: str) -> Properties:
    wished: Mapping[str, Any] = {
        "count": seed.count,
        "mode": seed.mode,
        "vmSize": seed.vm_size,
        "availabilityZones": list(seed.zones),
        "enableAutoScaling": seed.enable_auto_scaling,
        "minCount": seed.min_count,
        "maxCount": seed.max_count,
        "nodeLabels": dict(seed.node_labels),
        "orchestratorVersion": version,
        "powerState": {"code": "Running"},
        "upgradeSettings": {"maxSurge": "10%"},
        **(
            {"scaleSetPriority": "Spot", "scaleSetEvictionPolicy": "Delete", "spotMaxPrice": -1}
            if seed.scale_set_priority == "Spot"
            else {}
        ),
    }
    return {**rules.DEFAULTS, **{name: value for name, value in wished.items() if value not in (None, [], {})}}


def _equal(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()
