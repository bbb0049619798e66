"""The way into a member's cluster: its account's own, or the kubeconfig that the member names. Asked by `eyes`."""

from collections.abc import Callable

from multicloud.kube.members.kubeconfig import fetch_kubeconfig
from multicloud.model.account import AccountObject
from multicloud.model.error import refused
from multicloud.model.member import ClusterCredential, ClusterLogin
from multicloud.model.port import Lanes, Secrets
from multicloud.model.reason import Code
from multicloud.model.ref import ObjectKey
from multicloud.settings import MemberClusters


class WaysIn:
    """Credentials for logins."""

    def __init__(
        self,
        lanes: Lanes,
        secrets: Secrets,
        settings: MemberClusters,
        account: Callable[[ObjectKey], AccountObject | None],
    ) -> None:
        """`account` finds the account object as it is now."""
        self._lanes = lanes
        self._secrets = secrets
        self._settings = settings
        self._account = account

    async def credential(self, login: ClusterLogin, known: ClusterCredential | None) -> ClusterCredential:
        """A way in; `known` gets only a new token. Raises CloudError."""
        if login.kubeconfig:
            namespace, hosts = login.account.namespace, self._settings.kubeconfig_hosts
            return await fetch_kubeconfig(self._secrets, namespace, login.kubeconfig, hosts)
        account = self._account(login.account)
        if account is None:
            raise refused(Code.ACCOUNT_NOT_FOUND, f"CloudAccount {login.account.name} does not exist in this namespace")
        lane = await self._lanes.lane(account)
        return await lane.credential(login.cluster, known)
