"""EKS state as the JSON of its answers: names and types as in botocore's model, times in epoch seconds."""

import base64
from typing import Any

from multicloud_lab.core.members import MemberApis
from multicloud_lab.eks.state import Cluster, Issue, Nodegroup, Update

Json = dict[str, Any]


def cluster_json(cluster: Cluster, apis: MemberApis | None) -> Json:
    """Return the body of `cluster` in DescribeCluster; `apis` is where member clusters answer."""
    shown: Json = {
        "name": cluster.name,
        "arn": cluster.arn,
        "createdAt": cluster.created,
        "version": cluster.version,
        "roleArn": cluster.role_arn,
        "resourcesVpcConfig": {
            "subnetIds": list(cluster.subnets),
            "endpointPublicAccess": True,
            "endpointPrivateAccess": False,
        },
        "kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.20.0.0/16", "ipFamily": "ipv4"},
        "identity": {"oidc": {"issuer": f"https://oidc.eks.{cluster.region}.amazonaws.com/id/{cluster.endpoint_id}"}},
        "status": cluster.status,
        "platformVersion": "eks.1",
        "health": {"issues": []},
        "accessConfig": {"authenticationMode": "API"},
        "upgradePolicy": {"supportType": "STANDARD"},
        "deletionProtection": False,
        **cluster.settings,
        "tags": dict(cluster.tags),
    }
    if cluster.status != "CREATING":
        shown |= _way_in(cluster, apis)
    return shown


def _way_in(cluster: Cluster, apis: MemberApis | None) -> Json:
    if apis is None:
        return {"endpoint": f"https://{cluster.endpoint_id}.gr7.{cluster.region}.eks.amazonaws.com"}
    authority = base64.b64encode(apis.ca_pem.encode()).decode()
    endpoint = apis.url_of("aws", cluster.account, cluster.region, cluster.name)
    return {"endpoint": endpoint, "certificateAuthority": {"data": authority}}


def nodegroup_json(cluster: Cluster, group: Nodegroup) -> Json:
    """Return the body of `nodegroup` in DescribeNodegroup."""
    return {
        "nodegroupName": group.name,
        "nodegroupArn": group.arn,
        "clusterName": cluster.name,
        "version": group.version,
        "releaseVersion": group.release_version,
        "createdAt": group.created,
        "modifiedAt": group.modified,
        "status": group.status,
        "capacityType": group.spec.capacity_type,
        "scalingConfig": {
            "minSize": group.scaling.min,
            "maxSize": group.scaling.max,
            "desiredSize": group.scaling.desired,
        },
        "instanceTypes": list(group.spec.instance_types),
        "subnets": list(group.spec.subnets),
        "amiType": group.spec.ami_type,
        "nodeRole": group.spec.node_role,
        "labels": dict(group.labels),
        "taints": list(group.taints),
        "resources": {"autoScalingGroups": [{"name": group.group.name}]},
        "diskSize": group.spec.disk_size,
        "health": {"issues": [_issue(issue, "code", "message") for issue in group.issues]},
        "updateConfig": {"maxUnavailable": 1},
        **group.settings,
        "tags": dict(group.tags),
    }


def update_json(update: Update) -> Json:
    """Return the body of `update` in UpdateNodegroupConfig and DescribeUpdate."""
    return {
        "id": update.id,
        "status": update.status,
        "type": update.type,
        "params": [{"type": kind, "value": value} for kind, value in update.params],
        "createdAt": update.created,
        "errors": [_issue(error, "errorCode", "errorMessage") for error in update.errors],
    }


def _issue(issue: Issue, code: str, message: str) -> Json:
    return {code: issue.code, message: issue.message, "resourceIds": list(issue.resource_ids)}
