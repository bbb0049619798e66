"""Updates of node groups from their acceptance to their end, with what faults make of them."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from multicloud_lab.core.calls import Call
from multicloud_lab.core.faultkinds import (
    DuplicateApply,
    OperationFail,
    OperationForgotten,
    OperationStuck,
    Partial,
    Preempt,
)
from multicloud_lab.eks.health import look
from multicloud_lab.eks.model import AwsError, load_api
from multicloud_lab.eks.state import Issue, Nodegroup, Scaling, Update, UpdateStatus, UpdateType
from multicloud_lab.eks.store import Store

NODES_ASKED_S = 15.0
"""How often EKS looks whether the nodes are there, virtual seconds."""
NODES_LATE_S = 900.0
"""After which time EKS takes nodes that did not come for a failure, virtual seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What an update does, and when (virtual seconds).

    `apply` after `lag_s` (with a limit of new nodes), `undo` when it fails before that, `done` at its successful
    end after `duration_s`.
    """

    apply: Callable[[int | None], None]
    undo: Callable[[], None]
    done: Callable[[], None]
    lag_s: float
    duration_s: float


def new_update(store: Store, kind: UpdateType, params: tuple[tuple[str, str], ...]) -> Update:
    """Return an update that was just accepted."""
    identity = uuid.UUID(int=store.lab.rng.getrandbits(128), version=4)
    return Update(id=str(identity), created=store.lab.clock.now(), params=params, type=kind)


def refuse_unless_free(store: Store, group: Nodegroup, names: dict[str, str]) -> None:
    """Raise ResourceInUseException unless the node group takes an update now."""
    if group.status == "ACTIVE" or (group.status == "DEGRADED" and store.switches.degraded_accepts_update):
        return
    message = "Nodegroup cannot be updated as it is currently not in Active State"
    running = next((u.id for u in group.updates.values() if u.status == "InProgress"), None)
    if running is not None:
        message += f": it has update {running} in progress"
    raise AwsError("ResourceInUseException", message, 409, **names)


def begin(store: Store, group: Nodegroup, update: Update, work: Work, call: Call) -> None:
    """Start an accepted update: UPDATING until it ends, unless a fault says otherwise."""
    now_s = store.lab.clock.now()
    faults = store.lab.faults.on_operation(call)
    duration_s = max(work.duration_s, work.lag_s)
    group.updates[update.id] = update
    group.status, group.modified = "UPDATING", now_s
    update.ends = now_s + duration_s
    update.forgotten = any(isinstance(fault, OperationForgotten) for fault in faults)
    ending = next((f for f in faults if isinstance(f, OperationFail | Preempt)), None)
    if ending is not None:
        store.after(group, duration_s, lambda: _break(store, group, update, work, ending))
        return
    partial = next((fault for fault in faults if isinstance(fault, Partial)), None)
    limit = None if partial is None else partial.nodes
    if work.lag_s > 0:
        store.after(group, work.lag_s, lambda: work.apply(limit))
    else:
        work.apply(limit)
    if any(isinstance(fault, DuplicateApply) for fault in faults):
        store.after(group, duration_s, lambda: work.apply(limit))
    if any(isinstance(fault, OperationStuck) for fault in faults):
        update.ends = None
        return
    if partial is not None:
        error = Issue(code="NodeCreationFailure", message="Instances failed to join the kubernetes cluster")
        store.after(group, duration_s, lambda: end(store, group, update, "Failed", error))
        return
    store.after(group, duration_s, lambda: _finish(store, group, update, work, now_s + duration_s + NODES_LATE_S))


def end(store: Store, group: Nodegroup, update: Update, status: UpdateStatus, error: Issue | None = None) -> None:
    """End an update; the node group is then ACTIVE or DEGRADED, and scalingConfig follows its instances."""
    update.status, update.ends = status, None
    update.errors = () if error is None else (error,)
    group.status, group.modified = "ACTIVE", store.lab.clock.now()
    look(store, group)
    store.after(group, store.switches.scaling_lag_s, lambda: follow(group))


def follow(group: Nodegroup) -> None:
    """Let scalingConfig show what the Auto Scaling group says, unless something that runs is deciding it."""
    if group.status in {"ACTIVE", "DEGRADED"}:
        asg = group.group
        group.scaling = Scaling(min=asg.min, max=asg.max, desired=asg.nodes.target)


def _finish(store: Store, group: Nodegroup, update: Update, work: Work, late_s: float) -> None:
    if store.switches.update_waits_for_nodes and not group.group.nodes.settled:
        if store.lab.clock.now() < late_s:
            update.ends = store.lab.clock.now() + NODES_ASKED_S
            store.after(group, NODES_ASKED_S, lambda: _finish(store, group, update, work, late_s))
            return
        error = Issue(code="NodeCreationFailure", message="Instances failed to join the kubernetes cluster")
        end(store, group, update, "Failed", error)
        return
    work.done()
    end(store, group, update, "Successful")


def _break(store: Store, group: Nodegroup, update: Update, work: Work, fault: OperationFail | Preempt) -> None:
    work.undo()
    if isinstance(fault, Preempt):
        end(store, group, update, "Cancelled")
        return
    known = load_api("eks").shapes["ErrorCode"]["enum"]
    code = str(fault.code) if fault.code in known else "Unknown"
    end(store, group, update, "Failed", Issue(code=code, message=fault.message))
