"""Opens a Google Cloud account: its key or the ambient identity, and the administrator's endpoints, become a CloudDoor.

Called by `clouds.registry`, the only importer. Nothing is sent before the first call on the door.
"""

from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import urlsplit

from multicloud.clouds.gke.access import GkeAccess
from multicloud.clouds.gke.compute import PUBLIC_COMPUTE, Compute
from multicloud.clouds.gke.container import Container
from multicloud.clouds.gke.login import make_login
from multicloud.clouds.gke.pools import GkeNodePools
from multicloud.clouds.gke.probe import GkeProbe
from multicloud.clouds.gke.projects import PUBLIC_RESOURCE_MANAGER, Projects
from multicloud.clouds.gke.rest import Rest
from multicloud.model.account import GcpAccount
from multicloud.model.error import refused
from multicloud.model.exchange import Tap
from multicloud.model.port import CloudDoor
from multicloud.model.reason import Code
from multicloud.settings import Endpoint, GcpEndpoints

LONGEST_READ_S = 20.0
"""How long an answer is waited for, in seconds."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def open_door(
    provider: GcpAccount,
    secret: Mapping[str, bytes] | None,
    endpoints: GcpEndpoints,
    *,
    before_send: Callable[[], None],
    call_timeout_s: float,
    tap: Tap | None = None,
) -> CloudDoor:
    """Open the account; `secret` None means the operator's own identity.

    `before_send` runs right before the bytes of a mutation leave and raises NotSent to keep them here; `tap` is told
    every request with its answer. Raises Refused for a Secret or endpoint that a person must mend.
    """
    for endpoint in (
        endpoints.container,
        endpoints.compute,
        endpoints.token,
        endpoints.iamcredentials,
        endpoints.resource_manager,
    ):
        if endpoint is not None:
            _check(endpoint)
    roots = _roots(endpoints.container)
    timeout_s = min(LONGEST_READ_S, call_timeout_s)
    login = make_login(provider, secret, endpoints, read_timeout_s=timeout_s)
    rest = partial(Rest, login=login, read_timeout_s=timeout_s, tap=tap)
    container = Container(login, endpoints.container, roots, before_send, timeout_s=timeout_s, tap=tap)
    compute = Compute(rest("Compute", PUBLIC_COMPUTE, endpoint=endpoints.compute))
    projects = Projects(rest("Resource Manager", PUBLIC_RESOURCE_MANAGER, endpoint=endpoints.resource_manager))
    return CloudDoor(
        name="gcp",
        identity=login,
        node_pools=GkeNodePools(container, compute),
        access=GkeAccess(container, login),
        probe=GkeProbe(container, compute, projects),
    )


def _check(endpoint: Endpoint) -> None:
    """Refuse endpoints that would carry a token over a network in the clear, or whose authority is not there."""
    url = urlsplit(endpoint.url)
    if url.scheme != "https" and url.hostname not in _LOOPBACK:
        raise refused(Code.INVALID, f"the Google endpoint {endpoint.url} in the settings must be an https URL")
    if endpoint.ca_file is not None and not endpoint.ca_file.is_file():
        raise refused(Code.INVALID, f"the caFile {endpoint.ca_file} of {endpoint.url} in the settings does not exist")


def _roots(endpoint: Endpoint | None) -> bytes | None:
    if endpoint is None:
        return None
    if not endpoint.url.startswith("https://"):
        raise refused(Code.INVALID, f"the Google endpoint {endpoint.url} in the settings must be https: gRPC needs TLS")
    return None if endpoint.ca_file is None else endpoint.ca_file.read_bytes()
