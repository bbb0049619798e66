"""Operations: how an accepted mutation lives in virtual time, holding its cluster's lock.

PENDING → RUNNING → DONE, or ABORTING → DONE when it is cancelled. The engine says what an operation does
in the end (`Order`); faults placed on it make it fail, hang, be forgotten or end with fewer nodes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from random import Random

from multicloud_lab.core.calls import Call
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
from multicloud_lab.gke.errors import Code, GoogleError, not_found
from multicloud_lab.gke.names import ANY_LOCATION, Name
from multicloud_lab.gke.state import Cluster, Operation, OperationStatus, OperationType, Pool, Problem, Status
from multicloud_lab.gke.switches import Switches

PENDING_SHARE = 0.05
"""The share of an operation's time in which it is PENDING."""
ABORT_S = 10.0
"""How long an operation is ABORTING (virtual seconds)."""

_DOING: Mapping[OperationType, str] = {
    OperationType.CREATE_CLUSTER: "creating a cluster",
    OperationType.DELETE_CLUSTER: "deleting a cluster",
    OperationType.CREATE_NODE_POOL: "creating a node pool",
    OperationType.DELETE_NODE_POOL: "deleting a node pool",
    OperationType.SET_NODE_POOL_SIZE: "resizing a node pool",
    OperationType.UPDATE_CLUSTER: "updating a node pool",
    OperationType.UPGRADE_NODES: "upgrading a node pool",
}
"""What an operation does, as the older sentence of a conflict says it (terraform-provider-google#10366)."""

Step = Callable[[], None]


def _nothing(_operation: Operation) -> None:
    """Do nothing."""


def _no_problem() -> Problem | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an operation does: `start` when it is RUNNING, `finish` when it is DONE, saying what went wrong.

    `undo` takes back what acceptance and `start` did; without it a RUNNING operation cannot be cancelled.
    `fail` is what a failure does instead of `undo`. `limit` does `start`'s work with that many new nodes only.
    `repeats`: doing `start` again does no harm, so a cloud's own retry may (a name or a lock stops it elsewhere).
    `duration_s` absent: drawn from the seed's timings.
    """

    cluster: Cluster
    type: OperationType
    pool: Pool | None = None
    doing: Status = Status.RECONCILING
    start: Callable[[Operation], None] = _nothing
    finish: Callable[[], Problem | None] = _no_problem
    undo: Step | None = None
    fail: Step | None = None
    limit: Callable[[int], None] | None = None
    repeats: bool = False
    duration_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fate:
    """What faults make of an operation."""

    problem: Problem | None = None
    limit: int | None = None
    stuck: bool = False
    forgotten: bool = False
    twice: bool = False


class Operations:
    """The operations of every project, and the clusters' locks."""

    def __init__(self, lab: Lab, switches: Callable[[], Switches]) -> None:
        """Start with none. `switches` tells those in force: a reset may bring others."""
        self._lab = lab
        self._switches = switches
        self._known: dict[str, Operation] = {}
        self._orders: dict[str, Order] = {}

    def clear(self) -> None:
        """Forget all."""
        self._known.clear()
        self._orders.clear()

    # Reading

    def listed(self, parent: Name) -> list[Operation]:
        """Return the operations of a location, or of every location for `-`, oldest first."""
        self._forget_old()
        return [
            operation
            for operation in self._known.values()
            if operation.name.project == parent.project
            and parent.location in {ANY_LOCATION, operation.name.location}
            and not operation.forgotten
        ]

    def get(self, name: Name) -> Operation:
        """Return an operation. Raises GoogleError NOT_FOUND."""
        self._forget_old()
        operation = self._known.get(name.operation or "")
        if operation is None or operation.name != name or operation.forgotten:
            raise not_found(name.path)
        return operation

    # Changing

    def begin(self, order: Order, call: Call) -> Operation:
        """Take the cluster's lock and start an operation, with the faults that are placed on it."""
        now_s = self._lab.clock.now()
        operation_id = f"operation-{int(now_s * 1000)}-{make_uuid(self._lab.rng)}"
        cluster, pool = order.cluster, order.pool
        operation = Operation(
            name=Name(project=cluster.name.project, location=cluster.name.location, operation=operation_id),
            type=order.type,
            target=cluster.name if pool is None else pool.name,
            started=now_s,
        )
        self._known[operation_id] = operation
        self._orders[operation_id] = order
        cluster.running = operation
        if pool is not None:
            pool.doing = order.doing
            pool.revision += 1
        self._schedule(operation, order, call)
        return operation

    def cancel(self, name: Name) -> Operation:
        """Cancel an operation while it is PENDING or early RUNNING (CancelOperation).

        Raises GoogleError NOT_FOUND, FAILED_PRECONDITION.
        """
        operation = self.get(name)
        order = self._orders.get(operation.id)
        if order is None or not self._can_be_cancelled(operation, order):
            message = f"Operation {operation.id} is {operation.status} and cannot be cancelled."
            raise GoogleError(Code.FAILED_PRECONDITION, message)
        for timer in operation.timers:
            timer.cancel()
        operation.status = OperationStatus.ABORTING
        cancelled = Problem(code=Code.CANCELLED, message="Operation was cancelled.")
        operation.ends = self._lab.clock.now() + ABORT_S
        operation.timers = [self._lab.clock.after(ABORT_S, lambda: self._undo(operation, cancelled))]
        return operation

    def abandon(self, cluster: Cluster, pool: Pool | None = None) -> None:
        """End what runs on the pool (None: on the cluster), because that is taken away at this moment."""
        operation = cluster.running
        if operation is None or (pool is not None and operation.target != pool.name):
            return
        for timer in operation.timers:
            timer.cancel()
        gone = Problem(code=Code.ABORTED, message="Operation was preempted by the deletion of its target.")
        self._done(operation, self._orders[operation.id], gone)

    # Inside

    def _schedule(self, operation: Operation, order: Order, call: Call) -> None:
        duration_s = order.duration_s
        if duration_s is None:
            duration_s = self._lab.seed.timings.gke_operation.draw(self._lab.rng)
        fate = _fate(self._lab.faults.on_operation(call))
        operation.forgotten = fate.forgotten
        clock = self._lab.clock
        # What fails without a way back must not have begun: a deletion that fails deletes nothing.
        begins = fate.problem is None or order.undo is not None
        start = partial(self._start, operation, order, fate) if begins else partial(self._run, operation)
        operation.timers.append(clock.after(duration_s * PENDING_SHARE, start))
        if fate.stuck:
            return
        operation.ends = clock.now() + duration_s
        end = partial(self._finish, operation, order, fate)
        if fate.problem is not None:
            end = partial(self._undo, operation, fate.problem)
        operation.timers.append(clock.after(duration_s, end))

    def _run(self, operation: Operation) -> None:
        operation.status, operation.running_since = OperationStatus.RUNNING, self._lab.clock.now()

    def _start(self, operation: Operation, order: Order, fate: _Fate) -> None:
        self._run(operation)
        if fate.limit is not None and order.limit is not None:
            order.limit(fate.limit)
        else:
            order.start(operation)

    def _finish(self, operation: Operation, order: Order, fate: _Fate) -> None:
        if fate.twice and order.repeats:
            order.start(operation)
        problem = order.finish()
        if problem is None and fate.limit is not None and order.limit is not None:
            message = f"Google Compute Engine: Not all instances running in IGM: only {fate.limit} could be created."
            problem = Problem(code=Code.RESOURCE_EXHAUSTED, message=message, condition="GCE_STOCKOUT")
        if order.pool is not None:
            order.pool.problem = problem if fate.limit is not None else None
            if fate.limit is not None:
                _give_up(order.pool)
        self._done(operation, order, problem)

    def _undo(self, operation: Operation, problem: Problem) -> None:
        order = self._orders[operation.id]
        failed = problem.code is not Code.CANCELLED
        step = order.fail if failed and order.fail is not None else order.undo
        if step is not None:
            step()
        if order.pool is not None and failed:
            order.pool.problem = problem
            _give_up(order.pool)
        self._done(operation, order, problem)

    def _done(self, operation: Operation, order: Order, problem: Problem | None) -> None:
        operation.status, operation.ended = OperationStatus.DONE, self._lab.clock.now()
        operation.problem, operation.timers = problem, []
        del self._orders[operation.id]
        order.cluster.running = None
        if order.pool is not None:
            order.pool.doing = None
            order.pool.revision += 1

    def _can_be_cancelled(self, operation: Operation, order: Order) -> bool:
        if self._switches().cancels_only_upgrades and operation.type is not OperationType.UPGRADE_NODES:
            return False
        if operation.status is OperationStatus.PENDING:
            return True
        if operation.status is not OperationStatus.RUNNING or order.undo is None:
            return False
        if operation.ends is None or operation.running_since is None:
            return True
        share = (self._lab.clock.now() - operation.running_since) / max(operation.ends - operation.running_since, 1e-9)
        return share <= self._switches().cancel_share

    def _forget_old(self) -> None:
        oldest_s = self._lab.clock.now() - self._switches().operation_retention_s
        self._known = {
            key: operation
            for key, operation in self._known.items()
            if operation.ended is None or operation.ended >= oldest_s
        }


def refuse_while_busy(cluster: Cluster, switches: Switches) -> None:
    """Refuse a second mutating operation on a cluster. Raises GoogleError FAILED_PRECONDITION."""
    if cluster.running is None:
        return
    if not switches.lock_names_reason:
        raise GoogleError(
            Code.FAILED_PRECONDITION,
            f"Operation {cluster.running.id} is currently {_DOING[cluster.running.type]} for cluster "
            f"{cluster.short_name}. Please wait and try again once it is done.",
        )
    raise GoogleError(
        Code.FAILED_PRECONDITION,
        f"Cluster is running incompatible operation {cluster.running.id}.",
        reason="CLUSTER_ALREADY_HAS_OPERATION",
        domain="container.googleapis.com",
    )


def make_uuid(rng: Random) -> str:
    """Return a random id in the form of a UUID."""
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _give_up(pool: Pool) -> None:
    """Ask for no more nodes than the groups were told to have."""
    for group in pool.groups:
        group.wished = group.nodes.target


def _fate(actions: tuple[Action, ...]) -> _Fate:
    fate = _Fate()
    for action in actions:
        match action:
            case OperationFail():
                fate = replace(fate, problem=Problem(code=_code(action.code), message=action.message))
            case Preempt():
                message = "Operation was preempted by another operation on the cluster."
                fate = replace(fate, problem=Problem(code=Code.ABORTED, message=message))
            case OperationForgotten():
                fate = replace(fate, forgotten=True)
            case OperationStuck():
                fate = replace(fate, stuck=True)
            case Partial():
                fate = replace(fate, limit=action.nodes)
            case DuplicateApply():
                fate = replace(fate, twice=True)
    return fate


def _code(name: str | None) -> Code:
    return Code.__members__.get(name or "", Code.INTERNAL)
