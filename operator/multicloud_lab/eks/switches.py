"""What AWS's documents leave open about EKS: one switch each, with the default that the lab takes.

Set by a seed's `aws.switches`; docs list them from here.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """The open rules of EKS and STS.

    - `degraded_accepts_update`: a DEGRADED node group takes updates; otherwise ResourceInUseException, "currently
      not in Active State", as people report it (aws/containers-roadmap#2204).
    - `degraded_sticky`: a DEGRADED node group stays so even when its nodes are there (containers-roadmap#2326).
    - `update_waits_for_nodes`: an update is Successful only when the nodes are ready, and fails after 15 minutes;
      otherwise it is Successful when the Auto Scaling group has the numbers.
    - `reused_token_refused`: a clientRequestToken with another body is refused; otherwise it answers with the first
      request's result and changes nothing.
    - `scaling_lag_s`: how late scalingConfig shows what was changed on the Auto Scaling group, in virtual seconds.
    - `subnet_addresses`: nodes that fit into each of a node group's subnets; none: without limit.
    - `quota_issue`: the code of the health issue (and of a failed creation) for want of quota.
    - `quota_words`: EC2's own code in that issue's text and in the failed activity.
    - `throttle_code`, `throttle_status`: how EKS refuses too many calls.
    - `create_asks_ec2`: CreateNodegroup asks for ec2:DescribeSubnets too, and with a launch template for
      ec2:DescribeLaunchTemplateVersions.
    - `max_nodegroups`, `max_nodes`, `max_clusters`: the service quotas per cluster, node group and region.
    - `role_external_id`: the external id that every role asks of AssumeRole; none: not asked.
    - `role_max_session_s`: the longest session of a role, in real seconds.
    - `role_session_s`: how long a session lasts whose length nobody asked for, in real seconds.
    """

    degraded_accepts_update: bool = False
    degraded_sticky: bool = False
    update_waits_for_nodes: bool = False
    reused_token_refused: bool = True
    scaling_lag_s: float = 60.0
    subnet_addresses: int | None = None
    quota_issue: Literal["InstanceLimitExceeded", "AsgInstanceLaunchFailures"] = "InstanceLimitExceeded"
    quota_words: Literal["VcpuLimitExceeded", "InstanceLimitExceeded"] = "VcpuLimitExceeded"
    throttle_code: Literal["ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"] = (
        "ThrottlingException"
    )
    throttle_status: Literal[429, 400] = 429
    create_asks_ec2: bool = False
    max_nodegroups: int = 30
    max_nodes: int = 450
    max_clusters: int = 100
    role_external_id: str | None = None
    role_max_session_s: int = 3600
    role_session_s: int = 3600
