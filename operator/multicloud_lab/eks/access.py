"""Whether a signed call may pass: AWS's throttling, then the principal's permissions. Refusals in AWS's words."""

from collections.abc import Mapping
from typing import Any

from multicloud_lab.core.lab import Lab
from multicloud_lab.eks.build import CLOUD
from multicloud_lab.eks.engine import MUTATIONS, EksEngine
from multicloud_lab.eks.model import AwsError
from multicloud_lab.eks.state import Caller

FREE = {"GetCallerIdentity", "AssumeRoleWithWebIdentity"}
"""Operations that need no permission."""


def admit(engine: EksEngine, caller: Caller, service: str, operation: str, arguments: Mapping[str, Any]) -> None:
    """Count the call and look whether the caller may make it. Raises ThrottlingException, AccessDeniedException."""
    if service != "sts":
        kind = "write" if operation in MUTATIONS else "read"
        # A bucket for every account, region and service, reads and writes apart.
        if engine.lab.pace.take(CLOUD, f"{service}/{caller.account}/{caller.region}", kind) is not None:
            raise throttled()
    resource = resource_of(engine, caller, service, operation, arguments)
    if operation not in FREE and not _allows(engine.lab, caller, f"{service}:{operation}", resource):
        raise denied(caller, f"{service}:{operation}", resource)


def throttled() -> AwsError:
    """Return AWS's refusal of too many calls."""
    return AwsError("ThrottlingException", "Rate exceeded", 429)


def denied(caller: Caller, action: str, resource: str) -> AwsError:
    """Return AWS's refusal of a call without permission; it names who, what and on what."""
    message = (
        f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )
    return AwsError("AccessDeniedException", message, 403)


def expired() -> AwsError:
    """Return AWS's refusal of temporary credentials that have run out."""
    return AwsError("ExpiredTokenException", "The security token included in the request is expired", 403)


def resource_of(engine: EksEngine, caller: Caller, service: str, operation: str, arguments: Mapping[str, Any]) -> str:
    """Return the ARN that IAM judges the operation by; `*` where AWS does, or where what is named is not there."""
    if service == "sts":
        return str(arguments.get("RoleArn", "*"))
    if service == "autoscaling":
        if operation not in MUTATIONS:
            return "*"
        name = arguments.get("AutoScalingGroupName")
        return next((group.arn for group in engine.store.groups(caller) if group.name == name), "*")
    if "resourceArn" in arguments:
        return str(arguments["resourceArn"])
    cluster, pool = arguments.get("clusterName", arguments.get("name", "*")), arguments.get("nodegroupName")
    place = f"arn:aws:eks:{caller.region}:{caller.account}"
    if pool is None or operation == "CreateNodegroup":
        return f"{place}:cluster/{cluster}"
    known = engine.store.all_clusters.get((caller.account, caller.region, str(cluster)))
    group = None if known is None else known.nodegroups.get(pool)
    return group.arn if group is not None else f"{place}:nodegroup/{cluster}/{pool}/*"


def _allows(lab: Lab, caller: Caller, action: str, resource: str) -> bool:
    return lab.permissions.allows(caller.name, action, resource)
