"""Long-running operations of agent pools and clusters: begun, watched while machines move, ended or cancelled.

The engine and its hands begin them with an `Order`; the faults that match the call decide what goes wrong.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial

from multicloud_lab.aks import errors, rules
from multicloud_lab.aks.build import Builder
from multicloud_lab.aks.sizes import with_nodes
from multicloud_lab.aks.state import AgentPool, Cluster, Operation, Status, size_ranges
from multicloud_lab.aks.switches import Switches
from multicloud_lab.core.calls import Call
from multicloud_lab.core.clock import Timer
from multicloud_lab.core.faultkinds import (
    Action,
    DuplicateApply,
    OperationFail,
    OperationForgotten,
    OperationStuck,
    Partial,
    Preempt,
)
from multicloud_lab.core.lab import Lab
from multicloud_lab.core.nodes import NodeSet, NodeState

SETTLE_LIMIT_S = 600.0
"""How long past its drawn duration an operation waits for its machines before it fails, virtual seconds."""

SETTLE_LOOK_S = 5.0
"""How often a waiting operation looks again, virtual seconds."""

ABORT_S = 9.0
"""How long an abort takes, virtual seconds (about what the recorded one took)."""

Problem = dict[str, object]


def _nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an operation is to do.

    `start` moves machines and returns what else happens in the operation's time; with a number, only so many new
    nodes may come. `done` is called once all have followed, `undo` when the operation is aborted. `duration_s` is in
    virtual seconds (None: drawn from the seed's span); `repeatable`: a cloud that applies a change twice can do so.
    """

    state: str
    call: Call
    start: Callable[[int | None], Iterable[Timer]]
    done: Callable[[], None] = _nothing
    undo: Callable[[], None] = _nothing
    duration_s: float | None = None
    repeatable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fate:
    error: Problem | None = None
    limit: int | None = None
    stuck: bool = False
    forgotten: bool = False
    preempted: bool = False
    twice: bool = False


@dataclass(slots=True)
class Operations:
    """The operations of all clusters, by id."""

    lab: Lab
    builder: Builder
    switches: Callable[[], Switches]
    known: dict[str, Operation] = field(default_factory=dict)
    _orders: dict[str, Order] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget all operations."""
        self.known.clear()
        self._orders.clear()

    def begin(self, cluster: Cluster, pool: AgentPool, order: Order) -> Operation:
        """Start an accepted operation of a pool."""
        return self._run(cluster, pool, order, _fate(self.lab.faults.on_operation(order.call)))

    def begin_on_cluster(self, cluster: Cluster, state: str, seconds: float, call: Call) -> Operation:
        """Start an operation of the cluster itself that takes so many virtual seconds."""
        operation = self.new(cluster)
        fate = _fate(self.lab.faults.on_operation(call))
        operation.forgotten, operation.stuck = fate.forgotten, fate.stuck
        cluster.state, cluster.operation, cluster.etag = state, operation, self.builder.guid()
        cluster.has_operated = True
        if not fate.stuck:
            error = _preempted() if fate.preempted else fate.error
            end = partial(self.end_on_cluster, cluster, "Succeeded" if error is None else "Failed", error)
            operation.timers.append(self.lab.clock.after(seconds, end))
        return operation

    def end_on_cluster(self, cluster: Cluster, status: Status, error: Problem | None = None) -> None:
        """End the cluster's running operation."""
        if cluster.operation is None:
            return
        self.conclude(cluster.operation, status, error)
        cluster.state, cluster.operation, cluster.etag = status, None, self.builder.guid()

    def abort_on_cluster(self, cluster: Cluster) -> Operation | None:
        """Start to cancel the cluster's latest operation; None: there never was one. Raises ArmError when it ended."""
        if not cluster.has_operated:
            return None
        if cluster.operation is None or cluster.state == "Canceling":
            raise errors.nothing_to_abort(f"managed cluster {cluster.name}", cluster.state)
        cluster.operation.stop()
        aborting = self.new(cluster)
        cluster.state, cluster.etag = "Canceling", self.builder.guid()
        running = cluster.operation

        end = partial(self.end_on_cluster, cluster, "Canceled")
        running.timers.append(self.lab.clock.after(ABORT_S, end))
        running.aborting = aborting
        return aborting

    def abort(self, cluster: Cluster, pool: AgentPool) -> Operation | None:
        """Start to cancel the pool's latest operation: Canceling, then Canceled. None: there never was one.

        Raises ArmError when it has ended (or is being cancelled) already.
        """
        if not pool.has_operated:
            return None
        running = pool.operation
        if running is None or pool.state == "Canceling":
            raise errors.nothing_to_abort(f"agent pool {pool.name}", pool.state)
        aborting = self.new(cluster)
        running.stop()
        order = self._orders[running.id]
        pool.state = "Canceling"
        self.touch(cluster, pool)

        def canceled() -> None:
            order.undo()
            self.end(cluster, pool, "Canceled")

        running.timers.append(self.lab.clock.after(ABORT_S, canceled))
        running.aborting = aborting
        return aborting

    def abandon(self, pool: AgentPool) -> None:
        """End what runs on a pool that is taken away."""
        if pool.operation is not None:
            gone: Problem = {"code": "AKSOperationPreemptedByDelete", "message": "The agent pool was deleted."}
            self.conclude(pool.operation, "Canceled", gone)

    def fail(self, cluster: Cluster, pool: AgentPool, code: str, message: str) -> None:
        """End the pool's running operation as Failed with AKS's words."""
        for machines in pool.sets.values():
            machines.give_up()
        if self.switches().failed_count == "machines" and pool.state != "Deleting":
            keep_machines(pool)
        self.end(cluster, pool, "Failed", {"code": code, "message": message})

    def end(self, cluster: Cluster, pool: AgentPool, status: Status, error: Problem | None = None) -> None:
        """End the pool's running operation."""
        if pool.operation is None:
            raise ValueError(f"agent pool {pool.name} has no running operation to end: its state is {pool.state}")
        for machines in pool.sets.values():
            if machines.surge:
                machines.set_surge(0)
        self.conclude(pool.operation, status, error)
        pool.state, pool.operation = status, None
        pool.error = error if status == "Failed" else None
        self.touch(cluster, pool)

    def conclude(self, operation: Operation, status: Status, error: Problem | None = None) -> None:
        """Write down an operation's end."""
        operation.stop()
        operation.status, operation.ended, operation.error = status, self.lab.clock.now(), error
        self._orders.pop(operation.id, None)
        if operation.aborting is not None:
            self.conclude(operation.aborting, "Succeeded")

    def new(self, cluster: Cluster) -> Operation:
        """Return a new operation, in progress; those that ended long ago are forgotten."""
        oldest_s = self.lab.clock.now() - self.switches().operation_retention_s
        while self.known:
            first = next(iter(self.known.values()))
            if first.ended is None or first.ended >= oldest_s:
                break
            del self.known[first.id]
        operation = Operation(
            id=self.builder.guid(),
            subscription=cluster.subscription,
            location=cluster.location,
            started=self.lab.clock.now(),
        )
        self.known[operation.id] = operation
        return operation

    def touch(self, cluster: Cluster, pool: AgentPool) -> None:
        """Give pool and cluster new etags."""
        pool.etag, cluster.etag = self.builder.guid(), self.builder.guid()

    def _run(self, cluster: Cluster, pool: AgentPool, order: Order, fate: _Fate) -> Operation:
        clock = self.lab.clock
        operation = self.new(cluster)
        operation.forgotten, operation.stuck = fate.forgotten, fate.stuck
        self._orders[operation.id] = order
        pool.state, pool.operation, pool.error, pool.has_operated = order.state, operation, None, True
        self.touch(cluster, pool)
        duration_s = order.duration_s
        if duration_s is None:
            duration_s = self.lab.seed.timings.aks_operation.draw(self.lab.rng)
        if fate.error is None:
            operation.timers.extend(order.start(fate.limit))
        if fate.stuck:
            return operation
        if fate.preempted:
            step = partial(self._preempt, cluster, pool, order)
            duration_s /= 2
        elif fate.error is not None:
            step = partial(self._fail_as_told, cluster, pool, fate.error)
        else:
            step = partial(self._look, cluster, pool, fate, clock.now() + duration_s + SETTLE_LIMIT_S)
        operation.timers.append(clock.after(duration_s, step))
        return operation

    def _fail_as_told(self, cluster: Cluster, pool: AgentPool, error: Problem) -> None:
        self.fail(cluster, pool, str(error["code"]), str(error["message"]))

    def _preempt(self, cluster: Cluster, pool: AgentPool, order: Order) -> None:
        assert pool.operation is not None
        self.conclude(pool.operation, "Failed", _preempted())
        self._run(cluster, pool, order if order.state == "Deleting" else replace(order, state="Updating"), _Fate())

    def _look(self, cluster: Cluster, pool: AgentPool, fate: _Fate, limit_s: float) -> None:
        assert pool.operation is not None
        order = self._orders[pool.operation.id]
        short = next((each for each in pool.sets.values() if each.not_launched), None)
        if short is not None:
            self.fail(cluster, pool, *self._shortage(cluster, pool, short))
        elif pool.settled and fate.limit is not None and len(pool.machines) < pool.count:
            message = f"Only {len(pool.machines)} of {pool.count} nodes could be allocated."
            self.fail(cluster, pool, self._stockout_code(pool), message)
        elif pool.settled:
            self._succeed(cluster, pool, order, fate)
        elif self.lab.clock.now() >= limit_s:
            ready = sum(each.ready for each in pool.sets.values())
            self.fail(cluster, pool, "InternalOperationError", f"{ready} of {pool.count} nodes became ready.")
        else:
            again = partial(self._look, cluster, pool, fate, limit_s)
            pool.operation.timers.append(self.lab.clock.after(SETTLE_LOOK_S, again))

    def _succeed(self, cluster: Cluster, pool: AgentPool, order: Order, fate: _Fate) -> None:
        pool.version = str(pool.spec["orchestratorVersion"])
        order.done()
        self.end(cluster, pool, "Succeeded")
        if fate.twice and order.repeatable:
            self._run(cluster, pool, replace(order, state="Updating"), _Fate())

    def _shortage(self, cluster: Cluster, pool: AgentPool, short: NodeSet) -> tuple[str, str]:
        size = next(size for size, each in pool.sets.items() if each is short)
        if short.refusal == "quota":
            refused = errors.no_quota(0, 0, size, cluster.location)
            return refused.code, f"Insufficient vcpu quota for family {size} for region {cluster.location}."
        where = f"zone {short.refused_zone}" if pool.spec.get("availabilityZones") else f"region {cluster.location}"
        return (
            self._stockout_code(pool),
            f"Allocation failed. We do not have sufficient capacity for the requested VM size {size} in this {where}.",
        )

    def _stockout_code(self, pool: AgentPool) -> str:
        usual = "ZonalAllocationFailed" if pool.spec.get("availabilityZones") else "AllocationFailed"
        return self.switches().stockout_code or usual


def move(pool: AgentPool, limit: int | None = None) -> None:
    """Ask for the pool's wished machines; with a limit, for so many new ones at most."""
    wished = pool.wished
    for size, machines in pool.sets.items():
        asked = wished.get(size, 0)
        if limit is not None and asked > machines.alive:
            new = min(asked - machines.alive, limit)
            limit -= new
            asked = machines.alive + new
        machines.set_target(asked)


def keep_machines(pool: AgentPool) -> None:
    """Wish for what exists (within the pool's bounds), as after an abort."""
    stays = {NodeState.BOOTING, NodeState.READY}
    ranges, nodes = size_ranges(pool.spec), dict.fromkeys(pool.wished, 0)
    for size in nodes:
        low, high = ranges.get(size, (0, rules.POOL_MAX))
        there = sum(node.state in stays for node in pool.sets[size].nodes)
        nodes[size] = min(max(there, low), high)
    nodes[next(iter(nodes))] += max(rules.least_nodes(pool.spec) - sum(nodes.values()), 0)
    pool.spec = with_nodes(pool.spec, nodes)
    move(pool)


def _preempted() -> Problem:
    return {
        "code": "AKSOperationPreempted",
        "message": "The operation was preempted by another operation of Azure Kubernetes Service.",
    }


def _fate(actions: tuple[Action, ...]) -> _Fate:
    fate = _Fate()
    for action in actions:
        match action:
            case OperationFail():
                error: Problem = {"code": action.code or "InternalOperationError", "message": action.message}
                fate = replace(fate, error=error)
            case Preempt():
                fate = replace(fate, preempted=True)
            case OperationForgotten():
                fate = replace(fate, forgotten=True)
            case OperationStuck():
                fate = replace(fate, stuck=True)
            case Partial():
                fate = replace(fate, limit=action.nodes)
            case DuplicateApply():
                fate = replace(fate, twice=True)
    return fate
