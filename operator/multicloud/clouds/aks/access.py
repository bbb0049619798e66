"""The way into an AKS cluster's own Kubernetes API: the user's kubeconfig tells address and authority, Entra the token.

The kubeconfig of listClusterUserCredential names a program that would log a person in; of it only address and authority
are read. The token is for the AKS server application, as kubelogin gets it
(https://azure.github.io/kubelogin/concepts/aks.html). What it may do there, Azure RBAC or the cluster's own says.
"""

from datetime import UTC, datetime
from typing import Any, Final

import yaml

from multicloud.clouds.aks.errors import of_exception
from multicloud.clouds.aks.login import Login
from multicloud.clouds.aks.pipeline import Arm
from multicloud.clouds.aks.pools import GARBAGE
from multicloud.clouds.answers import way_in
from multicloud.model.member import ClusterCredential
from multicloud.model.ref import ClusterRef

SERVER_SCOPE: Final = "6dae42f8-4368-4678-94ff-3960e28e3630/.default"
"""The AKS server application, the same in every tenant and cloud."""


class AksAccess:
    """The port ClusterAccess on ARM and Entra."""

    def __init__(self, arm: Arm, login: Login) -> None:
        """Use the account's clients and identity."""
        self._arm = arm
        self._login = login

    def credential(self, cluster: ClusterRef, known: ClusterCredential | None) -> ClusterCredential:
        """As the port says."""
        url, authority = self._way_in(cluster) if known is None else (known.url, known.ca_pem)
        token = self._login.get_token(SERVER_SCOPE)
        expires_at = datetime.fromtimestamp(token.expires_on, UTC)
        return ClusterCredential(url=url, ca_pem=authority, token=token.token, expires_at=expires_at)

    def _way_in(self, cluster: ClusterRef) -> tuple[str, str]:
        what = f"asking for the way into cluster {cluster}"
        clusters = self._arm.client(cluster.owner).managed_clusters
        try:
            answer = clusters.list_cluster_user_credentials(cluster.group, cluster.name, format="exec")
            kubeconfigs = [each.value for each in answer.kubeconfigs or () if each.value]
        except GARBAGE as error:
            raise of_exception(error, what, write=False) from None
        return way_in(*_address(kubeconfigs[0] if kubeconfigs else b""), what)


def _address(kubeconfig: bytes | bytearray) -> tuple[str, str]:
    """Server and certificate-authority-data of the only cluster; empty where the text is no such kubeconfig."""
    try:
        told: Any = yaml.safe_load(bytes(kubeconfig))
        where = told["clusters"][0]["cluster"]
        return str(where["server"]), str(where["certificate-authority-data"])
    except (yaml.YAMLError, KeyError, IndexError, TypeError, UnicodeDecodeError):
        return "", ""
