"""Oasis's node pools: list, resize, poll. One list of a cluster tells everything, so both details are one."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from multicloud.clouds.oasis.api import Api

from multicloud.clouds.answers import GARBAGE, Found, garbled, nodes_told, pool_told, pools_told, told_or_raised
from multicloud.model.error import CloudError, Refused
from multicloud.model.port import ClusterPools
from multicloud.model.reason import Code
from multicloud.model.ref import ClusterRef, NodePoolRef
from multicloud.model.size import Activity, Detail, NodePool, Operation, OperationState, ReadySource, Resize

ACTIVITY: Final[Mapping[str, Activity]] = {"idle": Activity.IDLE, "resizing": Activity.BUSY, "broken": Activity.SICK}
"""By a pool's state; what is not here counts as an operation of somebody's."""

STATE: Final[Mapping[str, OperationState]] = {"done": OperationState.DONE, "failed": OperationState.FAILED}
"""By an operation's state; another one counts as running."""


class OasisNodePools:
    """The port NodePools on Oasis."""

    def __init__(self, api: Api) -> None:
        """Use the account's API."""
        self._api = api

    def list(self, clusters: Sequence[ClusterRef], *, detail: Detail) -> ClusterPools:  # noqa: ARG002 - one list tells all
        """Read the node pools of each cluster."""
        found: dict[ClusterRef, Found | CloudError] = {}
        for cluster in clusters:
            try:
                found[cluster] = self._pools(cluster)
            except CloudError as error:
                found[cluster] = error
        return told_or_raised(clusters, found)

    def read(self, pool: NodePoolRef) -> NodePool | None:
        """As the port says, out of its cluster's list. Raises CloudError."""
        return pool_told(self.list([pool.cluster], detail=Detail.FULL), pool)

    def resize(self, change: Resize, *, token: str) -> Operation:
        """Ask for an absolute size; the token makes a repetition the same request. Raises CloudError."""
        ref = change.pool.ref
        path = f"/v1/clusters/{quote(ref.cluster.name, safe='')}/pools/{quote(ref.name, safe='')}/resize"
        told = self._api.post(path, {"size": change.to, "token": token}, f"resizing node pool {ref}")
        return Operation(id=str(told["operation"]), pool=ref, state=OperationState.RUNNING)

    def poll(self, operation: Operation) -> Operation:
        """Ask how an operation is going; a forgotten one is LOST. Raises CloudError."""
        what = f"asking for the operation on node pool {operation.pool}"
        try:
            told = self._api.get(f"/v1/operations/{quote(operation.id, safe='')}", what)
        except Refused as error:
            if error.reason.code is not Code.NOT_FOUND:
                raise
            return Operation(id=operation.id, pool=operation.pool, state=OperationState.LOST)
        state, words = STATE.get(str(told["state"]), OperationState.RUNNING), str(told["state"])
        return Operation(id=operation.id, pool=operation.pool, state=state, words=words)

    def _pools(self, cluster: ClusterRef) -> Found:
        what = f"reading the node pools of {cluster}"
        told = self._api.get(f"/v1/clusters/{quote(cluster.name, safe='')}/pools", what)
        try:
            facts = [(str(each["name"]), partial(_facts, cluster, each)) for each in told["pools"]]
        except GARBAGE:
            raise garbled(what, "Oasis") from None
        return pools_told(cluster, "Oasis", facts)


def _facts(cluster: ClusterRef, told: Mapping[str, Any]) -> NodePool:
    name, state = str(told["name"]), str(told["state"])
    return NodePool(
        ref=NodePoolRef(cluster=cluster, name=name),
        claim=f"oasis/{cluster.name}/{name}",
        incarnation=str(told["id"]),
        requested=nodes_told(told["want"]),
        nodes=nodes_told(told["have"]),
        ready=nodes_told(told["ready"]),
        ready_source=ReadySource.CLOUD,
        activity=ACTIVITY.get(state, Activity.BUSY),
        words=state,
    )
