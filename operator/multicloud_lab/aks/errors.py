"""What ARM and AKS refuse with: one exception that carries the HTTP status and the error envelope.

Raised by rules, engine and entra; the wire turns it into the answer, admin into a sentence.
"""

from collections.abc import Mapping, Sequence

from multicloud_lab.core.lab import RefusedError


class ArmError(RefusedError):
    """A refusal in ARM's form. `status` is the HTTP status, `code` the vendor's code."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        target: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Keep what the answer needs; `headers` are added to it."""
        super().__init__(code, message)
        self.status = status
        self.target = target
        self.headers = dict(headers or {})

    def body(self) -> dict[str, object]:
        """Return ARM's error envelope."""
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.target is not None:
            error["target"] = self.target
        return {"error": error}


def subscription_not_found(subscription: str) -> ArmError:
    """404 for a subscription that the tenant does not have."""
    return ArmError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")


def unknown_type(path: str, version: str, versions: Sequence[str]) -> ArmError:
    """404 for a path that is of no subscription, or names no type of resource that there is."""
    parts = [part for part in path.split("/") if part]
    lowered = [part.lower() for part in parts]
    if lowered[:1] != ["subscriptions"]:
        return ArmError(
            404,
            "MissingSubscription",
            "The request did not have a subscription or a valid tenant level resource provider.",
        )
    namespace, types = "Microsoft.Resources", parts[::2]
    if "providers" in lowered[:-1]:
        namespace, *rest = parts[lowered.index("providers") + 1 :]
        types = rest[::2]
        if namespace.lower() != "microsoft.containerservice":
            return ArmError(404, "InvalidResourceNamespace", f"The resource namespace '{namespace}' is invalid.")
    return ArmError(
        404,
        "InvalidResourceType",
        f"The resource type '{'/'.join(types)}' could not be found in the namespace '{namespace}' for api version "
        f"'{version}'. The supported api-versions are '{','.join(versions)}'.",
    )


def group_not_found(group: str) -> ArmError:
    """404 for a resource group without any cluster of the seed."""
    return ArmError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def cluster_not_found(group: str, cluster: str) -> ArmError:
    """404 for an unknown managed cluster."""
    resource = f"Microsoft.ContainerService/managedClusters/{cluster}"
    return ArmError(
        404,
        "ResourceNotFound",
        f"The Resource '{resource}' under resource group '{group}' was not found.",
    )


def parent_not_found(cluster_id: str, verb: str) -> ArmError:
    """404 for what lies inside an unknown managed cluster, as Resource Manager may say it before AKS is asked."""
    return ArmError(
        404,
        "ParentResourceNotFound",
        f"Failed to perform '{verb}' on resource(s) of type 'managedClusters/agentPools', "
        f"because the parent resource '{cluster_id}' could not be found.",
    )


def not_found(what: str, name: str, where: str) -> ArmError:
    """404 as the AKS resource provider says it of what lies inside a cluster."""
    return ArmError(404, "NotFound", f"Could not find {what} '{name}' in {where}.")


def invalid(parameter: str, why: str) -> ArmError:
    """400 for a value of an agent pool that AKS does not take."""
    target = f"agentPoolProfile.{parameter}"
    return ArmError(
        400, "InvalidParameter", f"The value of parameter {target} is invalid. Error details: {why}", target=target
    )


def immutable(parameter: str, name: str, code: str) -> ArmError:
    """400 for a property that cannot change after creation."""
    return ArmError(
        400,
        code,
        f"Provisioning of resource(s) for agent pool {name} failed. "
        f"Error: Changing property 'properties.{parameter}' is not allowed.",
        target=f"properties.{parameter}",
    )


def bad_content(why: str) -> ArmError:
    """400 for a body that is not the JSON of an agent pool."""
    return ArmError(
        400, "InvalidRequestContent", f"The request content was invalid and could not be deserialized: {why}"
    )


def pool_busy(pool: str, state: str) -> ArmError:
    """409 while an operation of a pool runs (text of clouds' own 409)."""
    return ArmError(
        409,
        "OperationNotAllowed",
        f"Operation is not allowed: Another agentpool operation ({pool} - {state}) is in progress, "
        "please wait for it to finish before starting a new operation.",
    )


def cluster_busy(cluster: str, state: str) -> ArmError:
    """409 while the managed cluster itself is in an operation."""
    return ArmError(
        409,
        "OperationNotAllowed",
        f"Operation is not allowed: Another operation ({cluster} - {state}) is in progress, "
        "please wait for it to finish before starting a new operation.",
    )


def precondition_failed(why: str) -> ArmError:
    """412 for If-Match and If-None-Match."""
    return ArmError(412, "PreconditionFailed", why)


def nothing_to_abort(resource: str, state: str) -> ArmError:
    """409 for an abort when the latest operation has ended already."""
    return ArmError(
        409,
        "OperationNotAllowed",
        f"There is no running operation of {resource} to abort: its provisioning state is {state}.",
    )


def no_quota(short: int, asked: int, size: str, location: str) -> ArmError:
    """400 for a pool that would need more vCPUs than the subscription may have in the region."""
    return ArmError(
        400,
        "ErrCode_InsufficientVCPUQuota",
        f"Insufficient vcpu quota requested {asked}, remaining {max(asked - short, 0)} for family {size} "
        f"for region {location}.",
    )


def not_authorized(client: str, action: str, scope: str) -> ArmError:
    """403 for an action that the caller has no role for."""
    return ArmError(
        403,
        "AuthorizationFailed",
        f"The client '{client}' with object id '{client}' does not have authorization to perform action '{action}' "
        f"over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your "
        "credentials.",
    )


def expired() -> ArmError:
    """401 for a token that has run out."""
    message = "The access token expiry UTC time has passed. Get a new one."
    challenge = (
        f'Bearer authorization_uri="https://login.windows.net/", error="invalid_token", error_description="{message}"'
    )
    return ArmError(401, "ExpiredAuthenticationToken", message, headers={"WWW-Authenticate": challenge})


def too_many_pools(cluster: str, limit: int, code: str) -> ArmError:
    """400 for one agent pool more than a managed cluster may have."""
    return ArmError(
        400, code, f"The managed cluster {cluster} has {limit} agent pools, which is the maximum. Delete one first."
    )


def last_system_pool(name: str) -> ArmError:
    """400 for the deletion of a cluster's last System pool."""
    return ArmError(
        400,
        "OperationNotAllowed",
        f"The agent pool {name} cannot be deleted: there has to be at least one System agent pool.",
    )


def no_machines(names: Sequence[str], pool: str) -> ArmError:
    """400 for machines that an agent pool does not have."""
    return ArmError(
        400,
        "InvalidParameter",
        f"Machines {', '.join(names)} were not found in agent pool {pool}.",
        target="machineNames",
    )
