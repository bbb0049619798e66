"""Auto Scaling's reads of the groups behind node groups: groups with instances, and activities; paged, filtered."""

import json
from collections.abc import Mapping
from typing import Any

from multicloud_lab.core.nodes import Node, NodeState
from multicloud_lab.eks.engine import EksEngine
from multicloud_lab.eks.model import AwsError
from multicloud_lab.eks.paging import BadTokenError, decode, encode, page
from multicloud_lab.eks.state import Activity, AutoScalingGroup, Caller

Json = dict[str, Any]
Form = Mapping[str, Any]

DEFAULT_RECORDS = 50
MAX_RECORDS = 100

_LIFECYCLE = {
    NodeState.BOOTING: "Pending",
    NodeState.READY: "InService",
    # EKS holds a leaving instance with a life-cycle hook while it drains the node.
    NodeState.DRAINING: "Terminating:Wait",
}


def describe_groups(engine: EksEngine, caller: Caller, form: Form) -> Json:
    """DescribeAutoScalingGroups. A name that does not exist is left out, not an error.

    Raises ValidationError for MaxRecords out of 1–100 or an unknown filter, InvalidNextToken.
    """
    size = form.get("MaxRecords", DEFAULT_RECORDS)
    if not 1 <= size <= MAX_RECORDS:
        message = f"1 validation error detected: Value '{size}' at 'maxRecords' must be between 1 and {MAX_RECORDS}"
        raise AwsError("ValidationError", message)
    groups = engine.store.groups(caller)
    names = form.get("AutoScalingGroupNames")
    if names is not None:
        groups = [group for group in groups if group.name in names]
    for wanted in form.get("Filters") or []:
        groups = [group for group in groups if _has(group, wanted)]
    try:
        served, token = page(groups, lambda group: group.name, size, form.get("NextToken"))
    except BadTokenError:
        raise AwsError("InvalidNextToken", "The NextToken value is not valid") from None
    with_instances = form.get("IncludeInstances", True)
    answer: Json = {"AutoScalingGroups": [group_json(group, with_instances=with_instances) for group in served]}
    return answer if token is None else {**answer, "NextToken": token}


def describe_activities(engine: EksEngine, caller: Caller, form: Form) -> Json:
    """DescribeScalingActivities: newest first. Raises ValidationError (unknown group, MaxRecords), InvalidNextToken."""
    size = form.get("MaxRecords", MAX_RECORDS)
    if not 1 <= size <= MAX_RECORDS:
        message = f"1 validation error detected: Value '{size}' at 'maxRecords' must be between 1 and {MAX_RECORDS}"
        raise AwsError("ValidationError", message)
    name, ids = form.get("AutoScalingGroupName"), form.get("ActivityIds")
    groups = engine.store.groups(caller) if name is None else [engine.store.of_group(caller, name).group]
    found = [(group, activity) for group in groups for activity in group.activities]
    if ids is not None:
        found = [each for each in found if each[1].id in ids]
    found.sort(key=lambda each: -each[1].start)
    token = form.get("NextToken")
    first = _first(found, token) if token else 0
    served, rest = found[first : first + size], found[first + size :]
    answer: Json = {"Activities": [_activity(group, activity) for group, activity in served]}
    return {**answer, "NextToken": encode(served[-1][1].id)} if rest else answer


def group_json(group: AutoScalingGroup, *, with_instances: bool) -> Json:
    """Return one group as DescribeAutoScalingGroups shows it."""
    instances = [_instance(group, node) for node in group.nodes.nodes if node.state in _LIFECYCLE]
    return {
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": group.arn,
        "MinSize": group.min,
        "MaxSize": group.shown_max,
        "DesiredCapacity": group.desired,
        "DefaultCooldown": 300,
        "AvailabilityZones": list(group.zones),
        "HealthCheckType": "EC2",
        "HealthCheckGracePeriod": 15,
        "Instances": instances if with_instances else [],
        "CreatedTime": group.created,
        "Tags": [_tag(group, key) for key in sorted(group.tags)],
        "TerminationPolicies": ["AllocationStrategy", "OldestLaunchTemplate", "OldestInstance"],
        "NewInstancesProtectedFromScaleIn": False,
        "CapacityRebalance": True,
    }


def _first(found: list[tuple[AutoScalingGroup, Activity]], token: str) -> int:
    """Return where the page after the token begins. Raises InvalidNextToken."""
    try:
        last = decode(token)
        return 1 + [activity.id for _, activity in found].index(last)
    except (BadTokenError, ValueError):
        raise AwsError("InvalidNextToken", "The NextToken value is not valid") from None


def _activity(group: AutoScalingGroup, activity: Activity) -> Json:
    shown: Json = {
        "ActivityId": activity.id,
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": group.arn,
        "Description": activity.description,
        "Cause": activity.cause,
        "StartTime": activity.start,
        "StatusCode": activity.status,
        "Progress": 50 if activity.end is None else 100,
        "Details": json.dumps({"Availability Zone": activity.zone}),
    }
    if activity.end is not None:
        shown["EndTime"] = activity.end
    if activity.message is not None:
        shown["StatusMessage"] = activity.message
    return shown


def _instance(group: AutoScalingGroup, node: Node) -> Json:
    return {
        "InstanceId": node.name,
        "InstanceType": group.instance_type,
        "AvailabilityZone": node.zone,
        "LifecycleState": _LIFECYCLE[node.state],
        "HealthStatus": "Healthy",
        "ProtectedFromScaleIn": False,
    }


def _tag(group: AutoScalingGroup, key: str) -> Json:
    return {
        "ResourceId": group.name,
        "ResourceType": "auto-scaling-group",
        "Key": key,
        "Value": group.tags[key],
        "PropagateAtLaunch": True,
    }


def _has(group: AutoScalingGroup, wanted: Mapping[str, Any]) -> bool:
    name, values = str(wanted.get("Name", "")), set(wanted.get("Values") or [])
    if name == "tag-key":
        return not values.isdisjoint(group.tags)
    if name == "tag-value":
        return not values.isdisjoint(group.tags.values())
    if name.startswith("tag:"):
        return group.tags.get(name.removeprefix("tag:")) in values
    raise AwsError("ValidationError", f"The filter {name!r} is not one of tag-key, tag-value, tag:<key>")
