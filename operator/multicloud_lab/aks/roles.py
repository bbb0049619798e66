"""What Azure's role-based access control asks for: the action and scope of each call, and ARM's permissions list.

Actions are those of the built-in role Azure Kubernetes Service Agent Pool Manager and of the provider's operations
list; the lab's `permissions` say who may do what.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase

from multicloud_lab.aks.errors import not_authorized
from multicloud_lab.aks.switches import Switches
from multicloud_lab.core.permissions import Permissions

_PROVIDER = "Microsoft.ContainerService"
_POOLS = f"{_PROVIDER}/managedClusters/agentPools"

ACTIONS: Mapping[str, str] = {
    "ManagedClusters_List": f"{_PROVIDER}/managedClusters/read",
    "ManagedClusters_ListByResourceGroup": f"{_PROVIDER}/managedClusters/read",
    "ManagedClusters_Get": f"{_PROVIDER}/managedClusters/read",
    "ManagedClusters_ListClusterUserCredentials": f"{_PROVIDER}/managedClusters/listClusterUserCredential/action",
    "ManagedClusters_AbortLatestOperation": f"{_PROVIDER}/managedClusters/abort/action",
    "AgentPools_List": f"{_POOLS}/read",
    "AgentPools_Get": f"{_POOLS}/read",
    "AgentPools_CreateOrUpdate": f"{_POOLS}/write",
    "AgentPools_Delete": f"{_POOLS}/delete",
    "AgentPools_AbortLatestOperation": f"{_POOLS}/abort/action",
    "Machines_List": f"{_POOLS}/machines/read",
    "Machines_Get": f"{_POOLS}/machines/read",
    "Operations_GetStatus": f"{_PROVIDER}/locations/operations/read",
    "Operations_GetResult": f"{_PROVIDER}/locations/operationresults/read",
    "Permissions_ListForResourceGroup": "Microsoft.Authorization/permissions/read",
    "Permissions_ListForResource": "Microsoft.Authorization/permissions/read",
}
"""By operation, but for deleting machines, whose action is a switch."""


DELETE_MACHINES = f"{_POOLS}/deleteMachines/action"
"""The action of deleting machines, unless the switch says that writing is enough."""


def action_of(operation: str, switches: Switches) -> str:
    """Return the action that a call asks for; a call that is none of ours has its own name."""
    if operation == "AgentPools_DeleteMachines":
        return f"{_POOLS}/{switches.delete_machines_action}"
    return ACTIONS.get(operation, operation)


def scope_of(names: Mapping[str, str]) -> str:
    """Return the scope that a path is about: its resource, resource group or subscription."""
    scope = f"/subscriptions/{names.get('subscription', '')}"
    if "group" in names:
        scope += f"/resourceGroups/{names['group']}"
    if "cluster" in names:
        scope += f"/providers/{_PROVIDER}/managedClusters/{names['cluster']}"
    if "pool" in names:
        scope += f"/agentPools/{names['pool']}"
    if "location" in names:
        scope += f"/providers/{_PROVIDER}/locations/{names['location']}"
    return scope


def check_allowed(permissions: Permissions, principal: str, action: str, names: Mapping[str, str]) -> None:
    """Refuse a call that its principal has no permission for. Raises ArmError (403)."""
    scope = scope_of(names)
    if not permissions.allows(principal, action, scope):
        raise not_authorized(principal, action, scope)


def listed(permissions: Permissions, principal: str, names: Mapping[str, str]) -> list[dict[str, list[str]]]:
    """Return ARM's permissions list of a principal at a scope."""
    scope = scope_of(names)
    taken = [
        denial.action
        for denial in permissions.denied(principal)
        if "/" in denial.action or denial.action == "*"
        if fnmatchcase(scope.lower(), denial.resource.lower())
    ]
    allowed = list(permissions.allowed("azure", principal))
    return [{"actions": allowed, "notActions": taken, "dataActions": [], "notDataActions": []}]
