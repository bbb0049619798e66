"""EKS operations that this wire answers: from checked arguments to an answer's body.

Each takes the engine, the caller and the arguments by member name, and returns the body and, for a
change, its outcome for the journal. Raises AwsError.
"""

from collections.abc import Callable, Mapping
from typing import Any

from multicloud_lab.eks.engine import EksEngine
from multicloud_lab.eks.model import AwsError
from multicloud_lab.eks.paging import BadTokenError, page
from multicloud_lab.eks.shapes import Json, cluster_json, nodegroup_json, update_json
from multicloud_lab.eks.state import Caller, Outcome

Arguments = Mapping[str, Any]
Answer = tuple[Json, Outcome | None]
Operation = Callable[[EksEngine, Caller, Arguments], Answer]

MAX_RESULTS = 100


def list_clusters(engine: EksEngine, caller: Caller, arguments: Arguments) -> Answer:
    """ListClusters: names, sorted."""
    return _names("clusters", [cluster.name for cluster in engine.clusters(caller)], arguments), None


def describe_cluster(engine: EksEngine, caller: Caller, arguments: Arguments) -> Answer:
    """DescribeCluster."""
    return {"cluster": cluster_json(engine.cluster(caller, arguments["name"]))}, None


def list_nodegroups(engine: EksEngine, caller: Caller, arguments: Arguments) -> Answer:
    """ListNodegroups: names, sorted."""
    cluster = engine.cluster(caller, arguments["clusterName"])
    return _names("nodegroups", sorted(cluster.nodegroups), arguments), None


def describe_nodegroup(engine: EksEngine, caller: Caller, arguments: Arguments) -> Answer:
    """DescribeNodegroup."""
    cluster = engine.cluster(caller, arguments["clusterName"])
    group = engine.nodegroup(caller, cluster.name, arguments["nodegroupName"])
    return {"nodegroup": nodegroup_json(cluster, group)}, None


def update_nodegroup_config(engine: EksEngine, caller: Caller, arguments: Arguments) -> Answer:
    """UpdateNodegroupConfig."""
    request = {name: value for name, value in arguments.items() if name not in {"clusterName", "nodegroupName"}}
    outcome = engine.update_config(caller, arguments["clusterName"], arguments["nodegroupName"], request)
    return {"update": update_json(outcome.update)} if outcome.update is not None else {}, outcome


def describe_update(engine: EksEngine, caller: Caller, arguments: Arguments) -> Answer:
    """DescribeUpdate: a node group's update needs the group's name."""
    update = engine.update(caller, arguments["name"], arguments.get("nodegroupName"), arguments["updateId"])
    return {"update": update_json(update)}, None


def list_updates(engine: EksEngine, caller: Caller, arguments: Arguments) -> Answer:
    """ListUpdates: the ids of a node group's updates; without a group those of the cluster itself (none here)."""
    name = arguments.get("nodegroupName")
    cluster = engine.cluster(caller, arguments["name"])
    updates = [] if name is None else sorted(engine.nodegroup(caller, cluster.name, name).updates)
    return _names("updateIds", updates, arguments), None


OPERATIONS: Mapping[str, Operation] = {
    "ListClusters": list_clusters,
    "DescribeCluster": describe_cluster,
    "ListNodegroups": list_nodegroups,
    "DescribeNodegroup": describe_nodegroup,
    "UpdateNodegroupConfig": update_nodegroup_config,
    "DescribeUpdate": describe_update,
    "ListUpdates": list_updates,
}


def _names(key: str, names: list[str], arguments: Arguments) -> Json:
    """Return one page of sorted names under `key`."""
    try:
        served, token = page(
            names, lambda name: name, arguments.get("maxResults") or MAX_RESULTS, arguments.get("nextToken")
        )
    except BadTokenError:
        raise AwsError("InvalidParameterException", "The nextToken is not valid") from None
    return {key: served} if token is None else {key: served, "nextToken": token}
