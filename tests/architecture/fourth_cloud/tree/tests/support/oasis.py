"""Oasis as the conformance suite needs it."""

from collections.abc import Callable

from multicloud.clouds.oasis.door import open_door

from multicloud.model.port import CloudDoor
from multicloud.model.ref import Cloud, ClusterRef, NodePoolRef, OasisAccount
from multicloud.settings import Endpoint, OasisEndpoints
from multicloud_lab.thread import LabThread
from support.clouds import Ground, Secret


class OasisGround(Ground):
    """Its door is opened like the others', on the lab's document."""

    def door(self, lab: LabThread, before_send: Callable[[], None], secret: Secret | None = None) -> CloudDoor:
        known = lab.document["oasis"]
        chosen = {"clientSecret": known["token"].encode()} if secret is None else secret
        endpoints = OasisEndpoints(api=Endpoint(url=known["url"]))
        return open_door(OasisAccount(), chosen, endpoints, before_send=before_send, call_timeout_s=25)

    def wrong_secret(self, lab: LabThread) -> Secret:  # noqa: ARG002 - known without the lab
        return {"clientSecret": b"not-the-lab-token"}


OASIS = OasisGround(
    cloud=Cloud.OASIS,
    web=NodePoolRef(cluster=ClusterRef(cloud=Cloud.OASIS, name="prod"), name="web"),
    other=ClusterRef(cloud=Cloud.OASIS, name="batch"),
    names=frozenset({"web", "batch"}),
    claim="oasis/prod/web",
    write="ResizePool",
    guard="token",
    principal="lab-user",
    caller="lab-user",
)
