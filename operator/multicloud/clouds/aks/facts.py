"""An agent pool as ARM tells it, turned into a NodePool. Pure: `pools` reads, this judges, `observe` keeps.

provisioningState is a free string at ARM; what is not in the table counts as an operation of somebody's, and is said.
"""

from collections.abc import Mapping, Sequence

from azure.mgmt.containerservice.models import AgentPool, ManualScaleProfile

from multicloud.clouds.aks.errors import VENDOR, tidy
from multicloud.clouds.answers import NEW_STATUS, garbled, nodes_told
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import ClusterRef, NodePoolRef
from multicloud.model.size import Activity, CapacityType, NodePool, ReadySource

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

CAPACITY: Mapping[str, CapacityType] = {"regular": CapacityType.ON_DEMAND, "spot": CapacityType.SPOT}
"""By scaleSetPriority in small letters; absent is Regular, another word tells nothing."""

VIRTUAL_MACHINES = "VirtualMachines"
"""The type of pool whose sizes stand in a profile, by VM size."""

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


def sizes_of(pool: AgentPool) -> Sequence[ManualScaleProfile]:
    """The sizes that a pool of type VirtualMachines is asked to have; none for any other."""
    profile = pool.virtual_machines_profile if pool.type_properties_type == VIRTUAL_MACHINES else None
    scale = profile.scale if profile is not None else None
    return scale.manual or () if scale is not None else ()


def count_of(cluster: ClusterRef, pool: AgentPool) -> int:
    """Nodes that AKS tries to reach. Raises Unavailable where the answer does not say: unknown is never zero."""
    if pool.count is not None:
        return nodes_told(pool.count)
    sizes = sizes_of(pool) or pool.virtual_machine_nodes_status
    if not sizes:
        raise garbled(f"reading agent pool {cluster}/{pool.name}", VENDOR, "told no count")
    return nodes_told(sum(nodes_told(size.count) for size in sizes))


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
        autoscaling=_autoscales(pool),
        capacity_type=CAPACITY.get((pool.scale_set_priority or "Regular").lower()),
        obstacle=_obstacle(pool, stopped=stopped),
        activity=activity,
        words=_words(pool, stopped=stopped),
        version=pool.e_tag or "",
    )


def _autoscales(pool: AgentPool) -> bool:
    profile = pool.virtual_machines_profile
    scale = profile.scale if profile is not None else None
    return bool(pool.enable_auto_scaling or (scale is not None and scale.autoscale))


def _obstacle(pool: AgentPool, *, stopped: bool) -> Reason | None:
    if stopped:
        return Reason(code=Code.NODE_POOL_STOPPED, text="the agent pool is stopped: start it to use it")
    if len(sizes_of(pool)) > 1:
        text = "the agent pool has several VM sizes: which of them another node should be, nobody can tell"
        return Reason(code=Code.SEVERAL_VM_SIZES, text=text)
    return None


def _proved(count: int, machines: int, settled: int | None) -> int:
    """Nodes that were there before the operation: without a memory of it, only a shrinking pool tells (those it keeps)."""
    if settled is not None:
        return settled
    return count if machines > count else 0


def _incarnation(claim: str, pool: AgentPool) -> str:
    """AKS gives a pool no id of its own: when ARM says it was made, and from which snapshot, where it says so."""
    made = pool.system_data.created_at if pool.system_data is not None else None
    source = pool.creation_data.source_resource_id if pool.creation_data is not None else None
    told = (made.isoformat() if made is not None else None, source.lower() if source else None)
    return "@".join([claim, *(each for each in told if each)])


def _words(pool: AgentPool, *, stopped: bool) -> str:
    state = state_of(pool) or "no provisioningState"
    words = state if state.lower() in ACTIVITY else f"{state} {NEW_STATUS}"
    if stopped:
        words = f"{words}, stopped"
    error = pool.status.provisioning_error if pool.status is not None else None
    if error is None:
        return words
    return tidy(f"{words}: {error.code or 'error'}: {error.message or ''}")
