"""Opens an AWS account: its Secret or the ambient identity, and the administrator's endpoints, become a CloudDoor.

Called by `clouds.registry`, the only importer. Nothing is sent before the first call on the door.
"""

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from multicloud.clouds.eks.access import EksAccess
from multicloud.clouds.eks.clients import Clients, make_config
from multicloud.clouds.eks.login import Login, Role, read_keys, session_name
from multicloud.clouds.eks.pools import EksNodePools
from multicloud.clouds.eks.probe import EksProbe
from multicloud.model.account import AwsAccount
from multicloud.model.error import Unavailable, refused
from multicloud.model.exchange import Tap
from multicloud.model.port import CloudDoor
from multicloud.model.reason import Code, Reason
from multicloud.model.size import Principal
from multicloud.settings import AwsEndpoints, Endpoint

LONGEST_READ_S: Final = 20.0
"""How long an answer is waited for, in seconds."""

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def open_door(  # noqa: PLR0913 - what one account needs, and who looks on
    provider: AwsAccount,
    secret: Mapping[str, bytes] | None,
    endpoints: AwsEndpoints,
    *,
    before_send: Callable[[], None],
    call_timeout_s: float,
    caller: str = "multicloud",
    tap: Tap | None = None,
) -> CloudDoor:
    """Open the account; `secret` None means the operator's own identity.

    `caller` is whom AWS's log names; it is also the external id of a role, unless the account has its own. `before_send`
    runs right before the bytes of a mutation leave and raises NotSent to keep them here; `tap` is told every request
    with its answer. Raises Refused for a Secret or endpoint that a person must mend.
    """
    for endpoint in (endpoints.eks, endpoints.autoscaling, endpoints.sts):
        if endpoint is not None:
            _check(endpoint)
    config = make_config(read_timeout_s=min(LONGEST_READ_S, call_timeout_s))
    keys = None if secret is None else read_keys(secret)
    role = None
    if provider.role_arn is not None:
        role = Role(arn=provider.role_arn, external_id=provider.external_id or caller)
    login = Login(keys, role, endpoints.sts, config, name=session_name(caller))
    clients = Clients(login, endpoints, before_send, config, tap)
    return CloudDoor(
        name="aws",
        identity=EksIdentity(clients),
        node_pools=EksNodePools(clients),
        access=EksAccess(clients),
        probe=EksProbe(clients),
    )


class EksIdentity:
    """The port Identity on AWS's Security Token Service."""

    def __init__(self, clients: Clients) -> None:
        """Use the account's clients."""
        self._clients = clients

    def whoami(self) -> Principal:
        """The caller's ARN, which needs no permission. Raises CloudError."""
        what = "asking AWS who we are"
        answer = self._clients.read("sts", None, "get_caller_identity", what)
        arn = answer.get("Arn")
        if not isinstance(arn, str):
            raise Unavailable(Reason(code=Code.UNEXPECTED, text=f"{what}: AWS gave an answer that is none"))
        return Principal(name=arn)


def _check(endpoint: Endpoint) -> None:
    """Refuse endpoints that would carry a session token in the clear, or whose authority is not there."""
    url = urlsplit(endpoint.url)
    if url.scheme != "https" and url.hostname not in _LOOPBACK:
        raise refused(Code.INVALID, f"the AWS endpoint {endpoint.url} in the settings must be an https URL")
    if endpoint.ca_file is not None and not endpoint.ca_file.is_file():
        raise refused(Code.INVALID, f"the caFile {endpoint.ca_file} of {endpoint.url} in the settings does not exist")
