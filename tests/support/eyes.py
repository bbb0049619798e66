"""Member clusters from inside, as a story tells them: what the operator sees there, and which nodes it closes and opens."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from multicloud.model.error import NotSent
from multicloud.model.member import ClusterLogin, Counted, Inside, Load, Look, Patched, SeenNode
from multicloud.model.pods import Crowd
from multicloud.model.port import Fence, Wake
from multicloud.model.reason import Reason
from multicloud.model.ref import Kind, ObjectKey

SEND_BUDGET_S = 5.0


@dataclass(slots=True)
class MemoryEyes:
    """The member clusters' side of the port ClusterSide: what each node pool shows, as the story says.

    `shown` is by cluster and pool; a pool that is not in it is one whose cluster lets us in and has not answered yet.
    `seen` are the nodes of those that a story shows node by node. `patched` are the nodes that were closed and opened, in
    order, each once for each patch; `trouble` keeps them from being patched; a patch reaches `held` and does not return.
    """

    wake: Wake
    fence: Fence
    shown: dict[tuple[str, str], Inside] = field(default_factory=dict)
    seen: dict[tuple[str, str], dict[str, SeenNode]] = field(default_factory=dict)
    loads: dict[tuple[str, str], Load] = field(default_factory=dict)
    wanted: dict[ObjectKey, Mapping[ClusterLogin, Look]] = field(default_factory=dict)
    patched: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    trouble: Reason | None = None
    held: asyncio.Future[None] | None = None

    def attend(self, pool: ObjectKey, wanted: Mapping[ClusterLogin, Look]) -> None:
        self.wanted.pop(pool, None)
        if wanted:
            self.wanted[pool] = wanted

    def inside(self, login: ClusterLogin, node_pool: str) -> Inside:
        return self.shown.get((login.cluster.name, node_pool), Inside())

    def load(self, login: ClusterLogin, node_pool: str) -> Load | None:
        return self.loads.get((login.cluster.name, node_pool))

    def nodes(self, login: ClusterLogin, node_pool: str) -> Sequence[SeenNode]:
        return list(self.seen.get((login.cluster.name, node_pool), {}).values())

    async def cordon(self, login: ClusterLogin, node_pool: str, nodes: Sequence[str], *, mark: str) -> Patched:
        self.marks.append(mark)
        return await self._patch(login, node_pool, nodes, "close", removes=True)

    async def uncordon(self, login: ClusterLogin, node_pool: str, nodes: Sequence[str]) -> Patched:
        return await self._patch(login, node_pool, nodes, "open", removes=False)

    async def _patch(
        self, login: ClusterLogin, node_pool: str, nodes: Sequence[str], verb: str, *, removes: bool
    ) -> Patched:
        try:
            self.fence.check(SEND_BUDGET_S, removes=removes)
        except NotSent as error:
            return Patched(why=error.reason)
        if self.trouble is not None:
            return Patched(why=self.trouble)
        key = (login.cluster.name, node_pool)
        closes = verb == "close"
        changed = {name: replace(self.seen[key][name], cordoned=closes, marked=closes) for name in nodes}
        self.patched += [f"{verb} {name}" for name in nodes]
        self.show_nodes(*key, (self.seen[key] | changed).values())
        if self.held is not None:
            self.held.set_result(None)
            await asyncio.Event().wait()
        return Patched(nodes=tuple(nodes))

    def crowd(self, _: ClusterLogin, __: Iterable[str]) -> Crowd | None:
        """Pods that wait are told by support.labeyes."""
        return None

    def account_changed(self, account: ObjectKey) -> None:
        assert account.kind is Kind.ACCOUNT

    def close(self) -> None:
        self.wanted.clear()

    def show(self, cluster: str, node_pool: str, inside: Inside) -> None:
        """From now on this is what the cluster shows; who looks is woken."""
        self.shown[cluster, node_pool] = inside
        for pool, wanted in self.wanted.items():
            if any(login.cluster.name == cluster and node_pool in look.node_pools for login, look in wanted.items()):
                self.wake(pool, 1.0)

    def show_nodes(self, cluster: str, node_pool: str, nodes: Iterable[SeenNode]) -> None:
        """As `show`, node by node."""
        seen = self.seen[cluster, node_pool] = {node.name: node for node in nodes}
        counted = Counted(
            nodes=len(seen),
            ready=sum(node.ready for node in seen.values()),
            cordoned=sum(node.cordoned for node in seen.values()),
            marked=sum(node.marked for node in seen.values()),
        )
        self.show(cluster, node_pool, Inside(counted=counted))
