"""Doing again what the journal says that clients and hands did on Azure's side."""

from typing import cast

from multicloud_lab.aks import errors, rules
from multicloud_lab.aks.engine import PUT_POOL, AksEngine, PutRequest
from multicloud_lab.aks.hands import UPDATE_CLUSTER, resized
from multicloud_lab.aks.state import Cluster
from multicloud_lab.core.calls import Call
from multicloud_lab.core.journal import HAND, Entry


def replay(engine: AksEngine, entry: Entry) -> bool:
    """Do a mutation again; False for a read. Raises ArmError when it cannot be done."""
    cluster, pool = entry.cluster or "", entry.pool or ""
    match entry.operation:
        case operation if operation == PUT_POOL:
            _put(engine, entry)
        case "AgentPools_Delete":
            engine.delete(_cluster(engine, entry), pool, None, _call(entry))
        case "AgentPools_DeleteMachines":
            found = _cluster(engine, entry)
            names = cast("list[str]", entry.arguments["machineNames"])
            engine.delete_machines(found, engine.pool(found, pool), names, _call(entry))
        case "AgentPools_AbortLatestOperation":
            found = _cluster(engine, entry)
            engine.abort(found, engine.pool(found, pool))
        case "ManagedClusters_AbortLatestOperation":
            engine.abort_cluster(_cluster(engine, entry))
        case operation if operation == UPDATE_CLUSTER:
            seconds = cast("float", entry.arguments["seconds"])
            engine.operations.begin_on_cluster(engine.named(cluster), "Updating", seconds, _call(entry))
        case _:
            return False
    return True


def _put(engine: AksEngine, entry: Entry) -> None:
    cluster = _cluster(engine, entry)
    if entry.principal == HAND:
        found = engine.pool(cluster, entry.pool or "")
        wished = resized(found, cast("dict[str, int]", entry.arguments["properties"])["count"])
    else:
        wished = rules.read_properties({"properties": entry.arguments["properties"]})
    engine.put(
        PutRequest(cluster=cluster, name=str(entry.arguments.get("pool", entry.pool)), wished=wished, call=_call(entry))
    )


def _cluster(engine: AksEngine, entry: Entry) -> Cluster:
    """Return the cluster that a client named in full, or a hand by its name."""
    given = entry.arguments
    if "resourceGroupName" not in given:
        return engine.named(entry.cluster or "")
    if entry.cluster is None:
        raise errors.cluster_not_found(str(given["resourceGroupName"]), "")
    return engine.cluster(str(given["subscriptionId"]), str(given["resourceGroupName"]), entry.cluster)


def _call(entry: Entry) -> Call:
    return Call(
        cloud=entry.cloud,
        operation=entry.operation,
        principal=entry.principal,
        cluster=entry.cluster,
        pool=entry.pool,
        token=entry.token,
        arguments=entry.arguments,
    )
