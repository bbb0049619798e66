"""The custom role that the operator needs on AKS. Read by `probe`, rendered for `multicloud check` and for docs.

Names: the provider's operations and the built-in roles Agent Pool Manager and Machine Manager, which are wider.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from multicloud.model.permission import Need, Policy
from multicloud.model.ref import NodePoolRef

_PROVIDER: Final = "Microsoft.ContainerService"
_POOLS: Final = f"{_PROVIDER}/managedClusters/agentPools"

READ_POOLS: Final = Need(name=f"{_POOLS}/read", purpose="read sizes and states of agent pools")
WRITE_POOLS: Final = Need(name=f"{_POOLS}/write", purpose="resize an agent pool: the only write")
READ_MACHINES: Final = Need(name=f"{_POOLS}/machines/read", purpose="count machines while an agent pool is moving")
READ_OPERATIONS: Final = Need(name=f"{_PROVIDER}/locations/operations/read", purpose="follow a resize to its end")
READ_CLUSTERS: Final = Need(
    name=f"{_PROVIDER}/managedClusters/read", purpose="let `multicloud check` see where a cluster's operations are kept"
)
READ_CREDENTIALS: Final = Need(
    name=f"{_PROVIDER}/managedClusters/listClusterUserCredential/action",
    purpose="find a cluster's own Kubernetes API, which tells readiness and scheduled pods",
)
READ_PERMISSIONS: Final = Need(
    name="Microsoft.Authorization/permissions/read", purpose="let `multicloud check` see what may be written"
)


def role(pools: Sequence[NodePoolRef], principal: str) -> Mapping[str, Any]:  # noqa: ARG001 - a role names nobody
    """Render the role as `az role definition create` takes it, assignable in the subscriptions of these agent pools.

    Assign it at the clusters; operations belong to the subscription, so READ_OPERATIONS only works from there.
    """
    scopes = sorted({f"/subscriptions/{pool.cluster.owner}" for pool in pools})
    return {
        "Name": "multicloud-operator",
        "IsCustom": True,
        "Description": "Resize agent pools of AKS clusters.",
        "Actions": [need.name for need in POLICY.needs],
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": scopes,
    }


POLICY: Final = Policy(
    needs=(
        READ_POOLS,
        READ_MACHINES,
        WRITE_POOLS,
        READ_OPERATIONS,
        READ_CLUSTERS,
        READ_CREDENTIALS,
        READ_PERMISSIONS,
    ),
    role=role,
)
