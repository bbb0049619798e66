"""The custom role that the operator needs on GKE. Read by `probe`, rendered for `multicloud check` and for docs.

Names: Google's page of Kubernetes Engine's permissions by method, and Compute's reference.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from multicloud.model.permission import Need, Policy
from multicloud.model.ref import NodePoolRef

GET_CLUSTERS: Final = Need(name="container.clusters.get", purpose="read the node pools of a cluster")
LIST_OPERATIONS: Final = Need(name="container.operations.list", purpose="see operations of others, such as upgrades")
GET_OPERATIONS: Final = Need(name="container.operations.get", purpose="follow a resize to its end")
UPDATE_CLUSTERS: Final = Need(name="container.clusters.update", purpose="resize a node pool: the only write")
LIST_GROUPS: Final = Need(
    name="compute.instanceGroupManagers.list", purpose="read real sizes, a whole project in one list"
)


def role(pools: Sequence[NodePoolRef], principal: str) -> Mapping[str, Any]:  # noqa: ARG001 - a role names nobody
    """Render the role as `gcloud iam roles create --file` takes it. Grant it on the projects of the node pools."""
    return {
        "title": "multicloud-operator",
        "description": "Resize node pools of GKE clusters.",
        "stage": "GA",
        "includedPermissions": [need.name for need in POLICY.needs],
    }


POLICY: Final = Policy(needs=(GET_CLUSTERS, LIST_OPERATIONS, LIST_GROUPS, UPDATE_CLUSTERS, GET_OPERATIONS), role=role)
