"""Opens an Azure account: its Secret or the ambient identity, and the administrator's endpoints, become a CloudDoor.

Called by `clouds.registry`, the only importer. Nothing is sent before the first call on the door.
"""

from collections.abc import Callable, Mapping

from multicloud.clouds.aks.access import AksAccess
from multicloud.clouds.aks.environment import find_environment
from multicloud.clouds.aks.login import make_login
from multicloud.clouds.aks.pipeline import Arm
from multicloud.clouds.aks.pools import AksNodePools
from multicloud.clouds.aks.probe import AksProbe
from multicloud.model.account import AzureAccount
from multicloud.model.error import refused
from multicloud.model.exchange import Tap
from multicloud.model.port import CloudDoor
from multicloud.model.reason import Code
from multicloud.settings import AzureEndpoints, Endpoint

LONGEST_READ_S = 20.0
"""How long a silent answer is waited for, in seconds."""


def open_door(
    provider: AzureAccount,
    secret: Mapping[str, bytes] | None,
    endpoints: AzureEndpoints,
    *,
    before_send: Callable[[], None],
    call_timeout_s: float,
    tap: Tap | None = None,
) -> CloudDoor:
    """Open the account; `secret` None means the operator's own identity.

    `before_send` runs right before the bytes of a mutation leave and raises NotSent to keep them here; `tap` is told
    every request with its answer. Raises Refused for a Secret or endpoint that a person must mend.
    """
    environment = find_environment(provider.environment, endpoints)
    for endpoint in (environment.arm, environment.authority):
        _check(endpoint)
    read_timeout_s = min(LONGEST_READ_S, call_timeout_s)
    login = make_login(provider, secret, environment, read_timeout_s=read_timeout_s)
    arm = Arm(login, environment.arm, before_send, read_timeout_s=read_timeout_s, tap=tap)
    return CloudDoor(
        name="azure",
        identity=login,
        node_pools=AksNodePools(arm),
        access=AksAccess(arm, login),
        probe=AksProbe(arm),
    )


def _check(endpoint: Endpoint) -> None:
    """Refuse what the SDK would fail on at every call: it sends tokens over TLS only."""
    if not endpoint.url.startswith("https://"):
        raise refused(Code.INVALID, f"the Azure endpoint {endpoint.url} in the settings must be an https URL")
    if endpoint.ca_file is not None and not endpoint.ca_file.is_file():
        raise refused(Code.INVALID, f"the caFile {endpoint.ca_file} of {endpoint.url} in the settings does not exist")
