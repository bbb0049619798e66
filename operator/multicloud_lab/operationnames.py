"""The operations that calls bear, by cloud: what a fault's `match.operation` may name; and the actions that they ask for.

Named as the vendors name them, in the journal too. Read from the wires' own tables where they have one.
"""

from collections.abc import Mapping
from typing import get_args

from multicloud_lab.aks import identity, login, roles
from multicloud_lab.aks.hands import UPDATE_CLUSTER
from multicloud_lab.aks.routes import Operation as AksOperation
from multicloud_lab.clusters.discovery import RESOURCES
from multicloud_lab.eks.operations import OPERATIONS as EKS_OPERATIONS
from multicloud_lab.eks.query import AUTOSCALING, STS
from multicloud_lab.gke.methods import METHODS

_ANYWHERE = frozenset({"HandUpgrade", "Launch"})
"""An upgrade by hand is an operation like any other; a machine is launched (what faults of its supply match)."""

OPERATIONS: Mapping[str, frozenset[str]] = {
    "aws": _ANYWHERE | EKS_OPERATIONS.keys() | AUTOSCALING.keys() | STS.keys(),
    "azure": _ANYWHERE | {*get_args(AksOperation), UPDATE_CLUSTER, identity.TOKEN, login.TOKEN},
    "gcp": _ANYWHERE
    | METHODS.keys()
    | {
        "generateAccessToken",
        "instanceGroupManagers.aggregatedList",
        "instanceGroupManagers.get",
        "metadata.token",
        "testIamPermissions",
        "token",
    },
    "kubernetes": frozenset({"discovery.get", "health.get", "pods.evict", "version.get"})
    | {f"{each.plural}.{verb}" for each in RESOURCES.values() for verb in ("get", "list", "watch", *each.verbs)},
}

ACTIONS: Mapping[str, frozenset[str]] = {
    "aws": frozenset({"iam:PassRole", "ec2:DescribeSubnets", "ec2:DescribeLaunchTemplateVersions"})
    | {f"eks:{name}" for name in EKS_OPERATIONS}
    | {f"autoscaling:{name}" for name in AUTOSCALING}
    | {f"sts:{name}" for name in STS},
    "azure": frozenset(roles.ACTIONS.values()) | {roles.DELETE_MACHINES},
    "gcp": frozenset(
        {
            "compute.instanceGroupManagers.get",
            "compute.instanceGroupManagers.list",
            "container.clusters.get",
            "container.clusters.list",
            "container.clusters.update",
            "container.operations.get",
            "container.operations.list",
            "container.operations.update",
            "iam.serviceAccounts.getAccessToken",
            "resourcemanager.projects.get",
        }
    ),
}
"""What the lab asks of permissions, by cloud and in its spelling."""
