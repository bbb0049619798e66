"""A node group's health and its Auto Scaling group's activities, kept as instances come, go and fail to come."""

import uuid
from collections.abc import Mapping

from multicloud_lab.core.clock import iso
from multicloud_lab.core.nodes import NodeState
from multicloud_lab.eks.state import Activity, AutoScalingGroup, Issue, Nodegroup
from multicloud_lab.eks.store import Store
from multicloud_lab.eks.switches import Switches

WATCHED: frozenset[str] = frozenset({"ACTIVE", "DEGRADED"})
"""The statuses that follow health; in all others something runs that decides the status at its end."""

ENDED: frozenset[str] = frozenset({"CREATE_FAILED", "DELETE_FAILED", "DELETING"})
"""The statuses whose issues stay what they were."""


_QUOTA_WORDS: Mapping[str, str] = {
    "VcpuLimitExceeded": "You have requested more vCPU capacity than your current vCPU limit allows for the instance "
    "bucket that the specified instance type belongs to.",
    "InstanceLimitExceeded": "You have requested more instances than your current instance limit allows for the "
    "specified instance type.",
}
"""What EC2 says besides, by its code."""


def watch(store: Store, group: Nodegroup) -> None:
    """Look at a node group whenever its instances change, from now on."""

    def changed() -> None:
        # After the change is complete: a lost instance is told before the next one is asked for.
        store.after(group, 0.0, lambda: look(store, group))

    group.group.nodes.on_change = changed


def look(store: Store, group: Nodegroup) -> None:
    """Note what instances did since the last look, and say whether the node group is healthy."""
    now_s, nodes = store.lab.clock.now(), group.group.nodes
    _note(group.group, now_s)
    if group.status in ENDED:
        return
    if nodes.not_launched and nodes.refusal is not None:
        issue = launch_issue(group, store.switches)
        if not group.issues:
            group.issues.append(issue)
            _fail(group.group, issue, now_s)
    elif group.issues and not store.switches.degraded_sticky:
        group.issues.clear()
    if group.status in WATCHED:
        group.status = "DEGRADED" if group.issues else "ACTIVE"


def move(store: Store, group: Nodegroup, target: int) -> None:
    """Give the Auto Scaling group another size, and look what that does."""
    group.group.nodes.set_target(target)
    look(store, group)


def launch_issue(group: Nodegroup, switches: Switches) -> Issue:
    """Return why an instance could not be launched, in the words that EKS passes on."""
    asg = group.group
    zone = asg.nodes.refused_zone or asg.zones[0]
    kind = "Spot" if group.spec.capacity_type == "SPOT" else "On-Demand"
    if asg.subnets.short:
        message = "Your subnet does not have enough free IP addresses for the node group's instances."
        return Issue(code="InsufficientFreeAddresses", message=message, resource_ids=group.spec.subnets)
    if asg.nodes.refusal == "quota":
        message = f"Could not launch {kind} Instances. {switches.quota_words} - {_QUOTA_WORDS[switches.quota_words]}"
        return Issue(code=switches.quota_issue, message=message, resource_ids=(asg.name,))
    message = (
        f"Could not launch {kind} Instances. InsufficientInstanceCapacity - We currently do not have sufficient "
        f"{asg.instance_type} capacity in the Availability Zone you requested ({zone})."
    )
    return Issue(code="AsgInstanceLaunchFailures", message=message, resource_ids=(asg.name,))


def _note(asg: AutoScalingGroup, now_s: float) -> None:
    present = {node.name: node for node in asg.nodes.nodes}
    for node in present.values():
        before = asg.seen.get(node.name)
        if before is None:
            _launching(asg, node.name, node.zone, node.created)
        if node.state is NodeState.READY and before is not NodeState.READY:
            _end(asg, node.name, now_s)
        if node.state is NodeState.DRAINING and before is not NodeState.DRAINING:
            _terminating(asg, node.name, node.zone, now_s)
    for name, before in asg.seen.items():
        if name not in present:
            if before is not NodeState.DRAINING:
                _cancel(asg, name, now_s)
                _terminating(asg, name, asg.zones[0], now_s)
            _end(asg, name, now_s)
    asg.seen = {name: node.state for name, node in present.items()}


def _launching(asg: AutoScalingGroup, name: str, zone: str, start: float) -> None:
    cause = (
        f"At {iso(start)} an instance was started in response to a difference between desired and actual capacity, "
        f"increasing the capacity to {asg.desired}."
    )
    _add(asg, f"Launching a new EC2 instance: {name}", cause, start, zone, name)


def _terminating(asg: AutoScalingGroup, name: str, zone: str, start: float) -> None:
    cause = (
        f"At {iso(start)} an instance was taken out of service in response to a difference between desired and "
        f"actual capacity, shrinking the capacity to {asg.desired}."
    )
    _add(asg, f"Terminating EC2 instance: {name}", cause, start, zone, name)


def _fail(asg: AutoScalingGroup, issue: Issue, now_s: float) -> None:
    cause = (
        f"At {iso(now_s)} an instance was started in response to a difference between desired and actual capacity, "
        f"increasing the capacity to {asg.desired}."
    )
    zone = asg.nodes.refused_zone or asg.zones[0]
    activity = _add(asg, "Launching a new EC2 instance", cause, now_s, zone, None)
    activity.status, activity.end, activity.message = "Failed", now_s, f"{issue.message} Launching EC2 instance failed."


def _add(asg: AutoScalingGroup, description: str, cause: str, start: float, zone: str, node: str | None) -> Activity:
    asg.activities_ever += 1
    activity = Activity(
        id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{asg.arn}/{asg.activities_ever}")),
        description=description,
        cause=cause,
        start=start,
        zone=zone,
        status="InProgress",
        node=node,
    )
    asg.activities.append(activity)
    return activity


def _end(asg: AutoScalingGroup, name: str, now_s: float) -> None:
    for activity in asg.activities:
        if activity.node == name and activity.status == "InProgress":
            activity.status, activity.end = "Successful", now_s


def _cancel(asg: AutoScalingGroup, name: str, now_s: float) -> None:
    for activity in asg.activities:
        if activity.node == name and activity.status == "InProgress":
            activity.status, activity.end = "Cancelled", now_s
