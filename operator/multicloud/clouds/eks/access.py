"""The way into an EKS cluster's own Kubernetes API: DescribeCluster's address, and a token that proves our identity.

The token is a presigned GetCallerIdentity, which the cluster has STS answer: `k8s-aws-v1.` and the URL in base64url, with
the cluster's name in the signed header x-k8s-aws-id (sigs.k8s.io/aws-iam-authenticator, pkg/token; `aws eks get-token`
makes the same). Making it sends nothing. What it may do there, access entries say.
"""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from multicloud.clouds.answers import way_in
from multicloud.clouds.eks.clients import GARBAGE, Clients
from multicloud.clouds.eks.errors import of_exception
from multicloud.model.member import ClusterCredential
from multicloud.model.ref import ClusterRef

LIFE: Final = timedelta(minutes=14)
"""How long a token counts from its signature: 15 minutes at the cluster, one of them for clocks that differ."""

SIGNED_S: Final = 60
"""X-Amz-Expires, as `aws eks get-token` sets it; the cluster does not go by it."""

_NAME: Final = "KubernetesClusterName"
"""Under which the cluster's name travels to the signature; never sent as a parameter."""


class EksAccess:
    """The port ClusterAccess on EKS."""

    def __init__(self, clients: Clients) -> None:
        """Use the account's clients."""
        self._clients = clients

    def credential(self, cluster: ClusterRef, known: ClusterCredential | None) -> ClusterCredential:
        """As the port says."""
        what = f"asking for the way into cluster {cluster}"
        url, authority = self._way_in(cluster, what) if known is None else (known.url, known.ca_pem)
        presigned = self._presigned(cluster, what)
        token = base64.urlsafe_b64encode(presigned.encode()).decode().rstrip("=")
        return ClusterCredential(
            url=url, ca_pem=authority, token=f"k8s-aws-v1.{token}", expires_at=_signed_at(presigned) + LIFE
        )

    def _way_in(self, cluster: ClusterRef, what: str) -> tuple[str, str]:
        answer = self._clients.read("eks", cluster.location, "describe_cluster", what, name=cluster.name)
        try:
            told = answer["cluster"]
            url, authority = str(told["endpoint"]), str(told["certificateAuthority"]["data"])
        except (KeyError, TypeError):
            url, authority = "", ""
        return way_in(url, authority, what)

    def _presigned(self, cluster: ClusterRef, what: str) -> str:
        try:
            sts = self._clients.signing_sts(cluster.location)
            # By their ids, so that a client that was used before keeps each once.
            sts.meta.events.register("provide-client-params.sts.GetCallerIdentity", _keep_name, unique_id="k8s-name")
            sts.meta.events.register("before-sign.sts.GetCallerIdentity", _sign_name, unique_id="k8s-header")
            url: str = sts.generate_presigned_url(
                "get_caller_identity", Params={_NAME: cluster.name}, ExpiresIn=SIGNED_S, HttpMethod="GET"
            )
        except GARBAGE as error:
            raise of_exception(error, what, write=False) from None
        return url


def _keep_name(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context[_NAME] = params.pop(_NAME)


def _sign_name(request: Any, **_: Any) -> None:
    request.headers["x-k8s-aws-id"] = request.context[_NAME]


def _signed_at(presigned: str) -> datetime:
    stamp = parse_qs(urlsplit(presigned).query)["X-Amz-Date"][0]
    return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
