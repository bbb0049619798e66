"""Opens an Oasis account: its Secret's token and the administrator's endpoint become a CloudDoor."""

from collections.abc import Callable, Mapping
from typing import Final

from multicloud.clouds.oasis.api import Api
from multicloud.clouds.oasis.pools import OasisNodePools

from multicloud.model.error import refused
from multicloud.model.port import CloudDoor
from multicloud.model.reason import Code
from multicloud.model.ref import OasisAccount
from multicloud.model.size import Principal
from multicloud.settings import OasisEndpoints

CLIENT_SECRET: Final = "clientSecret"
LONGEST_READ_S: Final = 20.0
PUBLIC: Final = "https://api.oasis.example"


class OasisIdentity:
    """The port Identity on Oasis."""

    def __init__(self, api: Api) -> None:
        """Use the account's API."""
        self._api = api

    def whoami(self) -> Principal:
        """The user that the token belongs to. Raises CloudError."""
        return Principal(name=str(self._api.get("/v1/whoami", "asking Oasis who we are")["user"]))


def open_door(
    provider: OasisAccount,
    secret: Mapping[str, bytes] | None,
    endpoints: OasisEndpoints,
    *,
    before_send: Callable[[], None],
    call_timeout_s: float,
) -> CloudDoor:
    """Open the account. Raises Refused for a Secret that a person must mend; nothing is sent."""
    token = (secret or {}).get(CLIENT_SECRET)
    if token is None:
        raise refused(Code.SECRET_KEY_MISSING, f"the Secret has no key {CLIENT_SECRET} (an Oasis API token)")
    url = PUBLIC if endpoints.api is None else endpoints.api.url
    api = Api(url, token.decode("ascii", "replace"), before_send, read_timeout_s=min(LONGEST_READ_S, call_timeout_s))
    return CloudDoor(name="oasis", identity=OasisIdentity(api), node_pools=OasisNodePools(api))
