"""UpdateNodegroupConfig and Auto Scaling's SetDesiredCapacity: what is accepted, what it changes, and when.

Sources: botocore's models for shapes; for behaviour the vendor's documents and public issue threads.
Where AWS does not say, the choice is a switch or stated at the place.
"""

import json
from collections.abc import Mapping
from typing import Any

from multicloud_lab.core.calls import Call
from multicloud_lab.core.lab import Moved
from multicloud_lab.eks.build import CLOUD
from multicloud_lab.eks.health import move
from multicloud_lab.eks.model import AwsError
from multicloud_lab.eks.state import Caller, Nodegroup, Outcome, Scaling
from multicloud_lab.eks.store import Store, names
from multicloud_lab.eks.updates import Work, begin, follow, new_update, refuse_unless_free

Arguments = Mapping[str, Any]
_SETTINGS = ("updateConfig", "nodeRepairConfig", "warmPoolConfig")


def update_config(store: Store, caller: Caller, arguments: Arguments) -> Outcome:
    """UpdateNodegroupConfig (arguments checked against the model).

    A remembered token answers with its update and changes nothing. Raises ResourceNotFoundException,
    InvalidParameterException (range, token with another body, nothing to change), ResourceInUseException while
    something else runs, InvalidRequestException when the cluster is not ACTIVE.
    """
    cluster = store.cluster(caller, arguments["clusterName"])
    group = store.nodegroup(caller, cluster.name, arguments["nodegroupName"])
    if cluster.status != "ACTIVE":
        raise AwsError(
            "InvalidRequestException", f"Cluster '{cluster.name}' is not in ACTIVE status", 400, **names(arguments)
        )
    return store.once(caller, "UpdateNodegroupConfig", arguments, lambda: _accept(store, caller, group, arguments))


def set_desired_capacity(store: Store, caller: Caller, arguments: Arguments) -> Outcome:
    """SetDesiredCapacity: what Cluster Autoscaler calls. EKS shows it late.

    Raises ValidationError for an unknown group and for a size outside the group's range.
    """
    name, desired = arguments.get("AutoScalingGroupName"), arguments.get("DesiredCapacity")
    if name is None or desired is None:
        raise AwsError("ValidationError", "AutoScalingGroupName and DesiredCapacity are required")
    nodegroup = store.of_group(caller, str(name))
    moved = move_group(store, nodegroup, int(desired))
    return Outcome(effective=moved.from_ != moved.to, from_=moved.from_, to=moved.to)


def move_group(store: Store, nodegroup: Nodegroup, desired: int) -> Moved:
    """Move the Auto Scaling group within its range, which scalingConfig shows late. Raises ValidationError."""
    asg = nodegroup.group
    for wrong, word, bound in (
        (desired > asg.shown_max, "above max", asg.shown_max),
        (desired < asg.min, "below min", asg.min),
    ):
        if wrong:
            message = f"New SetDesiredCapacity value {desired} is {word} value {bound} for the AutoScalingGroup."
            raise AwsError("ValidationError", message)
    before = nodegroup.wished
    # While an upgrade surges, its extra instances are part of what was asked for.
    nodegroup.wished = min(max(desired - asg.nodes.surge, asg.min), asg.max)
    move(store, nodegroup, nodegroup.wished)
    store.after(nodegroup, store.switches.scaling_lag_s, lambda: follow(nodegroup))
    return Moved(from_=before, to=nodegroup.wished)


def check_scaling(scaling: Scaling, max_nodes: int, place: dict[str, str]) -> None:
    """Refuse sizes that do not fit together (texts: seen on EKS). Raises InvalidParameterException."""
    wrong = None
    if scaling.min > scaling.max:
        wrong = "minSize can't be greater than maxSize"
    elif scaling.min > scaling.desired:
        wrong = f"Minimum capacity {scaling.min} can't be greater than desired size {scaling.desired}"
    elif scaling.desired > scaling.max:
        wrong = "desiredSize can't be greater than maxSize"
    elif scaling.max > max_nodes:
        wrong = f"maxSize can't be greater than {max_nodes}"
    if wrong is not None:
        raise AwsError("InvalidParameterException", wrong, 400, **place)


def _accept(store: Store, caller: Caller, group: Nodegroup, request: Arguments) -> Outcome:
    """Start the update: numbers shown at once, the Auto Scaling group seconds later, done after a while."""
    place = names(request)
    if not any(request.get(part) for part in ("scalingConfig", "labels", "taints", *_SETTINGS)):
        raise AwsError("InvalidParameterException", "The request names nothing to update", 400, **place)
    asked = request.get("scalingConfig") or {}
    scaling = _merged(group.scaling, asked)
    check_scaling(scaling, store.switches.max_nodes, place)
    refuse_unless_free(store, group, place)
    lab, timings = store.lab, store.lab.seed.timings
    before, shown = group.wished, group.scaling
    desired = scaling.desired if asked.get("desiredSize") is not None else None
    changed = scaling != shown or (desired is not None and desired != before)
    labels, taints, settings = dict(group.labels), list(group.taints), dict(group.settings)
    changed = _apply_kubernetes(group, request) or changed
    update = new_update(store, "ConfigUpdate", _params(request))
    if desired is not None:
        group.wished = desired
    group.scaling = scaling

    def apply(limit: int | None) -> None:
        """Give the Auto Scaling group the numbers, `limit` being how many new nodes can come."""
        if not asked:
            return
        asg = group.group
        present = asg.nodes.target
        target = desired if desired is not None else present
        if limit is not None and target > present:
            target = min(target, present + limit)
        asg.min, asg.max = scaling.min, scaling.max
        group.wished = min(max(target, scaling.min), scaling.max)
        move(store, group, group.wished)

    def undo() -> None:
        group.scaling, group.wished = shown, group.group.nodes.target
        group.labels, group.taints, group.settings = labels, taints, settings

    lag_s = timings.eks_asg_lag.draw(lab.rng) if asked else 0.0
    work = Work(apply=apply, undo=undo, done=_nothing, lag_s=lag_s, duration_s=timings.eks_update.draw(lab.rng))
    call = Call(
        cloud=CLOUD,
        operation="UpdateNodegroupConfig",
        principal=caller.name,
        cluster=request["clusterName"],
        pool=group.name,
    )
    begin(store, group, update, work, call)
    return Outcome(made=update, effective=changed, from_=before, to=group.wished)


def _merged(present: Scaling, asked: Arguments) -> Scaling:
    """Merge what is given into the present sizes."""

    def pick(name: str, otherwise: int) -> int:
        given = asked.get(name)
        return otherwise if given is None else int(given)

    return Scaling(
        min=pick("minSize", present.min),
        max=pick("maxSize", present.max),
        desired=pick("desiredSize", present.desired),
    )


def _params(request: Arguments) -> tuple[tuple[str, str], ...]:
    """Return the update's params as DescribeUpdate shows them: every value is a string."""
    asked = request.get("scalingConfig") or {}
    labels, taints = request.get("labels") or {}, request.get("taints") or {}
    repair, update = request.get("nodeRepairConfig") or {}, request.get("updateConfig") or {}
    warm = request.get("warmPoolConfig") or {}
    given = [
        ("MinSize", asked.get("minSize")),
        ("MaxSize", asked.get("maxSize")),
        ("DesiredSize", asked.get("desiredSize")),
        ("LabelsToAdd", labels.get("addOrUpdateLabels")),
        ("LabelsToRemove", labels.get("removeLabels")),
        ("TaintsToAdd", taints.get("addOrUpdateTaints")),
        ("TaintsToRemove", taints.get("removeTaints")),
        ("MaxUnavailable", update.get("maxUnavailable")),
        ("MaxUnavailablePercentage", update.get("maxUnavailablePercentage")),
        ("UpdateStrategy", update.get("updateStrategy")),
        ("NodeRepairEnabled", repair.get("enabled")),
        ("WarmPoolEnabled", warm.get("enabled")),
    ]
    return tuple((kind, v if isinstance(v, str) else json.dumps(v)) for kind, v in given if v is not None)


def _apply_kubernetes(group: Nodegroup, request: Arguments) -> bool:
    """Apply labels, taints and the other blocks; says whether anything changed."""
    before = json.dumps([group.labels, group.taints, group.settings], sort_keys=True)
    labels, taints = request.get("labels") or {}, request.get("taints") or {}
    group.labels.update(labels.get("addOrUpdateLabels") or {})
    for key in labels.get("removeLabels") or []:
        group.labels.pop(key, None)
    for taint in [*(taints.get("removeTaints") or []), *(taints.get("addOrUpdateTaints") or [])]:
        same = (taint.get("key"), taint.get("effect"))
        group.taints = [each for each in group.taints if (each.get("key"), each.get("effect")) != same]
    group.taints += taints.get("addOrUpdateTaints") or []
    for name in _SETTINGS:
        if request.get(name):
            group.settings[name] = dict(request[name])
    return json.dumps([group.labels, group.taints, group.settings], sort_keys=True) != before


def _nothing() -> None:
    """Leave all as it is: the numbers were applied before."""
