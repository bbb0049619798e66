"""An agent pool as ARM tells it, turned into a NodePool. Pure: `pools` reads, this judges, `observe` keeps.

provisioningState is a free string at ARM; what is not in the table counts as an operation of somebody's, and is said.
"""

from collections.abc import Mapping

from azure.mgmt.containerservice.models import AgentPool

from multicloud.clouds.aks.errors import tidy
from multicloud.model.error import Unavailable
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import ClusterRef, NodePoolRef
from multicloud.model.size import Activity, NodePool, ReadySource

ACTIVITY: Mapping[str, Activity] = {
    "succeeded": Activity.IDLE,
    "failed": Activity.SICK,
    "canceled": Activity.SICK,
    "deleting": Activity.LEAVING,
    "creating": Activity.BUSY,
    "updating": Activity.BUSY,
    "scaling": Activity.BUSY,
    "upgrading": Activity.BUSY,
    "upgradingnodeimageversion": Activity.BUSY,
    "starting": Activity.BUSY,
    "stopping": Activity.BUSY,
    "canceling": Activity.BUSY,
}
"""By provisioningState in small letters: seen in the vendor's examples, recordings, documents and error reports."""

NOT_SENT_BACK = frozenset({"nodeImageVersion", "powerState", "status", "virtualMachineNodesStatus"})
"""Writable in the model but not ours to repeat: the first asks for a rollback of the image, the others report."""


def state_of(pool: AgentPool) -> str:
    """The provisioningState as told, empty when absent."""
    return pool.provisioning_state or ""


def is_settled(pool: AgentPool) -> bool:
    """True when the last operation ended well: then the count is what exists."""
    return ACTIVITY.get(state_of(pool).lower()) is Activity.IDLE


def claim_of(cluster: ClusterRef, pool: str) -> str:
    """The ARM id of an agent pool in small letters: ARM does not tell capitals apart."""
    return (
        f"/subscriptions/{cluster.owner}/resourcegroups/{cluster.group}/providers/microsoft.containerservice"
        f"/managedclusters/{cluster.name}/agentpools/{pool}"
    ).lower()


def count_of(cluster: ClusterRef, pool: AgentPool) -> int:
    """Nodes that AKS tries to reach. Raises Unavailable where the answer does not say: unknown is never zero."""
    count: int | None = pool.count
    if count is not None:
        return count
    sizes = pool.virtual_machine_nodes_status
    if not sizes or any(size.count is None for size in sizes):
        text = f"AKS told no count for agent pool {pool.name} of {cluster}"
        raise Unavailable(Reason(code=Code.UNEXPECTED, text=text))
    return sum(size.count or 0 for size in sizes)


def node_pool(cluster: ClusterRef, pool: AgentPool, *, machines: int | None, settled: int | None) -> NodePool:
    """Turn an agent pool into facts.

    `machines` is how many the machine list holds, None where it was not read; `settled` the count when an operation
    last ended well, None if never seen. AKS does not tell which nodes are ready: ready is assumed, and while an
    operation runs never above what was settled before it, since new machines may still boot. Raises Unavailable.
    """
    count, name = count_of(cluster, pool), pool.name or ""
    activity = ACTIVITY.get(state_of(pool).lower(), Activity.BUSY)
    stopped = pool.power_state is not None and pool.power_state.code == "Stopped"
    if activity is Activity.IDLE:
        nodes = ready = count
    elif machines is None:
        nodes, ready = max(count, settled or 0), min(count, settled or 0)
    elif activity is Activity.BUSY:
        nodes, ready = machines, min(machines, count, _proved(count, machines, settled))
    else:
        nodes, ready = machines, min(machines, count)
    claim = claim_of(cluster, name)
    return NodePool(
        ref=NodePoolRef(cluster=cluster, name=name),
        claim=claim,
        incarnation=_incarnation(claim, pool),
        requested=count,
        nodes=nodes,
        ready=0 if stopped else ready,
        ready_source=ReadySource.ASSUMED,
        autoscaling=bool(pool.enable_auto_scaling),
        activity=Activity.BUSY if stopped and activity is Activity.IDLE else activity,
        words=_words(pool, stopped=stopped),
        version=pool.e_tag or "",
    )


def _proved(count: int, machines: int, settled: int | None) -> int:
    """Nodes that were there before the operation: without a memory of it, only a shrinking pool tells (those it keeps)."""
    if settled is not None:
        return settled
    return count if machines > count else 0


def _incarnation(claim: str, pool: AgentPool) -> str:
    source = pool.creation_data.source_resource_id if pool.creation_data is not None else None
    return f"{claim}@{source.lower()}" if source else claim


def _words(pool: AgentPool, *, stopped: bool) -> str:
    state = state_of(pool) or "no provisioningState"
    words = state if state.lower() in ACTIVITY else f"{state} (not a known state: taken for a running operation)"
    if stopped:
        words = f"{words}, stopped: start the agent pool to use it"
    error = pool.status.provisioning_error if pool.status is not None else None
    if error is None:
        return words
    return tidy(f"{words}: {error.code or 'error'}: {error.message or ''}")
