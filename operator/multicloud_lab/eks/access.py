"""Whether a signed call may pass: AWS's throttling, then the principal's permissions. Refusals in AWS's words."""

from collections.abc import Iterable, Mapping
from typing import Any

from multicloud_lab.eks.build import CLOUD
from multicloud_lab.eks.engine import MUTATIONS, EksEngine
from multicloud_lab.eks.model import AwsError
from multicloud_lab.eks.state import Caller
from multicloud_lab.eks.switches import Switches

FREE = {"GetCallerIdentity", "AssumeRoleWithWebIdentity"}
"""Operations that need no permission."""


def admit(engine: EksEngine, caller: Caller, service: str, operation: str, arguments: Mapping[str, Any]) -> None:
    """Count the call and look whether the caller may make it. Raises ThrottlingException, AccessDeniedException."""
    if service != "sts":
        kind = "write" if operation in MUTATIONS else "read"
        # A bucket for every account, region and service, reads and writes apart.
        if engine.lab.pace.take(CLOUD, f"{service}/{caller.account}/{caller.region}", kind) is not None:
            raise throttled(service, engine.store.switches)
    if operation in FREE:
        return
    own = (f"{service}:{operation}", resource_of(engine, caller, service, operation, arguments))
    besides = _asked_besides(arguments, engine.store.switches) if operation == "CreateNodegroup" else ()
    for action, resource in (own, *besides):
        if not engine.lab.permissions.allows(caller.name, action, resource):
            raise denied(caller, action, resource)


def throttled(service: str, switches: Switches) -> AwsError:
    """Return AWS's refusal of too many calls; only EKS's own is a switch."""
    if service != "eks":
        return AwsError("ThrottlingException", "Rate exceeded", 429)
    return AwsError(switches.throttle_code, "Rate exceeded", switches.throttle_status)


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


def _asked_besides(arguments: Mapping[str, Any], switches: Switches) -> Iterable[tuple[str, str]]:
    """Yield what creating a node group asks for besides its own action (service authorization reference)."""
    yield "iam:PassRole", str(arguments["nodeRole"])
    if arguments.get("tags"):
        yield "eks:TagResource", "*"
    if switches.create_asks_ec2:
        yield "ec2:DescribeSubnets", "*"
        if arguments.get("launchTemplate"):
            yield "ec2:DescribeLaunchTemplateVersions", "*"
