"""The EKS door on scripted AWS APIs, with node groups in the vendor's words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from multicloud.clouds.eks.door import open_door
from multicloud.model.account import AwsAccount
from multicloud.model.port import CloudDoor
from multicloud.model.ref import Cloud, ClusterRef, NodePoolRef
from multicloud.model.size import Detail, NodePool, ReadySource
from multicloud.settings import AwsEndpoints, Endpoint
from support.told import pools_of
from support.vendor import Answer, Vendor

KEYS = {"accessKeyId": b"AKIAMADEUP0000000001", "secretAccessKey": b"made-up-secret-access-key"}
CLUSTER = ClusterRef(cloud=Cloud.AWS, location="eu-west-1", name="shop")
WEB = NodePoolRef(cluster=CLUSTER, name="web")
UPDATE = "/clusters/shop/node-groups/web/update-config"
UUID = "11112222-3333-4444-5555-666677778888"


def scripted_door(
    vendor: Vendor, fence: Callable[[], None], *, secret: Mapping[str, bytes] | None = None, call_timeout_s: float = 10
) -> CloudDoor:
    endpoint = Endpoint(url=vendor.url)
    return open_door(
        AwsAccount(),
        KEYS if secret is None else secret,
        AwsEndpoints(eks=endpoint, autoscaling=endpoint, sts=endpoint),
        before_send=fence,
        call_timeout_s=call_timeout_s,
    )


def nodegroup(name: str = "web", **changes: Any) -> dict[str, Any]:
    """A node group as DescribeNodegroup tells it."""
    told = {
        "nodegroupName": name,
        "nodegroupArn": f"arn:aws:eks:eu-west-1:111122223333:nodegroup/shop/{name}/{UUID}",
        "clusterName": "shop",
        "status": "ACTIVE",
        "scalingConfig": {"minSize": 1, "maxSize": 50, "desiredSize": 4},
        "resources": {"autoScalingGroups": [{"name": f"eks-{name}"}]},
        "health": {"issues": []},
    }
    return {**told, **changes}


def instances(*states: str, health: str = "Healthy") -> Sequence[tuple[str, str]]:
    return [(state, health) for state in states]


def groups_xml(sizes: Mapping[str, tuple[int, Sequence[tuple[str, str]]]], *, token: str = "") -> bytes:
    """DescribeAutoScalingGroups' answer: name → (DesiredCapacity, instances as state and health)."""
    members = "".join(
        f"<member><AutoScalingGroupName>{name}</AutoScalingGroupName><MinSize>0</MinSize><MaxSize>99</MaxSize>"
        f"<DesiredCapacity>{desired}</DesiredCapacity><Instances>"
        + "".join(
            f"<member><InstanceId>i-{number}</InstanceId><LifecycleState>{state}</LifecycleState>"
            f"<HealthStatus>{health}</HealthStatus></member>"
            for number, (state, health) in enumerate(there)
        )
        + "</Instances></member>"
        for name, (desired, there) in sizes.items()
    )
    tail = f"<NextToken>{token}</NextToken>" if token else ""
    return (
        '<DescribeAutoScalingGroupsResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/">'
        f"<DescribeAutoScalingGroupsResult><AutoScalingGroups>{members}</AutoScalingGroups>{tail}"
        "</DescribeAutoScalingGroupsResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
        "</DescribeAutoScalingGroupsResponse>"
    ).encode()


def xml(raw: bytes, status: int = 200) -> Answer:
    return Answer(status=status, raw=raw, headers={"Content-Type": "text/xml"})


def serve(vendor: Vendor, *groups: Mapping[str, Any], sizes: Mapping[str, Any] | None = None) -> None:
    """Answer as AWS does for one cluster with these node groups; four ready nodes each unless told."""
    vendor.answer(
        "GET", "/clusters/shop/node-groups", Answer(body={"nodegroups": [g["nodegroupName"] for g in groups]})
    )
    for group in groups:
        path = f"/clusters/shop/node-groups/{group['nodegroupName']}"
        vendor.answer("GET", path, Answer(body={"nodegroup": group}))
    there = {f"eks-{group['nodegroupName']}": (4, instances(*["InService"] * 4)) for group in groups}
    vendor.answer("POST", "/", xml(groups_xml(there if sizes is None else sizes)))


def refusal(code: str, status: int = 400, message: str = "in AWS's words", **headers: str) -> Answer:
    """An error of EKS: the code in a header, the sentence in the body."""
    return Answer(status=status, body={"message": message}, headers={"x-amzn-ErrorType": code, **headers})


def pool_fact(**changes: Any) -> NodePool:
    facts: dict[str, Any] = {
        "ref": WEB,
        "claim": "aws/111122223333/eu-west-1/shop/web",
        "incarnation": UUID,
        "requested": 4,
        "nodes": 4,
        "ready": 4,
        "ready_source": ReadySource.CLOUD,
        "cloud_min": 1,
        "cloud_max": 50,
    }
    return NodePool(**{**facts, **changes})


def read(door: CloudDoor, *, detail: Detail = Detail.FULL) -> Sequence[NodePool]:
    """The node groups of the cluster; raises its error."""
    return pools_of(door.node_pools.list([CLUSTER], detail=detail), CLUSTER)
