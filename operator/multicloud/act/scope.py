"""Who waits for whom: a cloud runs one operation at a time in a scope, so we ask for one at a time.

EKS and AKS exclude operations per node pool, GKE per cluster. A scope is held from the moment an intent is prepared
until it is settled. Waiters are served shortage first, then by age.
"""

from dataclasses import dataclass

from multicloud.model.ref import Cloud, ClusterRef, NodePoolRef, ObjectKey

Scope = NodePoolRef | ClusterRef


def scope_of(node_pool: NodePoolRef) -> Scope:
    """The scope in which the cloud runs one operation at a time."""
    return node_pool.cluster if node_pool.cluster.cloud is Cloud.GCP else node_pool


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class _Waiter:
    calm: bool  # False for a shortage, which sorts first
    turn: int
    pool: ObjectKey


class Scopes:
    """Scopes held and waited for, by pool object."""

    def __init__(self) -> None:
        """Nothing is held."""
        self._holders: dict[Scope, ObjectKey] = {}
        self._waiters: dict[Scope, list[_Waiter]] = {}
        self._turn = 0

    def hold_exactly(self, pool: ObjectKey, scopes: frozenset[Scope]) -> set[ObjectKey]:
        """Say which scopes a pool's unsettled intents hold; returns the pools that may go on because some got free."""
        free = [scope for scope, holder in self._holders.items() if holder == pool and scope not in scopes]
        for scope in free:
            del self._holders[scope]
        for scope in scopes:
            self._holders.setdefault(scope, pool)
        return {waiter.pool for scope in free for waiter in self._waiters.get(scope, ())} - {pool}

    def stop_waiting(self, pool: ObjectKey) -> set[ObjectKey]:
        """Forget a pool's waits (it asks anew at each pass); returns the pools that waited behind it."""
        behind: set[ObjectKey] = set()
        for scope, waiters in list(self._waiters.items()):
            left = [waiter for waiter in waiters if waiter.pool != pool]
            if len(left) < len(waiters) and scope not in self._holders:
                behind |= {waiter.pool for waiter in left}
            if left:
                self._waiters[scope] = left
            else:
                del self._waiters[scope]
        return behind

    def take(self, scope: Scope, pool: ObjectKey, *, shortage: bool, waited: int | None = None) -> bool:
        """Take a free scope, or wait for it. `waited` is the turn of an earlier wait, which is kept."""
        holder = self._holders.get(scope)
        if holder is None and self._is_first(scope, pool, calm=not shortage, turn=waited):
            self._holders[scope] = pool
            self._waiters[scope] = [w for w in self._waiters.get(scope, ()) if w.pool != pool]
            return True
        if waited is None:
            self._turn += 1
            waited = self._turn
        self._waiters.setdefault(scope, []).append(_Waiter(calm=not shortage, turn=waited, pool=pool))
        return False

    def turns(self, pool: ObjectKey) -> dict[Scope, int]:
        """Turns of a pool's present waits, to be kept over `stop_waiting`."""
        return {scope: w.turn for scope, waiters in self._waiters.items() for w in waiters if w.pool == pool}

    def _is_first(self, scope: Scope, pool: ObjectKey, *, calm: bool, turn: int | None) -> bool:
        others = [w for w in self._waiters.get(scope, ()) if w.pool != pool]
        mine = _Waiter(calm=calm, turn=turn if turn is not None else self._turn + 1, pool=pool)
        return all(mine < other for other in others)
