"""Who asks a member cluster: each takes what its own cloud issues, and nothing else.

EKS: a presigned token (`awstoken`). AKS: an Entra token for the AKS server application, as kubelogin gets it. GKE: an
OAuth access token. The lab's own issuers vouch for the last two.
"""

from dataclasses import dataclass

from multicloud_lab.aks.entra import Entra
from multicloud_lab.aks.errors import ArmError
from multicloud_lab.aks.kubeconfig import SERVER_ID
from multicloud_lab.clusters.awstoken import AwsTokens, TokenError
from multicloud_lab.clusters.place import Place
from multicloud_lab.gke.errors import GoogleError
from multicloud_lab.gke.tokens import Identity

_GOOGLE_ACCESS_TOKEN = "ya29."  # noqa: S105  (how they all start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The three clouds' issuers."""

    aws: AwsTokens
    entra: Entra
    identity: Identity

    def principal(self, place: Place, authorization: str | None) -> str:
        """Return who the bearer token speaks for, at this cluster. Raises TokenError with the reason."""
        scheme, _, token = (authorization or "").strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise TokenError("there is no bearer token")
        if place.cloud == "aws":
            return self.aws.principal(token, place.cluster)
        try:
            if place.cloud == "azure":
                return self.entra.principal(authorization, {SERVER_ID})
            if not token.startswith(_GOOGLE_ACCESS_TOKEN):
                raise TokenError("the token is no access token of Google")
            return self.identity.principal(authorization, host="container.googleapis.com", method="kubernetes")
        except (ArmError, GoogleError) as error:
            raise TokenError(str(error)) from error
