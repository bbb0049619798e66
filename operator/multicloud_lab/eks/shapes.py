"""EKS state as the JSON of its answers: names and types as in botocore's model, times in epoch seconds."""

from typing import Any

from multicloud_lab.eks.state import Cluster, Nodegroup, Update

Json = dict[str, Any]


def cluster_json(cluster: Cluster) -> Json:
    """Return the body of `cluster` in DescribeCluster."""
    host = f"{cluster.endpoint_id}.gr7.{cluster.region}.eks.amazonaws.com"
    return {
        "name": cluster.name,
        "arn": cluster.arn,
        "createdAt": cluster.created,
        "version": cluster.version,
        "endpoint": f"https://{host}",
        "roleArn": f"arn:aws:iam::{cluster.account}:role/{cluster.name}",
        "resourcesVpcConfig": {"endpointPublicAccess": True, "endpointPrivateAccess": False},
        "kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.20.0.0/16", "ipFamily": "ipv4"},
        "identity": {"oidc": {"issuer": f"https://oidc.eks.{cluster.region}.amazonaws.com/id/{cluster.endpoint_id}"}},
        "status": "ACTIVE",
        "platformVersion": "eks.1",
        "health": {"issues": []},
        "accessConfig": {"authenticationMode": "API"},
        "upgradePolicy": {"supportType": "STANDARD"},
        "deletionProtection": False,
        "tags": {},
    }


def nodegroup_json(cluster: Cluster, group: Nodegroup) -> Json:
    """Return the body of `nodegroup` in DescribeNodegroup."""
    return {
        "nodegroupName": group.name,
        "nodegroupArn": group.arn,
        "clusterName": cluster.name,
        "version": group.version,
        "releaseVersion": f"{group.version}.0-20260101",
        "createdAt": group.created,
        "modifiedAt": group.modified,
        "status": group.status,
        "capacityType": group.capacity_type,
        "scalingConfig": {
            "minSize": group.scaling.min,
            "maxSize": group.scaling.max,
            "desiredSize": group.scaling.desired,
        },
        "instanceTypes": [group.group.instance_type],
        "subnets": list(group.subnets),
        "amiType": "AL2023_x86_64_STANDARD",
        "nodeRole": group.node_role,
        "labels": dict(group.labels),
        "taints": list(group.taints),
        "resources": {"autoScalingGroups": [{"name": group.group.name}]},
        "diskSize": 20,
        "health": {"issues": []},
        "updateConfig": {"maxUnavailable": 1},
        **group.settings,
        "tags": {},
    }


def update_json(update: Update) -> Json:
    """Return the body of `update` in UpdateNodegroupConfig and DescribeUpdate."""
    return {
        "id": update.id,
        "status": update.status,
        "type": "ConfigUpdate",
        "params": [{"type": kind, "value": value} for kind, value in update.params],
        "createdAt": update.created,
        "errors": [],
    }
