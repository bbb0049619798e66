"""Implements the port ClusterSide: which clusters are watched for whom, started on demand, ended when nobody wants them.

`observe` attends and asks; `watching` does the work. Pools are woken only when a number of their node pools changed, and
at most once a second, so that a fleet at rest makes no passes. Pods without a node come and go all day: whoever waits for
them looks again by itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from multicloud.kube.members.cordoning import Cordoning
from multicloud.kube.members.watching import Watching
from multicloud.kube.members.waysin import WaysIn
from multicloud.model.member import ClusterCredential, ClusterLogin, Inside, Load, Look, Patched, SeenNode
from multicloud.model.pods import Crowd
from multicloud.model.port import Clock, Wake
from multicloud.model.reason import Code, Reason
from multicloud.model.ref import ObjectKey

GATHER_S: Final = 1.0
"""How long changes gather before they wake a pool: a hundred nodes that become ready make few passes."""


@dataclass(slots=True)
class _Seat:
    """One cluster: who watches it for whom, and what each node pool was last told as."""

    watching: Watching
    looks: dict[ObjectKey, Look] = field(default_factory=dict)
    told: dict[str, Inside] = field(default_factory=dict)


class MemberEyes:
    """Implements the port ClusterSide. Used on one event loop."""

    def __init__(self, ways_in: WaysIn, cordoning: Cordoning, clock: Clock, wake: Wake) -> None:
        """`wake` asks for a pass over a pool."""
        self._ways_in = ways_in
        self._cordoning = cordoning
        self._clock = clock
        self._wake = wake
        self._seats: dict[ClusterLogin, _Seat] = {}
        self._wanted: dict[ObjectKey, frozenset[ClusterLogin]] = {}

    def attend(self, pool: ObjectKey, wanted: Mapping[ClusterLogin, Look]) -> None:
        """As the port says."""
        for login in self._wanted.pop(pool, frozenset()) - wanted.keys():
            self._leave(login, pool)
        if wanted:
            self._wanted[pool] = frozenset(wanted)
        for login, look in wanted.items():
            seat = self._seats.get(login) or self._open(login)
            seat.looks[pool] = look
            seat.watching.wants_autoscaler = any(each.autoscaler for each in seat.looks.values())
            for node_pool in look.node_pools:
                seat.told.setdefault(node_pool, _worth_waking(seat.watching.inside(node_pool)))

    def inside(self, login: ClusterLogin, node_pool: str) -> Inside:
        """As the port says."""
        seat = self._seats.get(login)
        return seat.watching.inside(node_pool) if seat else Inside()

    def load(self, login: ClusterLogin, node_pool: str) -> Load | None:
        """As the port says."""
        seat = self._seats.get(login)
        return seat.watching.load(node_pool) if seat else None

    def crowd(self, login: ClusterLogin, node_pools: Iterable[str]) -> Crowd | None:
        """As the port says."""
        seat = self._seats.get(login)
        return seat.watching.crowd(node_pools) if seat else None

    def nodes(self, login: ClusterLogin, node_pool: str) -> Sequence[SeenNode]:
        """As the port says."""
        seat = self._seats.get(login)
        return seat.watching.nodes(node_pool) if seat else ()

    async def cordon(self, login: ClusterLogin, node_pool: str, nodes: Sequence[str], *, mark: str) -> Patched:
        """As the port says."""
        way_in = self._way_in(login)
        if way_in is None:
            return _not_inside(login)
        return await self._cordoning.cordon(way_in, login.cluster, node_pool, nodes, mark=mark)

    async def uncordon(self, login: ClusterLogin, node_pool: str, nodes: Sequence[str]) -> Patched:
        """As the port says."""
        way_in = self._way_in(login)
        if way_in is None:
            return _not_inside(login)
        return await self._cordoning.uncordon(way_in, login.cluster, node_pool, nodes)

    def account_changed(self, account: ObjectKey) -> None:
        """As the port says."""
        # Entered anew, not only sooner: no token of the identity before is used any longer.
        for login, seat in self._seats.items():
            if login.account == account:
                seat.watching.close()
                seat.watching = self._watch(login, autoscaler=seat.watching.wants_autoscaler)
                self._tell(login)

    def close(self) -> None:
        """As the port says."""
        for seat in self._seats.values():
            seat.watching.close()
        self._seats.clear()
        self._wanted.clear()

    def _open(self, login: ClusterLogin) -> _Seat:
        seat = self._seats[login] = _Seat(watching=self._watch(login))
        return seat

    def _watch(self, login: ClusterLogin, *, autoscaler: bool = False) -> Watching:
        async def credential(known: ClusterCredential | None) -> ClusterCredential:
            return await self._ways_in.credential(login, known)

        installation = self._cordoning.installation
        watching = Watching(login, credential, self._clock, lambda: self._tell(login), installation=installation)
        watching.wants_autoscaler = autoscaler
        return watching

    def _leave(self, login: ClusterLogin, pool: ObjectKey) -> None:
        seat = self._seats[login]
        del seat.looks[pool]
        wanted = frozenset[str]().union(*(look.node_pools for look in seat.looks.values()))
        seat.told = {name: told for name, told in seat.told.items() if name in wanted}
        if not seat.looks:
            self._seats.pop(login).watching.close()

    def _tell(self, login: ClusterLogin) -> None:
        seat = self._seats.get(login)
        if seat is None:
            return
        now = {name: _worth_waking(seat.watching.inside(name)) for name in seat.told}
        changed = {name for name, inside in now.items() if inside != seat.told[name]}
        seat.told = now
        for pool, look in seat.looks.items():
            if look.node_pools & changed:
                self._wake(pool, GATHER_S)

    def _way_in(self, login: ClusterLogin) -> ClusterCredential | None:
        seat = self._seats.get(login)
        return seat.watching.way_in if seat else None


def _not_inside(login: ClusterLogin) -> Patched:
    text = f"cluster {login.cluster.name} is not being looked into just now"
    return Patched(why=Reason(code=Code.UNAVAILABLE, text=text))


def _worth_waking(inside: Inside) -> Inside:
    """What is known, without what changes with every pod that begins."""
    counted = inside.counted
    if counted is None or counted.unscheduled is None:
        return inside
    return replace(inside, counted=replace(counted, unscheduled=0))
