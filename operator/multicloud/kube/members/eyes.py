"""Implements the port ClusterEyes: which clusters are watched for whom, started on demand, ended when nobody wants them.

`observe` attends and asks; `watching` does the work. Pools are woken only when a number of their node pools changed, and
at most once a second, so that a fleet at rest makes no passes. Pods without a node come and go all day: whoever waits for
them looks again by itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from multicloud.kube.members.kubeconfig import fetch_kubeconfig
from multicloud.kube.members.watching import Watching
from multicloud.model.error import refused
from multicloud.model.member import ClusterCredential, ClusterLogin, Inside, Load, Look
from multicloud.model.port import Clock, Lanes, Secrets, Wake
from multicloud.model.reason import Code
from multicloud.model.ref import ObjectKey
from multicloud.model.spec import AccountObject
from multicloud.settings import MemberClusters

GATHER_S: Final = 1.0
"""How long changes gather before they wake a pool: a hundred nodes that become ready make few passes."""


@dataclass(slots=True)
class _Seat:
    """One cluster: who watches it for whom, and what each node pool was last told as."""

    watching: Watching
    looks: dict[ObjectKey, Look] = field(default_factory=dict)
    told: dict[str, Inside] = field(default_factory=dict)


class MemberEyes:
    """Implements the port ClusterEyes. Used on one event loop."""

    def __init__(
        self,
        lanes: Lanes,
        secrets: Secrets,
        clock: Clock,
        settings: MemberClusters,
        *,
        account: Callable[[ObjectKey], AccountObject | None],
        wake: Wake,
    ) -> None:
        """`account` finds the account object as it is now, `wake` asks for a pass over a pool."""
        self._lanes = lanes
        self._secrets = secrets
        self._clock = clock
        self._settings = settings
        self._account = account
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
            return await self._credential(login, known)

        watching = Watching(login, credential, self._clock, lambda: self._tell(login))
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

    async def _credential(self, login: ClusterLogin, known: ClusterCredential | None) -> ClusterCredential:
        if login.kubeconfig:
            namespace, hosts = login.account.namespace, self._settings.kubeconfig_hosts
            return await fetch_kubeconfig(self._secrets, namespace, login.kubeconfig, hosts)
        account = self._account(login.account)
        if account is None:
            raise refused(Code.ACCOUNT_NOT_FOUND, f"CloudAccount {login.account.name} does not exist in this namespace")
        lane = await self._lanes.lane(account)
        return await lane.credential(login.cluster, known)


def _worth_waking(inside: Inside) -> Inside:
    """What is known, without what changes with every pod that begins."""
    counted = inside.counted
    if counted is None or counted.unscheduled is None:
        return inside
    return replace(inside, counted=replace(counted, unscheduled=0))
