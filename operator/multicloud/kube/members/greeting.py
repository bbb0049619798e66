"""One look into a member cluster: does it let us in, and show what the operator reads there? `multicloud check` asks."""

from collections.abc import Mapping
from typing import Final

from multicloud.kube.client import KubeError
from multicloud.kube.members.entering import enter, why_not
from multicloud.kube.members.watching import NODES, PODS, SCHEDULED
from multicloud.model.error import Refused
from multicloud.model.member import ClusterCredential
from multicloud.model.reason import Reason
from multicloud.model.ref import ClusterRef

_ONE: Final[Mapping[str, str]] = {"limit": "1"}


async def greet(credential: ClusterCredential, cluster: ClusterRef) -> Reason | None:
    """Read one node and one pod; None if the cluster answered both, else why it did not."""
    try:
        async with enter(credential) as kube:
            await kube.call("GET", NODES, query=_ONE)
            await kube.call("GET", PODS, query={**SCHEDULED, **_ONE})
    except KubeError as error:
        return why_not(error, cluster)
    except Refused as error:
        return error.reason
    return None
