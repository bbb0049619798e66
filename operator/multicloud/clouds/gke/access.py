"""The way into a GKE cluster's own Kubernetes API: GetCluster's address and authority, and the account's access token.

gke-gcloud-auth-plugin hands on the same token. What it may do there, IAM (container.*) or the cluster's own RBAC says.
"""

from multicloud.clouds.answers import way_in
from multicloud.clouds.gke.container import Container
from multicloud.clouds.gke.login import Login
from multicloud.model.member import ClusterCredential
from multicloud.model.ref import ClusterRef


class GkeAccess:
    """The port ClusterAccess on Kubernetes Engine."""

    def __init__(self, container: Container, login: Login) -> None:
        """Use the account's clients and identity."""
        self._container = container
        self._login = login

    def credential(self, cluster: ClusterRef, known: ClusterCredential | None) -> ClusterCredential:
        """As the port says."""
        url, authority = self._way_in(cluster) if known is None else (known.url, known.ca_pem)
        token = self._login.bearer()
        return ClusterCredential(url=url, ca_pem=authority, token=token, expires_at=self._login.expires_at())

    def _way_in(self, cluster: ClusterRef) -> tuple[str, str]:
        endpoint, encoded = self._container.way_in(cluster)
        # Google tells a bare address; whatever follows it (a port) is taken as it is.
        return way_in(f"https://{endpoint}", encoded, f"asking for the way into cluster {cluster}")
