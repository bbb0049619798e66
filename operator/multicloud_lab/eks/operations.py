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
from multicloud_lab.eks.state import Caller, Nodegroup, Outcome, Update
from multicloud_lab.eks.tagging import tags_of

Arguments = Mapping[str, Any]
Answer = tuple[Json, Outcome | None]
Operation = Callable[[EksEngine, Caller, Arguments], Answer]

MAX_RESULTS = 100


def list_clusters(engine: EksEngine, caller: Caller, arguments: Arguments) -> Answer:
    """ListClusters: names, sorted."""
    return _names("clusters", [cluster.name for cluster in engine.store.clusters(caller)], arguments), None


def describe_cluster(engine: EksEngine, caller: Caller, arguments: Arguments) -> Answer:
    """DescribeCluster."""
    return {"cluster": cluster_json(engine.store.cluster(caller, arguments["name"]), engine.lab.member_apis)}, None


def list_nodegroups(engine: EksEngine, caller: Caller, arguments: Arguments) -> Answer:
    """ListNodegroups: names, sorted."""
    cluster = engine.store.cluster(caller, arguments["clusterName"])
    return _names("nodegroups", sorted(cluster.nodegroups), arguments), None


def describe_nodegroup(engine: EksEngine, caller: Caller, arguments: Arguments) -> Answer:
    """DescribeNodegroup."""
    cluster = engine.store.cluster(caller, arguments["clusterName"])
    group = engine.store.nodegroup(caller, cluster.name, arguments["nodegroupName"])
    return {"nodegroup": nodegroup_json(cluster, group)}, None


def describe_update(engine: EksEngine, caller: Caller, arguments: Arguments) -> Answer:
    """DescribeUpdate: a node group's update needs the group's name."""
    update = engine.store.update(caller, arguments["name"], arguments.get("nodegroupName"), arguments["updateId"])
    return {"update": update_json(update)}, None


def list_updates(engine: EksEngine, caller: Caller, arguments: Arguments) -> Answer:
    """ListUpdates: the ids of a node group's updates; without a group those of the cluster itself (none here)."""
    name = arguments.get("nodegroupName")
    cluster = engine.store.cluster(caller, arguments["name"])
    updates = {} if name is None else engine.store.nodegroup(caller, cluster.name, name).updates
    shown = sorted(update.id for update in updates.values() if not update.forgotten)
    return _names("updateIds", shown, arguments), None


def list_tags(engine: EksEngine, caller: Caller, arguments: Arguments) -> Answer:
    """ListTagsForResource."""
    return {"tags": tags_of(engine.store, caller, arguments["resourceArn"])}, None


def _changing(operation: str) -> Operation:
    """Return one of the engine's mutations as an operation: its answer is what it made."""

    def change(engine: EksEngine, caller: Caller, arguments: Arguments) -> Answer:
        outcome = engine.change(operation, caller, arguments)
        made = outcome.made
        if isinstance(made, Update):
            return {"update": update_json(made)}, outcome
        if isinstance(made, Nodegroup):
            cluster = engine.store.cluster(caller, arguments["clusterName"])
            return {"nodegroup": nodegroup_json(cluster, made)}, outcome
        return {} if made is None else {"cluster": cluster_json(made, engine.lab.member_apis)}, outcome

    return change


OPERATIONS: Mapping[str, Operation] = {
    "ListClusters": list_clusters,
    "DescribeCluster": describe_cluster,
    "CreateCluster": _changing("CreateCluster"),
    "DeleteCluster": _changing("DeleteCluster"),
    "ListNodegroups": list_nodegroups,
    "DescribeNodegroup": describe_nodegroup,
    "CreateNodegroup": _changing("CreateNodegroup"),
    "DeleteNodegroup": _changing("DeleteNodegroup"),
    "UpdateNodegroupConfig": _changing("UpdateNodegroupConfig"),
    "UpdateNodegroupVersion": _changing("UpdateNodegroupVersion"),
    "DescribeUpdate": describe_update,
    "ListUpdates": list_updates,
    "CancelUpdate": _changing("CancelUpdate"),
    "TagResource": _changing("TagResource"),
    "UntagResource": _changing("UntagResource"),
    "ListTagsForResource": list_tags,
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
