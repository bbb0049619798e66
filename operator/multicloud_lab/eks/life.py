"""Creating and deleting node groups and clusters: what is accepted, how long it takes, how it can fail."""

import re
from collections.abc import Mapping
from typing import Any

from multicloud_lab.core.calls import Call
from multicloud_lab.core.faultkinds import Action, OperationFail, OperationStuck, Partial, Preempt
from multicloud_lab.core.seed import Span
from multicloud_lab.eks.build import CLOUD, requested_spec, spec_of
from multicloud_lab.eks.health import launch_issue, move, watch
from multicloud_lab.eks.model import AwsError, load_api
from multicloud_lab.eks.sizing import check_scaling
from multicloud_lab.eks.state import Caller, Cluster, Issue, Nodegroup, NodegroupSpec, Outcome
from multicloud_lab.eks.store import Store, names
from multicloud_lab.eks.updates import NODES_ASKED_S

Arguments = Mapping[str, Any]

CREATE_LATE_S = 1500.0
"""After which time EKS gives up a node group whose nodes did not join, virtual seconds."""
CLUSTER_CREATE = Span(min=480, max=720)
CLUSTER_DELETE = Span(min=120, max=300)
_NOT_JOINED = Issue(code="NodeCreationFailure", message="Instances failed to join the kubernetes cluster")


def create_nodegroup(store: Store, caller: Caller, arguments: Arguments) -> Outcome:
    """CreateNodegroup (arguments checked against the model): CREATING until its nodes are ready.

    Raises ResourceNotFoundException, InvalidRequestException (cluster not ACTIVE), ResourceInUseException (name
    taken), ResourceLimitExceededException, InvalidParameterException.
    """
    cluster = store.cluster(caller, arguments["clusterName"])
    return store.once(caller, "CreateNodegroup", arguments, lambda: _accept(store, caller, cluster, arguments))


def delete_nodegroup(store: Store, caller: Caller, arguments: Arguments) -> Outcome:
    """DeleteNodegroup: DELETING until its instances are gone, then not found.

    Raises ResourceNotFoundException, ResourceInUseException while something else runs.
    """
    cluster = store.cluster(caller, arguments["clusterName"])
    group = store.nodegroup(caller, cluster.name, arguments["nodegroupName"])
    if group.status in {"CREATING", "UPDATING", "DELETING"}:
        message = f"Nodegroup {group.name} cannot be deleted while it is {group.status}"
        raise AwsError("ResourceInUseException", message, 409, **names(arguments))
    fault = _fault(store, caller, "DeleteNodegroup", cluster, group.name)
    remembered = spec_of(group)
    now_s, asg = store.lab.clock.now(), group.group
    duration_s = store.lab.seed.timings.eks_update.draw(store.lab.rng)
    group.status, group.modified = "DELETING", now_s
    group.issues.clear()
    asg.min = group.wished = 0
    move(store, group, 0)
    if isinstance(fault, OperationStuck):
        group.stuck = True
        return Outcome(made=group)
    group.ends = now_s + duration_s
    store.after(group, duration_s, lambda: _gone(store, cluster, group, remembered, fault))
    return Outcome(made=group)


def create_cluster(store: Store, caller: Caller, arguments: Arguments) -> Outcome:
    """CreateCluster: CREATING for some minutes. Raises ResourceInUseException, ResourceLimitExceededException."""

    def accept() -> Outcome:
        name = arguments["name"]
        if (caller.account, caller.region, name) in store.all_clusters:
            raise AwsError("ResourceInUseException", f"Cluster already exists with name: {name}", 409, clusterName=name)
        if not re.fullmatch(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}", name):
            raise AwsError(
                "InvalidParameterException", f"The cluster name {name!r} is not valid", 400, clusterName=name
            )
        _check_role(arguments["roleArn"], {"clusterName": name})
        if len(store.clusters(caller)) >= store.switches.max_clusters:
            message = f"Cluster limit exceeded: {store.switches.max_clusters} for this account and region"
            raise AwsError("ResourceLimitExceededException", message, 400, clusterName=name)
        cluster = store.builder.requested_cluster(caller.account, caller.region, arguments)
        store.add(cluster)
        fault = _fault(store, caller, "CreateCluster", cluster, None)

        def ready() -> None:
            cluster.status = "FAILED" if isinstance(fault, OperationFail | Preempt) else "ACTIVE"

        if not isinstance(fault, OperationStuck):
            store.after(cluster, CLUSTER_CREATE.draw(store.lab.rng), ready)
        return Outcome(made=cluster)

    return store.once(caller, "CreateCluster", arguments, accept)


def delete_cluster(store: Store, caller: Caller, arguments: Arguments) -> Outcome:
    """DeleteCluster: DELETING for some minutes, then not found.

    Raises ResourceNotFoundException, ResourceInUseException (node groups, or something runs),
    InvalidRequestException (deletion protection).
    """
    cluster = store.cluster(caller, arguments["name"])
    place = names(arguments)
    if cluster.nodegroups:
        raise AwsError("ResourceInUseException", "Cluster has nodegroups attached", 409, **place)
    if cluster.status in {"CREATING", "DELETING"}:
        message = f"Cluster {cluster.name} cannot be deleted while it is {cluster.status}"
        raise AwsError("ResourceInUseException", message, 409, **place)
    if cluster.settings.get("deletionProtection"):
        message = "The cluster has deletion protection: disable it before you delete the cluster"
        raise AwsError("InvalidRequestException", message, 400, **place)
    fault = _fault(store, caller, "DeleteCluster", cluster, None)
    cluster.status = "DELETING"

    def gone() -> None:
        if isinstance(fault, OperationFail | Preempt):
            cluster.status = "FAILED"
        else:
            store.drop_cluster(cluster, ())

    if not isinstance(fault, OperationStuck):
        store.after(cluster, CLUSTER_DELETE.draw(store.lab.rng), gone)
    return Outcome(made=cluster)


def _accept(store: Store, caller: Caller, cluster: Cluster, arguments: Arguments) -> Outcome:
    place, name = names(arguments), arguments["nodegroupName"]
    if cluster.status != "ACTIVE":
        raise AwsError("InvalidRequestException", f"Cluster '{cluster.name}' is not in ACTIVE status", 400, **place)
    if name in cluster.nodegroups:
        message = f"NodeGroup already exists with name {name} and cluster name {cluster.name}"
        raise AwsError("ResourceInUseException", message, 409, **place)
    _check_request(arguments, place)
    check_scaling(requested_spec(cluster, arguments).scaling, store.switches.max_nodes, place)
    if len(cluster.nodegroups) >= store.switches.max_nodegroups:
        message = f"NodeGroup limit exceeded: {store.switches.max_nodegroups} per cluster"
        raise AwsError("ResourceLimitExceededException", message, 400, **place)
    group = store.builder.requested(cluster, arguments)
    watch(store, group)
    fault = _fault(store, caller, "CreateNodegroup", cluster, name)
    now_s = store.lab.clock.now()
    duration_s = store.lab.seed.timings.eks_update.draw(store.lab.rng)
    target = group.wished
    if isinstance(fault, Partial):
        target = max(min(target, fault.nodes), group.group.min)
    move(store, group, target)
    if isinstance(fault, OperationStuck):
        group.stuck = True
        return Outcome(made=group)
    group.ends = now_s + duration_s
    store.after(group, duration_s, lambda: _created(store, group, fault, now_s + CREATE_LATE_S))
    return Outcome(made=group)


def _created(store: Store, group: Nodegroup, fault: Action | None, late_s: float) -> None:
    """Look whether the nodes have joined; again after a while, until it is too late."""
    nodes, now_s = group.group.nodes, store.lab.clock.now()
    if isinstance(fault, OperationFail | Preempt):
        _failed(group, "CREATE_FAILED", _issue(fault, "NodeCreationFailure"), now_s)
    elif isinstance(fault, Partial):
        _failed(group, "CREATE_FAILED", _NOT_JOINED, now_s)
    elif nodes.settled:
        group.status, group.ends, group.modified = "ACTIVE", None, now_s
        group.issues.clear()
    elif now_s >= late_s:
        short = nodes.not_launched and nodes.refusal is not None
        _failed(group, "CREATE_FAILED", launch_issue(group, store.switches) if short else _NOT_JOINED, now_s)
    else:
        group.ends = now_s + NODES_ASKED_S
        store.after(group, NODES_ASKED_S, lambda: _created(store, group, fault, late_s))


def _gone(store: Store, cluster: Cluster, group: Nodegroup, remembered: NodegroupSpec, fault: Action | None) -> None:
    """Look whether the instances are gone; then the node group goes too, unless it was made to fail."""
    now_s = store.lab.clock.now()
    if isinstance(fault, OperationFail | Preempt | Partial):
        _failed(group, "DELETE_FAILED", _issue(fault, "Ec2SecurityGroupDeletionFailure"), now_s)
    elif group.group.nodes.existing:
        group.ends = now_s + NODES_ASKED_S
        store.after(group, NODES_ASKED_S, lambda: _gone(store, cluster, group, remembered, fault))
    else:
        store.drop_nodegroup(cluster, group, remembered)


def _failed(group: Nodegroup, status: str, issue: Issue, now_s: float) -> None:
    group.status = "CREATE_FAILED" if status == "CREATE_FAILED" else "DELETE_FAILED"
    group.issues[:] = [issue]
    group.ends, group.modified = None, now_s


def _issue(fault: Action, usual: str) -> Issue:
    code, message = getattr(fault, "code", None), getattr(fault, "message", "The lab was told to end this operation.")
    known = load_api("eks").shapes["NodegroupIssueCode"]["enum"]
    return Issue(code=str(code) if code in known else usual, message=message)


def _fault(store: Store, caller: Caller, operation: str, cluster: Cluster, pool: str | None) -> Action | None:
    """Return what decides the operation's end, if a fault does."""
    call = Call(cloud=CLOUD, operation=operation, principal=caller.name, cluster=cluster.name, pool=pool)
    faults = store.lab.faults.on_operation(call)
    deciding = (OperationFail, Preempt, OperationStuck, Partial)
    return next((fault for fault in faults if isinstance(fault, deciding)), None)


def _check_request(arguments: Arguments, place: dict[str, str]) -> None:
    name = arguments["nodegroupName"]
    if not re.fullmatch(r"[0-9A-Za-z][A-Za-z0-9_-]{0,62}", name):
        raise AwsError("InvalidParameterException", f"The node group name {name!r} is not valid", 400, **place)
    if not arguments["subnets"]:
        raise AwsError("InvalidParameterException", "subnets must name at least one subnet", 400, **place)
    asked = arguments.get("scalingConfig")
    if asked and any(asked.get(size) is None for size in ("minSize", "maxSize", "desiredSize")):
        message = "scalingConfig must give minSize, maxSize and desiredSize"
        raise AwsError("InvalidParameterException", message, 400, **place)
    _check_role(arguments["nodeRole"], place)


def _check_role(role: str, place: dict[str, str]) -> None:
    if not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:role/.+", role):
        raise AwsError("InvalidParameterException", f"Invalid Role Arn: '{role}'", 400, **place)
