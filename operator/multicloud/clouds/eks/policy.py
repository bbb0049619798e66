"""The IAM policy that the operator needs on EKS. Read by `probe`, rendered for `multicloud check` and for docs.

Names and resource types: AWS's service authorization reference.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from multicloud.model.permission import Need, Policy
from multicloud.model.ref import NodePoolRef

LIST_NODEGROUPS: Final = Need(name="eks:ListNodegroups", purpose="find the node groups of a cluster")
DESCRIBE_NODEGROUP: Final = Need(
    name="eks:DescribeNodegroup", purpose="read status, range and Auto Scaling group of a node group"
)
DESCRIBE_GROUPS: Final = Need(
    name="autoscaling:DescribeAutoScalingGroups", purpose="read real sizes, a hundred groups a call"
)
UPDATE_NODEGROUP: Final = Need(name="eks:UpdateNodegroupConfig", purpose="resize a node group: the only write")
DESCRIBE_UPDATE: Final = Need(name="eks:DescribeUpdate", purpose="follow a resize to its end")
DESCRIBE_CLUSTER: Final = Need(
    name="eks:DescribeCluster", purpose="find a cluster's own Kubernetes API, which tells readiness and scheduled pods"
)

_ON_CLUSTERS: Final = (LIST_NODEGROUPS, DESCRIBE_UPDATE, DESCRIBE_CLUSTER)
_ON_NODEGROUPS: Final = (DESCRIBE_NODEGROUP, UPDATE_NODEGROUP, DESCRIBE_UPDATE)
_OWN_ARN: Final = re.compile(r"arn:(?P<partition>[^:]+):[^:]*:[^:]*:(?P<account>\d{12}):")


def role(pools: Sequence[NodePoolRef], principal: str) -> Mapping[str, Any]:
    """Render the policy for the clusters of these node pools; account and partition are those of our own ARN.

    Node groups are allowed by cluster, not one by one: an ARN of a node group ends with an id that changes when the
    group is made again, and `probe` asks for a name that does not exist.
    """
    own = _OWN_ARN.match(principal)
    partition, account = (own["partition"], own["account"]) if own else ("aws", "*")
    places = sorted({(pool.cluster.location, pool.cluster.name) for pool in pools})
    root = [(f"arn:{partition}:eks:{region}:{account}", cluster) for region, cluster in places]
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow("Clusters", _ON_CLUSTERS, [f"{place}:cluster/{cluster}" for place, cluster in root]),
            _allow("NodeGroups", _ON_NODEGROUPS, [f"{place}:nodegroup/{cluster}/*" for place, cluster in root]),
            # Auto Scaling has no resource types for its reads.
            _allow("Sizes", (DESCRIBE_GROUPS,), ["*"]),
        ],
    }


def _allow(sid: str, needs: Iterable[Need], resources: Sequence[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": [need.name for need in needs], "Resource": list(resources)}


POLICY: Final = Policy(
    needs=(LIST_NODEGROUPS, DESCRIBE_NODEGROUP, DESCRIBE_GROUPS, UPDATE_NODEGROUP, DESCRIBE_UPDATE, DESCRIBE_CLUSTER),
    role=role,
)
