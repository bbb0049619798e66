"""One look into a member cluster: does it let us in, show what we read there, let us cordon? `multicloud check` asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from multicloud.kube.client import KubeClient, KubeError
from multicloud.kube.members.entering import enter, why_not
from multicloud.kube.members.watching import NODES, PODS, SCHEDULED
from multicloud.model.error import Refused
from multicloud.model.member import ClusterCredential
from multicloud.model.reason import Reason
from multicloud.model.ref import ClusterRef

_ONE: Final[Mapping[str, str]] = {"limit": "1"}


# Cluster-wide on purpose: a review is no object, and nodes have no namespace.
REVIEWS: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
"""Answers what its asker may do. Everybody may ask, and nothing is kept of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """Why a cluster does not show all that is read there (None: it does), and whether nodes may be cordoned, if it says."""

    trouble: Reason | None
    cordons: bool | None = None


async def greet(credential: ClusterCredential, cluster: ClusterRef) -> Greeting:
    """Read one node and one pod, and ask for the right to patch nodes."""
    try:
        async with enter(credential) as kube:
            await kube.call("GET", NODES, query=_ONE)
            await kube.call("GET", PODS, query={**SCHEDULED, **_ONE})
            return Greeting(trouble=None, cordons=await _may_cordon(kube))
    except KubeError as error:
        return Greeting(trouble=why_not(error, cluster))
    except Refused as error:
        return Greeting(trouble=error.reason)


async def _may_cordon(kube: KubeClient) -> bool | None:
    question = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": "patch", "resource": "nodes"}},
    }
    try:
        status = (await kube.call("POST", REVIEWS, body=question)).get("status")
    except KubeError:
        return None  # not worth more: without it nodes go all the same
    return bool(status.get("allowed")) if isinstance(status, dict) else None
