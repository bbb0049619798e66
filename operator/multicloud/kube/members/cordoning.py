"""Closes nodes of a member cluster to new pods, and opens them again. `eyes` asks for it, `act` says which nodes.

A node is read right before it is patched, and patched only as it was read (resourceVersion): what somebody else does
meanwhile is never undone. The fence is asked after that, right before the patch leaves.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from multicloud.kube.client import MERGE, KubeClient, KubeError
from multicloud.kube.members.entering import enter, why_not
from multicloud.kube.members.marks import MARK, bears_mark, mark_of
from multicloud.kube.members.watching import NODES
from multicloud.model.error import NotSent, Refused
from multicloud.model.member import ClusterCredential, Patched
from multicloud.model.port import Fence
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import ClusterRef

Patch = Callable[[Mapping[str, Any]], Mapping[str, Any] | None]
"""What to change of a node as it is now, None for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """Nodes of a node pool to be patched one after the other; `done` are those that were."""

    cluster: ClusterRef
    node_pool: str
    nodes: Sequence[str]
    patch: Patch
    removes: bool
    done: list[str] = field(default_factory=list)


class Cordoning:
    """Patches nodes of any member cluster."""

    def __init__(self, fence: Fence, *, send_budget_s: float, within_s: float, installation: str) -> None:
        """`send_budget_s` is what the fence must grant, `within_s` how long one row of nodes may take, in real seconds.

        `installation` is whose marks are ours.
        """
        self._fence = fence
        self._send_budget_s = send_budget_s
        self._within_s = within_s
        self.installation = installation

    async def cordon(
        self, way_in: ClusterCredential, cluster: ClusterRef, node_pool: str, nodes: Sequence[str], *, mark: str
    ) -> Patched:
        """As Cordons.cordon."""
        annotations = {MARK: mark_of(self.installation, mark)}

        def patch(node: Mapping[str, Any]) -> Mapping[str, Any] | None:
            if node["spec"].get("unschedulable"):
                return None  # by us, which suffices, or by somebody else, which stays theirs
            return {"metadata": {"annotations": annotations}, "spec": {"unschedulable": True}}

        row = _Row(cluster=cluster, node_pool=node_pool, nodes=nodes, patch=patch, removes=True)
        return await self._patch_all(way_in, row)

    async def uncordon(
        self, way_in: ClusterCredential, cluster: ClusterRef, node_pool: str, nodes: Sequence[str]
    ) -> Patched:
        """As Cordons.uncordon."""

        def patch(node: Mapping[str, Any]) -> Mapping[str, Any] | None:
            if not bears_mark(node, self.installation):
                return None
            return {"metadata": {"annotations": {MARK: None}}, "spec": {"unschedulable": None}}

        row = _Row(cluster=cluster, node_pool=node_pool, nodes=nodes, patch=patch, removes=False)
        return await self._patch_all(way_in, row)

    async def _patch_all(self, way_in: ClusterCredential, row: _Row) -> Patched:
        why: Reason | None = None
        try:
            # Real time, as for a cloud's call: virtual time may jump by hours meanwhile.
            async with asyncio.timeout(self._within_s), enter(way_in) as kube:
                for name in row.nodes:
                    await self._patch(kube, row, name)
        except TimeoutError:
            text = f"cluster {row.cluster.name} does not answer within {self._within_s:g} s"
            why = Reason(code=Code.TIMED_OUT, text=text)
        except KubeError as error:
            why = why_not(error, row.cluster)
        except (Refused, NotSent) as error:
            why = error.reason
        return Patched(nodes=tuple(row.done), why=why)

    async def _patch(self, kube: KubeClient, row: _Row, name: str) -> None:
        """Patch one node if there is anything to change. Raises KubeError, NotSent."""
        path = f"{NODES}/{name}"
        try:
            wish = _as_read(await kube.call("GET", path), row)
            if wish is None:
                return
            self._fence.check(self._send_budget_s, removes=row.removes)
            await kube.call("PATCH", path, body=wish, content_type=MERGE)
        except KubeError as error:
            if error.gone or error.conflict:
                return  # it went, or somebody was quicker: the next look tells what is left to do
            raise
        row.done.append(name)


def _as_read(node: Mapping[str, Any], row: _Row) -> Mapping[str, Any] | None:
    """The patch of a node that is still of the node pool, for the version that was read. Raises KubeError for no node."""
    try:
        labels = node["metadata"].get("labels") or {}
        pool = next((labels[label] for label in row.cluster.cloud.pool_labels if label in labels), None)
        wish = row.patch(node) if pool == row.node_pool else None
        version = str(node["metadata"]["resourceVersion"])
    except (KeyError, TypeError, AttributeError):
        raise KubeError(0, "an answer that is no node") from None
    return None if wish is None else {**wish, "metadata": {**wish["metadata"], "resourceVersion": version}}
