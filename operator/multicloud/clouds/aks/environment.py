"""Which Azure cloud an account is in: the administrator's endpoints, by name, or the vendor's own.

`door` resolves the account's `environment`; ARM and Entra are asked there and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from azure.core import AzureClouds
from azure.identity import AzureAuthorityHosts
from azure.mgmt.core.tools import get_arm_endpoints

from multicloud.model.error import refused
from multicloud.model.reason import Code
from multicloud.settings import AzureEndpoints, Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One Azure cloud: ARM, who issues its tokens, and the scope that they must have."""

    arm: Endpoint
    authority: Endpoint
    scope: str


def _vendors(cloud: AzureClouds, authority: str) -> Environment:
    told = get_arm_endpoints(cloud)
    return Environment(
        arm=Endpoint(url=str(told["resource_manager"]).rstrip("/")),
        authority=Endpoint(url=f"https://{authority}"),
        scope=str(told["credential_scopes"][0]),
    )


PUBLIC: Final = _vendors(AzureClouds.AZURE_PUBLIC_CLOUD, AzureAuthorityHosts.AZURE_PUBLIC_CLOUD)

VENDORS: Final[Mapping[str, Environment]] = {
    "AzureCloud": PUBLIC,
    "AzureUSGovernment": _vendors(AzureClouds.AZURE_US_GOVERNMENT, AzureAuthorityHosts.AZURE_GOVERNMENT),
    "AzureChinaCloud": _vendors(AzureClouds.AZURE_CHINA_CLOUD, AzureAuthorityHosts.AZURE_CHINA),
}
"""The vendor's clouds under the names that its command line gives them (`az cloud list`)."""


def find_environment(name: str | None, endpoints: AzureEndpoints) -> Environment:
    """Return the environment of an account; None is the default one. Raises Refused for a name that nobody set."""
    if name is None:
        return _default(endpoints)
    own = endpoints.environments.get(name)
    if own is not None:
        return Environment(arm=own.arm, authority=own.authority, scope=own.scope or _scope(own.arm))
    if name in VENDORS:
        return VENDORS[name]
    known = ", ".join(sorted({*VENDORS, *endpoints.environments}))
    raise refused(
        Code.ENVIRONMENT_UNKNOWN,
        f"spec.azure.environment {name} is no set of endpoints known here ({known}): the administrator adds others in "
        "clouds.azure.environments",
    )


def _default(endpoints: AzureEndpoints) -> Environment:
    arm = endpoints.arm
    return Environment(
        arm=PUBLIC.arm if arm is None else arm,
        authority=endpoints.authority or PUBLIC.authority,
        scope=PUBLIC.scope if arm is None else _scope(arm),
    )


def _scope(arm: Endpoint) -> str:
    return f"{arm.url.rstrip('/')}/.default"
